"""The program as somebody at a terminal meets it: in this process where that is enough, else in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from hub.cli.program import run

HUB = Path(sys.executable).with_name("hub")
CODES = {"complete": 0, "with_exceptions": 0, "failed": 1, "waiting": 3, "cancelled": 0}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)


@dataclass
class Terminal:
    """Runs commands on one data folder.

    Args:
        home: the data folder.
        environ: the environment the program sees; nothing of this process's own.
    """

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        """Run a command in this process; standard input is no terminal."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        before, sys.stdin = sys.stdin, io.StringIO(stdin)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = run(["--home", str(self.home), *arguments], self.environ | {"HUB_ACTOR": "Ada Marsh"})
        finally:
            sys.stdin = before
            structlog.reset_defaults()
        said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return Ended(code, *said)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [HUB, "--home", self.home, *arguments],
            env=self.own_environ(),
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
        )

    def apart(self, *arguments: str, stdin: str = "", **options: Any) -> Ended:
        """Run a command in a process of its own, to its end."""
        done = subprocess.run(
            [HUB, "--home", self.home, *arguments],
            env=self.own_environ(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **options,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def own_environ(self) -> Mapping[str, str]:
        """The environment of a process of its own."""
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
        return inherited | {"HUB_ACTOR": "Ada Marsh", "COLUMNS": "100"} | self.environ
