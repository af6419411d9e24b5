"""The door itself: carries one request out and its answer in, guarded, limited, fenced and recorded.

Below it stands the stock `httpx.HTTPTransport` (tools that record HTTP patch that class) over a connection pool of our
own network backend. An `httpx.Client` stands nowhere: what it adds to a transport (cookies, redirects, proxies and
.netrc from the environment, a log line with the whole address) is what must not happen here.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection, Generator
from dataclasses import dataclass, field
from functools import lru_cache

import httpcore
import httpx

from hub.errors import ConfigError, ConnectorBug, ConnectorError
from hub.processor import Limits
from hub.timepiece import Timepiece
from hub.wire.gate import PATIENCE, Gate
from hub.wire.guard import Attempt, GuardedBackend, check_host, sending
from hub.wire.recorder import Entry, recording, told
from hub.wire.status import Call
from hub.wire.template import route_of

# Set by the door for every exchange, whatever a connector or an SDK asked for.
_OURS = frozenset({b"host", b"connection", b"accept-encoding", b"content-length", b"transfer-encoding"})
_KEEP_IDLE = 30.0  # seconds; services close idle connections after about a minute


@dataclass(slots=True)
class Errand:
    """One request on its way through the door; `status` and `headers` are there once the answer begins.

    Args:
        call: how messages name it and how its failures are judged.
        request: what to send; its URL is the service's own.
        hosts: the allow-list for this one.
        most: bytes of the answer, content encoding undone.
        seconds: for the whole exchange.
        encoding: what the service may compress the answer with.
    """

    call: Call
    request: httpx.Request
    hosts: Collection[str]
    most: int
    seconds: float
    encoding: str = "gzip"
    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)


class Door:
    """The way out for one instance. Threads may share it.

    Args:
        instance: its name, for messages.
        limits: concurrency, rates and time-outs.
        clock: the time by which deadlines of steps are measured.
        gate: the queue before it.
        via: a base address (`http://127.0.0.1:8000`) that answers in the service's stead; None: the service itself.
        allow_private: whether private addresses may be called.
        tls: whom to trust; None: the certificate authorities of certifi.
    """

    def __init__(
        self,
        instance: str,
        limits: Limits,
        clock: Timepiece,
        gate: Gate,
        *,
        via: str | None,
        allow_private: bool,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._gate = gate
        self._via = None if via is None else _base(via, instance)
        context = tls or _trusted()
        self._transport = httpx.HTTPTransport(verify=context, trust_env=False)
        self._transport._pool = httpcore.ConnectionPool(  # noqa: SLF001  # httpx takes no network backend otherwise
            ssl_context=context,
            max_connections=limits.concurrency,
            max_keepalive_connections=limits.concurrency,
            keepalive_expiry=_KEEP_IDLE,
            network_backend=GuardedBackend(allow_private=allow_private, instance=instance),
        )

    def carry(self, errand: Errand) -> Generator[bytes]:
        """Send it and yield the answer's body; `errand.status` is set before the first piece, or at the end.

        Whatever happens is recorded, when the answer is complete or the iterator is closed.

        Raises:
            HubError: outside a flight.
            ConfigError: the host is not allowed, or its address is private.
            Fenced: the step is no longer ours.
            RateLimited: no slot became free in time.
            ConnectorBug: the request is none that HTTP can carry.
            TransientError: nothing was sent; or a mere reading broke off.
            OutcomeUnknown: an act was sent, and its answer did not come, or not to its end.
            ContractError: the answer to a reading is larger than allowed, or encoded otherwise than asked.
        """
        call, request = errand.call, errand.request
        recorder = recording(call.instance)
        host = check_host(request.url, errand.hosts, call.instance)
        body = request.read()
        with self._gate.slot(recorder.remaining(self._clock.now(), PATIENCE)):
            attempt = Attempt(time.monotonic() + recorder.remaining(self._clock.now(), errand.seconds))
            outgoing = self._outgoing(errand, body)
            recorder.fence()
            entry = Entry(recorder, request.method, host, route_of(call.template), body)
            failure: ConnectorError | None = None
            try:
                yield from self._exchange(errand, outgoing, attempt, entry)
            except httpx.LocalProtocolError:
                failure = ConnectorBug(
                    f"{call.method} {call.template} is no request that HTTP can carry",
                    instance=call.instance,
                    hint="Look for a line break or another control character in a header the connector sets.",
                )
            except httpx.RequestError as error:
                entry.late = isinstance(error, httpx.TimeoutException)
                failure = _broken(error, call, sent=attempt.sent)
            except ConnectorError as error:
                failure = error
            finally:
                entry.finish(call.instance, spki=attempt.spki, overridden=self._via is not None)
        # Raised out here, where the library's error is no longer at hand: its text can quote headers and bodies.
        if failure:
            raise told(failure)

    def _exchange(self, errand: Errand, outgoing: httpx.Request, attempt: Attempt, entry: Entry) -> Generator[bytes]:
        with sending(attempt):
            answer = self._transport.handle_request(outgoing)
        try:
            errand.status = entry.status = answer.status_code
            errand.headers = entry.headers = answer.headers
            if answer.headers.get("content-encoding", "identity").strip().lower() not in {errand.encoding, "identity"}:
                # Layer upon layer would be undone in memory before a single byte of it is counted.
                raise errand.call.unfit("the answer is encoded in a way that was not asked for")
            taken = 0
            for chunk in answer.iter_bytes():
                taken += len(chunk)
                if taken > errand.most:
                    raise errand.call.unfit(f"the answer is larger than {errand.most} bytes")
                entry.take(chunk)
                yield chunk
            entry.complete = True
        finally:
            answer.close()

    def _outgoing(self, errand: Errand, body: bytes) -> httpx.Request:
        """The request as it leaves: our own framing, and the path and query byte for byte as they came."""
        request, url = errand.request, errand.request.url
        target = request.extensions.get("target", url.raw_path)
        if self._via:
            url = self._via.copy_with(raw_path=url.raw_path)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _OURS]
        headers += [(b"Host", request.url.netloc), (b"Accept-Encoding", errand.encoding.encode("ascii"))]
        timeouts = {"connect": self._limits.connect, "read": self._limits.read}
        timeouts |= {"write": self._limits.read, "pool": self._limits.connect}
        extensions = {"timeout": timeouts, "target": target}
        return httpx.Request(request.method, url, headers=headers, content=body, extensions=extensions)

    def close(self) -> None:
        """Close idle connections and the queue's file."""
        self._transport.close()
        self._gate.close()


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    # Reading the certificates takes some 20 ms and as many MB, once for all instances.
    return httpx.create_ssl_context(trust_env=False)


def _base(via: str, instance: str) -> httpx.URL:
    try:
        url = httpx.URL(via)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.raw_path != b"/" or url.userinfo:
        raise ConfigError(
            "`via` is not a base address",
            instance=instance,
            hint="Write scheme, host and port alone, for example http://127.0.0.1:8000; path and query are kept.",
        )
    return url


def _broken(error: httpx.RequestError, call: Call, *, sent: bool) -> ConnectorError:
    if not sent:
        reading = Call(call.instance, call.method, call.template, reads=True, idempotent=True)
        return reading.unknown(f"the service could not be reached{_certificate(error)}; nothing was sent")
    if isinstance(error, httpx.TimeoutException):
        return call.unknown("the service gave no whole answer in time")
    if isinstance(error, httpx.DecodingError):
        return call.unknown("the answer was damaged on its way")
    return call.unknown("the connection broke before the whole answer was there")


def _certificate(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return ", because its certificate is not trusted"
        error = error.__cause__ or error.__context__
    return ""
