"""Handing over a copy: what was spooled, per service, and in plain words what is missing and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.coordinator.codec import instant
from hub.coordinator.decide import actionable, undecided
from hub.coordinator.rows import found_by, request_row
from hub.coordinator.verdict import SATISFIED, searched, track_result
from hub.errors import UsageError
from hub.exports.contents import About, Source
from hub.exports.package import Package, build
from hub.exports.spool import Mark, SpoolReader
from hub.holding import Record
from hub.processor import Operation
from hub.rights import Right, operations
from hub.settings import Settings
from hub.store.rootkey import RootKey
from hub.store.schema import exports, steps, tasks, tracks
from hub.timepiece import Timepiece

_MISSING = {
    "waiting": "The service has not been read to the end yet.",
    "failed": "The service could not be read; somebody is looking into it.",
    "index": "The service cannot be searched by everything known of you: it may hold more than this.",
    "not_searchable": "The service cannot be searched by what is known of you.",
    "undecided": "Whether what was found there is about you has not been decided yet.",
    "unsupported": "The service offers no way to read out what it holds.",
    "asked": "Somebody is still looking there by hand.",
    "manual": "The data is collected by hand.",
}
_READING = (Operation.EXPORT, Operation.FIND)  # a search stands among the steps when a person made it
_TO_COME = frozenset(_MISSING[code] for code in ("waiting", "failed", "undecided", "asked"))


@dataclass(frozen=True, slots=True)
class Handover:
    """What was handed over.

    Args:
        package: what the zip contains.
        final: whether nothing is still to come; only then an erasure that waits for the copy goes on.
    """

    package: Package
    final: bool


@dataclass(frozen=True, slots=True)
class _Journal:
    request: Row[Any]
    tracks: Sequence[Row[Any]]
    steps: Sequence[Row[Any]]
    holdings: Sequence[Row[Any]]
    spools: Mapping[str, Row[Any]]
    by_hand: Sequence[Row[Any]]


def hand_over(
    conn: Connection,
    root: RootKey,
    request: str,
    out: Path,
    *,
    settings: Settings,
    spool: Path,
    passphrase: str | None,
    redact: Callable[[Record], Record | None],
    clock: Timepiece,
) -> Handover:
    """Build the zip at `out`.

    Raises `UsageError` when the request asks for no copy or the copy waits for `hub release`; what `build` raises.
    """
    journal = _read(conn, request)
    if Operation.EXPORT not in operations([Right(r) for r in journal.request.rights]):
        raise UsageError(f"Request {request} asks for no copy", hint="Access and portability do.")
    if not journal.request.released:
        raise UsageError("The copy waits for a review", hint=f"Look it over, then: hub release {request}")
    sources = [*_served(journal, root, settings, spool), *_by_hand(journal, settings)]
    about = About(
        request=request,
        received=instant(journal.request.received),
        controller=settings.controller.name or "the controller",
        contact=settings.controller.contact,
    )
    package = build(out, sources, about=about, passphrase=passphrase, redact=redact, clock=clock)
    return Handover(package, final=not any(source.reason in _TO_COME for source in sources))


def _read(conn: Connection, request: str) -> _Journal:
    row = request_row(conn, request, still_open=False)
    spools = conn.execute(select(exports).where(exports.c.request == request)).all()
    return _Journal(
        row,
        conn.execute(select(tracks).where(tracks.c.request == request).order_by(tracks.c.id)).all(),
        conn.execute(select(steps).where(steps.c.request == request, steps.c.operation.in_(_READING))).all(),
        found_by(conn, request),
        {s.track: s for s in spools},
        conn.execute(select(tasks).where(tasks.c.request == request, tasks.c.kind == "recipient")).all(),
    )


def _served(journal: _Journal, root: RootKey, settings: Settings, spool: Path) -> list[Source]:
    sources = []
    for track in journal.tracks:
        mine = [s for s in journal.steps if s.track == track.id]
        held = [h for h in journal.holdings if h.track == track.id]
        missing = _missing(track, mine, held)
        instance = settings.instances.get(track.instance)
        sources.append(
            Source(
                track.instance,
                (instance.label if instance else "") or track.instance,
                track.connector,
                spools=_spools(journal, root, track, spool),
                complete=not missing,
                reason=missing,
            )
        )
    return sources


def _spools(journal: _Journal, root: RootKey, track: Row[Any], folder: Path) -> list[SpoolReader]:
    row = journal.spools.get(track.id)
    if row is None:
        return []
    body = json.loads(root.open(track.request, "exports", track.id, row.sealed))
    context = f"{track.request}/{track.id}".encode()
    # Up to the mark: an export that is under way or broke off is handed over as far as it got.
    return [SpoolReader(folder / row.file, bytes.fromhex(body["key"]), context, until=Mark(**body["mark"]))]


def _missing(track: Row[Any], read: Sequence[Row[Any]], held: Sequence[Row[Any]]) -> str:
    """Why something of the service is missing in the copy; empty when nothing is."""
    exported = [s for s in read if s.operation == Operation.EXPORT]
    if track.phase == "failed" or any(s.state == "person" for s in exported):
        return _MISSING["failed"]
    if track.phase == "find" or any(s.state != "closed" for s in exported):
        return _MISSING["waiting"]
    if any(map(undecided, held)):
        return _MISSING["undecided"]
    if {h.ordinal for h in held if actionable(h)} - {s.holding for s in exported}:
        return _MISSING["waiting"]  # decided a moment ago: nobody has read it yet
    codes = [(s.outcome or {}).get("outcome", "failed") for s in exported] or [track_result(track, read, held).outcome]
    if codes == ["manual"] and read[0].reason == "nothing_held":  # says who looked there in the hub's stead
        return ""
    missing = next((_MISSING.get(code, _MISSING["waiting"]) for code in codes if code not in SATISFIED), "")
    return missing or ("" if searched(track) else _MISSING["index"])


def _by_hand(journal: _Journal, settings: Settings) -> list[Source]:
    """Systems without a connector: what they hold is not in this copy, and the copy says so."""
    sources = []
    for task in journal.by_hand:
        system = settings.register.get(task.instance)
        label = (system.label if system else "") or task.instance
        missing = {None: _MISSING["asked"], "nothing_held": ""}.get(task.result, _MISSING["manual"])
        sources.append(Source(task.instance, label, "manual", complete=not missing, reason=missing))
    return sources
