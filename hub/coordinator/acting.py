"""Acting at a service, reading back, and going on where an answer was lost or a job was only accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import Connection, Row

from hub.coordinator.answers import answered, confirmed, happened_unseen, not_yet
from hub.coordinator.calling import Flown, about, failed_event, fly, postpone_step, reachable_again, step_for
from hub.coordinator.codec import code, decode
from hub.coordinator.decide import satisfies
from hub.coordinator.finding import subject_of
from hub.coordinator.foreign import check_confirmation, check_outcome, check_texts, texts
from hub.coordinator.journal import change_step
from hub.coordinator.sealed import holding_of, step_secrets
from hub.coordinator.standing import known_identifiers
from hub.errors import ConnectorBug
from hub.holding import Holding
from hub.outcome import (
    Absent,
    AsAsked,
    Confirmation,
    Contained,
    Differs,
    Done,
    Gone,
    Masked,
    NotYet,
    Outcome,
    Partial,
    Unverifiable,
)
from hub.processor import Act, Changes, Operation, Scope
from hub.subject import Subject

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn

Write = Callable[[Connection], None]


def perform(turn: Turn, steps: tuple[Row[Any], ...]) -> Write:
    """Carry out one step, or a batch of erasures; the intents are committed already."""
    if len(steps) > 1:
        return _perform_batch(turn, steps)
    (step,) = steps
    outcome, flown = fly(turn, lambda: _operate(turn, step))
    if outcome is None:
        return lambda conn: _went_wrong(turn, conn, step, flown)
    return lambda conn: answered(turn, conn, step, outcome, flown.exchanges)


def _perform_batch(turn: Turn, steps: tuple[Row[Any], ...]) -> Write:
    by_key = {holding_of(turn, s).key: s for s in steps}
    answers: dict[str, Outcome] = {}

    def call() -> bool:
        # A repetition in place asks again only for what has no answer yet.
        held = [holding_of(turn, s) for key, s in by_key.items() if key not in answers]
        for key, outcome in turn.active.processor.erase_many(held, step_for(turn, steps[0])):
            check_outcome(Operation.ERASE, outcome)
            if key in by_key:
                _check_words(turn, holding_of(turn, by_key[key]), outcome)
            answers[key] = outcome
        if answers.keys() != by_key.keys():
            raise ConnectorBug("A batch answered for other holdings than it was given")
        return True

    _, flown = fly(turn, call)

    def write(conn: Connection) -> None:
        exchanges = flown.exchanges
        for key, step in by_key.items():
            if key in answers:
                answered(turn, conn, step, answers[key], exchanges)
            else:
                _went_wrong(turn, conn, step, Flown(exchanges, flown.error))
            exchanges = []  # the batch's exchanges stand in its first event

    return write


def confirm(turn: Turn, step: Row[Any]) -> Write:
    """Read back what the step did."""
    said, flown = fly(turn, lambda: _read_back(turn, step))
    if said is None:
        return lambda conn: _went_wrong(turn, conn, step, flown, state="confirm")
    return lambda conn: confirmed(turn, conn, step, said, flown.exchanges)


def reconcile(turn: Turn, step: Row[Any]) -> Write:
    """The step was sent and its answer never recorded: read back first, repeat only what did not happen."""
    said, flown = fly(turn, lambda: _read_back(turn, step))
    if said is None:
        return lambda conn: _went_wrong(turn, conn, step, flown, state="sent")

    def write(conn: Connection) -> None:
        reachable_again(turn, conn, step.tries)
        match said:
            case AsAsked() | Gone() | Masked() if satisfies(Operation(step.operation), said):
                reason = happened_unseen(turn, conn, step, said)
                confirmed(turn, conn, step, said, flown.exchanges, reason=reason)
            case NotYet(check_after):
                not_yet(turn, conn, step, check_after, state="sent")
            case AsAsked() | Unverifiable() if _still_contained(turn, step):
                change_step(conn, step.id, state="resume", reason="contained", next_at=None, confirmation=code(said))
            case AsAsked() | Gone() | Masked() | Differs() | Unverifiable():
                change_step(conn, step.id, state="ready", reason="unresolved", next_at=None, confirmation=code(said))
            case _:
                assert_never(said)

    return write


def _still_contained(turn: Turn, step: Row[Any]) -> bool:
    """Whether a purge that an undoing overtook did not happen: then what was contained is given back."""
    return bool(turn.at.track.options.get("undone")) and (step.outcome or {}).get("outcome") == "contained"


def resume(turn: Turn, step: Row[Any]) -> Write:
    """Go on with what the service accepted, or purge what was contained."""
    purge = (step.outcome or {}).get("outcome") == "contained"  # may be undone between two tries
    outcome, flown = fly(turn, lambda: _resume(turn, step), once=purge)
    if outcome is None:
        return lambda conn: _went_wrong(turn, conn, step, flown, state="resume")
    return lambda conn: answered(turn, conn, step, outcome, flown.exchanges)


def _target(turn: Turn, step: Row[Any]) -> Holding | Subject:
    if step.holding is not None:
        return holding_of(turn, step)
    with turn.desk.db.read() as conn:
        return subject_of(turn, known_identifiers(conn, turn.request))


def _scope(turn: Turn) -> Scope:
    return Scope.from_dict(turn.at.track.options["scope"])


def _changes(turn: Turn) -> Changes:
    return Changes(turn.private().get("changes", {}))


def _operate(turn: Turn, step: Row[Any]) -> Outcome:
    processor, as_step = turn.active.processor, step_for(turn, step)
    target, operation = _target(turn, step), Operation(step.operation)
    match operation:
        case Operation.SUPPRESS:
            outcome = processor.suppress(target, _scope(turn), as_step)
        case Operation.ERASE if isinstance(target, Holding):
            outcome = processor.erase(target, as_step)
        case Operation.RECTIFY if isinstance(target, Holding):
            outcome = processor.rectify(target, _changes(turn), as_step)
        case Operation.LIFT if isinstance(target, Holding):
            outcome = processor.lift(target, _scope(turn), as_step)
        case _:
            raise AssertionError(f"{operation} is no act on what this step has")
    check_outcome(operation, outcome)
    _check_words(turn, target, outcome)
    return outcome


def _check_words(turn: Turn, target: Holding | Subject, outcome: Outcome) -> None:
    """Nothing of the person may stand in words that are kept in clear."""
    if said := texts(outcome):
        with turn.desk.db.read() as conn:
            known = subject_of(turn, known_identifiers(conn, turn.request))
        hints = target.hints.values() if isinstance(target, Holding) else ()
        check_texts(said, [*(identifier.value for identifier in known.identifiers), *hints])


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
    said = turn.active.processor.confirm(act, step_for(turn, step))
    check_confirmation(operation, outcome if isinstance(outcome, Absent) else act.outcome, said)
    return said


def _resume(turn: Turn, step: Row[Any]) -> Outcome:
    if step.holding is None:
        raise ConnectorBug("A suppression for somebody who is not held was left pending; nothing says how to resume it")
    handle = step_secrets(turn, step)["handle"]
    target = holding_of(turn, step)
    outcome = turn.active.processor.resume(target, handle, step_for(turn, step))
    check_outcome(Operation(step.operation), outcome)
    _check_words(turn, target, outcome)
    return outcome


def _went_wrong(turn: Turn, conn: Connection, step: Row[Any], flown: Flown, *, state: str = "ready") -> None:
    """Write down a failed attempt; one at reading back is not one at the act itself."""
    assert flown.error is not None
    fields = about(turn, step)
    turn.note(conn, failed_event(fields if state in {"ready", "resume"} else fields | {"operation": "confirm"}, flown))
    postpone_step(turn, conn, step, flown.error, state=state)
