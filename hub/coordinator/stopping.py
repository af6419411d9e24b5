"""Stopping what was asked: a request cancelled, an erasure undone. What was done stays on record as what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from hub.coordinator.decide import OPEN, asked_for
from hub.coordinator.journal import append, change_step, end_tasks, new_id, wake
from hub.coordinator.progress import Rules, finish, progress
from hub.coordinator.rows import request_row
from hub.coordinator.standing import Standing
from hub.errors import UsageError
from hub.evidence.events import Event, event
from hub.processor import Operation
from hub.rights import OPERATIONS, Right
from hub.store.rootkey import RootKey
from hub.store.schema import requests, steps, tasks, tracks

_UNDONE = {"outcome": "withdrawn"}
_ACTED = frozenset({"done", "partial", "contained"})


def cancel(conn: Connection, root: RootKey, request: str, *, by: str, rules: Rules, now: float) -> list[str]:
    """Stop a request: nothing more is sent for it. What was done stays done, and what nobody saw is said to be so."""
    asked = request_row(conn, request)
    every = conn.execute(select(steps).where(steps.c.request == request, steps.c.state.in_(OPEN))).all()
    append(conn, root, request, [e for step in every for e in left_open(step, "cancelled")], now)
    ids = [step.id for step in every]
    conn.execute(update(steps).where(steps.c.id.in_(ids)).values(state="closed", outcome={"outcome": "cancelled"}))
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
    if begun and not any(_not_sent(asked, step) or _can_be_given_back(asked, step) for step in every):
        raise UsageError("Nothing of it can be taken back any more", hint=f"hub show {request} tells what was done.")
    options = {**asked.options, "undone": True}
    conn.execute(update(requests).where(requests.c.id == request).values(options=options))
    append(conn, root, request, [event("request.paused", reason="undone", by=by)], now)
    withdraw(conn, root, asked, every, now)
    _end_tasks(conn, request_row(conn, request), every, by=by, now=now)
    mine = tracks.c.request == request
    conn.execute(update(tracks).where(mine, tracks.c.phase == "settled").values(phase="act"))
    woken = progress(conn, root, request, rules, now)
    return wake(conn, {*woken, *conn.execute(select(tracks.c.id).where(mine)).scalars()}, now)


def withdraw(conn: Connection, root: RootKey, asked: Standing, taken: Sequence[Row[Any]], now: float) -> bool:
    """Of an undone erasure, close what was not sent and give back what can be; returns whether there was any.

    A worker calls it too: a step that was on its way when the erasure was undone comes back refused, failed, contained.
    """
    unsent = [step for step in taken if _not_sent(asked, step)]
    for step in unsent:
        append(conn, root, step.request, left_open(step, "undone"), now)
        change_step(conn, step.id, state="closed", reason="withdrawn", outcome=_UNDONE, next_at=None)
    lifted = {(step.track, step.holding) for step in taken if step.operation == Operation.LIFT}
    before = len(lifted)
    numbers = {step.track: step.number for step in sorted(taken, key=lambda step: step.number)}
    given_back = [s for s in taken if _can_be_given_back(asked, s)]
    stopped = [step for step in given_back if step.state in OPEN]
    for step in stopped:
        append(conn, root, step.request, left_open(step, "undone"), now)
        change_step(conn, step.id, state="closed", reason="withdrawn", next_at=None)
    for step in given_back:
        if (step.track, step.holding) in lifted:
            continue
        lifted.add((step.track, step.holding))
        numbers[step.track] += 1
        row = {"id": f"{step.track}.{numbers[step.track]}", "request": step.request, "track": step.track}
        row |= {"number": numbers[step.track], "operation": Operation.LIFT.value, "holding": step.holding}
        conn.execute(insert(steps).values(row | {"key": new_id() + new_id(), "state": "ready"}))
    return bool(unsent or stopped or len(lifted) > before)


def _precaution(asked: Standing, step: Row[Any]) -> bool:
    """A suppression that only bridges the time until the erasure, and was not asked for by itself."""
    own = {OPERATIONS[Right(right)] for right in asked.rights}
    return bool(step.operation == Operation.SUPPRESS) and Operation.SUPPRESS not in own


def _not_sent(asked: Standing, step: Row[Any]) -> bool:
    belongs = step.operation == Operation.ERASE or _precaution(asked, step)
    return belongs and step.state in {"ready", "person"}


def _can_be_given_back(asked: Standing, step: Row[Any]) -> bool:
    """A precaution that was taken, or something contained and not purged yet. Both of one holding: one lift."""
    kind = (step.outcome or {}).get("outcome")
    stopped = _precaution(asked, step) and kind in {"done", "partial"} and step.holding is not None
    return stopped or (kind == "contained" and step.state in {"confirm", "resume"})


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
    if step.state == "sent" and step.operation != Operation.EXPORT:
        return [event("step.outcome", **named, outcome="failed")]  # sent, and what came of it was not seen
    came_to = (step.outcome or {}).get("outcome")
    unread = step.state == "confirm" and came_to in _ACTED
    # What failed may have been the act or its read-back: either way nobody reads it back any more.
    gave_up = step.state == "person" and came_to == "failed" and step.operation != Operation.EXPORT
    if unread or gave_up:
        return [event("step.confirmed", **named, confirmation="unverifiable")]
    return []
