"""An engine for tests: one thread, a clock that a test holds, and every track in the order in which it is due.

Where the real engines wait, this one moves the clock on: a week of retries takes milliseconds, and two runs of the same
test do the same things in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from sqlalchemy import select

from hub.app import Hub
from hub.coordinator.engine import TrackId
from hub.coordinator.journal import new_id
from hub.coordinator.tracks import Worker
from hub.store.schema import events, tracks
from hub.timepiece import ManualTime

TOO_MANY = 5_000
"""Advances in one run after which something goes round in circles."""

_RECEIVED = select(events.c.position).where(events.c.request == tracks.c.request, events.c.seq == 1).scalar_subquery()
_WAITING = (
    select(tracks.c.id, tracks.c.wake_at, tracks.c.lease_until)
    .where(tracks.c.phase.in_(["find", "act"]))
    .order_by(_RECEIVED, tracks.c.instance)  # what is due at the same time: in the order it came
)
_Row = tuple[float | None, float | None]


class SteppedEngine:
    """Advances the due tracks of a hub one after the other; implements `hub.coordinator.engine.Engine`.

    Back-offs are never jittered: half of the jitter's range is added to each.

    It learns what is due from the journal, as an engine does whose own alarms were lost, and from `wake`.

    Args:
        hub: opened with `clock` as its time.
        clock: moved on to the next due time whenever nothing is due now.
    """

    def __init__(self, hub: Hub, clock: ManualTime) -> None:
        self.worker = Worker(replace(hub.desk(), chance=lambda: 0.5), new_id(), wake=self._ring)
        self._hub = hub
        self._clock = clock
        self._alarms: dict[TrackId, float] = {}
        self._told: dict[TrackId, tuple[_Row, float]] = {}

    def wake(self, track: TrackId, at: datetime | None = None) -> None:
        """Advance the track at that time; at once when None."""
        due = self._now() if at is None else at.timestamp()
        self._alarms[track] = min(due, self._alarms.get(track, due))

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks need no waking any more."""
        for track in tracks:
            self._alarms.pop(track, None)

    def close(self) -> None:
        """End the worker."""
        self.worker.close()

    def run(self, *, until: datetime | None = None) -> None:
        """Advance whatever is due until nothing will be by itself, or up to `until`, where the clock then stands.

        Raises `RuntimeError` when that never ends, and whatever escapes an advance: a scripted crash, for one.
        """
        for _ in range(TOO_MANY):
            due = self.next_due()
            if due is None or (until is not None and due[0] > until.timestamp()):
                if until is not None:
                    self._move_to(until.timestamp())
                return
            self.step()
        raise RuntimeError(f"{TOO_MANY} advances, and still something is due")

    def step(self) -> None:
        """Move on to what is due next, and advance that one track."""
        due = self.next_due()
        if due is None:
            raise RuntimeError("nothing is due")
        at, track = due
        self._move_to(at)
        self._alarms.pop(track, None)
        back = self.worker.advance(track)
        seen = self._journal().get(track)
        if back is not None and seen is not None:
            self._told[track] = (seen, back)

    def next_due(self) -> tuple[float, TrackId] | None:
        """When something is due next (POSIX seconds), and which track; None when nothing is by itself."""
        times = {track: self._when(track, row) for track, row in self._journal().items()}
        for track, at in self._alarms.items():
            times[track] = min(at, times.get(track) or at)
        return min(((at, track) for track, at in times.items() if at is not None), key=itemgetter(0), default=None)

    def _when(self, track: TrackId, row: _Row) -> float | None:
        """The journal's time; where nothing changed there since the last advance, the time that advance asked for."""
        before, back = self._told.get(track, (None, 0.0))
        wake_at, lease_until = row
        if wake_at is None:
            return None
        return max(wake_at, lease_until or 0.0, back if before == row else 0.0)

    def _journal(self) -> dict[TrackId, _Row]:
        with self._hub.db.read() as conn:
            return {row.id: (row.wake_at, row.lease_until) for row in conn.execute(_WAITING)}

    def _ring(self, tracks: Iterable[TrackId]) -> None:
        for track in tracks:
            self.wake(track)

    def _move_to(self, at: float) -> None:
        ahead = datetime.fromtimestamp(at, UTC) - self._clock.now()
        if ahead > timedelta():
            self._clock.advance(ahead)
        if self._now() < at:  # an instant has whole microseconds
            self._clock.advance(timedelta.resolution)

    def _now(self) -> float:
        return self._clock.now().timestamp()
