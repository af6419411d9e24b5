"""Every example of the how-to guides and of the tutorial runs, is typed, and is written as the product is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs/how-to/files"
TUTORIAL = ROOT / "docs/tutorial/files"
SOURCES = [
    path
    for folder in (GUIDES, TUTORIAL / "src", TUTORIAL / "tests")
    for path in sorted(folder.rglob("*.py"))
    if "__pycache__" not in path.parts
]


def run(*command: str | Path, **environ: str) -> None:
    """What fails shows all it printed."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=550
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_example_does_what_its_page_says(pytestconfig: pytest.Config) -> None:
    """The sample leaves out the conformance suite of two examples: it takes half of the time."""
    sample = ["--exhaustive"] if pytestconfig.getoption("--exhaustive") else ["-k", "not TestClub and not TestCourier"]
    own = ["--rootdir", GUIDES, "--confcutdir", ROOT, "--import-mode", "prepend", "-c", os.devnull, "-W", "error"]
    without = ["-p", "no:cacheprovider", "-p", "no:xdist"]
    run(sys.executable, "-m", "pytest", "-q", *own, *without, *sample, GUIDES)


def test_every_guide_has_an_example_that_is_tried() -> None:
    tried = {path.stem.removeprefix("test_") for path in GUIDES.glob("test_*.py")}
    for page in sorted(ROOT.glob("docs/how-to/*.md")):
        if "/files/" in page.read_text(encoding="utf-8"):
            named = {name for name in tried if f"test_{name}.py" in page.read_text(encoding="utf-8")}
            assert named or "docs/tutorial/files/tests/" in page.read_text(encoding="utf-8"), page.name


def test_they_are_typed_strictly(tmp_path: Path) -> None:
    path = os.pathsep.join(map(str, (GUIDES, TUTORIAL / "src", TUTORIAL / "tests")))
    settings = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path]
    run(sys.executable, "-m", "mypy", *settings, *SOURCES, MYPYPATH=path)


def test_they_are_written_as_the_product_is(tmp_path: Path) -> None:
    ruff = [sys.executable, "-m", "ruff", "--config", ROOT / "pyproject.toml", "--no-cache"]
    run(*ruff[:3], "check", *ruff[3:], *SOURCES)
    run(*ruff[:3], "format", "--check", *ruff[3:], *SOURCES)
