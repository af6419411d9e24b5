"""Shelfmark: a public library's readers, what they borrowed, and what they paid at the desk."""
# ruff: noqa: ARG002  # the interface's signatures, of which a small service needs half

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

import hub

# --8<-- [start:words]
FIELDS = ("name", "email", "phone")  # what can be corrected: standard fields that are called the same at Shelfmark
GROUND = "UK GDPR Art. 17(3)(b): legal obligation; VAT Act 1994 Sch 11 para 6(3)"
YEARS = 6  # that a payment is kept

HISTORY = hub.Unsupported("A loan or a payment records what happened; there is nothing in it to correct.")
NO_FIELD = hub.Unsupported("Shelfmark keeps a reader's name, e-mail address and telephone number alone.")
NO_USE = hub.Unsupported("Shelfmark sends its readers a newsletter by e-mail; no other use of the data can be stopped.")
ON_LOAN = hub.Refused("on_loan", "A book is still out on this card: its loan can be erased once it is back.")
HAS_LOANS = hub.Refused("has_loans", "A card can be erased once its loans are.")
# --8<-- [end:words]


# --8<-- [start:settings]
class ShelfmarkConfig(hub.InstanceConfig):
    """One library at Shelfmark."""

    library: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,39}$",
        description="The library's name in its address: `wetherbury` in wetherbury.shelfmark.example.",
    )
    token: SecretStr = Field(description="Access token with the scopes read and write.")


# --8<-- [end:settings]


# --8<-- [start:shapes]
class Me(BaseModel):
    """Whose token it is, and what it may do."""

    library: str
    name: str
    scopes: tuple[str, ...]


class Row(BaseModel):
    """What every record has. What it has besides is exported too."""

    model_config = ConfigDict(extra="allow")
    id: str


class Reader(Row):
    """A reader's card. A company's is used by several people, whoever's address stands on it."""

    name: str
    email: str
    phone: str
    company: bool
    newsletter: bool


class Payment(Row):
    """Something paid at the desk."""

    paid: date


R = TypeVar("R", bound=Row)


class Page(BaseModel, Generic[R]):
    """Some records, and the cursor of those after them."""

    items: list[R]
    next: str | None


class Unknown(BaseModel):
    """There is no such record, in Shelfmark's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_reader", "no_such_loan", "no_such_payment"]


class Conflict(BaseModel):
    """Why something cannot be deleted now."""

    error: Literal["on_loan", "has_loans"]


SHAPES: Mapping[str, type[Row]] = {"loan": Row, "payment": Payment, "reader": Reader}
# --8<-- [end:shapes]


# --8<-- [start:declared]
class Shelfmark(hub.Processor[ShelfmarkConfig]):
    """One library: its readers' cards, loans and payments."""

    name = "shelfmark"
    title = "Shelfmark"
    searches: ClassVar = {"email": hub.Search.EXACT, "shelfmark.card": hub.Search.EXACT}
    kinds: ClassVar = {"loan": "loan of a book", "payment": "payment at the desk", "reader": "reader's card"}

    @classmethod
    def limits(cls, config: ShelfmarkConfig) -> hub.Limits:
        """The library's own address; Shelfmark asks integrations to keep to four calls at once."""
        return hub.Limits(hosts=(f"{config.library}.shelfmark.example",), concurrency=4)

    # --8<-- [end:declared]

    # --8<-- [start:check]
    def check(self) -> hub.Account:
        """Whose token it is, and which scopes it lacks."""
        found: Me = self._call("GET", "/me", {200: Me}).value
        missing = tuple(scope for scope in ("read", "write") if scope not in found.scopes)
        return hub.Account(found.library, found.name, permissions=found.scopes, missing=missing)

    # --8<-- [end:check]

    # --8<-- [start:find]
    def find(self, subject: hub.Subject) -> Iterator[hub.Holding | hub.Coverage]:
        """Readers by e-mail address and by card number; before each of them, what hangs on the card."""
        readers: dict[str, Reader] = {}
        for email in subject.of(hub.IdentifierKind.EMAIL):
            found = (reader for reader, _ in self._rows("/readers", Page[Reader], email=email.value))
            readers |= {reader.id: reader for reader in found if email.matches(reader.email)}
        for card in subject.external("shelfmark.card"):
            readers |= {reader.id: reader for reader, _ in self._rows("/readers", Page[Reader], card=card)}
        for reader in readers.values():
            yield from self._holdings(reader)
        yield hub.Coverage(self.searches)

    def _holdings(self, reader: Reader) -> Iterator[hub.Holding]:
        """Loans before their reader: a card that has any cannot be deleted."""
        common: dict[str, Any] = (
            {"reach": hub.Reach.SHARED, "hints": {"card of": reader.name}} if reader.company else {}
        )
        for kind in ("loan", "payment"):
            for row, _ in self._rows(f"/{kind}s", Page[Row], reader=reader.id):
                yield hub.Holding(f"{kind}/{row.id}", kind, (f"{kind}s",), {"id": row.id}, **common)
        yield hub.Holding(f"reader/{reader.id}", "reader", ("contact", "searches"), {"id": reader.id}, **common)

    # --8<-- [end:find]

    # --8<-- [start:rows]
    def _rows(self, route: str, shape: type[Page[R]], cursor: str = "", **query: str) -> Iterator[tuple[R, str | None]]:
        """Every row, to the last page. With the last row of a page comes the cursor of the next."""
        while True:
            page = self._call("GET", route, {200: shape}, query={**query, "cursor": cursor}).value
            yield from ((row, None) for row in page.items[:-1])
            yield from ((row, page.next) for row in page.items[-1:])
            if page.next is None:
                return
            cursor = page.next

    # --8<-- [end:rows]

    # --8<-- [start:export]
    def export(self, holding: hub.Holding, step: hub.Step) -> Iterator[hub.Record]:
        """The record as Shelfmark shows it; after a reader's, every search they made in the catalogue."""
        if step.cursor is None:
            reply = self._about("GET", holding)
            if isinstance(reply.value, Unknown):
                return
            yield hub.Record(holding.kind, reply.json, cursor="")
        if holding.kind == "reader":
            for row, after in self._rows("/searches", Page[Row], step.cursor or "", reader=holding.locator["id"]):
                yield hub.Record("search", row.model_dump(), cursor=after)

    # --8<-- [end:export]

    # --8<-- [start:rectify]
    def rectify(self, holding: hub.Holding, changes: hub.Changes, step: hub.Step) -> hub.Outcome:
        """Change the fields asked for, as far as Shelfmark keeps them."""
        if holding.kind != "reader":
            return HISTORY
        fields = self._correctable(changes)
        left = NO_FIELD if len(fields) < len(changes.concerning(self.name)) else None
        return self._set(holding, fields, hub.Method.CORRECTED, left)

    def _correctable(self, changes: hub.Changes) -> dict[str, str]:
        return {name: value for name, value in changes.concerning(self.name).items() if name in FIELDS}

    def _set(self, held: hub.Holding, fields: Any, method: hub.Method, left: hub.Unsupported | None) -> hub.Outcome:
        """Set fields of a reader; `left` is what was asked besides and cannot be done."""
        if left and not fields:
            return left
        if isinstance(self._about("PATCH", held, fields).value, Unknown):
            return hub.Absent()
        return hub.Partial(hub.Done(method), (left,)) if left else hub.Done(method)

    # --8<-- [end:rectify]

    # --8<-- [start:suppress]
    def suppress(self, target: hub.Holding | hub.Subject, scope: hub.Scope, step: hub.Step) -> hub.Outcome:
        """Take the reader off the newsletter."""
        mailed = hub.Purpose.MARKETING in scope.purposes and scope.covers(hub.Channel.EMAIL)
        if isinstance(target, hub.Subject) or target.kind != "reader" or not mailed:
            return NO_USE
        left = NO_USE if len(scope.purposes) > 1 else None
        return self._set(target, {"newsletter": False}, hub.Method.SUPPRESSED, left)

    # --8<-- [end:suppress]

    # --8<-- [start:erase]
    def erase(self, holding: hub.Holding, step: hub.Step) -> hub.Outcome:
        """Delete the record; a payment only once the law lets go of it."""
        if holding.kind == "payment" and isinstance(found := self._about("GET", holding).value, Payment):
            until = date(found.paid.year + YEARS, 12, 31)
            if step.now.date() <= until:
                return hub.Retained(GROUND, until, "payment at the desk")
        match self._about("DELETE", holding).value:
            case Unknown():
                return hub.Absent()
            case Conflict(error="on_loan"):
                return ON_LOAN
            case Conflict():
                return HAS_LOANS
            case _:
                return hub.Done(hub.Method.DELETED)

    # --8<-- [end:erase]

    # --8<-- [start:confirm]
    def confirm(self, act: hub.Act, step: hub.Step) -> hub.Confirmation:
        """Read the very record back, and compare it with what was asked."""
        if isinstance(act.target, hub.Subject):
            return hub.Unverifiable("nothing_recorded")
        found = self._about("GET", act.target).value
        if isinstance(found, Unknown):
            return hub.Gone()
        if act.operation is hub.Operation.ERASE:
            return hub.Differs(("id",))
        wanted = self._correctable(act.changes) if act.changes else {"newsletter": False}
        wrong = tuple(name for name, value in wanted.items() if getattr(found, name, None) != value)
        return hub.Differs(wrong) if wrong else hub.AsAsked()

    # --8<-- [end:confirm]

    # --8<-- [start:call]
    def _about(self, method: str, held: hub.Holding, fields: Any = None) -> hub.Reply[Any]:
        """A call about one record, which does what it does once however often it is made."""
        done: dict[int, Any] = {204: None, 409: Conflict} if method == "DELETE" else {200: SHAPES[held.kind]}
        route = f"/{held.kind}s/{{id}}"
        return self._call(method, route, done | {404: Unknown}, path=held.locator, json=fields, idempotent=True)

    def _call(self, method: str, route: str, expect: Mapping[int, Any], **more: Any) -> hub.Reply[Any]:
        """A call, signed; `expect` is each answer that Shelfmark documents for it, and how that looks."""
        base = f"https://{self.config.library}.shelfmark.example/v1"
        signed = {"Authorization": f"Bearer {self.config.token.get_secret_value()}"}
        return self.hub.wire.call(method, base + route, expect=expect, headers=signed, **more)

    # --8<-- [end:call]
