"""The tutorial's connector is a real one: installed as its reader installs it, it passes everything the page says."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.docs.blocks import blocks

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs/tutorial/files"
PAGES = sorted([*ROOT.glob("docs/tutorial/*.md"), *ROOT.glob("docs/how-to/*.md")])
INCLUDED = re.compile(r'--8<-- "(?P<path>docs/[^":]+)(?::(?P<section>[a-z-]+))?"')
PAGE = "docs/tutorial/index.md"
MARKED = re.compile(r"--8<-- \[start:([a-z-]+)\]")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class Project:
    """The tutorial's project, installed beside the hub as a copy of it."""

    def __init__(self, folder: Path) -> None:
        copy = shutil.copytree(FILES, folder / "project", ignore=shutil.ignore_patterns(".*", "__pycache__", "build"))
        self.site = folder / "site"
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
        done = self.python(*pip, "--target", str(self.site), str(copy))
        assert done.returncode == 0, done.stdout + done.stderr

    def python(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1", **environ}
        return subprocess.run(
            command, cwd=FILES, env=environment, capture_output=True, text=True, check=False, timeout=550
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("tutorial"))


def test_it_passes_its_own_tests_and_every_rule_of_the_suite(project: Project, pytestconfig: pytest.Config) -> None:
    sample = ["--exhaustive"] if pytestconfig.getoption("--exhaustive") else []
    own = ["-p", "no:cacheprovider", "-p", "no:xdist", "--confcutdir", str(ROOT)]  # which has what samples long rules
    done = project.python("-m", "pytest", "-q", *own, *sample, CI="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "xfailed" not in done.stdout


def steps(port: int) -> Iterator[dict[str, object]]:
    """What the page tells its reader to do; once the project is installed, its files are the finished ones."""
    finish = f"import shutil; shutil.copytree({str(FILES)!r}, 'hub-connector-shelfmark', dirs_exist_ok=True)"
    for block in blocks(PAGE):
        if block.not_run.startswith("tests/meta/test_tutorial.py"):
            told = {"page": PAGE, "line": block.line, "title": "", "text": block.text.replace("4801", str(port))}
            yield {"do": block.language, **told}
            if "pip install" in block.text:
                yield {"do": "python", **told, "text": finish}


def test_whoever_does_what_the_page_says_sees_what_it_shows(tmp_path: Path) -> None:
    """A stand-in for pip links the project as `pip install -e` would, and leaves this environment alone."""
    for folder in ("bin", "home", "page", "site"):
        (tmp_path / folder).mkdir()
    install = f"{sys.executable} -m pip install --no-deps --no-build-isolation --target {tmp_path / 'site'}"
    pip = tmp_path / "bin/pip"
    pip.write_text(f'#!/bin/sh\nexec {install} --quiet --disable-pip-version-check "$3"\n', encoding="utf-8")
    pip.chmod(0o700)
    (tmp_path / "steps.json").write_text(json.dumps(list(steps(free_port()))), encoding="utf-8")
    environ = {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path / 'page/hub-connector-shelfmark/src'}:{tmp_path / 'site'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        [sys.executable, ROOT / "tests/meta/docs/driver.py", tmp_path / "steps.json"],
        cwd=tmp_path / "page",
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr
    assert "kept until 2031-12-31" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_what_a_page_includes_is_there(page: Path) -> None:
    for found in INCLUDED.finditer(page.read_text(encoding="utf-8")):
        source = (ROOT / found["path"]).read_text(encoding="utf-8")
        if found["section"]:
            assert found["section"] in MARKED.findall(source), found[0]


def test_no_marked_section_is_left_out_of_the_pages() -> None:
    shown = {
        (found["path"], found["section"])
        for page in PAGES
        for found in INCLUDED.finditer(page.read_text(encoding="utf-8"))
    }
    whole = {path for path, section in shown if section is None}
    marked = {
        (path.relative_to(ROOT).as_posix(), section)
        for folder in ("docs/tutorial/files", "docs/how-to/files")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".yaml", ".toml", ".md"}
        for section in MARKED.findall(path.read_text(encoding="utf-8"))
    }
    assert {(path, section) for path, section in marked if path not in whole} <= shown
