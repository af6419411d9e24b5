"""What happens to a request as a whole: rounds of identifiers, the barrier, review, closing.

`progress` is called in the very transaction that changed something, so no wake-up can fall between two writers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, insert, select, update

from hub.coordinator.decide import actionable, asked_for, undecided
from hub.coordinator.journal import append, change_request, end_tasks, new_id, note_decision, open_task, wake
from hub.coordinator.verdict import Duty, duties, verdict
from hub.evidence.events import event
from hub.holding import Search
from hub.processor import Operation
from hub.rights import NEEDS_APPROVAL
from hub.store.keys import RootKey
from hub.store.schema import exports, holdings, identifiers, obligations, requests, steps, tasks, tracks

GONE_WITHIN = 20 * 86400.0
"""Seconds from receipt within which what is to be deleted is gone (P6); no grace puts that off."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings a request's progress depends on.

    Args:
        patience: seconds a round waits for unreachable services.
        rounds: how many rounds of identifiers at most.
        grace: seconds between approval and the first irreversible step.
        searches: instance → label → how it is searched.
        seal_obligation: (id, locator) → the wrapped key of the obligation, and the locator sealed under it.
        ordered: whether some instance erases after another.
        auto_actor: actor id that stands for the policy where approval is automatic.
    """

    patience: float
    rounds: int
    grace: float
    searches: Mapping[str, Mapping[str, Search]]
    seal_obligation: Callable[[str, bytes], tuple[bytes, bytes]]
    ordered: bool = False
    auto_actor: str = "policy_automatic"


_MINE: BindParameter[str] = bindparam("request")
_REQUEST = select(requests).where(requests.c.id == _MINE)
_TRACKS = select(tracks).where(tracks.c.request == _MINE)
_FOUND = select(holdings).where(holdings.c.request == _MINE)
_UNSETTLED = select(func.count(tracks.c.id)).where(tracks.c.request == _MINE, tracks.c.phase != "settled")
_AFTER = select(tracks.c.id).where(tracks.c.request == _MINE, tracks.c.reason == "erase_after")
_ASKED = select(func.count(tasks.c.id)).where(tasks.c.request == _MINE, tasks.c.result.is_(None))
_COPIES = select(func.count(exports.c.track)).where(exports.c.request == _MINE)
_LEARNED = select(identifiers.c.label).where(identifiers.c.request == _MINE, identifiers.c.round == bindparam("round"))
_APPROVE = (
    update(holdings)
    .where(holdings.c.request == bindparam("of"), holdings.c.ordinal.in_(bindparam("ordinals", expanding=True)))
    .values(approved=True)
)


def progress(conn: Connection, root: RootKey, request: str, rules: Rules, now: float) -> list[str]:
    """Move a request on as far as the journal allows; returns the tracks to wake."""
    row = conn.execute(_REQUEST, {"request": request}).one()
    if row.state == "closed":
        return []
    every = conn.execute(_TRACKS, {"request": request}).all()
    woken: list[str] = []
    if row.state == "finding":
        if _still_looking(row, every, now):
            return []
        woken = _next_round(conn, row, every, rules, now)
        if woken:
            return woken
        change_request(conn, request, state="acting")
        woken = [t.id for t in every]
    else:
        # A late service taught something: search with it wherever that is possible, settled tracks too.
        woken = _next_round(conn, row, every, rules, now)
    woken += _review(conn, root, row, rules, now)
    _close(conn, root, row, rules, now)
    return wake(conn, dict.fromkeys(woken), now)


def settled(conn: Connection, root: RootKey, request: str, rules: Rules, now: float) -> list[str]:
    """A track has settled: close the request if it was the last thing open. Returns the tracks to wake."""
    if not conn.execute(_UNSETTLED, {"request": request}).scalar_one():
        return progress(conn, root, request, rules, now)
    if not rules.ordered:
        return []
    # Only erasures that wait for this instance's (`erase_after`) have something to gain.
    waiting = conn.execute(_AFTER, {"request": request}).scalars().all()
    return wake(conn, waiting, now)


def _still_looking(row: Row[Any], every: Sequence[Row[Any]], now: float) -> bool:
    """Whether the barrier holds: somebody reachable has not answered in this round, and patience lasts."""
    if row.barrier_at is not None and now >= row.barrier_at:
        return False
    # Who did not answer in the last round is not waited for again: a dead service costs the others one patience.
    return any(t.phase == "find" and t.round >= row.round - 1 for t in every)


def _new_labels(conn: Connection, row: Row[Any]) -> set[str]:
    return set(conn.execute(_LEARNED, {"request": row.id, "round": row.round + 1}).scalars())


def _next_round(conn: Connection, row: Row[Any], every: Sequence[Row[Any]], rules: Rules, now: float) -> list[str]:
    """Search anew with what was learned, where the service can be searched by it. Returns the tracks that search."""
    labels = _new_labels(conn, row)
    if not labels or row.round >= rules.rounds:
        return []
    again = [t.id for t in every if _can_search(rules, t.instance, labels)]
    values = {"round": row.round + 1}
    if row.state == "finding":
        values["barrier_at"] = now + rules.patience
    conn.execute(update(requests).where(requests.c.id == row.id).values(values))
    finished = tracks.c.id.in_([t.id for t in every if t.phase != "find" and t.id not in again])
    conn.execute(update(tracks).where(finished).values(round=row.round + 1))
    # Who still searches, or failed to, does so when it is time, and with everything known by then.
    searching = [t.id for t in every if t.id in again and t.phase not in {"find", "failed"}]
    conn.execute(update(tracks).where(tracks.c.id.in_(searching)).values(phase="find", tries=0, wake_at=now))
    return searching


def _can_search(rules: Rules, instance: str, labels: set[str]) -> bool:
    searches = rules.searches.get(instance, {})
    return any(searches.get(label, Search.NONE) is not Search.NONE for label in labels)


def _review(conn: Connection, root: RootKey, row: Row[Any], rules: Rules, now: float) -> list[str]:
    """Approve what policy approves by itself; ask a person for everything else."""
    found = conn.execute(_FOUND, {"request": row.id}).all()
    if asked_for(row) and any(map(undecided, found)):
        open_task(conn, row.id, "decide", "Decide whose the uncertain holdings are: hub decide", now)
    else:  # a later search may have settled by itself whose they are
        end_tasks(conn, tasks.c.request == row.id, tasks.c.kind == "decide", by=None, now=now)
    waiting = unapproved(row, found)
    if not waiting:
        return []
    if not row.options.get("auto_approve"):
        open_task(conn, row.id, "review", "Approve what was found before it is changed or erased: hub approve", now)
        return []
    return approve_found(conn, root, row, waiting, by=rules.auto_actor, reason="policy", rules=rules, now=now)


def unapproved(row: Row[Any], found: Sequence[Row[Any]]) -> list[Row[Any]]:
    """What the request, as it stands now, may only touch once it was approved, and was not."""
    needed = not NEEDS_APPROVAL.isdisjoint(asked_for(row))
    return [h for h in found if needed and actionable(h) and not h.approved]


def approve_found(
    conn: Connection,
    root: RootKey,
    row: Row[Any],
    waiting: Sequence[Row[Any]],
    *,
    by: str,
    reason: str,
    rules: Rules,
    now: float,
) -> list[str]:
    """Record an approval of these holdings; the grace period begins with the first one. Returns the tracks to wake.

    Grace ends at the latest when what a person wants deleted must be gone.
    """
    ordinals = [h.ordinal for h in waiting]
    conn.execute(_APPROVE, {"of": row.id, "ordinals": ordinals})
    note_decision(conn, row.id)
    if row.grace_until is None and rules.grace > 0:
        change_request(conn, row.id, grace_until=min(now + rules.grace, row.received + GONE_WITHIN))
    approved = event("request.approved", by=by, count=len(ordinals), decision="approved", reason=reason)
    append(conn, root, row.id, [approved], now)
    if reason != "policy":
        end_tasks(conn, tasks.c.request == row.id, tasks.c.kind == "review", by=by, now=now)
    return sorted({h.track for h in waiting})


def _close(conn: Connection, root: RootKey, row: Row[Any], rules: Rules, now: float) -> None:
    """Close the request when every track is settled, nothing is asked of a person and every copy was delivered."""
    key = {"request": row.id}
    if any(conn.execute(query, key).scalar_one() for query in (_UNSETTLED, _ASKED)):
        return
    if row.delivered is None and conn.execute(_COPIES, key).scalar_one():
        if not row.released:
            open_task(conn, row.id, "release", "Look the copy over, then let it be handed over: hub release", now)
        return
    finish(conn, root, row.id, rules, now)


def _obligation(root: RootKey, duty: Duty, holding: Row[Any], rules: Rules) -> dict[str, Any]:
    """The row of an obligation: its locator moves under a key of its own, so the request's key can die before it."""
    locator = root.open(holding.request, "holdings", holding.ordinal, holding.sealed)
    id_ = new_id()
    wrapped, sealed = rules.seal_obligation(id_, locator)
    row = {"id": id_, "instance": duty.instance, "kind": duty.kind, "ground": duty.ground, "due": duty.due}
    return row | {"state": "open", "wrapped_key": wrapped, "sealed": sealed}


def finish(conn: Connection, root: RootKey, request: str, rules: Rules, now: float, **why: str) -> None:
    """Write the last event, turn what is kept into obligations, close."""
    every = conn.execute(select(tracks).where(tracks.c.request == request)).all()
    taken = conn.execute(select(steps).where(steps.c.request == request)).all()
    found = conn.execute(select(holdings).where(holdings.c.request == request)).all()
    by_hand = conn.execute(select(tasks).where(tasks.c.request == request, tasks.c.kind == "recipient")).all()
    row = conn.execute(_REQUEST, {"request": request}).one()
    new = []
    locators = {h.ordinal: h for h in found}
    erasing = Operation.ERASE in asked_for(row) and not row.options.get("cancelled")
    for duty in duties(every, taken, found) if erasing else ():
        conn.execute(insert(obligations).values(_obligation(root, duty, locators[duty.ordinal], rules)))
        fields = {"instance": duty.instance, "kind": duty.kind, "ground": duty.ground, "until": duty.due}
        new.append(event("obligation.created", holding=duty.ordinal, **fields))
    append(conn, root, request, new, now)
    count = row.seq + len(new) + 1
    outcome = why.pop("outcome", None) or verdict(every, taken, found, by_hand)
    append(conn, root, request, [event("request.closed", events=count, outcome=outcome, **why)], now)
    change_request(conn, request, state="closed", closed=now)
