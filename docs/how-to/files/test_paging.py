"""What `paging.py` promises, against a ferry line that says wrong totals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from paging import Ferry

from hub import ContractError, Holding, Identifier, Subject
from hub.testing.harness import Bench, step, workbench
from hub.testing.sandbox import ApiKey, Request, Result, Sandbox, Table, Town, by_cursor, by_link, by_page, route

CROWD = 230  # more than two of the service's largest pages
LAST = "passenger.229@example.org"


# --8<-- [start:sandbox]
class FerrySandbox(Sandbox):
    """Three lists, each with its own way of paging."""

    name = "ferry"
    total_is = 1  # what it says of the number of rows: services count what they will not show, and the reverse
    stuck = False

    def seed(self, town: Town) -> None:  # a crowd, so that there are pages
        self.access = ApiKey("ferry-key")
        for name in ("passenger", "booking", "message"):
            rows = ({"id": f"{n:03}", "email": f"passenger.{n}@example.org"} for n in range(CROWD))
            setattr(self, f"{name}s", Table(name, rows))

    @route("GET", "/passengers")
    def list_passengers(self, request: Request) -> Result:
        page = by_page(request, "rows", list(self.passengers))
        return {**page, "total": self.total_is, "pages": 1}

    @route("GET", "/bookings")
    def list_bookings(self, request: Request) -> Result:
        page = by_cursor(request, "rows", list(self.bookings))
        return {**page, "next": request.one("cursor") or page["next"]} if self.stuck else page

    @route("GET", "/messages")
    def list_messages(self, request: Request) -> Result:
        return by_link(request, list(self.messages))

    # --8<-- [end:sandbox]

    passengers: Table
    bookings: Table
    messages: Table

    @route("GET", "/{list}/{id}")
    def one(self, request: Request) -> Result:
        return self._list(request)[request.params["id"]]

    @route("DELETE", "/{list}/{id}")
    def delete(self, request: Request) -> None:
        self._list(request).delete(request.params["id"])

    def _list(self, request: Request) -> Table:
        rows: Table = getattr(self, request.params["list"])
        return rows


@pytest.fixture
def ferry() -> FerrySandbox:
    return FerrySandbox()


@pytest.fixture
def bench(ferry: FerrySandbox) -> Iterator[Bench[Ferry]]:
    with ferry.serve() as running, workbench(Ferry, {"key": "ferry-key"}, running.url) as bench:
        yield bench


def held(bench: Bench[Ferry], email: str) -> list[Holding]:
    found = bench.processor.find(Subject((Identifier.email(email),)))
    return [item for item in found if isinstance(item, Holding)]


# --8<-- [start:test]
@pytest.mark.parametrize("total", [0, 1, 10_000])
def test_who_stands_on_the_last_page_is_found_in_every_list(
    bench: Bench[Ferry], ferry: FerrySandbox, total: int
) -> None:
    ferry.total_is = total
    assert [holding.kind for holding in held(bench, LAST)] == ["message", "booking", "passenger"]


# --8<-- [end:test]


def test_a_cursor_that_leads_nowhere_ends_the_search_with_an_error(bench: Bench[Ferry], ferry: FerrySandbox) -> None:
    ferry.stuck = True
    with pytest.raises(ContractError, match="repeats one page"):
        held(bench, LAST)


def test_what_was_found_is_erased_and_read_back(bench: Bench[Ferry], ferry: FerrySandbox) -> None:
    for holding in held(bench, LAST):
        assert [type(bench.processor.erase(holding, step())).__name__ for _ in "12"] == ["Done", "Absent"]
    assert held(bench, LAST) == []
    assert [len(rows) for rows in (ferry.messages, ferry.bookings, ferry.passengers)] == [CROWD - 1] * 3


def test_links_are_followed_at_the_services_own_address_alone(bench: Bench[Ferry]) -> None:
    held(bench, LAST)
    assert {exchange.host for exchange in bench.exchanges} == {"api.ferryline.example"}
