"""Recordings of Shelfmark, replayed. They were recorded from the stand-in, and say so: Shelfmark is invented."""

from __future__ import annotations

import pytest
from hub_connector_shelfmark.processor import Shelfmark
from hub_connector_shelfmark.sandbox import ShelfmarkSandbox

import hub
from hub.testing.cassettes import Cassettes, FromSandbox, Source
from hub.testing.harness import step

# --8<-- [start:test]
SETTINGS = {"library": "wetherbury", "token": "invented-for-replay"}


def test_a_loan_is_found_erased_and_gone(cassette: Cassettes) -> None:
    with cassette("erase_loan", Shelfmark, SETTINGS) as bench:
        loan = next(item for item in bench.processor.find(bench.subject) if isinstance(item, hub.Holding))
        assert bench.processor.erase(loan, step(at=bench.clock.now())) == hub.Done(hub.Method.DELETED)
        act = hub.Act(hub.Operation.ERASE, loan)
        assert bench.processor.confirm(act, step(at=bench.clock.now())) == hub.Gone()


# --8<-- [end:test]


# --8<-- [start:sandbox]
@pytest.fixture
def record_from() -> Source:
    """Where `--record` records: without this fixture, the account that the environment names."""
    return FromSandbox(ShelfmarkSandbox)


# --8<-- [end:sandbox]
