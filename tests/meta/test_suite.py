"""The suite's own rules: which cases a sample takes, and that nothing is skipped in silence."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.exhaustive
@pytest.mark.parametrize("n", range(100))
def test_many(n): pass

@pytest.mark.exhaustive
@pytest.mark.parametrize("n", range(5))
def test_few(n): pass

def test_plain(): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    exhaustive\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    return tmp_path


def run(folder: Path, *options: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environ |= {"CI": ci} if ci else {}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def cases(folder: Path, *options: str) -> list[str]:
    return re.findall(r"test_it\.py::(\S+) PASSED", run(folder, "-v", *options).stdout)


def test_a_sample_takes_one_in_twelve_and_one_at_least(folder: Path) -> None:
    ran = cases(folder)
    assert len([case for case in ran if case.startswith("test_many")]) == 9
    assert len([case for case in ran if case.startswith("test_few")]) == 1
    assert "test_plain" in ran


def test_the_seed_decides_and_is_printed(folder: Path) -> None:
    assert cases(folder, "--sample-seed=7") == cases(folder, "--sample-seed=7") != cases(folder)
    assert "--sample-seed=7" in run(folder, "--sample-seed=7", "--co").stdout


def test_workers_agree_on_the_sample(folder: Path) -> None:
    result = run(folder, "-n2", "--sample-seed=7")
    assert "11 passed" in result.stdout, result.stdout


def test_exhaustive_runs_every_case(folder: Path) -> None:
    assert len(cases(folder, "--exhaustive")) == 106


def test_who_names_a_test_gets_every_case_of_it(folder: Path) -> None:
    assert len(cases(folder, "test_it.py::test_few")) == 5


@pytest.mark.parametrize(
    ("source", "workers"),
    [("def test_it(): pytest.skip('x')", "-n2"), ("pytest.importorskip('no_such_module')", "-n0")],
)
def test_where_ci_is_set_a_skip_fails_the_run(folder: Path, source: str, workers: str) -> None:
    (folder / "test_skip.py").write_text(f"import pytest\n{source}\n")
    assert run(folder, workers).returncode == 0
    failed = run(folder, workers, ci="true")
    assert failed.returncode == 1
    assert "1 skipped, and CI is set" in failed.stdout
