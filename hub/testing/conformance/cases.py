"""What can go wrong with a call, and what a connector may make of it.

The class is the one that the hub's own table (`hub.wire.status`) gives; a connector that knows its service may say more
where the table says only that the service refused, and nowhere less.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hub.errors import ConfigError, ConnectorError, ContractError, OutcomeUnknown, PermanentError
from hub.testing.conformance.recording import Seen
from hub.testing.conformance.service import Service
from hub.testing.faults import (
    BadGzip,
    DropAfter,
    DropBefore,
    Garbage,
    Stall,
    Status,
    Trickle,
    Truncate,
    What,
)
from hub.testing.serving import Sent
from hub.wire.status import Call

STATUSES = (400, 401, 403, 404, 405, 409, 410, 412, 415, 422, 423, 426, 429, 500, 501, 502, 503, 504)
BARE = frozenset({400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504})  # what comes without a word under load
PAGES = frozenset({400, 403, 404, 410, 500, 502, 503})  # what proxies and firewalls put pages under
MOVES = (301, 302, 307, 308)
ABSENCES = frozenset({404, 410})
ELSEWHERE = "https://elsewhere.example.net/caught"

_PAGE = "<html><body><h1>It works!</h1></body></html>"
_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_OWN = "own words"  # stands for a body in the service's own language, which only the service tells


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong.

    Args:
        name: for people and for pytest.
        what: the fault; its body may be a placeholder that `of` fills in.
        slow: it ends only when the connector's patience does.
    """

    name: str
    what: What
    slow: bool = False

    def of(self, service: Service) -> What:
        """The fault as it happens at this service, quoting the person as services do."""
        if not (isinstance(self.what, Status) and self.what.body == _OWN):
            return self.what
        media_type: str = getattr(service.sandbox, "media_type", "application/json")
        quoted = f"no route for {service.town.main.email}"
        xml = "xml" in media_type
        body = f"<message>{quoted}</message>" if xml else json.dumps({"message": quoted})
        return replace(self.what, body=body, media_type=media_type)


def _cases() -> Iterator[Case]:
    for code in STATUSES:
        yield Case(f"{code} as a statement", Status(code, _OWN))
        if code in BARE:
            yield Case(f"{code} without a body", Status(code))
        if code in PAGES:
            yield Case(f"{code} with a page", Status(code, _PAGE))
    yield Case("429 with Retry-After", Status(429, retry_after=20))
    yield Case("503 with Retry-After", Status(503, retry_after=20))
    for code in MOVES:
        yield Case(f"{code} to another host", Status(code, location=ELSEWHERE))
    for name, body, media_type in (
        ("a page", _PAGE, "text/html"),
        ("garbage", "\x00\x01 no answer of anybody", "application/octet-stream"),
        ("nothing", "", ""),
        ("{}", "{}", "application/json"),
        ("[]", "[]", "application/json"),
        ("null", "null", "application/json"),
    ):
        yield Case(f"200 with {name}", Status(200, body, media_type=media_type))
    yield Case("carried out, 200 with a page", Garbage(code=200))
    yield Case("carried out, bad gzip", BadGzip())
    yield Case("carried out, cut off", Truncate())
    yield Case("carried out, a trickle", Trickle(), slow=True)
    yield Case("never answered", Stall(executed=False), slow=True)
    yield Case("carried out, never answered", Stall(executed=True), slow=True)
    yield Case("dropped", DropBefore())
    yield Case("carried out, dropped", DropAfter())


CASES = {case.name: case for case in _cases()}
WORST = [
    CASES[name]
    for name in ("404 without a body", "404 as a statement", "500 without a body", "200 with a page", "200 with {}")
] + [CASES["dropped"], CASES["carried out, dropped"]]
"""What connectors get wrong: a success that was none, an absence that nobody stated, an answer that was lost."""


def permitted(what: What, call: Seen, operation: str, *, acts: bool) -> tuple[type[ConnectorError], ...]:
    """The classes that may be raised when that goes wrong with that call of an operation.

    Args:
        what: the fault.
        call: the call; one that changed something at the service has acted, whatever its method.
        operation: one of `OPERATIONS`.
        acts: whether the operation may act at all; where it may not, every call of it is a reading.
    """
    if call.changed:
        rows = [_by_the_table(what, reads=False)]
    elif call.reads or not acts:
        rows = [_by_the_table(what, reads=True)]
    else:
        rows = [_by_the_table(what, reads=False), _by_the_table(what, reads=True)]
    if refuses(what):
        rows += [PermanentError] + ([ConfigError] if operation == "check" else [])
        rows += [OutcomeUnknown] if acts and not call.reads else []  # more careful than the table, and never less
    return tuple(dict.fromkeys(rows))


def refuses(what: What) -> bool:
    """Whether it is a refusal from which an act may conclude that the service will not do it."""
    return isinstance(what, Status) and what.code >= min(STATUSES) and _by_the_table(what, reads=False) is ContractError


def tells_apart(what: What, call: Seen, own: Sequence[Sent]) -> bool:
    """Whether a connector can know that this is not the service's own answer to that call.

    `own` are answers of the service with the fault's status: an absence in the same form is the service's word.
    """
    match what:
        case Status(200, body, _, media_type):
            return not call.file and not _alike(call.sent, 200, body, media_type)
        case Status(code, body, _, media_type) if code in ABSENCES:
            return not any(_alike(sent, code, body, media_type) for sent in own)
        case Garbage():
            return not call.file
        case Trickle() | BadGzip():
            return bool(call.sent.body)
        case _:
            return True


def _by_the_table(what: What, *, reads: bool) -> type[ConnectorError]:
    call = Call("bench", "GET", "/", reads=reads, idempotent=True)
    match what:
        case Status(200) | Garbage():
            return type(call.unfit(""))
        case Status(code, body, retry_after, media_type):
            headers = {"content-type": media_type} if body else {}
            headers |= {"retry-after": str(retry_after)} if retry_after is not None else {}
            return _raised(lambda: call.judge(code, headers, body.encode(), (), _NOW))
        case _:
            return type(call.unknown(""))


def _raised(judge: Callable[[], None]) -> type[ConnectorError]:
    try:
        judge()
    except ConnectorError as error:
        return type(error)
    raise AssertionError("The table has a row for every status")


def _alike(sent: Sent, status: int, body: str, media_type: str) -> bool:
    """Whether that answer has the form of the one the service sent: nothing in it says that it is another's."""
    if sent.status != status or bool(sent.body) != bool(body):
        return False
    if not body:
        return True
    ours, theirs = _json(sent.body), _json(body.encode())
    if ours is _NONE or theirs is _NONE:
        own_type = next((value for name, value in sent.headers.items() if name.lower() == "content-type"), "")
        return ours is theirs and own_type.partition(";")[0] == media_type.partition(";")[0]
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() <= theirs.keys()
    return type(ours) is type(theirs) and not theirs


_NONE = object()


def _json(body: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(body)
    return _NONE
