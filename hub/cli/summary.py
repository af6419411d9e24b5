"""The summary of a request that `hub show`, `hub run` and `hub watch` end with: every system, no personal data."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from hub.cli.answers import BAD, GOOD, KEPT, PLAIN, WAITS, Line, Words, by_hand, clock_time, of_track
from hub.errors import KeyUnavailable

if TYPE_CHECKING:
    from hub.app import Hub

VERDICTS = {
    "complete": "all done",
    "with_exceptions": "done, with exceptions",
    "waiting": "waiting",
    "failed": "something failed",
    "cancelled": "cancelled",
}
_DECISIONS = {  # kind of task → what it asks for, and the command that ends it
    "review": "Approve what was found: hub approve {}",
    "decide": "Decide whose the uncertain holdings are: hub decide {}",
    "release": "Look the copy over, then allow it to be handed over: hub release {}",
    "deliver": "Hand the copy over: hub export {} --output FILE",
}
_COLOURS = {GOOD: "green", KEPT: "yellow", WAITS: "cyan", BAD: "red", PLAIN: None}
_INDENT = 6
_VERDICT_COLOURS = {"complete": "green", "with_exceptions": "yellow", "waiting": "cyan", "failed": "red"}


def words_of(hub: Hub) -> Words:
    """What this hub's systems and holdings are called."""
    from hub.assembly import systems  # noqa: PLC0415  # heavy

    return Words(
        {system.name: system.label for system in systems(hub.settings, hub.plugins)},
        {name: dict(processor.kinds) for name, processor in hub.plugins.processors.items()},
    )


def tell(hub: Hub, view: Mapping[str, Any]) -> None:
    """Print what became of a request."""
    words = words_of(hub)
    click.echo(_head(view))
    for track in view["tracks"]:
        service(words.labels.get(track["instance"], track["instance"]), track["instance"], of_track(track, words))
    for name, line in others(hub, view):
        service(words.labels.get(name, name), name, [line])
    for text in _open_ends(hub, view):
        click.echo(text)


def service(label: str, name: str, lines: Sequence[Line]) -> None:
    """One system with its answers."""
    called = click.style(label, bold=True)
    click.echo(f"\n  {called}{click.style(f'  {name}', dim=True) if name != label else ''}")
    width = min(shutil.get_terminal_size((100, 24)).columns, 110)
    for mark, text in lines:
        first, *more = textwrap.wrap(text, width - _INDENT, break_long_words=False)
        click.echo(f"    {click.style(mark, fg=_COLOURS[mark], bold=True)} {first}")
        for rest in more:
            click.echo(f"{' ' * _INDENT}{rest}")


def verdict(view: Mapping[str, Any]) -> str:
    """The verdict, coloured."""
    return click.style(VERDICTS[view["verdict"]], fg=_VERDICT_COLOURS.get(view["verdict"]), bold=True)


def _head(view: Mapping[str, Any]) -> str:
    due = f", answer due {view['due']}" if view["due"] and view["state"] not in {"closed", "cancelled"} else ""
    closed = f", closed {clock_time(view['closed'])}" if view["closed"] else ""
    right = view["right"].replace("_", " ").replace("+", " and ")
    return f"Request {view['id']} · {right} · {verdict(view)}\nReceived {clock_time(view['received'])}{due}{closed}"


def _planned(hub: Hub, request: str) -> list[Mapping[str, str]]:
    """Every system the request was planned for, as its own evidence says: `instance`, `mode`, `reason`."""
    try:
        events = map(json.loads, hub.evidence(request))
        return next((event["systems"] for event in events if event["type"] == "request.planned"), [])
    except KeyUnavailable:  # shredded: what is left is in the view
        return []


def others(hub: Hub, view: Mapping[str, Any]) -> Iterator[tuple[str, Line]]:
    """The systems that no connector serves, by name: what a person did there, or why nobody does."""
    ended = {task["instance"]: task for task in view["manual"] if task["kind"] == "recipient"}
    for system in _planned(hub, view["id"]):
        name = system["instance"]
        if system["mode"] == "excluded":
            yield name, Line(PLAIN, f"excluded: {system['reason'].replace('_', ' ')}")
        elif system["mode"] == "manual" and name in ended:
            yield name, Line(PLAIN, _settled(ended[name]))
        elif system["mode"] == "manual":
            yield name, Line(WAITS, "served by hand: its task is open")


def _settled(task: Mapping[str, Any]) -> str:
    """How a person's task ended, and whether there is proof; what was called off needs none."""
    proof = "; evidence attached" if task["evidence_sha256"] else "; no evidence attached"
    return by_hand(task["result"]) + ("" if task["result"] == "undone" else proof)


def _open_ends(hub: Hub, view: Mapping[str, Any]) -> Iterator[str]:
    """What is still to be done and by which command, and where the proof lies."""
    request = view["id"]
    if view["tasks"]:
        yield "\nWaiting for a person:"
        yield from (f"  {what_to_do(task)}" for task in view["tasks"])
    paused = {name for name, why in hub.held().items() if why == "paused"}
    mine = [t["instance"] for t in view["tracks"] if t["phase"] != "settled" and t["instance"] in paused]
    yield from (f"\n{name} is paused. Use it again: hub resume {name}" for name in mine)
    asked = {task["kind"] for task in view["tasks"]}
    if view["copy"] and view["delivered"] is None and not asked and view["verdict"] != "waiting":
        copied = f"{view['copy']['records']} records from {view['copy']['services']} services"
        yield f"\nThe copy ({copied}) is to be handed over: hub export {request} --output FILE"
    yield f"\nProof: {view['events']} events, each committed to the one before: hub evidence {request}"


def what_to_do(task: Mapping[str, Any]) -> str:
    """A task with the command that ends it."""
    where, kind = f"{task['instance']}: " if task["instance"] else "", task["kind"]
    if kind in _DECISIONS:
        return where + _DECISIONS[kind].format(task["request"])
    if kind == "suspended":  # its text says which command ends it
        return str(task["text"])
    if kind in {"failed", "unreachable"}:
        return f"{where}{task['text']} (done by hand: hub settle {task['task']} --result RESULT)"
    return f"{where}{task['text']} Then: hub settle {task['task']} --result RESULT --evidence FILE"
