"""`hub settle`."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.frame import Front, by_option, command
from hub.cli.output import emit
from hub.errors import UsageError

_LARGEST = 50 << 20  # bytes of an evidence file: a scan or a mail, not a disk image


@command()
@click.argument("task", metavar="TASK")
@click.option(
    "--result",
    required=True,
    type=click.Choice(["done", "nothing_held", "not_possible"]),
    help="It was done there, nothing was held there, or it could not be done.",
)
@click.option(
    "--evidence",
    "proof",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What proves it: a mail, a screenshot. Kept encrypted; its SHA-256 stands in the journal.",
)
@by_option
def settle(front: Front, *, task: str, result: str, proof: Path | None, by: str | None) -> None:
    """Record what a person did about a task, with the proof."""
    with front.opened() as hub:
        request = next((t["request"] for t in hub.tasks()["tasks"] if t["task"] == task), None)
        hub.settle(task, by=front.actor(by), result=result, proof=_read(proof) if proof else None)
        if front.json and request is not None:
            emit(hub.show(request))
        else:
            click.echo(f"Recorded: {result.replace('_', ' ')}.")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError("The evidence file is larger than 50 MB", hint="Attach what proves it and no more.")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"The evidence file cannot be read: {error.strerror}", hint="Check who may read it.") from None
