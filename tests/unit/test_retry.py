"""What to do after an error: one decision for each row of the policy table, and waits that keep their bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.coordinator.retry import IN_PLACE, IN_PLACE_TRIES, Decision, Next, carry_out, decide
from hub.errors import (
    POLICY,
    Action,
    AuthError,
    ContractError,
    Fenced,
    HubError,
    OutcomeUnknown,
    RateLimited,
    TransientError,
)

FOLLOWS = {
    Action.RETRY: {Next.IN_PLACE, Next.LATER},
    Action.WAIT: {Next.IN_PLACE, Next.LATER},
    Action.RECONCILE: {Next.RECONCILE},
    Action.SUSPEND: {Next.SUSPEND},
    Action.FAIL: {Next.PERSON},
    Action.STOP: {Next.STOP},
}
TRIES = st.integers(0, 10_000)
CHANCE = st.floats(0, 1, exclude_max=True)
CAP = st.floats(60, 86_400)


@pytest.mark.parametrize("cls", POLICY)
@given(tries=TRIES, cap=CAP, chance=CHANCE)
def test_every_row_of_the_table_is_carried_out(cls: type[HubError], tries: int, cap: float, chance: float) -> None:
    assert decide(cls("x"), tries=tries, cap=cap, chance=chance).next in FOLLOWS[POLICY[cls].action]


@pytest.mark.parametrize("error", [KeyError("x"), NotImplementedError(), KeyboardInterrupt(), RecursionError()])
def test_what_nobody_meant_to_raise_is_never_repeated(error: BaseException) -> None:
    assert decide(error, tries=0, cap=60, chance=0.5) == Decision(Next.PERSON)


@given(tries=TRIES, cap=CAP, chance=CHANCE)
def test_the_wait_doubles_up_to_its_cap_and_is_never_less_than_half_of_that(
    tries: int, cap: float, chance: float
) -> None:
    whole = min(cap, 2.0 ** min(tries, 40))
    assert whole / 2 <= decide(TransientError(), tries=tries, cap=cap, chance=chance).wait <= whole


@given(seconds=st.integers(0, 10_000_000), tries=TRIES, chance=CHANCE)
def test_a_time_the_service_named_is_never_cut_short(seconds: int, tries: int, chance: float) -> None:
    error = RateLimited("slow down", retry_after=timedelta(seconds=seconds))
    decision = decide(error, tries=tries, cap=60, chance=chance)
    assert seconds <= decision.wait <= seconds * 1.1
    assert decision.next is Next.LATER or decision.wait <= IN_PLACE


@given(tries=TRIES, chance=CHANCE)
def test_a_thread_waits_for_short_times_only_and_not_often(tries: int, chance: float) -> None:
    decision = decide(TransientError(), tries=tries, cap=3600, chance=chance)
    assert (decision.next is Next.IN_PLACE) == (tries < IN_PLACE_TRIES and decision.wait <= IN_PLACE)


class Calls:
    """A call that fails as listed and then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def carried_out(call: Calls) -> tuple[list[float], str]:
    waited: list[float] = []
    return waited, carry_out(call, cap=3600, chance=lambda: 0.0, sleep=waited.append)


def test_what_passes_within_seconds_is_repeated_on_the_spot() -> None:
    waited, answer = carried_out(call := Calls(TransientError(), RateLimited(retry_after=timedelta(seconds=2))))
    assert (answer, call.made, waited) == ("answer", 3, [0.5, 2.0])


@pytest.mark.parametrize(
    ("errors", "made"),
    [
        ([TransientError(), TransientError(), TransientError("third")], 3),
        ([RateLimited("long", retry_after=timedelta(seconds=3))], 1),
        ([OutcomeUnknown("cut off")], 1),
        ([AuthError("no")], 1),
        ([ContractError("shape")], 1),
        ([Fenced("lost")], 1),
        ([KeyError("bug")], 1),
        ([TransientError(), OutcomeUnknown("cut off")], 2),
    ],
)
def test_everything_else_is_raised_as_it_came(errors: list[BaseException], made: int) -> None:
    call = Calls(*errors)
    with pytest.raises(type(errors[-1])) as caught:
        carried_out(call)
    assert caught.value is errors[-1]
    assert call.made == made
