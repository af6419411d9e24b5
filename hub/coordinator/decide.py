"""What a track does next: a pure function of where the journal says it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from hub.coordinator.standing import ORDER, Snapshot, Standing
from hub.outcome import AsAsked, Gone, Masked
from hub.processor import Operation
from hub.rights import NEEDS_APPROVAL, Right, operations

OPEN = frozenset({"ready", "sent", "resume", "confirm", "person"})
REFUSALS = frozenset({"contract", "permanent"})
"""Errors by which a service says of an act that it did not and will not carry it out."""
UNDER_WAY = "under_way"
"""Why a step is in `resume` while it is gone on with: the intent, written before the service is called."""


@dataclass(frozen=True, slots=True)
class Find:
    """Search the service for the person."""


@dataclass(frozen=True, slots=True)
class Perform:
    """Carry out these steps in one call: one, or a batch of erasures of one kind."""

    steps: tuple[Row[Any], ...]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Read back what the step did."""

    step: Row[Any]


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The step was sent and its answer never recorded: read back before anything is repeated."""

    step: Row[Any]


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with what the service accepted or what was contained."""

    step: Row[Any]


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `at` (None: before the journal changes)."""

    at: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Everything asked of this instance is done, or has its final answer."""


Action = Find | Perform | Confirm | Reconcile | Resume | Rest | Settle


def actionable(holding: Row[Any]) -> bool:
    """Whether the hub may act on a holding: exact and sole, or a person decided that it is hers."""
    if holding.decision is not None:
        return bool(holding.decision == "hers")
    return bool(holding.match == "exact" and holding.reach == "sole")


def undecided(holding: Row[Any]) -> bool:
    """Whether a person must still say whose the holding is."""
    return holding.decision is None and not (holding.match == "exact" and holding.reach == "sole")


def asked_for(track: Standing) -> tuple[Operation, ...]:
    """What the request asks of every holding, as of now: an erasure that was undone is not asked for any more."""
    wanted = operations([Right(r) for r in track.rights])
    return tuple(op for op in wanted if op is not Operation.ERASE or not track.options.get("undone"))


def next_action(at: Snapshot, now: float, batch: Mapping[str, int]) -> Action:  # a decision table
    """What the track does next.

    Args:
        at: where it stands.
        now: POSIX seconds.
        batch: kind of holding → how many the processor erases in one call.
    """
    track, wanted = at.track, asked_for(at.track)
    if track.state == "closed":
        return Settle()
    if track.held:
        return Rest(None, f"instance_{track.held}")
    if track.phase == "failed" and wanted:
        return Rest(None, track.reason or "failed")
    if track.phase == "find" and wanted:
        early = track.tries and track.wake_at is not None and track.wake_at > now
        return Rest(track.wake_at, track.reason or "retry") if early else Find()
    waits: list[Rest] = []
    erasing_held_up = False
    for step in at.steps:
        if step.state not in OPEN:
            continue
        wait = _wait(at, step, now, erasing_held_up=erasing_held_up)
        if wait is None:
            return _start(at, step, now, batch)
        waits.append(wait)
        # A later holding may depend on an earlier one being gone (children first). Open business is the service's
        # settled answer for now: it refuses the parent by itself, so the others need not wait for it.
        erasing_held_up |= step.operation == Operation.ERASE and not open_business(step.outcome)
    if wanted and any(map(undecided, at.holdings)):
        waits.append(Rest(None, "decision"))
    if wanted and track.state == "finding":
        waits.append(Rest(track.barrier_at, "barrier"))  # whoever rests first ends the round when patience does
    return _soonest(waits) if waits else Settle()


def open_business(outcome: Mapping[str, Any] | None) -> bool:
    """Whether a step's last outcome leaves something refused for now, and so to be tried again."""
    parts = [outcome, *outcome.get("left", [])] if outcome else []
    return any(part["outcome"] == "refused" for part in parts)


def satisfies(operation: Operation, said: AsAsked | Gone | Masked) -> bool:
    """Whether a read-back shows by itself, whatever the act answered, that what was asked is so.

    What is gone was erased, is not used any more and is under no restriction; it was certainly not corrected.
    """
    match said:
        case AsAsked():
            return operation is not Operation.ERASE
        case Gone():
            return operation is not Operation.RECTIFY
        case Masked():
            return operation is Operation.ERASE


def acted(outcome: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The outcome by which something was done at the service, also where what came after it failed; None without."""
    said = (outcome or {}).get("before") or outcome
    return said if said and said["outcome"] in {"done", "partial", "contained"} else None


def _soonest(waits: Sequence[Rest]) -> Rest:
    """The wait that ends first by itself. What waits for other instances is named: their end wakes it."""
    timed = [w for w in waits if w.at is not None]
    first = min(timed, key=lambda w: w.at or 0.0) if timed else waits[0]
    others = next((w for w in waits if w.reason == "erase_after"), None)
    return Rest(first.at, others.reason) if others else first


def _start(at: Snapshot, step: Row[Any], now: float, batch: Mapping[str, int]) -> Action:
    match step.state:
        case "confirm":
            return Confirm(step)
        case "sent" if step.operation != Operation.EXPORT:  # an export changes nothing there: it goes on at its cursor
            return Reconcile(step)
        case "resume":
            return Resume(step)
        case _:
            return Perform(_together(at, step, now, batch))


def _together(at: Snapshot, first: Row[Any], now: float, batch: Mapping[str, int]) -> tuple[Row[Any], ...]:
    if first.operation != Operation.ERASE or first.holding is None:
        return (first,)
    kind = at.holding(first.holding).kind
    size = batch.get(kind, 1)
    chosen: list[Row[Any]] = []
    for step in at.steps[at.steps.index(first) :]:
        same = step.state == "ready" and step.holding is not None and at.holding(step.holding).kind == kind
        if len(chosen) == size or not same or _wait(at, step, now, erasing_held_up=False) is not None:
            break
        chosen.append(step)
    return tuple(chosen)


def _wait(at: Snapshot, step: Row[Any], now: float, *, erasing_held_up: bool) -> Rest | None:
    """Why the step cannot go on now; None when it can."""
    if step.state == "person":
        return Rest(None, step.reason or "person")
    if step.next_at is not None and step.next_at > now:
        return Rest(step.next_at, step.reason or step.state)
    if step.state != "ready":
        return None
    held = at.holding(step.holding) if step.holding is not None else None
    if held is not None and not actionable(held):
        return Rest(None, "decision")  # a later search put in doubt whose it is
    if held is not None and step.operation in NEEDS_APPROVAL and not held.approved:
        return Rest(None, "review")
    return _erasing_wait(at, now, held_up=erasing_held_up) if step.operation == Operation.ERASE else None


def _erasing_wait(at: Snapshot, now: float, *, held_up: bool) -> Rest | None:
    """Why an approved erasure cannot be sent yet; None when it can."""
    track = at.track
    if Operation.EXPORT in asked_for(track) and track.delivered is None:
        return Rest(None, "delivery")  # a copy first, erasure only after it was delivered (P25)
    if track.grace_until is not None and track.grace_until > now:
        return Rest(track.grace_until, "grace")
    if held_up:
        return Rest(None, "order")
    return Rest(None, "erase_after") if at.siblings_erasing else None


def steps_wanted(at: Snapshot, *, stop_first: bool, bare: bool) -> list[tuple[Operation, int | None]]:
    """The steps this track needs and does not have yet: (operation, holding ordinal), in the order to carry them out.

    Args:
        at: where the track stands.
        stop_first: whether an erasure that must wait is preceded by a suppression.
        bare: whether a suppression is asked for even where nothing of hers is held.
    """
    wanted = set(asked_for(at.track))
    if stop_first and Operation.ERASE in wanted:
        wanted.add(Operation.SUPPRESS)
    present = {(step.operation, step.holding) for step in at.steps}
    hers: list[int | None] = [h.ordinal for h in at.holdings if actionable(h)]
    unheld = bare and not hers and not any(map(undecided, at.holdings))
    new: list[tuple[Operation, int | None]] = []
    for operation in ORDER:
        if operation in wanted:
            chosen = [None] if unheld and operation is Operation.SUPPRESS else hers
            new += [(operation, ordinal) for ordinal in chosen if (operation.value, ordinal) not in present]
    return new
