"""The outside path stays true: wheels, no checkout, and every command that README and `hub new-connector` name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/hub-connector-example"
SETTINGS = 'kek = "file:keys/kek"\nplugins = ["boathouse", "demo_x"]\n'
WHERE = "import hub, hub_connector_example, hub_connector_demo_x as x; print(hub.__file__, x.__file__)"


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """What it prints; a failure shows all of it."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "HUB"))}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def wheel_of(project: Path, into: Path) -> Path:
    """The project, built as for a release, by the tools that are here already."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", into, project, cwd=into)
    (built,) = into.glob("*.whl")
    return built


def environment(folder: Path) -> Path:
    """An environment with the libraries of this one and without the hub; returns its Python.

    A path file shares the libraries. Path files in a folder that was added by one are not read, so the checkout that is
    installed here is not there; its metadata is, and the wheel's comes first.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin/python"


def install(python: Path, *wheels: Path) -> None:
    """Install them and nothing that they need, without looking anywhere."""
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", *wheels, cwd=python.parent)


def test_wheels_the_example_and_a_new_connector_work_without_a_checkout(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for name in ("hub", "example", "new"):
        (tmp_path / name).mkdir()
    python = environment(tmp_path / "venv")
    hub, suite = (python.parent / "hub"), (python, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests")
    example = shutil.copytree(EXAMPLE, tmp_path / EXAMPLE.name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    install(python, wheel_of(ROOT, tmp_path / "hub"), wheel_of(example, tmp_path / "example"))

    run(hub, "new-connector", "demo_x", "--standalone", cwd=tmp_path)
    made = tmp_path / "hub-connector-demo_x"
    install(python, wheel_of(made, tmp_path / "new"))

    for file in run(python, "-c", WHERE, cwd=tmp_path).split():
        assert Path(file).is_relative_to(tmp_path / "venv")
    assert " passed" in run(*suite, cwd=made)
    some = () if pytestconfig.getoption("--exhaustive") else ("-m", "not exhaustive")
    assert " passed" in run(*suite, *some, cwd=example)

    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "hub.toml").write_text(SETTINGS, encoding="utf-8")
    run(hub, "init", "--home", home, cwd=tmp_path)
    listed = run(hub, "connectors", "--home", home, cwd=tmp_path)
    assert "Boathouse  boathouse 0.1.0" in listed
    assert "DemoX  demo_x 0.1.0" in listed
    judged = run(hub, "quality", "demo_x", cwd=tmp_path, code=1)
    assert "demo_x  none" in judged
    assert "taken on trust" in judged
