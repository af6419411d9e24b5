"""What is called for an operation, with what, and how its answer is judged: as the hub does it for a request.

What the hub keeps between steps in its journal is kept here for as long as the command runs: what was found, where a
holding is now, what the last act was and what it answered.
"""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub.coordinator.finding import Found, collect
from hub.coordinator.foreign import check_account, check_confirmation, check_found, check_outcome, check_texts, texts
from hub.development.copying import Copy, copied
from hub.development.wishes import PERSON, Wishes, nothing_to_resume
from hub.errors import UsageError
from hub.holding import Holding, Learned
from hub.outcome import Absent, Confirmation, Contained, Done, NotYet, Outcome, Partial, Pending, Unsupported
from hub.processor import Account, Act, Operation, Processor, Step
from hub.subject import Subject
from hub.timepiece import Timepiece

ACTS = frozenset({"rectify", "suppress", "lift", "erase", "resume"})
"""What changes something at the service."""
ON_A_HOLDING = ACTS | {"export", "confirm"}
PATIENCE = timedelta(minutes=10)
"""How long an attempt may take, as in the hub."""
MOST = 1000
"""Holdings after which a scan has shown that it works."""

_STOPS = frozenset({Operation.SUPPRESS, Operation.LIFT})


@dataclass(frozen=True, slots=True)
class Scanned:
    """How many holdings of each kind a scan listed; not whole where it was cut off at `MOST`."""

    kinds: Counter[str]
    whole: bool


Came = Account | Found | Copy | Scanned | Outcome | Confirmation
"""What an operation can bring."""


class Calls:
    """The calls of one command to one processor, in an order that `Wishes.check` let pass."""

    def __init__(self, processor: Processor[Any], wishes: Wishes, clock: Timepiece) -> None:
        self.found: Found | None = None
        self.number: int | None = None  # of the holding in hand
        self._processor = processor
        self._wishes = wishes
        self._clock = clock
        self._received = clock.now()
        self._target: Holding | None = None
        self._act: Act | None = None
        self._outcome: Outcome | None = None  # of the last act, as it was answered
        self._read_back: Confirmation | None = None  # of that act
        self._attempts: dict[str, tuple[str, int]] = {}  # operation → its idempotency key, and how often it was called

    def declined(self, operation: str) -> Unsupported | None:
        """The declared reason why the service lacks an operation; the hub never calls it then."""
        return self._processor.cannot(Operation(operation)) if operation in set(Operation) else None

    def of(self, operation: str) -> Callable[[], Came]:
        """What to call. Raises `UsageError` where something it needs is lacking."""
        declined = self.declined(operation)
        if declined is not None:
            return lambda: declined
        made: dict[str, Callable[[], Callable[[], Came]]] = {
            "check": lambda: self._check,
            "find": self._find,
            "scan": self._scan,
            "export": self._export,
            "confirm": self._confirm,
            "resume": self._resume,
        }
        return made[operation]() if operation in made else self._perform(Operation(operation))

    def due(self, operation: str) -> datetime | None:
        """Before when the service does not want to be asked this; None where it named no time."""
        match operation, self._outcome, self._read_back:
            case ("resume", Pending(check_after=due) | Contained(purge_due=due), _) | ("confirm", _, NotYet(due)):
                return due
            case _:
                return None

    def _check(self) -> Account:
        account = self._processor.check()
        check_account(account)
        return account

    def _find(self) -> Callable[[], Found]:
        subject = self._subject()

        def call() -> Found:
            self._target = self.number = None
            self.found = collect(self._processor, subject, lambda: None)
            return self.found

        return call

    def _scan(self) -> Callable[[], Scanned]:
        if type(self._processor).scan is Processor.scan:
            raise UsageError("The connector offers no scan", hint="It does not define scan().")

        def call() -> Scanned:
            kinds: Counter[str] = Counter()
            for holding, identifiers in itertools.islice(self._processor.scan(None), MOST):
                for answer in (holding, *map(Learned, identifiers)):
                    check_found(answer, self._processor.kinds)
                kinds[holding.kind] += 1
            return Scanned(kinds, whole=kinds.total() < MOST)

        return call

    def _export(self) -> Callable[[], Copy]:
        holding, step = self._holding(), self._step("export")
        return lambda: copied(self._processor, holding, step, keep=self._wishes.keep)

    def _perform(self, operation: Operation) -> Callable[[], Outcome]:
        act, step = self._asked(operation), self._step(operation)
        given = (act.changes,) if act.changes is not None else (act.scope,) if act.scope is not None else ()
        method: Callable[..., Outcome] = getattr(self._processor, operation.value)

        def call() -> Outcome:
            self._act, self._outcome, self._read_back = act, None, None  # so it stays where the answer is lost
            return self._judged(act, method(act.target, *given, step))

        return call

    def _resume(self) -> Callable[[], Outcome]:
        act, left = self._act, self._outcome
        if act is None or not isinstance(left, Pending | Contained) or not isinstance(act.target, Holding):
            raise nothing_to_resume()
        target, handle, step = act.target, left.handle, self._step(act.operation)
        return lambda: self._judged(act, self._processor.resume(target, handle, step))

    def _confirm(self) -> Callable[[], Confirmation]:
        act = self._act or self._asked(Operation(self._wishes.of or ""))
        step = self._step(act.operation, again=False)

        def call() -> Confirmation:
            said = self._processor.confirm(act, step)
            check_confirmation(act.operation, self._outcome if isinstance(self._outcome, Absent) else act.outcome, said)
            self._read_back = said
            return said

        return call

    def _judged(self, act: Act, outcome: Outcome) -> Outcome:
        """The outcome, if the hub would take it; where a correction moved the holding, it is followed."""
        check_outcome(act.operation, outcome)
        check_texts(texts(outcome), self.personal())
        done = outcome.done if isinstance(outcome, Partial) else outcome
        if isinstance(done, Done) and done.locator is not None and isinstance(act.target, Holding):
            self._target = replace(act.target, locator=done.locator)
            act = replace(act, target=self._target)
        known = outcome if isinstance(outcome, Done | Partial | Contained) else None
        self._act, self._outcome, self._read_back = replace(act, outcome=known), outcome, None
        return outcome

    def _asked(self, operation: Operation) -> Act:
        """The act, without an outcome. Raises `UsageError` where it lacks its holding."""
        wishes = self._wishes
        return Act(
            operation,
            self._subject() if operation is Operation.SUPPRESS and self._bare() else self._holding(),
            changes=wishes.changes if operation is Operation.RECTIFY else None,
            scope=wishes.scope if operation in _STOPS else None,
        )

    def _bare(self) -> bool:
        """Whether a suppression is about the person as such: asked for by number, or nothing is held."""
        return self._wishes.holding == PERSON or (self.found is not None and not self.found.holdings)

    def _holding(self) -> Holding:
        """The holding asked for; the only one otherwise. Raises `UsageError`."""
        if self._target is None:
            held = self.found.holdings if self.found else []
            if not held:
                raise UsageError("Nothing was found to try this on", hint="Give another person: --email and its like.")
            self.number = self._numbered(held)
            self._target = held[self.number - 1]
        return self._target

    def _numbered(self, held: Sequence[Holding]) -> int:
        number = 1 if self._wishes.holding is None and len(held) == 1 else self._wishes.holding
        if number is not None and 1 <= number <= len(held):
            return number
        lacking = (
            "Several holdings were found: say which" if number is None else f"There is no holding {number} to do it on"
        )
        listed = "; ".join(f"{place} is {line_of(holding)}" for place, holding in enumerate(held, 1))
        raise UsageError(lacking, hint=f"--holding N: {listed}.")

    def _subject(self) -> Subject:
        if self._wishes.subject is None:
            raise UsageError("Nobody is named", hint="Give --subject FILE, or --email, --phone, --name or --id.")
        return self._wishes.subject

    def personal(self) -> list[str]:
        """What is known of the person, and must not stand in any word for people."""
        known = self._wishes.subject.identifiers if self._wishes.subject else ()
        hints = self._target.hints.values() if self._target else ()
        return [*(identifier.value for identifier in known), *hints]

    def _step(self, operation: str, *, again: bool = True) -> Step:
        """The attempt: its key stays the same however often the operation is called."""
        key, before = self._attempts.get(operation, (secrets.token_hex(16), 0))
        attempt = max(1, before + again)
        self._attempts[operation] = (key, attempt)
        now = self._clock.now()
        return Step(key=key, attempt=attempt, now=now, received=self._received, deadline=now + PATIENCE)


def line_of(holding: Holding) -> str:
    """`member (exact, sole)`, with the role where it is not the usual one."""
    role = "" if holding.role == "holder" else f", {holding.role}"
    return f"{holding.kind} ({holding.match}, {holding.reach}{role})"
