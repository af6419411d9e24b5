"""Operations of one connector, one after the other, watched. Nothing is written down: no journal, no evidence."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

from hub.development.arming import missed
from hub.development.calls import ACTS, ON_A_HOLDING, PATIENCE, Calls, Came
from hub.development.mishaps import GOES_ON, Mishap, describe, free_of, mixed, package_of
from hub.development.place import Place
from hub.development.reticence import Reticence
from hub.development.wishes import PERSON, Wishes
from hub.errors import HubError, UsageError
from hub.testing.faults import Fault
from hub.trace import template_shown
from hub.wire import Exchange, Passage, Recorder, flight

Effect = Mapping[str, Mapping[str, int]]
"""Kind of record → how many are `gone`, `changed` and `new` at the stand-in."""


@dataclass(slots=True)
class Seen:
    """An exchange, and the class of the error that came of it."""

    passage: Passage
    error: str | None = None


@dataclass(slots=True)
class Run:
    """One operation, on the holding of that number: what it sent and what came of it.

    Before it the stand-in's clock was moved on by so much as the service wants to be waited for.
    """

    operation: str
    holding: int | None
    waited: timedelta = timedelta(0)
    seen: list[Seen] = field(default_factory=list)
    came: Came | None = field(default=None, repr=False)
    mishap: Mishap | None = None
    effect: Effect | None = None


class Teller(Protocol):
    """Is told of everything as it happens."""

    def begins(self, run: Run) -> None:
        """An operation is about to be called."""
        ...

    def exchanged(self, passage: Passage) -> None:
        """It made an exchange."""
        ...

    def failed(self, kind: str) -> None:
        """This class of error came of the newest exchange."""
        ...

    def ended(self, run: Run) -> None:
        """It is over."""
        ...


class Session:
    """One command: made for it, and used by one thread.

    Args:
        place: the connector at work.
        wishes: what operations are called with.
        teller: is told as it happens.
        faults: what goes wrong at a stand-in, from the first operation asked for.
        invented: the person lives in the town and nowhere else, so an exception's text may be shown.
    """

    def __init__(
        self, place: Place, wishes: Wishes, teller: Teller, *, faults: Sequence[Fault] = (), invented: bool = False
    ) -> None:
        self.place = place
        self.wishes = wishes
        self.invented = invented
        self.runs: list[Run] = []
        self.unmet: list[Fault] = []  # faults that no call met
        self._teller = teller
        self._faults = faults
        self._may_show = free_of(place.secrets) if invented else None
        self._reticence = None if invented or wishes.keep else Reticence(package_of(place.connector))
        self._clock = place.clock
        self._calls = Calls(place.processor, wishes, self._clock)

    def carry_out(self, operations: Sequence[str]) -> None:
        """Carry them out in this order, after the search that they need.

        Goes on after an error that the hub gets over by itself, so that `erase confirm` shows what a lost answer comes
        to. Raises `UsageError` where an operation cannot be called as things stand, or would change what it must not.
        """
        offered = [operation for operation in operations if not self._calls.declined(operation)]
        acts = [operation for operation in offered if operation in ACTS]
        if acts and not (self.place.stand_in or self.place.via):
            raise UsageError(
                f"{acts[0]} would change data at {self.place.instance}, which is the service itself",
                hint="Try it with --sandbox. At the service itself a request does it, with review, journal and "
                "evidence: hub run --help",
            )
        self.wishes.check(offered)
        if self._needs_a_search(operations) and self._run("find").mishap:
            return
        if acts and not self.place.stand_in:
            self._require_stand_in()
        before = self._arm()
        for operation in operations:
            mishap = self._run(operation).mishap
            if mishap and mishap.action not in GOES_ON:
                break
        if self.place.stand_in:
            self.unmet = missed(self._faults, self.place.stand_in.calls[before:])

    def _needs_a_search(self, operations: Sequence[str]) -> bool:
        """Whether a holding is needed before one is searched for."""
        needing = (o for o in operations if o == "find" or (o in ON_A_HOLDING and not self._calls.declined(o)))
        return next(needing, "find") != "find" and self.wishes.holding != PERSON

    def _require_stand_in(self) -> None:
        """See that a stand-in answers, and not a proxy that hands everything on to the service."""
        if not self._exchanges():
            self._run("check")
        if not self._exchanges() or not self._stand_in_alone():
            raise UsageError(
                f"What answers for {self.place.instance} does not say that it is a stand-in",
                hint="Nothing was changed. A stand-in answers with the header X-Hub-Sandbox; --sandbox starts one.",
            )

    def _known(self) -> list[str]:
        """What the person is known by."""
        given = self.wishes.subject.identifiers if self.wishes.subject else ()
        learned = self._calls.found.learned if self._calls.found else ()
        return [identifier.value for identifier in (*given, *learned)]

    def _exchanges(self) -> list[Exchange]:
        return [seen.passage.exchange for run in self.runs for seen in run.seen]

    def _stand_in_alone(self) -> bool:
        return all(exchange.via == "sandbox" for exchange in self._exchanges() if exchange.status is not None)

    def _arm(self) -> int:
        """From here on the faults strike; returns how many calls came before."""
        if self.place.stand_in is None:
            return 0
        self.place.stand_in.faults.add(*self._faults)
        return len(self.place.stand_in.calls)

    def _run(self, operation: str) -> Run:
        due = self._calls.due(operation)
        waited = self._clock.move_to(due) if self.place.stand_in and due else timedelta(0)
        call = self._calls.of(operation)
        run = Run(operation, self._calls.number if operation in ON_A_HOLDING else None, waited)
        self.runs.append(run)
        self._teller.begins(run)
        records = self._records(operation)
        watchers = (_Watching(run, self._teller, self._known), *self.place.watch(self.place.instance, operation, 1))
        recorder = Recorder(None, lambda: self._fence(operation), self._clock.now() + PATIENCE, watchers)
        try:
            with flight(recorder):
                came = call()
            recorder.landed(came)
            run.came = self._reticence.of_answer(came) if self._reticence else came
        except (Exception, SystemExit) as error:  # noqa: BLE001  # foreign code: what it raises is what is to be shown
            recorder.landed(error)
            run.mishap = describe(
                error,
                self.place.connector,
                personal=self._calls.personal(),
                may_show=self._may_show,
                reticence=self._reticence,
            )
        if self._astray(operation):  # whatever the connector made of being stopped
            run.came, run.mishap = None, mixed(self.place.instance)
        run.effect = _effect(records, self._records(operation))
        self._teller.ended(run)
        return run

    def _fence(self, operation: str) -> None:
        """Before every send: an act goes on only while nothing but a stand-in answers."""
        if self._astray(operation):
            raise UsageError("Something else than a stand-in answered, so nothing more was sent")

    def _astray(self, operation: str) -> bool:
        """Whether it is an act at an instance where something answered that is no stand-in."""
        return operation in ACTS and not self.place.stand_in and not self._stand_in_alone()

    def _records(self, operation: str) -> Mapping[str, Any]:
        stand_in = self.place.stand_in
        return copy.deepcopy(stand_in.records()) if stand_in and operation in ACTS else {}


class _Watching:
    """Takes a flight down, and passes on what happens; `known` is what the person is known by."""

    def __init__(self, run: Run, teller: Teller, known: Callable[[], list[str]]) -> None:
        self._run = run
        self._teller = teller
        self._known = known

    def exchanged(self, passage: Passage) -> None:
        shown = template_shown(passage.exchange.url_template, self._known())
        passage = replace(passage, exchange=replace(passage.exchange, url_template=shown))
        self._run.seen.append(Seen(passage))
        self._teller.exchanged(passage)

    def failed(self, error: HubError) -> None:
        if self._run.seen:
            self._run.seen[-1].error = type(error).__name__
            self._teller.failed(type(error).__name__)

    def landed(self, came: object) -> None:
        """Nothing: the session itself knows what came."""


def _effect(before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect | None:
    """What became of the records, by kind; None where nothing is known of them."""
    if not (before or after):
        return None
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            became = "gone" if name not in after else "new" if name not in before else "changed"
            found[name.partition("/")[0]][became] += 1
    return {kind: dict(counts) for kind, counts in found.items()}
