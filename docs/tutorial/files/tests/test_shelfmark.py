"""Shelfmark against the conformance suite; what it alone does is tested below."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from hub_connector_shelfmark.processor import Shelfmark
from hub_connector_shelfmark.sandbox import ShelfmarkSandbox

import hub
from hub.testing.conformance import Conformance, Service
from hub.testing.harness import Bench, step, workbench
from hub.testing.town import TOWN


# --8<-- [start:conformance]
class TestShelfmark(Conformance):
    """Every rule that holds for every connector."""

    @pytest.fixture
    def service(self) -> Service:
        """What the rules are tried on."""
        return Service(Shelfmark, ShelfmarkSandbox, stops=("newsletter",))


# --8<-- [end:conformance]


# --8<-- [start:bench]
@pytest.fixture
def library() -> ShelfmarkSandbox:
    return ShelfmarkSandbox()


@pytest.fixture
def bench(library: ShelfmarkSandbox) -> Iterator[Bench[Shelfmark]]:
    with library.serve() as running, workbench(Shelfmark, library.settings(), running.url) as bench:
        yield bench


def held(bench: Bench[Shelfmark], *identifiers: hub.Identifier) -> list[hub.Holding]:
    found = bench.processor.find(hub.Subject(identifiers))
    return [item for item in found if isinstance(item, hub.Holding)]


ME = hub.Identifier.email(TOWN.main.email)
# --8<-- [end:bench]


# --8<-- [start:order]
def test_loans_come_before_the_card_they_hang_on(bench: Bench[Shelfmark]) -> None:
    assert [holding.kind for holding in held(bench, ME)] == ["loan", "loan", "loan", "payment", "reader"]


def test_a_card_number_leads_to_the_same_card_as_the_address(bench: Bench[Shelfmark]) -> None:
    by_card = held(bench, hub.Identifier.external("shelfmark.card", "C-00000"))
    assert [holding.key for holding in by_card] == [holding.key for holding in held(bench, ME)]


# --8<-- [end:order]


# --8<-- [start:loose]
def test_a_part_of_an_address_is_nobodys(bench: Bench[Shelfmark]) -> None:
    assert held(bench, hub.Identifier.email(TOWN.main.email.removeprefix("ottoline."))) == []


# --8<-- [end:loose]


# --8<-- [start:kept]
def test_a_payment_is_kept_until_the_law_lets_go_of_it(bench: Bench[Shelfmark]) -> None:
    payment = next(holding for holding in held(bench, ME) if holding.kind == "payment")
    outcome = bench.processor.erase(payment, step(at=datetime(2031, 12, 31, tzinfo=UTC)))
    assert isinstance(outcome, hub.Retained)
    assert outcome.until == date(2031, 12, 31)
    assert isinstance(bench.processor.erase(payment, step(at=datetime(2032, 1, 1, tzinfo=UTC))), hub.Done)


# --8<-- [end:kept]


# --8<-- [start:refused]
def test_a_book_that_is_out_holds_its_loan_and_the_card_up(bench: Bench[Shelfmark], library: ShelfmarkSandbox) -> None:
    loan, *_, card = held(bench, ME)
    library.loans.update(loan.locator["id"], {"returned": None})
    answers = [bench.processor.erase(holding, step()) for holding in held(bench, ME)]
    assert [type(answer).__name__ for answer in answers] == ["Refused", "Done", "Done", "Retained", "Refused"]
    assert answers[-1] == hub.Refused("has_loans", "A card can be erased once its loans are.")
    assert card.locator["id"] in library.readers


# --8<-- [end:refused]


def test_a_companys_card_waits_for_a_person(bench: Bench[Shelfmark]) -> None:
    (box,) = TOWN.mailboxes
    assert {holding.certain for holding in held(bench, hub.Identifier.email(box.email))} == {False}
