"""How progress is shown: a table that redraws itself on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from hub.cli.answers import OPEN, Words, of_track, waiting
from hub.cli.output import note

if TYPE_CHECKING:
    from rich.table import Table

View = Mapping[str, Any]

_ACTING = {
    "suppress": "stopping uses of",
    "export": "copying",
    "rectify": "correcting",
    "lift": "bringing back",
    "erase": "erasing",
}


class Screen(Protocol):
    """Where progress is shown."""

    def update(self, view: View) -> None:
        """Show how far the request is."""
        ...


def screen(words: Words) -> AbstractContextManager[Screen]:
    """The screen that fits what standard error is."""
    return _Live(words) if sys.stderr.isatty() else _Plain(words)


def step_of(track: Mapping[str, Any], words: Words) -> str:
    """What happens at one service now, in a few words."""
    if track["phase"] == "settled":
        answers = of_track(track, words)
        more = f" (and {len(answers) - 1} more)" if len(answers) > 1 else ""
        return f"{answers[0].mark} {answers[0].text}{more}" if answers else "done"
    if track["phase"] == "find" and not track["tries"]:
        return "searching"
    if track["reason"]:
        return waiting(track)
    return _acting(track) or "searched"


def _acting(track: Mapping[str, Any]) -> str:
    """The operation under way and how far it is: `erasing, 4 of 11`."""
    steps = [step for held in track["holdings"] for step in held["steps"]] + list(track["steps"])
    under_way = [step for step in steps if step["state"] in OPEN]
    if not under_way:
        return ""
    operation = under_way[0]["operation"]
    every = sum(step["operation"] == operation for step in steps)
    left = Counter(step["operation"] for step in under_way)[operation]
    doing = "reading back after" if under_way[0]["state"] == "confirm" else ""
    return f"{doing} {_ACTING[operation]} {min(every - left + 1, every)} of {every}".strip()


class _Plain(AbstractContextManager["_Plain"]):
    """One line on standard error whenever a service's step changes."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._said: dict[str, str] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def update(self, view: View) -> None:
        for track in view["tracks"]:
            step = step_of(track, self._words)
            if self._said.get(track["instance"]) != step:
                self._said[track["instance"]] = step
                note(f"{track['instance']}: {step}")


class _Live(AbstractContextManager["_Live"]):
    """A table on the terminal, redrawn in place; what it shows last stays."""

    def __init__(self, words: Words) -> None:
        from rich.console import Console  # noqa: PLC0415  # slow to load, and only a terminal needs it
        from rich.live import Live  # noqa: PLC0415  # as above

        self._words = words
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, view: View) -> None:
        self._live.update(self._table(view), refresh=True)

    def _table(self, view: View) -> Table:
        from rich.table import Table  # noqa: PLC0415  # as above
        from rich.text import Text  # noqa: PLC0415  # as above

        table = Table.grid(padding=(0, 2))
        for track in view["tracks"]:
            mark = Text("▸" if track["working_until"] is not None else " ", style="cyan")
            label = self._words.labels.get(track["instance"], track["instance"])
            row = Text(step_of(track, self._words), overflow="ellipsis", no_wrap=True)
            table.add_row(mark, Text(label, style="bold"), row)
        return table
