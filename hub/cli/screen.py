"""How progress is shown: a table that redraws itself on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from hub.cli.answers import Words, of_track, waiting
from hub.cli.output import note

if TYPE_CHECKING:
    from rich.table import Table

View = Mapping[str, Any]

_ACTING = {
    "suppress": "stopping",
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


def screen(words: Words, *, only_live: bool = False) -> AbstractContextManager[Screen]:
    """The screen that fits what standard error is; `only_live` shows nothing where nothing can be redrawn."""
    if sys.stderr.isatty():
        return _Live(words)
    return _Dark() if only_live else _Plain(words)


def step_of(track: Mapping[str, Any], words: Words) -> str:
    """What happens at one service now, in a few words."""
    if track["phase"] in {"settled", "failed"}:
        answers = of_track(track, words)
        more = f" (and {len(answers) - 1} more)" if len(answers) > 1 else ""
        return f"{answers[0].mark} {answers[0].text}{more}" if answers else "done"
    if track["phase"] == "find" and not track["tries"]:
        return "searching"
    if track["reason"] and not (track["reason"] == "approved" and track["working_until"] is not None):
        return waiting(track)
    return _acting(track) or "searched"


def _acting(track: Mapping[str, Any]) -> str:
    """The step under way, and how many of its kind are over: `erasing; 3 of 11 done`. What only waits is not named."""
    steps = [step for held in track["holdings"] for step in held["steps"]] + list(track["steps"])
    now = next((step for step in steps if step["state"] in {"sent", "confirm"}), None)
    if now is None:
        return ""
    over = [step["state"] == "closed" for step in steps if step["operation"] == now["operation"]]
    back = ", reading back" if now["state"] == "confirm" else ""
    return f"{_ACTING[now['operation']]}{back}; {sum(over)} of {len(over)} done"


class _Dark(AbstractContextManager["_Dark"]):
    """Shows nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def update(self, view: View) -> None:
        pass


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
