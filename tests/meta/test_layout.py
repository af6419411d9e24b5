"""The house: modules stay small, connectors are complete, decisions are readable, and the wheel holds what it must."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(
    path for top in ("hub", "connectors") for path in ROOT.glob(f"{top}/**/*.py") if "tests" not in path.parts
)
CONNECTORS = sorted(path.parent for path in ROOT.glob("connectors/*/__init__.py"))
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))
LIMIT = 250
LONGER = {
    "hub/app.py": "what one hub can do, read from top to bottom by every front end",
    "hub/coordinator/tracks.py": "one worker's turn, readable in one sitting",
    "hub/processor.py": "the author's interface with everything passed to it, on one page",
}


def test_modules_are_small_or_say_why_not() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if "migrations" not in path.parts
    }
    longer = {name: length for name, length in lengths.items() if length > LIMIT}
    assert {name: length for name, length in longer.items() if name not in LONGER} == {}
    assert LONGER.keys() - longer.keys() == set(), "no longer needed"


@pytest.mark.parametrize("folder", CONNECTORS, ids=lambda folder: folder.name)
def test_a_connector_is_complete(folder: Path) -> None:
    for name in ("__init__.py", "processor.py", "README.md", "quality.yaml"):
        assert (folder / name).is_file(), name
    assert (folder / "sandbox.py").is_file() or (folder / "sandbox" / "__init__.py").is_file()
    assert list(folder.glob("tests/test_*.py"))
    assert PROJECT["project"]["entry-points"]["hub.connectors"][folder.name] == f"connectors.{folder.name}"


def test_every_entry_point_has_its_connector() -> None:
    assert sorted(PROJECT["project"]["entry-points"]["hub.connectors"]) == [folder.name for folder in CONNECTORS]


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]
    listed = re.findall(r"\]\(([^)]+)\) \| (.+?) \|", (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8"))
    titles = {path.name: path.read_text(encoding="utf-8").splitlines()[0].split(" ", 2)[2] for path in DECISIONS}
    assert dict(listed) == titles


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_fits_a_page_and_names_its_price_or_doubt(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    for heading in ("**Question.**", "**Decision.**", "**Why.**"):
        assert heading in text
    assert "**Price.**" in text or "**Not verified.**" in text


def test_documents_link_to_what_exists() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        prose = re.sub(r"^ *(```|~~~).*?^ *\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", prose):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_make_targets_of_the_documentation_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in ("CONTRIBUTING.md", "README.md"):
        told = set(re.findall(r"^make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
        assert told <= targets


def test_the_wheel_holds_the_hub_its_connectors_and_no_tests(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"hub/py.typed", "hub/hooks.py", "hub/settings/shape.py", "hub/testing/sandbox/base.py"} <= names
    assert any(name.startswith("hub/store/migrations/versions/") for name in names)
    for file in ("processor.py", "quality.yaml", "README.md"):  # `hub quality` reads the last two
        assert {f"connectors/{folder.name}/{file}" for folder in CONNECTORS} <= names
    assert [name for name in names if "/tests/" in name or name == "connectors/__init__.py"] == []
