"""What `asynchronous_deletion.py` promises: against the stand-in, and in a whole hub over days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from asynchronous_deletion import Poll

from conftest import OpenHub
from hub import Absent, Act, Done, Gone, Holding, Identifier, Method, NotYet, Operation, Pending, PermanentError
from hub.testing.conformance import Conformance, Kit, Service
from hub.testing.harness import Bench, ManualTime, step, workbench
from hub.testing.sandbox import Answer, ApiKey, Jobs, Request, Result, Sandbox, Table, Town, route, webhook
from hub.testing.town import TOWN
from hub.testing.trial import Right


# --8<-- [start:sandbox]
class PollSandbox(Sandbox):
    """The town's answers. A deletion is accepted, begins after an hour and takes five."""

    name = "quickpoll"

    def seed(self, town: Town) -> None:
        self.access = ApiKey("poll-key")
        self.jobs = Jobs(self.clock, waits=timedelta(hours=1), lasts=timedelta(hours=5))
        rows = ({"id": p.id, "email": p.email, "answers": ["yes"], "deleting": False} for p in town)
        self.respondents = Table("respondent", rows)

    @route("DELETE", "/respondents/{id}")
    def delete(self, request: Request) -> Result:
        id_ = request.params["id"]
        self.respondents.update(id_, {"deleting": True})
        return Answer(202, self.jobs.accept(lambda: self.respondents.delete(id_)))

    @route("GET", "/jobs/{id}")
    def job(self, request: Request) -> Result:
        return self.jobs.show(request.params["id"])

    # --8<-- [end:sandbox]

    @classmethod
    def settings(cls) -> dict[str, Any]:
        return {"key": "poll-key", "webhook_secret": "poll-webhook"}

    @route("GET", "/me")
    def me(self, request: Request) -> Result:
        return {"id": "poll-1", "name": "The poll", "scopes": list(self.access.scopes)}

    @route("GET", "/respondents")
    def listed(self, request: Request) -> Result:
        return list(self.respondents.asked(request, "email"))

    @route("GET", "/respondents/{id}")
    def respondent(self, request: Request) -> Result:
        return self.respondents[request.params["id"]]


@pytest.fixture
def poll(clock: ManualTime) -> PollSandbox:
    return PollSandbox(clock=clock)


@pytest.fixture
def url(poll: PollSandbox) -> Iterator[str]:
    with poll.serve() as running:
        yield running.url


@pytest.fixture
def bench(poll: PollSandbox, url: str, clock: ManualTime) -> Iterator[Bench[Poll]]:
    with workbench(Poll, poll.settings(), url, clock=clock) as bench:
        yield bench


def held(bench: Bench[Poll]) -> Holding:
    return next(item for item in bench.processor.find(TOWN.main.subject()) if isinstance(item, Holding))


# --8<-- [start:steps]
def test_accepted_is_not_done(bench: Bench[Poll], clock: ManualTime) -> None:
    holding = held(bench)
    accepted = bench.processor.erase(holding, step(at=clock.now()))
    assert isinstance(accepted, Pending)
    assert isinstance(bench.processor.confirm(Act(Operation.ERASE, holding), step(at=clock.now())), NotYet)

    clock.advance(accepted.check_after - clock.now())
    assert bench.processor.resume(holding, accepted.handle, step(at=clock.now())) == Done(Method.DELETED)
    assert bench.processor.confirm(Act(Operation.ERASE, holding), step(at=clock.now())) == Gone()
    assert bench.processor.erase(holding, step(at=clock.now())) == Absent()


# --8<-- [end:steps]


def test_the_promise_ends_when_it_first_said(bench: Bench[Poll], clock: ManualTime) -> None:
    holding = held(bench)
    accepted = bench.processor.erase(holding, step(at=clock.now()))
    assert isinstance(accepted, Pending)
    clock.advance(timedelta(hours=2))
    again = bench.processor.resume(holding, accepted.handle, step(at=clock.now()))
    assert isinstance(again, Pending)
    assert again.give_up_at == accepted.give_up_at


def test_a_job_that_fails_goes_to_a_person(bench: Bench[Poll], poll: PollSandbox, clock: ManualTime) -> None:
    holding = held(bench)
    accepted = bench.processor.erase(holding, step(at=clock.now()))
    assert isinstance(accepted, Pending)
    poll.respondents.delete(holding.locator["id"])  # so that the job finds nothing to delete
    clock.advance(timedelta(days=1))
    with pytest.raises(PermanentError, match="gave a deletion up"):
        bench.processor.resume(holding, accepted.handle, step(at=clock.now()))


# --8<-- [start:webhook]
@pytest.mark.parametrize(
    ("payload", "secret", "woken"),
    [
        ({"event": "job.ended", "job": "job-1"}, "poll-webhook", ["job-1"]),
        ({"event": "job.ended", "job": "job-1"}, "somebody-else", []),
        ({"event": "survey.opened"}, "poll-webhook", []),
    ],
)
def test_only_a_signed_notification_wakes(
    bench: Bench[Poll], payload: Mapping[str, str], secret: str, woken: list[str]
) -> None:
    signals = list(bench.processor.receive(webhook(payload, secret)))
    assert [signal.handle["job"] for signal in signals] == woken


# --8<-- [end:webhook]


# --8<-- [start:hub]
def test_a_hub_waits_for_the_job_and_reads_back(open_hub: OpenHub, poll: PollSandbox, url: str) -> None:
    trial = open_hub("asynchronous_deletion", "quickpoll", url, poll.settings())
    request = trial.submit(Right.ERASURE, Identifier.email(TOWN.main.email))
    trial.run(hours=3)
    assert trial.show(request)["verdict"] == "waiting"
    trial.run(days=1)
    assert trial.show(request)["verdict"] == "complete"
    assert [event["outcome"] for event in trial.events(request, "step.outcome")] == ["pending", "done"]
    assert [event["confirmation"] for event in trial.events(request, "step.confirmed")] == ["gone"]


# --8<-- [end:hub]


class TestPoll(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(Poll, PollSandbox)

    @pytest.mark.xfail(reason="An example on one page: it is not installed.", strict=True)
    def test_it_is_installed_as_a_plugin(self, kit: Kit) -> None:
        super().test_it_is_installed_as_a_plugin(kit)
