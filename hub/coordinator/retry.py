"""What to do after an error: a pure decision, and tenacity to carry out the part that is waited for in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import tenacity

from hub.errors import Action, RateLimited, policy

T = TypeVar("T")

FIRST_WAIT = 1.0  # seconds before the first repetition
IN_PLACE = 2.0  # seconds a thread may wait; longer waits are a row in the journal
IN_PLACE_TRIES = 2  # repetitions in place; after that the journal takes over, whatever the wait

LONGEST_NAMED = 366 * 86400.0
"""Longest wait, in seconds, that a service can name: a later instant may be one that no calendar has."""


class Next(StrEnum):
    """What happens after an error."""

    IN_PLACE = "in_place"  # repeat after a short wait, on this thread
    LATER = "later"  # write the time into the journal and let the thread go
    RECONCILE = "reconcile"  # nobody knows whether it happened: read back before repeating
    SUSPEND = "suspend"  # the instance's access is broken: stop all its tracks
    PERSON = "person"  # repeating cannot help
    STOP = "stop"  # not ours any more


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next, and after how many seconds."""

    next: Next
    wait: float = 0.0


def decide(error: BaseException, *, tries: int, cap: float, chance: float) -> Decision:
    """Decide what to do about `error`.

    Args:
        error: what was raised.
        tries: failures in a row before this one.
        cap: longest back-off in seconds.
        chance: a random number in [0, 1), for the jitter: the wait lies between half of the back-off and the whole.

    The wait doubles from `FIRST_WAIT`. A time the service named is cut short by `LONGEST_NAMED` alone, and a jitter of
    up to a tenth is added to it, so that many tracks do not come back in the same instant.
    """
    action = policy(error).action
    back_off = min(cap, FIRST_WAIT * 2.0 ** min(tries, 40)) * (0.5 + chance / 2)
    match action:
        case Action.STOP:
            return Decision(Next.STOP)
        case Action.SUSPEND:
            return Decision(Next.SUSPEND)
        case Action.FAIL:
            return Decision(Next.PERSON)
        case Action.RECONCILE:
            return Decision(Next.RECONCILE, back_off)
        case Action.WAIT | Action.RETRY:
            named = error.retry_after if isinstance(error, RateLimited) else None
            wait = back_off if named is None else _kept(named.total_seconds()) * (1 + chance / 10)
            short = wait <= IN_PLACE and tries < IN_PLACE_TRIES
            return Decision(Next.IN_PLACE if short else Next.LATER, wait)


def _kept(named: float) -> float:
    return min(max(named, 0.0), LONGEST_NAMED)


def carry_out(call: Callable[[], T], *, cap: float, chance: Callable[[], float], sleep: Callable[[float], None]) -> T:
    """Call, repeating in place as `decide` allows; raises the last error otherwise."""
    waits: list[float] = []

    def again(state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if error is None:
            return False
        decision = decide(error, tries=state.attempt_number - 1, cap=cap, chance=chance())
        waits.append(decision.wait)
        return decision.next is Next.IN_PLACE

    retrying = tenacity.Retrying(retry=again, wait=lambda _: waits[-1], sleep=sleep, reraise=True)
    return retrying(call)
