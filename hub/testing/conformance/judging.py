"""Whether what a connector made of a fault is true, and of the right class. Every complaint is written for its author.

The service's own records are the truth: those of a good run say what it keeps when a thing was not done and when it
was, so whatever a connector claims can be looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.errors import POLICY, ConnectorError, RateLimited
from hub.holding import Coverage, Holding
from hub.outcome import Absent, Done, Gone, Manual, NotYet, Partial, Refused, Retained, Unsupported, Unverifiable
from hub.testing.conformance.cases import permitted, refuses
from hub.testing.conformance.kit import Bound, Kit
from hub.testing.conformance.recording import GoodRun, Seen, confirm
from hub.testing.conformance.secrecy import leaks
from hub.testing.conformance.states import differing, state_of
from hub.testing.faults import Status, What

_BELIEVED = (
    "Take nothing for an answer but the service's own: the documented status with the documented body. Give `call` a "
    "`model`, and look at the body of a 404 before it means absence."
)
_FORBIDDEN = 403
_STATELESS = "Keep nothing of a call on the processor: every method begins anew."
_IDEMPOTENT = "An attempt after a lost answer finds it done, and answers Done or Absent; it never fails on that."


@dataclass(frozen=True)
class Struck:
    """A connector that met a fault.

    Args:
        kit: where it happened; the fault is over.
        run: what comes of it without a fault.
        call: the call that was struck.
        what: the fault.
        prepared: what `run.asked.before` returned.
    """

    kit: Kit
    run: GoodRun
    call: Seen
    what: What
    prepared: Any

    @property
    def carried_out(self) -> bool:
        """Whether the service keeps what it keeps after a good run, as far as that changed anything."""
        return not differing(self.run.after, state_of(self.kit, self.run.touched), self.run.touched)

    def error(self, bench: Bound, error: Exception) -> Iterator[str]:
        """What is wrong with the error that was raised on that bench."""
        expected = self._permitted()
        names = " or ".join(cls.__name__ for cls in expected)
        if not isinstance(error, ConnectorError):
            yield f"{type(error).__name__} was raised, which counts as a bug of the connector.\n→ Raise {names}."
            return
        cls = next(base for base in type(error).__mro__ if base in POLICY or base is ConnectorError)
        if cls not in expected:
            yield f"{cls.__name__} was raised.\n→ Raise {names}, or let the door's own error pass: it knows which."
        if error.instance != bench.wire.instance or not error.hint:
            yield "The error does not say which instance it met, or what to do next.\n→ Set `instance` and `hint`."
        asked_to_wait = isinstance(self.what, Status) and self.what.retry_after is not None
        if isinstance(error, RateLimited) and asked_to_wait and error.retry_after is None:
            yield "The time the service asked for was lost.\n→ Pass `retry_after` on."
        for where in leaks(self.kit, bench, error):
            yield f"A person or a secret stands in {where}.\n→ Quote nothing a service says, and raise `from None`."

    def answer(self, bench: Bound, answer: Any) -> Iterator[str]:
        """What is wrong with an answer given in spite of the fault: a good run's is right, where it is true."""
        good, acts = self.run.answer, self.run.asked.act is not None
        wrong = ""
        if not acts and not _same(answer, good):
            wrong = _of_reading(answer, good)
        elif acts and not self._true(answer):
            wrong = f"{type(answer).__name__} was answered, and the service's records say otherwise."
        if wrong and self._refused() and _nothing_held(answer):
            wrong = f"The service's own 403 was answered, and the connector concluded that nothing is held. {wrong}"
        if wrong:
            yield f"{wrong}\n→ Raise {' or '.join(cls.__name__ for cls in self._permitted())}. {_BELIEVED}"
        for where in leaks(self.kit, bench):
            yield f"A person or a secret stands in {where}.\n→ Log fixed texts and counts."

    def afterwards(self, bench: Bound) -> Iterator[str]:
        """What is wrong once the fault is over: with `confirm`, with another attempt, with what was no part of it."""
        try:
            yield from self._again(bench)
        except ConnectorError as error:
            yield f"The fault was over, and then {type(error).__name__} was raised.\n→ {_IDEMPOTENT}"
        aside = differing(self.run.before, state_of(self.kit), self.run.before.keys() - self.run.touched)
        if aside:
            kinds = ", ".join(sorted({key.partition("/")[0] for key in aside}))
            yield f"Records were changed that a good run leaves alone ({kinds}).\n→ Act by locator, on that record."

    def _again(self, bench: Bound) -> Iterator[str]:
        run = self.run
        if run.asked.act is None:
            if not _same(run.asked.run(self.kit, bench, self.prepared), run.answer):
                yield f"The fault was over, and another attempt answers otherwise than the first ever.\n→ {_STATELESS}"
            return
        yield from self._read_back(bench)
        again = run.asked.run(self.kit, bench, self.prepared)
        if not isinstance(again, Done | Absent | type(run.answer)):
            yield f"The fault was over, and another attempt answered {type(again).__name__}.\n→ {_IDEMPOTENT}"
        if not self.carried_out:
            yield f"The fault was over, and another attempt did not bring it about.\n→ {_IDEMPOTENT}"

    def _read_back(self, bench: Bound) -> Iterator[str]:
        run = self.run
        assert run.asked.act is not None
        said = confirm(self.kit, bench, run.asked.act)
        if isinstance(said, NotYet | Unverifiable):
            return  # neither claims anything
        if self.carried_out:
            state, truthful = "it was carried out", type(said) is run.confirmed
        elif not differing(run.before, state_of(self.kit, run.touched), run.touched):
            state, truthful = "nothing was done", type(said) is run.unconfirmed
        else:
            state, truthful = "only a part was done", type(said) is not run.confirmed
        if not truthful:
            yield f"confirm answers {type(said).__name__}, and {state}.\n→ Read the very record back, by its locator."

    def _true(self, answer: Any) -> bool:
        if isinstance(answer, Manual | Refused | Retained | Unsupported | Partial) and refuses(self.what):
            return True  # the service will not do it, and the answer does not say that it did
        if not self.carried_out:
            return False
        return isinstance(answer, type(self.run.answer)) or (
            isinstance(answer, Done | Absent) and bool(self.run.touched)
        )

    def _refused(self) -> bool:
        """Whether the service said in its own words that it does not let the connector look."""
        own = (
            isinstance(self.what, Status) and bool(self.what.body) and not self.what.media_type.startswith("text/html")
        )
        return own and isinstance(self.what, Status) and self.what.code == _FORBIDDEN

    def _permitted(self) -> tuple[type[ConnectorError], ...]:
        return permitted(self.what, self.call, self.run.asked.operation, acts=self.run.asked.act is not None)


def _same(answer: Any, good: Any) -> bool:
    return bool(answer == good) if isinstance(good, list) else type(answer) is type(good)


def _nothing_held(answer: Any) -> bool:
    """Whether an answer says that there is nothing of the person."""
    if isinstance(answer, list):
        return all(isinstance(item, Coverage) for item in answer)
    return isinstance(answer, Absent | Gone)


def _of_reading(answer: Any, good: Any) -> str:
    if not isinstance(answer, list):
        return f"{type(answer).__name__} was answered as if nothing had happened."
    missing = sum(isinstance(item, Holding) for item in good) - sum(isinstance(item, Holding) for item in answer)
    if missing > 0:
        return f"The search ended as if all had been read, {missing} holdings short: nothing held, or less than is."
    return "An answer was given as if all had been read, and it is not what the service holds."
