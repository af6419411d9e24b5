"""The engine for one machine: threads, and an alarm clock that sleeps while nothing is due."""

from __future__ import annotations

import contextlib
import heapq
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from hub.coordinator.engine import TrackId
from hub.errors import StoreError
from hub.timepiece import Timepiece

THREADS = 48
HORIZON = 60.0
"""Seconds ahead that alarms are held in memory; what is due later waits as a row in the journal."""
FEED = 500
"""Due tracks taken from the journal at a time; a backlog stays there."""


class LocalEngine:
    """Calls `advance` on a pool of threads.

    Args:
        advance: works on a track, and returns when to come back (POSIX seconds) or None.
        due: the journal's open tracks due before an instant and claimed by nobody, earliest first, at most that many.
        capacity: instance of a track → how many of its tracks are worth running at once; more would only queue at the
            service's door, and one slow service would hold up the others.
        trouble: told what `advance` raised.
        clock: the time.
        poll: seconds between two looks into the journal for what another process wrote, or an alarm that was lost.
        threads: how many tracks run at once at most.
    """

    def __init__(
        self,
        advance: Callable[[TrackId], float | None],
        *,
        due: Callable[[float, int], Sequence[TrackId]],
        capacity: Callable[[TrackId], tuple[str, int]],
        trouble: Callable[[BaseException], None],
        clock: Timepiece,
        poll: float = 1.0,
        threads: int = THREADS,
    ) -> None:
        self._advance = advance
        self._due = due
        self._capacity = capacity
        self._trouble = trouble
        self._clock = clock
        self._poll = poll
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hub-track")
        self._lock = threading.Condition()
        self._alarms: list[tuple[float, TrackId]] = []
        self._earliest: dict[TrackId, float] = {}
        self._running: set[TrackId] = set()
        self._again: set[TrackId] = set()
        self._busy: dict[str, int] = defaultdict(int)
        self._waiting: dict[str, dict[TrackId, None]] = defaultdict(dict)  # in order, without repetition
        self._stopped = False
        self._timer = threading.Thread(target=self._watch, name="hub-alarm", daemon=True)

    def start(self) -> None:
        """Take up what is due, now and whenever something becomes due."""
        self._timer.start()

    def stop(self) -> None:
        """Start nothing more, wait for what runs."""
        with self._lock:
            self._stopped = True
            self._lock.notify_all()
        if self._timer.is_alive():
            self._timer.join()
        self._pool.shutdown(wait=True)

    def wake(self, track: TrackId, at: datetime | None = None) -> None:
        """Advance the track at that time; at once when None."""
        self._ring_at(track, self._clock.now().timestamp() if at is None else at.timestamp())

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks need no waking any more."""
        with self._lock:
            for track in tracks:
                self._earliest.pop(track, None)

    def _ring_at(self, track: TrackId, at: float) -> None:
        now = self._clock.now().timestamp()
        with self._lock:
            if self._stopped or at > now + HORIZON:
                return
            if at <= now:
                self._earliest.pop(track, None)
                self._admit(track)
            elif at < self._earliest.get(track, float("inf")):
                self._earliest[track] = at
                heapq.heappush(self._alarms, (at, track))
                if self._alarms[0][1] == track and at < now + self._poll:
                    self._lock.notify_all()

    def _admit(self, track: TrackId) -> None:
        """Run the track, or remember to, when its instance has as many running as it can serve. Holds the lock."""
        if track in self._running:
            self._again.add(track)
            return
        instance, most = self._capacity(track)
        if self._busy[instance] >= most:
            self._waiting[instance][track] = None
            return
        self._waiting[instance].pop(track, None)
        self._busy[instance] += 1
        self._running.add(track)
        self._pool.submit(self._run, track, instance)

    def _run(self, track: TrackId, instance: str) -> None:
        back: float | None = None
        try:
            back = self._advance(track)
        except Exception as error:  # noqa: BLE001  # a bug of ours must not silence the alarm of this track
            self._trouble(error)
            back = self._clock.now().timestamp() + HORIZON
        finally:
            with self._lock:
                self._running.discard(track)
                self._busy[instance] -= 1
                if not self._stopped:
                    if self._waiting[instance]:
                        self._admit(next(iter(self._waiting[instance])))
                    if track in self._again:
                        self._again.discard(track)
                        self._admit(track)
                self._lock.notify_all()
            if back is not None:
                self._ring_at(track, back)

    def _watch(self) -> None:
        self._sweep(FEED)  # what was due before anybody was here
        while True:
            with self._lock:
                self._lock.wait(self._pause())
                if self._stopped:
                    return
                now = self._clock.now().timestamp()
                while self._alarms and self._alarms[0][0] <= now:
                    at, track = heapq.heappop(self._alarms)
                    if self._earliest.get(track) == at:
                        del self._earliest[track]
                        self._admit(track)
                room = FEED - sum(map(len, self._waiting.values()))
            if room > 0:
                self._sweep(room)

    def _pause(self) -> float:
        if not self._alarms:
            return self._poll
        return max(0.0, min(self._poll, self._alarms[0][0] - self._clock.now().timestamp()))

    def _sweep(self, room: int) -> None:
        """Take due tracks from the journal: new requests, approvals by another process, alarms that were lost."""
        with contextlib.suppress(StoreError):  # a disk that is full or busy: the next look may find it better
            due = self._due(self._clock.now().timestamp(), room)
            with self._lock:
                for track in due:
                    if not self._stopped and track not in self._running:
                        self._admit(track)
