"""Shredding: the end of what the hub knows about a person, in an order that no crash can turn into half an end.

The wrapped root key goes first; from that commit on nothing sealed under it can be read here. Then goes what it sealed,
then the exports' spool, then the write-ahead log. An older backup still holds the wrapped key: destroying the epoch key
of its month ends that too, and until then the answer is *deleted, recoverable from backups until D*.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table, delete, exists, or_, select, update

from hub.errors import StoreError, UsageError
from hub.store.db import Database
from hub.store.keys import Keys, WrappedRoot
from hub.store.schema import events, exports, holdings, identifiers, requests, steps, tasks, tracks

_WORKING: Final[tuple[Table, ...]] = (exports, tasks, steps, holdings, identifiers, tracks)  # children first
_MARGIN: Final = timedelta(days=1)  # a month's key outlives the month by this: a request may just be on its way in


class Shredder:
    """Shreds requests and, when a month has none left, its epoch key.

    Args:
        db: the database.
        keys: the key directory.
        spool: the folder of the exports' encrypted files.
    """

    def __init__(self, db: Database, keys: Keys, spool: Path) -> None:
        self._db = db
        self._keys = keys
        self._spool = spool

    def shred(self, request_id: str) -> None:
        """Destroy everything personal about one request; its leaves stay, so that old bundles still verify.

        A second call finishes what a crash left. Raises `UsageError` for an unknown request, `StoreError` when
        something could not be removed; the key is gone even then.
        """
        dropped = self._db.write(lambda conn: _drop_key(conn, request_id))
        if dropped is not None:
            self._keys.forget(dropped)
        self._remove_data(request_id)
        self._db.checkpoint()

    def reconcile(self) -> list[str]:
        """At start-up: finish what a crash left half shredded; returns those requests' ids.

        Files in the spool that no export names are removed too.
        """
        files = list(self._spool.iterdir()) if self._spool.is_dir() else []  # first: an export's row precedes its file
        with self._db.read() as connection:
            unfinished = list(connection.execute(_UNFINISHED).scalars())
            named = set(connection.execute(select(exports.c.file)).scalars())
        for request_id in unfinished:
            self._remove_data(request_id)
        for file in files:
            if file.name not in named:
                _remove(file)
        if unfinished:
            self._db.checkpoint()
        return unfinished

    def retire_epochs(self, now: datetime) -> list[str]:
        """Destroy the key of every past month whose requests are all shredded; returns those months."""
        current = (now - _MARGIN).strftime("%Y-%m")
        live = select(requests.c.epoch).where(requests.c.wrapped_key.is_not(None)).distinct()
        with self._db.read() as connection:
            needed = set(connection.execute(live).scalars())
        retired = [epoch for epoch in self._keys.epochs() if epoch < current and epoch not in needed]
        for epoch in retired:
            self._keys.destroy_epoch(epoch)
        return retired

    def _remove_data(self, request_id: str) -> None:
        with self._db.read() as connection:
            files = list(connection.execute(select(exports.c.file).where(exports.c.request == request_id)).scalars())
        for name in files:  # before the rows that name them
            _remove(self._spool / name)
        self._db.write(_emptying(request_id))


def _drop_key(conn: Connection, request_id: str) -> WrappedRoot | None:
    mine = requests.c.id == request_id
    row = conn.execute(select(requests.c.epoch, requests.c.wrapped_key).where(mine)).one_or_none()
    if row is None:
        raise UsageError("There is no such request", hint="`hub list` names those there are; nothing was changed.")
    conn.execute(update(requests).where(mine).values(wrapped_key=None))
    return None if row.wrapped_key is None else WrappedRoot(row.epoch, row.wrapped_key)


def _emptying(request_id: str) -> Callable[[Connection], None]:
    def empty(conn: Connection) -> None:
        for table in _WORKING:
            conn.execute(delete(table).where(table.c.request == request_id))
        conn.execute(update(events).where(events.c.request == request_id).values(sealed=None))
        conn.execute(update(requests).where(requests.c.id == request_id).values(sealed=None))

    return empty


def _remove(file: Path) -> None:
    """The file is ciphertext whose key is gone: its name alone matters now, so it is not overwritten."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"A file of the spool could not be removed: {error.strerror}",
            hint=f"Remove it by hand: {file}; its key is destroyed already.",
        ) from None


_UNFINISHED: Final = (
    select(requests.c.id)
    .where(
        requests.c.wrapped_key.is_(None),
        or_(
            requests.c.sealed.is_not(None),
            exists().where(events.c.request == requests.c.id, events.c.sealed.is_not(None)),
            *(exists().where(table.c.request == requests.c.id) for table in _WORKING),
        ),
    )
    .order_by(requests.c.received)
)
