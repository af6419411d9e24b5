"""The author API is typed as its users write it: tests/typing, checked strictly against the installed wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USES = ROOT / "tests" / "typing"
SETTINGS = "[mypy]\nstrict = true\nplugins = pydantic.mypy\nenable_error_code = exhaustive-match\n"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project elsewhere, with an environment that has the wheel and, beside it, what the hub depends on."""
    folder = tmp_path_factory.mktemp("outside")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # What is named in a .pth is searched for modules and not for further .pth files: the checkout stays out of it.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    (folder / "mypy.ini").write_text(SETTINGS, encoding="utf-8")
    return folder


def check(outside: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--config-file", outside / "mypy.ini", "--cache-dir", outside / "cache"]
    command += ["--python-executable", outside / "venv" / "bin" / "python", *files]
    environ = {name: text for name, text in os.environ.items() if name not in {"MYPYPATH", "PYTHONPATH"}}
    return subprocess.run(command, cwd=outside, env=environ, capture_output=True, text=True, check=False)


def test_what_authors_write_passes_strictly_and_what_is_wrong_is_refused(outside: Path) -> None:
    for file in USES.glob("*.py"):
        (outside / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    done = check(outside, *sorted(outside.glob("*.py")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"no issues found in {len(list(USES.glob('*.py')))} source files" in done.stdout
