"""The port to whatever wakes tracks. The journal is the only truth; an engine is an alarm clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

TrackId = str
"""Names a track and nothing about a person: no personal data can linger in an engine."""


class Engine(Protocol):
    """Calls `advance(track)` at least once at or after the time asked for.

    Calling twice, late or on another machine does no harm: steps are claimed in the journal.
    """

    def wake(self, track: TrackId, at: datetime | None = None) -> None:
        """Advance the track at that time; at once when None."""
        ...

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks need no waking any more."""
        ...
