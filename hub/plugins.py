"""The loader: finds plugins, keeps a broken one from harming the others, and carries out their hooks (hub/hooks.py).

A plugin is an importable module named by an entry point of the group `hub.connectors`; hub/vetting.py takes each in by
itself. Where order matters it is fixed: the bundled plugins first, then the others, each alphabetically by name.

Loading must be cheap, since almost every command does it: a plugin's module imports light things only, its hooks
import the rest when they are called, and a processor imports its vendor's SDK when it is made.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.metadata import EntryPoint
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from hub.errors import PluginFailed
from hub.holding import Record
from hub.subject import Identifier, Subject
from hub.vetting import Loaded, Unfit, take_in

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

GROUP = "hub.connectors"
_OURS = "subject-request-hub"

T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why an enabled plugin was left out.

    Args:
        plugin: its name, as `plugins` in hub.toml lists it.
        distribution: the installed package that brings it; empty when none does.
        error: class of the exception, or of the fault; never an exception's text, which may quote a secret.
        message: what is wrong, for people.
        hint: what to do next.
    """

    plugin: str
    distribution: str
    error: str
    message: str
    hint: str


class Plugins:
    """The plugins of one running hub; made by `load` and passed to whoever needs it.

    Attributes:
        processors: name → class, of every enabled plugin that works.
        versions: name of a processor → version of the distribution that brings it.
        problems: the enabled plugins that were left out.
        dormant: names of the plugins that are installed and not enabled; none of their code has run.
    """

    def __init__(
        self, loaded: Sequence[Loaded], problems: Sequence[PluginProblem] = (), dormant: Sequence[str] = ()
    ) -> None:
        self._loaded = tuple(loaded)
        self._observers = [plugin for plugin in loaded if plugin.hook.hub_on_event.get_hookimpls()]
        self.problems = tuple(problems)
        self.dormant = tuple(dormant)
        owners = [(cls, plugin.version) for plugin in loaded for cls in plugin.processors]
        self.processors = MappingProxyType({cls.name: cls for cls, _ in owners})
        self.versions = MappingProxyType({cls.name: version for cls, version in owners})

    def enrich(self, subject: Subject) -> Subject:
        """The subject with what the enrichers know besides. Raises `PluginFailed`."""
        self._require_third_parties()
        for plugin in self._loaded:
            for enricher in plugin.enrichers:
                subject = subject.widened(_ask(plugin.name, enricher, subject, _read_identifiers))
        return subject

    def redact(self, record: Record) -> Record | None:
        """The record as the person may see it; None when they may not see it at all. Raises `PluginFailed`."""
        self._require_third_parties()
        for plugin in self._loaded:
            for redactor in plugin.redactors:
                answer = _ask(plugin.name, redactor, record, _read_record)
                if answer is None:
                    return None
                record = answer
        return record

    def observe(self, event: Mapping[str, Any]) -> None:
        """Tell every observer. Never raises."""
        for plugin in self._observers:
            try:
                plugin.hook.hub_on_event(event=copy.deepcopy(dict(event)))
            except (Exception, SystemExit) as error:  # noqa: BLE001  # fails open
                _log().warning("an observer failed", plugin=plugin.name, hook="hub_on_event", error=error)

    def sandboxes(self) -> dict[str, type]:
        """Name of a processor → the class of its local stand-in."""
        found: dict[str, type] = {}
        for plugin in self._loaded:
            try:
                brought = {name: cls for answer in plugin.hook.hub_sandboxes() for name, cls in answer.items()}
            except (Exception, SystemExit) as error:  # noqa: BLE001  # one broken stand-in leaves the others usable
                _log().warning("stand-ins left out", plugin=plugin.name, hook="hub_sandboxes", error=error)
            else:
                found = brought | found
        return found

    def _require_third_parties(self) -> None:
        """Bundled plugins bring neither enrichers nor redactors; of a broken third-party one nobody can say so."""
        for problem in self.problems:
            if problem.distribution != _OURS:
                raise PluginFailed(
                    f"The plugin {problem.plugin} is enabled and does not work, so what it would change is unknown",
                    hint=f"{problem.message}. Mend it, or take {problem.plugin} out of `plugins` in hub.toml.",
                )


def load(enabled: Collection[str] | None = None, entry_points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load the enabled plugins, each by itself.

    Args:
        enabled: the names that may see personal data (`plugins` in hub.toml); None enables the bundled ones alone.
        entry_points: the entry points to choose from; None takes what is installed.

    Never raises for a plugin's fault: what could not be loaded stands in `Plugins.problems`.
    """
    installed: dict[str, list[EntryPoint]] = {}
    for point in sorted(metadata.entry_points(group=GROUP) if entry_points is None else entry_points, key=_order):
        installed.setdefault(point.name, []).append(point)
    wanted = {name for name in installed if _bundled(installed[name][0])} if enabled is None else set(enabled)
    loaded: list[Loaded] = []
    problems: list[PluginProblem] = []
    for name in [*(name for name in installed if name in wanted), *sorted(wanted - installed.keys())]:
        try:
            point = _sole(name, installed)
            loaded.append(take_in(point, {cls.name: plugin.name for plugin in loaded for cls in plugin.processors}))
        except Unfit as fault:
            points = installed.get(name, ())
            owner = _distribution(points[0]) if len(points) == 1 else ""
            problems.append(PluginProblem(name, owner, fault.error, fault.message, fault.hint))
    return Plugins(loaded, problems, sorted(installed.keys() - wanted))


def _log() -> FilteringBoundLogger:
    import structlog  # noqa: PLC0415  # slow to load, and needed only when a plugin fails

    logger: FilteringBoundLogger = structlog.get_logger("hub")
    return logger


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    return not _bundled(point), point.name, _distribution(point)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else ""


def _bundled(point: EntryPoint) -> bool:
    return _distribution(point) == _OURS


def _sole(name: str, installed: Mapping[str, Sequence[EntryPoint]]) -> EntryPoint:
    """The entry point of that name. A name two packages claim enables neither: the allow-list means one of them."""
    match installed.get(name, ()):
        case []:
            near = difflib.get_close_matches(name, installed, n=1)
            guess = f"Did you mean {near[0]}?" if near else "Install it beside the hub"
            raise Unfit("NotInstalled", "It is enabled and not installed", f"{guess}, or take it out of `plugins`.")
        case [point]:
            return point
        case several:
            owners = ", ".join(map(_distribution, several))
            raise Unfit(
                "Ambiguous", f"Several packages bring a plugin of this name: {owners}", "Uninstall all but one."
            )


def _ask(plugin: str, function: Callable[[T], object], argument: T, read: Callable[[object], A]) -> A:
    """Call an enricher or redactor and read its answer; whatever goes wrong ends in `PluginFailed`.

    It is raised outside the handler: the plugin's exception may quote the person, and must not travel as its context.
    """
    try:
        return read(function(argument))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # fails closed
        fault = type(error).__name__
    raise PluginFailed(
        f"The plugin {plugin} raised {fault}; nothing goes on without its answer",
        hint=f"Mend the plugin, or take {plugin} out of `plugins` in hub.toml.",
    )


def _read_identifiers(answer: Any) -> tuple[Identifier, ...]:
    found = tuple(answer)
    if not all(isinstance(identifier, Identifier) for identifier in found):
        raise TypeError("an enricher brings identifiers and nothing else")
    return found


def _read_record(answer: object) -> Record | None:
    if answer is None or isinstance(answer, Record):
        return answer
    raise TypeError("a redactor answers a record or None")
