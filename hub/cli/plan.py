"""`hub plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hub.cli.answers import GOOD, KEPT, PLAIN, WAITS, Line
from hub.cli.asked import right_option
from hub.cli.frame import Front, command
from hub.cli.output import emit, schema
from hub.cli.summary import service

if TYPE_CHECKING:
    from hub.coordinator.plan import Plan, Planned


@command()
@right_option
@click.option(
    "--by-kind",
    "labels",
    multiple=True,
    metavar="KIND",
    default=("email",),
    show_default=True,
    help="A kind of identifier the request brings, repeatable: email, phone, name, address, or a namespace.",
)
def plan(front: Front, *, rights: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Show what each system would be asked for; nothing is sent.

    A plan needs to know what kinds of identifier there are, and not the identifiers: no personal data is asked for.
    """
    with front.opened() as hub:
        from hub.rights import Right, contradiction  # noqa: PLC0415  # heavy

        chosen = tuple(map(Right, dict.fromkeys(rights)))
        if fault := contradiction(chosen):
            raise click.UsageError(fault)
        made = hub.plan(chosen, labels)
    if front.json:
        emit({"schema": schema("plan"), **_view(made)})
        return
    known = ", ".join(made.labels)
    click.echo(f"Plan for {' and '.join(made.rights).replace('_', ' ')}, known by: {known}. Nothing was sent.")
    for planned in made.systems:
        service(planned.system.label, planned.system.name, _lines(planned))


def _view(made: Plan) -> dict[str, Any]:
    return {
        "rights": [right.value for right in made.rights],
        "identifiers": list(made.labels),
        "systems": [
            {
                "name": p.system.name,
                "label": p.system.label,
                "mode": p.system.mode.value,
                "reason": p.system.reason,
                "searchable": p.searchable,
                "searched": {label: how.value for label, how in p.searched.items()},
                "operations": {operation.value: reason for operation, reason in p.operations.items()},
            }
            for p in made.systems
        ],
    }


def _lines(planned: Planned) -> list[Line]:
    system = planned.system
    if system.mode == "excluded":
        return [Line(PLAIN, f"excluded: {system.reason.replace('_', ' ')}")]
    if system.mode == "manual":
        return [Line(WAITS, f"a task for a person. {system.instructions}".strip())]
    searched = ", ".join(f"{label} ({how})" for label, how in planned.searched.items() if how != "none")
    first = Line(GOOD, f"searched by {searched}") if searched else Line(KEPT, "not searchable by what it brings")
    return [first, *(_operation(name, reason) for name, reason in planned.operations.items())]


def _operation(name: str, reason: str | None) -> Line:
    return Line(KEPT, f"{name}: not possible here. {reason}") if reason else Line(GOOD, name)
