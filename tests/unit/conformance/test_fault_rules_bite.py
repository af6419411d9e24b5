"""The rules about faults, the door, sharing and whole requests can fail: each lets the correct pebble pass and catches
what it is for.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from hub import Holding, Limits, Outcome, Processor, Rate, Services, Step, hookimpl
from hub.testing.conformance import Service
from hub.testing.conformance.cases import CASES, WORST
from hub.testing.conformance.door import DoorRules
from hub.testing.conformance.faults import STRIKES, FaultRules, struck
from hub.testing.conformance.recording import GoodRuns
from hub.testing.conformance.sharing import SharingRules
from hub.testing.conformance.whole import WholeRules
from hub.testing.trial import make_home
from tests.unit.conformance.pebble import Pebble, PebbleConfig, PebbleSandbox
from tests.unit.conformance.weaknesses import MATRIX, THREADS, WEAKNESSES, WHOLE, TakesARefusalForNothing


class Suite(FaultRules, DoorRules, SharingRules, WholeRules):
    pass


RULES = {
    name: rule
    for mixin in (FaultRules, DoorRules, SharingRules, WholeRules)
    for name, rule in vars(mixin).items()
    if name.startswith("test_")
}
ONE_IN = 9  # cases of the matrix, and the worst, are enough here; connectors meet them all, and the slow ones


@pytest.fixture(scope="session")
def blank_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("blank") / "home").folder


def cases(name: str) -> Iterator[dict[str, Any]]:
    """The arguments of every case of a rule beside the fixtures."""
    marks = [mark for mark in getattr(RULES[name], "pytestmark", ()) if mark.name == "parametrize"]
    every = [
        dict(zip((m.args[0] for m in marks), values, strict=True)) for values in product(*(m.args[1] for m in marks))
    ]
    some = dict.fromkeys([*(case.name for case in WORST), *list(CASES)[::ONE_IN]])
    yield from [{"case": case} for case in some if not CASES[case].slow] if name == MATRIX else every


def failure(name: str, processor: type[Processor[Any]], blank: Path, tmp_path: Path) -> str:
    """What the rule says of the connector, on one line; empty when it holds."""
    service = Service(processor, PebbleSandbox)
    fixtures = {"service": service, "good_runs": GoodRuns(service), "blank_home": blank}
    wanted = inspect.signature(RULES[name]).parameters
    for number, arguments in zip(count(), cases(name), strict=False):
        folder = tmp_path / f"{name}-{number}"
        folder.mkdir()
        given = {key: value for key, value in {**fixtures, "tmp_path": folder}.items() if key in wanted}
        try:
            RULES[name](Suite(), **given, **arguments)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # a rule fails by whatever comes out of it
            return " ".join(str(error).split())
    return ""


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every broken variant has a plugin that brings it, in a module of its own."""
    for weakness in WEAKNESSES.values():
        bring(weakness.processor, monkeypatch)


def bring(processor: type[Processor[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a plugin that brings it, in a module of its own."""
    module = ModuleType(f"_brings_{processor.__name__.lower()}")
    vars(module)["hub_processors"] = hookimpl(lambda: [processor])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(processor, "__module__", module.__name__)


@pytest.mark.parametrize("name", RULES)
def test_a_correct_connector_passes(name: str, blank_home: Path, tmp_path: Path) -> None:
    assert failure(name, Pebble, blank_home, tmp_path) == ""


@pytest.mark.parametrize(("count", "milliseconds"), [(10, 1000), (5, 1000), (1, 50)])
def test_so_does_one_that_declares_a_rate(count: int, milliseconds: int, blank_home: Path, tmp_path: Path) -> None:
    rate = Rate(count, timedelta(milliseconds=milliseconds))

    class Rated(Pebble):
        @classmethod
        def limits(cls, config: PebbleConfig) -> Limits:
            return replace(super().limits(config), rates=(rate,))

    assert failure(THREADS, Rated, blank_home, tmp_path) == ""


class DeclaresItsRateLate(Pebble):
    """The hub asks before there is a processor, and hears of no rate."""

    rates: ClassVar[tuple[Rate, ...]] = ()

    def __init__(self, config: PebbleConfig, hub: Services) -> None:
        super().__init__(config, hub)
        type(self).rates = (Rate(3, timedelta(hours=1)),)

    @classmethod
    def limits(cls, config: PebbleConfig) -> Limits:
        return replace(super().limits(config), rates=cls.rates)


def test_a_rate_that_is_not_kept_is_told_with_the_times(blank_home: Path, tmp_path: Path) -> None:
    said = failure(THREADS, DeclaresItsRateLate, blank_home, tmp_path)
    assert "More than 3 calls were made in 3600 s, which `limits` forbids: at 0, 0, 0, 0 s." in said


class RaisesWhatItKnows(Pebble):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        raise LookupError(holding.key)


@pytest.mark.parametrize(
    ("processor", "told"),
    [
        (RaisesWhatItKnows, "Asked without a hub, the connector raises LookupError."),
        (RaisesWhatItKnows, "→ Look at it alone: hub dev pebble erase confirm --sandbox."),
        (WEAKNESSES["QuotesThePersonInTheTask"].processor, "the same acts raise nothing: what the hub refused"),
    ],
)
def test_a_request_without_an_end_says_why_and_what_to_do(
    processor: type[Pebble], told: str, monkeypatch: pytest.MonkeyPatch, blank_home: Path, tmp_path: Path
) -> None:
    bring(processor, monkeypatch)
    said = failure(WHOLE, processor, blank_home, tmp_path)
    assert told in said
    assert "o-p01" not in said


@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_the_rule_that_is_meant_catches_it_and_says_so(
    weakness: str, brought: None, blank_home: Path, tmp_path: Path
) -> None:
    case = WEAKNESSES[weakness]
    assert case.told in failure(case.caught_by[0], case.processor, blank_home, tmp_path)


@pytest.mark.parametrize("processor", [TakesARefusalForNothing, Pebble])
def test_a_refusal_taken_for_nothing_held_is_called_so(processor: type[Pebble]) -> None:
    good_runs, forbidden = GoodRuns(Service(processor, PebbleSandbox)), CASES["403 as a statement"]
    said = [" ".join(complaint.split()) for complaint in struck(good_runs, "find", forbidden, STRIKES)]
    told = "The service's own 403 was answered, and the connector concluded that nothing is held."
    assert any(told in complaint for complaint in said) is (processor is not Pebble)


@pytest.mark.exhaustive
@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_no_other_rule_takes_offence(weakness: str, brought: None, blank_home: Path, tmp_path: Path) -> None:
    case = WEAKNESSES[weakness]
    failing = {name for name in RULES if failure(name, case.processor, blank_home, tmp_path)}
    assert failing == set(case.caught_by)


def test_every_rule_catches_something() -> None:
    assert {name for case in WEAKNESSES.values() for name in case.caught_by} == RULES.keys()
