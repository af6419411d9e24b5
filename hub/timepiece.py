"""The time, as something that can be passed in: nothing in the hub asks the system's clock by itself."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timepiece(Protocol):
    """Tells the time and waits. `SystemTime` is the real one; tests bring `ManualTime`."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a manual clock moves on instead."""
        ...


class SystemTime:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        time.sleep(seconds)


class ManualTime:
    """A clock that stands still until told, or until somebody sleeps on it. Safe to share between threads."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self._start = self._now
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The instant the clock stands at."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self.now() - self._start).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Move on by that many seconds, at once."""
        self.advance(timedelta(seconds=max(seconds, 0)))

    def advance(self, by: timedelta) -> None:
        """Move on."""
        with self._lock:
            self._now += by


def rfc3339(instant: datetime) -> str:
    """The instant as evidence writes it: UTC, whole microseconds dropped to milliseconds, `Z` at the end."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
