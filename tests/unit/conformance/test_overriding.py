"""A rule is set aside with a reason or not at all, and the suite works in a project that has nothing but the hub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.testing.conformance import Conformance, exceptions

RULE = "test_erase_leaves_no_residue"
STANDALONE = """
import pytest
from pebble import Pebble, PebbleSandbox
from hub.testing.conformance import Conformance, Service


class TestPebble(Conformance):
    @pytest.fixture
    def service(self) -> Service:
        return Service(Pebble, PebbleSandbox)

    OVERRIDE
"""
XFAIL = '@pytest.mark.xfail(reason="Pebble counts in secret.", strict=True)'


def suite(member: Any) -> type[Conformance]:
    return type("TestPebble", (Conformance,), {RULE: member})


def standing_in(*marks: pytest.MarkDecorator) -> Callable[..., None]:
    """A method in a rule's place, so marked."""

    def method(self: Any, kit: Any) -> None:
        pass

    for mark in marks:
        mark(method)
    return method


def test_who_overrides_nothing_needs_no_reason() -> None:
    assert exceptions(type("TestPebble", (Conformance,), {"test_of_its_own": standing_in()})) == {}


def test_a_strict_xfail_with_a_reason_is_an_exception() -> None:
    marked = standing_in(pytest.mark.xfail(reason="Kept by a job at night.", strict=True))
    assert exceptions(suite(marked)) == {RULE: "Kept by a job at night."}


@pytest.mark.parametrize(
    "member",
    [
        None,
        standing_in(),
        standing_in(pytest.mark.skip(reason="Later.")),
        standing_in(pytest.mark.skipif(True, reason="Later.")),
        standing_in(pytest.mark.xfail(strict=True)),
        standing_in(pytest.mark.xfail(reason="  ", strict=True)),
        standing_in(pytest.mark.xfail(reason="It may or may not.")),
        standing_in(pytest.mark.xfail(True, reason="On some machines.", strict=True)),
        standing_in(pytest.mark.xfail(reason="Never run.", strict=True, run=False)),
    ],
    ids=["deleted", "replaced", "skip", "skipif", "no reason", "blank", "not strict", "conditional", "not run"],
)
def test_anything_else_is_an_override_without_a_reason(member: Any) -> None:
    assert exceptions(suite(member)) == {RULE: ""}


def test_an_exception_is_inherited_with_its_reason() -> None:
    marked = standing_in(pytest.mark.xfail(reason="Kept by a job at night.", strict=True))
    assert exceptions(type("TestAnother", (suite(marked),), {})) == {RULE: "Kept by a job at night."}


def test_the_rule_about_rules_has_no_exception() -> None:
    with pytest.raises(TypeError, match="without an exception"):
        type("TestPebble", (Conformance,), {"test_no_rule_is_overridden_without_a_reason": None})


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("PebbleConformance", {}, "would not be collected"),
        ("TestPebble", {"__test__": False}, "sets __test__"),
        ("_Pebble", {"__test__": False}, "sets __test__"),
        ("TestPebble", {"__init__": lambda self: None}, "defines __init__"),
        ("TestPebble", {"kit": pytest.fixture(lambda self: None)}, "replaces kit"),
        ("TestPebble", {"good_runs": None}, "replaces good_runs"),
        ("TestPebble", {"mine": pytest.fixture(lambda self: None, name="kit")}, "replaces kit"),
    ],
)
def test_a_class_that_would_keep_rules_from_running_cannot_be_made(name: str, body: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        type(name, (Conformance,), body)


def test_nor_one_that_inherits_such_a_thing() -> None:
    mixin = type("Mixin", (), {"kit": pytest.fixture(lambda self: None)})
    with pytest.raises(TypeError, match="replaces kit"):
        type("TestPebble", (mixin, Conformance), {})


def test_a_class_for_others_to_inherit_is_named_with_an_underscore() -> None:
    base = type("_Pebble", (Conformance,), {"service": pytest.fixture(lambda self: None), "own": 1})
    assert exceptions(type("TestPebble", (base,), {})) == {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own, with an installed plugin of one module and a single test file."""
    shutil.copy(Path(__file__).with_name("pebble.py"), tmp_path)
    info = tmp_path / "pebble-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pebble\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hub.connectors]\npebble = pebble\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    return tmp_path


def run(project: Path, override: str, *options: str, old: str = "", new: str = "") -> str:
    (project / "test_pebble.py").write_text(STANDALONE.replace("OVERRIDE", override).replace(old, new, bool(old)))
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rx", *options]
    ran = subprocess.run(
        command, cwd=project, env=environ | {"PYTHONPATH": "."}, capture_output=True, text=True, check=False
    )
    return " ".join((ran.stdout + ran.stderr).split())


def test_in_a_project_of_its_own_one_class_and_one_fixture_are_enough(project: Path) -> None:
    told = run(project, "", "-k", "check or installed or residue or overridden or hostile_address")
    assert "passed" in told
    assert "failed" not in told, told
    assert "error" not in told


def test_a_reason_is_printed_and_silence_fails(project: Path) -> None:
    named = f"{RULE} or overridden"
    excused = run(project, f"{XFAIL}\n    def {RULE}(self, kit):\n        assert False", "-k", named)
    assert "Pebble counts in secret." in excused
    assert "1 passed, " in excused
    assert "1 xfailed" in excused
    silent = run(project, f"{RULE} = None", "-k", named)
    assert f"{RULE}: overridden without a reason" in silent
    assert "1 failed" in silent


MODULE = "pytestmark = pytest.mark.{}\n\n\nclass TestPebble"


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("class TestPebble", MODULE.format("skip(reason='Later.')"), "skipped"),
        ("class TestPebble", MODULE.format("xfail(reason='Later.', run=False)"), "expected to fail"),
        ("class TestPebble", "@pytest.mark.skipif(True, reason='Later.')\nclass TestPebble", "skipped"),
        ("return Service", "pytest.skip('Later.')\n        return Service", "skipped"),
        ("return Service", "pytest.xfail('Later.')\n        return Service", "expected to fail"),
    ],
    ids=["module skipped", "module xfailed", "class skipped", "fixture skips", "fixture xfails"],
)
def test_a_rule_that_is_set_aside_from_outside_fails(project: Path, old: str, new: str, how: str) -> None:
    told = run(
        project, "def test_of_its_own(self):\n        pytest.skip('Its own.')", "-k", "check or own", old=old, new=new
    )
    assert f"test_check_names_the_account was set aside: it was {how}" in told
    assert "passed" not in told
    assert "test_of_its_own was set aside" not in told
