"""What is written when an advance raised what nobody meant to raise: a person is asked, and nothing is repeated.

Whatever was under way may have been carried out at the service, so a silent repetition could repeat it for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from hub.coordinator.calling import Flown, fail_search, failed_event, give_up
from hub.coordinator.decide import OPEN, Action, Confirm, Find, Perform, Reconcile, Resume
from hub.coordinator.journal import change_track, open_task, release, wake
from hub.coordinator.progress import progress
from hub.coordinator.standing import with_steps
from hub.errors import code
from hub.store.schema import tracks

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn


def break_off(turn: Turn, conn: Connection, doing: Action, error: Exception) -> float | None:
    """Give what was under way to a person and let the track go; returns when to come back, None: not by itself."""
    now = turn.desk.now()
    if isinstance(doing, Find):
        fields = {**turn.where(), "operation": "find", "step": f"{turn.instance}.find", "attempt": turn.attempt}
        turn.note(conn, failed_event(fields, Flown([], error)))
        fail_search(turn, conn, error)
        release(conn, turn.track, phase="failed", at=None, reason=code(error))
        wake(conn, progress(conn, turn.root, turn.request, turn.desk.rules, now), now)
        return None
    ids = _in_hand(doing)
    turn.at = with_steps(conn, turn.at)
    mine = [step for step in turn.at.steps if step.id in ids and step.state in OPEN]
    if not mine:
        _ask(conn, turn.track, error, now)
        return None
    for step in mine:
        give_up(turn, conn, step, code(error))
    release(conn, turn.track, phase=turn.at.track.phase, at=now, reason=code(error))
    return now


def stop(conn: Connection, track: str, attempt: int | None, error: Exception, now: float) -> None:
    """Stop a track of which not even that much can be written; `attempt` None where the claim itself failed.

    No event: what raised may be what an event would need. The task and the reason say it all the same.
    """
    row = conn.execute(select(tracks).where(tracks.c.id == track)).one_or_none()
    if row is None or row.phase == "settled":
        return
    foreign = row.lease_until is not None and row.lease_until > now
    if row.attempt == attempt or (attempt is None and not foreign):
        _ask(conn, track, error, now)


def _ask(conn: Connection, track: str, error: Exception, now: float) -> None:
    request, _, instance = track.partition(".")
    change_track(conn, track, tries=0)
    release(conn, track, phase="failed", at=None, reason=code(error))
    text = f"The hub could not go on here ({code(error)}). Mend its cause, then: hub retry {request}"
    open_task(conn, request, "failed", text, now, instance=instance, track=track)


def _in_hand(doing: Action) -> set[str]:
    match doing:
        case Perform(steps):
            return {step.id for step in steps}
        case Confirm(step) | Reconcile(step) | Resume(step):
            return {step.id}
        case _:
            return set()
