"""What a track does next follows from where it stands, and from nothing else: never too early, never without leave."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.coordinator.decide import (
    OPEN,
    Confirm,
    Find,
    Perform,
    Reconcile,
    Rest,
    Resume,
    Settle,
    actionable,
    asked_for,
    next_action,
    steps_wanted,
)
from hub.coordinator.standing import ORDER, Snapshot
from hub.processor import Operation
from hub.rights import NEEDS_APPROVAL, Right

NOW = 1_000.0


def track(**more: Any) -> Any:
    usual = {"state": "acting", "phase": "act", "held": None, "reason": None, "tries": 0, "wake_at": NOW}
    usual |= {"rights": ["erasure"], "options": {}, "delivered": None, "grace_until": None, "barrier_at": NOW + 60}
    return SimpleNamespace(**usual | more)


def holding(ordinal: int, **more: Any) -> Any:
    usual = {"kind": "contact", "match": "exact", "reach": "sole", "decision": None, "approved": True}
    return SimpleNamespace(**usual | {"ordinal": ordinal} | more)


def step(number: int, **more: Any) -> Any:
    usual = {"operation": "erase", "holding": number, "state": "ready", "next_at": None, "reason": None}
    return SimpleNamespace(**usual | {"number": number, "outcome": None} | more)


def decided(
    *steps: Any, on: Any = None, holdings: list[Any] | None = None, siblings: bool = False, batch: int = 1
) -> Any:
    held = [holding(s.number) for s in steps] if holdings is None else holdings
    return next_action(Snapshot(on or track(), held, steps, siblings), NOW, {"contact": batch})


@pytest.mark.parametrize(
    ("state", "action"), [("ready", Perform), ("sent", Reconcile), ("confirm", Confirm), ("resume", Resume)]
)
def test_an_open_step_goes_on_where_it_stands(state: str, action: type) -> None:
    assert isinstance(decided(step(1, state=state)), action)


def test_an_export_that_was_cut_off_goes_on_and_is_not_read_back() -> None:
    assert decided(step(1, operation="export", state="sent")) == Perform((step(1, operation="export", state="sent"),))


@pytest.mark.parametrize(
    ("on", "rest"),
    [
        (track(held="auth", phase="find"), Rest(None, "instance_auth")),
        (track(phase="failed", reason="contract"), Rest(None, "contract")),
        (track(phase="find", tries=1, wake_at=NOW + 5, reason="transient"), Rest(NOW + 5, "transient")),
        (track(phase="find", tries=1, wake_at=NOW), Find()),
        (track(phase="find", tries=0, wake_at=NOW + 5), Find()),
        (track(state="finding"), Rest(NOW + 60, "barrier")),
        (track(), Settle()),
        (track(state="closed", phase="find"), Settle()),
        (track(phase="find", options={"undone": True}), Settle()),
        (track(state="finding", phase="act", options={"undone": True}), Settle()),
    ],
)
def test_before_there_are_steps(on: Any, rest: Any) -> None:
    assert decided(on=on) == rest


@pytest.mark.parametrize(
    ("on", "held", "sibling", "reason", "at"),
    [
        (track(), holding(1, approved=False), False, "review", None),
        (track(), holding(1, match="possible"), False, "decision", None),
        (track(rights=["access", "erasure"]), holding(1), False, "delivery", None),
        (track(grace_until=NOW + 9), holding(1), False, "grace", NOW + 9),
        (track(), holding(1), True, "erase_after", None),
    ],
)
def test_an_erasure_waits_for_leave(on: Any, held: Any, sibling: bool, reason: str, at: float | None) -> None:
    assert decided(step(1), on=on, holdings=[held], siblings=sibling) == Rest(at, reason)


@pytest.mark.parametrize(
    ("on", "sibling"), [(track(rights=["access", "erasure"], delivered=NOW), False), (track(grace_until=NOW), False)]
)
def test_and_goes_on_when_it_has_it(on: Any, sibling: bool) -> None:
    assert isinstance(decided(step(1), on=on, siblings=sibling), Perform)


@pytest.mark.parametrize("operation", ["suppress", "export", "lift"])
def test_what_can_be_taken_back_waits_for_nobody(operation: str) -> None:
    waits = track(state="finding", grace_until=NOW + 9)
    only = step(1, operation=operation)
    assert decided(only, on=waits, holdings=[holding(1, approved=False)], siblings=True) == Perform((only,))


def test_a_child_that_waits_holds_its_parent_back_unless_its_business_is_open() -> None:
    waiting = step(1, next_at=NOW + 5, reason="transient")
    assert decided(waiting, step(2)) == Rest(NOW + 5, "transient")
    refused = step(1, next_at=NOW + 5, outcome={"outcome": "refused", "reason": "open"})
    assert decided(refused, step(2)) == Perform((step(2),))
    partly = step(1, next_at=NOW + 5, outcome={"outcome": "partial", "left": [{"outcome": "refused"}]})
    assert decided(partly, step(2)) == Perform((step(2),))
    failed = step(1, state="person", reason="bug", outcome={"outcome": "failed", "reason": "bug"})
    assert decided(failed, step(2)) == Rest(None, "bug")


def test_a_batch_takes_neighbours_of_one_kind_that_may_go_now() -> None:
    steps = [step(n) for n in range(1, 6)]
    assert decided(*steps, batch=3) == Perform(tuple(steps[:3]))
    kinds = [holding(n, kind="order" if n == 2 else "contact") for n in range(1, 6)]
    assert decided(*steps, holdings=kinds, batch=3) == Perform((steps[0],))
    unapproved = [holding(n, approved=n != 2) for n in range(1, 6)]
    assert decided(*steps, holdings=unapproved, batch=3) == Perform((steps[0],))
    assert decided(step(1, state="sent"), *steps[1:], batch=3) == Reconcile(step(1, state="sent"))


STEPS = st.lists(
    st.builds(
        step,
        st.integers(1, 4),
        operation=st.sampled_from([op.value for op in ORDER]),
        state=st.sampled_from([*sorted(OPEN), "closed"]),
        next_at=st.sampled_from([None, NOW - 1, NOW + 5]),
        reason=st.sampled_from([None, "transient", "refused"]),
        outcome=st.sampled_from([None, {"outcome": "refused"}, {"outcome": "failed"}, {"outcome": "done"}]),
    ),
    max_size=6,
)
HOLDINGS = st.tuples(
    *(
        st.builds(
            holding,
            st.just(n),
            match=st.sampled_from(["exact", "possible"]),
            reach=st.sampled_from(["sole", "shared"]),
            decision=st.sampled_from([None, "hers", "not_hers"]),
            approved=st.booleans(),
            kind=st.sampled_from(["contact", "order"]),
        )
        for n in range(1, 5)
    )
).map(list)
TRACKS = st.builds(
    track,
    state=st.sampled_from(["finding", "acting", "closed"]),
    phase=st.sampled_from(["find", "act", "failed"]),
    held=st.sampled_from([None, None, "auth"]),
    rights=st.sampled_from([["erasure"], ["access", "erasure"], ["objection"], ["access"], ["rectification"]]),
    options=st.sampled_from([{}, {"undone": True}]),
    delivered=st.sampled_from([None, NOW]),
    grace_until=st.sampled_from([None, NOW - 1, NOW + 9]),
    tries=st.integers(0, 2),
    wake_at=st.sampled_from([None, NOW - 1, NOW + 5]),
)
PLACES = st.builds(Snapshot, TRACKS, HOLDINGS, STEPS, st.booleans())


@given(PLACES, st.integers(1, 3))
def test_nothing_is_done_without_leave_before_its_time_or_twice(at: Any, batch: int) -> None:
    action = next_action(at, NOW, {"contact": batch})
    if isinstance(action, Perform):
        assert 1 <= len(action.steps) <= batch or len(action.steps) == 1
        for one in action.steps:
            held = at.holding(one.holding)
            assert one.state == "ready" or (one.state, one.operation) == ("sent", "export")
            assert one.next_at is None or one.next_at <= NOW
            assert actionable(held) or one.state == "sent"
            assert held.approved or one.operation not in NEEDS_APPROVAL
            assert at.track.held is None
            assert at.track.state != "closed"
            if one.operation == "erase":
                assert not at.siblings_erasing
                assert at.track.grace_until is None or at.track.grace_until <= NOW
                assert at.track.delivered is not None or Operation.EXPORT not in asked_for(at.track)


@given(PLACES)
def test_who_rests_says_why_and_who_settles_has_nothing_open(at: Any) -> None:
    match next_action(at, NOW, {}):
        case Rest(until, reason):
            assert reason
            assert until is None or until > NOW or reason == "barrier"
        case Settle():
            assert at.track.state == "closed" or all(s.state not in OPEN for s in at.steps)


@given(PLACES)
def test_the_decision_is_a_function_of_the_journal(at: Any) -> None:
    assert next_action(at, NOW, {"contact": 2}) == next_action(at, NOW, {"contact": 2})


@given(at=PLACES, stop_first=st.booleans(), bare=st.booleans())
def test_steps_are_wanted_once_for_what_is_hers_and_in_order(at: Any, stop_first: bool, bare: bool) -> None:
    wanted = steps_wanted(at, stop_first=stop_first, bare=bare)
    present = {(s.operation, s.holding) for s in at.steps}
    assert len(set(wanted)) == len(wanted)
    assert not {(operation.value, ordinal) for operation, ordinal in wanted} & present
    assert [ORDER.index(operation) for operation, _ in wanted] == sorted(ORDER.index(op) for op, _ in wanted)
    for operation, ordinal in wanted:
        assert ordinal is None or actionable(at.holding(ordinal))
        bridge = operation is Operation.SUPPRESS and stop_first and Operation.ERASE in asked_for(at.track)
        assert operation in asked_for(at.track) or bridge


@pytest.mark.parametrize("right", Right)
def test_an_undone_erasure_is_not_asked_for_and_everything_else_still_is(right: Right) -> None:
    before = asked_for(track(rights=[right]))
    after = asked_for(track(rights=[right], options={"undone": True}))
    assert after == (() if right is Right.ERASURE else before)


def test_somebody_who_is_not_held_can_object_all_the_same() -> None:
    objection = track(rights=["objection"])
    for held in ([], [holding(1, match="possible", decision="not_hers")]):
        assert steps_wanted(Snapshot(objection, held, []), stop_first=False, bare=True) == [(Operation.SUPPRESS, None)]
    undecided = [holding(1, match="possible")]
    assert steps_wanted(Snapshot(objection, undecided, []), stop_first=False, bare=True) == []
