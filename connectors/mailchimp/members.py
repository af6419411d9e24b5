"""A member of an audience: correct, stop, bring back, delete, and read back."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.mailchimp.api import Api, Json
from connectors.mailchimp.correcting import Correction
from connectors.mailchimp.problems import MEMBER_EXISTS, NotThere, Problem
from connectors.mailchimp.records import differing
from connectors.mailchimp.silencing import nothing_sent, silence
from hub import (
    Absent,
    Act,
    AsAsked,
    Changes,
    Confirmation,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    Manual,
    Method,
    Operation,
    Outcome,
    Partial,
    Purpose,
    Scope,
    Unsupported,
)

_ARCHIVED = "archived"
_MERGE = Manual(
    "merge_contacts",
    "The new address is a contact of this audience already: decide in Mailchimp which of the two stays.",
)
_CORRECT = Manual(
    "correct_by_hand", "Mailchimp does not accept one of the new values: correct the contact in its audience by hand."
)
_ASK_SUPPORT = Manual(
    "ask_support",
    "Mailchimp does not let this contact be removed by a call: remove it in the audience, or ask support.",
)
_SUBSCRIBE_AGAIN = Manual(
    "subscribe_again",
    "Nobody but the person can subscribe this contact again: send them the audience's sign-up form.",
)
_NO_SHARING = Unsupported("Mailchimp has no call that stops the sharing of a contact's data; see its integrations.")


class Members:
    """Members, by the locator `{"audience", "hash", "contact"}`."""

    def __init__(self, api: Api, correction: Correction) -> None:
        self._api = api
        self._correction = correction

    def read(self, holding: Holding) -> Json | None:
        """The member where it was found, or where its contact is now; None when Mailchimp knows neither.

        A member is named by its address's hash, so it leaves that place when somebody changes the address.
        """
        audience, contact = holding.locator["audience"], holding.locator["contact"]
        member = self._api.member(audience, holding.locator["hash"])
        if member is None and contact:
            member = self._api.member(audience, contact)
        return member

    def rectify(self, holding: Holding, changes: Changes) -> Outcome:
        """Set merge fields, then the address: it may be refused alone, and it moves the member."""
        member = self.read(holding)
        if member is None:
            return Absent()
        audience, key = holding.locator["audience"], self._api.text(member, "id")
        plan = self._correction.plan(changes, member, self._api.merge_fields(audience))
        if not (plan.merge or plan.email):
            return plan.left or Absent()
        left: list[Manual | Unsupported] = [plan.left] if plan.left else []
        done = Done(Method.CORRECTED)
        try:
            if plan.merge:
                self._api.update_member(audience, key, {"merge_fields": plan.merge})
        except Problem as problem:
            return _refusal(problem)
        try:
            if plan.email:
                moved = self._api.update_member(audience, key, {"email_address": plan.email})
                locator = {**holding.locator, "hash": self._api.text(moved, "id")}
                done = Done(Method.CORRECTED, locator=locator, learned=(Identifier.email(plan.email),))
        except Problem as problem:
            if not plan.merge:
                return _refusal(problem)
            left.append(_refusal(problem))
        return Partial(done, tuple(left)) if left else done

    def suppress(self, holding: Holding, scope: Scope) -> Outcome:
        """Unsubscribe and take permissions away; archive when all processing is to stop."""
        if not scope.purposes & {Purpose.MARKETING, Purpose.PROCESSING}:
            return _NO_SHARING
        member = self.read(holding)
        if member is None:
            return Absent()
        audience, key = holding.locator["audience"], self._api.text(member, "id")
        stops = silence(member, scope)
        if stops is None and Purpose.PROCESSING not in scope.purposes:
            return nothing_sent(scope)
        if stops and member.get("status") != _ARCHIVED:  # changing an archived member would bring it back
            self._api.update_member(audience, key, stops)
        if Purpose.PROCESSING in scope.purposes and member.get("status") != _ARCHIVED:
            try:
                self._api.archive_member(audience, key)
            except NotThere:
                return Absent()
            except Problem:
                return _ASK_SUPPORT
        done = Done(Method.SUPPRESSED)
        return Partial(done, (_NO_SHARING,)) if Purpose.SHARING in scope.purposes else done

    def lift(self, holding: Holding, scope: Scope) -> Outcome:
        """Bring an archived member back, unsubscribed: to subscribe is the person's own act."""
        if Purpose.PROCESSING not in scope.purposes:
            return _SUBSCRIBE_AGAIN
        member = self.read(holding)
        if member is None:
            return Absent()
        if member.get("status") == _ARCHIVED:
            email = self._api.text(member, "email_address")
            body = {"email_address": email, "status_if_new": "unsubscribed", "status": "unsubscribed"}
            self._api.put_member(holding.locator["audience"], self._api.text(member, "id"), body)
        return Done(Method.LIFTED)

    def erase(self, holding: Holding) -> Outcome:
        """Delete for good. Where the address was changed since, the contact is followed to its new place."""
        audience, key = holding.locator["audience"], holding.locator["hash"]
        try:
            try:
                self._api.delete_member(audience, key)
            except NotThere:
                member = self.read(holding)
                if member is None:
                    return Absent()
                self._api.delete_member(audience, self._api.text(member, "id"))
        except NotThere:
            return Absent()
        except Problem:
            return _ASK_SUPPORT
        return Done(Method.DELETED)

    def confirm(self, act: Act, holding: Holding) -> Confirmation:
        """Read the very member back. An archived member is not a deleted one."""
        member = self.read(holding)
        match act.operation:
            case Operation.RECTIFY if act.changes is not None:
                wrong = ("id",) if member is None else tuple(self._uncorrected(act, act.changes, member))
            case Operation.LIFT:
                wrong = ("status",) if member is None or member.get("status") == _ARCHIVED else ()
            case _ if member is None:
                return Gone()
            case Operation.SUPPRESS if act.scope is not None:
                wrong = tuple(_unsilenced(member, act.scope))
            case _:
                wrong = ("status",)
        return Differs(wrong) if wrong else AsAsked()

    def _uncorrected(self, act: Act, changes: Changes, member: Json) -> Iterator[str]:
        tags = self._api.merge_fields(self._api.text(member, "list_id"))
        plan = self._correction.plan(changes, member, tags)
        yield from differing({"merge_fields": plan.merge}, member)
        if isinstance(act.outcome, Partial) and any(isinstance(part, Manual) for part in act.outcome.left):
            return  # the address was refused, and a person has been asked
        if plan.email and not Identifier.email(plan.email).matches(self._api.text(member, "email_address")):
            yield "email_address"


def _unsilenced(member: Json, scope: Scope) -> Iterator[str]:
    if member.get("status") == _ARCHIVED:
        return
    if Purpose.PROCESSING in scope.purposes:
        yield "status"
    yield from silence(member, scope) or ()


def _refusal(problem: Problem) -> Manual:
    return _MERGE if problem.title == MEMBER_EXISTS else _CORRECT
