"""Searching a service for the person, and taking down what it answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, insert, select

from hub.coordinator.calling import (
    UNREACHABLE_TRIES,
    Flown,
    failed_event,
    fly,
    note_account,
    reachable_again,
    suspend,
    unreachable,
    verdict_on,
)
from hub.coordinator.decide import steps_wanted
from hub.coordinator.journal import change_track, known_identifiers, new_id, open_task, snapshot
from hub.coordinator.retry import Next
from hub.errors import ConnectorBug, Fenced, code
from hub.evidence.events import Event, event
from hub.holding import Coverage, Holding, Learned, Search
from hub.processor import Operation
from hub.rights import Right, operations
from hub.store.schema import holdings, identifiers, requests, steps
from hub.subject import Identifier, Subject

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn


@dataclass(slots=True)
class Found:
    """What a search yielded."""

    holdings: list[Holding] = field(default_factory=list)
    learned: list[Identifier] = field(default_factory=list)
    coverage: Coverage | None = None


def subject_of(turn: Turn) -> tuple[Subject, Sequence[Row[Any]]]:
    """Everything known by now that identifies the person."""
    with turn.desk.db.read() as conn:
        rows = known_identifiers(conn, turn.request)
    opened = (json.loads(turn.root.open(turn.request, "identifiers", r.seq, r.sealed)) for r in rows)
    return Subject(tuple(map(Identifier.from_dict, opened))), rows


def find(turn: Turn) -> Callable[[Connection], None]:
    """Search; returns the write that records what was found, or why it was not."""
    subject, known = subject_of(turn)
    round_ = max(row.round for row in known)
    found, flown = fly(turn, lambda: _collect(turn.active.processor.find(subject), turn.lease.fence))
    if flown.error is not None or found is None:
        return lambda conn: _not_found_out(turn, conn, flown)
    return lambda conn: _take_down(turn, conn, found, flown, round_)


def _collect(answers: Iterable[Holding | Learned | Coverage], fence: Callable[[], None]) -> Found:
    found = Found()
    for answer in answers:
        fence()
        match answer:
            case Holding():
                found.holdings.append(answer)
            case Learned():
                found.learned.append(answer.identifier)
            case Coverage():
                found.coverage = answer
    if found.coverage is None:
        raise ConnectorBug("A search ended without saying what it covered")
    return found


def _not_found_out(turn: Turn, conn: Connection, flown: Flown) -> None:
    error = flown.error or ConnectorBug("A search answered nothing")
    tries = turn.at.track.tries
    decision = verdict_on(turn, error, tries)
    values: dict[str, Any] = {"tries": tries + 1, "reason": code(error)}
    match decision.next:
        case Next.STOP:
            raise Fenced
        case Next.PERSON:
            values |= {"phase": "failed", "wake_at": None}
            text = f"The search failed ({code(error)}). Mend its cause, then: hub retry {turn.request}"
            where = {"instance": turn.instance, "track": turn.track}
            open_task(conn, turn.request, "failed", text, turn.desk.now(), **where)
        case Next.SUSPEND:
            suspend(turn, conn, error)
        case _:
            values["wake_at"] = turn.desk.now() + decision.wait
            if tries + 1 == UNREACHABLE_TRIES:
                unreachable(turn, conn)
    change_track(conn, turn.track, **values)
    fields = {**turn.active.where(), "operation": "find", "step": f"{turn.instance}.find", "attempt": turn.attempt}
    turn.note(conn, failed_event(fields, Flown(flown.exchanges, error)))


def _take_down(turn: Turn, conn: Connection, found: Found, flown: Flown, round_: int) -> None:
    """Write holdings, what was learned, coverage and their events; then the steps that follow from them."""
    note_account(turn, conn)
    reachable_again(turn, conn, turn.at.track.tries)
    new = _add_holdings(turn, conn, found.holdings)
    _learn(turn, conn, found)
    coverage = _coverage(turn, conn, found)
    turn.note(conn, *new, _covered(turn, found, flown, coverage))
    now_in = conn.execute(select(requests.c.round).where(requests.c.id == turn.request)).scalar_one()
    # Others may have taught something while this search ran: then it is made again with that.
    phase = "find" if round_ < now_in else "act"
    values = {"phase": phase, "round": min(round_, now_in), "coverage": coverage}
    change_track(conn, turn.track, **values, tries=0, reason=None, wake_at=None)
    add_steps(turn, conn)


def _add_holdings(turn: Turn, conn: Connection, found: Sequence[Holding]) -> list[Event]:
    """Insert holdings not seen before; a known one keeps its ordinal and gets its newest locator."""
    known = {h.index_ for h in turn.at.holdings}
    top = conn.execute(select(func.coalesce(func.max(holdings.c.ordinal), 0)).where(holdings.c.request == turn.request))
    ordinal = top.scalar_one()
    rows, new = [], []
    for position, holding in enumerate(found, start=len(known)):
        index = turn.root.index(holding.key)
        if index in known:
            continue
        ordinal += 1
        body = {"key": holding.key, "locator": dict(holding.locator), "hints": dict(holding.hints)}
        row = {
            "request": turn.request,
            "ordinal": ordinal,
            "track": turn.track,
            "position": position,
            "round": turn.at.track.request_round,
            "index_": index,
            "kind": holding.kind,
            "categories": list(holding.categories),
            "match": holding.match.value,
            "reach": holding.reach.value,
            "role": holding.role.value,
            "sealed": turn.root.seal(turn.request, "holdings", ordinal, json.dumps(body).encode()),
        }
        known.add(index)
        rows.append(row)
        named = {k: row[k] for k in ("kind", "categories", "match", "reach")}
        new.append(event("holding.found", **turn.active.where(), holding=ordinal, **named))
    if rows:
        conn.execute(insert(holdings), rows)
    return new


def _learn(turn: Turn, conn: Connection, found: Found) -> None:
    """Take in what a trusted instance's exact, sole holdings teach; it widens the search in the next round."""
    if turn.active.instance.trusted and any(h.certain for h in found.holdings):
        add_identifiers(turn, conn, found.learned, turn.at.track.request_round + 1)


def add_identifiers(turn: Turn, conn: Connection, learned: Sequence[Identifier], round_: int) -> None:
    """Insert identifiers not known yet, to be searched for from that round on."""
    if not learned:
        return
    rows = known_identifiers(conn, turn.request)
    known = {row.index_ for row in rows}
    seq = max(row.seq for row in rows)
    for identifier in learned:
        index = turn.root.index(identifier.canonical())
        if index in known:
            continue
        known.add(index)
        seq += 1
        sealed = turn.root.seal(turn.request, "identifiers", seq, json.dumps(identifier.as_dict()).encode())
        row = {"request": turn.request, "seq": seq, "label": identifier.label, "source": turn.instance}
        conn.execute(insert(identifiers).values(row | {"round": round_, "index_": index, "sealed": sealed}))


def _coverage(turn: Turn, conn: Connection, found: Found) -> dict[str, str]:
    """How each kind of identifier the request knows was searched for."""
    assert found.coverage is not None
    labels = {row.label for row in known_identifiers(conn, turn.request)}
    return {label: found.coverage.searched.get(label, Search.NONE).value for label in sorted(labels)}


def _covered(turn: Turn, found: Found, flown: Flown, coverage: dict[str, str]) -> Event:
    ruled_out = any(how in {Search.EXACT, Search.SCAN} for how in coverage.values())
    outcome = None if found.holdings else "nothing_held" if ruled_out else "not_searchable"
    return event(
        "find.covered",
        **turn.active.where(),
        coverage=coverage,
        count=len(found.holdings),
        exchanges=flown.exchanges,
        attempt=turn.attempt,
        outcome=outcome,
    )


def add_steps(turn: Turn, conn: Connection) -> None:
    """Insert the steps that follow from what is held now."""
    at = snapshot(conn, turn.track)
    assert at is not None
    rights = [Right(r) for r in at.track.rights]
    waits = not at.track.options.get("auto_approve") or turn.desk.rules.grace > 0
    processor = turn.active.processor
    may_stop = processor.stops_before_erase and processor.cannot(Operation.SUPPRESS) is None
    stop_first = may_stop and (waits or Operation.EXPORT in operations(rights))
    bare = Right.OBJECTION in rights or Right.CONSENT_WITHDRAWAL in rights
    number = max((s.number for s in at.steps), default=0)
    rows = []
    for operation, ordinal in steps_wanted(at, stop_first=stop_first, bare=bare):
        number += 1
        rows.append(
            {
                "id": f"{turn.track}.{number}",
                "request": turn.request,
                "track": turn.track,
                "number": number,
                "operation": operation.value,
                "holding": ordinal,
                "key": new_id() + new_id(),
                "state": "ready",
            }
        )
    if rows:
        conn.execute(insert(steps), rows)
