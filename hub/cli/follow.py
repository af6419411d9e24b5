"""Following a request while it is carried out, here or by another process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hub.cli.output import NOBODY, note
from hub.cli.screen import screen
from hub.cli.stopping import stoppable
from hub.cli.summary import words_of

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.cli.review import Reviewer

PAUSE = 0.1  # seconds between two looks into the journal; a person sees no difference
_LOOK_FOR_ENGINE = 20  # looks between two questions whether anybody carries requests out

View = Mapping[str, Any]


def carry_out(hub: Hub, request: str, reviewer: Reviewer, *, patience: float) -> dict[str, Any]:
    """Carry requests out in this process, following this one; returns its view once nothing moves any more.

    Where another process has the engine it is followed instead. `reviewer` is asked for what a person must decide.
    """
    with stoppable(), hub.engine() as engine:
        if engine is None:
            note(f"Process {hub.engine_holder()} carries requests out on this data folder; following it.")
        view = follow(hub, request, patience=patience)
        while reviewer.acts_on(view):
            view = follow(hub, request, patience=patience)
    return view


def follow(hub: Hub, request: str, *, patience: float, only_live: bool = False) -> dict[str, Any]:
    """Show each service's progress until nothing moves within `patience` seconds; returns the request's view."""
    view = hub.show(request)
    with screen(words_of(hub), only_live=only_live) as shown:
        for view in _looks(hub, request, patience):
            shown.update(view)
    return view


def _looks(hub: Hub, request: str, patience: float) -> Iterator[dict[str, Any]]:
    looks = 0
    while True:
        view = hub.show(request)
        yield view
        if not _moves(view, hub.clock.now(), patience):
            return
        if looks % _LOOK_FOR_ENGINE == 0 and not hub.engine_runs():
            note(NOBODY)
            return
        looks += 1
        hub.clock.sleep(PAUSE)


def _moves(view: View, now: datetime, patience: float) -> bool:
    """Whether something happens by itself before patience ends: a step under way, or one that is due by then."""
    horizon = now + timedelta(seconds=patience)
    for track in view["tracks"]:
        working, due = (_instant(track[key]) for key in ("working_until", "next"))
        if (working is not None and working > now) or (due is not None and due <= horizon):
            return True
    return False


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
