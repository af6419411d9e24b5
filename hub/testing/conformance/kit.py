"""What a rule holds in its hands: the stand-in at work, the connector on the bench, and what the service keeps."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from hub.holding import Holding
from hub.processor import Step
from hub.subject import Subject
from hub.testing.conformance.service import Service
from hub.testing.harness import Bench, step, workbench
from hub.testing.sandbox import Sandbox
from hub.timepiece import ManualTime

Bound = Bench[Any]
Records = Mapping[str, Any]


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

    @classmethod
    @contextmanager
    def running(cls, service: Service) -> Iterator[Kit]:
        """Start the stand-in, and stop it and everything opened against it at the end."""
        clock = ManualTime()
        sandbox = service.sandbox(service.town, clock=clock)
        with ExitStack() as stack:
            server = stack.enter_context(sandbox.serve())
            yield cls(service, sandbox, server.url, clock, stack)

    def open(self, *, limits: Mapping[str, Any] | None = None, **settings: Any) -> Bound:
        """The connector on a bench of its own, with further settings and other limits; closed with the kit."""
        every = {**self.sandbox.settings(), **self.service.settings, **settings}
        bench = workbench(self.service.processor, every, self.url, clock=self.clock, limits=limits)
        return self._stack.enter_context(bench)

    def step(self, **fields: Any) -> Step:
        """A first attempt, now; `fields` replace any of `Step`'s."""
        return step(at=self.clock.now(), **fields)

    def holdings(self, bench: Bound, subject: Subject | None = None) -> list[Holding]:
        """What `find` yields of the person, or of `subject`, in its order."""
        found = bench.processor.find(subject or self.service.subject)
        return [item for item in found if isinstance(item, Holding)]

    def records(self) -> Records:
        """What the service keeps now: a copy that later acts do not change."""
        return copy.deepcopy(self.sandbox.records())
