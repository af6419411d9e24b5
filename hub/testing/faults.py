"""What goes wrong between us and a service, on demand: each fault is one way in which a real answer fails to arrive.

A fault names the calls it hits and what happens to them; whether the service carried the call out is part of what it
is, because that is what the hub must find out by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hub.testing.serving import Sent


@dataclass(frozen=True, slots=True)
class Status:
    """The service answers with a status of its own and does nothing.

    Args:
        code: the status, such as 429.
        body: text of the answer; empty, as overloaded services answer, unless given.
        retry_after: seconds for a `Retry-After` header.
        media_type: `Content-Type` of a body that is there.
        location: address for a `Location` header.
    """

    code: int
    body: str = ""
    retry_after: int | None = None
    media_type: str = "text/html; charset=utf-8"
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """The call is carried out, and a broken proxy answers in the service's stead.

    Args:
        body: what it answers; empty is possible.
        code: its status; None keeps the service's own.
        media_type: its `Content-Type`.
    """

    body: str = "<html><body>It works!</body></html>"
    code: int | None = None
    media_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Delay:
    """The call is carried out and answered after some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stall:
    """The service says nothing more until the caller gives up.

    Args:
        executed: whether the call was carried out before that.
    """

    executed: bool


@dataclass(frozen=True, slots=True)
class DropBefore:
    """The connection closes before the call is carried out; the caller cannot know that."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """The call is carried out and the connection closes without an answer."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """The call is carried out; the connection closes in the middle of the answer's body."""


@dataclass(frozen=True, slots=True)
class Trickle:
    """The call is carried out; the answer's body arrives byte by byte.

    Args:
        seconds: between two bytes.
    """

    seconds: float = 0.02


@dataclass(frozen=True, slots=True)
class BadGzip:
    """The call is carried out; the answer says it is gzip and is not."""


What = Status | Garbage | Delay | Stall | DropBefore | DropAfter | Truncate | Trickle | BadGzip
"""Everything that can go wrong."""

_KINDS: Mapping[str, type[What]] = {
    cls.__name__: cls for cls in (Status, Garbage, Delay, Stall, DropBefore, DropAfter, Truncate, Trickle, BadGzip)
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        where: `METHOD TEMPLATE`, the template as the sandbox declares it; a shell pattern (`* /3.0/lists/*`).
        what: what happens.
        nth: to which matching call from now on, counted from 1; None: to every one.
    """

    where: str
    what: What
    nth: int | None = 1

    def as_dict(self) -> dict[str, Any]:
        """JSON form: `{"where": …, "nth": 1, "what": {"kind": "Status", "code": 429}}`."""
        return {"where": self.where, "nth": self.nth, "what": {"kind": type(self.what).__name__, **asdict(self.what)}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Fault:
        """The inverse of `as_dict`. Raises `KeyError`, `TypeError` on another shape."""
        what = dict(data["what"])
        return cls(data["where"], _KINDS[what.pop("kind")](**what), data.get("nth", 1))


@dataclass(slots=True)
class Faults:
    """The faults of one sandbox; every thread that serves asks it once per call."""

    _waiting: list[tuple[Fault, int]] = field(default_factory=list)  # with the matching calls seen so far
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *faults: Fault) -> None:
        """Let these happen too; the first that matches a call wins."""
        with self._lock:
            self._waiting += [(fault, 0) for fault in faults]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._waiting = []

    def due(self, method: str, template: str) -> What | None:
        """What happens to this call. Counts it for every fault that it matches."""
        if not self._waiting:
            return None
        call, struck, left = f"{method} {template}", None, []
        with self._lock:
            for fault, seen in self._waiting:
                matches = fnmatchcase(call, fault.where)
                seen += matches  # noqa: PLW2901  # the count goes on into the list below
                strikes = matches and fault.nth in {None, seen} and struck is None
                struck = fault.what if strikes else struck
                if not (strikes and fault.nth is not None):
                    left.append((fault, seen))
            self._waiting = left
        return struck


def bend(sent: Sent, what: What | None) -> Sent:
    """The answer as it arrives after that fault."""
    match what:
        case Garbage(body, code, media_type):
            return Sent(code or sent.status, {**sent.headers, "Content-Type": media_type}, body.encode())
        case Truncate():
            return Sent(sent.status, sent.headers, sent.body, keep=len(sent.body) // 2)
        case Trickle(seconds):
            return Sent(sent.status, sent.headers, sent.body, pause=seconds)
        case BadGzip():
            return Sent(sent.status, {**sent.headers, "Content-Encoding": "gzip"}, b"not gzip at all")
        case _:
            return sent
