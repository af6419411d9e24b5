"""What a rule holds in its hands: the stand-in at work, the connector on the bench, and what the service keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from hub.holding import Coverage, File, Holding, Learned, Record
from hub.outcome import Confirmation, Contained, NotYet, Outcome, Pending
from hub.processor import Act, Changes, Operation, Scope, Step
from hub.subject import Identifier, Subject
from hub.testing.conformance import belonging
from hub.testing.conformance.comparing import Records, differing, mentions
from hub.testing.conformance.service import Service
from hub.testing.harness import Bench, MemoryTokens, step, workbench
from hub.testing.sandbox import Sandbox
from hub.timepiece import ManualTime

__all__ = ["Bound", "Found", "Kit", "Records"]

Bound = Bench[Any]
Found = Holding | Learned | Coverage

_LONGEST_JOB = 20  # times that a job may ask to be looked at again


@dataclass(frozen=True)
class Kit:
    """One connector against one running stand-in, both on a clock the rule holds.

    Attributes:
        service: what the author told us.
        sandbox: the stand-in; its `faults` and `calls` are the rule's to use.
        url: where it answers.
        clock: its time and the connector's.
    """

    service: Service
    sandbox: Sandbox
    url: str
    clock: ManualTime
    _stack: ExitStack = field(repr=False)
    _tokens: MemoryTokens = field(default_factory=MemoryTokens, repr=False)

    @classmethod
    @contextmanager
    def running(cls, service: Service, clock: ManualTime | None = None) -> Iterator[Kit]:
        """Start the stand-in, and stop it and everything opened against it at the end."""
        clock = clock or ManualTime()
        sandbox = service.sandbox(service.town, clock=clock)
        with ExitStack() as stack:
            server = stack.enter_context(sandbox.serve())
            yield cls(service, sandbox, server.url, clock, stack)

    @property
    def settings(self) -> dict[str, Any]:
        """The connector's settings that fit the stand-in."""
        return {**self.sandbox.settings(), **self.service.settings}

    @property
    def processor(self) -> type[Any]:
        """The processor's class."""
        return self.service.processor

    def cannot(self, operation: Operation) -> bool:
        """Whether the connector declares that the service lacks the operation, so that nothing of it is to be tried."""
        return self.processor.cannot(operation) is not None

    def open(self, *, limits: Mapping[str, Any] | None = None, **settings: Any) -> Bound:
        """The connector on a bench of its own, with further settings and other limits; closed with the kit.

        With the same settings it has the same tokens, as after a restart: those that rotate are good once.
        """
        every, tokens = {**self.settings, **settings}, None if settings else self._tokens
        bench = workbench(self.processor, every, self.url, clock=self.clock, limits=limits, region="GB", tokens=tokens)
        return self._stack.enter_context(bench)

    def step(self, **fields: Any) -> Step:
        """A first attempt, now; `fields` replace any of `Step`'s."""
        return step(at=self.clock.now(), **fields)

    # finding

    def find(self, bench: Bound, *identifiers: Identifier) -> list[Found]:
        """All that `find` yields of somebody known by these identifiers; of the person, by all of theirs, if none."""
        subject = Subject(identifiers) if identifiers else self.service.subject
        return list(bench.processor.find(subject))

    def holdings(self, bench: Bound, subject: Subject | None = None) -> list[Holding]:
        """What `find` yields of the person, or of `subject`, in its order; its locators went through the journal."""
        found = bench.processor.find(subject or self.service.subject)
        return [
            replace(item, locator=json.loads(json.dumps(item.locator))) for item in found if isinstance(item, Holding)
        ]

    def certain(self, bench: Bound) -> list[Holding]:
        """The person's holdings that are acted on without anybody's decision; never none."""
        held = [holding for holding in self.holdings(bench) if holding.certain]
        assert held, (
            "find yields nothing of the main person that is exact and theirs alone, so nothing can be tried: let the "
            "sandbox seed `town.main`, and name what else they are known by in Service.known_by"
        )
        return held

    # what the service keeps

    def records(self) -> Records:
        """What the service keeps now: a copy that later acts do not change."""
        kept: Records = json.loads(json.dumps(self.sandbox.records()))
        return kept

    @cached_property
    def hers(self) -> frozenset[str]:
        """The keys of the records, as seeded, that hold something of the person and identify nobody else."""
        return belonging.of_the_person(self.service.sandbox, self.service.town)

    @cached_property
    def strangers(self) -> list[Identifier]:
        """What tells everyone else from the person."""
        return belonging.strangers(self.service.town)

    @cached_property
    def own(self) -> list[Identifier]:
        """What tells the person from everyone else: identifiers that nobody in the town shares."""
        theirs = [i for person in self.service.town.neighbours for i in person.subject().identifiers]
        return [i for i in self.service.subject.identifiers if i not in theirs]

    @cached_property
    def traces(self) -> list[Identifier]:
        """What of the person may not stay on a record that was theirs: also names and lines that others bear too."""
        person = self.service.town.main
        lines = person.address.line1 if person.address else ""
        words = (person.given, person.family, lines)
        return [*self.service.subject.identifiers, *(Identifier.name(word) for word in words if word)]

    def changed_since(self, before: Records) -> frozenset[str]:
        """The keys of the records that were added, removed or altered, but for what the service itself writes."""
        return differing(before, self.sandbox.records(), self.service.volatile)

    def touched_strangers(self, before: Records) -> list[str]:
        """The keys of changed records that are not the person's alone; of new ones, those that name somebody else."""
        now = self.sandbox.records()
        return sorted(
            key for key in self.changed_since(before) - self.hers if key in before or mentions(now[key], self.strangers)
        )

    # acting

    def settle(self, bench: Bound, holding: Holding, outcome: Outcome) -> Outcome:
        """Carry a job that the service accepted to its end: wait as it asks, then `resume`, until it is an answer."""
        for _ in range(_LONGEST_JOB):
            match outcome:
                case Pending(check_after=due, handle=handle) | Contained(purge_due=due, handle=handle):
                    self.clock.advance(max(due - self.clock.now(), type(due - due)()))
                    outcome = bench.processor.resume(holding, json.loads(json.dumps(handle)), self.step())
                case _:
                    return outcome
        raise AssertionError(f"After {_LONGEST_JOB} times of `resume` the job still has no end: it never answers Done")

    def confirm(
        self,
        bench: Bound,
        operation: Operation,
        target: Holding | Subject,
        *,
        outcome: Outcome | None = None,
        changes: Changes | None = None,
        scope: Scope | None = None,
    ) -> Confirmation:
        """What `confirm` says of an act now."""
        act = Act(operation, target, changes=changes, scope=scope, outcome=outcome)
        confirmation: Confirmation = bench.processor.confirm(act, self.step())
        return confirmation

    def confirmed(self, bench: Bound, operation: Operation, target: Holding | Subject, **asked: Any) -> Confirmation:
        """What `confirm` says in the end: while it answers `NotYet` the clock moves on."""
        for _ in range(_LONGEST_JOB):
            said = self.confirm(bench, operation, target, **asked)
            if not isinstance(said, NotYet):
                return said
            self.clock.advance(said.check_after - self.clock.now())
        raise AssertionError(f"After {_LONGEST_JOB} times confirm still answers NotYet")

    def export(self, bench: Bound, holding: Holding, cursor: str | None = None) -> list[Record | File]:
        """All that `export` yields, from the cursor on; a file's chunks are read and put back as one."""
        return [
            replace(item, chunks=iter([b"".join(item.chunks)])) if isinstance(item, File) else item
            for item in bench.processor.export(holding, self.step(cursor=cursor))
        ]
