"""Rules: two instances and eight threads share nothing, and together they keep to the limits the connector names."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from threading import Barrier
from types import ModuleType
from typing import Any

from hub.errors import ConnectorError, RateLimited
from hub.holding import Holding
from hub.processor import Processor
from hub.testing.conformance.belonging import with_somebody_else
from hub.testing.conformance.kit import Bound, Kit
from hub.testing.conformance.operations import everything_asked
from hub.testing.conformance.service import Service
from hub.testing.conformance.states import differing, state_of
from hub.testing.faults import Delay, Fault
from hub.timepiece import ManualTime
from hub.wire import Recorder, flight

THREADS = 8
_SLOWLY = Delay(0.002)  # seconds for each call, so that calls of several threads meet
_PATIENCE = 500  # times that the hub's own queue may send somebody away
_SET_ASIDE = ("tests", "sandbox")  # what of a connector's package does not run in production


class SharingRules:
    """Inherited through `Conformance`."""

    def test_two_accounts_asked_in_turn_answer_as_if_alone(self, service: Service) -> None:
        """A search at one account goes on between two steps of a search at another, and neither hears of the other."""
        alone = [_alone(each) for each in (service, _elsewhere(service))]
        with _two_accounts(service) as accounts:
            together = _in_turn([one.find() for one in accounts])
            assert together == alone, f"Two searches in turn find otherwise than each alone.\n→ {_NOTHING_SHARED}"
            held = [[item for item in found if isinstance(item, Holding)] for found in alone]
            apart = [one.exports(those) for one, those in zip(accounts, held, strict=True)]
            list(accounts[0].find())
            again = accounts[1].exports(held[1])
            assert again == apart[1], f"A copy differs once another account was searched.\n→ {_NOTHING_SHARED}"

    def test_what_is_done_at_one_account_is_not_done_at_another(self, service: Service) -> None:
        """Two accounts have the same shape, and often the same ids: an act belongs to one of them."""
        with Kit.running(service) as kit, Kit.running(service) as same:
            one, other = _Account(kit), _Account(same)
            before = state_of(other.kit)
            for operation in ("rectify", "suppress", "erase"):
                for asked in everything_asked(one.kit, operation, one.held()):
                    with suppress(ConnectorError):  # what a second erasure answers is another rule's
                        asked.run(one.kit, one.bench, asked.before(one.kit, one.bench))
            assert not differing(before, state_of(other.kit)), (
                f"An act at one account changed records of another.\n→ {_NOTHING_SHARED}"
            )

    def test_eight_threads_get_what_one_gets(self, service: Service) -> None:
        """Threads call one processor at once, none of them the one it was made in; calls in flight stay limited."""
        clock = _Admissions()
        with Kit.running(service, clock) as kit:
            account = _Account(kit)
            held = account.held()
            alone = account.everything(held)
            kit.sandbox.faults.add(Fault("*", _SLOWLY, nth=None))
            kit.sandbox.peak, before = 0, len(kit.sandbox.calls)
            start = Barrier(THREADS)

            def work(_: int) -> Any:
                start.wait()
                with flight(Recorder(b"k" * 32, clock.admitted)):
                    return account.everything(held)

            with ThreadPoolExecutor(THREADS) as pool:
                results = list(pool.map(work, range(THREADS)))
            assert all(result == alone for result in results), (
                f"A thread got otherwise than the connector gets alone.\n→ {_NOTHING_SHARED}"
            )
            _assert_limits(account, len(kit.sandbox.calls) - before, clock.times)

    def test_nothing_of_a_call_stays_on_class_or_module(self, service: Service) -> None:
        """What is kept there belongs to every account of the process, and outlives the request."""
        with _two_accounts(service) as accounts:
            one, other = accounts
            other.everything(other.held())  # what is loaded late is loaded now
            one.everything(one.held())
            before = _kept(service.processor)
            other.everything(other.held())
            after = _kept(service.processor)
        changed = sorted(name for name in after if name not in before or not _unchanged(before[name], after[name]))
        assert not changed, f"Calls changed {', '.join(changed)}.\n→ {_NOTHING_SHARED}"


_NOTHING_SHARED = "Keep what a call learns in local variables: not on the processor, its class or its module."


@dataclass
class _Account:
    """An instance of the connector, and what it is asked."""

    kit: Kit

    def __post_init__(self) -> None:
        self.bench: Bound = self.kit.open()

    def find(self) -> Iterator[Any]:
        return iter(self.bench.processor.find(self.kit.service.subject))

    def held(self) -> list[Holding]:
        return self.kit.holdings(self.bench)

    def exports(self, held: Sequence[Holding]) -> list[Any]:
        """A copy of one holding of each kind."""
        asked = everything_asked(self.kit, "export", held)
        return [one.run(self.kit, self.bench, None) for one in asked]

    def everything(self, held: Sequence[Holding]) -> tuple[Any, ...]:
        """All that only reads. Where the hub's own queue sends it away, it comes again."""
        for _ in range(_PATIENCE):
            try:
                return list(self.find()), self.exports(held)
            except RateLimited as later:
                if later.retry_after is None:
                    raise
                self.kit.clock.advance(later.retry_after)
        raise AssertionError("The rates of `limits` let nobody through")


def _elsewhere(service: Service) -> Service:
    """The service with somebody else in the person's place."""
    return replace(service, town=with_somebody_else(service.town))


def _alone(service: Service) -> list[Any]:
    with Kit.running(service) as kit:
        return list(_Account(kit).find())


@contextmanager
def _two_accounts(service: Service) -> Iterator[tuple[_Account, _Account]]:
    """One with the person and one with somebody else in her place."""
    with Kit.running(service) as kit, Kit.running(_elsewhere(service)) as other:
        yield _Account(kit), _Account(other)


def _in_turn(iterators: Sequence[Iterator[Any]]) -> list[list[Any]]:
    """What each yields, one step of each after the other."""
    taken: list[list[Any]] = [[] for _ in iterators]
    running = list(zip(iterators, taken, strict=True))
    while running:
        for pair in list(running):
            try:
                pair[1].append(next(pair[0]))
            except StopIteration:
                running.remove(pair)
    return taken


class _Admissions(ManualTime):
    """A clock that notes when each call was let out.

    Between that and its arrival other threads, waiting for their turn, move the clock on. What the door's queue read
    last in a thread is the time by which it let that thread's call out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._read = threading.local()
        self.times: list[float] = []

    def monotonic(self) -> float:
        """As the clock; remembered for this thread."""
        self._read.time = super().monotonic()
        return float(self._read.time)

    def admitted(self) -> None:
        """Note it: this thread is about to send. Where no rate is declared nobody has asked for the time."""
        self.times.append(getattr(self._read, "time", 0.0))


def _assert_limits(account: _Account, arrived: int, times: Sequence[float]) -> None:
    processor, peak = account.bench.processor, account.kit.sandbox.peak
    limits = processor.limits(processor.config)
    assert arrived == len(times), (
        f"{arrived} calls arrived and {len(times)} passed the door.\n→ Call with `self.hub.wire`."
    )
    assert peak <= limits.concurrency, (
        f"{peak} calls were in flight at once, and `limits` allows {limits.concurrency}.\n→ Call with `self.hub.wire`."
    )
    ordered = sorted(round(time * 1000) for time in times)  # in milliseconds, as the door counts
    for rate in limits.rates:
        period = rate.period.total_seconds()
        runs = [ordered[at : at + rate.count + 1] for at in range(len(ordered) - rate.count)]
        crowded = next((run for run in runs if run[-1] - run[0] < period * 1000), [])
        assert not crowded, (
            f"More than {rate.count} calls were made in {period:g} s, which `limits` forbids: at "
            f"{', '.join(f'{time / 1000:g}' for time in crowded)} s.\n→ Call with `self.hub.wire`."
        )


def _kept(processor: type[Processor[Any]]) -> Mapping[str, Any]:
    """What stands on the class and in its package's modules: name → value."""
    package = processor.__module__.rpartition(".")[0]
    whole = hasattr(sys.modules.get(package), "hub_processors")
    modules = [
        module
        for name, module in list(sys.modules.items())
        if name == processor.__module__ or (whole and f"{name}.".startswith(f"{package}."))
        if not set(_SET_ASIDE) & set(name.split("."))
    ]
    classes = [cls for cls in processor.__mro__ if not cls.__module__.startswith(("hub.", "typing", "abc", "builtins"))]
    return {
        f"{getattr(owner, '__name__', '')}.{name}": _snapshot(value)
        for owner in [*classes, *modules]
        for name, value in vars(owner).items()
        if not isinstance(value, ModuleType) and not name.startswith("__")
    }


def _snapshot(value: Any) -> tuple[Any, str]:
    return value, repr(value) if isinstance(value, dict | list | set) else ""


def _unchanged(one: tuple[Any, str], other: tuple[Any, str]) -> bool:
    return one[0] is other[0] and one[1] == other[1]
