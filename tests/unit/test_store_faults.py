"""A database that cannot be used says what is wrong and what to do, and nothing in it is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from hub.errors import StoreError
from hub.store.db import Database
from hub.store.schema import instances, tokens


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A hub database, closed."""
    path = tmp_path / "hub.db"
    Database.open(path, create=True).close()
    return path


def run(script: str, *arguments: object) -> str:
    """Run a script in a process of its own; what it printed."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def refused(path: Path | str, *, says: str, hint: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Database.open(path, busy_timeout=0.05)
    assert hint in caught.value.hint


def test_a_missing_database_is_not_made_by_mistake(tmp_path: Path) -> None:
    refused(tmp_path / "hub.db", says="no hub database", hint="hub init")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used: File exists") as caught:
        Database.open(tmp_path / "file" / "hub.db", create=True)
    assert "who owns it" in caught.value.hint


def test_an_empty_file_is_not_taken_for_a_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").touch(0o600)
    refused(tmp_path / "hub.db", says="is empty", hint="hub init")


@pytest.mark.parametrize("url", ["postgresql://localhost/hub", "sqlite://", "sqlite:///:memory:", "hub.db"])
def test_an_address_that_is_no_sqlite_file(url: str) -> None:
    refused(url, says="SQLite database in a file|not a URL", hint="sqlite:///PATH")


def test_a_path_may_come_as_a_url_and_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "50% of #1? ü" / "hub.db"
    Database.open(path, create=True).close()
    assert path.stat().st_size > 0
    Database.open(f"sqlite:///{tmp_path}/plain.db", create=True).close()
    assert (tmp_path / "plain.db").stat().st_size > 0


def test_a_newer_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    refused(path, says="newer version of the hub .schema 9999", hint="Install the newer version")
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        conn.execute("INSERT INTO alembic_version VALUES ('0001')")
    path.chmod(0o600)
    before = path.read_bytes()
    refused(path, says="another program", hint="data folder")
    with pytest.raises(StoreError, match="another program"):
        Database.open(path, create=True)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"Dear customer, " * 1000)
    path.chmod(0o600)
    refused(path, says="no database", hint="restore the newest backup")


def test_a_damaged_database(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    refused(path, says="damaged", hint="restore the newest backup")


def test_damage_found_while_reading(path: Path) -> None:
    db = Database.open(path)
    for number in range(300):
        row = {"instance": f"crm{number}", "name": "refresh", "sealed": bytes(500)}
        db.write(lambda conn, row=row: conn.execute(insert(tokens), row))
    db.close()
    content = bytearray(path.read_bytes())
    content[-10 * 4096 :] = b"\xff" * 10 * 4096
    path.write_bytes(content)
    db = Database.open(path)
    with pytest.raises(StoreError, match="damaged") as caught, db.read() as conn:
        conn.execute(select(tokens)).all()
    assert "restore" in caught.value.hint
    db.close()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_database_open_to_other_users_is_refused(path: Path, what: str) -> None:
    (path if what == "file" else path.parent).chmod(0o755)
    refused(path, says="open to other users", hint="chmod " + ("600" if what == "file" else "700"))


def test_a_lock_that_another_process_keeps(path: Path) -> None:
    db = Database.open(path, busy_timeout=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as caught:
            db.write(lambda conn: conn.execute(insert(instances), {"name": "crm"}))
        assert "other hub process" in caught.value.hint
        with db.read() as conn:  # readers go on meanwhile
            assert conn.execute(select(instances)).all() == []
    db.write(lambda conn: conn.execute(insert(instances), {"name": "crm"}))
    db.close()


def test_a_full_disk(path: Path) -> None:
    db = Database.open(path)

    def fill(conn: Connection) -> None:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # the way SQLite itself reports a full disk
        conn.execute(insert(tokens), {"instance": "crm", "name": "big", "sealed": bytes(1_000_000)})

    with pytest.raises(StoreError, match="disk is full") as caught:
        db.write(fill)
    assert "Free some space" in caught.value.hint
    db.write(lambda conn: conn.execute(insert(instances), {"name": "crm"}))  # what still fits is written
    with db.read() as conn:
        assert conn.execute(select(tokens)).all() == []
    db.close()


def test_a_disk_that_refuses_the_commit(path: Path) -> None:
    """The write-ahead log may not grow: every write of the group fails, and later ones succeed again."""
    printed = run(
        """
        import resource, sys, threading
        from pathlib import Path
        from sqlalchemy import insert, select
        from hub.errors import StoreError
        from hub.store.db import Database
        from hub.store.schema import tokens

        db = Database.open(Path(sys.argv[1]))
        answers = {}
        def write(name):
            row = {"instance": "crm", "name": name, "sealed": bytes(50_000)}
            try:
                db.write(lambda conn: conn.execute(insert(tokens), row))
                answers[name] = None
            except StoreError as error:
                answers[name] = error
        write("before")
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (Path(sys.argv[1] + "-wal").stat().st_size + 10_000, hard))
        threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        write("after")
        with db.read() as conn:
            kept = set(conn.execute(select(tokens.c.name)).scalars())
        assert kept == {name for name, error in answers.items() if error is None}, (kept, answers)
        print(sorted(kept), {(e.message.split(" (")[0], bool(e.hint)) for e in answers.values() if e})
        """,
        path,
    )
    assert printed == "['after', 'before'] {('The disk failed while the database was being read or written', True)}\n"


def test_a_database_that_this_user_may_only_read(path: Path) -> None:
    path.chmod(0o400)
    printed = run(
        """
        import ctypes, os, sys
        if "again" not in sys.argv:  # root reads and writes whatever the mode says, unless it gives that right up
            for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
                ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP, in force from the next exec on
            os.execv(sys.executable, [*sys.orig_argv, "again"])
        from pathlib import Path
        from sqlalchemy import insert, select
        from hub.errors import StoreError
        from hub.store.db import Database
        from hub.store.schema import instances

        db = Database.open(Path(sys.argv[1]))
        with db.read() as conn:
            print(conn.execute(select(instances)).all())
        try:
            db.write(lambda conn: conn.execute(insert(instances), {"name": "crm"}))
        except StoreError as error:
            print(error.diagnostics())
        """,
        path,
    )
    assert printed.startswith("[]\nThe database is read-only for this user")
    assert "Make the file and its folder writable" in printed


def test_an_ordinary_start_does_not_pay_for_alembic(path: Path) -> None:
    printed = run(
        """
        import sys
        from pathlib import Path
        from hub.store.db import Database
        Database.open(Path(sys.argv[1])).close()
        print("alembic" in sys.modules)
        """,
        path,
    )
    assert printed == "False\n"


def test_a_crash_while_the_schema_was_made_is_made_good(path: Path) -> None:
    """Making the schema is one transaction: what a crash leaves is an empty file, and `create` goes on from it."""
    path.write_bytes(b"")
    Database.open(path, create=True).close()
    shutil.copy(path, path.with_name("copy.db"))
    Database.open(path.with_name("copy.db")).close()
