"""`hub evidence`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from hub.cli.frame import Front, command
from hub.cli.output import note
from hub.errors import StoreError, UsageError

_DIGEST = re.compile(r"[0-9a-f]{32,}")
_FRAME = {"salt", "type", "at", "request", "seq", "prev", "exchanges"}  # what every event has, and what is a list


@command()
@click.argument("request", metavar="REQUEST")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write each event's exact bytes to a file of this new folder instead.",
)
def evidence(front: Front, *, request: str, output: Path | None) -> None:
    """Print the events of a request, or write them to a folder.

    With --json each line is one event, byte for byte as it is committed to: SHA-256 over the line (without its end) is
    the next event's `prev`. Events hold no personal data.
    """
    with front.opened() as hub:
        hub.show(request)  # says so when there is no such request
        events = hub.evidence(request)
    if output is not None:
        write_events(events, output)
        note(f"{len(events)} events in {output}")
    elif front.json:
        for event in events:
            click.echo(event)
    else:
        for event in map(json.loads, events):
            click.echo(_line(event))


def _line(event: dict[str, Any]) -> str:
    fields = "  ".join(f"{k}={_short(v)}" for k, v in event.items() if k not in _FRAME)
    calls = f"  calls={len(event['exchanges'])}" if "exchanges" in event else ""
    return f"{event['seq']:>4}  {event['at']}  {event['type']:<18}  {fields}{calls}"


def _short(value: Any) -> str:
    """A field as a person reads it: digests cut, lists of them and of objects counted."""
    match value:
        case str():
            return f"{value[:12]}…" if _DIGEST.fullmatch(value) else value
        case list() if all(isinstance(item, str) and not _DIGEST.fullmatch(item) for item in value):
            return ",".join(value)
        case list():
            return str(len(value))
        case dict():
            return ",".join(f"{key}:{inner}" for key, inner in value.items())
        case _:
            return str(value)


def write_events(events: Sequence[bytes], folder: Path) -> None:
    """Write one file an event, `0001-request.received.json`. Raises `UsageError` unless the folder is new or empty."""
    from hub.store import private  # noqa: PLC0415  # heavy

    with private.explained(folder, StoreError):
        private.make_folder(folder)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty, and evidence overwrites nothing", hint="Name a new folder.")
        for number, event in enumerate(events, start=1):
            private.write_whole(folder / f"{number:04}-{json.loads(event)['type']}.json", event)
