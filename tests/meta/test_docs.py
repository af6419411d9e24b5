"""The documentation tells the truth: its code runs, its examples are read, its tables are the program's own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hub.cli.program import program
from tests.meta.docs.blocks import PAGES, ROOT, Block, blocks, invented
from tests.meta.docs.checks import CHECKS, INCLUDE, commands, included, is_make, readable, targets, toml

RUN = {"python", "set-up", "sh", "console"}
BASE_PORT = 4800  # the documentation's ports are 4801 to 4809; a test that runs beside others takes free ones
DRIVER = Path(__file__).parent / "docs" / "driver.py"
RUNNABLE = [page for page in PAGES if any(block.language in RUN for block in blocks(page))]
PRINTS = {  # page → what a reader must see of it
    "README.md": ("✓ newsletter", "erased, read back as gone", "kept until", "request.closed"),
}


def runs(block: Block) -> bool:
    """Whether it is run; the rest is checked."""
    return block.language in RUN and not block.not_run and not INCLUDE.search(block.text) and not is_make(block)


def steps(page: str, port: int) -> list[dict[str, object]]:
    """What the driver has to do, in order; a block that shows a file is that file for those after it."""
    told: list[dict[str, object]] = []
    for block in blocks(page):
        text = re.sub(rf"\b{BASE_PORT // 10}([1-9])\b", lambda found: str(port + int(found[1])), block.text)
        do = {"set-up": "python"}.get(block.language, block.language)
        step = {"page": page, "line": block.line, "title": block.title, "text": text}
        if block.title and not INCLUDE.search(text):
            told.append({"do": "write", **step})
        if runs(block):
            told.append({"do": do, **step})
    return told


def free_ports() -> int:
    """A port after which nine are free."""
    while True:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
        taken = False
        for after in range(1, 10):
            with socket.socket() as sock:
                try:
                    sock.bind(("127.0.0.1", port + after))
                except OSError:
                    taken = True
        if not taken:
            return port


@pytest.mark.parametrize("page", RUNNABLE)
def test_the_code_of_the_page_runs(page: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "page").mkdir()
    (tmp_path / "steps.json").write_text(json.dumps(steps(page, free_ports())), encoding="utf-8")
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    environ = kept | {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, DRIVER, tmp_path / "steps.json"],
        check=False,
        cwd=tmp_path / "page",
        env=environ,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert [text for text in PRINTS.get(page, ()) if text not in done.stdout] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_the_page_is_run_or_checked(page: str, tmp_path: Path) -> None:
    for block in blocks(page):
        if runs(block):
            continue
        try:
            judge(block, tmp_path)
        except Exception as error:
            error.add_note(f"in {block.place}")
            raise


def test_what_is_quoted_from_the_program_is_what_it_says() -> None:
    command = [sys.executable, ROOT / "tools" / "docs" / "write.py", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_the_page_names_exist(page: str) -> None:
    context = click.Context(program)
    for name, options in commands(page):
        command = program.get_command(context, name) if name else program
        assert command, f"{page} tells to call `hub {name}`"
        known = {option for parameter in [*program.params, *command.params] for option in parameter.opts}
        assert set(options) <= known | {"--help"}, f"{page} calls `hub {name}` with an option that it does not have"


def judge(block: Block, home: Path) -> None:
    """Check a block that is not run."""
    included(block)
    if INCLUDE.search(block.text):
        return
    if block.not_run:
        readable(block)
    elif block.language == "toml":
        toml(block, home, invented(block.page))
    elif block.language in RUN:
        targets(block)
    else:
        assert block.language in CHECKS, (
            f"{block.place}: nothing can check a block of {block.language or 'no language'}. "
            "Write python, sh, console, toml, json or yaml; text is for output and drawings."
        )
        CHECKS[block.language](block)
