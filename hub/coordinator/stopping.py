"""Stopping what was asked: a request cancelled, an erasure undone. What was done stays on record as what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from hub.coordinator.codec import encode
from hub.coordinator.decide import OPEN, acted, asked_for
from hub.coordinator.journal import append, change_step, end_tasks, new_id, note_decision, wake
from hub.coordinator.progress import Rules, finish, progress
from hub.coordinator.rows import request_row
from hub.coordinator.standing import Standing
from hub.errors import UsageError
from hub.evidence.events import Event, event
from hub.outcome import Failed
from hub.processor import Operation
from hub.rights import OPERATIONS, Right
from hub.store.rootkey import RootKey
from hub.store.schema import requests, steps, tasks, tracks

_SEEN = frozenset({"pending", "contained"})
"""Why a step in `resume` waits where every answer was seen; any other reason is an attempt whose answer was not."""


def cancel(conn: Connection, root: RootKey, request: str, *, by: str, rules: Rules, now: float) -> list[str]:
    """Stop a request: nothing more is sent for it. What was done stays done, and what nobody saw is said to be so."""
    asked = request_row(conn, request)
    every = conn.execute(select(steps).where(steps.c.request == request, steps.c.state.in_(OPEN))).all()
    append(conn, root, request, [e for step in every for e in left_open(step, "cancelled")], now)
    for step in every:
        change_step(conn, step.id, state="closed", **_stands(step, "cancelled"))
    end_tasks(conn, tasks.c.request == request, by=by, now=now, result="cancelled")
    # The attempt number moves on, so that a worker in the middle of a step is fenced.
    mine = update(tracks).where(tracks.c.request == request, tracks.c.phase != "settled")
    conn.execute(mine.values(phase="settled", attempt=tracks.c.attempt + 1, lease_owner=None, wake_at=None))
    stopped = {**asked.options, "cancelled": True}
    conn.execute(update(requests).where(requests.c.id == request).values(options=stopped))
    finish(conn, root, request, rules, now, outcome="cancelled", reason="cancelled", by=by)
    return []


def undo(conn: Connection, root: RootKey, request: str, *, by: str, rules: Rules, now: float) -> list[str]:
    """Withdraw an erasure: what was not sent is not sent, what was stopped or contained is given back.

    Raises `UsageError` when the request has no erasure, or when nothing of it can be taken back any more.
    """
    asked = request_row(conn, request)
    if Right.ERASURE not in asked.rights or asked.options.get("undone"):
        raise UsageError("There is no erasure to undo in it", hint=f"hub cancel {request} stops a request.")
    every = conn.execute(select(steps).where(steps.c.request == request)).all()
    begun = any(step.operation == Operation.ERASE for step in every)
    if begun and not any(_not_sent(asked, s) or _can_be_given_back(asked, s) or _purging(s) for s in every):
        raise UsageError("Nothing of it can be taken back any more", hint=f"hub show {request} tells what was done.")
    options = {**asked.options, "undone": True}
    conn.execute(update(requests).where(requests.c.id == request).values(options=options))
    append(conn, root, request, [event("request.paused", reason="undone", by=by)], now)
    withdraw(conn, root, asked, every, now, by=by)
    note_decision(conn, request)
    _end_tasks(conn, request_row(conn, request), every, by=by, now=now)
    mine = tracks.c.request == request
    conn.execute(update(tracks).where(mine, tracks.c.phase == "settled").values(phase="act"))
    woken = progress(conn, root, request, rules, now)
    return wake(conn, {*woken, *conn.execute(select(tracks.c.id).where(mine)).scalars()}, now)


def withdraw(
    conn: Connection,
    root: RootKey,
    asked: Standing,
    taken: Sequence[Row[Any]],
    now: float,
    *,
    by: str | None = None,
) -> bool:
    """Of an undone erasure, close what was not sent and give back what can be; returns whether there was any.

    A worker calls it too: a step that was on its way when the erasure was undone comes back refused, failed, contained.
    """
    # Whether a purge on its way happened is read back first; giving back what is gone would only fail.
    purging = [step for step in taken if _purging(step)]
    for step in purging:
        change_step(conn, step.id, state="sent")
    given_back = [s for s in taken if _can_be_given_back(asked, s)]
    unsent = [step for step in taken if _not_sent(asked, step) and step not in given_back]
    stopped = [step for step in given_back if step.state in OPEN]
    for step in [*unsent, *stopped]:
        append(conn, root, step.request, left_open(step, "undone"), now)
        values = {"state": "closed", "reason": "withdrawn", "next_at": None}
        change_step(conn, step.id, **values, **_stands(step, "withdrawn"))
        end_tasks(conn, tasks.c.step == step.id, by=by, now=now, result="undone")
    lifted = {(step.track, step.holding) for step in taken if step.operation == Operation.LIFT}
    before = len(lifted)
    numbers = {step.track: step.number for step in sorted(taken, key=lambda step: step.number)}
    for step in given_back:
        if (step.track, step.holding) in lifted:
            continue
        lifted.add((step.track, step.holding))
        numbers[step.track] += 1
        row = {"id": f"{step.track}.{numbers[step.track]}", "request": step.request, "track": step.track}
        row |= {"number": numbers[step.track], "operation": Operation.LIFT.value, "holding": step.holding}
        conn.execute(insert(steps).values(row | {"key": new_id() + new_id(), "state": "ready"}))
    return bool(purging or unsent or stopped or len(lifted) > before)


def precaution(asked: Standing, step: Row[Any]) -> bool:
    """A suppression that only bridges the time until the erasure, and was not asked for by itself."""
    own = {OPERATIONS[Right(right)] for right in asked.rights}
    return bool(step.operation == Operation.SUPPRESS) and Operation.SUPPRESS not in own


def _not_sent(asked: Standing, step: Row[Any]) -> bool:
    belongs = step.operation == Operation.ERASE or precaution(asked, step)
    return belongs and step.state in {"ready", "person"}


def _can_be_given_back(asked: Standing, step: Row[Any]) -> bool:
    """A precaution that was taken, or something contained and not purged yet. Both of one holding: one lift."""
    kind = (acted(step.outcome) or {}).get("outcome")
    stopped = precaution(asked, step) and kind in {"done", "partial"} and step.holding is not None
    return stopped or (kind == "contained" and step.state in {"confirm", "resume", "person"} and not _unseen(step))


def _unseen(step: Row[Any]) -> bool:
    """Whether something was sent for it and nobody saw what came of it."""
    unanswered = step.state == "sent" or (step.state == "resume" and step.reason not in _SEEN)
    return unanswered and step.operation != Operation.EXPORT


def _purging(step: Row[Any]) -> bool:
    """A purge of what was contained is on its way, or was and got no answer."""
    return step.state == "resume" and _unseen(step) and (step.outcome or {}).get("outcome") == "contained"


def _stands(step: Row[Any], said: str) -> dict[str, Any]:
    """What the record shows of a stopped step: `said` only where nothing was done and nothing is unknown."""
    unread = any(new.type == "step.confirmed" for new in left_open(step, said))
    values: dict[str, Any] = {"confirmation": "unverifiable"} if unread else {}
    done = acted(step.outcome)
    if _never_seen(step) and (done is None or done["outcome"] == "contained"):
        return values | {"outcome": encode(Failed(said))}
    if step.operation != Operation.EXPORT and (step.outcome or {}).get("outcome") == "failed":
        return values | {"outcome": done or step.outcome}
    return values | {"outcome": done or {"outcome": said}}


def _never_seen(step: Row[Any]) -> bool:
    """Unseen, or a job the service accepted whose end nobody waits for any more."""
    return _unseen(step) or (step.state == "resume" and (step.outcome or {}).get("outcome") == "pending")


def _end_tasks(conn: Connection, asked: Row[Any], every: Sequence[Row[Any]], *, by: str, now: float) -> None:
    """Nobody needs to review, hand over or mend what is not asked for any more."""
    mine = tasks.c.request == asked.id
    if not asked_for(asked):
        end_tasks(conn, mine, by=by, now=now, result="undone")
        return
    withdrawn = [step.id for step in every if _not_sent(asked, step)]
    over = tasks.c.kind.in_(["review", "deliver"]) | tasks.c.step.in_(withdrawn)
    end_tasks(conn, mine, over, by=by, now=now, result="undone")


def left_open(step: Row[Any], reason: str) -> list[Event]:
    """What evidence must say of a step that is stopped between its intent and its read-back."""
    instance = step.track.removeprefix(f"{step.request}.")
    named = {"instance": instance, "operation": step.operation, "step": f"{instance}.{step.number}"}
    named |= {"attempt": step.attempt, "holding": step.holding, "exchanges": [], "reason": reason}
    if _never_seen(step):
        return [event("step.outcome", **named, outcome="failed")]  # sent, and what came of it was not seen
    came_to = (step.outcome or {}).get("outcome")
    unread = step.state == "confirm" and came_to in {"done", "partial", "contained"}
    # What failed may have been the act or its read-back: either way nobody reads it back any more.
    gave_up = step.state == "person" and came_to == "failed" and step.operation != Operation.EXPORT
    if unread or gave_up:
        return [event("step.confirmed", **named, confirmation="unverifiable")]
    return []
