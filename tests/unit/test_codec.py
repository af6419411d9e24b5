"""Outcomes come back from the journal as they were; secrets go to the vault alone; evidence takes what it is given."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.coordinator.codec import code, decode, encode, evidence, secrets
from hub.evidence.events import fits
from hub.outcome import (
    Absent,
    AsAsked,
    Contained,
    Differs,
    Done,
    Failed,
    Gone,
    HubOutcome,
    Manual,
    Masked,
    Method,
    NotSearchable,
    NotYet,
    Partial,
    Pending,
    Refused,
    Retained,
    Undecided,
    Unsupported,
    Unverifiable,
)
from hub.subject import Identifier

CANARY = "jane.canary@example.org"
CODES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
LINES = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs", "P"]), max_size=60)
DAYS = st.none() | st.dates(date(2026, 1, 1), date(2060, 1, 1))
INSTANTS = st.integers(1_800_000_000, 2_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SECRET = st.just({"id": CANARY})
DONE = st.builds(
    Done,
    st.sampled_from(Method),
    st.integers(0, 9),
    DAYS,
    st.none() | SECRET,
    st.sampled_from([(), (Identifier.email(CANARY),)]),
)
LEFT = st.one_of(
    st.builds(Retained, LINES, DAYS, LINES),
    st.builds(Refused, CODES, LINES),
    st.builds(Manual, CODES, LINES),
    st.builds(Unsupported, LINES),
)
OUTCOMES: st.SearchStrategy[Any] = st.one_of(
    DONE,
    LEFT,
    st.builds(Partial, DONE, st.lists(LEFT, max_size=3).map(tuple)),
    st.builds(Contained, INSTANTS, SECRET),
    st.builds(Pending, INSTANTS, SECRET, INSTANTS),
    st.sampled_from([Absent(), NotSearchable(), Undecided()]),
    st.builds(Failed, CODES),
)


@given(OUTCOMES)
def test_what_is_written_reads_back_the_same(outcome: HubOutcome) -> None:
    written = json.loads(json.dumps(encode(outcome)))
    assert encode(decode(written)) == written
    assert type(decode(written)) is type(outcome)


@given(OUTCOMES)
def test_secrets_are_never_in_what_journal_and_evidence_write(outcome: HubOutcome) -> None:
    assert CANARY not in json.dumps([encode(outcome), evidence(outcome)], default=str)


@given(OUTCOMES)
def test_a_handle_goes_to_the_vault_and_nothing_else_stays_with_a_step(outcome: HubOutcome) -> None:
    has_handle = isinstance(outcome, (Pending, Contained))
    assert secrets(outcome) == ({"handle": {"id": CANARY}} if has_handle else {})


@given(OUTCOMES)
def test_evidence_takes_what_an_outcome_says(outcome: HubOutcome) -> None:
    fields = {name: value for name, value in evidence(outcome).items() if value is not None and name != "ground"}
    assert [name for name, value in fields.items() if not fits(name, value)] == []


def test_of_a_partial_outcome_evidence_names_what_is_kept_and_what_is_refused() -> None:
    kept, refused = Retained("HGB s. 257", date(2034, 12, 31), "invoices"), Refused("open_order", "Open.")
    told = evidence(Partial(Done(Method.DELETED, 2), (refused, kept)))
    assert (told["outcome"], told["ground"], told["until"], told["reason"]) == (
        "partial",
        "HGB s. 257",
        "2034-12-31",
        "open_order",
    )


def test_what_is_no_outcome_is_not_read_as_one() -> None:
    with pytest.raises(ValueError, match="is no outcome"):
        decode({"outcome": "cancelled"})


def test_confirmations_have_names_of_their_own() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    said = [AsAsked(), Gone(), Masked(), Differs(("name",)), NotYet(now), Unverifiable("no_read_access")]
    names = [code(one) for one in said]
    assert names == ["as_asked", "gone", "masked", "differs", "not_yet", "unverifiable"]
