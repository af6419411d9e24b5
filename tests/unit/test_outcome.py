"""Outcomes, confirmations and holdings: different answers stay different, and none shows what is secret."""

from __future__ import annotations

import typing
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub import outcome
from hub.holding import Coverage, File, Holding, Learned, Match, Reach, Record, Role, Search
from hub.outcome import (
    Contained,
    Differs,
    Done,
    Failed,
    HubOutcome,
    Manual,
    Method,
    Outcome,
    Partial,
    Pending,
    Refused,
    Retained,
    Unsupported,
    Unverifiable,
)
from hub.subject import Identifier

CANARY = "canary-7f3a@example.org"
NOW = datetime(2026, 3, 2, tzinfo=UTC)

CODED = {
    "Refused": Refused,
    "Manual": lambda code: Manual(code, "Do it at the service."),
    "Failed": Failed,
    "Unverifiable": Unverifiable,
}
EXPLAINED = {
    "Retained ground": lambda text: Retained(text, None, "transaction"),
    "Retained what": lambda text: Retained("Art. 17(3)(b)", None, text),
    "Refused": lambda text: Refused("open_order", text),
    "Manual": lambda text: Manual("call_them", text),
    "Unsupported": Unsupported,
}


@pytest.mark.parametrize("make", CODED.values(), ids=CODED)
@pytest.mark.parametrize("code", ["a", "open_order", "tx_17", "x" * 64])
def test_a_reason_is_a_code(make: Any, code: str) -> None:
    assert code in repr(make(code))


@pytest.mark.parametrize("make", CODED.values(), ids=CODED)
@pytest.mark.parametrize(
    "code", ["", "Open", "open order", "open-order", CANARY, "_x", "7x", "x" * 65, "open_order\n", "é"]
)
def test_what_is_no_code_is_refused_and_not_quoted(make: Any, code: str) -> None:
    with pytest.raises(ValueError, match="code") as caught:
        make(code)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("make", EXPLAINED.values(), ids=EXPLAINED)
@pytest.mark.parametrize("end", ["\nmore", "\r\nmore", "\u2028more", "x" * 400])
def test_an_explanation_is_one_short_line(make: Any, end: str) -> None:
    make("The order is open.")
    with pytest.raises(ValueError, match="one line") as caught:
        make(CANARY + end)
    assert CANARY not in str(caught.value)


def test_what_goes_to_the_vault_is_never_shown() -> None:
    secret: dict[str, Any] = {"id": CANARY}
    learned = Identifier.email(CANARY)
    shown = [
        Done(Method.CORRECTED, locator=secret, learned=(learned,)),
        Contained(NOW, secret),
        Pending(NOW, secret, NOW),
        Partial(Done(Method.DELETED, locator=secret), (Refused("open_order"),)),
        Holding(CANARY, "member", ("contact",), secret, hints={"name": CANARY}),
        Learned(learned),
        Record("member", secret, CANARY),
        File("photo", CANARY, "image/png", iter([CANARY.encode()]), CANARY),
    ]
    assert CANARY not in repr(shown)
    assert CANARY not in f"{shown}"


def test_every_answer_is_a_class_of_its_own_and_cannot_be_changed() -> None:
    answers = {*typing.get_args(HubOutcome), *typing.get_args(outcome.Confirmation)}
    assert {cls.__name__ for cls in typing.get_args(Outcome)} == {
        *("Done", "Absent", "Partial", "Contained", "Retained", "Pending", "Refused", "Manual", "Unsupported")
    }
    assert {cls.__name__ for cls in answers} - {cls.__name__ for cls in typing.get_args(Outcome)} == {
        *("NotSearchable", "Undecided", "Failed"),
        *("AsAsked", "Gone", "Masked", "Differs", "NotYet", "Unverifiable"),
    }
    assert all(cls.__bases__ == (object,) for cls in answers)
    with pytest.raises(FrozenInstanceError):
        Retained("Art. 17(3)(b)", date(2032, 3, 2), "transaction").until = None  # type: ignore[misc]


def test_answers_with_the_same_content_are_not_the_same_answer() -> None:
    empty = [cls() for cls in (outcome.Absent, outcome.NotSearchable, outcome.Undecided, outcome.Gone, outcome.Masked)]
    assert all(one != other for one in empty for other in empty if one is not other)
    assert Refused("x") != Failed("x") != Unverifiable("x")
    assert Differs(("email",)) != Differs(())


@pytest.mark.parametrize("match", Match)
@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("role", Role)
def test_only_exact_and_sole_is_acted_on_without_a_decision(match: Match, reach: Reach, role: Role) -> None:
    holding = Holding("k", "member", (), {}, match, reach, role)
    assert holding.certain == (match is Match.EXACT and reach is Reach.SOLE)


def test_what_was_not_searched_for_is_never_called_searched() -> None:
    coverage = Coverage({"email": Search.EXACT, "shop.customer": Search.INDEX})
    assert coverage.of(Identifier.email("jane@example.org")) is Search.EXACT
    assert coverage.of(Identifier.external("shop.customer", "17")) is Search.INDEX
    assert coverage.of(Identifier.external("shop.order", "17")) is Search.NONE
    assert coverage.of(Identifier.name("Jane Doe")) is Search.NONE
