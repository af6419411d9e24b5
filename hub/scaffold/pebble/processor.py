"""Pebble: a shop's customers, found by e-mail address, and whether they get its newsletter."""
# ruff: noqa: ARG002, ARG003  # the interface's signatures, of which a small service needs half

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

import hub

BASE = "https://api.pebble.example/v1"
FIELDS = ("name", "phone")  # what can be corrected; standard fields, called the same at Pebble
NO_FIELD = hub.Unsupported("Pebble lets nobody correct more than the name and the telephone number.")
NO_USE = hub.Unsupported("Pebble can stop its newsletter to a customer, and no other use of data.")


class PebbleConfig(hub.InstanceConfig):
    """One account at Pebble."""

    api_key: SecretStr = Field(description="API key with the scopes read and write, from Settings → API.")


class Account(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Customer(BaseModel):
    """What every record has. What it has besides is exported too."""

    id: str
    email: str
    name: str
    phone: str
    company: bool
    newsletter: bool


class Page(BaseModel):
    """Some records, and the cursor of those after them."""

    customers: list[Customer]
    next: str | None


class Unknown(BaseModel):
    """There is no such record, in Pebble's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_customer"]


class Pebble(hub.Processor[PebbleConfig]):
    """One account at Pebble."""

    name = "pebble"
    title = "Pebble"
    searches: ClassVar = {"email": hub.Search.EXACT}
    kinds: ClassVar = {"customer": "customer record"}

    @classmethod
    def limits(cls, config: PebbleConfig) -> hub.Limits:
        """Its one host; of the ten calls at once that Pebble allows, most are left to others."""
        return hub.Limits(hosts=("api.pebble.example",), concurrency=4)

    def check(self) -> hub.Account:
        """Whose key it is, and which scopes it lacks."""
        found: Account = self._call("GET", "/account", {200: Account}).value
        missing = tuple(scope for scope in ("read", "write") if scope not in found.scopes)
        return hub.Account(found.id, found.name, permissions=found.scopes, missing=missing)

    def find(self, subject: hub.Subject) -> Iterator[hub.Holding | hub.Coverage]:
        """Every record with one of the person's addresses; a company's concerns others too."""
        for email in subject.of(hub.IdentifierKind.EMAIL):
            for customer in self._customers(email.value):
                if email.matches(customer.email):
                    reach = hub.Reach.SHARED if customer.company else hub.Reach.SOLE
                    yield hub.Holding(customer.id, "customer", ("contact",), {"id": customer.id}, reach=reach)
        yield hub.Coverage(self.searches)

    def export(self, holding: hub.Holding, step: hub.Step) -> Iterator[hub.Record]:
        """The whole record, as Pebble shows it."""
        reply = self._about("GET", holding)
        if isinstance(reply.value, Customer):
            yield hub.Record("customer", reply.json)

    def rectify(self, holding: hub.Holding, changes: hub.Changes, step: hub.Step) -> hub.Outcome:
        """Change the fields asked for, as far as Pebble lets anyone."""
        fields = self._correctable(changes)
        left = NO_FIELD if len(fields) < len(changes.concerning(self.name)) else None
        return self._set(holding, fields, hub.Method.CORRECTED, left)

    def suppress(self, target: hub.Holding | hub.Subject, scope: hub.Scope, step: hub.Step) -> hub.Outcome:
        """Take the customer off the newsletter."""
        mailed = hub.Purpose.MARKETING in scope.purposes and scope.covers(hub.Channel.EMAIL)
        if isinstance(target, hub.Subject) or not mailed:
            return NO_USE
        left = NO_USE if len(scope.purposes) > 1 else None
        return self._set(target, {"newsletter": False}, hub.Method.SUPPRESSED, left)

    def erase(self, holding: hub.Holding, step: hub.Step) -> hub.Outcome:
        """Delete the record."""
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return hub.Absent() if gone else hub.Done(hub.Method.DELETED)

    def confirm(self, act: hub.Act, step: hub.Step) -> hub.Confirmation:
        """Read the very record back."""
        if isinstance(act.target, hub.Subject):
            return hub.Unverifiable("nothing_recorded")
        found = self._about("GET", act.target).value
        if isinstance(found, Unknown):
            return hub.Gone()
        if act.operation is hub.Operation.ERASE:
            return hub.Differs(("id",))
        wanted = self._correctable(act.changes) if act.changes else {"newsletter": False}
        wrong = tuple(name for name, value in wanted.items() if getattr(found, name) != value)
        return hub.Differs(wrong) if wrong else hub.AsAsked()

    def _customers(self, email: str) -> Iterator[Customer]:
        """Every page of them."""
        query: dict[str, str] | None = {"email": email}
        while query:
            page: Page = self._call("GET", "/customers", {200: Page}, query=query).value
            yield from page.customers
            query = {"email": email, "cursor": page.next} if page.next else None

    def _correctable(self, changes: hub.Changes) -> dict[str, str]:
        return {name: value for name, value in changes.concerning(self.name).items() if name in FIELDS}

    def _set(self, held: hub.Holding, fields: Any, method: hub.Method, left: hub.Unsupported | None) -> hub.Outcome:
        """Set fields of a record; `left` is what was asked besides and cannot be done."""
        if left and not fields:
            return left
        if isinstance(self._about("PATCH", held, fields).value, Unknown):
            return hub.Absent()
        return hub.Partial(hub.Done(method), (left,)) if left else hub.Done(method)

    def _about(self, method: str, held: hub.Holding, fields: Any = None) -> hub.Reply[Any]:
        """A call about one record, which does what it does once however often it is made."""
        done: dict[int, Any] = {204: None} if method == "DELETE" else {200: Customer}
        expect = done | {404: Unknown}
        return self._call(method, "/customers/{id}", expect, path=held.locator, json=fields, idempotent=True)

    def _call(self, method: str, route: str, expect: Mapping[int, Any], **more: Any) -> hub.Reply[Any]:
        """A call, signed; `expect` is each answer that Pebble documents, and how it looks."""
        key = self.config.api_key.get_secret_value()
        return self.hub.wire.call(method, BASE + route, expect=expect, headers={"X-Api-Key": key}, **more)
