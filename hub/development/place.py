"""Where an operation is tried: at the stand-in that the connector brings, or at an instance of hub.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretBytes, SecretStr, ValidationError

from hub import trace
from hub.app import Hub
from hub.development.mishaps import package_of, places
from hub.development.moving import MovableTime
from hub.errors import ConnectorBug, HubError, UsageError
from hub.home import Home
from hub.plugins import load
from hub.processor import InstanceConfig, Processor
from hub.settings import enabled_plugins
from hub.testing.harness import workbench
from hub.testing.sandbox import Sandbox
from hub.testing.serving import Server
from hub.testing.town import TOWN

REGION = "GB"  # where the town's telephone numbers are
READ = 3.0
"""Seconds a stand-in may be silent: nobody wants to wait half a minute for a fault that was asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A connector at work.

    Args:
        instance: what messages call it.
        processor: ready to be called within a flight.
        watch: who else watches its flights.
        clock: its time; moved on at a stand-in of this command's own alone.
        region: country of telephone numbers written without one.
        stand_in: what answers, where it was started for this command alone.
        via: whether an instance's settings say that something answers in the service's stead.
        secrets: the values of its secret settings, which nothing may show.
    """

    instance: str
    processor: Processor[Any]
    watch: trace.Watch
    clock: MovableTime
    region: str | None
    stand_in: Sandbox | None = None
    via: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def connector(self) -> type[Processor[Any]]:
        """The processor's class."""
        return type(self.processor)


@contextmanager
def at_sandbox(connector: str, home: Home, environ: Mapping[str, str]) -> Iterator[Place]:
    """Serve the connector's stand-in, peopled from the town, meanwhile; no data folder is needed.

    Raises `UsageError` for a connector that is not there or brings no stand-in, `ConnectorBug` where the two do not
    fit, or the stand-in broke.
    """
    processor, sandbox = _found(connector, home, environ)
    clock = MovableTime()
    with ExitStack() as stack:
        try:
            stand_in = sandbox(TOWN, clock=clock)
            running = stack.enter_context(_served(stand_in))
            settings = stand_in.settings()
            bench = stack.enter_context(
                workbench(
                    processor,
                    settings,
                    running.url,
                    clock=clock,
                    region=REGION,
                    limits={"read": READ},
                    instance=connector,
                )
            )
        except HubError:
            raise
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, fault["loc"])) or "all" for fault in error.errors()}))
            raise ConnectorBug(
                f"The stand-in's settings do not fit the connector's own: {fields}",
                instance=connector,
                hint="Sandbox.settings() returns what an instance's table in hub.toml would hold.",
            ) from None
        except Exception as error:  # noqa: BLE001  # foreign code: its stand-in, its limits, its constructor
            at = "; ".join(places(error, package_of(processor))) or "outside its own code"
            raise ConnectorBug(
                f"The connector or its stand-in could not be made: {type(error).__name__} at {at}", instance=connector
            ) from None
        secrets = secrets_of(bench.processor.config)
        yield Place(connector, bench.processor, trace.watch(), clock, REGION, stand_in, secrets=secrets)


def at_instance(hub: Hub, connector: str, name: str) -> Place:
    """The instance of an opened hub. Raises `UsageError` where there is none, or another connector serves it.

    So it does where it is paused or suspended: whoever said so meant that nothing is sent there.
    """
    instance = hub.settings.instances.get(name)
    if instance is None or instance.connector != connector:
        mine = ", ".join(i.name for i in hub.settings.instances.values() if i.connector == connector) or "none"
        raise UsageError(
            "There is no such instance of this connector",
            hint=f"Its instances in hub.toml: {mine}. Its stand-in needs none: --sandbox.",
        )
    held = hub.held().get(name)
    if held is not None:
        raise UsageError(
            f"{name} is not used at present ({held}), so nothing is sent there",
            hint=f"To use it again: hub resume {name}. `hub check {name}` asks whether its credentials are right.",
        )
    processor = hub.fleet.get(name).processor
    secrets = secrets_of(instance.config)
    region = hub.settings.default_region
    return Place(name, processor, hub.watch, MovableTime(), region, via=instance.via is not None, secrets=secrets)


def secrets_of(config: InstanceConfig) -> tuple[str, ...]:
    """The secret values among a connector's settings."""
    values = (getattr(config, name) for name in type(config).model_fields)
    found = (value.get_secret_value() for value in values if isinstance(value, SecretStr | SecretBytes))
    return tuple(value.decode(errors="replace") if isinstance(value, bytes) else value for value in found)


def _found(connector: str, home: Home, environ: Mapping[str, str]) -> tuple[type[Processor[Any]], type[Sandbox]]:
    """The connector and its stand-in. Naming a plugin here is enough for it to be loaded: it meets nobody's data."""
    plugins = load([connector])
    if problem := next((p for p in plugins.problems if p.error != "NotInstalled"), None):
        raise UsageError(f"The connector does not work: {problem.message}", hint=problem.hint)
    if connector not in plugins.processors:
        enabled = enabled_plugins(home.folder, environ) if home.settings.exists() else None
        plugins = load(enabled)
    if connector not in plugins.processors:
        known = ", ".join(sorted({*plugins.processors, *plugins.dormant}))
        raise UsageError("There is no connector of that name", hint=f"Installed: {known}.")
    sandboxes: Mapping[str, Callable[..., Any]] = plugins.sandboxes()
    if connector not in sandboxes:
        raise UsageError(
            "The connector brings no stand-in", hint="Its hub_sandboxes hook returns {name: class}; see docs/hooks.md."
        )
    stand_in: Any = sandboxes[connector]
    return plugins.processors[connector], stand_in


@contextmanager
def _served(stand_in: Sandbox) -> Iterator[Server]:
    """Serve it; that one of its handlers broke is said as everything else is."""
    try:
        with stand_in.serve() as running:
            yield running
    except AssertionError as bug:
        if not str(bug).startswith(f"The {stand_in.name} sandbox has a bug"):
            raise
        raise ConnectorBug(str(bug), hint="Mend the stand-in; what the connector made of it proves nothing.") from None
