"""Leases: who works on a track, and the fence that keeps everybody else from sending."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hub.errors import Fenced, HubError
from hub.timepiece import Timepiece

FRESH = 0.05
"""Seconds for which the journal's word that a lease stands is believed: what is sent after a cancellation at most."""


class Lease:
    """One worker's hold on one track. `fence` is called before every send and every write."""

    def __init__(
        self, track: str, attempt: int, until: float, clock: Timepiece, stands: Callable[[Lease], bool]
    ) -> None:
        self.track = track
        self.attempt = attempt
        self.until = until
        self.lost = False
        self._clock = clock
        self._stands = stands
        self._seen = clock.monotonic()

    def fence(self) -> None:
        """Raise `Fenced` once the lease is lost or ran out: a worker that was stopped and comes back stays still.

        The journal is asked as well: a request that was cancelled in the middle of a long step sends nothing more.
        """
        if self.lost or self._clock.now().timestamp() >= self.until:
            raise Fenced
        if self._clock.monotonic() - self._seen >= FRESH:
            self.lost = not self._stands(self)
            self._seen = self._clock.monotonic()
            if self.lost:
                raise Fenced


class Keeper:
    """Renews the leases of steps that take longer than one. Its thread sleeps while there is nothing to renew."""

    def __init__(
        self,
        seconds: float,
        clock: Timepiece,
        renew: Callable[[Lease, float], None],
        stands: Callable[[Lease], bool],
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._renew = renew
        self._stands = stands
        self._held: dict[str, Lease] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def hold(self, track: str, attempt: int, until: float) -> Lease:
        """Keep this lease renewed until `drop`."""
        lease = Lease(track, attempt=attempt, until=until, clock=self._clock, stands=self._stands)
        with self._changed:
            self._held[track] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hub-leases", daemon=True)
                self._thread.start()
            elif len(self._held) == 1:
                self._changed.notify()
        return lease

    def drop(self, lease: Lease) -> None:
        """Renew no more."""
        with self._changed:
            if self._held.get(lease.track) is lease:
                del self._held[lease.track]

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held or self._stopped)
                if self._changed.wait_for(lambda: self._stopped, self.seconds / 3):
                    return
                due = [x for x in self._held.values() if x.until - self._clock.now().timestamp() < self.seconds / 2]
            for lease in due:
                self._extend(lease)

    def _extend(self, lease: Lease) -> None:
        until = self._clock.now().timestamp() + self.seconds
        try:
            self._renew(lease, until)
        except Fenced:
            lease.lost = True
        except HubError:
            return  # the store is busy: the lease runs out by itself if that lasts, and the fence holds
        else:
            lease.until = until
