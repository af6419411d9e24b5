"""Outcomes as the journal and the evidence write them. What is secret in them is kept apart, for the vault."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, assert_never

from hub.outcome import (
    Absent,
    AsAsked,
    Confirmation,
    Contained,
    Differs,
    Done,
    Failed,
    Gone,
    HubOutcome,
    Manual,
    Masked,
    Method,
    NotSearchable,
    NotYet,
    Partial,
    Pending,
    Refused,
    Retained,
    Undecided,
    Unsupported,
    Unverifiable,
)
from hub.timepiece import rfc3339

_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def encode(outcome: HubOutcome) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912  # one branch per outcome
    """JSON form of an outcome, without its secrets (handle, new locator, learned identifiers)."""
    match outcome:
        case Done():
            until = outcome.backups_until.isoformat() if outcome.backups_until else None
            return {"outcome": "done", "method": outcome.method.value, "count": outcome.count, "backups_until": until}
        case Absent():
            return {"outcome": "absent"}
        case Partial():
            return encode(outcome.done) | {"outcome": "partial", "left": [encode(part) for part in outcome.left]}
        case Contained():
            return {"outcome": "contained", "until": rfc3339(outcome.purge_due)}
        case Retained():
            until = outcome.until.isoformat() if outcome.until else None
            return {"outcome": "retained", "ground": outcome.ground, "until": until, "what": outcome.what}
        case Pending():
            return {"outcome": "pending", "until": rfc3339(outcome.give_up_at)}
        case Refused():
            return {"outcome": "refused", "reason": outcome.reason, "explanation": outcome.explanation}
        case Manual():
            return {"outcome": "manual", "reason": outcome.task, "explanation": outcome.instructions}
        case Unsupported():
            return {"outcome": "unsupported", "explanation": outcome.reason}
        case NotSearchable():
            return {"outcome": "not_searchable"}
        case Undecided():
            return {"outcome": "undecided"}
        case Failed():
            return {"outcome": "failed", "reason": outcome.kind}
        case _:
            assert_never(outcome)


def decode(data: Mapping[str, Any]) -> HubOutcome:  # noqa: C901, PLR0911, PLR0912  # one branch per outcome
    """The inverse of `encode`; secrets stay where they are."""
    match data["outcome"]:
        case "done":
            until = data.get("backups_until")
            return Done(Method(data["method"]), data["count"], date.fromisoformat(until) if until else None)
        case "absent":
            return Absent()
        case "partial":
            left = tuple(part for part in map(decode, data["left"]) if isinstance(part, Left))
            done = decode({**data, "outcome": "done"})
            assert isinstance(done, Done)
            return Partial(done, left)
        case "contained":
            return Contained(datetime.fromisoformat(data["until"]), {})
        case "retained":
            until = data["until"]
            return Retained(data["ground"], date.fromisoformat(until) if until else None, data["what"])
        case "pending":
            instant = datetime.fromisoformat(data["until"])
            return Pending(instant, {}, instant)
        case "refused":
            return Refused(data["reason"], data["explanation"])
        case "manual":
            return Manual(data["reason"], data["explanation"])
        case "unsupported":
            return Unsupported(data["explanation"])
        case "failed":
            return Failed(data["reason"])
        case "not_searchable":
            return NotSearchable()
        case "undecided":
            return Undecided()
        case other:
            raise ValueError(f"{other} is no outcome")


Left = (Retained, Refused, Manual, Unsupported)
"""What a `Partial` can leave."""


def evidence(outcome: HubOutcome) -> dict[str, Any]:
    """The outcome's fields in a `step.outcome` event (`facts` of the evidence specification): codes, counts, dates."""
    data = encode(outcome)
    fields = {
        name: data.get(name) for name in ("outcome", "method", "count", "ground", "until", "backups_until", "reason")
    }
    if isinstance(outcome, Partial):
        kept = next((part for part in outcome.left if isinstance(part, Retained)), None)
        if kept is not None:
            fields |= {"ground": kept.ground, "until": kept.until.isoformat() if kept.until else None}
        fields["reason"] = next((encode(part)["reason"] for part in outcome.left if isinstance(part, Refused)), None)
    return fields


def secrets(outcome: HubOutcome) -> dict[str, Any]:
    """What of the outcome goes to the vault with its step. Where a holding moved goes there with the holding."""
    match outcome:
        case Pending() | Contained():
            return {"handle": dict(outcome.handle)}
        case _:
            return {}


def code(confirmation: Confirmation) -> str:
    """What a confirmation is called in journal and evidence."""
    match confirmation:
        case AsAsked():
            return "as_asked"
        case Gone():
            return "gone"
        case Masked():
            return "masked"
        case Differs():
            return "differs"
        case NotYet():
            return "not_yet"
        case Unverifiable():
            return "unverifiable"
        case _:
            assert_never(confirmation)


def instant(seconds: float) -> datetime:
    """A POSIX time as an aware instant; one that no calendar has is its last: one odd row must not hide all others."""
    return datetime.fromtimestamp(min(seconds, _LAST), UTC)
