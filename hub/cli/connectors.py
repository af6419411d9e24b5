"""`hub connectors` and `hub check`: what there is to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hub.cli.frame import Front, command
from hub.cli.output import DONE, FAILED, emit, schema, table

if TYPE_CHECKING:
    from hub.app import Checked, Hub

_OPERATIONS = ("export", "rectify", "suppress", "erase")


@command()
def connectors(front: Front) -> None:
    """List connectors, configured instances and the register.

    Nothing is sent. Plugins that are broken, or installed and not enabled, are listed too.
    """
    with front.opened() as hub:
        view = _view(hub)
    if front.json:
        emit(view)
        return
    for connector in view["connectors"]:
        click.echo(f"{click.style(connector['title'], bold=True)}  {connector['name']} {connector['version']}")
        for operation, reason in connector["operations"].items():
            click.echo(f"  {operation}: {reason or 'yes'}")
        click.echo(f"  searched by: {', '.join(f'{k} ({how})' for k, how in connector['searches'].items())}")
    click.echo()
    table(
        ("SYSTEM", "SERVED BY", "STATE", "CALLED"),
        [(s["name"], s["connector"] or "a person", s["state"], s["label"]) for s in view["systems"]],
    )
    for problem in view["problems"]:
        click.echo(f"\nBroken: {problem['plugin']}: {problem['message']}\n  → {problem['hint']}")
    if view["dormant"]:
        click.echo(f"\nInstalled and not enabled: {', '.join(view['dormant'])}; `plugins` in hub.toml enables them.")


def _view(hub: Hub) -> dict[str, Any]:
    from hub.assembly import systems  # noqa: PLC0415  # heavy

    held = hub.held()
    return {
        "schema": schema("connectors"),
        "connectors": [_connector(hub, name) for name in sorted(hub.plugins.processors)],
        "systems": [
            {
                "name": system.name,
                "label": system.label,
                "connector": system.processor.name if system.processor else "",
                "mode": system.mode.value,
                "reason": system.reason,
                "state": _state(hub, system.name, system.mode.value, held.get(system.name)),
            }
            for system in systems(hub.settings, hub.plugins)
        ],
        "problems": [
            {"plugin": p.plugin, "distribution": p.distribution, "error": p.error, "message": p.message, "hint": p.hint}
            for p in hub.plugins.problems
        ],
        "dormant": list(hub.plugins.dormant),
    }


def _connector(hub: Hub, name: str) -> dict[str, Any]:
    from hub.processor import Operation  # noqa: PLC0415  # heavy

    processor = hub.plugins.processors[name]
    cannot = {operation: processor.cannot(Operation(operation)) for operation in _OPERATIONS}
    return {
        "name": name,
        "title": processor.title,
        "version": hub.plugins.versions[name],
        "operations": {operation: answer.reason if answer else None for operation, answer in cannot.items()},
        "searches": {label: how.value for label, how in processor.searches.items()},
        "kinds": dict(processor.kinds),
    }


def _state(hub: Hub, name: str, mode: str, held: str | None) -> str:
    """`in use`, `paused`, why it is not used, or that what is called is a stand-in."""
    if mode != "automatic":
        return mode
    if held is not None:
        return "paused" if held == "paused" else f"suspended ({held})"
    via = hub.settings.instances[name].via
    return f"in use, via {via}" if via else "in use"


@command()
@click.argument("instances", nargs=-1, metavar="[INSTANCE]…")
def check(front: Front, *, instances: tuple[str, ...]) -> int:
    """Ask the services who we are there and what we may do.

    All instances when none is named. Ends with 1 when one of them does not answer, or lacks a permission.
    """
    with front.opened() as hub:
        found = hub.check(instances)
        held = hub.held()
    if front.json:
        emit({"schema": schema("check"), "instances": [_checked(c, held.get(c.instance)) for c in found]})
    else:
        for checked in found:
            _say(checked, held.get(checked.instance))
        if not found:
            click.echo("No instance is configured: add [instances.NAME] to hub.toml.")
    return FAILED if any(c.account is None or c.account.missing for c in found) else DONE


def _checked(checked: Checked, held: str | None) -> dict[str, Any]:
    account, error = checked.account, checked.error
    return {
        "instance": checked.instance,
        "account": {
            "id": account.id,
            "label": account.label,
            "region": account.region,
            "permissions": list(account.permissions),
            "missing": list(account.missing),
            "sandbox": account.sandbox,
        }
        if account
        else None,
        "error": {"message": error.message, "hint": error.hint} if error else None,
        "held": held,
    }


def _say(checked: Checked, held: str | None) -> None:
    name, account = checked.instance, checked.account
    if account is None:
        said = checked.error.diagnostics() if checked.error else ""
        click.echo(f"{click.style('✗', fg='red')} {said if said.startswith(name) else f'{name}: {said}'}")
        return
    where = f", {account.region}" if account.region else ""
    test = ", a test account" if account.sandbox else ""
    mark = click.style("!", fg="yellow") if account.missing else click.style("✓", fg="green")
    click.echo(f"{mark} {name}: {account.label} ({account.id}{where}{test}); may: {', '.join(account.permissions)}")
    for missing in account.missing:
        click.echo(f"  lacks {missing}")
    if held:
        click.echo(f"  It answers, and it is not used at present ({held}). Use it again: hub resume {name}")
