"""The time at a stand-in: as on the wall, until the service's own waiting time is skipped."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.timepiece import SystemTime


class MovableTime:
    """The machine's clock, which can be moved on: nobody watches a job of ten minutes for ten minutes."""

    def __init__(self) -> None:
        self._wall = SystemTime()
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The current instant, as far as it was moved on."""
        return self._wall.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back, and goes on with the other."""
        return self._wall.monotonic() + self._ahead.total_seconds()

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds: the stand-in's answers come over a real network."""
        self._wall.sleep(seconds)

    def move_to(self, instant: datetime) -> timedelta:
        """Let it be no earlier than that; returns how far it was moved on."""
        by = max(instant - self.now(), timedelta(0))
        self._ahead += by
        return by
