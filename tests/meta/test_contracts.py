"""The import contracts of pyproject.toml hold, they can fail, and connectors keep to the author's API."""

import ast
import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONNECTORS = sorted(path for path in ROOT.glob("connectors/*/**/*.py") if "__pycache__" not in path.parts)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Lint what is in the folder, and not the checkout that is installed: -S leaves its path out."""
    script = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    return subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *site.getsitepackages()])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    result = lint(ROOT)
    assert "4 kept, 0 broken" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [
        ("Arrows point one way", "hub/holding.py", "import hub.settings"),
        ("The hub knows no connector", "hub/rights.py", "import connectors.mailchimp"),
        ("Connectors know nothing of each other", "connectors/mailchimp/__init__.py", "import connectors.sagepay"),
        ("What runs in production needs no stand-in", "connectors/sagepay/processor.py", "import hub.testing.town"),
    ],
)
def test_each_contract_can_fail(tmp_path: Path, contract: str, file: str, line: str) -> None:
    for name in ("hub", "connectors"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a") as broken:
        broken.write(f"\n{line}\n")
    result = lint(tmp_path)
    assert f"{contract} BROKEN" in result.stdout, result.stdout + result.stderr


def imported(path: Path) -> set[str]:
    """The modules of ours that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module or "")
    return {name for name in found if name.split(".")[0] in {"hub", "connectors"}}


@pytest.mark.parametrize("path", CONNECTORS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_connector_imports_the_author_api_alone(path: Path) -> None:
    connector = path.relative_to(ROOT / "connectors").parts[0]
    for name in imported(path) - {"hub"}:
        assert f"{name}.".startswith((f"connectors.{connector}.", "hub.testing.")), name


def test_connectors_is_a_namespace_so_that_anyone_can_add_to_it() -> None:
    assert not (ROOT / "connectors/__init__.py").exists()
