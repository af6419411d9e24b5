"""What follows from an answer: a step's next state, its event, and what it means beyond the step."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import Connection, Row

from hub.coordinator.calling import about, give_up, reachable_again
from hub.coordinator.codec import code, encode, evidence, secrets
from hub.coordinator.decide import REFUSALS, open_business
from hub.coordinator.journal import change_step, open_task
from hub.coordinator.retry import LONGEST_NAMED
from hub.coordinator.sealed import move_holding, seal_step
from hub.evidence.events import Event, event
from hub.outcome import (
    Absent,
    AsAsked,
    Confirmation,
    Contained,
    Differs,
    Done,
    Gone,
    Manual,
    Masked,
    Method,
    NotYet,
    Outcome,
    Partial,
    Pending,
    Refused,
    Retained,
    Unsupported,
    Unverifiable,
)
from hub.processor import Operation

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn

MAX_DIFFERS = 3
"""Times a read-back may say *not as asked* before a person is asked."""
SHORTEST = 1.0
"""Seconds until a service is asked again, however soon it says that would make sense."""

_METHODS = {
    Operation.ERASE: Method.DELETED,
    Operation.SUPPRESS: Method.SUPPRESSED,
    Operation.RECTIFY: Method.CORRECTED,
    Operation.LIFT: Method.LIFTED,
}


def happened_unseen(turn: Turn, conn: Connection, step: Row[Any], said: AsAsked | Gone | Masked) -> str | None:
    """Record that a sent step was carried out although its answer was lost; returns the reason to write with it."""
    # After a refusal nothing was lost: what is gone all the same went without us, and is absent.
    if isinstance(said, Gone) and (step.outcome or {}).get("reason") in REFUSALS:
        turn.note(conn, event("step.outcome", **about(turn, step), **evidence(Absent()), exchanges=[]))
        change_step(conn, step.id, outcome=encode(Absent()))
        return None
    method = Method.REDACTED if isinstance(said, Masked) else _METHODS[Operation(step.operation)]
    turn.note(conn, event("step.outcome", **about(turn, step), exchanges=[], **_lost(Done(method))))
    change_step(conn, step.id, outcome=encode(Done(method)))
    return "answer_lost"


def _lost(outcome: Done) -> dict[str, Any]:
    return evidence(outcome) | {"reason": "answer_lost"}


def answered(turn: Turn, conn: Connection, step: Row[Any], outcome: Outcome, exchanges: list[dict[str, Any]]) -> None:
    """Write an outcome, its event and what follows from it."""
    reachable_again(turn, conn, step.tries)
    fields = evidence(outcome)
    if isinstance(outcome, Absent) and _was_ours(step):
        outcome = Done(Method.DELETED)
        fields = _lost(outcome)
    new: list[Event] = [event("step.outcome", **about(turn, step), exchanges=exchanges, **fields)]
    if isinstance(outcome, Contained):
        named = {k: v for k, v in about(turn, step).items() if k not in {"operation", "attempt"}}
        new.append(event("contained", **named, until=fields["until"]))
    turn.note(conn, *new)
    values: dict[str, Any] = {"outcome": encode(outcome), "confirmation": None, "tries": 0, "next_at": None}
    values |= {"reason": fields.get("reason"), "give_up_at": None}
    if private := secrets(outcome):
        values["sealed"] = seal_step(turn, step, private)
    change_step(conn, step.id, **values | _follows(turn, step, outcome))
    _consequences(turn, conn, step, outcome)


def _was_ours(step: Row[Any]) -> bool:
    """Whether an earlier attempt explains that what is to be erased is absent now.

    It was sent and nobody saw its answer, or a read-back found the record still there; or the service had accepted
    the job. A service that said *absent* of a record that was there accepted nothing.
    """
    return (
        step.operation == Operation.ERASE
        and (step.outcome or {}).get("outcome") != "absent"
        and (step.state == "resume" or step.confirmation in {"differs", "unverifiable"})
    )


def _follows(turn: Turn, step: Row[Any], outcome: Outcome) -> dict[str, Any]:  # noqa: PLR0911  # one per outcome
    """The state a step is in after an outcome."""
    match outcome:
        case Done():
            return {"state": "confirm"}
        case Absent() if step.operation == Operation.ERASE:
            return {"state": "confirm"}  # this request's search saw it: a 404 alone can be a wrong path or a bad moment
        case Partial():
            return {"state": "confirm", "give_up_at": _patience_so_far(step)}
        case Contained(purge_due):
            return {"state": "confirm", "give_up_at": purge_due.timestamp()}
        case Pending(check_after, _, give_up_at):
            # A job that keeps naming a later end still ends when it first said.
            first = step.give_up_at if (step.outcome or {}).get("outcome") == "pending" else None
            ends = min(first or float("inf"), give_up_at.timestamp())
            return {"state": "resume", "reason": "pending", "next_at": _after(turn, check_after), "give_up_at": ends}
        case Refused():
            return _refused(turn, _patience_so_far(step))
        case Manual():
            return {"state": "person", "reason": "manual"}
        case Absent() | Retained() | Unsupported():
            return {"state": "closed"}
        case _:
            assert_never(outcome)


def _after(turn: Turn, instant: datetime) -> float:
    now = turn.desk.now()
    return min(max(instant.timestamp(), now + SHORTEST), now + LONGEST_NAMED)


def _consequences(turn: Turn, conn: Connection, step: Row[Any], outcome: Outcome) -> None:
    """What an outcome means beyond its own step: a moved holding, a task for a person, patience at its end."""
    match outcome:
        case Done():
            _moved(turn, conn, step, outcome)
        case Partial(done, left):
            _moved(turn, conn, step, done)
            for part in left:
                if isinstance(part, Manual):
                    _ask(turn, conn, step, part)
        case Manual():
            _ask(turn, conn, step, outcome)
        case Pending() if turn.desk.now() >= _follows(turn, step, outcome)["give_up_at"]:
            give_up(turn, conn, step, "gave_up")
        case Absent() if step.operation == Operation.RECTIFY:
            give_up(turn, conn, step, "nothing_to_correct")  # absence never satisfies a rectification
        case _:
            pass


def _ask(turn: Turn, conn: Connection, step: Row[Any], manual: Manual) -> None:
    where = {"instance": turn.instance, "track": turn.track, "step": step.id}
    open_task(conn, turn.request, "manual", manual.instructions, turn.desk.now(), **where)


def _patience_so_far(step: Row[Any]) -> float | None:
    """When patience with open business ends, where it began at an earlier attempt."""
    return step.give_up_at if open_business(step.outcome) else None


def _refused(turn: Turn, give_up_at: float | None) -> dict[str, Any]:
    """Open business is asked about again until patience ends; then it becomes an obligation at closing."""
    patience, now = turn.desk.patience, turn.desk.now()
    ends = give_up_at or now + patience.refused_until
    if now + patience.refused_retry > ends:
        return {"state": "closed", "reason": "refused", "give_up_at": ends}
    return {"state": "ready", "reason": "refused", "next_at": now + patience.refused_retry, "give_up_at": ends}


def _moved(turn: Turn, conn: Connection, step: Row[Any], done: Done) -> None:
    """After a correction: where the holding is now.

    What the person is called now stays in the vault (`Done.learned`) and is searched for nowhere: whoever asked for the
    correction named it, and nobody has verified that it is theirs.
    """
    if done.locator is not None and step.holding is not None:
        move_holding(turn, conn, step, done.locator)


def confirmed(
    turn: Turn,
    conn: Connection,
    step: Row[Any],
    said: Confirmation,
    exchanges: list[dict[str, Any]],
    *,
    reason: str | None = None,
) -> None:
    """Write what a read-back said, and what follows from it; `reason` says how the outcome came about."""
    reachable_again(turn, conn, step.tries)
    fields = about(turn, step) | {"confirmation": code(said), "exchanges": exchanges}
    if isinstance(said, Unverifiable):
        fields["reason"] = said.reason
    turn.note(conn, event("step.confirmed", **fields))
    change_step(conn, step.id, confirmation=code(said), next_at=None, tries=0)
    match said:
        case NotYet(check_after):
            not_yet(turn, conn, step, check_after, state="confirm")
        case Unverifiable(why):
            change_step(conn, step.id, **_settled(turn, step, reason or why))
        case Gone() if step.operation == Operation.RECTIFY:
            give_up(turn, conn, step, "nothing_to_correct")
        case AsAsked() | Gone() | Masked():
            _as_asked(turn, conn, step, said, reason)
        case Differs():
            _differs(turn, conn, step)
        case _:
            assert_never(said)


def _as_asked(turn: Turn, conn: Connection, step: Row[Any], said: AsAsked | Gone | Masked, reason: str | None) -> None:
    values = _settled(turn, step, reason)
    if isinstance(said, Masked) and (step.outcome or {}).get("method") == Method.DELETED:
        values["outcome"] = step.outcome | {"method": Method.REDACTED.value}  # masked is never called deleted
    change_step(conn, step.id, **values)
    if isinstance(said, AsAsked) and step.operation == Operation.LIFT:
        back = {k: v for k, v in about(turn, step).items() if k not in {"operation", "attempt"}}
        turn.note(conn, event("restored", **back))


def not_yet(turn: Turn, conn: Connection, step: Row[Any], check_after: datetime, *, state: str) -> None:
    """Read back again later, until patience ends."""
    ends = step.give_up_at or turn.desk.now() + turn.desk.patience.confirm_until
    values = {"state": state, "next_at": _after(turn, check_after), "reason": "not_yet", "tries": 0}
    change_step(conn, step.id, **values, give_up_at=ends)
    if turn.desk.now() >= ends:
        give_up(turn, conn, step, "gave_up")


def _differs(turn: Turn, conn: Connection, step: Row[Any]) -> None:
    """It was not done after all: once more, a little later each time, then a person is asked."""
    times = step.differs + 1
    next_at = turn.desk.now() + 2.0**times
    change_step(conn, step.id, state="ready", differs=times, reason="not_as_asked", next_at=next_at)
    if times >= MAX_DIFFERS:
        give_up(turn, conn, step, "not_as_asked")


def _settled(turn: Turn, step: Row[Any], reason: str | None) -> dict[str, Any]:
    """A confirmed step is closed, unless something of it is still to come: a purge, or business that is open."""
    if (step.outcome or {}).get("outcome") == "contained":
        return {"state": "resume", "next_at": step.give_up_at, "reason": "contained"}
    if open_business(step.outcome):
        return _refused(turn, step.give_up_at)
    return {"state": "closed", "reason": reason or (step.reason if step.reason == "answer_lost" else None)}
