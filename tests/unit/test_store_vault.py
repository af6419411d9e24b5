"""The vault, its tokens and actors, and the audit: sealed, found again, and nothing of it in clear."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from hub.errors import KeyUnavailable, UsageError
from hub.store import audit
from hub.store.db import Database
from hub.store.kek import LocalKek
from hub.store.keys import Keys
from hub.store.schema import actors, requests, tokens
from hub.store.vault import Vault

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEK = LocalKek(bytes(range(32)))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "hub.db", create=True)
    yield database
    database.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.open(tmp_path / "keys", KEK, create=True)


@pytest.fixture
def vault(db: Database, keys: Keys) -> Vault:
    return Vault(db, keys)


def restarted(db: Database, keys: Keys) -> Vault:
    return Vault(db, Keys.open(keys.directory, KEK))


def receive(db: Database, keys: Keys, request_id: str) -> None:
    _, wrapped = keys.new_root(NOW)
    row = {
        "id": request_id,
        "rights": ["access"],
        "state": "received",
        "channel": "cli",
        "received": NOW.timestamp(),
        "created": NOW.timestamp(),
        "epoch": wrapped.epoch,
        "wrapped_key": wrapped.wrapped,
        "expires": (NOW + timedelta(days=175)).timestamp(),
        "options": {},
        "prev": "0" * 64,
    }
    db.write(lambda conn: conn.execute(insert(requests), row))


def test_a_request_has_its_key_after_a_restart(db: Database, keys: Keys, vault: Vault) -> None:
    receive(db, keys, "r1")
    sealed = vault.root("r1").seal_json("r1", "identifiers", 1, {"value": "jane@example.org"})
    assert restarted(db, keys).root("r1").open_json("r1", "identifiers", 1, sealed) == {"value": "jane@example.org"}


def test_an_unknown_request_and_a_shredded_one_are_told_apart(db: Database, keys: Keys, vault: Vault) -> None:
    receive(db, keys, "r1")
    with pytest.raises(UsageError, match="no such request"):
        vault.root("r2")
    db.write(lambda conn: conn.execute(update(requests).values(wrapped_key=None)))
    with pytest.raises(KeyUnavailable, match="request r1 is gone: its retention has ended"):
        vault.root("r1")


def test_tokens_are_kept_replaced_and_forgotten(db: Database, keys: Keys, vault: Vault) -> None:
    assert vault.load("crm_eu", "refresh") is None
    vault.save("crm_eu", "refresh", b"first")
    vault.save("crm_us", "refresh", b"another instance's")
    vault.save("crm_eu", "refresh", b"second")
    assert restarted(db, keys).load("crm_eu", "refresh") == b"second"
    vault.save("crm_eu", "refresh", None)
    vault.save("crm_eu", "refresh", None)
    assert vault.load("crm_eu", "refresh") is None
    assert vault.load("crm_us", "refresh") == b"another instance's"


def test_a_token_moved_to_another_instance_does_not_open(db: Database, vault: Vault) -> None:
    vault.save("crm_eu", "refresh", b"token")
    db.write(lambda conn: conn.execute(update(tokens).values(instance="crm_us")))
    with pytest.raises(KeyUnavailable, match="tokens does not open"):
        vault.load("crm_us", "refresh")


def test_an_obligation_opens_by_its_own_key_alone(db: Database, keys: Keys, vault: Vault) -> None:
    wrapped, sealed = vault.seal_obligation("o1", b'{"id": 17}')
    other, _ = vault.seal_obligation("o2", b"{}")
    assert restarted(db, keys).open_obligation("o1", wrapped, sealed) == b'{"id": 17}'
    for id_, key in (("o1", other), ("o2", wrapped), ("o1", bytes(40))):
        with pytest.raises(KeyUnavailable):
            vault.open_obligation(id_, key, sealed)


def test_an_actor_keeps_the_id_and_the_name(db: Database, keys: Keys, vault: Vault) -> None:
    jo = vault.actor_id("Jo  Müller ")
    assert len(jo) == 32
    assert vault.actor_id("Jo Mu\u0308ller") == jo == restarted(db, keys).actor_id("Jo Müller")
    assert vault.actor_id("Sam Okafor") != jo
    assert restarted(db, keys).actor_name(jo) == "Jo Müller"
    assert vault.actor_name("0" * 32) is None
    with pytest.raises(UsageError, match="empty name"):
        vault.actor_id("  ")


def test_a_new_actor_named_by_many_at_once_is_one(db: Database, vault: Vault) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(vault.actor_id("Jo Müller"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(ids) == 12
    assert len(set(ids)) == 1
    with db.read() as conn:
        assert len(conn.execute(select(actors)).all()) == 1


def test_readings_are_audited_in_order(db: Database, vault: Vault) -> None:
    jo = vault.actor_id("Jo Müller")
    later = NOW + timedelta(hours=1)
    db.write(lambda c: audit.record(c, at=NOW, actor=jo, request="r1", what="holdings", why="review"))
    db.write(lambda c: audit.record(c, at=later, actor="hub", request=None, what="export.plain", why="asked_for"))
    with db.read() as conn:
        first, second = audit.entries(conn)
        assert first == audit.Entry(NOW, jo, "r1", "holdings", "review")
        assert second == audit.Entry(later, "hub", None, "export.plain", "asked_for")
        assert list(audit.entries(conn, request="r1")) == [first]
        assert list(audit.entries(conn, since=later)) == [second]


@pytest.mark.parametrize(
    "slip",
    [{"actor": "Jo Müller"}, {"request": "jane@example.org"}, {"what": "Jane's file"}, {"why": "+44 7700 900123"}],
)
def test_the_audit_takes_no_free_text(db: Database, slip: dict[str, str]) -> None:
    entry = {"actor": "hub", "request": "r1", "what": "holdings", "why": "review"} | slip
    with pytest.raises(ValueError, match="ids and codes only") as caught:
        db.write(lambda conn: audit.record(conn, at=NOW, **entry))
    assert next(iter(slip.values())) not in str(caught.value)
    with db.read() as conn:
        assert list(audit.entries(conn)) == []
