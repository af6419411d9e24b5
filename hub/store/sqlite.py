"""SQLite as the hub wants it: durable, nothing deleted left behind, explicit transactions, faults in plain words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, NullPool, QueuePool, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import PoolProxiedConnection

from hub.errors import StoreError

APPLICATION_ID: Final = 0x53524831  # "SRH1" in the file's header: how a hub database is told from any other
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit survives a power cut
    "PRAGMA secure_delete=ON",  # FAST left 764 copies of deleted secrets on disk, ON none
    "PRAGMA temp_store=MEMORY",  # nothing spills into files of its own
    "PRAGMA foreign_keys=ON",
)
_FAULTS: Final[dict[int, tuple[str, str]]] = {
    sqlite3.SQLITE_BUSY: (
        "Another process keeps the database locked",
        "Let the other hub process finish, or stop it, then try again; nothing was changed.",
    ),
    sqlite3.SQLITE_FULL: ("The disk is full", "Free some space and try again; nothing was changed."),
    sqlite3.SQLITE_IOERR: (
        "The disk failed while the database was being read or written",
        "Check free space, quota and the system's log; whether the last write was kept is unknown, the journal tells.",
    ),
    sqlite3.SQLITE_READONLY: (
        "The database is read-only for this user",
        "Make the file and its folder writable for the hub's user; nothing was changed.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The database cannot be opened",
        "Check that the hub's user may read and write the file and its folder.",
    ),
    sqlite3.SQLITE_CORRUPT: ("The database is damaged", "Stop the hub and restore the newest backup."),
    sqlite3.SQLITE_NOTADB: (
        "The file is no database, or its beginning is damaged",
        "Check the path; if it is the hub's own, restore the newest backup.",
    ),
}


class Reader(SQLiteDialect_pysqlite):
    """SQLite whose transactions begin when SQLAlchemy says so, and not before the driver's first write.

    A dialect does it, not an event of the engine: a single listener makes SQLAlchemy look for others at every
    statement, a tenth of what a track costs.
    """

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Begin a transaction that sees one snapshot."""
        dbapi_connection.cursor().execute("BEGIN")


class Writer(Reader):
    """The same for the one that writes."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Begin with the write lock: a later upgrade of a read lock could deadlock."""
        dbapi_connection.cursor().execute("BEGIN IMMEDIATE")


registry.register("sqlite.hub_reader", __name__, "Reader")
registry.register("sqlite.hub_writer", __name__, "Writer")


def path_of(url: str | Path) -> Path:
    """The file that `url` names: a path, or `sqlite:///PATH`. Raises `StoreError` for anything else."""
    if isinstance(url, Path):
        return url
    hint = "Write sqlite:///PATH, with four slashes for an absolute path."
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("The database's address is not a URL", hint=hint) from None
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise StoreError("The store needs a SQLite database in a file", hint=hint)
    return Path(str(parsed.database))


def make_file(path: Path) -> None:
    """Make an empty file, mode 0600, unless one is there: SQLite gives its -wal and -shm the same mode."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def version_of(path: Path, busy_timeout: float) -> str | None:
    """The schema version a file carries, None when it is still empty. Changes nothing, so any file may be asked.

    Raises `StoreError` for a file that is damaged or not a hub database.
    """
    try:
        with closing(sqlite3.connect(_uri(path), uri=True, timeout=busy_timeout)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if application == APPLICATION_ID:
                (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                return str(version)
    except sqlite3.Error as error:
        raise fault(error, path) from error
    if tables:
        raise StoreError(
            f"{path} is the database of another program", hint="Name the hub's own data folder, or an empty one."
        )
    return None


def reader(path: Path, busy_timeout: float) -> Engine:
    """Pooled connections that cannot write; each transaction sees one snapshot and holds nobody up."""
    return create_engine(
        "sqlite+hub_reader://",
        creator=_connector(path, busy_timeout, "PRAGMA query_only=ON"),
        poolclass=QueuePool,
        max_overflow=-1,  # as many as there are threads; a fixed number would make the threads wait for each other
        hide_parameters=True,
    )


def writer(path: Path, busy_timeout: float) -> Engine:
    """Connections whose transactions take the write lock at once: a later upgrade of a read lock could deadlock."""
    return create_engine(
        "sqlite+hub_writer://", creator=_connector(path, busy_timeout), poolclass=NullPool, hide_parameters=True
    )


def truncate_wal(path: Path, busy_timeout: float) -> bool:
    """Move the write-ahead log into the database and cut it to nothing; False while a reader still needs it.

    Waits for readers up to `busy_timeout` seconds. Raises `StoreError`.
    """
    try:
        with closing(_connector(path, busy_timeout)()) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise fault(error, path) from error
    return not busy


def fault(error: BaseException | None, path: Path) -> StoreError:
    """What `error` of the driver means to a person, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", None)
    message, hint = _FAULTS.get(
        sqlite3.SQLITE_ERROR if code is None else code & 0xFF,  # the low byte is the primary code
        ("The database refused a statement", "This is a fault of the hub: please report it with the steps before."),
    )
    return StoreError(f"{message} ({path})", hint=hint)


def _uri(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=rw"  # rw: never makes a file by mistake


def _connector(path: Path, busy_timeout: float, *further: str) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            _uri(path),
            uri=True,
            timeout=busy_timeout,
            isolation_level=None,  # the driver begins nothing by itself, so that savepoints are real
            check_same_thread=False,  # one thread at a time: the pool and the group commit see to it
        )
        for pragma in (*_PRAGMAS, *further):
            connection.execute(pragma)
        return connection

    return connect
