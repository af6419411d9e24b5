from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sagepay.searching import windows
from connectors.sagepay.states import Phase, ended, phase, years_after

DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))


def test_every_state_of_the_table_has_a_phase() -> None:
    assert all(phase({"txstateid": str(state)}) for state in range(40))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("1", Phase.ATTEMPTED),
        ("12", Phase.ATTEMPTED),
        ("14", Phase.OPEN),
        ("15", Phase.OPEN),
        ("16", Phase.TRADED),
        ("18", Phase.TRADED),
        ("21", Phase.OPEN),
        ("22", Phase.TRADED),
        ("27", Phase.TRADED),
        ("6", Phase.UNDERWAY),
    ],
)
def test_states_that_decide_about_an_erasure(state: str, expected: Phase) -> None:
    assert phase({"txstateid": state}) is expected


@pytest.mark.parametrize("state", ["", "40", "999", "9999999999", "-1", "16.0", "sixteen", "\u0661\u0666"])
def test_a_state_outside_the_table_has_none(state: str) -> None:
    assert phase({"txstateid": state}) is None


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"completed": "14/08/2020 18:57:34.397", "started": "13/08/2020 18:55:29.837"}, date(2020, 8, 14)),
        ({"completed": "", "started": "13/08/2020 18:55:29"}, date(2020, 8, 13)),
        ({"completed": "31/02/2020 00:00:00", "started": "13/08/2020"}, date(2020, 8, 13)),
        ({"completed": "2020-08-14"}, None),
        ({}, None),
    ],
)
def test_the_end_of_a_transaction(detail: dict[str, str], expected: date | None) -> None:
    assert ended(detail) == expected


@given(DAYS, st.integers(0, 30))
def test_a_period_of_years_is_never_cut_short(day: date, years: int) -> None:
    end = years_after(day, years)
    assert end >= day
    assert (end.month, end.day) == (day.month, day.day) or (day.month, day.day, end.month, end.day) == (2, 29, 3, 1)


@given(DAYS, st.integers(0, 4000), st.integers(1, 28))
def test_windows_cover_every_day_without_a_gap_and_none_exceeds_a_month(first: date, length: int, days: int) -> None:
    last = first + timedelta(days=length)
    cut = list(windows(first, last, days))
    assert [end for _, end in cut[:-1]] == [start for start, _ in cut[1:]]
    if length:
        assert (cut[0][0], cut[-1][1]) == (first, last)
    assert all(timedelta(0) < end - start <= timedelta(days=28) for start, end in cut)
