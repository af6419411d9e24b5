"""A whole hub on trial: settings, keys, journal and a stepped engine in a temporary folder, for tests end to end.

with Trial.open(tmp_path, INSTANCES, plugins={"acme": "acme_hub_plugin"}) as trial:
    request = trial.submit(Right.ERASURE, Identifier.email("jane@example.org"))
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Self

from hub.app import Hub
from hub.assembly import kek_source
from hub.coordinator.intake import Submission
from hub.home import Home
from hub.plugins import Plugins, load
from hub.rights import Right
from hub.store.db import Database
from hub.store.kek import make_kek_file, open_kek
from hub.store.keys import Keys
from hub.subject import Identifier, Subject
from hub.testing.stepped import SteppedEngine
from hub.timepiece import ManualTime

__all__ = ["KEK", "Right", "Trial", "make_home", "plugins_of"]

KEK = "file:keys/kek"


def make_home(folder: Path) -> Home:
    """A data folder with keys and an empty journal, without settings. Copying one is faster than making one."""
    home = Home(folder)
    home.folder.mkdir(mode=0o700, parents=True)
    make_kek_file(home.keys / "kek")
    Keys.open(home.keys, open_kek(kek_source(home, KEK)), create=True)
    Database.open(home.database, create=True).close()
    return home


def plugins_of(modules: Mapping[str, str]) -> Plugins:
    """The plugins of these modules (name → module). Raises `ValueError` when one of them is broken."""
    plugins = load(tuple(modules), [EntryPoint(name, module, "hub.connectors") for name, module in modules.items()])
    if plugins.problems:
        raise ValueError("; ".join(problem.message for problem in plugins.problems))
    return plugins


class Trial:
    """A hub, its clock and its engine. Made by `Trial.open`; use it as a context manager.

    Attributes:
        hub: opened on the trial's clock.
        clock: stands still until the engine, or the test, moves it on.
        engine: carries requests out when the test says so.
    """

    def __init__(self, home: Home, plugins: Plugins, clock: ManualTime) -> None:
        self.home = home
        self.clock = clock
        self._plugins = plugins
        self.hub = Hub.open(home, {}, clock=clock, plugins=plugins)
        self.engine = SteppedEngine(self.hub, clock)

    @classmethod
    def open(cls, folder: Path, settings: str, *, plugins: Mapping[str, str], clock: ManualTime | None = None) -> Self:
        """Put a hub into a folder.

        Args:
            folder: a new one, or one that `make_home` made.
            settings: the tables of hub.toml, instances and policy; `kek` and `plugins` are added.
            plugins: name → module, of every plugin in use.
            clock: 2 March 2026, 9:00 UTC, unless given.
        """
        home = Home(folder)
        if not home.exists:
            make_home(folder)
        top = f"kek = {json.dumps(KEK)}\nplugins = {json.dumps(sorted(plugins))}\n"
        home.settings.write_text(top + settings, encoding="utf-8")
        return cls(home, plugins_of(plugins), clock or ManualTime())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()
        self.hub.close()

    def submit(self, *asked: Right | Identifier, by: str = "A. Clerk", **more: Any) -> str:
        """Take a request in, through the portal, verified by its log-in unless `more` says otherwise.

        `more` are fields of `Submission`. Returns the request's id.
        """
        rights = tuple(a for a in asked if isinstance(a, Right))
        subject = Subject(tuple(a for a in asked if isinstance(a, Identifier)))
        usual = {"channel": "portal", "received": self.clock.now(), "verified_by": "portal_login"}
        return self.hub.submit(Submission(rights=rights, subject=subject, **{**usual, **more}), by=by)

    def run(self, **ahead: float) -> None:
        """Carry out what is due: until nothing is by itself, or for so long (`days=3`)."""
        self.engine.run(until=self.clock.now() + timedelta(**ahead) if ahead else None)

    def restart(self) -> None:
        """Go on as after a crash: the worker of before is gone, a new one takes over what it held."""
        self.engine.close()
        self.engine = SteppedEngine(self.hub, self.clock)
        self.engine.worker.take_over()

    def reopen(self, settings: str | None = None) -> None:
        """Stop the hub and start it again, on other settings if given."""
        self.engine.close()
        self.hub.close()
        if settings is not None:
            top = self.home.settings.read_text(encoding="utf-8").splitlines(keepends=True)[:2]
            self.home.settings.write_text("".join(top) + settings, encoding="utf-8")
        self.hub = Hub.open(self.home, {}, clock=self.clock, plugins=self._plugins)
        self.engine = SteppedEngine(self.hub, self.clock)

    def show(self, request: str) -> dict[str, Any]:
        """The request, as `Hub.show` gives it."""
        return self.hub.show(request)

    def track(self, request: str, instance: str) -> dict[str, Any]:
        """One instance's track in it."""
        tracks: list[dict[str, Any]] = self.show(request)["tracks"]
        return next(track for track in tracks if track["instance"] == instance)

    def events(self, request: str, *types: str) -> list[dict[str, Any]]:
        """The request's events, in order; of these types if any are named."""
        read = [json.loads(disclosure) for disclosure in self.hub.evidence(request)]
        return [event for event in read if not types or event["type"] in types]

    def tasks(self, *kinds: str) -> list[dict[str, Any]]:
        """The open tasks, oldest first; of these kinds if any are named."""
        return [task for task in self.hub.tasks()["tasks"] if not kinds or task["kind"] in kinds]

    @property
    def now(self) -> datetime:
        """What the clock says."""
        return self.clock.now()
