"""What the journal shows to people and programs: plain JSON values without personal data, under versioned schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.coordinator.codec import instant
from hub.coordinator.decide import undecided
from hub.coordinator.rows import digest_of, found_by, request_row
from hub.coordinator.stopping import precaution
from hub.coordinator.verdict import track_result, verdict
from hub.store.schema import exports, instances, obligations, requests, steps, tasks, tracks
from hub.timepiece import rfc3339

_INNER = frozenset({"reason", "at", "before"})  # of an outcome: shown elsewhere, or only the hub's own
SCHEMA = "subject-request-hub/{}/v1"


def request_view(conn: Connection, request: str) -> dict[str, Any]:
    """One request: state, verdict, tracks with their holdings and steps, open tasks. Raises `UsageError` if unknown."""
    row = request_row(conn, request, still_open=False)
    every = conn.execute(select(tracks).where(tracks.c.request == request).order_by(tracks.c.id)).all()
    taken = conn.execute(select(steps).where(steps.c.request == request).order_by(steps.c.number)).all()
    found = found_by(conn, request)
    asked = conn.execute(select(tasks).where(tasks.c.request == request).order_by(tasks.c.created, tasks.c.id)).all()
    copies = conn.execute(select(exports).where(exports.c.request == request)).all()
    return {
        "schema": SCHEMA.format("request"),
        **_head(row, every, taken, found, asked),
        "digest": digest_of(found),
        "tracks": [_track(row, t, taken, found) for t in every],
        "tasks": [task_view(t) for t in asked if t.result is None],
        "manual": [_handwork(t) for t in asked if t.result is not None and t.kind in {"recipient", "manual", "failed"}],
        "copy": {"services": len(copies), "records": sum(c.records for c in copies), "released": row.released}
        if copies
        else None,
    }


def _head(
    row: Row[Any],
    every: Sequence[Row[Any]],
    taken: Sequence[Row[Any]],
    found: Sequence[Row[Any]],
    asked: Sequence[Row[Any]],
) -> dict[str, Any]:
    by_hand = [t for t in asked if t.kind == "recipient"]
    state, said = row.state, verdict(every, taken, found, by_hand)
    if state == "acting" and any(t.result is None and t.kind in {"review", "decide"} for t in asked):
        state = "review"
    elif state == "acting" and all(t.phase == "settled" for t in every):
        state = "settled"
    if said in {"complete", "with_exceptions"} and state != "closed" and _waits(row, every, asked):
        said = "waiting"
    return {
        "id": row.id,
        "right": "+".join(row.rights),
        "state": state,
        "verdict": "cancelled" if row.options.get("cancelled") else said,
        "channel": row.channel,
        "received": rfc3339(instant(row.received)),
        "due": row.due,
        "verified_by": row.options["verified_by"],
        "grace_until": _time(row.grace_until),
        "delivered": _time(row.delivered),
        "closed": _time(row.closed),
        "events": row.seq,
    }


def _waits(row: Row[Any], every: Sequence[Row[Any]], asked: Sequence[Row[Any]]) -> bool:
    """Whether something other than handing over a copy is still to come."""
    open_tasks = any(t.result is None for t in asked)
    return open_tasks or row.state == "finding" or not all(t.phase == "settled" for t in every)


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(instant(seconds))


def _track(asked: Row[Any], track: Row[Any], taken: Sequence[Row[Any]], found: Sequence[Row[Any]]) -> dict[str, Any]:
    mine = [s for s in taken if s.track == track.id]
    held = [h for h in found if h.track == track.id]
    grouped: dict[int | None, list[Row[Any]]] = {}
    for step in mine:
        grouped.setdefault(step.holding, []).append(step)
    result = track_result(track, mine, held)
    return {
        "instance": track.instance,
        "connector": track.connector,
        "phase": track.phase,
        "outcome": result.outcome,
        "method": result.method,
        "confirmation": result.confirmation,
        "reason": result.reason,
        "next": _time(track.wake_at if track.phase != "settled" else None),
        "working_until": _time(track.lease_until),
        "tries": track.tries,
        "coverage": track.coverage or {},
        "holdings": [_holding(asked, h, grouped.get(h.ordinal, ())) for h in held],
        "steps": [_step(asked, s) for s in grouped.get(None, ())],
    }


def _holding(asked: Row[Any], held: Row[Any], taken: Sequence[Row[Any]]) -> dict[str, Any]:
    return {
        "holding": held.ordinal,
        "kind": held.kind,
        "categories": held.categories,
        "match": held.match,
        "reach": held.reach,
        "role": held.role,
        "decision": held.decision,
        "needs_decision": undecided(held),
        "approved": held.approved,
        "steps": [_step(asked, s) for s in taken],
    }


def _step(asked: Row[Any], step: Row[Any]) -> dict[str, Any]:
    outcome: Mapping[str, Any] = step.outcome or {}
    return {
        "operation": step.operation,
        "precaution": precaution(asked, step),
        "state": step.state,
        "attempts": step.attempt,
        "next": _time(step.next_at),
        "reason": step.reason,
        "confirmation": step.confirmation,
        **{k: v for k, v in outcome.items() if k not in _INNER and v is not None and v != ""},
    }


def task_view(task: Row[Any]) -> dict[str, Any]:
    """One task that waits for a person."""
    return {
        "task": task.id,
        "request": task.request,
        "instance": task.instance,
        "kind": task.kind,
        "text": task.text,
        "created": _time(task.created),
    }


def _handwork(task: Row[Any]) -> dict[str, Any]:
    return {
        "task": task.id,
        "instance": task.instance,
        "kind": task.kind,
        "result": task.result,
        "settled": _time(task.settled),
        "evidence_sha256": task.evidence_sha256,
    }


def requests_view(conn: Connection, *, include_closed: bool = True) -> dict[str, Any]:
    """Every request, newest first, without its tracks."""
    query = select(requests.c.id).order_by(requests.c.created.desc())
    if not include_closed:
        query = query.where(requests.c.state != "closed")
    views = [request_view(conn, r) for r in conn.execute(query).scalars()]
    heads = [
        {k: v for k, v in view.items() if k not in {"schema", "digest", "tracks", "manual", "copy", "tasks"}}
        for view in views
    ]
    return {"schema": SCHEMA.format("requests"), "requests": heads}


def tasks_view(conn: Connection) -> dict[str, Any]:
    """Every open task, oldest first."""
    query = select(tasks).where(tasks.c.result.is_(None)).order_by(tasks.c.created, tasks.c.id)
    return {"schema": SCHEMA.format("tasks"), "tasks": [task_view(t) for t in conn.execute(query)]}


def obligations_view(conn: Connection) -> list[dict[str, Any]]:
    """What is kept for now and must be erased later, by due date."""
    query = select(obligations).order_by(obligations.c.due)
    return [
        {"id": o.id, "instance": o.instance, "kind": o.kind, "ground": o.ground, "due": o.due, "state": o.state}
        for o in conn.execute(query)
    ]


def held_instances(conn: Connection) -> dict[str, str]:
    """Instances that are not used at present → why."""
    query = select(instances.c.name, instances.c.held).where(instances.c.held.is_not(None))
    return {row.name: row.held for row in conn.execute(query)}
