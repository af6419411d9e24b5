"""What became of a request: nothing better than its worst part, and nothing called done that was not seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.coordinator.verdict import duties, track_result, verdict

COVERED = {"email": "exact"}
ENDED = [
    "done",
    "absent",
    "partial",
    "retained",
    "refused",
    "manual",
    "unsupported",
    "failed",
    "withdrawn",
    "cancelled",
]


def track(phase: str = "settled", **more: Any) -> Any:
    return SimpleNamespace(
        **{"id": "r.crm", "instance": "crm", "phase": phase, "reason": None, "coverage": COVERED} | more
    )


def step(outcome: str | None = "done", operation: str = "erase", holding: int | None = 1, **more: Any) -> Any:
    body = None if outcome is None else {"outcome": outcome}
    usual = {"track": "r.crm", "state": "closed", "reason": None, "confirmation": None}
    return SimpleNamespace(**usual | {"operation": operation, "holding": holding, "outcome": body} | more)


def holding(ordinal: int = 1, **more: Any) -> Any:
    usual = {"track": "r.crm", "kind": "contact", "match": "exact", "reach": "sole", "decision": None}
    return SimpleNamespace(**usual | {"ordinal": ordinal} | more)


def done(**more: Any) -> Any:
    return step(**{"confirmation": "gone"} | more)


def test_a_track_that_is_not_settled_waits_and_says_why() -> None:
    assert track_result(track("act", reason="review"), [], []).outcome == "waiting"
    assert track_result(track("act", reason="review"), [], []).reason == "review"


def test_a_search_that_failed_or_a_step_a_person_must_mend_is_failed() -> None:
    assert track_result(track("failed", reason="contract"), [], []).reason == "contract"
    stuck = step("failed", state="person", reason="bug")
    assert track_result(track("act"), [done(holding=2), stuck], []).outcome == "failed"


def test_nothing_held_is_said_only_of_a_service_that_was_searched() -> None:
    assert track_result(track(), [], []).outcome == "nothing_held"
    for coverage in ({}, {"email": "none"}, {"email": "index"}):
        assert track_result(track(coverage=coverage), [], []).outcome == "not_searchable"
    assert track_result(track(coverage=None), [], []).outcome == "cancelled"  # before it was searched at all


def test_what_is_undecided_is_not_nothing() -> None:
    assert track_result(track(), [], [holding(match="possible")]).outcome == "undecided"
    assert track_result(track(), [], [holding(match="possible", decision="not_hers")]).outcome == "nothing_held"


def test_a_suppression_before_an_erasure_is_no_part_of_the_answer() -> None:
    bridge = step("unsupported", operation="suppress")
    assert track_result(track(), [bridge, done()], []).outcome == "done"
    assert track_result(track(), [bridge, done(holding=2)], []).outcome == "partial"


def test_methods_and_confirmations_are_named_only_where_they_agree() -> None:
    two = [step(confirmation="gone"), step(confirmation="masked", holding=2)]
    for one, method in zip(two, ("deleted", "redacted"), strict=True):
        one.outcome["method"] = method
    result = track_result(track(), two, [])
    assert (result.outcome, result.method, result.confirmation) == ("done", None, "mixed")


STEPS = st.lists(
    st.builds(
        step,
        st.sampled_from(ENDED),
        st.sampled_from(["erase", "suppress", "export", "rectify"]),
        st.integers(1, 4),
        confirmation=st.sampled_from([None, "gone", "as_asked", "masked", "unverifiable", "differs"]),
    ),
    min_size=1,
    max_size=5,
)


@given(STEPS)
def test_complete_means_that_every_part_was_done_and_seen(taken: list[Any]) -> None:
    if verdict([track()], taken, []) == "complete":
        erased = {s.holding for s in taken if s.operation == "erase"}
        asked = [s for s in taken if s.operation != "suppress" or s.holding not in erased]
        noted = {s.outcome["outcome"] for s in asked}
        if "done" in noted and all(s.operation == "suppress" for s in asked):
            noted.discard("unsupported")
        assert noted <= {"done", "absent"}
        assert {s.confirmation for s in asked} <= {None, "gone", "as_asked", "masked"}


@given(STEPS, st.sampled_from(["act", "find", "failed"]))
def test_one_open_track_keeps_the_whole_request_open(taken: list[Any], phase: str) -> None:
    other = track(phase, id="r.shop", instance="shop")
    assert verdict([track(), other], taken, []) in {"waiting", "failed"}


@pytest.mark.parametrize(
    ("result", "said"),
    [("done", "complete"), ("nothing_held", "complete"), ("not_possible", "with_exceptions"), (None, "complete")],
)
def test_what_a_recipient_could_not_do_is_an_exception(result: str | None, said: str) -> None:
    assert verdict([track()], [done()], [], [SimpleNamespace(result=result)]) == said


def test_what_is_kept_or_refused_to_the_end_remains_a_duty_and_nothing_else_does() -> None:
    kept = {"outcome": "retained", "ground": "VAT Act 1994", "until": "2032-03-02"}
    refused = {"outcome": "refused", "reason": "open_order", "explanation": ""}
    taken = [
        step(outcome=None, holding=1),
        step(holding=2),
        step(holding=3),
        step(holding=4, operation="suppress"),
        step(holding=5, state="ready"),
    ]
    taken[1].outcome = kept
    taken[2].outcome = {"outcome": "partial", "left": [kept, refused]}
    taken[3].outcome = taken[4].outcome = refused
    left = list(duties([track()], taken, [holding(n) for n in range(1, 6)]))
    assert [(d.ordinal, d.ground, d.due) for d in left] == [
        (2, "VAT Act 1994", "2032-03-02"),
        (3, "VAT Act 1994", "2032-03-02"),
        (3, "open business: open_order", None),
    ]
