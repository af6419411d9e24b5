"""Reading the journal: what a worker sees of a track, and what it reads anew as others write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, select

from hub.errors import Fenced
from hub.processor import Operation
from hub.store.schema import holdings, identifiers, instances, requests, steps, tracks

# Acting this way stops uses first, keeps the copy true to what was corrected, and destroys last.
ORDER = (Operation.SUPPRESS, Operation.EXPORT, Operation.RECTIFY, Operation.LIFT, Operation.ERASE)
_RANK = {operation.value: rank for rank, operation in enumerate(ORDER)}

Standing = Row[Any] | SimpleNamespace
"""A request's or track's columns, as read from the journal."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a track stands: its own row joined with its request's and its instance's, its holdings, its steps.

    Holdings stand in the order in which the newest search says erasing is safe, steps in the order of carrying out.
    """

    track: SimpleNamespace
    holdings: Sequence[Row[Any]]
    steps: Sequence[Row[Any]]
    siblings_erasing: bool = False
    _by_ordinal: dict[int, Row[Any]] = field(default_factory=dict, repr=False, compare=False)

    def holding(self, ordinal: int) -> Row[Any]:
        """The holding with that ordinal."""
        if not self._by_ordinal:  # made once: a track can have ten thousand, and every step asks for its own
            self._by_ordinal.update((held.ordinal, held) for held in self.holdings)
        return self._by_ordinal[ordinal]


# What can change while a worker holds a track; the rest of the row is read once.
_MOVING = (
    tracks.c.id,
    tracks.c.attempt,
    tracks.c.lease_owner,
    tracks.c.lease_until,
    tracks.c.phase,
    tracks.c.round,
    tracks.c.tries,
    tracks.c.wake_at,
    tracks.c.reason,
    requests.c.state,
    requests.c.seq,
    requests.c.prev,
    requests.c.round.label("request_round"),
    requests.c.barrier_at,
    requests.c.grace_until,
    requests.c.options,
    requests.c.delivered,
    requests.c.decided,
    instances.c.held,
    instances.c.account,
)
_FIXED = (
    tracks.c.request,
    tracks.c.instance,
    requests.c.rights,
    requests.c.received,
    requests.c.epoch,
    requests.c.wrapped_key,
)


def _standing(*columns: ColumnElement[Any]) -> Select[Any]:
    joined = tracks.join(requests, tracks.c.request == requests.c.id)
    joined = joined.outerjoin(instances, instances.c.name == tracks.c.instance)
    return select(*columns).select_from(joined).where(tracks.c.id == bindparam("track"))


_TRACK = _standing(*_MOVING, *_FIXED)
_MOVED = _standing(*_MOVING)
_HOLDINGS = (
    select(holdings).where(holdings.c.track == bindparam("track")).order_by(holdings.c.position, holdings.c.ordinal)
)
_STEPS = select(steps).where(steps.c.track == bindparam("track")).order_by(steps.c.number)
_CHANGED = select(steps).where(steps.c.id.in_(bindparam("ids", expanding=True)))
_SIBLINGS = (
    select(func.count())
    .select_from(tracks)
    .where(
        tracks.c.request == bindparam("request"),
        tracks.c.instance.in_(bindparam("names", expanding=True)),
        tracks.c.phase != "settled",
    )
)


def with_steps(conn: Connection, at: Snapshot) -> Snapshot:
    """The snapshot with its steps read anew."""
    return replace(at, steps=_in_order(conn.execute(_STEPS, {"track": at.track.id}).all(), at.holdings))


def with_changed(conn: Connection, at: Snapshot, changed: Collection[str]) -> Snapshot:
    """The snapshot with these steps read anew; no step moves, since none changes its operation or its holding."""
    if not changed:
        return at
    fresh = {step.id: step for step in conn.execute(_CHANGED, {"ids": list(changed)})}
    return replace(at, steps=[fresh.get(step.id, step) for step in at.steps])


def fenced(conn: Connection, at: Snapshot, attempt: int) -> Snapshot:
    """The snapshot with its track read anew: the first statement of every write a worker makes for a track.

    Raises `Fenced` when the worker of that `attempt` lost its lease. The transaction is the only one that writes, so
    what was read holds until it commits.
    """
    track = _moved(conn, at.track)
    if track.attempt != attempt or track.lease_owner is None:
        raise Fenced
    return replace(at, track=track)


def _moved(conn: Connection, track: SimpleNamespace) -> SimpleNamespace:
    """The track with everything read anew that can have changed since it was claimed."""
    row = conn.execute(_MOVED, {"track": track.id}).mappings().one()
    return SimpleNamespace(**{**vars(track), **row})


def snapshot(conn: Connection, track: str, erase_after: Sequence[str] = ()) -> Snapshot | None:
    """Where the track stands now; None when there is no such track."""
    row = conn.execute(_TRACK, {"track": track}).mappings().one_or_none()
    if row is None:
        return None
    standing = SimpleNamespace(**row)
    erasing = bool(
        erase_after and conn.execute(_SIBLINGS, {"request": standing.request, "names": list(erase_after)}).scalar_one()
    )
    if standing.attempt == 0:
        return Snapshot(standing, (), (), erasing)  # nobody has worked on it yet, so nothing was found
    held = conn.execute(_HOLDINGS, {"track": track}).all()
    return Snapshot(standing, held, _in_order(conn.execute(_STEPS, {"track": track}).all(), held), erasing)


def with_holdings(conn: Connection, at: Snapshot) -> Snapshot:
    """The snapshot after a search: track and holdings read anew, the same steps in the order it gives."""
    held = conn.execute(_HOLDINGS, {"track": at.track.id}).all()
    track, taken = _moved(conn, at.track), _in_order(at.steps, held)
    return replace(at, track=track, holdings=held, steps=taken, _by_ordinal={})


def _in_order(taken: Sequence[Row[Any]], held: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    place = {holding.ordinal: at for at, holding in enumerate(held)}
    return sorted(taken, key=lambda step: (_RANK.get(step.operation, -1), place.get(step.holding, -1), step.number))


_DUE = (
    select(tracks.c.id)
    .where(
        tracks.c.phase.in_(["find", "act"]),
        tracks.c.wake_at <= bindparam("until"),
        (tracks.c.lease_until.is_(None)) | (tracks.c.lease_until <= bindparam("until")),
    )
    .order_by(tracks.c.wake_at)
    .limit(bindparam("most"))
)


def due_tracks(conn: Connection, until: float, most: int) -> Sequence[str]:
    """Open tracks due by then that nobody works on, earliest first."""
    return conn.execute(_DUE, {"until": until, "most": most}).scalars().all()


_KNOWN = select(identifiers).where(identifiers.c.request == bindparam("request")).order_by(identifiers.c.seq)


def known_identifiers(conn: Connection, request: str) -> Sequence[Row[Any]]:
    """The request's identifiers, in the order they became known."""
    return conn.execute(_KNOWN, {"request": request}).all()
