"""What became of a request: per track, over all, and what remains to be done years later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from hub.coordinator.decide import OPEN, undecided
from hub.holding import Search

SATISFIED = frozenset({"done", "absent", "nothing_held"})
CONFIRMED = frozenset({"gone", "as_asked", "masked"})


@dataclass(frozen=True, slots=True)
class TrackResult:
    """What became of one instance.

    Args:
        outcome: an outcome's code, or `nothing_held`, `waiting`, or `partial` where holdings ended differently.
        method: how it was done, where all of it was done in one way.
        confirmation: what the read-backs said, where they agree; `mixed` otherwise; None without one.
        reason: why it waits or failed.
    """

    outcome: str
    method: str | None = None
    confirmation: str | None = None
    reason: str | None = None


def track_result(track: Row[Any], steps: Sequence[Row[Any]], holdings: Sequence[Row[Any]]) -> TrackResult:
    """The result of a track from its rows; `steps` and `holdings` are those of this track."""
    stuck = next((s for s in steps if s.state == "person" and (s.outcome or {}).get("outcome") == "failed"), None)
    if stuck is not None or track.phase == "failed":
        return TrackResult("failed", reason=stuck.reason if stuck is not None else track.reason)
    if track.phase != "settled":
        return TrackResult("waiting", reason=track.reason)
    if any(map(undecided, holdings)):
        return TrackResult("undecided")
    erased = {s.holding for s in steps if s.operation == "erase"}
    # A suppression that only bridges the time until the erasure of the same holding is no part of the answer.
    asked = [s for s in steps if s.operation != "suppress" or s.holding not in erased]
    if track.coverage is None and not steps and not holdings:
        return TrackResult("cancelled")  # before it was searched: whether it holds anything is not known
    if not asked:
        return TrackResult("nothing_held" if searched(track) or holdings else "not_searchable")
    return _summary(asked)


def searched(track: Row[Any]) -> bool:
    """Whether the service was searched in a way that can rule something out."""
    return any(how in {Search.EXACT, Search.SCAN} for how in (track.coverage or {}).values())


def _seen(step: Row[Any]) -> str | None:
    """What a step's own read-back said: none is lent to it by another. None: it needs no read-back, or is not done."""
    kind = (step.outcome or {}).get("outcome")
    needed = (kind == "done" and step.operation != "export") or (kind == "absent" and step.operation == "erase")
    return step.confirmation or ("unverifiable" if needed else None)


def _summary(steps: Sequence[Row[Any]]) -> TrackResult:
    codes = {(s.outcome or {}).get("outcome", "failed") for s in steps}
    if "done" in codes and all(s.operation == "suppress" for s in steps):
        codes.discard("unsupported")  # an order has no choice of its own to record: the customer's carries it
    methods = {(s.outcome or {}).get("method") for s in steps} - {None}
    read_back = {_seen(s) for s in steps} - {None}
    if "failed" in codes:
        outcome = "failed"
    elif len(codes) == 1:
        (outcome,) = codes
    else:
        outcome = "done" if codes <= {"done", "absent"} else "partial"
    return TrackResult(
        outcome,
        methods.pop() if len(methods) == 1 else None,
        read_back.pop() if len(read_back) == 1 else "mixed" if read_back else None,
        next((s.reason for s in steps if s.reason), None),
    )


def verdict(
    tracks: Sequence[Row[Any]],
    steps: Sequence[Row[Any]],
    holdings: Sequence[Row[Any]],
    by_hand: Sequence[Row[Any]] = (),
) -> str:
    """The request's verdict: `complete`, `with_exceptions`, `failed` or `waiting`.

    `by_hand` are the tasks of recipients that no connector serves.
    """
    results = [
        track_result(t, [s for s in steps if s.track == t.id], [h for h in holdings if h.track == t.id]) for t in tracks
    ]
    codes = {r.outcome for r in results}
    if "failed" in codes:
        return "failed"
    if "waiting" in codes:
        return "waiting"
    clean = all(r.outcome in SATISFIED and r.confirmation in CONFIRMED | {None} for r in results)
    clean &= all(map(searched, tracks))  # what was found through an index alone may not be all there is
    clean &= all(task.result != "not_possible" for task in by_hand)
    return "complete" if clean else "with_exceptions"


@dataclass(frozen=True, slots=True)
class Duty:
    """What the law keeps for now and a later linked request must erase."""

    instance: str
    ordinal: int
    kind: str
    ground: str
    due: str | None


def duties(tracks: Sequence[Row[Any]], steps: Sequence[Row[Any]], holdings: Sequence[Row[Any]]) -> Iterator[Duty]:
    """The obligations a request leaves at closing: what is retained, or refused to the end."""
    instance = {t.id: t.instance for t in tracks}
    kind = {h.ordinal: h.kind for h in holdings}
    for step in steps:
        if step.operation != "erase" or step.holding is None or not step.outcome or step.state in OPEN:
            continue
        for part in [step.outcome, *step.outcome.get("left", [])]:
            if part["outcome"] == "retained":
                yield Duty(instance[step.track], step.holding, kind[step.holding], part["ground"], part["until"])
            elif part["outcome"] == "refused":
                ground = f"open business: {part['reason']}"
                yield Duty(instance[step.track], step.holding, kind[step.holding], ground, None)
