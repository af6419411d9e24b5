"""Where output goes: the answer on standard output, everything else on standard error; and the exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

DONE, FAILED, USAGE, WAITING, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit codes; `hub --help` and docs/cli.md say what they mean."""

_OF_VERDICT = {"failed": FAILED, "waiting": WAITING}


NOBODY = "Nobody carries requests out on this data folder at present. Start it: hub serve"


def exit_code(view: Mapping[str, Any]) -> int:
    """The exit code that tells what became of a request."""
    return _OF_VERDICT.get(view["verdict"], DONE)


def schema(name: str) -> str:
    """The `schema` of a JSON answer; it changes when an existing key changes its meaning or goes."""
    return f"subject-request-hub/{name}/v1"


def emit(document: Mapping[str, Any]) -> None:
    """The one JSON object of `--json`."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def interrupted(instance: str | None) -> int:
    """Say in the one object of `--json` that Ctrl-C came before there was an answer; returns the exit code."""
    hint = "What was under way at that moment may have been carried out."
    said = {"error": "interrupted", "instance": instance, "message": "Interrupted", "hint": hint}
    emit({"schema": schema("error"), **said})
    note("Interrupted.")
    return INTERRUPTED


def note(text: str) -> None:
    """Something for the person at the terminal that is not the answer."""
    click.echo(text, err=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns, as wide as they need to be; the last one runs free."""
    every = [tuple(head), *map(tuple, rows)]
    widths = [max(len(row[at]) for row in every) for at in range(len(head) - 1)] + [0]
    for number, row in enumerate(every):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(line, dim=True) if number == 0 else line)


def on_terminal() -> bool:
    """Whether somebody can be asked: both what they type and what they read is a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()
