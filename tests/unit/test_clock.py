from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import (
    JURISDICTIONS,
    Case,
    Clarification,
    Jurisdiction,
    Waiting,
    deadlines,
    end_of,
    is_working_day,
    jurisdiction,
    known_holidays,
    local_day,
    months_later,
)
from hub.errors import UsageError
from hub.rights import Right

UK = JURISDICTIONS["uk"]
EU = JURISDICTIONS["eu"]
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
LAWS = st.sampled_from([UK, EU, jurisdiction("eu", public_holidays="DE"), jurisdiction("uk", public_holidays="GB-SCT")])
RIGHTS = st.sampled_from([right.value for right in Right])


def access(
    received: date, *questions: Clarification, completions: tuple[date | None, ...] = (), extended: bool = False
) -> Case:
    return Case("access", received, completions, questions, extended)


@pytest.mark.parametrize(
    ("received", "answer_by"),
    [
        (date(2024, 1, 1), date(2024, 2, 1)),  # ICO: received on a holiday counts from that day
        (date(2024, 9, 3), date(2024, 10, 3)),  # ICO's small-business checklist
        (date(2024, 11, 25), date(2024, 12, 27)),  # ICO: Christmas and Boxing Day pass
        (date(2026, 1, 31), date(2026, 3, 2)),  # no 31 February, and the 28th is a Saturday
        (date(2027, 1, 31), date(2027, 3, 1)),  # the 28th is a Sunday
        (date(2028, 1, 31), date(2028, 2, 29)),  # a leap year
        (date(2026, 3, 3), date(2026, 4, 7)),  # Good Friday to Easter Monday
    ],
)
def test_a_month_in_the_uk_ends_as_the_regulator_counts(received: date, answer_by: date) -> None:
    assert deadlines(access(received), UK).answer_by == answer_by


def test_scotland_has_its_own_holidays() -> None:
    received = date(2025, 12, 2)  # 2 January is a holiday in Scotland alone
    assert deadlines(access(received), UK).answer_by == date(2026, 1, 2)
    assert deadlines(access(received), jurisdiction("uk", public_holidays="GB-SCT")).answer_by == date(2026, 1, 5)


def test_a_month_in_the_eu_ends_on_the_same_date_and_passes_the_member_states_holidays() -> None:
    assert deadlines(access(date(2026, 3, 5)), EU).answer_by == date(2026, 4, 6)  # the 5th is a Sunday
    assert deadlines(access(date(2026, 8, 31)), EU).answer_by == date(2026, 9, 30)
    germany = jurisdiction("eu", public_holidays="DE")
    assert deadlines(access(date(2026, 3, 5)), germany).answer_by == date(2026, 4, 7)  # Easter Monday too


def test_proof_of_identity_and_fee_restart_the_uk_month() -> None:
    assert deadlines(
        Case("erasure", date(2026, 1, 5), completions=(date(2026, 1, 20), date(2026, 1, 9))), UK
    ) == deadlines(Case("erasure", date(2026, 1, 20)), UK)


def test_while_something_asked_for_is_outstanding_the_uk_clock_has_not_begun() -> None:
    waiting = deadlines(Case("erasure", date(2026, 1, 5), completions=(date(2026, 1, 9), None)), UK)
    assert (waiting.answer_by, waiting.extend_by, waiting.refuse_by) == (None, None, None)
    assert waiting.waiting is Waiting.COMPLETION


def test_in_the_eu_nothing_stops_the_clock() -> None:
    case = access(date(2026, 1, 5), Clarification(date(2026, 1, 6)), completions=(None,))
    assert deadlines(case, EU) == deadlines(access(date(2026, 1, 5)), EU)


def test_days_of_clarification_do_not_count_both_ends_included() -> None:
    asked_and_answered = Clarification(date(2026, 6, 8), date(2026, 6, 10))  # three days
    assert deadlines(access(date(2026, 6, 1)), UK).answer_by == date(2026, 7, 1)
    result = deadlines(access(date(2026, 6, 1), asked_and_answered), UK)
    assert result.answer_by == result.extend_by == date(2026, 7, 6)  # 4 July is a Saturday


def test_an_open_question_stops_the_clock_for_access_alone() -> None:
    question = Clarification(date(2026, 6, 8))
    assert deadlines(access(date(2026, 6, 1), question), UK).waiting is Waiting.CLARIFICATION
    assert deadlines(Case("erasure", date(2026, 6, 1), clarifications=(question,)), UK).answer_by == date(2026, 7, 1)


def test_a_question_after_the_deadline_does_not_revive_it() -> None:
    late = Clarification(date(2026, 7, 2))
    assert deadlines(access(date(2026, 6, 1), late), UK).answer_by == date(2026, 7, 1)


def test_overlapping_questions_leave_each_day_out_once() -> None:
    one = Clarification(date(2026, 6, 8), date(2026, 6, 12))
    two = Clarification(date(2026, 6, 10), date(2026, 6, 15))
    both = Clarification(date(2026, 6, 8), date(2026, 6, 15))
    assert deadlines(access(date(2026, 6, 1), two, one), UK) == deadlines(access(date(2026, 6, 1), both), UK)


def test_a_question_on_the_working_day_that_ends_the_period_leaves_time_to_answer() -> None:
    question = Clarification(date(2026, 3, 2), date(2026, 3, 4))  # the period ended on Saturday, 28 February
    answer_by = deadlines(access(date(2026, 1, 31), question), UK).answer_by
    assert answer_by == date(2026, 3, 5)


def test_extension_counts_three_months_from_the_start_and_is_announced_in_the_first() -> None:
    extended = deadlines(access(date(2026, 6, 1), extended=True), UK)
    assert extended.answer_by == date(2026, 9, 1)
    assert extended.extend_by == date(2026, 7, 1)


def test_an_extension_moves_the_refusal_in_the_uk_and_not_in_the_eu() -> None:
    case = access(date(2026, 6, 1), extended=True)
    assert deadlines(case, UK).refuse_by == date(2026, 9, 1)
    assert deadlines(case, EU).refuse_by == date(2026, 7, 1)


def test_an_answer_before_its_question_is_refused() -> None:
    with pytest.raises(UsageError, match="before it was asked"):
        Clarification(date(2026, 6, 8), date(2026, 6, 7))


def test_days_are_the_controllers_days() -> None:
    late_evening = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)
    assert local_day(late_evening, UK) == date(2026, 6, 2)  # British Summer Time
    assert end_of(date(2026, 6, 2), UK) == datetime(2026, 6, 2, 23, 0, tzinfo=UTC)
    assert end_of(date(2026, 1, 2), UK) == datetime(2026, 1, 3, 0, 0, tzinfo=UTC)


def test_every_law_names_holidays_that_are_known() -> None:
    assert all(known_holidays(law.public_holidays) for law in JURISDICTIONS.values())
    assert not known_holidays("GB-XYZ")


def test_clarification_is_named_by_rights_that_exist() -> None:
    for law in JURISDICTIONS.values():
        assert law.clarifiable <= {right.value for right in Right}


@given(DAYS, LAWS, RIGHTS, st.booleans())
def test_deadlines_fall_on_working_days_a_month_or_three_away(
    received: date, law: Jurisdiction, right: str, extended: bool
) -> None:
    result = deadlines(Case(right, received, extended=extended), law)
    assert result.answer_by
    assert result.extend_by
    assert is_working_day(result.answer_by, law)
    assert timedelta(28) <= result.extend_by - received <= timedelta(31 + 5)
    assert (result.answer_by > result.extend_by) is extended


@given(DAYS, DAYS, LAWS)
def test_who_asks_later_is_never_due_earlier(one: date, other: date, law: Jurisdiction) -> None:
    first, second = sorted([one, other])
    assert (deadlines(access(first), law).answer_by or date.max) <= (
        deadlines(access(second), law).answer_by or date.min
    )


@given(DAYS, st.integers(0, 27), st.integers(0, 60), st.booleans())
def test_a_question_leaves_at_least_the_days_that_were_left(
    received: date, after: int, took: int, extended: bool
) -> None:
    asked = received + timedelta(after)
    question = Clarification(asked, asked + timedelta(took))
    plain = deadlines(access(received, extended=extended), UK).answer_by
    paused = deadlines(access(received, question, extended=extended), UK).answer_by
    unmoved = months_later(received, 3 if extended else 1)
    assert plain
    assert paused
    assert paused >= plain
    assert paused >= unmoved + timedelta(took + 1)
    assert paused > asked + timedelta(took)


@given(DAYS, st.lists(DAYS, min_size=1, max_size=4), RIGHTS)
def test_completion_counts_from_the_last_thing_that_came(received: date, came: list[date], right: str) -> None:
    start = max([received, *came])
    assert deadlines(Case(right, received, tuple(came)), UK) == deadlines(Case(right, start), UK)


@given(DAYS, st.integers(0, 40))
def test_months_never_skip_a_month(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
