"""Whole hubs on a clock that stands still, over services in memory; after each test the laws of every request hold."""

from __future__ import annotations

import io
import logging
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
import structlog

from hub import Processor, hookimpl, logs
from hub.testing import laws
from hub.testing.canary import Canary
from hub.testing.memory import forget_services
from hub.testing.trial import Trial, make_home

CANARIES = ("jane.canary@example.org", "j.canary.second@example.org", "third.canary@example.org", "Janecanary Quill")
AUTOMATIC = """
[[policy.approve]]
right = "erasure"
verified_by = "portal_login"
[[policy.approve]]
right = "rectification"
verified_by = "portal_login"
"""
PLUGINS = {"memory": "hub.testing.memory", "variants": "hub.testing.variants"}

Open = Callable[..., Trial]


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder to copy: making one takes as long as ten copies."""
    return make_home(tmp_path_factory.mktemp("empty") / "home").folder


@pytest.fixture
def open_trial(tmp_path: Path, empty_home: Path) -> Iterator[Open]:
    """Opens hubs; `open_trial("crm", "shop")` has two instances of services in memory named like them.

    Keywords: `approve` (True: policy approves), `policy` (further lines of `[policy]`), `tables` (further tables),
    `plugins` (name → module), and for an instance's further settings its name: `crm={"trusted": False}`.
    """
    forget_services()
    opened: list[Trial] = []
    said = io.StringIO()
    logs.write_to(said, logging.DEBUG)

    def make(*names: str, approve: bool = True, policy: str = "", tables: str = "", **more: Any) -> Trial:
        folder = tmp_path / f"hub{len(opened)}"
        shutil.copytree(empty_home, folder)
        plugins = PLUGINS | more.pop("plugins", {})
        clock = more.pop("clock", None)
        settings = settings_of(names, more, policy=policy, tables=tables, approve=approve)
        opened.append(Trial.open(folder, settings, plugins=plugins, clock=clock))
        return opened[-1]

    yield make
    for trial in opened:
        try:
            check_laws(trial)
        finally:
            trial.__exit__()
        assert Canary(CANARIES).search(trial.home.folder) == []
    structlog.reset_defaults()
    assert Canary(CANARIES).search_bytes(said.getvalue().encode()) == [], "a log line names the person"
    assert "withheld" not in said.getvalue()


def settings_of(
    names: tuple[str, ...], more: Mapping[str, Mapping[str, Any]], *, policy: str = "", tables: str = "", approve: bool
) -> str:
    """The tables of hub.toml."""
    parts = ["[policy]", policy, AUTOMATIC if approve else ""]
    for name in names:
        given = {"connector": "memory", "service": name} | more.get(name, {})
        lines = [f"{key} = {_toml(value)}" for key, value in given.items()]
        parts += [f"[instances.{name}]", *lines]
    return "\n".join([*parts, tables]) + "\n"


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def plugin(**hooks: Callable[..., Any]) -> str:
    """A plugin's module made on the spot, of these hooks; the name to load it by."""
    module = ModuleType(f"_plugin_of_a_test_{uuid4().hex}")
    vars(module).update({name: hookimpl(hook) for name, hook in hooks.items()})
    sys.modules[module.__name__] = module
    return module.__name__


def processors(*classes: type[Processor[Any]]) -> str:
    """A plugin that brings these connectors; the name to load it by."""

    def hub_processors() -> Sequence[type[Processor[Any]]]:
        return classes

    return plugin(hub_processors=hub_processors)


def check_laws(trial: Trial) -> None:
    """What holds of every request, at rest."""
    for head in trial.hub.requests()["requests"]:
        view, events = trial.show(head["id"]), trial.events(head["id"])
        laws.check_chain(trial.hub.evidence(head["id"]))
        laws.check_agrees(view, events)
        laws.check_untouched(events)
        laws.check_never_silent(view, trial.now)
        if view["state"] == "closed":
            laws.check_read_back(events)
            assert all(track["phase"] == "settled" for track in view["tracks"])
            assert view["tasks"] == []
