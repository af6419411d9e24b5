"""What people decide: whose a holding is, what may be erased, what is tried again, released, handed over.

Each function is one transaction's worth of writes and returns the tracks to wake. Names of staff never get here: `by`
is an actor's random id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from hub.coordinator.decide import OPEN, REFUSALS, acted, undecided
from hub.coordinator.journal import append, change_step, end_tasks, note_decision, wake
from hub.coordinator.progress import Rules, approve_found, progress, unapproved
from hub.coordinator.rows import digest_of, found_by, request_row
from hub.errors import UsageError
from hub.evidence.events import event
from hub.processor import Operation
from hub.store.rootkey import RootKey
from hub.store.schema import exports, holdings, instances, requests, steps, tasks, tracks

SHORTEST_DIGEST = 8
"""Digits of a digest by which a person says what they looked at."""


def approve(
    conn: Connection, root: RootKey, request: str, *, by: str, digest: str | None, rules: Rules, now: float
) -> list[str]:
    """Approve what was found. Raises `UsageError` when it is no longer what the person saw, or when nothing waits."""
    row = request_row(conn, request)
    found = found_by(conn, request)
    if digest is not None and not (len(digest) >= SHORTEST_DIGEST and digest_of(found).startswith(digest.lower())):
        raise UsageError(
            "What was found has changed since you looked", hint=f"Look again: hub show {request}, then approve that."
        )
    if row.state == "finding":
        raise UsageError(
            "The services are still being searched", hint=f"Wait for it (hub watch {request}), then approve."
        )
    waiting = unapproved(row, found)
    if not waiting:
        raise UsageError("Nothing waits for approval", hint=f"hub show {request} tells what it waits for.")
    conn.execute(update(requests).where(requests.c.id == request).values(approved_digest=digest_of(found)))
    chosen = approve_found(conn, root, row, waiting, by=by, reason="reviewed", rules=rules, now=now)
    woken = wake(conn, chosen, now)
    conn.execute(update(tracks).where(tracks.c.id.in_(woken), tracks.c.reason == "review").values(reason="approved"))
    return woken


def decide(
    conn: Connection, root: RootKey, request: str, *, by: str, choices: Mapping[int, bool], rules: Rules, now: float
) -> list[str]:
    """Record whose uncertain holdings are: ordinal → hers or not. Raises `UsageError` for what needs no decision."""
    request_row(conn, request)
    open_ones = {h.ordinal: h for h in found_by(conn, request) if undecided(h)}
    if strange := sorted(set(choices) - set(open_ones)):
        raise UsageError(
            f"No decision is asked for holding {strange[0]}", hint=f"hub decide {request} lists those that wait."
        )
    new = []
    for ordinal, hers in choices.items():
        decision = "hers" if hers else "not_hers"
        mine = (holdings.c.request == request) & (holdings.c.ordinal == ordinal)
        conn.execute(update(holdings).where(mine).values(decision=decision))
        if not hers:  # what was planned while it looked like hers, and never sent
            planned = (steps.c.request == request) & (steps.c.holding == ordinal) & (steps.c.attempt == 0)
            conn.execute(delete(steps).where(planned, steps.c.state == "ready"))
        instance = open_ones[ordinal].track.removeprefix(f"{request}.")
        new.append(event("match.decided", instance=instance, holding=ordinal, decision=decision, by=by))
    append(conn, root, request, new, now)
    note_decision(conn, request)
    if set(choices) == set(open_ones):
        end_tasks(conn, tasks.c.request == request, tasks.c.kind == "decide", by=by, now=now)
    touched = {open_ones[o].track for o in choices}
    woken = progress(conn, root, request, rules, now)
    return wake(conn, {*touched, *woken}, now)


def retry(conn: Connection, request: str, *, by: str, instance: str | None, now: float) -> list[str]:
    """Try again what failed: at one instance or at all. Raises `UsageError` when nothing failed there."""
    request_row(conn, request)
    mine = [tracks.c.request == request] + ([tracks.c.instance == instance] if instance else [])
    chosen = conn.execute(select(tracks).where(*mine)).all()
    ids = [t.id for t in chosen]
    open_steps = conn.execute(select(steps).where(steps.c.track.in_(ids), steps.c.state.in_(OPEN))).all()
    failed = [s for s in open_steps if s.state == "person" and s.reason != "manual"]
    late = [s for s in open_steps if s.next_at is not None and s.reason != "contained"]
    searching = [t.id for t in chosen if t.phase in {"failed", "find"}]
    if not (failed or searching or late):
        raise UsageError("Nothing failed there", hint=f"hub show {request} tells what it waits for.")
    for step in failed:
        # Whether an act happened is read back before it is repeated; an export simply goes on at its cursor.
        values = {"tries": 0, "differs": 0, "next_at": None, "give_up_at": None, "reason": "retried"}
        change_step(conn, step.id, **values, **_again(step))
    for step in late:
        change_step(conn, step.id, next_at=None)
    note_decision(conn, request)
    conn.execute(update(tracks).where(tracks.c.id.in_(searching)).values(phase="find", tries=0, wake_at=now))
    over = tasks.c.kind == "failed"  # one that says nobody answers ends when somebody does
    end_tasks(conn, tasks.c.track.in_(ids), over, by=by, now=now, result="retried")
    return wake(conn, ids, now)


def _again(step: Row[Any]) -> dict[str, Any]:
    """Where a failed step goes on, and what is known of it: done before its read-back failed, refused, or nothing."""
    outcome = step.outcome or {}
    done = acted(outcome)
    if step.operation == Operation.EXPORT:
        return {"state": "ready", "outcome": None}
    if done and done["outcome"] != "contained":
        return {"state": "confirm" if outcome.get("at") == "confirm" else "sent", "outcome": done}
    refused = outcome.get("at") == "ready" and outcome.get("reason") in REFUSALS
    return {"state": "sent", "outcome": outcome if refused else None}


def release(conn: Connection, root: RootKey, request: str, *, by: str, now: float) -> None:
    """Allow a copy to be handed over. Raises `UsageError` when it waits for nothing."""
    row = request_row(conn, request)
    if row.released:
        raise UsageError("The copy waits for no release", hint=f"hub export {request} hands it over.")
    conn.execute(update(requests).where(requests.c.id == request).values(released=True))
    append(conn, root, request, [event("request.approved", by=by, count=1, decision="released")], now)
    end_tasks(conn, tasks.c.request == request, tasks.c.kind == "release", by=by, now=now)


def delivered(
    conn: Connection, root: RootKey, request: str, *, by: str, channel: str, rules: Rules, now: float
) -> list[str]:
    """Record that the copy was handed over; an erasure that waited for that goes on (P25).

    Once a request is closed its evidence is complete: that the copy is fetched again stands in the audit alone.
    """
    row = request_row(conn, request, still_open=False)
    if row.state == "closed":
        return []
    if row.delivered is None:
        conn.execute(update(requests).where(requests.c.id == request).values(delivered=now))
        copies = len(conn.execute(select(exports.c.track).where(exports.c.request == request)).all())
        append(conn, root, request, [event("subject.told", channel=channel, decision="copy", by=by, count=copies)], now)
        end_tasks(conn, tasks.c.request == request, tasks.c.kind == "deliver", by=by, now=now)
    progress(conn, root, request, rules, now)
    return wake(conn, conn.execute(select(tracks.c.id).where(tracks.c.request == request)).scalars(), now)


def hold_instance(conn: Connection, instance: str, reason: str | None, now: float) -> list[str]:
    """Stop using an instance, or use it again (`reason` None): its tracks are woken then."""
    if conn.execute(select(instances.c.name).where(instances.c.name == instance)).first() is None:
        conn.execute(insert(instances).values(name=instance))
    conn.execute(
        update(instances).where(instances.c.name == instance).values(held=reason, since=now if reason else None)
    )
    mine = select(tracks.c.id).where(tracks.c.instance == instance, tracks.c.phase != "settled")
    if reason is not None:
        return []
    end_tasks(conn, tasks.c.instance == instance, tasks.c.kind == "suspended", by=None, now=now)
    return wake(conn, conn.execute(mine).scalars(), now)
