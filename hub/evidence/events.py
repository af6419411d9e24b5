"""The events of a request: their types, their fields, their exact bytes.

A disclosure is the JCS (RFC 8785) JSON of one event; a leaf of the log commits to its SHA-256 alone. No event holds a
direct identifier, free text, a vendor's message or a staff name: every field has a form that leaves no room for one,
and `event` refuses what does not fit. docs/evidence-events.md says what each type and field means; they are final.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785

from hub.timepiece import rfc3339

FIRST_PREV = "0" * 64
LEAF_PREFIX = b"subject-request-hub/leaf/v1\n"

_MAX_GROUND = 400
_CODE = r"[a-z][a-z0-9_]{0,63}"
_DAY = r"\d{4}-\d\d-\d\d"
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"
_LONG_NUMBER = re.compile(r"(\d[ .()/-]?){7,}")  # a telephone number, an account; no article or paragraph is that long


def _matching(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _listing(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(item, value))


def _objects(
    form: Mapping[str, Callable[[Any], bool]], optional: frozenset[str] = frozenset()
) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and set(value) <= set(form)
            and set(form) - optional <= set(value)
            and all(form[key](item) for key, item in value.items())
        )

    return _listing(fits)


def _ground(value: Any) -> bool:
    """A citation that connector or settings declare, for whomever it concerns: the only words in any event."""
    line = isinstance(value, str) and 0 < len(value) <= _MAX_GROUND and value.isprintable()
    return line and "@" not in value and not _LONG_NUMBER.search(value)


def _template(value: Any) -> bool:
    return _route(value) and not _LONG_NUMBER.search(value)  # an id in it would be nobody's template


def _optional(form: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or form(value)


_code, _hex64 = _matching(_CODE), _matching(r"[0-9a-f]{64}")
_instance = _matching(r"[a-z][a-z0-9_]{0,40}")
_label = _matching(r"[a-z][a-z0-9_.]{0,299}")  # a kind of identifier, or the namespace of an external id
_route = _matching(r"/[A-Za-z0-9._~:/{},*!$&'()+;=-]{0,400}")
_search = _matching(r"exact|scan|index|none")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"

EXCHANGE: Mapping[str, Callable[[Any], bool]] = {
    "method": _matching(r"[A-Z]{1,20}"),
    "host": _matching(r"[a-z0-9_.:\[\]-]{1,255}"),
    "url_template": _template,
    "status": _optional(_count),
    "vendor_request_id": _optional(_matching(r"[A-Za-z0-9][A-Za-z0-9._:/=-]{0,127}")),
    "vendor_date": _optional(_matching(rf"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d ({_MONTHS}) \d{{4}} \d\d:\d\d:\d\d GMT")),
    "tls_spki_sha256": _matching(r"none|[0-9a-f]{64}"),
    "via": _matching(r"sandbox|override"),
    "request_hmac": _optional(_hex64),
    "response_hmac": _optional(_hex64),
    "ms": _count,
}
"""The fields of one exchange with a service; `via` stands only where it was not the service that answered."""

FORMS: Mapping[str, Callable[[Any], bool]] = {
    "right": _matching(r"[a-z_]{1,40}(\+[a-z_]{1,40}){0,7}"),
    "basis": _matching(r"((UK )?GDPR |DPA 2018 )?(Art\.|s\.|Sch\.) ?\d{1,3}[A-Z]?(\(\w{1,4}\)){0,3}"),
    "subject": _listing(_hex64),
    "channel": _code,
    "received": _matching(_INSTANT),
    "verified_by": _code,
    "instance": _instance,
    "account": _matching(r"[A-Za-z0-9._:-]{1,200}"),
    "operation": _code,
    "step": _matching(r"[a-z][a-z0-9_]{0,40}\.(\d{1,9}|find)"),
    "attempt": _count,
    "holding": _count,
    "kind": _code,
    "categories": _listing(_code),
    "match": _matching(r"exact|possible"),
    "reach": _matching(r"sole|shared"),
    "coverage": lambda value: isinstance(value, dict) and all(_label(k) and _search(v) for k, v in value.items()),
    "outcome": _code,
    "method": _code,
    "count": _count,
    "confirmation": _code,
    "reason": _code,
    "connector": _instance,
    "connector_version": _matching(r"[A-Za-z0-9][A-Za-z0-9.!_-]{0,63}(\+[a-z][a-z0-9.]{0,63})?"),
    "exchanges": _objects(EXCHANGE, optional=frozenset({"via"})),
    "ground": _ground,
    "until": _matching(f"{_DAY}|{_INSTANT}"),
    "backups_until": _matching(_DAY),
    "by": _matching(r"[0-9a-f]{32}|policy_automatic"),
    "decision": _code,
    "systems": _objects({"instance": _instance, "mode": _code, "reason": _code}),
    "identifiers": _objects({"kind": _label, "used": _count, "dropped": _count}),
    "settings_sha256": _hex64,
    "code_sha256": _hex64,
    "checkpoint_sha256": _hex64,
    "events": _count,
}
"""Every field an event can have, with the form its value must have."""


@dataclass(frozen=True, slots=True)
class EventType:
    """Which fields a type must and may have."""

    required: frozenset[str]
    optional: frozenset[str] = field(default_factory=frozenset)


def _type(required: str, optional: str = "") -> EventType:
    return EventType(frozenset(required.split()), frozenset(optional.split()))


_WHERE = "account connector connector_version"

TYPES: Mapping[str, EventType] = {
    "request.received": _type("right subject channel received", "basis by"),
    "request.verified": _type("verified_by", "by"),
    "request.planned": _type("systems identifiers settings_sha256 code_sha256"),
    "holding.found": _type("instance holding kind categories match reach", _WHERE),
    "find.covered": _type("instance coverage count exchanges attempt", f"{_WHERE} outcome reason"),
    "match.decided": _type("instance holding decision by"),
    "request.approved": _type("by count", "decision reason"),
    "request.extended": _type("until reason by"),
    "request.refused": _type("reason by", "ground"),
    "request.paused": _type("reason", "by until instance decision"),
    "step.outcome": _type(
        "instance operation step attempt outcome exchanges",
        f"{_WHERE} holding kind categories method count reason ground until backups_until",
    ),
    "step.confirmed": _type(
        "instance operation step attempt confirmation exchanges", f"{_WHERE} holding kind count reason until"
    ),
    "step.manual": _type("instance operation outcome by", "step holding kind reason count"),
    "contained": _type("instance step until", f"{_WHERE} holding kind count"),
    "restored": _type("instance step", f"{_WHERE} holding kind by count"),
    "obligation.created": _type("instance kind ground", "until holding count"),
    "subject.told": _type("channel decision", "by count"),
    "request.closed": _type("events outcome", "reason by"),
    "retention.shredded": _type("count settings_sha256", "reason"),
    "register.changed": _type("systems settings_sha256", "by"),
    "log.epoch": _type("reason by checkpoint_sha256", "count"),
}
"""Every type of event. The last three stand outside requests."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, before it has its place in a request's chain."""

    type: str
    fields: Mapping[str, Any]


def fits(name: str, value: Any) -> bool:
    """Whether `value` has the form of the field called `name`."""
    return FORMS[name](value)


def event(type_: str, **fields: Any) -> Event:
    """An event; fields that are None are left out. Raises `ValueError` where type or fields do not fit."""
    given = {name: value for name, value in fields.items() if value is not None}
    form = TYPES[type_]
    if missing := form.required - given.keys():
        raise ValueError(f"{type_} lacks {sorted(missing)}")
    if foreign := given.keys() - form.required - form.optional:
        raise ValueError(f"{type_} has no fields {sorted(foreign)}")
    for name, value in given.items():
        if not fits(name, value):
            raise ValueError(f"{type_}: {name} does not have its form")  # never the value: it may be what leaked
    return Event(type_, given)


def disclose(event: Event, *, request: str, seq: int, prev: str, salt: str, at: datetime) -> bytes:
    """The event's exact bytes: JCS of its fields with `salt`, `type`, `at`, `request`, `seq` and `prev`."""
    body: dict[str, Any] = {
        "salt": salt,
        "type": event.type,
        "at": rfc3339(at),
        "request": request,
        "seq": seq,
        "prev": prev,
    }
    return rfc8785.dumps(body | dict(event.fields))


def digest(disclosure: bytes) -> str:
    """SHA-256 of a disclosure, 64 hex digits: the next event's `prev`."""
    return hashlib.sha256(disclosure).hexdigest()


def leaf_hash(disclosure: bytes) -> bytes:
    """RFC 6962 leaf hash of the entry that commits to the disclosure; 32 bytes."""
    entry = LEAF_PREFIX + digest(disclosure).encode() + b"\n"
    return hashlib.sha256(b"\x00" + entry).digest()
