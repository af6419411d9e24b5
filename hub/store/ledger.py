"""The suppression ledger: whom not to write to, remembered after their data is gone.

It holds keyed hashes, so it can answer "is this person suppressed?" and nothing else. That is pseudonymous personal
data still: each row has a basis, and a period after which it is deleted.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from hub.errors import KeyUnavailable
from hub.processor import Channel, Purpose, Scope
from hub.store.keys import Keys
from hub.store.schema import ledger
from hub.subject import Identifier

_EVERY: Final = ""  # every channel, or every instance


class Ledger:
    """The ledger under one key. Its methods work in the transaction of the connection they are given."""

    def __init__(self, keys: Keys) -> None:
        self._key = keys.derived("ledger")
        self.key_id = hmac.digest(self._key, b"subject-request-hub/v1/ledger-key-id", hashlib.sha256)[:8].hex()

    def add(
        self,
        conn: Connection,
        identifier: Identifier,
        scope: Scope,
        *,
        basis: str,
        since: datetime,
        until: datetime | None = None,
        instance: str = _EVERY,
    ) -> None:
        """Suppress a person. What is suppressed on the same terms already is not entered twice.

        Args:
            conn: in a write transaction.
            identifier: by which the person is to be recognised.
            scope: which uses.
            basis: why it may be remembered: a short citation or code, nothing personal.
            since: when the objection or withdrawal took effect.
            until: when the row is to be deleted; None while the suppression stands.
            instance: where alone it counts; empty for everywhere.
        """
        self._refuse_other_key(conn)
        index = identifier.reference(self._key)
        for purpose, channel in _uses(scope):
            terms = {"index_": index, "purpose": purpose, "channel": channel, "instance": instance, "basis": basis}
            known = and_(*(ledger.c[name] == value for name, value in terms.items()), ledger.c.released.is_(None))
            if conn.execute(select(ledger.c.id).where(known)).first() is None:
                row = terms | {"ledger_key_id": self.key_id, "since": since.timestamp()}
                conn.execute(insert(ledger), row | {"until": until and until.timestamp()})

    def covers(
        self, conn: Connection, identifier: Identifier, scope: Scope, *, at: datetime, instance: str = _EVERY
    ) -> bool:
        """Whether every use in `scope` is suppressed at that moment, there.

        Processing is the widest purpose (Art. 18): who objects to it is suppressed for all. Raises `KeyUnavailable`
        when the ledger was written under another key: "not suppressed" would then be a guess.
        """
        self._refuse_other_key(conn)
        rows = list(
            conn.execute(select(ledger.c.purpose, ledger.c.channel).where(self._active(identifier, at, instance)))
        )
        standing = {(row.purpose, row.channel) for row in rows}
        return all(
            (Purpose.PROCESSING, _EVERY) in standing or (purpose, _EVERY) in standing or (purpose, channel) in standing
            for purpose, channel in _single(scope)
        )

    def release(
        self, conn: Connection, identifier: Identifier, scope: Scope, *, at: datetime, instance: str = _EVERY
    ) -> int:
        """End the suppression of the uses in `scope`, there; returns how many rows ended.

        Where a row covers every channel and `scope` names some, the others stay suppressed on the same terms.
        """
        self._refuse_other_key(conn)
        mine = and_(self._active(identifier, at, instance), ledger.c.instance == instance)
        ended = 0
        for row in conn.execute(select(ledger).where(mine)).mappings().all():
            left = _left(row["purpose"], row["channel"], scope)
            if left is None:
                continue
            ended += 1
            conn.execute(update(ledger).where(ledger.c.id == row["id"]).values(released=at.timestamp()))
            for channel in left:
                kept = {name: value for name, value in row.items() if name != "id"}
                conn.execute(insert(ledger), kept | {"channel": channel})
        return ended

    def purge(self, conn: Connection, at: datetime) -> int:
        """Delete what was released and what has outlived its period; returns how many rows."""
        over = or_(ledger.c.until <= at.timestamp(), ledger.c.released <= at.timestamp())
        return conn.execute(delete(ledger).where(over)).rowcount

    def _active(self, identifier: Identifier, at: datetime, instance: str) -> Any:
        now = at.timestamp()
        return and_(
            ledger.c.index_ == identifier.reference(self._key),
            ledger.c.instance.in_({instance, _EVERY}),
            ledger.c.released.is_(None),
            ledger.c.since <= now,
            or_(ledger.c.until.is_(None), ledger.c.until > now),
        )

    def _refuse_other_key(self, conn: Connection) -> None:
        other = conn.execute(
            select(ledger.c.ledger_key_id).where(ledger.c.ledger_key_id != self.key_id).limit(1)
        ).scalar()
        if other is not None:
            raise KeyUnavailable(
                f"The suppression ledger was written under another key: expected {other}, found {self.key_id}",
                hint="Restore ledger.key of that time into the key directory; nobody may be contacted until then.",
            )


def _uses(scope: Scope) -> Iterator[tuple[Purpose, str]]:
    """The rows that say `scope`. Channels divide marketing alone."""
    for purpose in sorted(scope.purposes):
        if purpose is Purpose.MARKETING and scope.channels:
            yield from ((purpose, channel) for channel in sorted(scope.channels))
        else:
            yield purpose, _EVERY


def _single(scope: Scope) -> Iterator[tuple[Purpose, str]]:
    """As `_uses`, with *every channel* written out: rows for each channel cover them all."""
    for purpose, channel in _uses(scope):
        every = list(Channel) if purpose is Purpose.MARKETING and not channel else [channel]
        yield from ((purpose, one) for one in every)


def _left(purpose: str, channel: str, scope: Scope) -> list[str] | None:
    """The channels a row must go on covering when `scope` is released; None when it does not concern the row."""
    if purpose not in scope.purposes:
        return None
    if purpose != Purpose.MARKETING or not scope.channels:
        return []
    if channel == _EVERY:
        return [c for c in Channel if c not in scope.channels]
    return [] if channel in scope.channels else None
