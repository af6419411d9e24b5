"""What `plan_dependent_limits.py` promises: the hub stays within the plan, and waits as long as it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from plan_dependent_limits import Pigeon, PigeonConfig, Plan

from conftest import OpenHub
from hub import ConfigError, Identifier, Rate, RateLimited
from hub.testing.faults import Fault, Status
from hub.testing.harness import ManualTime, workbench
from hub.testing.sandbox import ApiKey, RateLimit, Request, Result, Sandbox, Table, Town, route
from hub.testing.town import TOWN
from hub.testing.trial import Right


# --8<-- [start:sandbox]
class PigeonSandbox(Sandbox):
    """A free account: sixty calls a minute, of which some are other people's."""

    name = "pigeonpost"

    def seed(self, town: Town) -> None:
        self.access = ApiKey("pigeon-key")
        self.rate = RateLimit(60, timedelta(minutes=1))
        self.addresses = Table("address", ({"id": p.id, "email": p.email} for p in town))

    # --8<-- [end:sandbox]

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": "pigeon-key"}

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "p-1", "name": "The post", "scopes": list(self.access.scopes), "plan": "free"}

    @route("GET", "/addresses")
    def listed(self, request: Request) -> Result:
        return list(self.addresses.asked(request, "email"))

    @route("GET", "/addresses/{id}")
    def address(self, request: Request) -> Result:
        return self.addresses[request.params["id"]]

    @route("DELETE", "/addresses/{id}")
    def delete(self, request: Request) -> None:
        self.addresses.delete(request.params["id"])


@pytest.fixture
def pigeon(clock: ManualTime) -> PigeonSandbox:
    return PigeonSandbox(clock=clock)


@pytest.fixture
def url(pigeon: PigeonSandbox) -> Iterator[str]:
    with pigeon.serve() as running:
        yield running.url


# --8<-- [start:limits]
@pytest.mark.parametrize(("plan", "seconds", "at_once"), [("free", 2, 1), ("team", 0.1, 8)])
def test_limits_follow_the_plan(plan: str, seconds: float, at_once: int) -> None:
    limits = Pigeon.limits(PigeonConfig.model_validate({"key": "k", "plan": plan}))
    assert limits.rates == (Rate(1, timedelta(seconds=seconds)),)
    assert limits.concurrency == at_once


def test_a_hundred_calls_in_a_row_are_never_refused(pigeon: PigeonSandbox, url: str, clock: ManualTime) -> None:
    began = clock.now()
    with workbench(Pigeon, pigeon.settings(), url, clock=clock) as bench:
        for _ in range(100):
            bench.processor.check()
    assert {call.status for call in pigeon.calls} == {200}
    assert clock.now() - began >= timedelta(minutes=3)


# --8<-- [end:limits]


def test_the_wrong_plan_is_told_before_anything_depends_on_it(pigeon: PigeonSandbox, url: str) -> None:
    with (
        workbench(Pigeon, {**pigeon.settings(), "plan": Plan.TEAM}, url) as bench,
        pytest.raises(ConfigError, match="has the plan 'free', the settings say 'team'"),
    ):
        bench.processor.check()


# --8<-- [start:told]
def test_the_connector_tells_how_long_the_service_asked_to_be_left_alone(pigeon: PigeonSandbox, url: str) -> None:
    pigeon.faults.add(Fault("GET /addresses", Status(429, retry_after=7200)))
    with workbench(Pigeon, pigeon.settings(), url) as bench, pytest.raises(RateLimited) as told:
        list(bench.processor.find(TOWN.main.subject()))
    assert told.value.retry_after == timedelta(hours=2)


def test_the_hub_waits_two_hours_in_its_journal(open_hub: OpenHub, pigeon: PigeonSandbox, url: str) -> None:
    pigeon.faults.add(Fault("DELETE /addresses/{id}", Status(429, retry_after=7200)))
    trial = open_hub("plan_dependent_limits", "pigeonpost", url, pigeon.settings())
    request = trial.submit(Right.ERASURE, Identifier.email(TOWN.main.email))
    trial.run(hours=1)
    assert trial.track(request, "it")["reason"] == "rate_limited"
    trial.run(hours=2)
    assert trial.show(request)["verdict"] == "complete"


# --8<-- [end:told]
