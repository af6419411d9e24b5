"""`hub release`, `retry`, `undo`, `cancel`, `pause`, `resume`: one decision each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hub.cli.frame import Front, by_option, command
from hub.cli.output import emit, schema

if TYPE_CHECKING:
    from hub.app import Hub

request_argument = click.argument("request", metavar="REQUEST")
instance_argument = click.argument("instance", metavar="INSTANCE")


@command()
@request_argument
@by_option
def release(front: Front, *, request: str, by: str | None) -> None:
    """Allow a reviewed copy to be handed over."""
    with front.opened() as hub:
        hub.release(request, by=front.actor(by))
        _recorded(front, hub, request, f"Released. Hand it over with: hub export {request} --output FILE")


@command()
@request_argument
@click.option("--instance", metavar="NAME", help="At this instance alone.")
@by_option
def retry(front: Front, *, request: str, instance: str | None, by: str | None) -> None:
    """Try again what failed.

    Whether an act happened is read back before it is repeated.
    """
    with front.opened() as hub:
        hub.retry(request, by=front.actor(by), instance=instance)
        _recorded(front, hub, request, f"It is tried again. Follow it with: hub watch {request}")


@command()
@request_argument
@by_option
def undo(front: Front, *, request: str, by: str | None) -> None:
    """Withdraw an erasure, as far as it can be.

    What was not sent is not sent, what was stopped or contained is given back. What was erased stays erased.
    """
    with front.opened() as hub:
        hub.undo(request, by=front.actor(by))
        _recorded(front, hub, request, f"Withdrawn. `hub show {request}` tells what had been done by then.")


@command()
@request_argument
@by_option
def cancel(front: Front, *, request: str, by: str | None) -> None:
    """Stop a request: nothing more is sent for it.

    What was done stays done, and stays in the evidence. A cancelled request cannot be taken up again.
    """
    with front.opened() as hub:
        hub.cancel(request, by=front.actor(by))
        _recorded(front, hub, request, f"Cancelled. `hub show {request}` tells what had been done by then.")


@command()
@instance_argument
def pause(front: Front, *, instance: str) -> None:
    """Stop using an instance for now.

    Its tracks wait; the other services go on.
    """
    _hold(front, instance, hold=True)


@command()
@instance_argument
def resume(front: Front, *, instance: str) -> None:
    """Use an instance again.

    Whether it was paused, or suspended because its credentials or settings were refused.
    """
    _hold(front, instance, hold=False)


def _hold(front: Front, instance: str, *, hold: bool) -> None:
    with front.opened() as hub:
        hub.hold(instance, hold=hold)
        held = hub.held().get(instance)
    if front.json:
        emit({"schema": schema("instance"), "instance": instance, "held": held})
    else:
        click.echo(f"{instance} is {f'not used at present ({held})' if held else 'in use'}.")


def _recorded(front: Front, hub: Hub, request: str, text: str) -> None:
    """The request as it is now, or in one sentence that it was recorded."""
    if front.json:
        emit(hub.show(request))
    else:
        click.echo(text)
