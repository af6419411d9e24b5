"""Taking in a request: what was asked, by whom it was verified, how it will be carried out. One transaction."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from hub.coordinator.codec import instant
from hub.coordinator.journal import append, open_task
from hub.coordinator.plan import Mode, Plan, Planned
from hub.coordinator.progress import Rules, progress
from hub.errors import UsageError
from hub.evidence.events import FIRST_PREV, Event, event, fits
from hub.processor import STANDARD_FIELDS, Changes, Scope
from hub.rights import Right, contradiction, default_scope
from hub.store.keys import WrappedRoot
from hub.store.rootkey import RootKey
from hub.store.schema import identifiers, requests, tracks
from hub.subject import Subject
from hub.timepiece import rfc3339

CHANNELS = frozenset({"email", "letter", "telephone", "portal", "in_person", "api", "cli"})
"""How a request can have reached the controller (P1)."""
OWN_FIELD = re.compile(r"[a-z][a-z0-9_]{0,40}\.[A-Za-z0-9_.-]{1,100}", re.ASCII)
"""The name of a field of one service's own, CONNECTOR.FIELD: it stands in the open, so no address fits."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller submits.

    Args:
        rights: what is asked for.
        subject: the person.
        channel: how the request came, one of `CHANNELS`.
        received: when it was received; the statutory clock starts there.
        verified_by: code of the way identity was verified (`portal_login`, `id_document`).
        changes: for a rectification.
        scope: for an objection or restriction; None: what the right usually means.
        on_behalf_of: who acts for the person; kept in the vault.
        reference: the caller's own reference; kept in the vault.
        basis: the ground the person names, as a citation such as `GDPR Art. 17(1)(b)`.
    """

    rights: tuple[Right, ...]
    subject: Subject
    channel: str
    received: datetime
    verified_by: str
    changes: Changes | None = None
    scope: Scope | None = None
    on_behalf_of: str | None = field(default=None, repr=False)
    reference: str | None = field(default=None, repr=False)
    basis: str | None = None

    def check(self, now: datetime) -> None:
        """Raise `UsageError` for what cannot be carried out as it stands."""
        if fault := contradiction(self.rights):
            raise UsageError(fault)
        if self.channel not in CHANNELS:
            raise UsageError("The channel is not known", hint=f"Use one of: {', '.join(sorted(CHANNELS))}.")
        if self.received > now + timedelta(minutes=5):
            raise UsageError("A request cannot have been received in the future", hint="Check --received.")
        if (Right.RECTIFICATION in self.rights) != bool(self.changes and self.changes.fields):
            raise UsageError(
                "A rectification, and nothing else, says what is to be changed", hint="Use --set FIELD=VALUE with it."
            )
        if self.basis is not None and not fits("basis", self.basis):
            raise UsageError(
                "The ground is no citation", hint="Write it as GDPR Art. 17(1)(b); evidence holds no prose."
            )
        asked = self.changes.names() if self.changes else ()
        if any(name not in STANDARD_FIELDS and not OWN_FIELD.fullmatch(name) for name in asked):
            known = ", ".join(sorted(STANDARD_FIELDS))
            raise UsageError(
                "A field to be changed is not known", hint=f"Use {known}; or CONNECTOR.FIELD for one service's own."
            )


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings say about a submission.

    Args:
        plan: its plan.
        due: statutory deadline.
        expires: end of the request's retention.
        auto_approve: whether policy approves what is found.
        review_export: whether a copy waits for release.
        settings_sha256, code_sha256: digests of settings and installed connectors.
        by: actor id of who submits.
    """

    plan: Plan
    due: date | None
    expires: datetime
    auto_approve: bool
    review_export: bool
    settings_sha256: str
    code_sha256: str
    by: str


def take_in(  # noqa: PLR0917  # one transaction's worth of facts, each named at its only call
    conn: Connection,
    root: RootKey,
    wrapped: WrappedRoot,
    request: str,
    submission: Submission,
    subject: Subject,
    terms: Terms,
    rules: Rules,
    now: float,
) -> list[str]:
    """Write the request, its identifiers, its tracks, its first events and the tasks of its manual recipients.

    `subject` is the person as enriched. Returns the tracks to wake.
    """
    scope = submission.scope or default_scope(submission.rights)
    private: dict[str, Any] = {
        "changes": dict(submission.changes.fields) if submission.changes else {},
        "on_behalf_of": submission.on_behalf_of,
        "reference": submission.reference,
    }
    conn.execute(
        insert(requests).values(
            id=request,
            rights=[right.value for right in submission.rights],
            state="finding",
            channel=submission.channel,
            received=submission.received.timestamp(),
            created=now,
            due=terms.due.isoformat() if terms.due else None,
            epoch=wrapped.epoch,
            wrapped_key=wrapped.wrapped,
            expires=terms.expires.timestamp(),
            round=1,
            barrier_at=now + rules.patience,
            options={
                "scope": scope.as_dict(),
                "verified_by": submission.verified_by,
                "auto_approve": terms.auto_approve,
                "review_export": terms.review_export,
            },
            released=not terms.review_export,
            prev=FIRST_PREV,
            sealed=root.seal(request, "requests", 0, json.dumps(private).encode()),
        )
    )
    _identifiers(conn, root, request, subject)
    append(conn, root, request, _first_events(root, submission, subject, terms), now)
    _manual(conn, request, terms.plan, now)
    _tracks(conn, request, terms.plan)
    progress(conn, root, request, rules, now)
    return [f"{request}.{p.system.name}" for p in terms.plan.systems if p.system.mode is Mode.AUTOMATIC]


def _identifiers(conn: Connection, root: RootKey, request: str, subject: Subject) -> None:
    rows = [
        {
            "request": request,
            "seq": seq,
            "label": identifier.label,
            "source": "",
            "round": 1,
            "index_": root.index(identifier.canonical()),
            "sealed": root.seal(request, "identifiers", seq, json.dumps(identifier.as_dict()).encode()),
        }
        for seq, identifier in enumerate(subject.identifiers, start=1)
    ]
    conn.execute(insert(identifiers), rows)


def _first_events(root: RootKey, submission: Submission, subject: Subject, terms: Terms) -> Sequence[Event]:
    labels: dict[str, int] = {}
    for identifier in subject.identifiers:
        labels[identifier.label] = labels.get(identifier.label, 0) + 1
    return [
        event(
            "request.received",
            right="+".join(submission.rights),
            subject=[identifier.reference(root.subject_key) for identifier in subject.identifiers],
            channel=submission.channel,
            received=rfc3339(submission.received),
            basis=submission.basis,
            by=terms.by,
        ),
        event("request.verified", verified_by=submission.verified_by, by=terms.by),
        event(
            "request.planned",
            systems=[_system(p) for p in terms.plan.systems],
            identifiers=[{"kind": k, "used": n, "dropped": 0} for k, n in labels.items()],
            settings_sha256=terms.settings_sha256,
            code_sha256=terms.code_sha256,
        ),
    ]


def _system(planned: Planned) -> Mapping[str, str]:
    system = planned.system
    return {"instance": system.name, "mode": system.mode.value, "reason": system.reason or "registered"}


def _manual(conn: Connection, request: str, plan: Plan, now: float) -> None:
    for planned in plan.systems:
        if planned.system.mode is Mode.MANUAL:
            text = planned.system.instructions or "Carry the request out there, or notify them (Art. 19)."
            open_task(conn, request, "recipient", text, now, instance=planned.system.name)


def _tracks(conn: Connection, request: str, plan: Plan) -> None:
    rows = [
        {
            "id": f"{request}.{planned.system.name}",
            "request": request,
            "instance": planned.system.name,
            "connector": planned.system.processor.name if planned.system.processor else "",
            "phase": "find",
            "wake_at": 0.0,
        }
        for planned in plan.systems
        if planned.system.mode is Mode.AUTOMATIC
    ]
    if rows:
        conn.execute(insert(tracks), rows)


def received_or_now(text: str | None, now: float) -> datetime:
    """Read `--received`: a date or RFC 3339 instant; now when not given. Raises `UsageError`."""
    if text is None:
        return instant(now)
    try:
        read = datetime.fromisoformat(text)
        read = read if read.tzinfo else read.astimezone()
        read.astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # no date, or one too far off to reckon with
        raise UsageError("The time of receipt is no date", hint="Write 2026-03-02 or 2026-03-02T09:30:00Z.") from None
    return read
