"""A connector to nothing: services in this process's memory, for tests and benchmarks of the coordinator.

A test scripts what a service does: `service("crm").script("erase", TransientError(...), DONE)` makes the first erasure
fail and the second work. Nothing here speaks HTTP, so nothing here proves anything about a real connector.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field

from hub import (
    Absent,
    Account,
    Act,
    AsAsked,
    Changes,
    Confirmation,
    Coverage,
    Differs,
    Done,
    File,
    Gone,
    Handle,
    Holding,
    Identifier,
    InstanceConfig,
    Learned,
    Limits,
    Match,
    Method,
    Operation,
    Outcome,
    Processor,
    Reach,
    Record,
    Scope,
    Search,
    Step,
    Subject,
    hookimpl,
)

Answer = Outcome | Confirmation | BaseException | Callable[[], Any]


@dataclass(slots=True)
class Kept:
    """One record a service keeps."""

    email: str
    kind: str = "contact"
    match: Match = Match.EXACT
    reach: Reach = Reach.SOLE
    also: tuple[Identifier, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    stopped: bool = False
    rows: int = 1


class Service:
    """The state of one service, and what it is scripted to do next."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.calls: list[tuple[str, str]] = []  # operation, record
        self.latency = 0.0
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._lock = threading.Lock()

    def keep(self, name: str, record: Kept) -> None:
        """Put a record there."""
        self.kept[name] = record

    def script(self, operation: str, *answers: Answer) -> None:
        """What the next calls of that operation answer: an outcome, an error to raise, or a function to call."""
        self._scripts[operation].extend(answers)

    def unscript(self) -> None:
        """Forget what was scripted: from now on everything works."""
        self._scripts.clear()

    def called(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(1 for name, _ in self.calls if name == operation)

    def turn(self, operation: str, record: str) -> Any:
        """Note a call; return the scripted answer, or None."""
        if self.latency:
            time.sleep(self.latency)
        with self._lock:
            self.calls.append((operation, record))
            script = self._scripts[operation]
            answer = script.popleft() if script else None
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer


_services: dict[str, Service] = defaultdict(Service)


def service(name: str) -> Service:
    """The service of that name, made on first use."""
    return _services[name]


def forget_services() -> None:
    """Begin anew: every test with its own services."""
    _services.clear()


class MemoryConfig(InstanceConfig):
    """Settings of an instance in memory."""

    service: str = Field(description="which service in memory")
    concurrency: int = Field(8, description="calls in flight at once")


class Memory(Processor[MemoryConfig]):
    """A service in memory."""

    name: ClassVar[str] = "memory"
    title: ClassVar[str] = "Memory"
    searches: ClassVar[Mapping[str, Search]] = {"email": Search.EXACT}
    kinds: ClassVar[Mapping[str, str]] = {"contact": "a contact", "order": "an order"}
    stops_before_erase: ClassVar[bool] = False

    @property
    def service(self) -> Service:
        """The state behind this instance."""
        return service(self.config.service)

    @classmethod
    def limits(cls, config: MemoryConfig) -> Limits:
        """No host at all: nothing here goes through the door."""
        return Limits(hosts=(), concurrency=config.concurrency)

    def check(self) -> Account:
        """Always the same account, unless scripted."""
        self.service.turn("check", "")
        return Account(id=f"memory-{self.config.service}", label="In memory", sandbox=True)

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        """Every record with one of the addresses."""
        self.service.turn("find", "")
        for name, kept in list(self.service.kept.items()):
            if kept.email in subject.emails:
                yield self._holding(name, kept)
                if kept.match is Match.EXACT and kept.reach is Reach.SOLE:
                    yield from map(Learned, kept.also)
        yield Coverage({"email": Search.EXACT})

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        """As many rows as the record has, each a place to go on from."""
        answer = self.service.turn("export", holding.key)
        if answer is not None:
            yield from answer
            return
        kept = self.service.kept.get(holding.key)
        if kept is None:
            return
        start = int(step.cursor or 0)
        for row in range(start, kept.rows):
            yield Record(kept.kind, {"row": row, "email": kept.email, **kept.fields}, cursor=str(row + 1))

    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        """Write the fields."""
        answer: Outcome | None = self.service.turn("rectify", holding.key)
        if answer is not None:
            return answer
        if holding.key not in self.service.kept:
            return Absent()
        self.service.kept[holding.key].fields |= changes.concerning(self.name)
        return Done(Method.CORRECTED)

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        """Mark the record."""
        key = target.key if isinstance(target, Holding) else ""
        answer: Outcome | None = self.service.turn("suppress", key)
        if answer is not None:
            return answer
        if key in self.service.kept:
            self.service.kept[key].stopped = True
        return Done(Method.SUPPRESSED)

    def lift(self, holding: Holding, scope: Scope, step: Step) -> Outcome:
        """Take the mark off."""
        answer: Outcome | None = self.service.turn("lift", holding.key)
        self.service.kept[holding.key].stopped = False
        return answer or Done(Method.LIFTED)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        """Delete the record."""
        answer: Outcome | None = self.service.turn("erase", holding.key)
        if answer is not None:
            return answer
        gone = self.service.kept.pop(holding.key, None)
        return Absent() if gone is None else Done(Method.DELETED)

    def resume(self, holding: Holding, handle: Handle, step: Step) -> Outcome:
        """Go on with a job."""
        answer: Outcome | None = self.service.turn("resume", holding.key)
        if answer is not None:
            return answer
        self.service.kept.pop(holding.key, None)
        return Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        """Look at the record itself."""
        key = act.target.key if isinstance(act.target, Holding) else ""
        answer: Confirmation | None = self.service.turn("confirm", key)
        if answer is not None:
            return answer
        kept = self.service.kept.get(key)
        match act.operation:
            case Operation.ERASE:
                return Gone() if kept is None else Differs()
            case Operation.SUPPRESS:
                return AsAsked() if kept is None or kept.stopped else Differs(("stopped",))
            case Operation.LIFT:
                return Differs(("stopped",)) if kept is None or kept.stopped else AsAsked()
            case _:
                asked = act.changes.concerning(self.name) if act.changes else {}
                wrong = tuple(k for k, v in asked.items() if kept is None or kept.fields.get(k) != v)
                return Differs(wrong) if wrong else AsAsked()

    def _holding(self, name: str, kept: Kept) -> Holding:
        return Holding(
            key=name,
            kind=kept.kind,
            categories=("contact",),
            locator={"name": name},
            match=kept.match,
            reach=kept.reach,
            hints={"address": kept.email},
        )


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """The connector, for a test that loads this module as a plugin."""
    return [Memory]
