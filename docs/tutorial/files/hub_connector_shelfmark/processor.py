"""Shelfmark: a public library's readers, what they borrowed, and what they paid at the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

# --8<-- [start:imports]
from hub import (
    Absent,
    Account,
    Act,
    AsAsked,
    Changes,
    Channel,
    Confirmation,
    ContractError,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    IdentifierKind,
    InstanceConfig,
    Limits,
    Method,
    Operation,
    Outcome,
    OutcomeUnknown,
    Partial,
    Processor,
    Purpose,
    Reach,
    Record,
    Refused,
    Retained,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    Unsupported,
)

# --8<-- [end:imports]


# --8<-- [start:settings]
class ShelfmarkConfig(InstanceConfig):
    """One library at Shelfmark."""

    library: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,39}$",
        description="The library's name in its address: `wetherbury` in wetherbury.shelfmark.example.",
    )
    token: SecretStr = Field(description="Access token with the scopes read and write.")


# --8<-- [end:settings]


# --8<-- [start:shapes]
class Me(BaseModel):
    """Whose token this is."""

    library: str
    name: str
    scopes: tuple[str, ...]


class Row(BaseModel):
    """Any record of Shelfmark's: an id, and whatever else it holds."""

    model_config = ConfigDict(extra="allow")
    id: str


class Reader(Row):
    """A reader's card. A family card is several people's, whoever's address stands on it."""

    email: str
    family: bool


class Payment(Row):
    """Something paid at the desk."""

    paid: date


R = TypeVar("R", bound=Row)


class Page(BaseModel, Generic[R]):
    """One page of a list; `next` is the cursor of the page after it."""

    items: list[R]
    next: str | None


# --8<-- [end:shapes]


# --8<-- [start:words]
_SCOPES = ("read", "write")
_FIELDS = {"name": "name", "email": "email", "phone": "phone"}  # standard field → Shelfmark's
_GROUND = "UK GDPR Art. 17(3)(b): legal obligation; VAT Act 1994 Sch 11 para 6(3)"
_YEARS = 6  # that a payment is kept
_CATEGORIES = {"loan": ("borrowing",), "payment": ("payments",), "reader": ("contact", "borrowing")}

_REFUSALS = {
    "on_loan": Refused("on_loan", "A book is still out on this card: its loan can be erased once it is back."),
    "has_loans": Refused("has_loans", "A card can be erased once its loans are."),
}
_HISTORY = Unsupported("A loan or a payment records what happened; there is nothing in it to correct.")
_OTHER_FIELDS = Unsupported("Shelfmark keeps a reader's name, e-mail address and telephone number alone.")
_SENDS_NOTHING = Unsupported("Shelfmark sends a newsletter by e-mail and nothing else that could be stopped.")
_NO_LIST = Unsupported("Shelfmark cannot record an objection of somebody who is no reader.")
# --8<-- [end:words]


class Shelfmark(Processor[ShelfmarkConfig]):
    """One library: its readers' cards, loans and payments."""

    # --8<-- [start:declared]
    name = "shelfmark"
    title = "Shelfmark"
    searches: ClassVar = {"email": Search.EXACT, "shelfmark.card": Search.EXACT}
    kinds: ClassVar = {"loan": "loan of a book", "payment": "payment at the desk", "reader": "reader's card"}
    # --8<-- [end:declared]

    # --8<-- [start:door]
    def __init__(self, config: ShelfmarkConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._base = f"https://{config.library}.shelfmark.example/v1"
        self._signed = {"Authorization": f"Bearer {config.token.get_secret_value()}"}

    @classmethod
    def limits(cls, config: ShelfmarkConfig) -> Limits:
        """The library's own address; Shelfmark asks integrations to keep to four calls at once."""
        return Limits(hosts=(f"{config.library}.shelfmark.example",), concurrency=4)

    # --8<-- [end:door]

    # --8<-- [start:check]
    def check(self) -> Account:
        """Which library the token belongs to, and which scopes it lacks."""
        found = self.hub.wire.call("GET", f"{self._base}/me", headers=self._signed, model=Me).value
        return Account(
            id=found.library,
            label=found.name,
            permissions=found.scopes,
            missing=tuple(scope for scope in _SCOPES if scope not in found.scopes),
        )

    # --8<-- [end:check]

    # --8<-- [start:find]
    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """Readers by e-mail address and card number, each after their loans: a reader with loans cannot be deleted."""
        readers: dict[str, Reader] = {}
        for email in subject.of(IdentifierKind.EMAIL):
            for reader, _ in self._rows("/readers", Page[Reader], {"email": email.value}):
                if email.matches(reader.email):  # Shelfmark answers with whoever's address contains it
                    readers[reader.id] = reader
        for card in subject.external("shelfmark.card"):
            for reader, _ in self._rows("/readers", Page[Reader], {"card": card}):
                readers[reader.id] = reader
        for reader in readers.values():
            yield from self._holdings(reader)
        yield Coverage(self.searches)

    def _holdings(self, reader: Reader) -> Iterator[Holding]:
        reach = Reach.SHARED if reader.family else Reach.SOLE
        for loan, _ in self._rows("/loans", Page[Row], {"reader": reader.id}):
            yield _holding("loan", {"id": loan.id}, reach)
        for payment, _ in self._rows("/payments", Page[Payment], {"reader": reader.id}):
            yield _holding("payment", {"id": payment.id, "paid": payment.paid.isoformat()}, reach)
        yield _holding("reader", {"id": reader.id}, reach)

    # --8<-- [end:find]

    # --8<-- [start:rows]
    def _rows(
        self, path: str, shape: type[Page[R]], query: Mapping[str, str], cursor: str | None = None
    ) -> Iterator[tuple[R, str | None]]:
        """Every row of a list, to its last page; with the last row of a page comes the cursor of the next."""
        while True:
            asked = {**query, "cursor": cursor} if cursor else query
            page = self.hub.wire.call("GET", self._base + path, query=asked, headers=self._signed, model=shape).value
            for number, row in enumerate(page.items, start=1):
                yield row, page.next if number == len(page.items) else None
            if page.next is None:
                return
            cursor = page.next

    # --8<-- [end:rows]

    # --8<-- [start:export]
    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        """The record itself; of a reader also every search they made in the catalogue, from the cursor on."""
        if step.cursor is None:
            record = self._read(holding)
            if record is None:
                return
            yield Record(holding.kind, record, cursor="searches:")
        if holding.kind == "reader":
            query = {"reader": holding.locator["id"]}
            begin = (step.cursor or "searches:").removeprefix("searches:") or None
            for row, after in self._rows("/searches", Page[Row], query, begin):
                yield Record("search", row.model_dump(), cursor=f"searches:{after}" if after else None)

    # --8<-- [end:export]

    # --8<-- [start:rectify]
    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """A reader's name, e-mail address and telephone number."""
        if holding.kind != "reader":
            return _HISTORY
        wanted = changes.concerning(self.name)
        body = {_FIELDS[name]: value for name, value in wanted.items() if name in _FIELDS}
        return self._set(holding, body, Method.CORRECTED, _OTHER_FIELDS if len(body) < len(wanted) else None)

    def _set(self, holding: Holding, body: Mapping[str, Any], method: Method, left: Unsupported | None) -> Outcome:
        """Set fields of a reader; `left` is what was asked besides and cannot be done."""
        if left and not body:
            return left
        status, _ = self._ask("PATCH", holding, (200, 404), body)
        if status == HTTPStatus.NOT_FOUND:
            return Absent()
        return Partial(Done(method), (left,)) if left else Done(method)

    # --8<-- [end:rectify]

    # --8<-- [start:suppress]
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Take the reader off the newsletter."""
        if isinstance(target, Subject):
            return _NO_LIST
        mailed = target.kind == "reader" and Purpose.MARKETING in scope.purposes and scope.covers(Channel.EMAIL)
        if not mailed:
            return _SENDS_NOTHING
        other = scope.purposes - {Purpose.MARKETING}
        return self._set(target, {"newsletter": False}, Method.SUPPRESSED, _SENDS_NOTHING if other else None)

    # --8<-- [end:suppress]

    # --8<-- [start:erase]
    def erase(self, holding: Holding, step: Step) -> Outcome:
        """Delete it; a payment only once the law lets go of it."""
        if holding.kind == "payment" and step.now.date() <= (until := _kept_until(holding)):
            return Retained(_GROUND, until, "payment at the desk")
        status, said = self._ask("DELETE", holding, (204, 404, 409))
        if status == HTTPStatus.NOT_FOUND:
            return Absent()
        return _REFUSALS[said["error"]] if said else Done(Method.DELETED)

    # --8<-- [end:erase]

    # --8<-- [start:confirm]
    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read the very record back and compare it with what was asked."""
        assert isinstance(act.target, Holding)  # nothing is ever recorded for somebody who is not held
        record = self._read(act.target)
        if record is None:
            return Gone()
        if act.operation is Operation.ERASE:
            return Differs(("id",))
        wanted: dict[str, Any] = {"newsletter": False}
        if act.changes is not None:
            asked = act.changes.concerning(self.name)
            wanted = {_FIELDS[name]: value for name, value in asked.items() if name in _FIELDS}
        wrong = tuple(name for name, value in wanted.items() if record.get(name) != value)
        return Differs(wrong) if wrong else AsAsked()

    # --8<-- [end:confirm]

    # --8<-- [start:ask]
    def _read(self, holding: Holding) -> dict[str, Any] | None:
        """The record; None when Shelfmark says that there is none."""
        status, record = self._ask("GET", holding, (200, 404))
        return None if status == HTTPStatus.NOT_FOUND else record

    def _ask(
        self, method: str, holding: Holding, expect: tuple[int, ...], body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One call about one record. A refusal counts only in Shelfmark's own words: a proxy says 404 as well."""
        reply = self.hub.wire.call(
            method,
            f"{self._base}/{holding.kind}s/{{id}}",
            path={"id": holding.locator["id"]},
            headers=self._signed,
            json=body,
            expect=expect,
            idempotent=True,  # fields are set to values, and deleting twice changes nothing
        )
        said = reply.json if reply.body else {}
        match reply.status, said:
            case (204, {}) | (404, {"error": str()}) | (409, {"error": "on_loan" | "has_loans"}):
                return reply.status, said
            case (200, {"id": id_}) if id_ == holding.locator["id"]:
                return reply.status, said
        fault = "An answer about a record is not one that Shelfmark documents"
        hint = "Look for a proxy or firewall between the hub and shelfmark.example."
        if method == "GET":
            raise ContractError(fault, instance=self.hub.instance, hint=hint)
        raise OutcomeUnknown(fault, repeatable=True, instance=self.hub.instance, hint=hint)

    # --8<-- [end:ask]


# --8<-- [start:kept]
def _kept_until(payment: Holding) -> date:
    """The last day on which the law keeps it: the end of the sixth year after the one in which it was paid."""
    return date(date.fromisoformat(payment.locator["paid"]).year + _YEARS, 12, 31)


# --8<-- [end:kept]


# --8<-- [start:holding]
def _holding(kind: str, locator: Mapping[str, str], reach: Reach) -> Holding:
    return Holding(f"{kind}/{locator['id']}", kind, _CATEGORIES[kind], locator, reach=reach)


# --8<-- [end:holding]
