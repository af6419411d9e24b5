"""A connector to an invented hotel: stays that are still to come, invoices that the law keeps, and guests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    Confirmation,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Limits,
    Masked,
    Method,
    Outcome,
    Partial,
    Processor,
    Record,
    Refused,
    Reply,
    Retained,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.bellevue.example"
BASE = f"https://{HOST}"
GONE = "(deleted)"  # what the hotel writes over what it deletes of an invoice

# --8<-- [start:words]
GROUND = "UK GDPR Art. 17(3)(b): legal obligation; VAT Act 1994 Sch 11 para 6(3)"
BOOKED = Refused("stay_ahead", "A stay is booked and still to come; it can be erased after the departure.")
# --8<-- [end:words]


class HotelConfig(InstanceConfig):
    """One hotel."""

    key: SecretStr = Field(description="API key that may read and delete.")
    # --8<-- [start:setting]
    invoice_years: int = Field(default=6, ge=0, description="Years that invoices are kept, from the end of theirs.")
    # --8<-- [end:setting]


class Me(BaseModel):
    """Whose key it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Entry(BaseModel):
    """One record: `until` is a stay's departure, `issued` an invoice's day, `note` what reception wrote on it."""

    id: str
    email: str
    until: date | None = None
    issued: date | None = None
    note: str = ""


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_stay", "no_such_invoice"]


class Hotel(Processor[HotelConfig]):
    """One hotel: its stays and its invoices."""

    name = "bellevue"
    title = "Hotel Bellevue"
    searches: ClassVar = {"email": Search.EXACT}
    kinds: ClassVar = {"stay": "stay", "invoice": "invoice"}
    rectify = unsupported("A stay or an invoice records what was agreed.")
    suppress = unsupported("The hotel writes about stays and nothing else.")

    def __init__(self, config: HotelConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._key = {"X-Api-Key": config.key.get_secret_value()}

    @classmethod
    def limits(cls, config: HotelConfig) -> Limits:  # noqa: ARG003  # the same for every hotel
        """One host."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Whose key it is."""
        found = self.hub.wire.call("GET", f"{BASE}/me", headers=self._key, model=Me).value
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """By e-mail address."""
        for email in subject.emails:
            for kind in self.kinds:
                route, query = f"{BASE}/{kind}s", {"email": email}
                rows = self.hub.wire.call("GET", route, query=query, headers=self._key, model=list[Entry])
                for row in rows.value:
                    if Identifier.email(email).matches(row.email):
                        yield Holding(f"{kind}/{row.id}", kind, (f"{kind}s",), {"id": row.id})
        yield Coverage(self.searches)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The record."""
        reply = self._about("GET", holding)
        if not isinstance(reply.value, Unknown):
            yield Record(holding.kind, reply.json)

    # --8<-- [start:erase]
    def erase(self, holding: Holding, step: Step) -> Outcome:
        """Delete it, as far as business and law let go of it today."""
        found = self._about("GET", holding).value
        match holding.kind, found:
            case _, Unknown():
                return Absent()
            case "stay", Entry(until=date() as departure) if departure >= step.now.date():
                return BOOKED
            case "invoice", Entry(issued=date() as issued) if (kept := self._kept(issued)) >= step.now.date():
                return self._strip(holding, found, Retained(GROUND, kept, "invoice"))
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return Absent() if gone else Done(Method.DELETED)

    def _kept(self, issued: date) -> date:
        """The last day on which the law keeps an invoice."""
        return date(issued.year + self.config.invoice_years, 12, 31)

    # --8<-- [end:erase]

    # --8<-- [start:partial]
    def _strip(self, invoice: Holding, found: Entry, kept: Retained) -> Outcome:
        """The law keeps the invoice. It does not keep what reception wrote on it: that goes today."""
        if found.note in {"", GONE}:
            return kept
        if isinstance(self._about("PATCH", invoice, {"note": GONE}).value, Unknown):
            return Absent()
        return Partial(Done(Method.REDACTED), (kept,))

    # --8<-- [end:partial]

    # --8<-- [start:confirm]
    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back: gone; or, of an invoice that is kept, whether the note is."""
        assert isinstance(act.target, Holding)
        found = self._about("GET", act.target).value
        if isinstance(found, Unknown):
            return Gone()
        return Masked() if isinstance(act.outcome, Partial) and found.note == GONE else Differs(("id",))

    # --8<-- [end:confirm]

    def _about(self, method: str, holding: Holding, fields: dict[str, str] | None = None) -> Reply[Any]:
        """A call about one record."""
        expect = {204: None, 404: Unknown} if method == "DELETE" else {200: Entry, 404: Unknown}
        return self.hub.wire.call(
            method,
            f"{BASE}/{holding.kind}s/{{id}}",
            path=holding.locator,
            headers=self._key,
            json=fields,
            expect=expect,
            idempotent=True,
        )


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Hotel]
