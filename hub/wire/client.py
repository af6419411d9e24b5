"""`Wire`: what a connector holds in its hands."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
from typing_extensions import TypeVar

from hub.errors import ConnectorBug
from hub.processor import Limits
from hub.timepiece import Timepiece
from hub.wire.door import Door, Errand
from hub.wire.gate import Gate
from hub.wire.reply import Reply
from hub.wire.status import SUCCESS, Call
from hub.wire.template import Reads, TemplateOf, expand

if TYPE_CHECKING:
    import requests
    import urllib3

T = TypeVar("T", default=Any)

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_IDEMPOTENT = _READS | {"PUT", "DELETE"}
_NOT_CARRIED_OVER = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})
_CALL = "hub.call"  # in a response's extensions: how its status is to be judged
_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_MOVES = 5
_SLOWEST = 64 * 1024  # bytes a second below which a file is not worth waiting for


class Wire:
    """The one way from an instance to its service. Threads may share it; every call needs a flight around it.

    Args:
        instance: its name, for messages.
        limits: allowed hosts, concurrency, rates, time-outs and the largest answer.
        clock: the time.
        via: a base address that answers in the service's stead: a sandbox, a recording proxy. The service's name stays
            in the Host header; what comes back is recorded as not the service's own.
        allow_private: whether the service's name may lead to a private address.
        rate_store: a SQLite file through which several processes share the rates.
        tls: whom to trust; None: the certificate authorities of certifi.

    Attributes:
        auth: signs every call that is not `anonymous`; a processor sets it when it is made. It may send the call twice
            (a token renewed after a 401): each time is guarded, fenced and recorded.
    """

    def __init__(
        self,
        *,
        instance: str,
        limits: Limits,
        clock: Timepiece,
        via: str | None = None,
        allow_private: bool = False,
        rate_store: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.instance = instance
        self.auth: httpx.Auth | None = None
        self._limits = limits
        self._clock = clock
        gate = Gate(instance, limits, clock, rate_store)
        self._door = Door(instance, limits, clock, gate, via=via, allow_private=allow_private, tls=tls)

    def call(
        self,
        method: str,
        template: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | int | bool | Sequence[str]] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expect: int | Collection[int] = 200,
        reads: bool | None = None,
        idempotent: bool | None = None,
        anonymous: bool = False,
        model: type[T] | None = None,
    ) -> Reply[T]:
        """Make one call and take its whole answer. Redirects are answers like others and never followed.

        Args:
            method: GET, POST, …
            template: `https://{dc}.api.example.com/lists/{list_id}`, without a query; shown in messages and evidence.
            path: a value for each parameter of `template`; encoded so that it stays in its place.
            query: the query; sequences repeat their key.
            json: the body, of JSON values.
            form: or the body, as a form.
            content: or the body, as bytes.
            headers: further headers.
            expect: the status or statuses the service documents for success; anything else raises. As a mapping, each
                with its `model`, None for any: `{200: Customer, 404: NoSuchCustomer}`; a proxy says 404 otherwise.
            reads: the call changes nothing; by default GET, HEAD and OPTIONS. Say it of a search made by POST.
            idempotent: repeating does no harm; by default those, PUT and DELETE.
            anonymous: without `auth`: for logging in itself.
            model: what the answer must look like, a pydantic model or any annotation.

        Raises:
            AuthError, RateLimited, TransientError, ContractError: by the table in hub/wire/status.py.
            OutcomeUnknown: the call may have changed something, and status or body of its answer does not say.
            ConfigError, ConnectorBug, Fenced: see `Door.carry`.
        """
        url = expand(template, path or {}, self.instance)
        request = self._request(method, url, template, query=query, headers=headers, body=(json, form, content))
        call = self._named(method, template, reads=reads, idempotent=idempotent)
        answer = self.judge(self._send(request, call, anonymous=anonymous), expect)
        return Reply.of(answer, call, expect[answer.status_code] if isinstance(expect, Mapping) else model)

    def stream(self, url: str, *, hosts: Collection[str], max_bytes: int) -> Iterator[bytes]:
        """Read a file, without credentials, from an address the service gave; `hosts` are the only ones it may be at.

        Redirects are followed within `hosts`. A file that is being read counts as one of the calls in flight. Raises
        like `call`, and `ContractError` for a file larger than `max_bytes`.
        """
        call = self._named("GET", "/{file}", reads=True, idempotent=True)
        address = httpx.URL()
        for _ in range(_MOST_MOVES):
            try:
                address = address.join(url)
            except httpx.InvalidURL:
                raise call.unfit("the service gave an address that is none") from None
            seconds = max(self._limits.answer, max_bytes / _SLOWEST)
            errand = Errand(call, httpx.Request("GET", address), hosts, max_bytes, seconds, encoding="identity")
            with closing(self._door.carry(errand)) as pieces:
                first = next(pieces, b"")
                url = errand.headers.get("location", "")
                if errand.status in _MOVED and url:
                    continue
                call.judge(errand.status, errand.headers, first, {200}, self._clock.now())
                yield first
                yield from pieces
                return
        raise call.unfit("the service sent the reader on from address to address")

    def send(
        self,
        request: httpx.Request,
        *,
        template: str,
        reads: bool | None = None,
        idempotent: bool | None = None,
    ) -> httpx.Response:
        """The raw door, for SDKs: guarded, limited, fenced and recorded, but the status is not judged.

        `template` is what evidence and messages show (`/lists/{list_id}`). Raises like `call` where no answer came.
        """
        call = self._named(request.method, template, reads=reads, idempotent=idempotent)
        return self._send(request, call, anonymous=False)

    def judge(self, response: httpx.Response, expect: int | Collection[int] = SUCCESS) -> httpx.Response:
        """The response of `send`, if its status is expected; else raises by the table in hub/wire/status.py."""
        call: Call = response.extensions[_CALL]
        expected = {expect} if isinstance(expect, int) else expect
        call.judge(response.status_code, response.headers, response.content, expected, self._clock.now())
        return response

    def requests_session(
        self, template_of: TemplateOf, *, expect: Collection[int] = SUCCESS, reads: Reads | None = None
    ) -> requests.Session:
        """A session for an SDK built on requests, with this door as its only way out.

        Args:
            template_of: method and path (`GET`, `/lists/17`) to the template (`/lists/{list_id}`).
            expect: the statuses the SDK may see; any other raises the hub's own error through it.
            reads: method and path to whether such a call changes nothing: true of a search made by POST.
        """
        from hub.wire.bridges import requests_session  # noqa: PLC0415  # most connectors need no requests

        return requests_session(self, template_of, expect, reads)

    def urllib3_pool(
        self, template_of: TemplateOf, *, expect: Collection[int] = SUCCESS, reads: Reads | None = None
    ) -> urllib3.PoolManager:
        """The same for an SDK built on urllib3: a pool manager that opens no connection of its own."""
        from hub.wire.bridges import urllib3_pool  # noqa: PLC0415  # most connectors need no urllib3

        return urllib3_pool(self, template_of, expect, reads)

    def close(self) -> None:
        """Close idle connections."""
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _named(self, method: str, template: str, *, reads: bool | None, idempotent: bool | None) -> Call:
        verb = method.upper()
        return Call(
            self.instance,
            verb,
            template,
            reads=verb in _READS if reads is None else reads,
            idempotent=verb in _IDEMPOTENT if idempotent is None else idempotent,
        )

    def _request(
        self,
        method: str,
        url: str,
        template: str,
        *,
        query: Mapping[str, str | int | bool | Sequence[str]] | None,
        headers: Mapping[str, str] | None,
        body: tuple[Any, Mapping[str, str] | None, bytes | None],
    ) -> httpx.Request:
        if sum(part is not None for part in body) > 1:
            raise ConnectorBug(f"{template} was called with more than one body", instance=self.instance)
        json, form, content = body
        try:
            return httpx.Request(
                method.upper(), url, params=query, headers=headers, json=json, data=form, content=content
            )
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
            # What was passed stands in those errors.
            raise ConnectorBug(f"{template} was called with what HTTP cannot carry", instance=self.instance) from None

    def _send(self, request: httpx.Request, call: Call, *, anonymous: bool) -> httpx.Response:
        if anonymous or self.auth is None:
            return self._exchange(request, call)
        flow = self.auth.sync_auth_flow(request)
        try:
            answer = self._exchange(next(flow), call)
            while True:
                try:
                    following = flow.send(answer)
                except StopIteration:
                    return answer
                answer = self._exchange(following, call)
        finally:
            flow.close()

    def _exchange(self, request: httpx.Request, call: Call) -> httpx.Response:
        errand = Errand(call, request, self._limits.hosts, self._limits.max_answer, self._limits.answer)
        body = b"".join(self._door.carry(errand))
        headers = [(k, v) for k, v in errand.headers.multi_items() if k.lower() not in _NOT_CARRIED_OVER]
        return httpx.Response(errand.status, headers=headers, content=body, request=request, extensions={_CALL: call})
