"""Rules: a connector reaches the service through the door alone, and nothing else at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import pytest

from hub.testing.conformance.cases import ELSEWHERE
from hub.testing.conformance.kit import Kit
from hub.testing.conformance.operations import OPERATIONS
from hub.testing.conformance.recording import GoodRun, GoodRuns, Recorded
from hub.testing.conformance.service import Service
from hub.testing.conformance.watching import guarded
from hub.testing.faults import Fault, Status, What


class DoorRules(Recorded):
    """Inherited through `Conformance`."""

    def test_making_a_processor_calls_nobody(self, service: Service) -> None:
        """The hub makes one to see whether its settings fit; what it has to ask, it asks when it is called."""
        with Kit.running(service) as kit:
            kit.open()
            asked = [f"{call.method} {call.route}" for call in kit.sandbox.calls]
        assert not asked, f"Making the processor called {', '.join(asked)}.\n→ Call the service in the methods alone."

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_nothing_is_done_past_the_door(self, good_runs: GoodRuns, operation: str) -> None:
        """No connection but the door's, which knows the allowed hosts; no process, no file, no proxy, no waiting."""
        with suppress(Exception):  # that what it tried was refused, and it failed, is not what is asked here
            good_runs.of(operation)
        tried = list(dict.fromkeys(good_runs.heard[operation].tried))
        assert not tried, (
            f"{operation}: {'; '.join(tried)}.\n"
            "→ Call the service with `self.hub.wire`, keep nothing on disk, and raise RateLimited rather than wait."
        )

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_nothing_is_printed_and_no_library_complains(self, good_runs: GoodRuns, operation: str) -> None:
        """What the hub prints and logs is read by people and machines; a connector has `self.hub.log`."""
        good_runs.of(operation)
        heard = good_runs.heard[operation]
        assert not heard.printed.getvalue(), f"{operation} printed something.\n→ Use `self.hub.log`, with fixed texts."
        loggers = sorted({f"{record.name} in {record.filename}:{record.lineno}" for record in heard.logged})
        assert not loggers, f"{operation}: logging of {', '.join(loggers)}.\n→ Use `self.hub.log`, with fixed texts."

    @pytest.mark.parametrize("what", [Status(429, retry_after=1), Status(503)], ids=["429", "503"])
    def test_told_to_come_later_it_neither_waits_nor_tries_again(self, good_runs: GoodRuns, what: Status) -> None:
        """The journal waits: a thread that sleeps holds up everybody else, and a retry at once is what it asked not."""
        for run in _first_of_each(good_runs):
            met = _met(good_runs, run, what)
            wrong = [*met.tried, *(["waiting by the hub's clock"] if met.waited else [])]
            wrong += [f"{met.calls - 1} more calls"] if met.calls > 1 else []
            assert not wrong, (
                f"{run.asked.name}, its first call answered {what.code}: {'; '.join(wrong)}.\n"
                "→ Raise RateLimited or TransientError, or let the door's own error pass; the hub tries again."
            )

    def test_it_follows_no_redirect(self, good_runs: GoodRuns) -> None:
        """A redirect can lead the person's data, and our credentials, to anybody."""
        for run in _first_of_each(good_runs):
            met = _met(good_runs, run, Status(307, location=ELSEWHERE))
            wrong = [*met.tried, *([f"{met.calls - 1} more calls"] if met.calls > 1 else [])]
            assert not wrong, (
                f"{run.asked.name}, its first call answered 307: {'; '.join(wrong)}.\n"
                "→ Call with `self.hub.wire` and let its error pass: a redirect is no answer."
            )


@dataclass(frozen=True)
class _Met:
    """What followed a fault: calls in all, what was tried past the door because of it, and whether it waited."""

    calls: int
    tried: list[str]
    waited: bool


def _first_of_each(good_runs: GoodRuns) -> Iterator[GoodRun]:
    """One run of every operation that calls the service."""
    runs = [run for run in good_runs.every() if run.calls]
    for _, same in groupby(runs, key=lambda run: run.asked.operation):
        yield next(same)


def _met(good_runs: GoodRuns, run: GoodRun, what: What) -> _Met:
    """Let that happen to the operation's first call."""
    with Kit.running(good_runs.service) as kit:
        prepared, bench = run.asked.before(kit, kit.open()), kit.open()
        before, began = len(kit.sandbox.calls), kit.clock.now()
        kit.sandbox.faults.add(Fault("*", what))
        with guarded() as tried, suppress(Exception):  # which one, other rules judge
            run.asked.run(kit, bench, prepared)
        always = good_runs.heard[run.asked.operation].tried
        limited = type(bench.processor).limits(bench.processor.config).rates  # the door's own queue waits by the clock
        new = [each for each in tried if each not in always]
        return _Met(len(kit.sandbox.calls) - before, new, kit.clock.now() > began and not limited)
