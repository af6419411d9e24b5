"""The flight recorder: one entry for every exchange with a service, and no exchange without a recorder.

An entry holds what a regulator may read (facts: `exchanges` of an event): no address with values in it, no body, only
keyed hashes of them. The key is the request's own, so that the hashes mean nothing once it is destroyed. Who debugs a
connector watches a flight as it happens, and is told no more than that.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Protocol, TypeVar

from hub.errors import HubError, TransientError

# In the order of trust: what the services of the connectors call it, then what is common.
_REQUEST_IDS = (
    "x-hubspot-correlation-id",
    "sforce-request-id",
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "correlation-id",
    "x-amzn-requestid",
    "x-trace-id",
)
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=-]{0,127}")

Failure = TypeVar("Failure", bound=HubError)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as evidence keeps it; `as_evidence` gives the published form.

    Args:
        method: the HTTP method.
        host: who was called.
        url_template: the template of the path, never the path.
        status: None when no answer came.
        vendor_request_id: the service's own id of the exchange, where it is of a safe form.
        vendor_date: the service's Date header, written anew.
        tls_spki_sha256: hex, or `none`.
        via: `sandbox` or `override` when it was not the service itself that answered.
        request_hmac: HMAC-SHA256 of the body sent, in hex; None without a key.
        response_hmac: the same of the body received, content encoding undone; None too where its end did not come.
        ms: milliseconds from the first byte sent to the last received.
    """

    method: str
    host: str
    url_template: str
    status: int | None
    vendor_request_id: str | None
    vendor_date: str | None
    tls_spki_sha256: str
    via: str | None
    request_hmac: str | None
    response_hmac: str | None
    ms: int

    def as_evidence(self) -> dict[str, str | int | None]:
        """The object that stands in an event: every field of it, `via` only where there is one."""
        values: dict[str, str | int | None] = {name: getattr(self, name) for name in self.__slots__}
        if self.via is None:
            del values["via"]
        return values


@dataclass(frozen=True, slots=True)
class Passage:
    """An exchange as a watcher is told of it when it is over: no value of the address, no body.

    Args:
        instance: the account it was made for.
        exchange: what evidence keeps of it.
        sent, received: bytes of the bodies, content encoding undone.
        whole: the answer came to its end.
        late: a time-out ended it.
    """

    instance: str
    exchange: Exchange
    sent: int
    received: int
    whole: bool
    late: bool


class Watcher(Protocol):
    """Is told of a flight as it happens, on the thread that flies. It must not raise."""

    def exchanged(self, passage: Passage) -> None:
        """An exchange is over, however it went."""
        ...

    def failed(self, error: HubError) -> None:
        """What came of the newest exchange is this error, which is raised now; the connector may still catch it."""
        ...

    def landed(self, came: object) -> None:
        """The flight is over: with what the operation returned, or with the exception that ended it."""
        ...


@dataclass(slots=True)
class Recorder:
    """What one step sends is collected here.

    Args:
        hmac_key: the request's key for exchanges; None outside requests (`hub check`): bodies are then not hashed.
        fence: called right before every send; raises `Fenced` once the step is no longer ours.
        deadline: no send after it, and no answer is awaited beyond it; None: only the door's own limits.
        watchers: told of what happens in the flight.
    """

    hmac_key: bytes | None = field(repr=False)
    fence: Callable[[], None] = field(repr=False)
    deadline: datetime | None = None
    watchers: tuple[Watcher, ...] = field(default=(), repr=False)
    exchanges: list[Exchange] = field(default_factory=list)

    def remaining(self, now: datetime, most: float) -> float:
        """Seconds that may still be spent, at most `most`. Raises `TransientError` when there are none left."""
        if self.deadline is None:
            return most
        left = (self.deadline - now).total_seconds()
        if left <= 0:
            raise TransientError("The attempt's time was up before the call was made", hint="It is made again.")
        return min(left, most)

    def landed(self, came: object) -> None:
        """Tell the watchers what the operation returned, or the exception that ended it."""
        for watcher in self.watchers:
            watcher.landed(came)


class Entry:
    """An exchange being made. `finish` turns it into a record, whatever became of it."""

    def __init__(self, recorder: Recorder, method: str, host: str, url_template: str, body: bytes) -> None:
        self._recorder = recorder
        self._called = (method, host, url_template)
        self._size = len(body)
        self._taken = 0
        self._sent = self._hasher(body)
        self._received = self._hasher()
        self._began = time.monotonic()
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.complete = False
        self.late = False

    def take(self, chunk: bytes) -> None:
        """A piece of the answer's body."""
        self._taken += len(chunk)
        if self._received:
            self._received.update(chunk)

    def finish(self, instance: str, *, spki: str, overridden: bool) -> None:
        """Put the record into the recorder, and tell those who watch of the exchange that was made for `instance`."""
        via = "sandbox" if "x-hub-sandbox" in self.headers else "override" if overridden else None
        method, host, url_template = self._called
        exchange = Exchange(
            method=method,
            host=host,
            url_template=url_template,
            status=self.status,
            vendor_request_id=_request_id(self.headers),
            vendor_date=_http_date(self.headers.get("date", "")),
            tls_spki_sha256=spki,
            via=via,
            request_hmac=self._sent.hexdigest() if self._sent else None,
            response_hmac=self._received.hexdigest() if self._received and self.complete else None,
            ms=round((time.monotonic() - self._began) * 1000),
        )
        self._recorder.exchanges.append(exchange)
        passage = Passage(instance, exchange, self._size, self._taken, whole=self.complete, late=self.late)
        for watcher in self._recorder.watchers:
            watcher.exchanged(passage)

    def _hasher(self, body: bytes = b"") -> hmac.HMAC | None:
        key = self._recorder.hmac_key
        return hmac.new(key, body, hashlib.sha256) if key else None


_recorder: ContextVar[Recorder] = ContextVar("recorder")


@contextmanager
def flight(recorder: Recorder) -> Iterator[Recorder]:
    """Within it, this thread may send, and what it sends is recorded. A thread started inside begins without one."""
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def recording(instance: str) -> Recorder:
    """The recorder of the flight we are in. Raises `HubError` outside one: nothing leaves unrecorded."""
    try:
        return _recorder.get()
    except LookupError:
        raise HubError(
            "A call to a service was about to leave outside a recorded step, so it was not made",
            instance=instance,
            hint="Call services from a processor's methods alone, in the thread the hub called them in.",
        ) from None


def told(error: Failure) -> Failure:
    """Tell the watchers of this flight what came of the newest exchange; the error itself, to be raised."""
    recorder = _recorder.get(None)
    for watcher in recorder.watchers if recorder else ():
        watcher.failed(error)
    return error


def _request_id(headers: Mapping[str, str]) -> str | None:
    found = (headers[name] for name in _REQUEST_IDS if name in headers)
    return next((value for value in found if _SAFE_ID.fullmatch(value)), None)


def _http_date(text: str) -> str | None:
    # Written anew and not copied: the parser skips comments, and a comment can say anything.
    try:
        return format_datetime(parsedate_to_datetime(text).astimezone(UTC), usegmt=True)
    except (ValueError, OverflowError):
        return None
