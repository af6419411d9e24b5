"""The five hooks: everything a plugin can do, on one page. docs/hooks.md tells the same to authors, with examples.

A plugin decorates module-level functions of these names with `hub.hookimpl`. Whatever changes what the hub does is
handed over as functions which the hub folds, so that order and failure are the hub's to decide (docs/decisions/0005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from hub.holding import Record
    from hub.processor import Processor
    from hub.subject import Identifier, Subject

hookspec = pluggy.HookspecMarker("hub")
hookimpl = pluggy.HookimplMarker("hub")


class Hooks(Protocol):
    """Everything a plugin can do. Each hook says its order, its return and what happens when it fails."""

    @hookspec
    def hub_processors(self) -> Sequence[type[Processor[Any]]]:
        """Bring processors, the classes that hub.toml calls by `connector = "NAME"`.

        Called once, at loading; gathered from all plugins. On an exception, an unsupported `api` or a name another
        plugin has taken, this plugin is left out and reported; the others work.
        """

    @hookspec
    def hub_enrichers(self) -> Sequence[Callable[[Subject], Iterable[Identifier]]]:
        """Bring functions that know further identifiers of the same person.

        Called once, at loading; the functions are folded, each seeing what those before it added. Fails closed: when
        one raises, or brings something else than identifiers, the search stops with `PluginFailed`.
        """

    @hookspec
    def hub_redactors(self) -> Sequence[Callable[[Record], Record | None]]:
        """Bring functions that take out of an exported record what the person must not see; None drops the record.

        Called once, at loading; the functions are folded over every record. Fails closed: when one raises, or answers
        something else, the export stops with `PluginFailed`; so it does while an enabled third-party plugin is broken,
        since it may be the one that redacts.
        """

    @hookspec
    def hub_on_event(self, event: Mapping[str, Any]) -> None:
        """Hear of an evidence event after it was committed; the event holds no personal data.

        Each observer is called alone, in order, with a copy of its own. Fails open: an exception is logged by its
        class, and nothing else happens. What it returns is ignored.
        """

    @hookspec
    def hub_sandboxes(self) -> Mapping[str, type]:
        """Bring local stand-ins of the services: name of the processor → class, for `hub sandbox` and `hub demo`.

        Called when one of these commands runs; gathered, the first plugin to use a name keeps it. On an exception this
        plugin's stand-ins are left out, and the failure is logged by its class.
        """
