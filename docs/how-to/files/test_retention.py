"""What `retention.py` promises: kept with ground and date, refused for as long as a stay is ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from retention import BOOKED, GONE, GROUND, Hotel

from conftest import OpenHub
from hub import Done, Holding, Identifier, Method, Partial, Retained
from hub.testing.harness import Bench, ManualTime, step, workbench
from hub.testing.sandbox import ApiKey, Request, Result, Sandbox, Table, Town, route
from hub.testing.town import TOWN
from hub.testing.trial import Right


class HotelSandbox(Sandbox):
    """A stay that ends in a fortnight and last year's invoice, for everybody."""

    name = "bellevue"

    def seed(self, town: Town) -> None:
        self.access = ApiKey("hotel-key")
        self.stays = Table("stay", ({"id": p.id, "email": p.email, "until": "2026-03-16"} for p in town))
        invoices = ({"id": p.id, "email": p.email, "issued": "2025-08-01", "note": "Snores."} for p in town)
        self.invoices = Table("invoice", invoices)

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": "hotel-key"}

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "hotel-1", "name": "Bellevue", "scopes": list(self.access.scopes)}

    @route("GET", "/{list}")
    def listed(self, request: Request) -> Result:
        return list(self._list(request).asked(request, "email"))

    @route("GET", "/{list}/{id}")
    def one(self, request: Request) -> Result:
        return self._list(request)[request.params["id"]]

    @route("PATCH", "/{list}/{id}")
    def change(self, request: Request) -> Result:
        return self._list(request).update(request.params["id"], request.json())

    @route("DELETE", "/{list}/{id}")
    def delete(self, request: Request) -> None:
        self._list(request).delete(request.params["id"])

    def _list(self, request: Request) -> Table:
        return {"stays": self.stays, "invoices": self.invoices}[request.params["list"]]


@pytest.fixture
def hotel(clock: ManualTime) -> HotelSandbox:
    return HotelSandbox(clock=clock)


@pytest.fixture
def url(hotel: HotelSandbox) -> Iterator[str]:
    with hotel.serve() as running:
        yield running.url


@pytest.fixture
def bench(hotel: HotelSandbox, url: str) -> Iterator[Bench[Hotel]]:
    with workbench(Hotel, hotel.settings(), url) as bench:
        yield bench


def held(bench: Bench[Hotel]) -> list[Holding]:
    return [item for item in bench.processor.find(TOWN.main.subject()) if isinstance(item, Holding)]


# --8<-- [start:today]
def test_today_nothing_can_be_erased_but_the_note(bench: Bench[Hotel], hotel: HotelSandbox) -> None:
    stay, invoice = held(bench)
    kept = Retained(GROUND, date(2031, 12, 31), "invoice")
    assert bench.processor.erase(stay, step()) == BOOKED
    assert bench.processor.erase(invoice, step()) == Partial(Done(Method.REDACTED), (kept,))
    assert bench.processor.erase(invoice, step()) == kept
    assert hotel.invoices[invoice.locator["id"]]["note"] == GONE


def test_when_the_law_lets_go_everything_is(bench: Bench[Hotel]) -> None:
    later = step(at=datetime(2032, 1, 1, tzinfo=UTC))
    assert [bench.processor.erase(holding, later) for holding in held(bench)] == [Done(Method.DELETED)] * 2


# --8<-- [end:today]


# --8<-- [start:hub]
def test_the_hub_asks_again_until_the_guest_has_left_and_notes_the_duty(open_hub: OpenHub, url: str) -> None:
    trial = open_hub("retention", "bellevue", url, HotelSandbox.settings())
    request = trial.submit(Right.ERASURE, Identifier.email(TOWN.main.email))
    trial.run(days=1)
    assert trial.show(request)["verdict"] == "waiting"
    trial.run(days=20)
    assert trial.show(request)["verdict"] == "with_exceptions"
    (duty,) = trial.hub.obligations()
    assert (duty["kind"], duty["ground"], duty["due"]) == ("invoice", GROUND, "2031-12-31")


# --8<-- [end:hub]
