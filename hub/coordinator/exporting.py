"""Exporting a holding into the track's encrypted spool, so that a crash at record 900,000 goes on there."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select, update

from hub.coordinator.calling import Flown, about, failed_event, fly, postpone_step, reachable_again, step_for
from hub.coordinator.codec import encode, evidence
from hub.coordinator.journal import change_step
from hub.coordinator.sealed import holding_of, seal_step, step_secrets
from hub.evidence.events import event
from hub.exports.spool import Mark, SpoolWriter
from hub.holding import Record
from hub.outcome import Done, Method, Unsupported
from hub.processor import Operation
from hub.store.schema import exports

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn

CHECKPOINT = 5.0
"""Seconds between two checkpoints: what a crash costs at most."""
LONGEST = 7 * 86400.0
"""Seconds one attempt at an export may take; its lease is renewed all the while."""


@dataclass(slots=True)
class Spool:
    """A track's spool: where it is, its key, and how far it is safely on disk."""

    file: str
    key: bytes = field(repr=False)
    mark: Mark = field(default_factory=Mark)

    def path(self, folder: Path) -> Path:
        """The file; its name is random."""
        return folder / self.file


def read_spool(turn: Turn, conn: Connection) -> Spool | None:
    """The track's spool as the journal knows it."""
    mine = (exports.c.request == turn.request) & (exports.c.track == turn.track)
    row = conn.execute(select(exports).where(mine)).one_or_none()
    if row is None:
        return None
    body = json.loads(turn.root.open(turn.request, "exports", turn.track, row.sealed))
    return Spool(row.file, bytes.fromhex(body["key"]), Mark(**body["mark"]))


def _keep(turn: Turn, conn: Connection, spool: Spool, *, new: bool) -> None:
    body = json.dumps({"key": spool.key.hex(), "mark": asdict(spool.mark)}).encode()
    values = {"records": spool.mark.records, "sealed": turn.root.seal(turn.request, "exports", turn.track, body)}
    if new:
        conn.execute(insert(exports).values(request=turn.request, track=turn.track, file=spool.file, **values))
    else:
        mine = (exports.c.request == turn.request) & (exports.c.track == turn.track)
        conn.execute(update(exports).where(mine).values(**values))


class _Export:
    """One attempt at exporting one holding."""

    def __init__(self, turn: Turn, step: Row[Any]) -> None:
        self.turn = turn
        self.step = step
        before = step_secrets(turn, step)
        self.cursor: str | None = before.get("cursor")
        self.count: int = before.get("count", 0)
        with turn.desk.db.read() as conn:
            known = read_spool(turn, conn)
        self.spool = known or Spool(secrets.token_hex(16), secrets.token_bytes(32))
        if known is None:  # its key is in the journal before its first byte is on disk
            turn.hold(lambda conn: _keep(turn, conn, self.spool, new=True))

    def run(self) -> int:
        """Stream everything into the spool; returns how many records and files the holding has."""
        turn, holding = self.turn, holding_of(self.turn, self.step)
        as_step = step_for(turn, self.step, self.cursor, seconds=LONGEST)
        context = f"{turn.request}/{turn.track}".encode()
        source = f"holding-{self.step.holding}"
        count, saved = self.count, turn.desk.clock.monotonic()
        turn.desk.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.spool.path(turn.desk.spool)
        with SpoolWriter(path, self.spool.key, context, at=self.spool.mark) as writer:
            for item in turn.active.processor.export(holding, as_step):
                if isinstance(item, Record):
                    writer.add(item, source=source)
                else:
                    writer.add_file(item, source=source)
                count += 1
                if item.cursor is not None and turn.desk.clock.monotonic() - saved >= CHECKPOINT:
                    saved = turn.desk.clock.monotonic()
                    self._checkpoint(writer.sync(), item.cursor, count)
            self.spool.mark = writer.finish()
        return count

    def _checkpoint(self, mark: Mark, cursor: str, count: int) -> None:
        """Commit how far the spool and the service's cursor got, together."""
        self.spool.mark, self.cursor, self.count = mark, cursor, count
        sealed = seal_step(self.turn, self.step, {"cursor": cursor, "count": count})

        def write(conn: Connection) -> None:
            _keep(self.turn, conn, self.spool, new=False)
            change_step(conn, self.step.id, sealed=sealed)

        self.turn.hold(write)

    def done(self, conn: Connection, count: int, flown: Flown) -> None:
        """Record the holding as exported."""
        turn, outcome = self.turn, Done(Method.EXPORTED, count)
        reachable_again(turn, conn, self.step.tries)
        _keep(turn, conn, self.spool, new=False)
        fields = about(turn, self.step) | evidence(outcome)
        turn.note(conn, event("step.outcome", **fields, exchanges=flown.exchanges))
        change_step(conn, self.step.id, state="closed", outcome=encode(outcome), reason=None, tries=0, sealed=None)

    def failed(self, conn: Connection, flown: Flown) -> None:
        """Record why it was not, and when it goes on."""
        turn = self.turn
        turn.note(conn, failed_event(about(turn, self.step), flown))
        assert flown.error is not None
        postpone_step(turn, conn, self.step, flown.error, state="ready")


def export(turn: Turn, step: Row[Any]) -> Callable[[Connection], None]:
    """Export the step's holding; returns the write that records it."""
    if cannot := turn.desk.fleet.processor(turn.instance).cannot(Operation.EXPORT):
        return lambda conn: _cannot(turn, conn, step, cannot)
    attempt = _Export(turn, step)
    count, flown = fly(turn, attempt.run, seconds=LONGEST)
    if flown.error is not None or count is None:
        return lambda conn: attempt.failed(conn, flown)
    return lambda conn: attempt.done(conn, count, flown)


def _cannot(turn: Turn, conn: Connection, step: Row[Any], answer: Unsupported) -> None:
    """The service has no way to read out what it holds: the copy names it as missing."""
    turn.note(conn, event("step.outcome", **about(turn, step), **evidence(answer), exchanges=[]))
    change_step(conn, step.id, state="closed", outcome=encode(answer), reason=None)
