"""The conformance suite can fail: every rule lets the correct depot pass and catches at least one mistake."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from hub.testing.conformance import Conformance, Kit, Service
from hub.testing.conformance.checking import CheckRules
from hub.testing.conformance.confirming import ConfirmRules
from hub.testing.conformance.correcting import RectifyRules
from hub.testing.conformance.erasing import EraseRules
from hub.testing.conformance.exporting import ExportRules
from hub.testing.conformance.finding import FindRules
from hub.testing.conformance.matching import MatchRules
from hub.testing.conformance.scopes import ScopeRules
from hub.testing.conformance.searching import SearchRules
from hub.testing.conformance.settings import SettingsRules
from hub.testing.conformance.stopping import SuppressRules
from hub.testing.conformance.unsupported import UnsupportedRules
from hub.testing.town import Town
from tests.unit.conformance.depot import Batching, Cardless, Depot, DepotSandbox, Keeping, Redacting, Waiting
from tests.unit.conformance.mistakes import service_of
from tests.unit.conformance.promises import MISTAKES

MIXINS = (
    SettingsRules,
    CheckRules,
    FindRules,
    SearchRules,
    MatchRules,
    ExportRules,
    RectifyRules,
    SuppressRules,
    ScopeRules,
    EraseRules,
    ConfirmRules,
    UnsupportedRules,
)
RULES = {name: rule for mixin in MIXINS for name, rule in vars(mixin).items() if name.startswith("test_")}
INSTALLED = "test_it_is_installed_as_a_plugin"  # none of the mistakes is


def cases(rule: Any) -> Iterator[dict[str, Any]]:
    """The arguments of every case of a rule beside the kit."""
    marks = [mark for mark in getattr(rule, "pytestmark", ()) if mark.name == "parametrize"]
    for values in product(*(tuple(mark.args[1]) for mark in marks)):
        yield dict(zip((mark.args[0] for mark in marks), values, strict=True))


def failure(name: str, service: Service, *, every: int = 1) -> str:
    """What the rule says of the connector in every case, or in every so-manieth; empty when it holds."""
    for arguments in islice(cases(RULES[name]), 0, None, every):
        try:
            with Kit.running(service) as kit:
                RULES[name](Conformance(), kit, **arguments)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # a rule fails by whatever comes out of it
            return str(error) or type(error).__name__
    return ""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The depot's distribution, as an installer leaves it."""
    folder = tmp_path / "depot-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: depot\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[hub.connectors]\ndepot = {Depot.__module__}\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", RULES)
def test_a_correct_connector_passes(name: str, installed: None) -> None:
    assert failure(name, service_of()) == ""


@pytest.mark.parametrize("other", [Batching, Cardless, Keeping, Redacting, Waiting])
def test_so_do_connectors_to_services_that_can_do_more_or_less(other: type[Depot]) -> None:
    failing = {name: said for name in sorted(RULES.keys() - {INSTALLED}) if (said := failure(name, service_of(other)))}
    assert failing == {}


def test_a_connector_nobody_can_install_is_told_what_to_write() -> None:
    assert '[project.entry-points."hub.connectors"]' in failure(INSTALLED, service_of())


class KnowsOneTown(DepotSandbox):
    def seed(self, town: Town) -> None:
        super().seed(town)
        self.members.update(town.person("p01").id, {"vip": True})


class ShowsNothing(DepotSandbox):
    def records(self) -> dict[str, Any]:
        return {}


class LetsEveryoneIn(DepotSandbox):
    def restrict(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("sandbox", "rule", "said"),
    [
        (KnowsOneTown, "test_find_is_exact", "go by `town.main`"),
        (ShowsNothing, "test_find_is_exact", "let records() show ids"),
        (LetsEveryoneIn, "test_check_tells_that_a_permission_is_missing", "give it `restrict`, or"),
    ],
)
def test_a_stand_in_that_judges_nothing_is_told_what_to_do(sandbox: type[DepotSandbox], rule: str, said: str) -> None:
    assert said in failure(rule, service_of(sandbox=sandbox))


@pytest.mark.parametrize(("mistake", "rule"), [(name, rule) for name, m in MISTAKES.items() for rule in m.caught_by])
def test_the_rule_catches_the_mistake(mistake: str, rule: str) -> None:
    assert failure(rule, MISTAKES[mistake].service)


@pytest.mark.exhaustive
@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_other_rule_takes_offence(mistake: str) -> None:
    broken = MISTAKES[mistake]
    others = sorted(RULES.keys() - {INSTALLED} - set(broken.caught_by))
    assert [name for name in others if failure(name, broken.service, every=7)] == []


def test_every_rule_is_inherited_and_catches_something() -> None:
    assert set(MIXINS) <= set(Conformance.__mro__)
    caught = {rule for mistake in MISTAKES.values() for rule in mistake.caught_by}
    assert RULES.keys() - caught == {INSTALLED}
