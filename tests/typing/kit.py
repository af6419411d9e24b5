"""A sandbox and tests, as an author writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest
from connector import Pebble, PebbleConfig

from hub import Act, Holding, Operation, Outcome
from hub.testing.cassettes import Cassettes, FromSandbox, Source
from hub.testing.conformance import Conformance, Service
from hub.testing.faults import DropAfter, Fault, Status
from hub.testing.harness import Bench, ManualTime, step, workbench
from hub.testing.sandbox import Answer, Bearer, Refuse, Request, Result, Sandbox, Table, Town, by_cursor, route
from hub.testing.trial import Right, Trial


class PebbleSandbox(Sandbox):
    name = "pebble"

    def seed(self, town: Town) -> None:
        self.access = Bearer("token")
        self.customers = Table("customer", ({"id": person.id, "email": person.email} for person in town))

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"shop": "main", "secret": "token"}

    @route("GET", "/customers")
    def listed(self, request: Request) -> Result:
        return by_cursor(request, "customers", self.customers.asked(request, "email"))

    @route("DELETE", "/customers/{id}")
    def delete(self, request: Request) -> Result:
        if request.one("force") == "yes":
            raise Refuse(409, {"error": "open"})
        self.customers.delete(request.params["id"])
        return Answer(204)


class TestPebble(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(Pebble, PebbleSandbox)


@pytest.fixture
def bench(clock: ManualTime) -> Iterator[Bench[Pebble]]:
    settings = PebbleSandbox.settings()
    with PebbleSandbox().serve() as running, workbench(Pebble, settings, running.url, clock=clock) as bench:
        assert_type(bench, Bench[Pebble])
        yield bench


def test_erase(bench: Bench[Pebble]) -> None:
    assert_type(bench.processor, Pebble)
    assert_type(bench.processor.config, PebbleConfig)
    holding = Holding("p01", "customer", ("contact",), {"id": "p01"})
    outcome = bench.processor.erase(holding, step(attempt=2))
    assert_type(outcome, Outcome)
    bench.processor.confirm(Act(Operation.ERASE, holding, outcome=outcome), step())


def test_faults(tmp_path: Path) -> None:
    sandbox = PebbleSandbox()
    sandbox.faults.add(Fault("GET /customers", Status(503)), Fault("DELETE *", DropAfter(), nth=None))
    with Trial.open(tmp_path, "", plugins={"pebble": "plugin"}) as trial:
        assert_type(trial.submit(Right.ERASURE), str)


@pytest.fixture
def record_from() -> Source:
    return FromSandbox(PebbleSandbox)


def test_cassette(cassette: Cassettes) -> None:
    with cassette("find", Pebble, {"shop": "main", "secret": "invented"}) as recorded:
        assert_type(recorded.processor, Pebble)
        found = list(recorded.processor.find(recorded.subject))
    assert len(found) == 2
