"""Who works on a track: two at once, one that was stopped, one that died, a disk that is full, an engine that errs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import Identifier, RateLimited
from hub.coordinator.tracks import Worker
from hub.rights import Right
from hub.store.schema import tracks
from hub.testing.memory import Kept, service
from hub.testing.trial import Trial
from hub.timepiece import SystemTime
from tests.integration.coordinator.conftest import Open

EMAIL = "jane.canary@example.org"
JANE = Identifier.email(EMAIL)


class Crash(BaseException):
    """The process dies here, as far as the journal can tell."""


def erasure(trial: Trial, *names: str) -> str:
    for name in names:
        service(name).keep("hers", Kept(EMAIL))
    return trial.submit(Right.ERASURE, JANE)


def outcomes(trial: Trial, request: str) -> list[tuple[str, str | None]]:
    return [(e["outcome"], e.get("reason")) for e in trial.events(request, "step.outcome")]


@contextmanager
def another(trial: Trial) -> Iterator[Worker]:
    """A second worker on the same journal, as on another machine."""
    worker = Worker(trial.hub.desk(), "another")
    try:
        yield worker
    finally:
        worker.close()


def wait_until(done: Callable[[], Any], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "not in time"
        time.sleep(0.005)


@pytest.mark.parametrize("operation", ["check", "find", "erase", "confirm", "suppress", "lift"])
def test_a_worker_that_dies_in_any_call_is_followed_by_one_that_finishes(open_trial: Open, operation: str) -> None:
    lifting = operation == "lift"
    trial = open_trial("crm", crm={"connector": "memory_stopping"}, policy='grace = "1d"')

    def die() -> None:
        raise Crash

    service("crm").script(operation, die)
    request = erasure(trial, "crm")
    if lifting:
        trial.run(hours=1)
        trial.hub.undo(request, by="Dora Dpo")
    with pytest.raises(Crash):
        trial.run()
    trial.restart()
    trial.run()
    assert (trial.show(request)["state"], service("crm").kept == {}) == ("closed", not lifting)


@pytest.mark.parametrize("carried_out", [True, False])
def test_after_a_crash_an_act_is_read_back_before_it_is_repeated(open_trial: Open, carried_out: bool) -> None:
    trial = open_trial("crm")

    def die() -> None:
        if carried_out:
            service("crm").kept.clear()
        raise Crash

    service("crm").script("erase", die)
    request = erasure(trial, "crm")
    with pytest.raises(Crash):
        trial.run()
    trial.restart()
    trial.run()
    assert service("crm").called("erase") == (1 if carried_out else 2)
    assert outcomes(trial, request) == [("done", "answer_lost" if carried_out else None)]
    assert trial.show(request)["verdict"] == "complete"


def test_without_proof_of_death_a_track_is_taken_over_when_its_lease_ends(open_trial: Open) -> None:
    trial = open_trial("crm", policy='lease = "10s"')
    service("crm").script("erase", Crash())
    request = erasure(trial, "crm")
    with pytest.raises(Crash):
        trial.run()
    with another(trial) as worker:
        track, died = f"{request}.crm", trial.now
        back = worker.advance(track)
        assert back == pytest.approx(died.timestamp() + 10, abs=0.1)
        assert service("crm").called("confirm") == 0
        trial.run(seconds=9)
        assert service("crm").called("confirm") == 0
        trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_of_two_workers_on_a_track_one_acts(open_trial: Open) -> None:
    trial = open_trial("crm")
    request = erasure(trial, "crm")
    track, entered, leave = f"{request}.crm", threading.Event(), threading.Event()

    def hold_on() -> None:
        entered.set()
        assert leave.wait(20)

    service("crm").script("erase", hold_on)
    first = threading.Thread(target=trial.engine.worker.advance, args=(track,))
    first.start()
    assert entered.wait(20)
    with another(trial) as worker:
        back = worker.advance(track)
        assert back is not None
        assert back > trial.now.timestamp()
    leave.set()
    first.join()
    assert [c[0] for c in service("crm").calls] == ["check", "find", "erase", "confirm"]
    assert trial.show(request)["verdict"] == "complete"


def test_a_worker_that_was_stopped_and_comes_back_may_neither_send_nor_write(open_trial: Open) -> None:
    """It sleeps through its lease in the middle of a step; another one takes over and ends the request meanwhile."""
    trial = open_trial("crm", policy='lease = "10s"')
    service("crm").keep("second", Kept(EMAIL))
    request = erasure(trial, "crm")
    track = f"{request}.crm"

    def asleep() -> None:
        trial.clock.advance(timedelta(seconds=11))
        with another(trial) as worker:
            worker.advance(track)
        assert trial.show(request)["state"] == "closed"

    service("crm").script("erase", asleep)
    trial.engine.worker.advance(track)
    assert [c[0] for c in service("crm").calls].count("erase") == 3  # its own, and the other one's two
    assert len(trial.events(request, "request.closed")) == 1
    assert outcomes(trial, request) == [("done", None), ("done", None)]
    assert trial.show(request)["verdict"] == "complete"


def test_a_worker_asleep_through_its_lease_sends_nothing_more_even_when_nobody_took_over(open_trial: Open) -> None:
    trial = open_trial("mail", mail={"connector": "memory_batching"}, policy='lease = "10s"')
    service("mail").keep("second", Kept(EMAIL))

    def asleep() -> Any:
        trial.clock.advance(timedelta(seconds=11))

    service("mail").script("find", asleep)  # type: ignore[arg-type]
    request = erasure(trial, "mail")
    trial.engine.worker.advance(f"{request}.mail")
    assert service("mail").called("erase_many") == 0
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_the_lease_of_a_long_step_is_renewed(open_trial: Open) -> None:
    trial = open_trial("crm", policy='lease = "1s"', clock=SystemTime())
    request = erasure(trial, "crm")

    def long() -> None:
        time.sleep(1.7)

    service("crm").script("erase", long)
    trial.engine.worker.advance(f"{request}.crm")
    assert service("crm").called("erase") == 1
    assert trial.show(request)["verdict"] == "complete"


def test_an_engine_that_calls_twice_early_or_for_nothing_does_no_harm(open_trial: Open) -> None:
    trial = open_trial("crm", policy='grace = "1d"')
    request = erasure(trial, "crm")
    worker = trial.engine.worker
    for _ in range(3):
        worker.advance(f"{request}.crm")
    assert [c[0] for c in service("crm").calls] == ["check", "find"]
    assert worker.advance("ffffffffffffffff.crm") is None
    trial.run()
    for _ in range(3):
        assert worker.advance(f"{request}.crm") is None
    assert [c[0] for c in service("crm").calls] == ["check", "find", "erase", "confirm"]


def test_an_answer_that_could_not_be_written_down_is_read_back(open_trial: Open) -> None:
    """The journal takes nothing more between the call and its record, as on a disk that went read-only."""
    trial = open_trial("crm", policy='lease = "2s"')
    request = erasure(trial, "crm")

    def journal_shut() -> None:
        service("crm").kept.clear()
        trial.hub.db.write(lambda conn: conn.exec_driver_sql("PRAGMA query_only = 1"))

    service("crm").script("erase", journal_shut)
    trial.engine.step()
    assert trial.track(request, "crm")["holdings"][0]["steps"][0]["state"] == "sent"
    trial.reopen()
    trial.run()
    assert (service("crm").called("erase"), outcomes(trial, request)) == (1, [("done", "answer_lost")])
    assert trial.show(request)["verdict"] == "complete"


def test_an_engine_whose_alarms_were_lost_finds_everything_in_the_journal(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", policy='grace = "3d"')
    request = erasure(trial, "crm", "shop")
    while trial.show(request)["state"] != "closed":
        trial.engine.step()
        trial.restart()
    assert trial.show(request)["verdict"] == "complete"


def test_a_leased_track_is_always_due_when_its_lease_ends(open_trial: Open) -> None:
    """Nobody but the journal knows of a track whose worker died: it must be found there without anybody's alarm."""
    trial = open_trial("crm", approve=False)
    request = erasure(trial, "crm")
    trial.run()
    trial.hub.approve(request, by="Dora Dpo")
    service("crm").script("erase", Crash())
    with pytest.raises(Crash):
        trial.run()
    with trial.hub.db.read() as conn:
        row = conn.execute(select(tracks).where(tracks.c.id == f"{request}.crm")).one()
    assert row.wake_at is not None
    assert row.lease_until is not None


class TestLocalEngine:
    """The engine of one machine, in real time."""

    @pytest.fixture
    def trial(self, open_trial: Open) -> Trial:
        return open_trial("crm", "shop", "desk", clock=SystemTime(), policy='find_patience = "1s"')

    def test_it_carries_requests_out_while_it_runs(self, trial: Trial) -> None:
        before = erasure(trial, "crm", "shop", "desk")
        with trial.hub.engine() as engine:
            assert engine is not None
            wait_until(lambda: trial.show(before)["state"] == "closed")
            after = erasure(trial, "crm", "shop", "desk")
            wait_until(lambda: trial.show(after)["state"] == "closed")
        assert trial.show(after)["verdict"] == "complete"

    def test_a_service_that_wants_to_be_left_alone_delays_the_others_by_patience_at_most(self, trial: Trial) -> None:
        service("crm").script("find", RateLimited("Later", retry_after=timedelta(seconds=20)))
        request = erasure(trial, "crm", "shop", "desk")
        began = time.monotonic()
        with trial.hub.engine():
            wait_until(
                lambda: trial.track(request, "shop")["phase"] == trial.track(request, "desk")["phase"] == "settled"
            )
            took = time.monotonic() - began
        assert took < 3.0
        assert (service("crm").called("find"), trial.track(request, "crm")["reason"]) == (1, "rate_limited")

    def test_a_slow_service_does_not_hold_up_another_request(self, trial: Trial) -> None:
        leave = threading.Event()

        def slow() -> None:
            assert leave.wait(20)

        service("crm").script("find", *[slow] * 8)  # type: ignore[list-item]
        blocked = [erasure(trial, "crm") for _ in range(20)]
        with trial.hub.engine():
            wait_until(lambda: service("crm").called("find") == 8)
            wait_until(lambda: all(trial.track(r, "shop")["coverage"] for r in blocked))
            leave.set()
            wait_until(lambda: all(trial.show(r)["state"] == "closed" for r in blocked))

    def test_only_one_process_has_the_engine(self, trial: Trial) -> None:
        with trial.hub.engine() as first, trial.hub.engine() as second:
            assert first is not None
            assert second is None

    def test_an_approval_wakes_what_waited_for_it(self, open_trial: Open) -> None:
        trial = open_trial("crm", approve=False, clock=SystemTime())
        request = erasure(trial, "crm")
        with trial.hub.engine():
            wait_until(lambda: trial.show(request)["state"] == "review")
            trial.hub.approve(request, by="Dora Dpo")
            wait_until(lambda: trial.show(request)["state"] == "closed")
        assert trial.show(request)["verdict"] == "complete"

    def test_many_requests_at_once_keep_every_law(self, trial: Trial) -> None:
        addresses = [f"person{n}@example.org" for n in range(12)]
        for email in addresses:
            for name in ("crm", "shop", "desk"):
                service(name).keep(email, Kept(email))
        with trial.hub.engine():
            received = datetime.now(UTC)
            requests = [trial.submit(Right.ERASURE, Identifier.email(e), received=received) for e in addresses]
            wait_until(lambda: all(trial.show(r)["state"] == "closed" for r in requests), 60)
        assert {trial.show(r)["verdict"] for r in requests} == {"complete"}
