"""`hub sandbox`."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from hub.cli.frame import Front, command
from hub.cli.output import emit, note, schema
from hub.cli.stopping import stoppable
from hub.errors import UsageError

if TYPE_CHECKING:
    from hub.testing.sandbox import Sandbox


@command()
@click.argument("names", nargs=-1, metavar="[CONNECTOR]…")
@click.option("--ports", type=click.IntRange(1, 65_000), metavar="FIRST", help="The first takes this port, and so on.")
def sandbox(front: Front, *, names: tuple[str, ...], ports: int | None) -> None:
    """Serve local stand-ins of the services until stopped.

    All of them, or those named, on this machine alone, each seeded with the same small town. What is printed can be
    put into hub.toml as it stands; the keys are the stand-ins' own and open nothing else.
    """
    from hub.plugins import load  # noqa: PLC0415  # heavy
    from hub.settings import enabled_plugins  # noqa: PLC0415  # heavy

    home = front.home
    plugins = load(enabled_plugins(home.folder, front.environ) if home.settings.exists() else None)
    known: Mapping[str, type[Sandbox]] = plugins.sandboxes()
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"There is no stand-in {unknown[0]}", hint=f"There are: {', '.join(sorted(known))}.")
    secrets = {name: _secret_fields(plugins.processors[name]) for name in known if name in plugins.processors}
    with ExitStack() as stack:
        running: list[dict[str, Any]] = []
        for position, name in enumerate(names or sorted(known)):
            port = 0 if ports is None else ports + position
            try:
                server = stack.enter_context(known[name]().serve(port))
            except OSError as error:
                raise UsageError(
                    f"Port {port} cannot be used: {error.strerror}", hint="Give another --ports."
                ) from None
            running.append({"name": name, "url": server.url, "settings": known[name].settings()})
        if front.json:
            emit({"schema": schema("sandboxes"), "sandboxes": running})
        else:
            for one in running:
                click.echo(_toml(one, secrets.get(one["name"], frozenset())))
            note("Serving; Ctrl-C stops.")
        try:
            with stoppable():
                threading.Event().wait()
        except KeyboardInterrupt:
            return


def _secret_fields(processor: Any) -> frozenset[str]:
    from hub.settings.shape import is_secret  # noqa: PLC0415  # heavy

    return frozenset(name for name, field in processor.config_model.model_fields.items() if is_secret(field))


def _toml(running: dict[str, Any], secrets: frozenset[str]) -> str:
    """The instance's table for hub.toml, and the variables for what must not stand there."""
    name = running["name"]
    lines = [f"[instances.{name}]", f'connector = "{name}"', f'via = "{running["url"]}"', "allow_private = true"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in running["settings"].items() if key not in secrets]
    lines += [
        f"# export HUB_INSTANCES__{name.upper()}__{key.upper()}='{value}'"
        for key, value in running["settings"].items()
        if key in secrets
    ]
    return "\n".join(lines) + "\n"
