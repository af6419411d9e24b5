"""What runs the documentation can fail: each kind of lie is found and told with its page and line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import SettingsError
from tests.meta.docs.blocks import Block
from tests.meta.docs.driver import fits
from tests.meta.test_docs import DRIVER, judge


def run(folder: Path, *steps: tuple[str, str], title: str = "") -> subprocess.CompletedProcess[str]:
    """Drive a page of these blocks; each has ten lines to itself."""
    told = [
        {"do": do, "text": text, "page": "PAGE.md", "line": 10 * number, "title": title}
        for number, (do, text) in enumerate(steps, 1)
    ]
    (folder / "steps.json").write_text(json.dumps(told), encoding="utf-8")
    command = [sys.executable, DRIVER, "steps.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=30)


def test_a_page_is_one_namespace_and_one_shell(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        ("python", "x = 1"),
        ("sh", "export SAID=hello; mkdir deep; cd deep"),
        ("python", "assert x == 1"),
        ("console", "$ echo $SAID from ${PWD##*/}\nhello from deep"),
        ("sh", "sleep 60 &"),
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("do", "text", "told"),
    [
        ("python", "assert False", "AssertionError"),
        ("python", "raise SystemExit(0)", "SystemExit"),
        ("python", "def (:", "SyntaxError"),
        ("sh", "false\ntrue", "ended with 1"),
        ("sh", "false | true", "ended with 1"),
        ("sh", "exit 0; true", "ended"),
        ("console", "$ echo hello\ngoodbye", "answered something else"),
        ("console", "$ false", "ended with 1"),
        ("console", "$ echo one\none\n$ echo two\nthree", "`echo two`"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, do: str, text: str, told: str) -> None:
    done = run(tmp_path, ("python", "pass"), (do, text), ("python", "print('went on')"))
    assert done.returncode == 1
    assert "PAGE.md, line 20" in done.stderr
    assert told in done.stderr
    assert "went on" not in done.stdout


def test_a_block_with_a_title_is_that_file(tmp_path: Path) -> None:
    done = run(tmp_path, ("write", "answer = 42"), title="made/here.py")
    assert done.returncode == 0
    assert (tmp_path / "made/here.py").read_text() == "answer = 42\n"


WORDS = st.lists(st.text(st.characters(categories=["L", "N", "P"], exclude_characters="…"), min_size=1), min_size=1)


@given(before=WORDS, left_out=WORDS, after=WORDS)
def test_an_ellipsis_stands_for_anything_and_blanks_for_nothing(
    before: list[str], left_out: list[str], after: list[str]
) -> None:
    said = "\n".join([*before, *left_out, *after])
    assert fits(said.replace("\n", "   "), said)
    assert fits(f"{' '.join(before)} … {' '.join(after)}", said)
    assert not fits(f"{said} and more", said)


@pytest.mark.parametrize(
    ("language", "text", "error"),
    [
        ("", "anything", AssertionError),
        ("python3", "x = 1", AssertionError),
        ("toml", "a =", ValueError),
        ("toml", "[policy]\ngrase = '1d'", SettingsError),
        ("toml", '[instances.a]\nconnector = "mailchip"', SettingsError),
        ("toml", '[instances.a]\nconnector = "mailchimp"\napi_key = "x"', SettingsError),
        ("json", "{", ValueError),
        ("json", '{"schema": "subject-request-hub/error/v1"}', Exception),
        ("sh", "make tests", AssertionError),
        ("python", '--8<-- "hub/no_such_file.py"', FileNotFoundError),
        ("python", '--8<-- "hub/errors.py:no_such_section"', AssertionError),
        ("python", '--8<-- "benchmarks/run.py"', AssertionError),
    ],
)
def test_a_block_that_is_not_what_it_should_be_is_found(
    tmp_path: Path, language: str, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        judge(Block("README.md", 1, language, "", text), tmp_path)
