"""What `hub run` asks a person: whose uncertain holdings are, and whether what was found may be changed or erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hub.cli.answers import found
from hub.cli.output import note
from hub.cli.summary import words_of

if TYPE_CHECKING:
    from hub.app import Hub

SHORT = 12  # digits of the digest that are shown and accepted


class Reviewer:
    """Acts on what a request waits for.

    Args:
        hub: the hub.
        approve_as: who approves what is found without being asked; None: nobody.
        by: who is at the terminal.
        ask: whether there is somebody to ask.
    """

    def __init__(self, hub: Hub, approve_as: str | None, *, by: str, ask: bool) -> None:
        self._hub = hub
        self._approve_as = approve_as
        self._by = by
        self._ask = ask
        self._answered: set[str] = set()  # a digest is put to a person once

    def acts_on(self, view: Mapping[str, Any]) -> bool:
        """Whether a decision was recorded, so that the request moves on."""
        waits = {task["kind"] for task in view["tasks"]}
        if "decide" in waits and self._ask and "decide" not in self._answered:
            from hub.cli.decide import ask_each  # noqa: PLC0415  # few requests need it

            self._answered.add("decide")
            if ask_each(self._hub, view, by=self._by):
                return True
        if "review" not in waits or view["digest"] in self._answered:
            return False
        self._answered.add(view["digest"])
        show_found(self._hub, view)
        who = self._approve_as or (self._by if self._ask and confirmed(view, self._by) else None)
        if who is None:
            note(f"Not approved: hub approve {view['id']} --digest {view['digest'][:SHORT]}")
            return False
        self._hub.approve(view["id"], by=who, digest=view["digest"])
        note(f"Approved by {who}.")
        return True


def show_found(hub: Hub, view: Mapping[str, Any]) -> None:
    """What an approval is about, and its digest: kinds and numbers, nothing personal."""
    words = words_of(hub)
    note(f"\nFound for the {view['right'].replace('_', ' ')}, digest {view['digest'][:SHORT]}:")
    for track in view["tracks"]:
        chosen = [h for h in track["holdings"] if _certain(h)]
        label = words.labels.get(track["instance"], track["instance"])
        note(f"  {label}: {found({**track, 'holdings': chosen}, words) or 'nothing that is surely theirs'}")
    uncertain = sum(held["needs_decision"] for track in view["tracks"] for held in track["holdings"])
    if uncertain:
        note(f"  {uncertain} uncertain holdings are not part of it: hub decide {view['id']}")


def confirmed(view: Mapping[str, Any], who: str) -> bool:
    """Ask whether what was shown may be done."""
    act = view["right"].replace("_", " ").replace("+", " and ")
    return click.confirm(f"Approve the {act} of it, as {who}?", default=False, err=True)


def _certain(held: Mapping[str, Any]) -> bool:
    return held["decision"] == "hers" or (
        held["decision"] is None and held["match"] == "exact" and held["reach"] == "sole"
    )
