"""The database: what a write promises, alone and in a group, and that a reader sees one instant."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from hub.errors import StoreError
from hub.store import migrate
from hub.store.db import Database
from hub.store.schema import instances, metadata, tokens, tracks


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "data" / "hub.db", create=True, busy_timeout=0.1)
    yield database
    database.close()


def add(name: str) -> Callable[[Connection], str]:
    def fn(conn: Connection) -> str:
        conn.execute(insert(instances), {"name": name})
        return name

    return fn


def names(db: Database) -> list[str]:
    with db.read() as conn:
        return list(conn.execute(select(instances.c.name).order_by(instances.c.name)).scalars())


def in_one_group(db: Database, *fns: Callable[[Connection], object]) -> list[object]:
    """Carry out `fns` in one transaction, each from a thread of its own; what each returned or raised."""
    answers: list[object] = [None] * len(fns)
    started, go_on = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        started.set()
        assert go_on.wait(10)

    def call(number: int, fn: Callable[[Connection], object]) -> None:
        try:
            answers[number] = db.write(fn)
        except BaseException as error:  # noqa: BLE001  # the answer under test
            answers[number] = error

    holder = threading.Thread(target=db.write, args=(hold,))
    holder.start()
    assert started.wait(10)
    threads = []
    for number, fn in enumerate(fns):  # in order: the first to wait leads the group
        threads.append(threading.Thread(target=call, args=(number, fn)))
        threads[-1].start()
        while len(db._waiting) <= number:
            time.sleep(0.001)
    go_on.set()
    for thread in (holder, *threads):
        thread.join(10)
        assert not thread.is_alive()
    return answers


def test_a_write_returns_its_value_and_is_seen_by_others_afterwards(db: Database, tmp_path: Path) -> None:
    assert db.write(add("crm")) == "crm"
    other = Database.open(tmp_path / "data" / "hub.db")
    assert names(other) == ["crm"]
    other.close()


def test_files_are_for_the_owner_alone(db: Database, tmp_path: Path) -> None:
    db.write(add("crm"))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "data").iterdir()}
    assert modes == {"hub.db": 0o600, "hub.db-wal": 0o600, "hub.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("temp_store", 2), ("foreign_keys", 1)],
)
def test_every_connection_is_durable_and_leaves_nothing_behind(db: Database, pragma: str, value: object) -> None:
    ask = f"PRAGMA {pragma}"
    with db.read() as conn:
        assert conn.exec_driver_sql(ask).scalar() == value
    assert db.write(lambda conn: conn.exec_driver_sql(ask).scalar()) == value


def test_a_failing_write_leaves_nothing_and_says_what_it_raised(db: Database) -> None:
    def half(conn: Connection) -> None:
        add("half")(conn)
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        db.write(half)
    assert names(db) == []


def test_a_broken_rule_of_the_schema_reaches_the_caller_as_such(db: Database) -> None:
    db.write(add("crm"))
    with pytest.raises(IntegrityError):
        db.write(add("crm"))


def test_errors_of_the_database_never_quote_what_was_written(db: Database) -> None:
    row = {"instance": "crm", "name": "canary", "sealed": b""}
    db.write(lambda conn: conn.execute(insert(tokens), row))
    with pytest.raises(IntegrityError) as caught:
        db.write(lambda conn: conn.execute(insert(tokens), row))
    assert "canary" not in f"{caught.value!r} {caught.value}"


def test_a_failing_member_of_a_group_fails_alone(db: Database) -> None:
    def half(conn: Connection) -> None:
        add("half")(conn)
        raise LookupError

    db.write(add("taken"))
    one, two, three, four = in_one_group(db, add("one"), half, add("taken"), add("four"))
    assert (one, four) == ("one", "four")
    assert isinstance(two, LookupError)
    assert isinstance(three, IntegrityError)
    assert names(db) == ["four", "one", "taken"]


def test_savepoints_of_a_member_are_its_own(db: Database) -> None:
    def tries_twice(conn: Connection) -> str:
        with suppress(IntegrityError), conn.begin_nested():
            add("mine")(conn)
            add("taken")(conn)
        return add("second choice")(conn)

    db.write(add("taken"))
    assert in_one_group(db, add("before"), tries_twice, add("after")) == ["before", "second choice", "after"]
    assert names(db) == ["after", "before", "second choice", "taken"]


def test_a_commit_that_fails_fails_every_member(db: Database) -> None:
    def orphan(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # so that COMMIT itself refuses it
        row = {"id": "t", "request": "nobody", "instance": "crm", "connector": "crm", "phase": "find"}
        conn.execute(insert(tracks), row)

    answers = in_one_group(db, add("one"), orphan, add("three"))
    assert [type(a) for a in answers] == [StoreError] * 3
    assert len({id(a) for a in answers}) == 3  # each caller its own, with its own traceback
    assert names(db) == []
    assert db.write(add("later")) == "later"


def test_an_interrupt_in_a_group_leaves_nobody_waiting(db: Database) -> None:
    def interrupted(conn: Connection) -> None:
        raise KeyboardInterrupt

    one, two, three = in_one_group(db, interrupted, add("two"), add("three"))
    assert isinstance(one, KeyboardInterrupt)
    assert isinstance(two, StoreError)
    assert isinstance(three, StoreError)
    assert names(db) == []
    assert db.write(add("later")) == "later"


def test_ctrl_c_while_waiting_holds_up_nobody(tmp_path: Path) -> None:
    """In a process of its own, whose main thread gets the signal."""
    script = """
import os, signal, sys, threading, time
from pathlib import Path
from sqlalchemy import insert, select
from hub.store.db import Database
from hub.store.schema import instances

db = Database.open(Path(sys.argv[1]), create=True)
add = lambda name: lambda conn: conn.execute(insert(instances), {"name": name})
started, go_on = threading.Event(), threading.Event()

def hold(conn):
    started.set()
    assert go_on.wait(10)

def interrupt():
    while not db._waiting:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=db.write, args=(hold,)).start()
assert started.wait(10)
threading.Thread(target=interrupt).start()
try:
    db.write(add("given up"))
except KeyboardInterrupt:
    go_on.set()
    db.write(add("later"))
    with db.read() as conn:
        print(list(conn.execute(select(instances.c.name)).scalars()))
    db.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path / "hub.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout == "['later']\n"


def test_many_threads_lose_nothing(db: Database) -> None:
    def work(thread: int) -> None:
        for number in range(20):
            db.write(add(f"{thread:02}-{number:02}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert names(db) == [f"{t:02}-{n:02}" for t in range(16) for n in range(20)]


def test_a_group_costs_one_transaction(db: Database) -> None:
    began: list[int] = []

    def counting(conn: Connection) -> None:
        began.append(id(conn.get_transaction()))

    in_one_group(db, *[counting] * 8)
    assert len(began) == 8
    assert len(set(began)) == 1


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_ever(db: Database) -> None:
    with pytest.raises(RuntimeError, match="inside a write"):
        db.write(lambda _: db.write(add("inner")))
    assert db.write(add("later")) == "later"


def test_a_reader_sees_one_instant_and_cannot_write(db: Database) -> None:
    count = select(func.count()).select_from(instances)
    with db.read() as conn:
        assert conn.execute(count).scalar() == 0
        db.write(add("crm"))
        assert conn.execute(count).scalar() == 0
    assert names(db) == ["crm"]
    with pytest.raises(StoreError, match="read-only"), db.read() as conn:
        add("by a reader")(conn)


def test_more_readers_than_any_pool_holds_do_not_wait_for_each_other(db: Database) -> None:
    everybody = threading.Barrier(40, timeout=10)
    seen: list[int] = []

    def read() -> None:
        with db.read() as conn:
            everybody.wait()
            seen.append(len(conn.execute(select(instances)).all()))

    threads = [threading.Thread(target=read) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [0] * 40


def test_closing_waits_for_the_write_under_way(db: Database) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(conn: Connection) -> str:
        started.set()
        assert go_on.wait(10)
        return add("slow")(conn)

    writing = threading.Thread(target=db.write, args=(slow,))
    writing.start()
    assert started.wait(10)
    closing = threading.Thread(target=db.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    go_on.set()
    closing.join(10)
    writing.join(10)
    reopened = Database.open(db.path)
    assert names(reopened) == ["slow"]
    reopened.close()


def test_a_closed_database_says_so(db: Database) -> None:
    db.close()
    db.close()
    with pytest.raises(StoreError, match="closed"):
        db.write(add("late"))
    with pytest.raises(StoreError, match="closed"), db.read():
        pass


def test_the_migrations_make_the_schema(db: Database) -> None:
    with db.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_version_this_program_knows_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]
