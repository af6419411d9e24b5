"""`hub list`, `hub show`, `hub tasks`: what the journal says, without personal data."""

from __future__ import annotations

import click

from hub.cli.frame import Front, command
from hub.cli.output import emit, table


@command("list")
@click.option("--open", "open_only", is_flag=True, help="Leave out what is closed.")
def list_requests(front: Front, *, open_only: bool) -> None:
    """List the requests, newest first."""
    with front.opened() as hub:
        view = hub.requests(include_closed=not open_only)
    if front.json:
        emit(view)
    elif view["requests"]:
        rows = [
            (r["id"], r["right"], r["state"], r["verdict"].replace("_", " "), r["received"][:10], r["due"] or "")
            for r in view["requests"]
        ]
        table(("REQUEST", "RIGHT", "STATE", "VERDICT", "RECEIVED", "DUE"), rows)
    else:
        click.echo("There are no requests.")


@command()
@click.argument("request", metavar="REQUEST")
def show(front: Front, *, request: str) -> None:
    """Show one request: what became of it at each service.

    Ends with 0 whatever the verdict; `hub watch` ends with the verdict's code.
    """
    from hub.cli.summary import tell  # noqa: PLC0415  # heavy

    with front.opened() as hub:
        view = hub.show(request)
        if front.json:
            emit(view)
        else:
            tell(hub, view)
            click.echo(f"Digest of what was found: {view['digest']}")


@command()
def tasks(front: Front) -> None:
    """List what waits for a person.

    Each with the command that ends it.
    """
    from hub.cli.summary import what_to_do  # noqa: PLC0415  # heavy

    with front.opened() as hub:
        view = hub.tasks()
    if front.json:
        emit(view)
        return
    for task in view["tasks"]:
        click.echo(f"{task['task']}  request {task['request']}  since {task['created'][:10]}")
        click.echo(f"  {what_to_do(task)}")
    if not view["tasks"]:
        click.echo("Nothing waits for a person.")
