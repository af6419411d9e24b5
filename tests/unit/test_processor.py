"""The author's interface: what a connector must bring, may leave out, and can declare."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

import hub
from hub.holding import Coverage, File, Holding, Learned, Record
from hub.outcome import Absent, AsAsked, Confirmation, Done, Manual, Method, Outcome, Unsupported
from hub.processor import (
    Account,
    Act,
    Changes,
    Channel,
    Delivery,
    InstanceConfig,
    Limits,
    Operation,
    Processor,
    Purpose,
    Scope,
    Services,
    Signal,
    Step,
    unsupported,
)
from hub.subject import Identifier, Subject

CANARY = "canary-7f3a@example.org"
WHY = "A card transaction records what happened; the service has no customer to correct."
NOW = datetime(2026, 3, 2, tzinfo=UTC)
STEP = Step("0" * 32, 1, NOW, NOW, NOW)
HOLDING = Holding("1", "card", (), {"id": 1})


class CardConfig(InstanceConfig):
    key: SecretStr


class Cards(Processor[CardConfig]):
    name = "cards"
    title = "Cards"
    rectify = unsupported(WHY)

    @classmethod
    def limits(cls, config: CardConfig) -> Limits:
        return Limits(hosts=("cards.example",))

    def check(self) -> Account:
        return Account("1", "Cards")

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        yield Coverage({})

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        yield Record("card", {})

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        return Done(Method.SUPPRESSED)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        return Absent() if holding.key == "gone" else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        return AsAsked()


def cards() -> Cards:
    services: Any = None  # this connector asks the hub for nothing
    return Cards(CardConfig(key=SecretStr(CANARY)), services)


def test_what_is_declared_unsupported_answers_with_its_reason() -> None:
    assert Cards.cannot(Operation.RECTIFY) == Unsupported(WHY)
    assert cards().rectify(HOLDING, Changes({}), STEP) == Unsupported(WHY)
    assert cards().rectify(HOLDING, changes=Changes({}), step=STEP) == Unsupported(WHY)


@pytest.mark.parametrize("operation", [op for op in Operation if op is not Operation.RECTIFY])
def test_what_is_implemented_is_not_called_unsupported(operation: Operation) -> None:
    assert Cards.cannot(operation) is None


def test_a_subclass_can_bring_what_its_base_lacks() -> None:
    class Better(Cards):
        def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
            return Done(Method.CORRECTED)

    assert Better.cannot(Operation.RECTIFY) is None


@pytest.mark.parametrize("missing", ["limits", "check", "find", "export", "rectify", "suppress", "erase", "confirm"])
def test_an_operation_can_be_declared_but_not_forgotten(missing: str) -> None:
    body = {name: thing for name, thing in vars(Cards).items() if name != missing and not name.startswith("__")}
    forgetful = type("Forgetful", (Processor,), body)
    with pytest.raises(TypeError, match=missing):
        forgetful(None, None)


def test_the_settings_class_is_the_one_in_brackets() -> None:
    class OtherConfig(InstanceConfig):
        pass

    Extra = TypeVar("Extra")

    class Family(Processor[CardConfig], Generic[Extra]):
        pass

    class Member(Family[int]):
        pass

    class Override(Cards):
        config_model = OtherConfig

    class OfOverride(Override):
        pass

    assert Cards.config_model is CardConfig
    assert Family.config_model is Member.config_model is CardConfig
    assert OfOverride.config_model is OtherConfig


def test_a_family_of_connectors_can_leave_the_settings_open() -> None:
    Own = TypeVar("Own", bound=InstanceConfig)

    class Family(Processor[Own]):
        pass

    class Member(Family[CardConfig]):
        pass

    assert Member.config_model is CardConfig
    assert not hasattr(Family, "config_model")


def test_settings_are_closed_frozen_and_keep_their_secrets() -> None:
    config = CardConfig(key=SecretStr(CANARY))
    assert CANARY not in repr(config)
    with pytest.raises(ValidationError, match="extra"):
        CardConfig.model_validate({"key": "x", "kye": "x"})
    with pytest.raises(ValidationError, match="frozen"):
        config.key = SecretStr("x")  # type: ignore[misc]


def test_a_batch_falls_back_to_one_after_the_other() -> None:
    gone = Holding("gone", "card", (), {})
    assert list(cards().erase_many([HOLDING, gone], STEP)) == [("1", Done(Method.DELETED)), ("gone", Absent())]


def test_what_a_service_does_not_offer_has_an_honest_default() -> None:
    assert isinstance(cards().lift(HOLDING, Scope(), STEP), Manual)
    assert list(cards().receive(Delivery({}, b""))) == []
    with pytest.raises(NotImplementedError, match="cards returned a handle"):
        cards().resume(HOLDING, {}, STEP)
    with pytest.raises(NotImplementedError, match="cannot list everyone"):
        cards().scan(None)


def test_nothing_an_author_handles_shows_the_person() -> None:
    shown = [
        Changes({"email": CANARY}),
        Step("0" * 32, 1, NOW, NOW, NOW, cursor=CANARY),
        Act(Operation.RECTIFY, Subject((Identifier.email(CANARY),)), Changes({"email": CANARY})),
        Delivery({"x-signature": CANARY}, CANARY.encode()),
        Signal({"job": CANARY}),
    ]
    assert CANARY not in repr(shown)


def test_changes_reach_the_connector_they_are_meant_for() -> None:
    changes = Changes({"email": "a", "mailchimp.FNAME": "b", "sagepay.x": "c", "mailchimp_eu.x": "d"})
    assert changes.names() == ("email", "mailchimp.FNAME", "mailchimp_eu.x", "sagepay.x")
    assert changes.concerning("mailchimp") == {"email": "a", "FNAME": "b"}
    assert changes.concerning("cards") == {"email": "a"}


@given(st.frozensets(st.sampled_from(Purpose)), st.frozensets(st.sampled_from(Channel)))
def test_a_scope_goes_into_the_journal_and_comes_back(
    purposes: frozenset[Purpose], channels: frozenset[Channel]
) -> None:
    scope = Scope(purposes, channels)
    assert Scope.from_dict(scope.as_dict()) == scope
    for channel in Channel:
        assert scope.covers(channel) == (not channels or channel in channels)


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert sorted(hub.__all__) == hub.__all__
    assert all(getattr(hub, name) for name in hub.__all__)
    assert hub.Processor is Processor
    assert hub.Services is Services
    with pytest.raises(AttributeError, match="no attribute 'ProcessorV2'"):
        _ = hub.ProcessorV2


def test_a_connector_as_authors_write_it_passes_mypy_strict(tmp_path: Path) -> None:
    """Types are part of the interface: the declaration stands over an abstract method, and mistakes are found."""
    good = Path(__file__).read_text().partition("class CardConfig")[2].partition("def cards()")[0]
    names = (
        "Account, Act, Changes, Confirmation, Coverage, Done, Absent, AsAsked, File, Holding, InstanceConfig, Learned"
    )
    names += ", Limits, Method, Outcome, Processor, Record, Scope, Step, Subject, unsupported"
    head = f"from collections.abc import Iterator\nfrom pydantic import SecretStr\nfrom hub import {names}\n"
    source = f"{head}WHY = 'x'\nclass CardConfig{good}"
    (tmp_path / "good.py").write_text(source)
    (tmp_path / "bad.py").write_text(source.replace("return Done(Method.SUPPRESSED)", "return 1"))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", tmp_path / "cache"]
    command += ["--config-file", ""]
    found = subprocess.run(
        [*command, "good.py", "bad.py"], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=100
    )
    assert "good.py" not in found.stdout, found.stdout
    assert found.stdout.count("error:") == 1
    assert found.stdout.startswith("bad.py")
