"""How many calls at once, and how many in a time: the door's queue. Nobody waits in it without an end."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hub.errors import RateLimited, StoreError
from hub.processor import Limits, Rate
from hub.timepiece import Timepiece

if TYPE_CHECKING:
    from pyrate_limiter import InMemoryBucket, SQLiteBucket
    from pyrate_limiter import Rate as PyrateRate

PATIENCE = 10.0  # seconds a call queues; longer waits belong to the journal, not to a thread


class _Meter(Protocol):
    def wait(self) -> float:
        """Count one call and answer 0, or answer after how many seconds to ask again."""
        ...


class Gate:
    """Lets calls through to one instance within its limits.

    Args:
        instance: whose calls.
        limits: its concurrency and rates.
        clock: the time, and how to wait.
        rate_store: a SQLite file through which several processes share the rates; None: this process alone.
    """

    def __init__(self, instance: str, limits: Limits, clock: Timepiece, rate_store: Path | None) -> None:
        self._instance = instance
        self._clock = clock
        self._slots = threading.Semaphore(limits.concurrency)
        self._meter: _Meter | None = None
        if limits.rates:  # pyrate_limiter is loaded only where there is something to limit
            self._meter = (
                _SharedMeter(instance, limits.rates, clock, rate_store)
                if rate_store
                else _LocalMeter(limits.rates, clock)
            )

    @contextmanager
    def slot(self, patience: float = PATIENCE) -> Iterator[None]:
        """Hold one of the slots, once the rates allow another call. Raises `RateLimited` after `patience` seconds."""
        # A semaphore waits by the system's time: a manual clock cannot wake it.
        if not self._slots.acquire(timeout=min(patience, PATIENCE)):
            raise self._crowded(timedelta(seconds=1), "all its calls at once are taken")
        try:
            if self._meter:
                self._keep_rates(self._meter, min(patience, PATIENCE))
            yield
        finally:
            self._slots.release()

    def _keep_rates(self, meter: _Meter, patience: float) -> None:
        while wait := meter.wait():
            patience -= wait
            if patience < 0:
                raise self._crowded(timedelta(seconds=wait), "its rate is used up")
            self._clock.sleep(wait)

    def _crowded(self, wait: timedelta, why: str) -> RateLimited:
        return RateLimited(
            f"The hub's own limit for this service is reached: {why}",
            retry_after=wait,
            instance=self._instance,
            hint="Nothing is lost: the call is made later.",
        )

    def close(self) -> None:
        """Let go of the shared file."""
        if isinstance(self._meter, _SharedMeter):
            self._meter.close()


class _LocalMeter:
    """Rates of this process alone, on a clock that never goes back."""

    def __init__(self, rates: tuple[Rate, ...], clock: Timepiece) -> None:
        from pyrate_limiter import InMemoryBucket  # noqa: PLC0415  # see Gate

        # The bucket without its Limiter: that one starts a thread to sweep, and sleeps by the system's clock.
        self._bucket: InMemoryBucket = InMemoryBucket(_pyrate(rates))
        self._clock = clock
        self._lock = threading.Lock()

    def wait(self) -> float:
        now = round(self._clock.monotonic() * 1000)
        with self._lock:
            self._bucket.leak(now)
            return _ask(self._bucket, now)


class _SharedMeter:
    """Rates that several processes share, in a table of a SQLite file, on the wall clock."""

    def __init__(self, instance: str, rates: tuple[Rate, ...], clock: Timepiece, store: Path) -> None:
        from pyrate_limiter import SQLiteBucket  # noqa: PLC0415  # see Gate

        self._instance = instance
        self._clock = clock
        self._lock = threading.Lock()
        table = f"rate_{instance.encode().hex()}"  # the library writes the name into its SQL as it stands
        with self._readable():
            self._bucket: SQLiteBucket = SQLiteBucket.init_from_file(_pyrate(rates), table, str(store))
            # A grant lost in a power cut harms nobody, so it is not waited for.
            self._bucket.conn.execute("PRAGMA synchronous=OFF").close()
            # A clock set back must not leave grants in the future, which would never grow old.
            with self._bucket.conn:
                self._bucket.conn.execute(
                    f"DELETE FROM {table} WHERE item_timestamp > ?",  # noqa: S608  # hexadecimal digits
                    (self._now(),),
                )

    def wait(self) -> float:
        with self._lock, self._readable():
            connection = self._bucket.conn
            # The bucket counts and inserts in two statements; the write lock taken before makes them one to others.
            connection.execute("BEGIN IMMEDIATE").close()
            try:
                wait = _ask(self._bucket, self._now())
            finally:
                connection.rollback()  # ends a refusal; after a grant the bucket has committed
            if not wait:
                self._bucket.leak(self._now())
            return wait

    def close(self) -> None:
        with self._lock, closing(self._bucket.conn):
            pass

    def _now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error:
            raise StoreError(
                "The file through which processes share this service's rate cannot be used",
                instance=self._instance,
                hint="Check that the data folder is writable and its disk not full.",
            ) from None


def _pyrate(rates: tuple[Rate, ...]) -> list[PyrateRate]:
    from pyrate_limiter import Rate as _Rate  # noqa: PLC0415  # see Gate

    return [_Rate(rate.count, round(rate.period.total_seconds() * 1000)) for rate in rates]


def _ask(bucket: InMemoryBucket | SQLiteBucket, now: int) -> float:
    from pyrate_limiter import RateItem  # noqa: PLC0415  # see Gate

    item = RateItem("call", now)
    if bucket.put(item):
        return 0.0
    wait = bucket.waiting(item)
    assert isinstance(wait, int)  # awaitable in the library's asynchronous buckets alone
    return max(wait, 1) / 1000
