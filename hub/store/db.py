"""The database: readers that see one snapshot, and one writer whose commits many callers share.

Group commit, because a durable commit waits for the disk: while one is under way further writes queue up, and the first
of them then carries out all that wait in one transaction, each under its own savepoint. `write` returns after COMMIT.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.errors import HubError, StoreError
from hub.store import migrate, private, sqlite

T = TypeVar("T")


class Database:
    """One hub database, safe to share between threads. Made by `Database.open`."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self.path = path
        self._busy_timeout = busy_timeout
        self._readers = sqlite.reader(path, busy_timeout)
        self._writers = sqlite.writer(path, busy_timeout)
        with self._translated():
            self._writer = self._writers.connect()  # used by whoever leads, and by nobody else
        self._state = threading.Condition()
        self._waiting: list[_Write] = []
        self._leader: int | None = None  # ident of the thread that writes now
        self._closed = False

    @classmethod
    def open(cls, url: str | Path, *, create: bool = False, busy_timeout: float = 5.0) -> Database:
        """Open a database and bring its schema up to date.

        Args:
            url: a path, or `sqlite:///PATH`.
            create: make the file, and its folder, when they are not there.
            busy_timeout: seconds to wait for another process's lock.

        Raises `StoreError`: not there, open to other users, not ours, newer than this program, damaged or locked.
        """
        path = sqlite.path_of(url)
        with private.explained(path, StoreError):
            if create:
                private.make_folder(path.parent)
                sqlite.make_file(path)
            if not path.is_file():
                raise StoreError(f"There is no hub database at {path}", hint="Name its data folder, or run `hub init`.")
            private.refuse_if_open(path.parent, StoreError)
            private.refuse_if_open(path, StoreError)
        version = sqlite.version_of(path, busy_timeout)
        if version is None and not create:
            raise StoreError(f"{path} is empty", hint="Run `hub init`, which also makes the keys that belong to it.")
        outdated = migrate.is_outdated(version, path)
        database = cls(path, busy_timeout)
        if outdated:
            with ExitStack() as failing:
                failing.callback(database.close)
                database.write(migrate.upgrade)
                failing.pop_all()
        return database

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that reads: everything read through it is of one instant, and it cannot write.

        Raises `StoreError` when the database fails.
        """
        if self._closed:
            raise _closed(self.path)
        with self._translated(), self._readers.connect() as connection:
            yield connection

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction, and return what it returned once that is durably committed.

        `fn` may run in another thread and shares its transaction, so it does nothing but database work, with the
        connection it is given. When it raises, what it did is rolled back, and no one else's. Raises `StoreError` when
        the database fails; then nothing of it was kept, unless the message says otherwise.
        """
        mine = _Write(fn)
        if self._leader == mine.thread:
            raise RuntimeError("write() inside a write() would wait for itself: use the connection passed in")
        try:
            if not self._leads(mine):
                mine.turn.acquire()  # released when it was carried out, or when it is its turn to lead
            if not mine.settled:
                self._lead()
        except BaseException:  # Ctrl-C while waiting: the others must not wait for this thread
            self._withdraw(mine)
            raise
        return mine.result()  # type: ignore[no-any-return]  # the T of `fn`; the queue holds writes of every type

    def checkpoint(self, tries: int = 6) -> None:
        """Move the write-ahead log into the database file and cut it, so that nothing deleted stands in it any more.

        Waits for readers, `tries` times the busy timeout. Raises `StoreError` when one of them reads on even then.
        """
        if not any(sqlite.truncate_wal(self.path, self._busy_timeout) for _ in range(tries)):
            raise StoreError(
                "What was deleted still stands in the write-ahead log, because another process goes on reading",
                hint="Stop other hub processes on this data folder; the hub tries again when it starts.",
            )

    def close(self) -> None:
        """Wait for the writes under way, then close. A second call does nothing."""
        with self._state:
            self._closed = True
            self._state.wait_for(lambda: self._leader is None)
        self._writer.close()
        self._writers.dispose()
        self._readers.dispose()

    def _leads(self, write: _Write) -> bool:
        """Queue the write; whether its thread is to carry out what waits."""
        with self._state:
            if self._closed:
                raise _closed(self.path)
            self._waiting.append(write)
            self._leader = self._leader or write.thread
            return self._leader == write.thread

    def _lead(self) -> None:
        """Carry out everything that waits, in one transaction, then pass the lead on."""
        with self._state:
            group, self._waiting = self._waiting, []
        try:
            self._commit(group)
        finally:
            with self._state:
                self._pass_on()
            for member in group:
                member.turn.release()

    def _pass_on(self) -> None:
        """Let the first that waits lead, or nobody. The caller holds the state and has led until now."""
        if self._waiting:
            self._leader = self._waiting[0].thread
            self._waiting[0].turn.release()
        else:
            self._leader = None
            self._state.notify_all()

    def _withdraw(self, write: _Write) -> None:
        with self._state:
            self._waiting = [other for other in self._waiting if other is not write]
            if self._leader == write.thread:
                self._pass_on()

    def _commit(self, group: list[_Write]) -> None:
        connection = self._writer
        try:
            with connection.begin():
                for member in group:
                    if len(group) == 1:
                        member.value = member.fn(connection)  # the transaction itself is its savepoint
                    else:
                        self._run_apart(connection, member)
        except Exception as error:  # noqa: BLE001  # handed on, each to its caller
            for member in group:
                member.error = member.error or (self._explained(error) if len(group) > 1 else self._plain(error))
            self._roll_back()
        except BaseException:
            self._roll_back()
            raise
        else:
            for member in group:
                member.kept = True
        finally:
            for member in group:
                member.settled = True

    def _roll_back(self) -> None:  # a COMMIT that failed leaves the driver's transaction open
        self._writer.connection.rollback()

    def _run_apart(self, connection: Connection, member: _Write) -> None:
        driver: Any = self._writer.connection.driver_connection  # the short way: a track takes ten of these
        try:
            driver.execute("SAVEPOINT member")
            member.value = member.fn(connection)
            driver.execute("RELEASE SAVEPOINT member")
        except Exception as error:  # noqa: BLE001  # handed on to its caller
            try:
                driver.execute("ROLLBACK TO SAVEPOINT member")
            except sqlite3.Error:  # the database has ended the whole transaction (disk full): nobody's was kept
                raise error from None
            member.error = self._plain(error)

    def _plain(self, error: Exception) -> Exception:
        """The error as its own caller gets it: the database's faults put in words, everything else as it is."""
        if isinstance(error, (DBAPIError, sqlite3.Error)) and not isinstance(error, IntegrityError):
            return self._explained(error)
        return error

    def _explained(self, error: Exception) -> HubError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        explained = sqlite.fault(cause, self.path)
        explained.__cause__ = error
        return explained

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise sqlite.fault(error.orig, self.path) from error


class _Write:
    """A write that waits for its turn, and then for its caller to fetch the answer."""

    __slots__ = ("error", "fn", "kept", "settled", "thread", "turn", "value")

    def __init__(self, fn: Callable[[Connection], Any]) -> None:
        self.fn = fn
        self.thread = threading.get_ident()
        self.turn = threading.Lock()
        self.turn.acquire()
        self.settled = False  # carried out, well or not
        self.kept = False  # COMMIT has succeeded
        self.value: Any = None
        self.error: Exception | None = None

    def result(self) -> Any:
        error, self.error = self.error, None
        if error is None and self.kept:
            return self.value
        error = error or StoreError(
            "The hub was interrupted while it wrote; whether this write was kept is unknown",
            hint="Start the hub again: it goes on from what the journal holds.",
        )
        try:
            raise error
        finally:
            del error  # else the traceback and this frame would keep each other, and what they hold, alive


def _closed(path: Path) -> StoreError:
    return StoreError(f"{path} was closed", hint="Open it again; nothing was changed.")
