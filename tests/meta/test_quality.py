"""The merge gate: every connector here is at least bronze, every rule has its page, and the documents say the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.plugins import load
from hub.quality.checks import CHECKS, Case
from hub.quality.checks.files import known_limits_documented
from hub.quality.connector import Connector
from hub.quality.declared import State
from hub.quality.report import Report, judge
from hub.quality.rule import Rule, Tier
from hub.quality.rules import RULES
from hub.quality.tables import head
from hub.scaffold.pebble.processor import Pebble

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "quality"
PLUGINS = load()
NAMES = sorted(PLUGINS.processors)


def report(name: str) -> Report:
    return judge(Connector(PLUGINS.processors[name], PLUGINS.sandboxes().get(name)), datetime.now(UTC).date())


def test_every_connector_of_this_repository_is_looked_at() -> None:
    assert [path.parent.name for path in sorted(ROOT.glob("connectors/*/quality.yaml"))] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_connector_contradicts_nothing_and_is_at_least_bronze(name: str) -> None:
    judged = report(name)
    assert judged.faults == ()
    assert judged.tier >= Tier.BRONZE
    assert dict(judged.unseen) == {}, "here the sources are, so nothing is taken on trust"


def test_a_new_connector_has_not_earned_bronze_with_words_about_an_invented_service() -> None:
    connector = Connector(Pebble)
    judged = judge(connector, datetime.now(UTC).date())
    assert not judged.met(RULES["known-limits-documented"])
    assert {entry.state for entry in judged.declared.entries.values()} == {State.DONE, State.TODO}, (
        "no excuse comes free"
    )
    told = list(known_limits_documented(Case(connector, judged.declared, datetime.now(UTC).date())))
    assert [re.findall(r"\*(.+?)\*", said) for said in told] == [
        ["To be written", "What is assumed"],
        ["To be written", "Known limits"],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_readme_names_the_tier(name: str) -> None:
    (row,) = re.findall(rf"^\| \[`{name}`\].*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert row.split("|")[3].strip() == report(name).tier.label


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rules_page_begins_with_the_rule(rule: Rule) -> None:
    text = (ROOT / rule.page).read_text(encoding="utf-8")
    assert text.startswith(head(rule)), f"Begin {rule.page} with:\n{head(rule)}"
    assert "\n## How to meet it\n" in text
    judged = text.partition("\n## How it is judged\n")[2]
    assert judged.strip()
    checked = any(rule.name in checks for checks in CHECKS.values())
    assert ("`hub quality`" in judged) is checked, "The page says whether code judges the rule, as it is"


def test_every_page_of_the_scale_is_of_a_rule() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {*RULES, "index"}


def test_the_index_counts_the_rules() -> None:
    assert f"{len(RULES)} rules in four" in (PAGES / "index.md").read_text(encoding="utf-8")
    assert f"{len(RULES)} rules in four tiers" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_checks_are_of_rules_that_exist() -> None:
    assert {name for checks in CHECKS.values() for name in checks} <= RULES.keys()
    assert all(RULES[name].exempt for name in CHECKS[State.EXEMPT])
