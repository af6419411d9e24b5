"""The steps that follow from what is held and decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert

from hub.coordinator.decide import asked_for, steps_wanted
from hub.coordinator.journal import new_id
from hub.processor import Operation
from hub.rights import Right
from hub.store.schema import steps

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn

_ADD_STEPS = insert(steps)


def add_steps(turn: Turn, conn: Connection) -> bool:
    """Insert the steps that follow from what is held and decided now; whether there were any."""
    at = turn.at
    rights = [Right(r) for r in at.track.rights]
    waits = not at.track.options.get("auto_approve") or turn.desk.rules.grace > 0
    processor = turn.desk.fleet.processor(turn.instance)
    may_stop = processor.stops_before_erase and processor.cannot(Operation.SUPPRESS) is None
    stop_first = may_stop and (waits or Operation.EXPORT in asked_for(at.track))
    bare = Right.OBJECTION in rights or Right.CONSENT_WITHDRAWAL in rights
    last = max((s.number for s in at.steps), default=0)
    rows = []
    for number, (operation, ordinal) in enumerate(steps_wanted(at, stop_first=stop_first, bare=bare), last + 1):
        row = {"id": f"{turn.track}.{number}", "request": turn.request, "track": turn.track, "number": number}
        row |= {"operation": operation.value, "holding": ordinal, "key": new_id() + new_id(), "state": "ready"}
        rows.append(row)
    if rows:
        conn.execute(_ADD_STEPS, rows)
    return bool(rows)
