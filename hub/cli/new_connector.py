"""`hub new-connector`."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli.frame import Front, command
from hub.cli.output import emit, schema


@command("new-connector")
@click.argument("name")
@click.option("--standalone", is_flag=True, help="Write a project of its own, hub-connector-NAME.")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where: a checkout of the hub, or with --standalone any folder; this one unless given.",
)
def new_connector(front: Front, *, name: str, standalone: bool, into: Path) -> None:
    """Write a new connector that works, for you to edit.

    It serves an invented customer list, comes with a stand-in of it, and passes the conformance suite. In a checkout of
    the hub it goes to connectors/NAME, with its entry point in pyproject.toml.
    """
    from hub.scaffold.writing import add_to_checkout, make_project  # noqa: PLC0415  # `hub --help` has no use for it

    made = (make_project if standalone else add_to_checkout)(name, into)
    if front.json:
        files = {"made": [str(file) for file in made.files], "changed": [str(file) for file in made.changed]}
        emit(
            {"schema": schema("new-connector"), "folder": str(made.folder), **files, "next": [made.install, made.test]}
        )
        return
    click.echo(f"A connector was written to {made.folder}")
    for file in made.files:
        click.echo(f"  {file.relative_to(made.folder)}")
    for file in made.changed:
        click.echo(f"Its entry point was added to {file}")
    click.echo(
        f"Next:\n  {made.install}\n  {made.test}\nThen edit processor.py and sandbox.py until they are your service.\n"
        f"hub quality {name} says what is left to write."
    )
