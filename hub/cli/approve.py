"""`hub approve`."""

from __future__ import annotations

import click

from hub.cli.frame import Front, by_option, command
from hub.cli.output import DONE, NOBODY, WAITING, emit, note, on_terminal
from hub.errors import UsageError


@command()
@click.argument("request", metavar="REQUEST")
@click.option("--digest", metavar="DIGITS", help="What you looked at, as `hub show` prints it; its first 12 digits do.")
@by_option
def approve(front: Front, *, request: str, digest: str | None, by: str | None) -> int:
    """Approve what was found, so that it is changed or erased.

    On a terminal you are shown what it is and asked. Elsewhere --digest says what you looked at, and nothing is
    approved when something else was found since.
    """
    from hub.cli.review import SHORT, confirmed, show_found  # noqa: PLC0415  # heavy

    with front.opened() as hub:
        view, who = hub.show(request), front.actor(by)
        if digest is None:
            if not on_terminal():
                raise UsageError(
                    "--digest is missing: it says what you looked at",
                    hint=f"hub show {request}, then: hub approve {request} --digest {view['digest'][:SHORT]}",
                )
            show_found(hub, view)
            if not confirmed(view, who):
                click.echo("Not approved.", err=True)
                return WAITING
            digest = view["digest"]
        if len(digest) < SHORT:
            raise UsageError("--digest is too short to mean one thing", hint=f"Give its first {SHORT} digits at least.")
        hub.approve(request, by=who, digest=digest)
        if front.json:
            emit(hub.show(request))
        else:
            click.echo(f"Approved by {who}. Follow it with: hub watch {request}")
        if not hub.engine_runs():
            note(NOBODY)
    return DONE
