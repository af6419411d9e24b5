"""Shredding: what the hub knew about a person is gone from every file, the leaves stay, and a crash changes nothing."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from hub.errors import KeyUnavailable, StoreError, UsageError
from hub.processor import Scope
from hub.store import audit, schema
from hub.store.db import Database
from hub.store.kek import LocalKek
from hub.store.keys import Keys
from hub.store.ledger import Ledger
from hub.store.shredding import Shredder
from hub.store.vault import Vault
from hub.subject import Identifier

NOVEMBER = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEK = LocalKek(bytes(range(32)))
CANARIES = ("jane.canary@example.org", "Jane Q. Canary", "+447700900123", "Jo Müller-Canary")


class Folder:
    """A data folder with a database, keys and a spool, in which requests are made as the journal makes them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.db = Database.open(home / "hub.db", create=True, busy_timeout=0.05)
        self.keys = Keys.open(home / "keys", KEK, create=True)
        self.vault = Vault(self.db, self.keys)
        (home / "spool").mkdir()
        self.shredder = Shredder(self.db, self.keys, home / "spool")

    def receive(self, request: str, at: datetime = NOVEMBER) -> dict[str, bytes]:
        """A request with a row in every table of its own; returns what must vanish with it, by name."""
        root, wrapped = self.keys.new_root(at)
        sealed = {
            name: root.seal_json(request, name, 1, {"value": CANARIES[:3]})
            for name in ("requests", "identifiers", "holdings", "steps", "events", "exports", "tasks")
        }
        (self.home / "spool" / f"{request}.spool").write_bytes(sealed["exports"])
        track = f"{request}.crm"
        own = {
            "requests": {
                "id": request,
                "rights": ["access"],
                "state": "closed",
                "channel": "cli",
                "received": at.timestamp(),
                "created": at.timestamp(),
                "epoch": wrapped.epoch,
                "wrapped_key": wrapped.wrapped,
                "expires": (at + timedelta(days=175)).timestamp(),
                "options": {},
                "prev": "0" * 64,
                "sealed": sealed["requests"],
            },
            "identifiers": {"seq": 1, "label": "email", "source": "", "round": 1, "index_": root.index(CANARIES[0])},
            "tracks": {"id": track, "instance": "crm", "connector": "crm", "phase": "settled"},
            "holdings": {
                "ordinal": 1,
                "track": track,
                "position": 1,
                "round": 1,
                "index_": root.index("contact/17"),
                "kind": "contact",
                "categories": [],
                "match": "exact",
                "reach": "sole",
                "role": "account_holder",
            },
            "steps": {
                "id": f"{track}.1",
                "track": track,
                "number": 1,
                "operation": "erase",
                "key": "0" * 32,
                "state": "closed",
            },
            "events": {"seq": 1, "leaf": bytes(32)},
            "exports": {"track": track, "file": f"{request}.spool"},
            "tasks": {"id": f"{request}.t", "instance": "crm", "kind": "review", "text": "Look.", "created": 0},
        }

        def journal(conn: Connection) -> None:
            for name, row in own.items():
                table = schema.metadata.tables[name]
                full = row if name == "requests" else row | {"request": request}
                conn.execute(insert(table), full | ({"sealed": sealed[name]} if name in sealed else {}))

        self.db.write(journal)
        return sealed | {"wrapped_key": wrapped.wrapped}

    def holds(self, secret: bytes) -> bool:
        return any(secret in f.read_bytes() for f in self.home.rglob("*") if f.is_file())

    def rows(self, request: str) -> dict[str, int]:
        """How many rows of the request each table has, those without any left out."""
        with self.db.read() as conn:
            counts = {
                name: len(conn.execute(select(table).where(table.c.request == request)).all())
                for name, table in schema.metadata.tables.items()
                if "request" in table.c
            }
        return {name: count for name, count in counts.items() if count}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    folder.db.close()


def test_nothing_of_a_shredded_request_is_left_in_any_file(folder: Folder) -> None:
    gone = folder.receive("gone")
    kept = folder.receive("kept")
    assert all(folder.holds(secret) for secret in (*gone.values(), *kept.values()))
    folder.shredder.shred("gone")
    assert [name for name, secret in gone.items() if folder.holds(secret)] == []
    assert all(folder.holds(secret) for secret in kept.values())
    assert (folder.home / "hub.db-wal").stat().st_size == 0
    assert [f.name for f in (folder.home / "spool").iterdir()] == ["kept.spool"]


def test_the_leaves_stay_and_the_key_does_not(folder: Folder) -> None:
    folder.receive("gone")
    assert folder.rows("gone") == dict.fromkeys(
        ("identifiers", "tracks", "holdings", "steps", "events", "exports", "tasks"), 1
    )
    folder.shredder.shred("gone")
    assert folder.rows("gone") == {"events": 1}
    with folder.db.read() as conn:
        event = conn.execute(select(schema.events)).one()
    assert (event.leaf, event.sealed) == (bytes(32), None)
    with pytest.raises(KeyUnavailable, match="retention has ended"):
        folder.vault.root("gone")


def test_many_requests_leave_nothing_either(folder: Folder) -> None:
    """Many pages, freed in another order than they were filled: what SQLite moves about is overwritten too."""
    secrets = {name: folder.receive(name) for name in (f"r{n}" for n in range(40))}
    for name in sorted(secrets, key=lambda n: int(n[1:]) * 7 % 40):
        folder.shredder.shred(name)
    everything = b"".join(f.read_bytes() for f in folder.home.rglob("*") if f.is_file())
    assert [s for own in secrets.values() for s in own.values() if s in everything] == []


def test_shredding_twice_is_shredding_once(folder: Folder) -> None:
    folder.receive("gone")
    folder.shredder.shred("gone")
    folder.shredder.shred("gone")
    assert folder.rows("gone") == {"events": 1}


def test_an_unknown_request_is_refused(folder: Folder) -> None:
    folder.receive("kept")
    with pytest.raises(UsageError, match="no such request"):
        folder.shredder.shred("unknown")
    assert folder.vault.root("kept")


def test_what_a_crash_left_half_shredded_is_finished_at_the_next_start(folder: Folder) -> None:
    gone = folder.receive("gone")
    kept = folder.receive("kept")
    (folder.home / "spool" / "nobodys.spool").write_bytes(b"left by an export that never ended")
    key_dropped = update(schema.requests).where(schema.requests.c.id == "gone").values(wrapped_key=None)
    folder.db.write(lambda conn: conn.execute(key_dropped))
    assert folder.shredder.reconcile() == ["gone"]
    assert folder.shredder.reconcile() == []
    assert [name for name, secret in gone.items() if folder.holds(secret)] == []
    assert all(folder.holds(secret) for secret in kept.values())
    assert [f.name for f in (folder.home / "spool").iterdir()] == ["kept.spool"]


def test_a_reader_that_goes_on_is_reported_and_the_next_start_finishes(folder: Folder) -> None:
    gone = folder.receive("gone")
    with folder.db.read() as conn:
        conn.execute(select(schema.requests)).all()  # from here on it needs the log as it was
        with pytest.raises(StoreError, match="still stands in the write-ahead log") as caught:
            folder.shredder.shred("gone")
        assert "other hub processes" in caught.value.hint
        assert folder.holds(gone["identifiers"])
    folder.shredder.shred("gone")
    assert not folder.holds(gone["identifiers"])


def test_shredding_waits_for_a_reader_that_ends(folder: Folder) -> None:
    gone = folder.receive("gone")
    reading, done = threading.Event(), threading.Event()

    def read() -> None:
        with folder.db.read() as conn:
            conn.execute(select(schema.requests)).all()
            reading.set()
            done.wait(10)

    reader = threading.Thread(target=read)
    reader.start()
    assert reading.wait(10)
    threading.Timer(0.1, done.set).start()
    folder.shredder.shred("gone")
    reader.join(10)
    assert not folder.holds(gone["identifiers"])


def test_the_key_of_a_month_goes_with_its_last_request(folder: Folder) -> None:
    gone = folder.receive("first")
    folder.receive("second")
    december = NOVEMBER + timedelta(days=20)
    backup = (folder.home / "hub.db").read_bytes() + (folder.home / "hub.db-wal").read_bytes()
    assert gone["wrapped_key"] in backup
    folder.shredder.shred("first")
    assert folder.shredder.retire_epochs(december) == []
    folder.shredder.shred("second")
    assert folder.shredder.retire_epochs(NOVEMBER) == []  # the month is not over
    assert folder.shredder.retire_epochs(datetime(2026, 12, 1, 12, tzinfo=UTC)) == []  # a request may be on its way in
    assert folder.shredder.retire_epochs(december) == ["2026-11"]
    assert folder.shredder.retire_epochs(december) == []
    for keys in (folder.keys, Keys.open(folder.home / "keys", KEK)):  # so the backup's wrapped key opens nothing
        with pytest.raises(KeyUnavailable, match=r"2026-11\.key is missing"):
            keys.unlock("2026-11", gone["wrapped_key"])


def test_nobody_stands_in_clear_in_any_file_or_name(folder: Folder) -> None:
    email, name, phone, staff = CANARIES
    folder.receive("r1")
    folder.vault.save("crm", "refresh", email.encode())
    actor = folder.vault.actor_id(staff)
    obligation, sealed = folder.vault.seal_obligation("o1", name.encode())
    row = {"id": "o1", "instance": "crm", "kind": "k", "ground": "g", "state": "open"}
    ledger = Ledger(folder.keys)

    def journal(conn: Connection) -> None:
        conn.execute(insert(schema.obligations), row | {"wrapped_key": obligation, "sealed": sealed})
        audit.record(conn, at=NOVEMBER, actor=actor, request="r1", what="holdings", why="review")
        for who in (Identifier.email(email), Identifier.name(name), Identifier.phone(phone)):
            ledger.add(conn, who, Scope(), basis="art21", since=NOVEMBER)

    folder.db.write(journal)
    paths = [p for p in folder.home.rglob("*") if p.is_file()]
    assert {"hub.db", "hub.db-wal", "r1.spool", "2026-11.key"} <= {p.name for p in paths}
    everything = b"\n".join(str(p.relative_to(folder.home)).encode() + b"\n" + p.read_bytes() for p in paths).lower()
    for canary in CANARIES:
        for text in (canary, canary.lower()):
            raw = text.encode()
            forms = (raw, raw.hex().encode(), text.encode("utf-16-le"), base64.b64encode(raw).rstrip(b"=").lower())
            assert [form for form in forms if form.lower() in everything] == []
