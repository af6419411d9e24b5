"""What connected shops report: customers, carts and orders, each with a life of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.mailchimp.api import Api, Json
from connectors.mailchimp.problems import NotThere
from connectors.mailchimp.silencing import nothing_sent
from hub import (
    Absent,
    Act,
    AsAsked,
    Changes,
    Channel,
    Confirmation,
    Differs,
    Done,
    Gone,
    Holding,
    Manual,
    Method,
    Operation,
    Outcome,
    Partial,
    Purpose,
    Record,
    Scope,
    Step,
    Unsupported,
)

_FIELDS = {"first_name": "first_name", "last_name": "last_name", "company": "company"}
_ADDRESS = {
    "line1": "address1",
    "line2": "address2",
    "city": "city",
    "postcode": "postal_code",
    "country": "country",
}
_HISTORY = Unsupported("A cart or an order records what happened; correct it in the shop that reported it.")
_NO_USE_OF_ITS_OWN = Unsupported(
    "Mailchimp cannot block a cart or an order; the choice stands on the contact and customer it belongs to."
)
_NEVER_RESTRICTED = {
    "customer": Unsupported(
        "Mailchimp cannot restrict a customer of a shop: this one never was, so nothing is to lift. An opt-in that was "
        "taken away is the person's alone to give again."
    ),
    "order": Unsupported("Mailchimp cannot restrict an order: this one never was, so nothing is to lift."),
    "cart": Unsupported("Mailchimp cannot restrict a cart: this one never was, so nothing is to lift."),
}
_OPT_IN_AGAIN = Manual(
    "opt_in_again",
    "Nobody but the person can opt in again: ask this customer of a shop to do so at the shop, if they wish.",
)
_NOT_HERE = {
    Purpose.PROCESSING: Unsupported("Mailchimp cannot restrict a customer of a shop; it can only be deleted."),
    Purpose.SHARING: Unsupported("Mailchimp has no call that stops the sharing of a customer's data."),
}


class Records:
    """Customers, carts and orders."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        """The record as Mailchimp holds it, without its links."""
        record = self._read(holding) if step.cursor is None else None
        if record is not None:
            yield Record(holding.kind, {name: value for name, value in record.items() if name != "_links"}, "done")

    def rectify(self, holding: Holding, changes: Changes) -> Outcome:
        """A customer's name, company and address; not the address they are known by, which is the shop's to say."""
        if holding.kind != "customer":
            return _HISTORY
        body, left = _body(changes)
        if not body:
            return left or Absent()
        try:
            self._api.update_customer(holding.locator["store"], holding.locator["id"], body)
        except NotThere:
            return Absent()
        done = Done(Method.CORRECTED)
        return Partial(done, (left,)) if left else done

    def suppress(self, holding: Holding, scope: Scope) -> Outcome:
        """Takes the customer's opt-in away, which is one to e-mails."""
        if holding.kind != "customer":
            return _NO_USE_OF_ITS_OWN
        left = tuple(_NOT_HERE[purpose] for purpose in sorted(scope.purposes) if purpose in _NOT_HERE)
        if Purpose.MARKETING in scope.purposes and not scope.covers(Channel.EMAIL):
            left = (nothing_sent(scope), *left)
        elif Purpose.MARKETING in scope.purposes:
            return self._opt_out(holding, left)
        return left[0]

    def lift(self, holding: Holding, scope: Scope) -> Outcome:
        """Nothing here can have been restricted. A customer's opt-in can be off, and only the person gives it again."""
        opted_out = Purpose.MARKETING in scope.purposes and scope.covers(Channel.EMAIL)
        if holding.kind == "customer" and opted_out and Purpose.PROCESSING not in scope.purposes:
            return _OPT_IN_AGAIN
        return _NEVER_RESTRICTED[holding.kind]

    def _opt_out(self, holding: Holding, left: tuple[Unsupported, ...]) -> Outcome:
        try:
            self._api.update_customer(holding.locator["store"], holding.locator["id"], {"opt_in_status": False})
        except NotThere:
            return Absent()
        done = Done(Method.SUPPRESSED)
        return Partial(done, left) if left else done

    def erase(self, holding: Holding) -> Outcome:
        """Delete this record; the finder named the carts and orders before the customer."""
        try:
            self._api.delete_record(holding.kind, holding.locator["store"], holding.locator["id"])
        except NotThere:
            return Absent()
        return Done(Method.DELETED)

    def confirm(self, act: Act, holding: Holding) -> Confirmation:
        """Read the very record back."""
        record = self._read(holding)
        if record is None:
            return Gone() if act.operation in {Operation.ERASE, Operation.SUPPRESS} else Differs(("id",))
        if act.operation is Operation.ERASE:
            return Differs(("id",))
        wanted: Json = {"opt_in_status": False}
        if act.changes is not None:
            wanted, _ = _body(act.changes)
        wrong = tuple(differing(wanted, record))
        return Differs(wrong) if wrong else AsAsked()

    def _read(self, holding: Holding) -> Json | None:
        return self._api.record(holding.kind, holding.locator["store"], holding.locator["id"])


def differing(wanted: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    """The fields of `record` that are not as `wanted`; an address is looked into."""
    for name, value in wanted.items():
        held = record.get(name)
        if isinstance(value, dict) and isinstance(held, dict):
            yield from differing(value, held)
        elif (held.strip() if isinstance(held, str) else held) != value:
            yield name


def _body(changes: Changes) -> tuple[Json, Unsupported | None]:
    """The body of a PATCH, and what has no place in it."""
    wanted = changes.concerning("mailchimp")
    body: Json = {_FIELDS[name]: value for name, value in wanted.items() if name in _FIELDS}
    address = {_ADDRESS[name]: value for name, value in wanted.items() if name in _ADDRESS}
    other = sorted(wanted.keys() - _FIELDS.keys() - _ADDRESS.keys())
    left = Unsupported(f"Not in a customer of a shop by this call: {', '.join(other)}") if other else None
    return body | ({"address": address} if address else {}), left
