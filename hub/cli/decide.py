"""`hub decide`: whose the uncertain holdings are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from hub.cli.frame import Front, by_option, command
from hub.cli.output import emit, note, on_terminal, schema
from hub.cli.summary import words_of

if TYPE_CHECKING:
    from hub.app import Hub

_MATCH = {"exact": "an identifier of the person stands on it", "possible": "it may be the person's"}
_REACH = {"sole": "", "shared": ", and others stand on it too"}


@command()
@click.argument("request", metavar="REQUEST")
@click.option("--hers", "hers", multiple=True, type=int, metavar="HOLDING", help="This holding is the person's.")
@click.option("--not-hers", "not_hers", multiple=True, type=int, metavar="HOLDING", help="This one is not.")
@click.option("--reveal", is_flag=True, help="Show what helps to decide: personal data; the reading is recorded.")
@by_option
def decide(
    front: Front,
    *,
    request: str,
    hers: tuple[int, ...],
    not_hers: tuple[int, ...],
    reveal: bool,
    by: str | None,
) -> None:
    """Say whose the uncertain holdings of a request are.

    Without --hers and --not-hers the uncertain holdings are listed, and on a terminal you are asked about each. Only
    what is decided to be the person's is acted on.
    """
    choices = {**dict.fromkeys(hers, True), **dict.fromkeys(not_hers, False)}
    if set(hers) & set(not_hers):
        raise click.UsageError("A holding is the person's or it is not: one number stands in both options.")
    with front.opened() as hub:
        view, who = hub.show(request), front.actor(by)
        if choices:
            hub.decide(request, choices, by=who)
        elif not front.json and not reveal and on_terminal():
            ask_each(hub, view, by=who)
        else:
            _list(front, hub, view, hub.hints(request, by=who, why="decide") if reveal else {})
            return
        after = hub.show(request)
    if front.json:
        emit(after)
    else:
        left = len(list(_uncertain(after)))
        click.echo(f"{left} holdings are still to be decided." if left else "Nothing is left to decide.")


def ask_each(hub: Hub, view: Mapping[str, Any], *, by: str) -> bool:
    """Ask about each uncertain holding at the terminal; whether a decision was recorded."""
    waiting = list(_uncertain(view))
    if not waiting:
        return False
    note(f"\n{len(waiting)} holdings may be the person's or somebody else's.")
    question = f"Show what helps to decide? It is personal data; the reading is recorded as {by}'s."
    hints = hub.hints(view["id"], by=by, why="decide") if click.confirm(question, default=False, err=True) else {}
    choices: dict[int, bool] = {}
    for name, held in waiting:
        note(_described(words_of(hub).kind(_connector(view, name), held["kind"]), name, held))
        note("".join(f"    {label}: {value}\n" for label, value in hints.get(held["holding"], {}).items()).rstrip())
        answer = click.prompt(
            "  Is it the person's?", type=click.Choice(["y", "n", "later"]), default="later", err=True
        )
        if answer != "later":
            choices[held["holding"]] = answer == "y"
    if choices:
        hub.decide(view["id"], choices, by=by)
    return bool(choices)


def _list(front: Front, hub: Hub, view: Mapping[str, Any], hints: Mapping[int, Mapping[str, str]]) -> None:
    words, waiting = words_of(hub), list(_uncertain(view))
    if front.json:
        keys = ("holding", "kind", "match", "reach", "role", "categories")
        listed = [
            {"instance": name} | {k: held[k] for k in keys} | {"hints": hints.get(held["holding"])}
            for name, held in waiting
        ]
        emit({"schema": schema("undecided"), "request": view["id"], "holdings": listed})
        return
    for name, held in waiting:
        click.echo(_described(words.kind(_connector(view, name), held["kind"]), name, held))
        for label, value in hints.get(held["holding"], {}).items():
            click.echo(f"    {label}: {value}")
    if waiting:
        more = "" if hints else " --reveal shows what helps to decide."
        click.echo(f"Decide: hub decide {view['id']} --hers HOLDING --not-hers HOLDING.{more}")
    else:
        click.echo("Nothing is to be decided.")


def _uncertain(view: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for track in view["tracks"]:
        yield from ((track["instance"], held) for held in track["holdings"] if held["needs_decision"])


def _connector(view: Mapping[str, Any], instance: str) -> str:
    return next(str(track["connector"]) for track in view["tracks"] if track["instance"] == instance)


def _described(kind: str, instance: str, held: Mapping[str, Any]) -> str:
    mentioned = "" if held["role"] == "holder" else f", as {held['role']}"
    return f"  {held['holding']}: {kind} at {instance}; {_MATCH[held['match']]}{_REACH[held['reach']]}{mentioned}"
