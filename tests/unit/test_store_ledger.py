"""The suppression ledger: exactly what was asked to stop is stopped, for exactly as long."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hub.errors import KeyUnavailable
from hub.processor import Channel, Purpose, Scope
from hub.store.db import Database
from hub.store.kek import LocalKek
from hub.store.keys import Keys
from hub.store.ledger import Ledger
from hub.store.schema import ledger as table
from hub.subject import Identifier

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEK = LocalKek(bytes(range(32)))
JANE = Identifier.email("jane.canary@example.org")
JOHN = Identifier.email("john@example.org")
MARKETING = Scope()
EMAIL = Scope(channels=frozenset({Channel.EMAIL}))
POST = Scope(channels=frozenset({Channel.POST}))
PROCESSING = Scope(purposes=frozenset({Purpose.PROCESSING}))
SHARING = Scope(purposes=frozenset({Purpose.SHARING}))


class Book:
    """The ledger over a database, one transaction a call."""

    def __init__(self, folder: Path) -> None:
        self.db = Database.open(folder / "hub.db", create=True)
        self.ledger = Ledger(Keys.open(folder / "keys", KEK, create=True))

    def add(self, who: Identifier, scope: Scope, *, instance: str = "", until: datetime | None = None) -> None:
        terms = {"basis": "art21", "since": NOW, "until": until, "instance": instance}
        self.db.write(lambda conn: self.ledger.add(conn, who, scope, **terms))

    def release(self, who: Identifier, scope: Scope, *, instance: str = "") -> int:
        return self.db.write(lambda conn: self.ledger.release(conn, who, scope, at=NOW, instance=instance))

    def covers(self, who: Identifier, scope: Scope, *, at: datetime = NOW, instance: str = "") -> bool:
        with self.db.read() as conn:
            return self.ledger.covers(conn, who, scope, at=at, instance=instance)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path)
    yield book
    book.db.close()


def test_who_objected_is_covered_and_nobody_else(book: Book) -> None:
    book.add(JANE, MARKETING)
    assert book.covers(JANE, MARKETING)
    assert book.covers(Identifier.email(" Jane.Canary@EXAMPLE.org"), EMAIL)
    assert not book.covers(JOHN, MARKETING)
    assert not book.covers(JANE, SHARING)


def test_an_objection_to_one_channel_covers_that_channel_alone(book: Book) -> None:
    book.add(JANE, EMAIL)
    assert book.covers(JANE, EMAIL)
    assert not book.covers(JANE, POST)
    assert not book.covers(JANE, MARKETING)


def test_a_restriction_of_processing_covers_every_use(book: Book) -> None:
    book.add(JANE, PROCESSING)
    assert all(book.covers(JANE, scope) for scope in (MARKETING, EMAIL, SHARING, PROCESSING))


def test_an_instance_is_covered_by_its_own_rows_and_by_those_for_everywhere(book: Book) -> None:
    book.add(JANE, MARKETING, instance="crm_eu")
    assert book.covers(JANE, MARKETING, instance="crm_eu")
    assert not book.covers(JANE, MARKETING, instance="crm_us")
    assert not book.covers(JANE, MARKETING)
    book.add(JOHN, MARKETING)
    assert book.covers(JOHN, MARKETING, instance="crm_us")


def test_a_suppression_lasts_its_period_and_is_then_deleted(book: Book) -> None:
    end = NOW + timedelta(days=30)
    book.add(JANE, MARKETING, until=end)
    assert not book.covers(JANE, MARKETING, at=NOW - timedelta(seconds=1))
    assert book.covers(JANE, MARKETING, at=end - timedelta(seconds=1))
    assert not book.covers(JANE, MARKETING, at=end)
    assert book.db.write(lambda conn: book.ledger.purge(conn, end - timedelta(seconds=1))) == 0
    assert book.db.write(lambda conn: book.ledger.purge(conn, end)) == 1


def test_what_is_said_twice_is_entered_once(book: Book) -> None:
    book.add(JANE, MARKETING)
    book.add(JANE, MARKETING)
    assert book.release(JANE, MARKETING) == 1
    assert not book.covers(JANE, MARKETING)
    assert book.release(JANE, MARKETING) == 0


def test_consent_to_one_channel_leaves_the_others_suppressed(book: Book) -> None:
    book.add(JANE, MARKETING)
    assert book.release(JANE, EMAIL) == 1
    assert not book.covers(JANE, EMAIL)
    assert book.covers(JANE, Scope(channels=frozenset(Channel) - {Channel.EMAIL}))


def test_a_released_row_is_deleted_by_the_next_purge(book: Book) -> None:
    book.add(JANE, SHARING)
    book.release(JANE, SHARING)
    assert book.db.write(lambda conn: book.ledger.purge(conn, NOW)) == 1
    with book.db.read() as conn:
        assert conn.execute(select(table)).all() == []


def test_a_ledger_under_another_key_never_answers(book: Book, tmp_path: Path) -> None:
    book.add(JANE, MARKETING)
    other = Ledger(Keys.open(tmp_path / "other keys", KEK, create=True))
    says = f"expected {book.ledger.key_id}, found {other.key_id}"
    with book.db.read() as conn, pytest.raises(KeyUnavailable, match=says) as caught:
        other.covers(conn, JANE, MARKETING, at=NOW)
    assert "nobody may be contacted" in caught.value.hint


def test_no_address_stands_in_the_ledger(book: Book) -> None:
    book.add(JANE, MARKETING)
    book.db.checkpoint()
    assert b"canary" not in book.db.path.read_bytes().lower()


SINGLE = [(Purpose.MARKETING, channel) for channel in Channel] + [
    (p, None) for p in (Purpose.SHARING, Purpose.PROCESSING)
]
scopes = st.builds(
    Scope,
    purposes=st.frozensets(st.sampled_from(Purpose), min_size=1),
    channels=st.frozensets(st.sampled_from(Channel)),
)


def uses(scope: Scope) -> set[tuple[Purpose, Channel | None]]:
    return {
        (purpose, channel)
        for purpose, channel in SINGLE
        if purpose in scope.purposes and (channel is None or scope.covers(channel))
    }


@pytest.fixture(scope="module")
def shared() -> Iterator[Book]:
    with TemporaryDirectory() as folder:
        book = Book(Path(folder))
        yield book
        book.db.close()


@settings(max_examples=60, deadline=None)
@given(calls=st.lists(st.tuples(st.sampled_from(["add", "release"]), scopes), max_size=5))
def test_the_ledger_covers_what_was_added_and_not_released(shared: Book, calls: list[tuple[str, Scope]]) -> None:
    who = Identifier.external("test.person", secrets.token_hex())  # somebody new each time, in one ledger
    standing: set[tuple[Purpose, Channel | None]] = set()
    for call, scope in calls:
        getattr(shared, call)(who, scope)
        standing = standing | uses(scope) if call == "add" else standing - uses(scope)
    everything = (Purpose.PROCESSING, None) in standing
    for purpose, channel in SINGLE:
        one = Scope(frozenset({purpose}), frozenset({channel}) if channel else frozenset())
        assert shared.covers(who, one) == (everything or (purpose, channel) in standing)
    for purposes, channels in product([{Purpose.MARKETING}, set(Purpose)], [set(), {Channel.EMAIL, Channel.SMS}]):
        wide = Scope(frozenset(purposes), frozenset(channels))
        assert shared.covers(who, wide) == (everything or uses(wide) <= standing)
