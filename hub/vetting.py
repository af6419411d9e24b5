"""Takes one plugin in: imports it, checks its hooks and its processors, and gathers what it brings.

Every plugin gets a pluggy manager of its own, so a failing import, a misspelt hook or an exception is that plugin's
alone.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from hub import trace
from hub.holding import Record
from hub.hooks import Hooks
from hub.subject import Identifier, Subject

if TYPE_CHECKING:
    from hub.processor import Processor

SUPPORTED_API = frozenset({1})  # versions of `Processor.api`; the previous one stays here for a year


@dataclass(frozen=True, slots=True)
class Loaded:
    """An enabled plugin that works."""

    name: str
    version: str
    hook: Any  # pluggy's relay: one attribute for each method of Hooks
    processors: tuple[type[Processor[Any]], ...]
    enrichers: tuple[Callable[[Subject], Iterable[Identifier]], ...]
    redactors: tuple[Callable[[Record], Record | None], ...]


class Unfit(Exception):
    """Ends the loading of one plugin: class of the fault, what is wrong, what to do next."""

    def __init__(self, error: str, message: str, hint: str) -> None:
        self.error, self.message, self.hint = error, message, hint
        super().__init__(message)


def take_in(point: EntryPoint, taken: Mapping[str, str]) -> Loaded:
    """Import the plugin, check its hooks and gather what it brings. Raises `Unfit`, whatever the plugin does."""
    try:
        manager = _registered(point.load())
        trace.hooks(point.name, manager)
        processors, enrichers, redactors = (
            tuple(chain.from_iterable(hook()))
            for hook in (manager.hook.hub_processors, manager.hook.hub_enrichers, manager.hook.hub_redactors)
        )
        owners = dict(taken)
        for cls in processors:
            _check_processor(cls, owners)
            owners[cls.name] = point.name
    except Unfit:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything, or exit
        package = point.dist.name if point.dist else point.value
        missing = f": there is no module {error.name}" if isinstance(error, ModuleNotFoundError) else ""
        raise Unfit(
            type(error).__name__,
            f"It raised {type(error).__name__} while loading{missing}",
            f"Reinstall or mend {package}, or take {point.name} out of `plugins`.",
        ) from None
    version = point.dist.version if point.dist else ""
    enrichers = trace.functions(f"{point.name} hub_enrichers", enrichers)
    redactors = trace.functions(f"{point.name} hub_redactors", redactors)
    return Loaded(point.name, version, manager.hook, processors, enrichers, redactors)


def _registered(module: ModuleType) -> pluggy.PluginManager:
    """A manager with this plugin alone. A hook that is misspelt, undecorated or takes other arguments is an error."""
    manager = pluggy.PluginManager("hub")
    manager.add_hookspecs(Hooks)
    known = [name for name in vars(Hooks) if name.startswith("hub_")]
    for name in known:
        if inspect.isfunction(vars(module).get(name)) and not hasattr(vars(module)[name], "hub_impl"):
            raise Unfit("HookError", f"{name} lacks its decorator", f"Write @hub.hookimpl above {name}.")
    try:
        manager.register(module)
        manager.check_pending()
    except pluggy.PluginValidationError:
        unknown = sorted(vars(manager.hook).keys() - known)
        if not unknown:
            hint = "docs/hooks.md has each hook's signature."
            raise Unfit("HookError", "A hook takes an argument it is never called with", hint) from None
        (near,) = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0)
        raise Unfit("HookError", f"There is no hook {unknown[0]}", f"Did you mean {near}?") from None
    if not manager.get_hookcallers(module):
        raise Unfit("HookError", "It has no hook", f"Define one of {', '.join(known)} with @hub.hookimpl.")
    return manager


def _check_processor(cls: Any, taken: Mapping[str, str]) -> None:
    from hub.processor import Processor  # noqa: PLC0415  # brings pydantic, which `hub --help` does not need

    hint = "The plugin's author can mend it; docs/hooks.md says what a processor needs."
    if not (inspect.isclass(cls) and issubclass(cls, Processor)) or inspect.isabstract(cls):
        raise Unfit("ProcessorError", "hub_processors brings something that is no complete Processor class", hint)
    if cls.api not in SUPPORTED_API:
        versions = ", ".join(map(str, sorted(SUPPORTED_API)))
        raise Unfit(
            "ApiError",
            f"{cls.__name__} speaks version {cls.api} of the interface, this hub {versions}",
            "Install the release of the plugin, or of the hub, that fits the other.",
        )
    absent = [name for name in ("name", "title", "searches", "kinds", "config_model") if not hasattr(cls, name)]
    if absent:
        raise Unfit("ProcessorError", f"{cls.__name__} does not declare {', '.join(absent)}", hint)
    if cls.name in taken:
        raise Unfit(
            "Ambiguous",
            f"The plugin {taken[cls.name]} already brings a processor named {cls.name}",
            "Take one of the two plugins out of `plugins`.",
        )
