"""A connector to an invented ferry line, whose three lists are cut into pages in three ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, TypeVar

import httpx
from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    Confirmation,
    ContractError,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Limits,
    Method,
    Outcome,
    Processor,
    Record,
    Reply,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

HOST = "api.ferryline.example"
BASE = f"https://{HOST}"


class FerryConfig(InstanceConfig):
    """One ferry line."""

    key: SecretStr = Field(description="API key of an integration that may read and delete.")


class Row(BaseModel):
    """A record of any list; what it has besides is exported too."""

    id: str
    email: str


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_passenger", "no_such_booking", "no_such_message"]


class Numbered(BaseModel):
    """A page by number. `pages` and `total` are there too, and are not read."""

    rows: list[Row]


class Cursored(BaseModel):
    """A page by cursor."""

    rows: list[Row]
    next: str | None


P = TypeVar("P")


class Ferry(Processor[FerryConfig]):
    """Passengers by page number, bookings by cursor, messages by `Link` header."""

    name = "ferry"
    title = "Ferry line"
    searches: ClassVar = {"email": Search.SCAN}
    kinds: ClassVar = {"message": "message to the crew", "booking": "booking", "passenger": "passenger"}
    rectify = unsupported("The ferry line's interface reads and deletes; it changes nothing.")
    suppress = unsupported("The ferry line sends nothing but tickets.")

    def __init__(self, config: FerryConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._key = {"X-Api-Key": config.key.get_secret_value()}

    @classmethod
    def limits(cls, config: FerryConfig) -> Limits:  # noqa: ARG003  # the same for every account
        """One host."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Any call the key is good for."""
        self._get("/passengers", {"page": "1"}, Numbered)
        return Account(id="ferryline", label="Ferry line")

    # --8<-- [start:find]
    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """Everything is read and compared: there is no search. Children first."""
        emails = [Identifier.email(email) for email in subject.emails]
        lists = {"message": self._by_link("/messages"), "booking": self._by_cursor("/bookings")}
        for kind, rows in {**lists, "passenger": self._by_number("/passengers")}.items():
            for row in rows:
                if any(email.matches(row.email) for email in emails):
                    yield Holding(f"{kind}/{row.id}", kind, ("travel",), {"id": row.id})
        yield Coverage({"email": Search.SCAN})

    # --8<-- [end:find]

    # --8<-- [start:number]
    def _by_number(self, path: str) -> Iterator[Row]:
        """Page after page, until one is empty: `total` and a short page say nothing certain."""
        number, last = 1, None
        while rows := self._get(path, {"page": str(number), "per_page": "100"}, Numbered).rows:
            if rows == last:
                raise self._endless()
            yield from rows
            number, last = number + 1, rows

    # --8<-- [end:number]

    # --8<-- [start:cursor]
    def _by_cursor(self, path: str) -> Iterator[Row]:
        """Until the service names no next page."""
        query: dict[str, str] = {}
        while True:
            page = self._get(path, query, Cursored)
            yield from page.rows
            if page.next is None:
                return
            if page.next == query.get("cursor"):
                raise self._endless()
            query = {"cursor": page.next}

    # --8<-- [end:cursor]

    # --8<-- [start:link]
    def _by_link(self, path: str) -> Iterator[Row]:
        """Until there is no link to a next page. Of the link its query alone is used: where to call is ours to say."""
        query: dict[str, str] = {}
        while True:
            reply = self.hub.wire.call("GET", BASE + path, query=query, headers=self._key, model=list[Row])
            yield from reply.value
            link = httpx.Response(reply.status, headers=reply.headers).links.get("next")
            if link is None:
                return
            following = dict(httpx.URL(link["url"]).params)
            if following == query:
                raise self._endless()
            query = following

    # --8<-- [end:link]

    # --8<-- [start:endless]
    def _endless(self) -> ContractError:
        return ContractError(
            "A list repeats one page for ever",
            instance=self.hub.instance,
            hint="Nothing was concluded from it. Look for a proxy that caches answers.",
        )

    # --8<-- [end:endless]

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The record."""
        reply = self._about("GET", holding)
        if not isinstance(reply.value, Unknown):
            yield Record(holding.kind, reply.json)

    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete it."""
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        gone = isinstance(self._about("GET", act.target).value, Unknown)
        return Gone() if gone else Differs(("id",))

    def _get(self, path: str, query: dict[str, str], shape: type[P]) -> P:
        return self.hub.wire.call("GET", BASE + path, query=query, headers=self._key, model=shape).value

    def _about(self, method: str, holding: Holding) -> Reply[Any]:
        """A call about one record."""
        expect = {200: Row, 404: Unknown} if method == "GET" else {204: None, 404: Unknown}
        template = f"{BASE}/{holding.kind}s/{{id}}"
        return self.hub.wire.call(method, template, path=holding.locator, headers=self._key, expect=expect)


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Ferry]
