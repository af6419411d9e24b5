"""Writing the journal: the few writes that everything else is made of.

Every function takes the connection of a transaction that somebody else opened, so that an outcome, its event and the
next state are committed together or not at all.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Connection,
    Table,
    Update,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from hub.coordinator.codec import instant
from hub.errors import Fenced
from hub.evidence.events import Event, digest, disclose, leaf_hash
from hub.store.keys import RootKey
from hub.store.schema import events, requests, steps, tasks, tracks


def new_id() -> str:
    """A random id, 16 characters of 0-9a-f: 64 bits, nothing to guess from."""
    return secrets.token_hex(8)


T = TypeVar("T")

Head = tuple[int, str]
"""The newest event of a request: its number and its digest."""


_HEAD = select(requests.c.seq, requests.c.prev).where(requests.c.id == bindparam("request"))
_MOVE_HEAD = (
    update(requests).where(requests.c.id == bindparam("of")).values(seq=bindparam("to"), prev=bindparam("last"))
)
_ADD_EVENT = insert(events)


CHANGED = "hub.changed"
"""In a connection's `info`: ids of steps changed since a worker last took them from there, for its next look."""
NEWS = "hub.news"
"""In a connection's `info`: the events of the transaction under way, for the observers once it is through."""


def append(
    conn: Connection, root: RootKey, request: str, new: Iterable[Event], now: float, *, head: Head | None = None
) -> Head:
    """Append events to a request's chain; they are committed with whatever else the transaction holds.

    Args:
        conn: in a write transaction.
        root: the request's key.
        request: its id.
        new: the events.
        now: POSIX seconds.
        head: the newest event's place, when this transaction knows it already.

    Returns the new head.
    """
    seq, prev = head or conn.execute(_HEAD, {"request": request}).one()
    at = instant(now)
    rows = []
    for item in new:
        seq += 1
        disclosure = disclose(item, request=request, seq=seq, prev=prev, salt=root.salt(request, seq), at=at)
        prev = digest(disclosure)
        sealed = root.seal(request, "events", seq, disclosure)
        rows.append({"request": request, "seq": seq, "leaf": leaf_hash(disclosure), "sealed": sealed})
        conn.info.setdefault(NEWS, []).append({"type": item.type, "request": request, **item.fields})
    if rows:
        conn.execute(_ADD_EVENT, rows)
        conn.execute(_MOVE_HEAD, {"of": request, "to": seq, "last": prev})
    return seq, prev


_FENCE = (
    update(tracks)
    .where(tracks.c.id == bindparam("track"), tracks.c.attempt == bindparam("mine"), tracks.c.lease_owner.is_not(None))
    .values(lease_until=bindparam("until"))
)


def renew(conn: Connection, track: str, attempt: int, until: float) -> None:
    """Make the lease last longer, or raise `Fenced`."""
    if conn.execute(_FENCE, {"track": track, "mine": attempt, "until": until}).rowcount != 1:
        raise Fenced


_RELEASE = (
    update(tracks)
    .where(tracks.c.id == bindparam("track"))
    .values(
        lease_owner=None,
        lease_until=None,
        phase=bindparam("to"),
        wake_at=bindparam("at"),
        reason=bindparam("because"),
    )
)


def release(conn: Connection, track: str, *, phase: str, at: float | None, reason: str | None) -> None:
    """Let the track go until `at` (None: until something in the journal wakes it)."""
    conn.execute(_RELEASE, {"track": track, "to": phase, "at": at, "because": reason})


@lru_cache(maxsize=256)
def _changing(table: Table, names: tuple[str, ...]) -> Update:
    """An update by id, built once per set of columns: building it costs more than running it."""
    return update(table).where(table.c.id == bindparam("id_")).values({name: bindparam(f"to_{name}") for name in names})


def _change(conn: Connection, table: Table, row: str, values: Mapping[str, Any]) -> None:
    statement = _changing(table, tuple(sorted(values)))
    conn.execute(statement, {"id_": row} | {f"to_{name}": value for name, value in values.items()})


def change_step(conn: Connection, step: str, **values: Any) -> None:
    """Change a step's columns."""
    _change(conn, steps, step, values)
    conn.info.setdefault(CHANGED, set()).add(step)


def change_track(conn: Connection, track: str, **values: Any) -> None:
    """Change a track's columns."""
    _change(conn, tracks, track, values)


def change_request(conn: Connection, request: str, **values: Any) -> None:
    """Change a request's columns."""
    _change(conn, requests, request, values)


_DECIDED = update(requests).where(requests.c.id == bindparam("of")).values(decided=requests.c.decided + 1)


def note_decision(conn: Connection, request: str) -> None:
    """Let workers know that a person or the policy changed holdings or steps: they read theirs anew."""
    conn.execute(_DECIDED, {"of": request})


_NOW: BindParameter[float] = bindparam("now")
_WAKE = (
    update(tracks)
    .where(
        tracks.c.id.in_(bindparam("ids", expanding=True)),
        tracks.c.phase != "settled",
        # A search that failed comes back when it said; a service that asked for an hour is not asked before.
        or_(tracks.c.phase != "find", tracks.c.tries == 0, tracks.c.wake_at.is_(None), tracks.c.wake_at <= _NOW),
    )
    .values(wake_at=_NOW)
)


def wake(conn: Connection, chosen: Iterable[str], now: float) -> list[str]:
    """Mark tracks as due now; the engine finds them there even when its own alarm is lost. Returns their ids."""
    ids = list(chosen)
    if ids:
        conn.execute(_WAKE, {"ids": ids, "now": now})
    return ids


def open_task(conn: Connection, request: str, kind: str, text: str, now: float, **where: Any) -> None:
    """Ask a person for something, once: an open task of that kind for the same step or track is not repeated."""
    same = select(tasks.c.id).where(
        tasks.c.request == request,
        tasks.c.kind == kind,
        tasks.c.result.is_(None),
        tasks.c.instance == where.get("instance", ""),
        tasks.c.step.is_(where.get("step")) if where.get("step") is None else tasks.c.step == where["step"],
    )
    if conn.execute(same).first() is None:
        row = {"id": new_id(), "request": request, "kind": kind, "text": text, "created": now, "instance": ""} | where
        conn.execute(insert(tasks).values(row))


def end_tasks(conn: Connection, *which: Any, by: str | None, now: float, result: str = "done") -> None:
    """End the open tasks that fit; `by` None where the hub itself found nothing left to ask."""
    values = {"result": result, "settled_by": by, "settled": now}
    conn.execute(update(tasks).where(tasks.c.result.is_(None), *which).values(values))


def with_news(write: Callable[[Connection], T]) -> Callable[[Connection], tuple[T, list[dict[str, Any]]]]:
    """A write that also returns the events it appended."""

    def told(conn: Connection) -> tuple[T, list[dict[str, Any]]]:
        conn.info[NEWS] = []
        return write(conn), conn.info.pop(NEWS)

    return told
