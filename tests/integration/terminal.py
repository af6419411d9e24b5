"""The program as somebody at a terminal meets it: in this process where that is enough, else in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
import structlog

from hub.cli.program import run

HUB = Path(sys.executable).with_name("hub")
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas" / "cli.json"


@cache
def fits(name: str) -> Callable[[Any], Any]:
    """Raises for an answer that is not of the schema it names."""
    schema = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    validate: Callable[[Any], Any] = fastjsonschema.compile(
        {"$ref": f"#/$defs/{name.split('/')[1]}", "$defs": schema["$defs"]}
    )
    return validate


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output, which is what docs/schemas/cli.json says it is."""
        document = json.loads(self.out)
        fits(document["schema"])(document)
        return document


@dataclass
class Serving:
    """An engine in another process; `log` is what it said, once it has ended."""

    pid: int
    log: str = ""


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

    @contextmanager
    def serving(self) -> Iterator[Serving]:
        """`hub serve` in a process of its own meanwhile; it must end cleanly when it is told to."""
        command = [HUB, "--home", self.home, "serve", "--json"]
        process = subprocess.Popen(
            command, env=self.own_environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        serving = Serving(process.pid)
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it serves
            yield serving
        finally:
            process.terminate()
            _, serving.log = process.communicate(timeout=30)
        assert process.returncode == 0, serving.log

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
