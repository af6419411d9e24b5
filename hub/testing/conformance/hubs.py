"""A whole hub with one account of the connector: a request is carried out in it from submission to answer."""

from __future__ import annotations

import importlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import structlog

from hub import logs
from hub.rights import Right
from hub.testing import laws
from hub.testing.canary import Canary
from hub.testing.conformance.kit import Kit
from hub.testing.conformance.recording import Seen, Watch
from hub.testing.conformance.service import Service
from hub.testing.conformance.states import State, state_of
from hub.testing.disguises import LONGEST, SHORTEST
from hub.testing.faults import Fault, What
from hub.testing.serving import Server
from hub.testing.trial import Trial

ACCOUNT = "account"  # what hub.toml calls the instance
_CLERK = "A. Clerk"
_APPROVED = """
[[policy.approve]]
right = "erasure"
verified_by = "portal_login"
[[policy.approve]]
right = "rectification"
verified_by = "portal_login"
"""


class Died(BaseException):
    """The process dies here, as far as the journal can tell."""


@dataclass(frozen=True)
class Ended:
    """What a request came to.

    Args:
        view: the request, as `hub show` has it.
        events: its evidence.
        calls: every call that was made for it.
        state: what the service keeps afterwards.
        folder: the data folder.
        said: all that the hub showed and logged.
    """

    view: Mapping[str, Any]
    events: list[dict[str, Any]] = field(repr=False)
    calls: list[Seen] = field(repr=False)
    state: State = field(repr=False)
    folder: Path
    said: str = field(repr=False)

    @property
    def outcomes(self) -> list[tuple[str, str, Any]]:
        """Of each holding's steps: kind, operation, outcome."""
        held = [holding for track in self.view["tracks"] for holding in track["holdings"]]
        return [(h["kind"], step["operation"], step.get("outcome")) for h in held for step in h["steps"]]

    @property
    def unfinished(self) -> list[str]:
        """What came to no end, or to a failure: operation, kind, reason."""
        held = [holding for track in self.view["tracks"] for holding in track["holdings"]]
        steps = [(h["kind"], step) for h in held for step in h["steps"] if step.get("outcome") in {None, "failed"}]
        return [f"{step['operation']} ({kind}): {step['reason'] or step['state']}" for kind, step in steps] + [
            f"the account: {track['reason']}" for track in self.view["tracks"] if track["phase"] == "failed"
        ]

    def findings(self, service: Service) -> list[str]:
        """Where something of the person lies that somebody may read: file and form, never the value."""
        main = service.town.main
        values = {identifier.value for identifier in service.subject.identifiers if "\n" not in identifier.value}
        values |= {main.family, *main.emails, *main.phones}
        canary = Canary(value for value in values if SHORTEST <= len(value) <= LONGEST)
        found = [*canary.search(self.folder), *canary.search_bytes(self.said.encode(), "what is shown and logged")]
        return [f"{finding.path}: {finding.form}" for finding in found]


def carried_out(
    service: Service, right: Right, blank: Path, folder: Path, *, struck: int | None = None, by: What | None = None
) -> Ended:
    """Carry a request for that right out in a hub of its own, until all is done that is done without a person.

    Args:
        service: the connector and its stand-in.
        right: what the person asks for.
        blank: a data folder to copy.
        folder: where the hub is made; it must not exist.
        struck: the number of the call, from 1, whose answer never comes.
        by: what happens to it; None: it is carried out, and the hub's process dies.
    """
    shutil.copytree(blank, folder)
    with ExitStack() as stack:
        kit = stack.enter_context(Kit.running(service))
        watch = Watch(kit)
        front = stack.enter_context(Server(watch))
        said = stack.enter_context(_log())
        trial = stack.enter_context(_opened(kit, front.url, folder))
        if by is not None:
            kit.sandbox.faults.add(Fault("*", by, struck))
        request = trial.submit(right, *service.subject.identifiers, **_asked(service, right))
        with _dying_at(struck if by is None else None):
            _run(trial)
        _answer_what_is_asked(trial, request)
        if right is Right.ACCESS:
            trial.hub.export(request, folder.with_suffix(".zip"), passphrase=None, by=_CLERK)
        view, events = trial.show(request), trial.events(request)
        laws.check_chain(trial.hub.evidence(request))
        laws.check_untouched(events)
        laws.check_agrees(view, events)
        laws.check_never_silent(view, trial.now)
        shown = json.dumps([view, events, trial.tasks()]) + said.getvalue()
        return Ended(view, events, watch.seen, state_of(kit), folder, shown)


def _run(trial: Trial) -> None:
    try:
        trial.run()
    except Died:
        trial.restart()
        trial.run()


def _answer_what_is_asked(trial: Trial, request: str) -> None:
    """What may be somebody else's is theirs; what the service leaves to people cannot be done; and so to the end."""
    tracks = trial.show(request)["tracks"]
    doubtful = [held["holding"] for track in tracks for held in track["holdings"] if held["needs_decision"]]
    if doubtful:
        trial.hub.decide(request, dict.fromkeys(doubtful, False), by=_CLERK)
        trial.run()
    while tasks := trial.tasks("manual"):
        for task in tasks:
            trial.hub.settle(task["task"], by=_CLERK, result="not_possible")
        trial.run()


def _asked(service: Service, right: Right) -> dict[str, Any]:
    match right:
        case Right.RECTIFICATION:
            return {"changes": service.changes}
        case Right.OBJECTION:
            return {"scope": service.scope}
        case _:
            return {}


@contextmanager
def _opened(kit: Kit, url: str, folder: Path) -> Iterator[Trial]:
    settings, secrets = kit.settings, {}
    for name, info in kit.processor.config_model.model_fields.items():
        if name in settings and "Secret" in str(info.annotation):
            secrets[name] = settings.pop(name)
    keys = {"connector": kit.processor.name, "via": url, "allow_private": True, "secret_file": "secrets.toml"}
    secret_file = folder / "secrets.toml"
    secret_file.touch(mode=0o600)
    secret_file.write_text(_toml(secrets), encoding="utf-8")
    text = f'default_region = "GB"\n{_APPROVED}\n[instances.{ACCOUNT}]\n{_toml({**keys, **settings})}'
    plugins = {kit.processor.name: plugin_of(kit.processor).__name__}
    with Trial.open(folder, text, plugins=plugins, clock=kit.clock) as trial:
        yield trial


def plugin_of(processor: type[Any]) -> ModuleType:
    """The module whose `hub_processors` brings the processor: its own, or a package it lies in."""
    name = processor.__module__
    while name:
        module = importlib.import_module(name)
        if processor in getattr(module, "hub_processors", list)():
            return module
        name = name.rpartition(".")[0]
    pytest.fail(
        f"No package that {processor.__name__} lies in brings it: write `hub_processors` in its __init__.py, and let "
        "it return the class.",
        pytrace=False,
    )


def _toml(table: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in table.items() if value is not None)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value) if isinstance(value, str | bool | int | float) else json.dumps(str(value))


@contextmanager
def _dying_at(call: int | None) -> Iterator[None]:
    """The process dies when that call was carried out, before it reads the answer: found below the hub, at httpx."""
    sent = 0
    handle = httpx.HTTPTransport.handle_request

    def dying(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        nonlocal sent
        answer = handle(transport, request)
        sent += 1
        if sent == call:
            answer.close()
            raise Died
        return answer

    with pytest.MonkeyPatch.context() as patch:
        if call is not None:
            patch.setattr(httpx.HTTPTransport, "handle_request", dying)
        yield


@contextmanager
def _log() -> Iterator[io.StringIO]:
    """What the hub logs meanwhile."""
    before = structlog.get_config() if structlog.is_configured() else None
    said = io.StringIO()
    logs.write_to(said)
    try:
        yield said
    finally:
        structlog.reset_defaults()
        if before is not None:
            with suppress(KeyError):
                structlog.configure(**before)
