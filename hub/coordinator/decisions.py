"""What people decide: whose a holding is, what may be erased, what is undone, tried again or settled by hand.

Each function is one transaction's worth of writes and returns the tracks to wake. Names of staff never get here: `by`
is an actor's random id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from hub.coordinator import progress as request_progress
from hub.coordinator.decide import OPEN, actionable, undecided
from hub.coordinator.journal import append, change_step, new_id, wake
from hub.coordinator.progress import Rules
from hub.errors import UsageError
from hub.evidence.events import event
from hub.processor import Operation
from hub.store.rootkey import RootKey
from hub.store.schema import exports, holdings, instances, requests, steps, tasks, tracks

RESULTS = frozenset({"done", "nothing_held", "not_possible"})
"""How a task can end: it was done there, nothing was held there, or it could not be done."""


def request_row(conn: Connection, request: str, *, still_open: bool = True) -> Row[Any]:
    """The request. Raises `UsageError` for one that is unknown or, when `still_open`, over."""
    row = conn.execute(select(requests).where(requests.c.id == request)).one_or_none()
    if row is None:
        raise UsageError("There is no such request", hint="`hub list` names those there are.")
    if still_open and row.state in {"closed", "cancelled"}:
        raise UsageError(f"Request {request} is {row.state} already", hint=f"`hub show {request}` tells how it ended.")
    return row


def task_row(conn: Connection, task: str) -> Row[Any]:
    """The open task. Raises `UsageError` when there is none of that id."""
    row = conn.execute(select(tasks).where(tasks.c.id == task, tasks.c.result.is_(None))).one_or_none()
    if row is None:
        raise UsageError("There is no such open task", hint="`hub tasks` lists those that wait.")
    return row


def digest_of(found: Sequence[Row[Any]]) -> str:
    """Digest of what was found and decided, 64 hex digits: what a person approves."""
    parts = [[h.ordinal, h.index_, h.kind, h.match, h.reach, h.decision] for h in found]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def opened(root: RootKey, holding: Row[Any]) -> dict[str, Any]:
    """A holding's secrets: key, locator, hints."""
    body: dict[str, Any] = json.loads(root.open(holding.request, "holdings", holding.ordinal, holding.sealed))
    return body


def found_by(conn: Connection, request: str) -> Sequence[Row[Any]]:
    """Everything found for the request, by ordinal."""
    return conn.execute(select(holdings).where(holdings.c.request == request).order_by(holdings.c.ordinal)).all()


def approve(
    conn: Connection, root: RootKey, request: str, *, by: str, digest: str | None, rules: Rules, now: float
) -> list[str]:
    """Approve what was found. Raises `UsageError` when it is no longer what the person saw, or when nothing waits."""
    row = request_row(conn, request)
    found = found_by(conn, request)
    if digest is not None and not digest_of(found).startswith(digest.lower()):
        raise UsageError(
            "What was found has changed since you looked", hint=f"Look again: hub show {request}, then approve that."
        )
    if row.state == "finding":
        raise UsageError(
            "The services are still being searched", hint=f"Wait for it (hub watch {request}), then approve."
        )
    waiting = [h for h in found if actionable(h) and not h.approved]
    if not waiting:
        raise UsageError("Nothing waits for approval", hint=f"hub show {request} tells what it waits for.")
    conn.execute(update(requests).where(requests.c.id == request).values(approved_digest=digest_of(found)))
    chosen = request_progress.approve(conn, root, row, waiting, by=by, reason="reviewed", rules=rules, now=now)
    return wake(conn, chosen, now)


def decide(
    conn: Connection, root: RootKey, request: str, *, by: str, choices: Mapping[int, bool], rules: Rules, now: float
) -> list[str]:
    """Record whose uncertain holdings are: ordinal → hers or not. Raises `UsageError` for what needs no decision."""
    request_row(conn, request)
    open_ones = {h.ordinal: h for h in found_by(conn, request) if undecided(h)}
    if strange := sorted(set(choices) - set(open_ones)):
        raise UsageError(
            f"No decision is asked for holding {strange[0]}", hint=f"hub show {request} lists those that wait."
        )
    new = []
    for ordinal, hers in choices.items():
        decision = "hers" if hers else "not_hers"
        mine = (holdings.c.request == request) & (holdings.c.ordinal == ordinal)
        conn.execute(update(holdings).where(mine).values(decision=decision))
        instance = open_ones[ordinal].track.removeprefix(f"{request}.")
        new.append(event("match.decided", instance=instance, holding=ordinal, decision=decision, by=by))
    append(conn, root, request, new, now)
    if set(choices) == set(open_ones):
        _end_tasks(conn, tasks.c.request == request, tasks.c.kind == "decide", by=by, now=now)
    touched = {open_ones[o].track for o in choices}
    conn.execute(update(tracks).where(tracks.c.id.in_(touched), tracks.c.phase == "settled").values(phase="act"))
    woken = request_progress.progress(conn, root, request, rules, now)
    return wake(conn, {*touched, *woken}, now)


def cancel(conn: Connection, root: RootKey, request: str, *, by: str, rules: Rules, now: float) -> list[str]:
    """Stop a request: nothing more is sent for it. What was done stays done."""
    asked = request_row(conn, request)
    stopped = {**asked.options, "cancelled": True}
    conn.execute(update(requests).where(requests.c.id == request).values(options=stopped))
    open_steps = (steps.c.request == request) & steps.c.state.in_(OPEN)
    conn.execute(update(steps).where(open_steps).values(state="closed", outcome={"outcome": "cancelled"}))
    _end_tasks(conn, tasks.c.request == request, by=by, now=now, result="cancelled")
    # The attempt number moves on, so that a worker in the middle of a step is fenced.
    mine = update(tracks).where(tracks.c.request == request, tracks.c.phase != "settled")
    conn.execute(mine.values(phase="settled", attempt=tracks.c.attempt + 1, lease_owner=None, wake_at=None))
    request_progress.finish(conn, root, request, rules, now, outcome="cancelled", reason="cancelled", by=by)
    return []


def undo(conn: Connection, root: RootKey, request: str, *, by: str, now: float) -> list[str]:
    """Withdraw an erasure: what was not sent is not sent, what was stopped or contained is given back.

    Raises `UsageError` when the request has no erasure, or when nothing of it can be taken back any more.
    """
    asked = request_row(conn, request)
    if "erasure" not in asked.rights:
        raise UsageError("Only an erasure can be undone", hint=f"hub cancel {request} stops a request.")
    every = conn.execute(select(steps).where(steps.c.request == request)).all()
    unsent = [s for s in every if s.operation == Operation.ERASE and s.state == "ready"]
    given_back = [s for s in every if _can_be_given_back(s)]
    if not unsent and not given_back:
        raise UsageError("Nothing of it can be taken back any more", hint=f"hub show {request} tells what was done.")
    for step in unsent:
        change_step(conn, step.id, state="closed", reason="withdrawn", outcome={"outcome": "withdrawn"})
    numbers = {t: max(s.number for s in every if s.track == t) for t in {s.track for s in every}}
    for step in given_back:
        numbers[step.track] += 1
        number = numbers[step.track]
        row = {"id": f"{step.track}.{number}", "request": request, "track": step.track, "number": number}
        row |= {"operation": "lift", "holding": step.holding, "key": new_id() + new_id(), "state": "ready"}
        conn.execute(insert(steps).values(row))
        if step.state == "resume":
            change_step(conn, step.id, state="closed", reason="withdrawn")
    options = {**asked.options, "undone": True}
    conn.execute(update(requests).where(requests.c.id == request).values(options=options))
    append(conn, root, request, [event("request.paused", reason="undone", by=by)], now)
    _end_tasks(conn, tasks.c.request == request, tasks.c.kind == "review", by=by, now=now, result="undone")
    return wake(conn, {s.track for s in every}, now)


def _can_be_given_back(step: Row[Any]) -> bool:
    """A suppression that was carried out, or something contained and not purged yet."""
    kind = (step.outcome or {}).get("outcome")
    stopped = step.operation == Operation.SUPPRESS and kind in {"done", "partial"} and step.holding is not None
    return stopped or (kind == "contained" and step.state == "resume")


def retry(conn: Connection, request: str, *, by: str, instance: str | None, now: float) -> list[str]:
    """Try again what failed: at one instance or at all. Raises `UsageError` when nothing failed there."""
    request_row(conn, request)
    mine = [tracks.c.request == request] + ([tracks.c.instance == instance] if instance else [])
    chosen = conn.execute(select(tracks).where(*mine)).all()
    ids = [t.id for t in chosen]
    stuck = (steps.c.track.in_(ids)) & (steps.c.state == "person") & (steps.c.reason != "manual")
    failed = conn.execute(select(steps).where(stuck)).all()
    searching = [t.id for t in chosen if t.phase in {"failed", "find"}]
    late = [s for s in conn.execute(select(steps).where(steps.c.track.in_(ids), steps.c.state.in_(OPEN))) if s.next_at]
    if not (failed or searching or late):
        raise UsageError("Nothing failed there", hint=f"hub show {request} tells what it waits for.")
    for step in failed:
        # Whether an act happened is read back before it is repeated; an export simply goes on at its cursor.
        state = "ready" if step.operation == Operation.EXPORT or step.attempt == 0 else "sent"
        change_step(conn, step.id, state=state, tries=0, next_at=None, give_up_at=None, reason="retried", outcome=None)
    for step in late:
        if step.reason not in {"grace", "contained"}:
            change_step(conn, step.id, next_at=None)
    conn.execute(update(tracks).where(tracks.c.id.in_(searching)).values(phase="find", tries=0, wake_at=now))
    _end_tasks(
        conn, tasks.c.track.in_(ids), tasks.c.kind.in_(["failed", "unreachable"]), by=by, now=now, result="retried"
    )
    return wake(conn, ids, now)


def settle(
    conn: Connection, root: RootKey, task: str, *, by: str, result: str, proof: bytes | None, rules: Rules, now: float
) -> list[str]:
    """Record what a person did: the durable record of who confirmed what, with the file they attached."""
    if result not in RESULTS:
        raise UsageError("The result is not known", hint=f"Use one of: {', '.join(sorted(RESULTS))}.")
    row = task_row(conn, task)
    if row.kind in {"review", "decide"}:
        raise UsageError(f"This task is a decision: use `hub {'approve' if row.kind == 'review' else 'decide'}`")
    kept = (
        {"evidence_sha256": hashlib.sha256(proof).hexdigest(), "sealed": root.seal(row.request, "tasks", task, proof)}
        if proof
        else {}
    )
    conn.execute(update(tasks).where(tasks.c.id == task).values(result=result, settled_by=by, settled=now, **kept))
    step = conn.execute(select(steps).where(steps.c.id == row.step)).one_or_none() if row.step else None
    named: dict[str, Any] = {"instance": row.instance or "hub", "operation": step.operation if step else row.kind}
    if step is not None:
        named |= {"step": f"{row.instance}.{step.number}", "holding": step.holding}
        if step.state == "person":
            outcome = {"outcome": "manual", "reason": result, "explanation": row.text}
            change_step(conn, step.id, state="closed", outcome=outcome, reason=result)
    reason = "evidence_attached" if proof else None
    append(conn, root, row.request, [event("step.manual", outcome=result, by=by, reason=reason, **named)], now)
    if row.track is not None and row.kind == "failed" and step is None:
        conn.execute(update(tracks).where(tracks.c.id == row.track, tracks.c.phase == "failed").values(phase="act"))
    woken = request_progress.progress(conn, root, row.request, rules, now)
    return wake(conn, {row.track, *woken} - {None}, now)


def release(conn: Connection, root: RootKey, request: str, *, by: str, now: float) -> None:
    """Allow a copy to be handed over. Raises `UsageError` when it waits for nothing."""
    row = request_row(conn, request)
    if row.released:
        raise UsageError("The copy waits for no release", hint=f"hub export {request} hands it over.")
    conn.execute(update(requests).where(requests.c.id == request).values(released=True))
    append(conn, root, request, [event("request.approved", by=by, count=1, decision="released")], now)


def delivered(
    conn: Connection, root: RootKey, request: str, *, by: str, channel: str, rules: Rules, now: float
) -> list[str]:
    """Record that the copy was handed over; an erasure that waited for that goes on (P25)."""
    row = request_row(conn, request, still_open=False)
    if row.delivered is None:
        conn.execute(update(requests).where(requests.c.id == request).values(delivered=now))
        copies = len(conn.execute(select(exports.c.track).where(exports.c.request == request)).all())
        append(conn, root, request, [event("subject.told", channel=channel, decision="copy", by=by, count=copies)], now)
    request_progress.progress(conn, root, request, rules, now)
    return wake(conn, conn.execute(select(tracks.c.id).where(tracks.c.request == request)).scalars(), now)


def hold_instance(conn: Connection, instance: str, reason: str | None, now: float) -> list[str]:
    """Stop using an instance, or use it again (`reason` None): its tracks are woken then."""
    if conn.execute(select(instances.c.name).where(instances.c.name == instance)).first() is None:
        conn.execute(insert(instances).values(name=instance))
    conn.execute(
        update(instances).where(instances.c.name == instance).values(held=reason, since=now if reason else None)
    )
    mine = select(tracks.c.id).where(tracks.c.instance == instance, tracks.c.phase != "settled")
    return wake(conn, conn.execute(mine).scalars(), now) if reason is None else []


def _end_tasks(conn: Connection, *which: Any, by: str, now: float, result: str = "done") -> None:
    values = {"result": result, "settled_by": by, "settled": now}
    conn.execute(update(tasks).where(tasks.c.result.is_(None), *which).values(values))
