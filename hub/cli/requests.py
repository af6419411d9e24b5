"""`hub request`, `hub run`, `hub watch`: taking requests in, carrying them out, following them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from hub.cli.asked import Asked, asks
from hub.cli.frame import Front, by_option, command
from hub.cli.output import DONE, NOBODY, emit, exit_code, note, on_terminal

if TYPE_CHECKING:
    from hub.app import Hub

patience_option = click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait here for a service that asks to come back later; the request itself goes on waiting.",
)


@command()
@asks
@by_option
@click.option("--wait", is_flag=True, help="Follow it until it is settled or waits for a person.")
@patience_option
def request(front: Front, *, by: str | None, wait: bool, patience: float, **asked: Any) -> int:
    """Take a request in, for the engine to carry out.

    Prints the request's id. `hub serve` carries it out, on this data folder and now or later.
    """
    with front.opened() as hub:
        taken = _submit(front, hub, Asked(**asked), by)
        if not wait:
            if front.json:
                emit(hub.show(taken))
            else:
                click.echo(taken)
                note(f"Taken in. Follow it with: hub watch {taken}")
            if not hub.engine_runs():
                note(NOBODY)
            return DONE
        from hub.cli.follow import follow  # noqa: PLC0415  # heavy

        return _tell(front, hub, follow(hub, taken, patience=patience))


@command()
@asks
@by_option
@click.option("--approve-as", metavar="NAME", help="Approve what is found in this person's name, unseen by others.")
@patience_option
def run(front: Front, *, by: str | None, approve_as: str | None, patience: float, **asked: Any) -> int:
    """Take a request in and carry it out here, following it.

    Erasure and rectification stop until a named person approves what was found: you are asked on a terminal, and
    --approve-as answers beforehand. Where another process carries requests out on this data folder, it is followed.
    """
    from hub.cli.follow import carry_out  # noqa: PLC0415  # heavy
    from hub.cli.review import Reviewer  # noqa: PLC0415  # heavy

    with front.opened() as hub:
        taken = _submit(front, hub, Asked(**asked), by)
        note(f"Request {taken}")
        reviewer = Reviewer(hub, approve_as, by=front.actor(by), ask=on_terminal() and asked["subject"] != "-")
        return _tell(front, hub, carry_out(hub, taken, reviewer, patience=patience))


@command()
@click.argument("request", metavar="REQUEST")
@patience_option
def watch(front: Front, *, request: str, patience: float) -> int:
    """Follow a request until it is settled or waits for a person.

    Watching carries nothing out: `hub serve` or `hub run` does, in another process.
    """
    from hub.cli.follow import follow  # noqa: PLC0415  # heavy

    with front.opened() as hub:
        return _tell(front, hub, follow(hub, request, patience=patience))


def _submit(front: Front, hub: Hub, asked: Asked, by: str | None) -> str:
    return hub.submit(asked.submission(hub.settings.default_region, hub.clock.now()), by=front.actor(by))


def _tell(front: Front, hub: Hub, view: dict[str, Any]) -> int:
    """The summary, and the exit code that goes with it."""
    if front.json:
        emit(view)
    else:
        from hub.cli.summary import tell  # noqa: PLC0415  # heavy

        sys.stderr.flush()
        tell(hub, view)
    return exit_code(view)
