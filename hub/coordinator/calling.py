"""One call to a processor: its flight, its errors, and what the journal learns from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Row, insert, select, update

from hub.coordinator.codec import encode, instant
from hub.coordinator.decide import Confirm, Perform, Reconcile, Resume, acted
from hub.coordinator.journal import change_step, change_track, open_task
from hub.coordinator.retry import Decision, Next, carry_out, decide
from hub.errors import Fenced, code
from hub.evidence.events import Event, event
from hub.outcome import Failed
from hub.processor import Operation, Step
from hub.store.schema import instances, tasks
from hub.wire import Recorder, flight

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn

T = TypeVar("T")

UNREACHABLE_TRIES = 24
"""Failures in a row (about twelve hours with the usual back-off) after which a person is told."""


@dataclass(frozen=True, slots=True)
class Flown:
    """What a call left behind: its exchanges, as evidence writes them, and its error if it had one."""

    exchanges: list[dict[str, Any]]
    error: BaseException | None = None


def _recorder(turn: Turn, seconds: float) -> Recorder:
    """The flight recorder of one attempt."""
    deadline = instant(turn.desk.now() + seconds)
    watchers = turn.desk.watch(turn.instance, *_doing(turn))
    return Recorder(hmac_key=turn.root.exchange_key, fence=turn.lease.fence, deadline=deadline, watchers=watchers)


def _doing(turn: Turn) -> tuple[str, int]:
    """What the turn does now, in words without personal data, and the number of the attempt."""
    match turn.doing:
        case Perform((step, *more)):
            what, concerned = step.operation, 1 + len(more)
        case Confirm(step) | Reconcile(step):
            what, concerned = f"confirm {step.operation}", 1
        case Resume(step):
            what, concerned = f"resume {step.operation}", 1
        case _:
            return "find", turn.attempt
    which = "" if step.holding is None else f" of holding {step.holding}" if concerned == 1 else f" of {concerned}"
    return what + which, attempt_of(step)


def fly(
    turn: Turn, call: Callable[[], T], *, seconds: float | None = None, once: bool = False
) -> tuple[T | None, Flown]:
    """Make the call under the fence and the recorder, with short repetitions in place. Raises `Fenced` only.

    `once`: repeat nothing in place, so that the journal is asked before every try.
    """
    patience = turn.desk.patience
    record = _recorder(turn, seconds or patience.attempt)

    def guarded() -> T:
        turn.lease.fence()
        turn.active.checked()
        return call()

    result, error = None, None
    try:
        with flight(record):
            if once:
                result = guarded()
            else:
                result = carry_out(guarded, cap=patience.cap, chance=turn.desk.chance, sleep=turn.desk.clock.sleep)
    except Fenced:
        raise
    except (Exception, SystemExit) as raised:  # noqa: BLE001  # foreign code, some of it ends programs; `policy` says bug
        error = raised
    record.landed(result if error is None else error)
    return result, Flown([x.as_evidence() for x in record.exchanges], error)


def attempt_of(step: Row[Any]) -> int:
    """The number of the attempt under way: a step that is being performed was read before its intent counted up."""
    begins = step.state == "ready" or step.operation == Operation.EXPORT
    return int(step.attempt) + int(begins)


def step_for(turn: Turn, step: Row[Any], cursor: str | None = None, *, seconds: float | None = None) -> Step:
    """What the processor is told about this attempt."""
    now = turn.desk.now()
    return Step(
        key=step.key,
        attempt=attempt_of(step),
        now=instant(now),
        received=instant(turn.at.track.received),
        deadline=instant(now + (seconds or turn.desk.patience.attempt)),
        cursor=cursor,
        still_mine=turn.lease.fence,
    )


def about(turn: Turn, step: Row[Any]) -> dict[str, Any]:
    """The fields that every event of a step carries."""
    held = turn.at.holding(step.holding) if step.holding is not None else None
    return {
        **turn.where(),
        "operation": step.operation,
        "step": f"{turn.instance}.{step.number}",
        "attempt": attempt_of(step),
        "holding": step.holding,
        "kind": held.kind if held is not None else None,
    }


def verdict_on(turn: Turn, error: BaseException, tries: int) -> Decision:
    """What to do about an error."""
    return decide(error, tries=tries, cap=turn.desk.patience.cap, chance=turn.desk.chance())


def suspend(turn: Turn, conn: Connection, error: BaseException) -> None:
    """Stop using the instance until a person has mended its access; observers are told once."""
    values = {"held": code(error), "since": turn.desk.now()}
    turn.read_anew()
    mine = instances.c.name == turn.instance
    if conn.execute(select(instances.c.name).where(mine)).first() is None:
        conn.execute(insert(instances).values(name=turn.instance))
    paused = event("request.paused", reason=code(error), instance=turn.instance)
    if conn.execute(update(instances).where(mine, instances.c.held.is_(None)).values(values)).rowcount:
        turn.note(conn, paused)  # once: the other tracks of the instance stop before they are refused as well
        text = f"{turn.instance} does not accept our access ({code(error)}). Mend it, then: hub resume {turn.instance}"
        open_task(conn, turn.request, "suspended", text, turn.desk.now(), instance=turn.instance, track=turn.track)


_NOT_SO = frozenset({"not_as_asked", "nothing_to_correct"})
"""Why a step is given up although its act was answered: the service showed that it was not so."""


def give_up(turn: Turn, conn: Connection, step: Row[Any], kind: str) -> None:
    """Give the step to a person although its attempts did not fail: what came of them is not what was asked."""
    turn.note(conn, event("step.outcome", **about(turn, step), outcome="failed", reason=kind, exchanges=[]))
    fail_step(turn, conn, step, kind)


def fail_step(turn: Turn, conn: Connection, step: Row[Any], kind: str) -> None:
    """Give the step to a person; what its last attempt came to is noted already."""
    outcome: dict[str, Any] = encode(Failed(kind)) | {"at": step.state}
    if kind not in _NOT_SO and (before := acted(step.outcome)):
        outcome["before"] = before  # that its read-back failed does not undo what was done
    change_step(conn, step.id, state="person", outcome=outcome, reason=kind, next_at=None)
    text = f"The step {step.operation} failed ({kind}). Mend its cause, then: hub retry {turn.request}"
    where = {"instance": turn.instance, "track": turn.track, "step": step.id}
    open_task(conn, turn.request, "failed", text, turn.desk.now(), **where)


def fail_search(turn: Turn, conn: Connection, error: BaseException) -> None:
    """Give the search to a person; what its last attempt came to is noted already."""
    change_track(conn, turn.track, phase="failed", wake_at=None, reason=code(error))
    text = f"The search failed ({code(error)}). Mend its cause, then: hub retry {turn.request}"
    where = {"instance": turn.instance, "track": turn.track}
    open_task(conn, turn.request, "failed", text, turn.desk.now(), **where)


def postpone_step(turn: Turn, conn: Connection, step: Row[Any], error: BaseException, *, state: str) -> None:
    """Write into the journal what an error means for a step, and when it goes on."""
    decision = verdict_on(turn, error, step.tries)
    values: dict[str, Any] = {"tries": step.tries + 1, "reason": code(error)}
    match decision.next:
        case Next.PERSON:
            fail_step(turn, conn, step, code(error))
            return
        case Next.SUSPEND:
            suspend(turn, conn, error)
            values |= {"state": state, "next_at": None}
        case Next.RECONCILE:
            # Only an act can have happened unseen; a read-back that got no answer is simply made again.
            values |= {
                "state": "sent" if state in {"ready", "sent"} else state,
                "next_at": turn.desk.now() + decision.wait,
            }
        case Next.IN_PLACE | Next.LATER:
            values |= {"state": state, "next_at": turn.desk.now() + decision.wait}
        case Next.STOP:
            raise Fenced
    change_step(conn, step.id, **values)
    if step.tries + 1 == UNREACHABLE_TRIES:
        unreachable(turn, conn)


def unreachable(turn: Turn, conn: Connection) -> None:
    """Tell a person that a service does not answer; the track goes on trying, and the task ends when it answers."""
    text = "The service has not answered for many attempts; the hub goes on trying. Look whether it is still there."
    open_task(conn, turn.request, "unreachable", text, turn.desk.now(), instance=turn.instance, track=turn.track)


def reachable_again(turn: Turn, conn: Connection, tries: int) -> None:
    """End the task that said otherwise."""
    if tries >= UNREACHABLE_TRIES:
        mine = (tasks.c.track == turn.track) & (tasks.c.kind == "unreachable") & tasks.c.result.is_(None)
        conn.execute(update(tasks).where(mine).values(result="done", settled=turn.desk.now()))


def failed_event(fields: dict[str, Any], flown: Flown) -> Event:
    """The event of an attempt that ended in an error."""
    assert flown.error is not None
    return event("step.outcome", **fields, outcome="failed", reason=code(flown.error), exchanges=flown.exchanges)


def note_account(turn: Turn, conn: Connection) -> None:
    """Remember who we are at the service."""
    account = turn.active.account
    if account is not None and turn.at.track.account != account.id:
        mine = instances.c.name == turn.instance
        if not conn.execute(update(instances).where(mine).values(account=account.id)).rowcount:
            conn.execute(insert(instances).values(name=turn.instance, account=account.id))
