"""`hub quality`, as an author and as CI meet it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.terminal import Ended, Terminal
from tests.unit.quality_pebble import Pebble, quality

_numbers = itertools.count()


@pytest.fixture
def pebble(tmp_path: Path) -> Iterator[Pebble]:
    """Installed next to the hub, as pip would do it, and not enabled."""
    name = f"pebble_{next(_numbers)}_installed"
    made = Pebble(tmp_path / "project", name)
    info = made.project / "src" / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[hub.connectors]\n{name} = {name}\n")
    made.edit("quality.yaml", "verified: 2026-01-31\n", "")
    made.edit("quality.yaml", "verified-within-a-year: done", "verified-within-a-year: todo")
    with made.installed():
        yield made


@pytest.fixture
def hub(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "home")


def words(ended: Ended) -> str:
    """What was printed, wherever it wraps."""
    return " ".join(ended.out.split())


def test_every_connector_of_the_hub_is_listed_with_its_tier(hub: Terminal) -> None:
    ended = hub("quality")
    assert ended.code == 0
    assert "Mailchimp Marketing mailchimp silver" in words(ended)
    assert "Sage Pay (Opayo) sagepay silver" in words(ended)
    assert "The next tier, gold, asks for:" in words(ended)
    assert "docs/quality/second-judge.md" in words(ended)


def test_an_installed_connector_is_judged_when_it_is_named(hub: Terminal, pebble: Pebble) -> None:
    (judged,) = hub("quality", pebble.package, "--json").json["connectors"]
    assert (judged["name"], judged["tier"], judged["missing"]) == ("pebble", "gold", ["verified-within-a-year"])
    assert judged["owner"] == "Ada Marsh <ada@example.com>"
    assert judged["rules"]["rectify"] == {"state": "exempt", "comment": "A review stays as its author wrote it."}
    assert hub("quality", pebble.package).code == 0


def test_a_connector_that_is_not_enabled_is_not_loaded_unless_named(hub: Terminal, pebble: Pebble) -> None:
    pebble.write("__init__.py", "raise SystemExit('this code ran')\n")
    assert hub("quality").code == 0
    ended = hub("quality", pebble.package)
    assert ended.code == 1
    assert "cannot be judged: It raised SystemExit while loading" in ended.err


def test_what_contradicts_the_file_names_file_rule_remedy_and_page(hub: Terminal, pebble: Pebble) -> None:
    pebble.edit("processor.py", "token: SecretStr", "token: str")
    ended = hub("quality", pebble.package)
    assert ended.code == 1
    told = f"{pebble.folder}/quality.yaml: secrets-are-secret: It says done, and the setting token is plain text"
    assert told in words(ended)
    assert "pydantic.SecretStr" in words(ended)
    assert "docs/quality/secrets-are-secret.md" in words(ended)
    (judged,) = hub("quality", pebble.package, "--json").json["connectors"]
    assert judged["tier"] == "none"
    assert [fault["rule"] for fault in judged["faults"]] == ["secrets-are-secret"]


@pytest.mark.parametrize(("rule", "code"), [("coverage_honest", 1), ("rectify", 0)])
def test_below_bronze_it_ends_with_1_and_above_with_0(hub: Terminal, pebble: Pebble, rule: str, code: int) -> None:
    pebble.edit("processor.py", "    rectify = hub.unsupported", "    other = hub.unsupported")
    pebble.edit("processor.py", "    def receive(", "    def rectify(self, *_: Any) -> Any: ...\n\n    def receive(")
    verified = {"verified_within_a_year": "todo", "rectify": "done"}
    pebble.write("quality.yaml", quality(**verified | {rule: "todo"}))
    assert hub("quality", pebble.package).code == code
    assert hub("quality", pebble.package, "--rule", rule.replace("_", "-")).code == code
    assert hub("quality", pebble.package, "--rule", "webhooks").code == 0


def test_a_rule_is_explained_with_who_meets_it(hub: Terminal) -> None:
    told = words(hub("quality", "--rule", "rectify"))
    assert "The connector corrects what the service lets anyone correct. Why: Art. 16 GDPR" in told
    assert "More: docs/quality/rectify.md mailchimp done sagepay left out: A card transaction records" in told
    answer = hub("quality", "--rule", "rectify", "--json").json
    assert [list(judged["rules"]) for judged in answer["connectors"]] == [["rectify"], ["rectify"]]


def test_exceptions_of_the_conformance_suite_are_shown(hub: Terminal, pebble: Pebble) -> None:
    mark = '@pytest.mark.xfail(reason="Reviews stay.", strict=True)'
    rule = f"    {mark}\n    def test_erase_leaves_no_residue(self): ...\n\n"
    pebble.edit("../../tests/test_pebble.py", "    @pytest.fixture", f"{rule}    @pytest.fixture")
    shown = "test_erase_leaves_no_residue: Reviews stay."
    assert f"exception of the conformance suite: {shown}" in words(hub("quality", pebble.package))
    assert (
        "`test_erase_leaves_no_residue` does not hold: Reviews stay." in hub("quality", pebble.package, "--table").out
    )
    (judged,) = hub("quality", pebble.package, "--json").json["connectors"]
    assert judged["exceptions"] == [{"rule": "test_erase_leaves_no_residue", "reason": "Reviews stay."}]


def test_no_title_steers_the_terminal(hub: Terminal, pebble: Pebble) -> None:
    pebble.edit("processor.py", '"Pebble Reviews"', '"Pebble\\x1b[2J"')
    assert "Pebble\\x1b[2J pebble gold" in words(hub("quality", pebble.package))


def test_what_did_not_come_with_the_package_is_said_to_be_taken_on_trust(hub: Terminal, pebble: Pebble) -> None:
    for name in ("../../tests", "../../README.md", "../../pyproject.toml"):
        pebble.remove(name)
    ended = hub("quality", pebble.package)
    assert ended.code == 0
    assert "taken on trust: conformance-suite: tests did not come with the package" in words(ended)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["no_such_connector"], "No connector of that name is installed", "There are: mailchimp, "),
        (["--rule", "no-such-rule"], "There is no rule of that name", "docs/quality/index.md"),
    ],
)
def test_what_does_not_exist_is_told_without_quoting_it(
    hub: Terminal, arguments: list[str], message: str, hint: str
) -> None:
    ended = hub("quality", *arguments)
    assert ended.code == 2
    assert message in ended.err
    assert hint in ended.err
    assert arguments[-1] not in ended.err
