"""Acting at a service, reading back, and going on where an answer was lost or a job was only accepted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import Connection, Row, update

from hub.coordinator.calling import (
    Flown,
    about,
    fail_step,
    failed_event,
    fly,
    postpone_step,
    reachable_again,
    step_for,
)
from hub.coordinator.codec import code, decode, encode, evidence, secrets
from hub.coordinator.decisions import opened
from hub.coordinator.finding import add_identifiers, subject_of
from hub.coordinator.journal import change_step, open_task
from hub.errors import ConnectorBug
from hub.evidence.events import Event, event
from hub.holding import Holding, Match, Reach, Role
from hub.outcome import (
    Absent,
    AsAsked,
    Confirmation,
    Contained,
    Differs,
    Done,
    Gone,
    HubOutcome,
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
from hub.processor import Act, Changes, Operation, Scope
from hub.store.schema import holdings
from hub.subject import Subject

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn

Write = Callable[[Connection], None]

MAX_DIFFERS = 3
"""Times a read-back may say *not as asked* before a person is asked."""

_METHODS = {
    Operation.ERASE: Method.DELETED,
    Operation.SUPPRESS: Method.SUPPRESSED,
    Operation.RECTIFY: Method.CORRECTED,
    Operation.LIFT: Method.LIFTED,
}


def perform(turn: Turn, steps: tuple[Row[Any], ...]) -> Write:
    """Carry out one step, or a batch of erasures; the intents are committed already."""
    if len(steps) > 1:
        return _perform_batch(turn, steps)
    (step,) = steps
    outcome, flown = fly(turn, lambda: _operate(turn, step))
    if flown.error is not None or outcome is None:
        return lambda conn: _went_wrong(turn, conn, step, flown)
    return lambda conn: _answered(turn, conn, step, outcome, flown.exchanges)


def _perform_batch(turn: Turn, steps: tuple[Row[Any], ...]) -> Write:
    by_key = {holding_of(turn, s).key: s for s in steps}
    answers: dict[str, Outcome] = {}

    def call() -> bool:
        held = [holding_of(turn, s) for s in steps]
        answers.update(turn.active.processor.erase_many(held, step_for(turn, steps[0])))
        return True

    _, flown = fly(turn, call)

    def write(conn: Connection) -> None:
        exchanges = flown.exchanges
        for key, step in by_key.items():
            if key in answers:
                _answered(turn, conn, step, answers[key], exchanges)
            else:
                error = flown.error or ConnectorBug("A batch left a holding without an answer")
                _went_wrong(turn, conn, step, Flown(exchanges, error))
            exchanges = []  # the batch's exchanges stand in its first event

    return write


def confirm(turn: Turn, step: Row[Any]) -> Write:
    """Read back what the step did."""
    said, flown = fly(turn, lambda: _read_back(turn, step))
    if flown.error is not None or said is None:
        return lambda conn: _went_wrong(turn, conn, step, flown, state="confirm")
    return lambda conn: _confirmed(turn, conn, step, said, flown.exchanges)


def reconcile(turn: Turn, step: Row[Any]) -> Write:
    """The step was sent and its answer never recorded: read back first, repeat only what did not happen."""
    said, flown = fly(turn, lambda: _read_back(turn, step))
    if flown.error is not None or said is None:
        return lambda conn: _went_wrong(turn, conn, step, flown, state="sent")

    def write(conn: Connection) -> None:
        match said:
            case AsAsked() | Gone() | Masked():
                method = Method.REDACTED if isinstance(said, Masked) else _METHODS[Operation(step.operation)]
                lost = event("step.outcome", **about(turn, step), exchanges=[], **_lost(Done(method)))
                turn.note(conn, lost)
                change_step(conn, step.id, outcome=encode(Done(method)))
                _confirmed(turn, conn, step, said, flown.exchanges, reason="answer_lost")
            case NotYet(check_after):
                change_step(conn, step.id, next_at=check_after.timestamp(), reason="answer_lost")
            case Differs() | Unverifiable():
                change_step(conn, step.id, state="ready", reason="unresolved", next_at=None)
            case _:
                assert_never(said)

    return write


def resume(turn: Turn, step: Row[Any]) -> Write:
    """Go on with what the service accepted, or purge what was contained."""
    outcome, flown = fly(turn, lambda: _resume(turn, step))
    if flown.error is not None or outcome is None:
        return lambda conn: _went_wrong(turn, conn, step, flown, state="resume")
    return lambda conn: _answered(turn, conn, step, outcome, flown.exchanges)


def holding_of(turn: Turn, step: Row[Any]) -> Holding:
    """The holding a step is about, with its secrets."""
    row = turn.at.holding(step.holding)
    body = opened(turn.root, row)
    return Holding(
        key=body["key"],
        kind=row.kind,
        categories=tuple(row.categories),
        locator=body["locator"],
        match=Match(row.match),
        reach=Reach(row.reach),
        role=Role(row.role),
        hints=body["hints"],
    )


def step_secrets(turn: Turn, step: Row[Any]) -> dict[str, Any]:
    """What of a step lies in the vault: handle, cursor."""
    if step.sealed is None:
        return {}
    opened: dict[str, Any] = json.loads(turn.root.open(turn.request, "steps", step.id, step.sealed))
    return opened


def seal_step(turn: Turn, step: Row[Any], body: Mapping[str, Any]) -> bytes:
    """The inverse of `step_secrets`."""
    return turn.root.seal(turn.request, "steps", step.id, json.dumps(body).encode())


def _target(turn: Turn, step: Row[Any]) -> Holding | Subject:
    return subject_of(turn)[0] if step.holding is None else holding_of(turn, step)


def _scope(turn: Turn) -> Scope:
    return Scope.from_dict(turn.at.track.options["scope"])


def _changes(turn: Turn) -> Changes:
    return Changes(turn.private().get("changes", {}))


def _operate(turn: Turn, step: Row[Any]) -> Outcome:
    processor, as_step = turn.active.processor, step_for(turn, step)
    target = _target(turn, step)
    match Operation(step.operation):
        case Operation.SUPPRESS:
            return processor.suppress(target, _scope(turn), as_step)
        case Operation.ERASE if isinstance(target, Holding):
            return processor.erase(target, as_step)
        case Operation.RECTIFY if isinstance(target, Holding):
            return processor.rectify(target, _changes(turn), as_step)
        case Operation.LIFT if isinstance(target, Holding):
            return processor.lift(target, _scope(turn), as_step)
        case other:
            raise AssertionError(f"{other} is no act on what this step has")


def _read_back(turn: Turn, step: Row[Any]) -> Confirmation:
    operation = Operation(step.operation)
    outcome = decode(step.outcome) if step.outcome else None
    act = Act(
        operation,
        _target(turn, step),
        changes=_changes(turn) if operation is Operation.RECTIFY else None,
        scope=_scope(turn) if operation in {Operation.SUPPRESS, Operation.LIFT} else None,
        outcome=outcome if isinstance(outcome, (Done, Partial, Contained)) else None,
    )
    return turn.active.processor.confirm(act, step_for(turn, step))


def _resume(turn: Turn, step: Row[Any]) -> Outcome:
    handle = step_secrets(turn, step)["handle"]
    return turn.active.processor.resume(holding_of(turn, step), handle, step_for(turn, step))


def _went_wrong(turn: Turn, conn: Connection, step: Row[Any], flown: Flown, *, state: str = "ready") -> None:
    told = flown if flown.error is not None else Flown(flown.exchanges, ConnectorBug("A processor answered nothing"))
    turn.note(conn, failed_event(about(turn, step), told))
    assert told.error is not None
    postpone_step(turn, conn, step, told.error, state=state)


def _lost(outcome: HubOutcome) -> dict[str, Any]:
    return evidence(outcome) | {"reason": "answer_lost"}


def _answered(turn: Turn, conn: Connection, step: Row[Any], outcome: Outcome, exchanges: list[dict[str, Any]]) -> None:
    """Write an outcome, its event and what follows from it."""
    reachable_again(turn, conn, step.tries)
    fields = evidence(outcome)
    if isinstance(outcome, Absent) and step.reason == "unresolved" and step.operation != Operation.RECTIFY:
        # An earlier attempt was sent and nobody saw its answer: that it is absent now is that attempt's work.
        outcome = Done(_METHODS[Operation(step.operation)])
        fields = _lost(outcome)
    new: list[Event] = [event("step.outcome", **about(turn, step), exchanges=exchanges, **fields)]
    if isinstance(outcome, Contained):
        named = {k: v for k, v in about(turn, step).items() if k not in {"operation", "attempt"}}
        new.append(event("contained", **named, until=fields["until"]))
    turn.note(conn, *new)
    values = {"outcome": encode(outcome), "tries": 0, "next_at": None, "reason": fields.get("reason")}
    if private := secrets(outcome):
        values["sealed"] = seal_step(turn, step, private)
    change_step(conn, step.id, **values | _follows(turn, step, outcome))
    _consequences(turn, conn, step, outcome)


def _follows(turn: Turn, step: Row[Any], outcome: Outcome) -> dict[str, Any]:
    """The state a step is in after an outcome."""
    match outcome:
        case Done() | Partial():
            return {"state": "confirm"}
        case Contained(purge_due):
            return {"state": "confirm", "give_up_at": purge_due.timestamp()}
        case Pending(check_after, _, give_up_at):
            times = {"next_at": check_after.timestamp(), "give_up_at": give_up_at.timestamp()}
            return {"state": "resume", "reason": "pending"} | times
        case Refused():
            return _refused(turn, step)
        case Manual():
            return {"state": "person", "reason": "manual"}
        case Absent() | Retained() | Unsupported():
            return {"state": "closed"}
        case _:
            assert_never(outcome)


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
        case Pending(_, _, give_up_at) if turn.desk.now() >= give_up_at.timestamp():
            fail_step(turn, conn, step, "gave_up")
        case Absent() if step.operation == Operation.RECTIFY:
            fail_step(turn, conn, step, "nothing_to_correct")  # absence never satisfies a rectification
        case _:
            pass


def _ask(turn: Turn, conn: Connection, step: Row[Any], manual: Manual) -> None:
    where = {"instance": turn.instance, "track": turn.track, "step": step.id}
    open_task(conn, turn.request, "manual", manual.instructions, turn.desk.now(), **where)


def _refused(turn: Turn, step: Row[Any]) -> dict[str, Any]:
    """Open business is asked about again until patience ends; then it becomes an obligation at closing."""
    patience, now = turn.desk.patience, turn.desk.now()
    give_up = step.give_up_at or now + patience.refused_until
    if now + patience.refused_retry > give_up:
        return {"state": "closed", "reason": "refused", "give_up_at": give_up}
    return {"state": "ready", "reason": "refused", "next_at": now + patience.refused_retry, "give_up_at": give_up}


def _moved(turn: Turn, conn: Connection, step: Row[Any], done: Done) -> None:
    """After a correction: where the holding is now, and what the person is called now."""
    if done.locator is not None and step.holding is not None:
        held = holding_of(turn, step)
        body = {"key": held.key, "locator": dict(done.locator), "hints": dict(held.hints)}
        sealed = turn.root.seal(turn.request, "holdings", step.holding, json.dumps(body).encode())
        mine = (holdings.c.request == turn.request) & (holdings.c.ordinal == step.holding)
        conn.execute(update(holdings).where(mine).values(sealed=sealed))
    add_identifiers(turn, conn, done.learned, turn.at.track.request_round)


def _confirmed(
    turn: Turn,
    conn: Connection,
    step: Row[Any],
    said: Confirmation,
    exchanges: list[dict[str, Any]],
    *,
    reason: str | None = None,
) -> None:
    """Write what a read-back said, and what follows from it; `reason` says how the outcome came about."""
    now = turn.desk.now()
    fields = about(turn, step) | {"confirmation": code(said), "exchanges": exchanges}
    values: dict[str, Any] = {"confirmation": code(said), "next_at": None, "tries": 0}
    match said:
        case AsAsked() | Gone() | Masked():
            values |= _settled(step, reason)
        case Unverifiable(why):
            fields["reason"] = why
            values |= _settled(step, reason or why)
        case NotYet(check_after):
            values |= {"state": "confirm", "next_at": check_after.timestamp(), "reason": "not_yet"}
            values["give_up_at"] = step.give_up_at or now + turn.desk.patience.confirm_until
        case Differs():
            values |= {"state": "ready", "tries": step.tries + 1, "reason": "not_as_asked"}
            values["next_at"] = now + 2.0**step.tries
        case _:
            assert_never(said)
    turn.note(conn, event("step.confirmed", **fields))
    if isinstance(said, AsAsked) and step.operation == Operation.LIFT:
        back = {k: v for k, v in about(turn, step).items() if k not in {"operation", "attempt"}}
        turn.note(conn, event("restored", **back))
    change_step(conn, step.id, **values)
    gave_up = isinstance(said, NotYet) and now >= values["give_up_at"]
    if gave_up or (isinstance(said, Differs) and step.tries + 1 >= MAX_DIFFERS):
        fail_step(turn, conn, step, "gave_up" if gave_up else "not_as_asked")


def _settled(step: Row[Any], reason: str | None) -> dict[str, Any]:
    """A confirmed step is closed; a contained one waits for its purge."""
    if (step.outcome or {}).get("outcome") == "contained":
        return {"state": "resume", "next_at": step.give_up_at, "reason": "contained"}
    return {"state": "closed", "reason": reason or (step.reason if step.reason == "answer_lost" else None)}
