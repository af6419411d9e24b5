"""Searching a service for the person, and taking down what it answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from hub.coordinator.calling import (
    UNREACHABLE_TRIES,
    Flown,
    fail_search,
    failed_event,
    fly,
    note_account,
    reachable_again,
    suspend,
    unreachable,
    verdict_on,
)
from hub.coordinator.foreign import check_found, one_by_key
from hub.coordinator.journal import change_step, change_track
from hub.coordinator.retry import Next
from hub.coordinator.sealed import seal_holding
from hub.coordinator.standing import known_identifiers
from hub.errors import ConnectorBug, Fenced, code
from hub.evidence.events import Event, event
from hub.holding import Coverage, Holding, Learned, Search
from hub.processor import Operation, Processor
from hub.store.schema import holdings, identifiers, requests
from hub.subject import Identifier, Subject

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn


_ADD_HOLDINGS = insert(holdings)


@dataclass(slots=True)
class Found:
    """What a search yielded."""

    holdings: list[Holding] = field(default_factory=list)
    learned: list[Identifier] = field(default_factory=list)
    coverage: Coverage | None = None


def subject_of(turn: Turn, known: Sequence[Row[Any]]) -> Subject:
    """The person, by everything known that identifies them."""
    opened = (json.loads(turn.root.open(turn.request, "identifiers", r.seq, r.sealed)) for r in known)
    return Subject(tuple(map(Identifier.from_dict, opened)))


def find(turn: Turn) -> Callable[[Connection], None]:
    """Search; returns the write that records what was found, or why it was not."""
    known = turn.known
    subject = subject_of(turn, known)
    found, flown = fly(turn, lambda: collect(turn.active.processor, subject, turn.lease.fence))
    if flown.error is not None or found is None:
        return lambda conn: _not_found_out(turn, conn, flown)
    return lambda conn: _take_down(turn, conn, found, flown, known)


def collect(processor: Processor[Any], subject: Subject, fence: Callable[[], None]) -> Found:
    """Search, and judge every answer as it comes. Raises what the processor raises, and `ConnectorBug`."""
    found = Found()
    for answer in processor.find(subject):
        fence()
        if found.coverage is not None:
            raise ConnectorBug("A search went on after its coverage, which ends it")
        check_found(answer, processor.kinds)
        match answer:
            case Holding():
                found.holdings.append(answer)
            case Learned():
                found.learned.append(answer.identifier)
            case Coverage():
                found.coverage = answer
    if found.coverage is None:
        raise ConnectorBug("A search ended without saying what it covered")
    found.holdings = one_by_key(found.holdings)
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
            fail_search(turn, conn, error)
        case Next.SUSPEND:
            suspend(turn, conn, error)
        case _:
            values["wake_at"] = turn.desk.now() + decision.wait
            if tries + 1 == UNREACHABLE_TRIES:
                unreachable(turn, conn)
    change_track(conn, turn.track, **values)
    fields = {**turn.where(), "operation": "find", "step": f"{turn.instance}.find", "attempt": turn.attempt}
    turn.note(conn, failed_event(fields, Flown(flown.exchanges, error)))


_PLACE = select(
    requests.c.round, select(func.max(holdings.c.ordinal)).where(holdings.c.request == requests.c.id).scalar_subquery()
).where(requests.c.id == bindparam("request"))


def _take_down(turn: Turn, conn: Connection, found: Found, flown: Flown, known: Sequence[Row[Any]]) -> None:
    """Write holdings, what was learned, coverage and their events. The steps that follow are `Turn.proceed`'s."""
    note_account(turn, conn)
    reachable_again(turn, conn, turn.at.track.tries)
    now_in, top = conn.execute(_PLACE, {"request": turn.request}).one()
    new = _take_holdings(turn, conn, found.holdings, top or 0)
    learned = _learn(turn, conn, found, now_in + 1)
    coverage = _coverage(found, [*(row.label for row in known), *learned])
    turn.note(conn, *new, _covered(turn, found, flown, coverage))
    searched = min(max(row.round for row in known), now_in)
    # Others may have taught something while this search ran: then it is made again with that.
    phase = "find" if searched < now_in else "act"
    values = {"phase": phase, "round": searched, "coverage": coverage}
    change_track(conn, turn.track, **values, tries=0, reason=None)


_SEEN_AGAIN = (
    update(holdings)
    .where(holdings.c.request == bindparam("of"), holdings.c.ordinal == bindparam("which"))
    .values({name: bindparam(f"to_{name}") for name in ("position", "match", "reach", "approved", "sealed")})
)


def _take_holdings(turn: Turn, conn: Connection, found: Sequence[Holding], ordinal: int) -> list[Event]:
    """Insert holdings not seen before; a known one keeps its ordinal. All get the places the newest search gives."""
    known = {h.index_: h for h in turn.at.holdings}
    erased = {s.holding: s for s in turn.at.steps if s.operation == Operation.ERASE and _gone(s)}
    seen: set[str] = set()
    rows, new = [], []
    for position, holding in enumerate(found):
        index = turn.root.index(holding.key)
        if index in seen:
            continue
        seen.add(index)
        if index in known:
            new += _see_again(turn, conn, known[index], erased.get(known[index].ordinal), holding, position)
            continue
        ordinal += 1
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
            "sealed": seal_holding(turn, ordinal, holding),
        }
        rows.append(row)
        new.append(_found(turn, ordinal, holding))
    if rows:
        conn.execute(_ADD_HOLDINGS, rows)
    return new


def _see_again(  # noqa: PLR0917  # what is known of it, and what is found
    turn: Turn, conn: Connection, known: Row[Any], erased: Row[Any] | None, holding: Holding, position: int
) -> list[Event]:
    """Take over the newest locator, place and certainty; what a person decided stands.

    A holding whose certainty has gone loses its approval, whoever gave it: that was about something else. One that was
    erased and is there again is erased again.
    """
    certainty = (holding.match.value, holding.reach.value)
    changed = certainty != (known.match, known.reach) and known.decision is None
    match, reach = certainty if changed else (known.match, known.reach)
    approved = known.approved and not (changed and not holding.certain)
    values = {"to_position": position, "to_match": match, "to_reach": reach, "to_approved": approved}
    sealed = seal_holding(turn, known.ordinal, holding)
    conn.execute(_SEEN_AGAIN, values | {"of": turn.request, "which": known.ordinal, "to_sealed": sealed})
    if erased is not None:
        change_step(conn, erased.id, state="ready", tries=0, reason="found_again", outcome=None, confirmation=None)
        turn.read_anew()
    return [_found(turn, known.ordinal, holding)] if changed or erased is not None else []


def _gone(step: Row[Any]) -> bool:
    return bool(step.state == "closed" and (step.outcome or {}).get("outcome") in {"done", "absent"})


def _found(turn: Turn, ordinal: int, holding: Holding) -> Event:
    named = {"kind": holding.kind, "categories": list(holding.categories)}
    named |= {"match": holding.match.value, "reach": holding.reach.value}
    return event("holding.found", **turn.where(), holding=ordinal, **named)


def _learn(turn: Turn, conn: Connection, found: Found, round_: int) -> list[str]:
    """Take in what a trusted instance's exact, sole holdings teach; returns the labels of what was not known."""
    if not (turn.active.instance.trusted and any(h.certain for h in found.holdings)):
        return []
    return add_identifiers(turn, conn, found.learned, round_)


def add_identifiers(turn: Turn, conn: Connection, learned: Sequence[Identifier], round_: int) -> list[str]:
    """Insert identifiers not known yet, to be searched for from that round on; returns their labels."""
    if not learned:
        return []
    labels: list[str] = []
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
        labels.append(identifier.label)
        row = {"request": turn.request, "seq": seq, "label": identifier.label, "source": turn.instance}
        conn.execute(insert(identifiers).values(row | {"round": round_, "index_": index, "sealed": sealed}))
    return labels


def _coverage(found: Found, labels: Iterable[str]) -> dict[str, str]:
    """How each kind of identifier the request knows was searched for."""
    assert found.coverage is not None
    return {label: found.coverage.searched.get(label, Search.NONE).value for label in sorted(set(labels))}


def _covered(turn: Turn, found: Found, flown: Flown, coverage: dict[str, str]) -> Event:
    ruled_out = any(how in {Search.EXACT, Search.SCAN} for how in coverage.values())
    outcome = None if found.holdings else "nothing_held" if ruled_out else "not_searchable"
    return event(
        "find.covered",
        **turn.where(),
        coverage=coverage,
        count=len(found.holdings),
        exchanges=flown.exchanges,
        attempt=turn.attempt,
        outcome=outcome,
    )
