"""`hub export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.cli.frame import Front, by_option, command
from hub.cli.output import DONE, WAITING, emit, note, schema
from hub.errors import UsageError

if TYPE_CHECKING:
    from hub.handover import Handover


@command()
@click.argument("request", metavar="REQUEST")
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The zip file to make; nothing is overwritten.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take the passphrase from this file's first line; one is made and shown otherwise.",
)
@click.option("--plain", is_flag=True, help="Do not encrypt; only where the file stays where it is safe.")
@by_option
def export(
    front: Front,
    *,
    request: str,
    output: Path,
    passphrase_file: Path | None,
    plain: bool,
    by: str | None,
) -> int:
    """Hand over the copy of a request as an encrypted zip file.

    The passphrase is shown once, on standard error, and stored nowhere: tell it to the person by another way than the
    file goes. The handing over is recorded; an erasure asked for together with the copy goes on after it. Ends with 3
    when something is still to come, and the manifest in the zip says what.
    """
    from hub.exports import archive  # noqa: PLC0415  # heavy

    if plain and passphrase_file:
        raise click.UsageError("--plain and --passphrase-file contradict each other.")
    with front.opened() as hub:
        given = _passphrase(passphrase_file) if passphrase_file else None
        secret = None if plain else given or archive.passphrase()
        made = hub.export(request, output, passphrase=secret, by=front.actor(by))
    if secret is None:
        note(
            "The file is NOT encrypted: whoever can read it reads everything. Delete it as soon as it was handed over."
        )
    elif given is None:
        note(f"Passphrase, shown once and stored nowhere: {secret}")
    _say(front, request, output, made, encrypted=secret is not None)
    return DONE if made.final else WAITING


def _say(front: Front, request: str, output: Path, made: Handover, *, encrypted: bool) -> None:
    package = made.package
    if front.json:
        emit(
            {
                "schema": schema("export"),
                "request": request,
                "file": str(output),
                "encrypted": encrypted,
                "records": package.records,
                "files": package.files,
                "bytes": package.size,
                "incomplete": list(package.incomplete),
                "final": made.final,
            }
        )
        return
    click.echo(f"{output}: {package.records} records, {package.files} attachments, {package.size} bytes")
    if package.incomplete:
        click.echo(f"Missing or incomplete, as the copy itself says: {', '.join(package.incomplete)}")
    if not made.final:
        click.echo("Something is still to come, so this does not count as handed over: export again later.")


def _passphrase(path: Path) -> str:
    """The first line of the file. Raises `UsageError`: others can read it, it is empty, or no text."""
    from hub.store import private  # noqa: PLC0415  # heavy

    private.refuse_if_open(path, UsageError)
    try:
        first = path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError):
        first = ""
    if not first:
        raise UsageError("The passphrase file has no first line of text", hint="Write the passphrase there, in UTF-8.")
    return first
