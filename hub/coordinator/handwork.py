"""What people do by hand, at a service or in its stead: the durable record of who confirmed what."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from hub.coordinator.journal import append, change_step, new_id, note_decision, wake
from hub.coordinator.progress import Rules, progress
from hub.coordinator.rows import request_row, task_row
from hub.coordinator.stopping import left_open
from hub.errors import UsageError
from hub.evidence.events import Event, event
from hub.processor import Operation
from hub.store.rootkey import RootKey
from hub.store.schema import steps, tasks, tracks

RESULTS = frozenset({"done", "nothing_held", "not_possible"})
"""How a task can end: it was done there, nothing was held there, or it could not be done."""

_ENDED_BY = {
    "review": "hub approve {}",
    "decide": "hub decide {}",
    "release": "hub release {}",
    "deliver": "hub export {}",
    "suspended": "hub resume INSTANCE",
}
"""Kinds of task that say what to decide: doing that ends them."""


def settle(
    conn: Connection, root: RootKey, task: str, *, by: str, result: str, proof: bytes | None, rules: Rules, now: float
) -> list[str]:
    """Record what a person did about a task, with the file they attached; the hub takes it from there.

    What a person answers for a service that does not (a search that failed, nobody who answers) ends the hub's own
    tries there. Raises `UsageError` for a result or task that is not known, or a task that asks for a decision.
    """
    if result not in RESULTS:
        raise UsageError("The result is not known", hint=f"Use one of: {', '.join(sorted(RESULTS))}.")
    row = task_row(conn, task)
    request_row(conn, row.request)
    if row.kind in _ENDED_BY:
        raise UsageError("This task asks for a decision", hint=f"Use `{_ENDED_BY[row.kind].format(row.request)}`.")
    kept: dict[str, Any] = {}
    if proof:
        sealed = root.seal(row.request, "tasks", task, proof)
        kept = {"evidence_sha256": hashlib.sha256(proof).hexdigest(), "sealed": sealed}
    conn.execute(update(tasks).where(tasks.c.id == task).values(result=result, settled_by=by, settled=now, **kept))
    said = {"outcome": result, "by": by, "reason": "evidence_attached" if proof else None}
    append(conn, root, row.request, _by_hand(conn, row, said), now)
    note_decision(conn, row.request)
    woken = progress(conn, root, row.request, rules, now)
    return wake(conn, {row.track, *woken} - {None}, now)


def _by_hand(conn: Connection, task: Row[Any], said: dict[str, Any]) -> list[Event]:
    """Write what the answer means for the journal; returns its events."""
    if task.track is None:
        return [event("step.manual", instance=task.instance or "hub", operation=task.kind, **said)]
    if task.step is not None:
        step = conn.execute(select(steps).where(steps.c.id == task.step)).one()
        return _close(conn, task, step, said) if step.state == "person" else [_manual(task, step, said)]
    return _instead_of_the_service(conn, task, said)


def _instead_of_the_service(conn: Connection, task: Row[Any], said: dict[str, Any]) -> list[Event]:
    """Somebody answered for the service: its search is over, or whatever of it is still to be done."""
    track = conn.execute(select(tracks).where(tracks.c.id == task.track)).one()
    # The attempt number moves on, so that a worker in the middle of a try is fenced.
    fenced = {"attempt": track.attempt + 1, "lease_owner": None, "lease_until": None, "phase": "act", "tries": 0}
    conn.execute(update(tracks).where(tracks.c.id == track.id).values(fenced))
    if track.phase in {"find", "failed"}:
        _searched(conn, task, said)
        return [event("step.manual", instance=task.instance, operation="find", step=f"{task.instance}.find", **said)]
    tried = steps.c.state.in_(["ready", "sent", "confirm", "resume"])
    left = conn.execute(select(steps).where(steps.c.track == track.id, tried)).all()
    return [new for step in left for new in _close(conn, task, step, said)]


def _searched(conn: Connection, task: Row[Any], said: dict[str, Any]) -> None:
    """A search made by hand stands among the steps, since nothing else says how it ended."""
    last = conn.execute(select(func.max(steps.c.number)).where(steps.c.track == task.track)).scalar_one() or 0
    row = {"id": f"{task.track}.{last + 1}", "request": task.request, "track": task.track, "number": last + 1}
    row |= {"operation": Operation.FIND.value, "key": new_id() + new_id(), "state": "closed"}
    conn.execute(insert(steps).values(row | {"outcome": _outcome(task, said), "reason": said["outcome"]}))


def _close(conn: Connection, task: Row[Any], step: Row[Any], said: dict[str, Any]) -> list[Event]:
    change_step(conn, step.id, state="closed", outcome=_outcome(task, said), reason=said["outcome"], next_at=None)
    return [*left_open(step, "by_hand"), _manual(task, step, said)]


def _manual(task: Row[Any], step: Row[Any], said: dict[str, Any]) -> Event:
    named = {"operation": step.operation, "step": f"{task.instance}.{step.number}", "holding": step.holding}
    return event("step.manual", instance=task.instance, **named, **said)


def _outcome(task: Row[Any], said: dict[str, Any]) -> dict[str, Any]:
    return {"outcome": "manual", "reason": said["outcome"], "explanation": task.text}
