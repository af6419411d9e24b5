"""From what a person asks to what is done: which operations, in which order, and which rights exclude each other."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.processor import Operation, Purpose
from hub.rights import NEEDS_APPROVAL, OPERATIONS, Right, contradiction, default_scope, operations

SOME = st.lists(st.sampled_from(Right), min_size=1, max_size=5)


def test_every_right_means_an_operation() -> None:
    assert set(OPERATIONS) == set(Right)
    assert Operation.FIND not in OPERATIONS.values()


@given(SOME)
def test_operations_come_once_each_with_the_copy_first_and_the_end_last(rights: list[Right]) -> None:
    done = operations(rights)
    assert len(set(done)) == len(done)
    assert set(done) == {OPERATIONS[right] for right in rights}
    assert Operation.EXPORT not in done or done[0] is Operation.EXPORT
    assert Operation.ERASE not in done or done[-1] is Operation.ERASE


def test_what_cannot_be_taken_back_needs_approval_and_nothing_else_does() -> None:
    assert {Operation.ERASE, Operation.RECTIFY} == NEEDS_APPROVAL


CONTRARY = {
    frozenset({Right.ERASURE, Right.RECTIFICATION}),
    frozenset({Right.ERASURE, Right.RESTRICTION}),
    *(frozenset({Right.LIFT, other}) for other in Right if other is not Right.LIFT),
}


@pytest.mark.parametrize("both", list(combinations(Right, 2)), ids="+".join)
def test_two_rights_stand_together_unless_they_contradict(both: tuple[Right, Right]) -> None:
    pair = frozenset(both)
    assert (contradiction(sorted(pair)) is not None) == (pair in CONTRARY)


@given(SOME)
def test_rights_contradict_exactly_when_two_of_them_do(rights: list[Right]) -> None:
    pairs = {frozenset(pair) for pair in combinations(set(rights), 2)}
    assert (contradiction(rights) is not None) == bool(pairs & CONTRARY)


def test_no_right_at_all_is_no_request() -> None:
    assert contradiction(()) is not None


@pytest.mark.parametrize("right", Right)
def test_a_restriction_stops_every_use_and_an_objection_marketing(right: Right) -> None:
    every = frozenset(Purpose) if right in {Right.RESTRICTION, Right.LIFT} else frozenset({Purpose.MARKETING})
    assert default_scope([right]).purposes == every
