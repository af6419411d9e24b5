"""A good run of everything, recorded: the calls each operation makes, what each did there, and what came of it.

The rules hold a connector's behaviour under faults against this, and against nothing an author has to write down.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hub.errors import ConnectorError
from hub.holding import Holding
from hub.processor import Act
from hub.testing.conformance.kit import Bound, Kit
from hub.testing.conformance.operations import OPERATIONS, Asked, everything_asked
from hub.testing.conformance.service import Service
from hub.testing.conformance.states import State, differing, state_of
from hub.testing.conformance.watching import Heard, watched
from hub.testing.serving import Received, Sent, Server

_READS = frozenset({"GET", "HEAD"})
_REFUSALS = range(400, 600)
_FILE = "/{file}"  # what the door calls the address of a file

_RUNS = pytest.StashKey["GoodRuns"]()


class Recorded:
    """What rules share that need to know how a connector works when nothing goes wrong."""

    @pytest.fixture
    def good_runs(self, service: Service, request: pytest.FixtureRequest) -> GoodRuns:
        """What every operation does when nothing goes wrong; recorded once for all rules of a class."""
        stash = request.node.parent.stash
        runs: GoodRuns | None = stash.get(_RUNS, None)
        if runs is None or runs.service != service:
            runs = stash[_RUNS] = GoodRuns(service)
        return runs


@dataclass(frozen=True)
class Seen:
    """One call of a good run.

    Args:
        method, route: what was called, as the stand-in names it.
        changed: whether the service's records were others after it.
        sent: what the stand-in answered.
        file: whether it fetched a file, which may be anything.
    """

    method: str
    route: str
    changed: bool
    sent: Sent = field(repr=False)
    file: bool = False

    @property
    def reads(self) -> bool:
        """Whether it can only be a reading: by its method, and it changed nothing."""
        return self.method in _READS and not self.changed

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


@dataclass(frozen=True)
class GoodRun:
    """What was asked, and what came of it when nothing went wrong.

    Args:
        asked: the operation.
        calls: in their order.
        answer: what `asked.run` returned.
        before, after: what the service kept.
        touched: the keys of what it changed there.
        confirmed, unconfirmed: the kinds of answer `confirm` gives once it was done, and while it was not; None where
            nothing is confirmed.
    """

    asked: Asked
    calls: tuple[Seen, ...]
    answer: Any = field(repr=False)
    before: State = field(repr=False)
    after: State = field(repr=False)
    touched: frozenset[str] = field(repr=False)
    confirmed: type | None
    unconfirmed: type | None


@dataclass
class GoodRuns:
    """The good runs of one service; each operation's is made when it is first asked for.

    Args:
        service: what the author told us.
        refusals: the service's own, as far as they were met.
        heard: by operation, what was seen of the connector beside its calls.
    """

    service: Service
    refusals: list[Sent] = field(default_factory=list, repr=False)
    heard: dict[str, Heard] = field(default_factory=dict, repr=False)
    _runs: dict[str, list[GoodRun]] = field(default_factory=dict, repr=False)
    _holdings: list[Holding] | None = field(default=None, repr=False)

    def of(self, operation: str) -> list[GoodRun]:
        """The runs of one of `OPERATIONS`; empty where the connector has no such operation."""
        if operation not in self._runs:
            with watched() as self.heard[operation]:
                with Kit.running(self.service) as kit:
                    asked = everything_asked(kit, operation, self.holdings)
                self._runs[operation] = [self._run(one) for one in asked]
        return self._runs[operation]

    def every(self) -> list[GoodRun]:
        """The runs of all operations."""
        return [run for operation in OPERATIONS for run in self.of(operation)]

    @property
    def holdings(self) -> list[Holding]:
        """What `find` yields of the person; the same in every stand-in seeded from one town. Asked for in `of`."""
        if self._holdings is None:
            with Kit.running(self.service) as kit, Kit.running(self.service) as other:
                assert state_of(kit) == state_of(other), (
                    "Two stand-ins seeded from one town do not keep the same records.\n"
                    "→ Let ids in `seed` follow from the town or from a count, not from chance or from the day."
                )
                assert state_of(kit), "The stand-in's records() are empty: what a connector does cannot be judged."
                self._holdings = kit.holdings(kit.open())
        return self._holdings

    def own_words(self, status: int) -> list[Sent]:
        """How the service itself answers with that status, as far as the good runs have heard it."""
        return [sent for sent in self.refusals if sent.status == status]

    def _run(self, asked: Asked) -> GoodRun:
        """Do it on fresh state, then once more, and confirm: both can meet refusals in the service's own words."""
        with ExitStack() as stack:
            kit = stack.enter_context(Kit.running(self.service))
            watch = Watch(kit)
            front = stack.enter_context(Server(watch))
            kit = replace(kit, url=front.url)
            prepared = asked.before(kit, kit.open())
            unconfirmed = _confirmed(kit, asked.act)
            bench = kit.open()
            before, made = state_of(kit), len(watch.seen)
            answer = asked.run(kit, bench, prepared)
            after, calls = state_of(kit), _with_files(watch.seen[made:], bench)
            confirmed = _confirmed(kit, asked.act)
            with suppress(ConnectorError):  # what a second time may come to is another rule's
                asked.run(kit, kit.open(), prepared)
            self.refusals += [seen.sent for seen in watch.seen if seen.sent.status in _REFUSALS]
        return GoodRun(asked, calls, answer, before, after, differing(before, after), confirmed, unconfirmed)


class Watch:
    """Stands in front of a stand-in and notes what passes."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._kept = state_of(kit)
        self.seen: list[Seen] = []

    def __call__(self, received: Received) -> Sent:
        """Let the stand-in answer."""
        sandbox = self._kit.sandbox
        sent = sandbox.respond(received)
        call, changed = sandbox.calls[-1], False
        if received.method not in _READS:
            now = state_of(self._kit)
            changed, self._kept = now != self._kept, now
        self.seen.append(Seen(call.method, call.route, changed, sent))
        return sent


def _with_files(calls: Sequence[Seen], bench: Bound) -> tuple[Seen, ...]:
    """The calls, the last of the bench, and of each whether the door fetched a file with it (`Wire.stream`)."""
    templates = [exchange.url_template for exchange in bench.exchanges][-len(calls) :] if calls else []
    assert len(templates) == len(calls), (
        f"{len(calls)} calls arrived at the stand-in and {len(templates)} passed the door.\n"
        "→ Make every call with `self.hub.wire`."
    )
    return tuple(replace(call, file=template == _FILE) for call, template in zip(calls, templates, strict=True))


def _confirmed(kit: Kit, act: Act | None) -> type | None:
    return None if act is None else type(confirm(kit, kit.open(), act))


def confirm(kit: Kit, bench: Bound, act: Act) -> Any:
    """Read the act back as after a lost answer."""
    return bench.processor.confirm(replace(act, outcome=None), kit.step())
