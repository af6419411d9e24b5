"""Boathouse: a rowing club's members. It deletes a member some minutes after it was asked to, and says when it has."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

import hub
from pydantic import BaseModel, Field, SecretStr

BASE = "https://api.boathouse.example/v2"
CARD = "boathouse.card"  # namespace of the number on a member's card
FIELDS = {"first_name": "given", "last_name": "family", "email": "email", "phone": "mobile"}  # the hub's → Boathouse's
STOPS: Mapping[hub.Purpose, Mapping[str, bool]] = {
    hub.Purpose.MARKETING: {"mailings": False},
    hub.Purpose.PROCESSING: {"frozen": True},
}
PATIENCE = timedelta(days=2)  # Boathouse promises a deletion within a day
SOON = timedelta(minutes=5)

NO_FIELD = hub.Unsupported("Boathouse has a member's names, e-mail address and mobile number, and no other field.")
NO_USE = hub.Unsupported("Boathouse sends mailings by e-mail and shares data with nobody: there is no more to stop.")
NO_LIST = hub.Unsupported("Boathouse knows members alone: an objection of anybody else stands in the hub's own ledger.")
TAKEN = hub.Manual("merge_members", "Another member has the new e-mail address: decide at Boathouse which one stays.")
FAILED = hub.Refused("deletion_failed", "Boathouse took the deletion on and could not carry it out; it is asked again.")


class BoathouseConfig(hub.InstanceConfig):
    """One club at Boathouse."""

    token: SecretStr = Field(description="Access token of a secretary, from Club → Integrations.")
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="What Boathouse signs its notifications with; empty: they are not listened to.",
    )
    family_cards: bool = Field(default=True, description="Whether the club has cards that a whole family rows on.")


class Club(BaseModel):
    """Whose token it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Member(BaseModel):
    """What every member has. `people` is how many row on the card; `deletion` the job that will end it."""

    id: str
    card: str
    given: str
    family: str
    email: str
    mobile: str
    people: int
    mailings: bool
    frozen: bool
    deletion: str | None


class Page(BaseModel):
    """Some members, and the cursor of those after them."""

    members: list[Member]
    next: str | None


class Deletion(BaseModel):
    """A deletion that was accepted."""

    id: str
    status: Literal["accepted", "running", "done", "failed"]


class Unknown(BaseModel):
    """There is no such member or deletion, in Boathouse's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_member", "no_such_job"]


class Taken(BaseModel):
    """Another member has that address."""

    error: Literal["taken"]


class Boathouse(hub.Processor[BoathouseConfig]):
    """One club at Boathouse."""

    name = "boathouse"
    title = "Boathouse"
    searches: ClassVar = {"email": hub.Search.EXACT, CARD: hub.Search.EXACT}
    kinds: ClassVar = {"member": "member of a rowing club"}

    @classmethod
    def limits(cls, config: BoathouseConfig) -> hub.Limits:
        """Its one host; Boathouse allows five calls at once and sixty a minute."""
        return hub.Limits(("api.boathouse.example",), concurrency=4, rates=(hub.Rate(60, timedelta(minutes=1)),))

    def check(self) -> hub.Account:
        """Whose token it is, and which scopes it lacks."""
        club: Club = self._call("GET", "/club", {200: Club}).value
        missing = tuple(scope for scope in ("read", "write") if scope not in club.scopes)
        return hub.Account(club.id, club.name, permissions=club.scopes, missing=missing)

    def find(self, subject: hub.Subject) -> Iterator[hub.Holding | hub.Learned | hub.Coverage]:
        """Every member with one of the addresses or cards; what a card of one's own says else of the person."""
        found: dict[str, Member] = {}
        for identifier in subject.identifiers:
            field = {"email": "email", CARD: "card"}.get(identifier.label)
            if field:
                members = self._members({field: identifier.value})
                found |= {member.id: member for member in members if identifier.matches(getattr(member, field))}
        for member in found.values():
            shared = self.config.family_cards and member.people > 1
            reach = hub.Reach.SHARED if shared else hub.Reach.SOLE
            yield hub.Holding(member.id, "member", ("contact", "membership"), {"id": member.id}, reach=reach)
            if not shared:
                yield hub.Learned(hub.Identifier.external(CARD, member.card))
        yield hub.Coverage(self.searches)

    def export(self, holding: hub.Holding, step: hub.Step) -> Iterator[hub.Record]:
        """The whole record, as Boathouse shows it."""
        reply = self._about("GET", holding, {200: Member})
        if isinstance(reply.value, Member):
            yield hub.Record("member", reply.json)

    def rectify(self, holding: hub.Holding, changes: hub.Changes, step: hub.Step) -> hub.Outcome:
        """Change the fields asked for."""
        asked = changes.concerning(self.name)
        fields = {FIELDS[name]: value for name, value in asked.items() if name in FIELDS}
        learned = (hub.Identifier.email(fields["email"]),) if fields.get("email") else ()
        left = NO_FIELD if len(fields) < len(asked) else None
        return self._set(holding, fields, hub.Done(hub.Method.CORRECTED, learned=learned), left)

    def suppress(self, target: hub.Holding | hub.Subject, scope: hub.Scope, step: hub.Step) -> hub.Outcome:
        """End the mailings; freeze the record when all processing is to stop."""
        if isinstance(target, hub.Subject):
            return NO_LIST
        fields = _stopped(scope)
        return self._set(
            target, fields, hub.Done(hub.Method.SUPPRESSED), NO_USE if len(fields) < len(scope.purposes) else None
        )

    def lift(self, holding: hub.Holding, scope: hub.Scope, step: hub.Step) -> hub.Outcome:
        """Thaw the record. The mailings stay ended: to subscribe is the person's own act."""
        if hub.Purpose.PROCESSING not in scope.purposes:
            return hub.Manual("subscribe_again", "Nobody but the person can subscribe to a club's mailings again.")
        return self._set(holding, {"frozen": False}, hub.Done(hub.Method.LIFTED), None)

    def erase(self, holding: hub.Holding, step: hub.Step) -> hub.Outcome:
        """Ask for the deletion. Asking twice leads to the same one."""
        said = self._about("POST", holding, {202: Deletion}, "/deletion", idempotent=True).value
        return hub.Absent() if isinstance(said, Unknown) else _progress(said, step)

    def resume(self, holding: hub.Holding, handle: hub.Handle, step: hub.Step) -> hub.Outcome:
        """See what became of it."""
        path = {"id": handle["deletion"]}
        return _progress(self._call("GET", "/deletions/{id}", {200: Deletion}, path=path).value, step)

    def receive(self, delivery: hub.Delivery) -> Iterator[hub.Signal]:
        """Boathouse says that a deletion has ended. What it did not sign is passed over."""
        secret = self.config.webhook_secret.get_secret_value()
        expected = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
        signature = delivery.headers.get("x-boathouse-signature", "")
        if secret and hmac.compare_digest(signature.encode(), f"sha256={expected}".encode()):
            said = json.loads(delivery.body)
            if said["event"] == "deletion.ended":
                yield hub.Signal({"deletion": said["deletion"]})

    def confirm(self, act: hub.Act, step: hub.Step) -> hub.Confirmation:
        """Read the very record back."""
        if isinstance(act.target, hub.Subject):
            return hub.Unverifiable("nothing_recorded")
        found: Member | Unknown = self._about("GET", act.target, {200: Member}).value
        if isinstance(found, Unknown):
            return hub.Gone()
        match act:
            case hub.Act(operation=hub.Operation.ERASE):
                return hub.NotYet(step.now + SOON) if found.deletion else hub.Differs(("id",))
            case hub.Act(operation=hub.Operation.LIFT):
                wanted: Mapping[str, Any] = {"frozen": False}
            case hub.Act(changes=hub.Changes() as changes):
                asked = changes.concerning(self.name)
                wanted = {FIELDS[name]: value for name, value in asked.items() if name in FIELDS}
            case _:
                wanted = _stopped(act.scope or hub.Scope())
        wrong = tuple(name for name, value in wanted.items() if getattr(found, name) != value)
        return hub.Differs(wrong) if wrong else hub.AsAsked()

    def _members(self, query: Mapping[str, str]) -> Iterator[Member]:
        """Every page of them."""
        cursor: str | None = ""
        while cursor is not None:
            asked = {**query, "cursor": cursor} if cursor else query
            page: Page = self._call("GET", "/members", {200: Page}, query=asked).value
            yield from page.members
            cursor = page.next

    def _set(
        self, held: hub.Holding, fields: Mapping[str, Any], done: hub.Done, left: hub.Unsupported | None
    ) -> hub.Outcome:
        """Set fields of a member; `left` is what was asked besides and cannot be done."""
        if left and not fields:
            return left
        said = self._about("PATCH", held, {200: Member, 409: Taken}, json=fields, idempotent=True).value
        if isinstance(said, Unknown | Taken):
            return hub.Absent() if isinstance(said, Unknown) else TAKEN
        return hub.Partial(done, (left,)) if left else done

    def _about(
        self, method: str, held: hub.Holding, expect: Mapping[int, Any], part: str = "", **more: Any
    ) -> hub.Reply[Any]:
        """A call about one member, who may be gone."""
        return self._call(method, f"/members/{{id}}{part}", {**expect, 404: Unknown}, path=held.locator, **more)

    def _call(self, method: str, route: str, expect: Mapping[int, Any], **more: Any) -> hub.Reply[Any]:
        """A call, signed; `expect` is each answer that Boathouse documents for it, and how that looks."""
        signed = {"Authorization": f"Bearer {self.config.token.get_secret_value()}"}
        return self.hub.wire.call(method, BASE + route, expect=expect, headers=signed, **more)


def _stopped(scope: hub.Scope) -> dict[str, bool]:
    """The fields of a member whose data is not used in those ways; Boathouse mails by e-mail alone."""
    mails = scope.covers(hub.Channel.EMAIL)
    purposes = [p for p in STOPS if p in scope.purposes and (mails or p is not hub.Purpose.MARKETING)]
    return {field: value for purpose in purposes for field, value in STOPS[purpose].items()}


def _progress(deletion: Deletion, step: hub.Step) -> hub.Outcome:
    match deletion.status:
        case "done":
            return hub.Done(hub.Method.DELETED)
        case "failed":
            return FAILED
        case _:
            return hub.Pending(step.now + SOON, {"deletion": deletion.id}, give_up_at=step.received + PATIENCE)
