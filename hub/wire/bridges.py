"""Seams for vendors' SDKs: a requests session and a urllib3 pool whose every byte goes through the door.

What an SDK does by itself ends here: its time-outs and retries (the hub's hold), its sleeping, its cookies, its
redirects, its .netrc and proxies. A status outside `expect` raises the hub's error right through the SDK, since SDKs
take an empty 403 for success (facts: Mailchimp M1).
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import httpx
import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from hub.errors import ConnectorBug
from hub.wire.template import Reads, TemplateOf

if TYPE_CHECKING:
    from hub.wire.client import Wire


def requests_session(
    wire: Wire, template_of: TemplateOf, expect: Collection[int], reads: Reads | None
) -> requests.Session:
    """See `Wire.requests_session`."""
    session = _Session()
    session.adapters.clear()
    session.mount("https://", _Adapter(wire, template_of, expect, reads))
    session.trust_env = False  # a .netrc would replace the SDK's own credentials
    return session


def urllib3_pool(
    wire: Wire, template_of: TemplateOf, expect: Collection[int], reads: Reads | None
) -> urllib3.PoolManager:
    """See `Wire.urllib3_pool`."""
    return _Pool(wire, template_of, expect, reads)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: redirects are not followed. requests would repeat a POST as a GET and take that for the answer."""


class _Adapter(BaseAdapter):
    def __init__(self, wire: Wire, template_of: TemplateOf, expect: Collection[int], reads: Reads | None) -> None:
        super().__init__()
        self._passage = _Passage(wire, template_of, expect, reads)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Through the door; time-outs, proxies and verification passed along by requests are the door's business."""
        method, url = request.method or "GET", request.url or ""
        raw = self._passage.send(method, url, request.body, request.headers, preload=False)
        response = requests.Response()
        response.status_code = raw.status
        response.headers = CaseInsensitiveDict(raw.headers)
        response.encoding = get_encoding_from_headers(response.headers)
        response.reason = raw.reason or ""
        response.raw = raw
        response.url = url
        response.request = request
        return response

    def close(self) -> None:
        """Nothing to close: the connections are the door's."""


class _Pool(urllib3.PoolManager):
    def __init__(self, wire: Wire, template_of: TemplateOf, expect: Collection[int], reads: Reads | None) -> None:
        super().__init__()
        self._passage = _Passage(wire, template_of, expect, reads)

    def urlopen(  # type: ignore[override]  # urllib3's own has a signature per caller
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        preload_content: bool = True,
        **_: Any,
    ) -> urllib3.HTTPResponse:
        """Through the door; redirect, retries, time-out and the like are the door's business."""
        return self._passage.send(method, url, body, headers or {}, preload=preload_content)

    def connection_from_host(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: a connection from here would be a second way out."""
        raise ConnectorBug("An SDK tried to open a connection of its own", instance=self._passage.wire.instance)

    connection_from_context = connection_from_pool_key = connection_from_host


class _Passage:
    """One request of an SDK through the door, and the answer as urllib3 has it."""

    def __init__(self, wire: Wire, template_of: TemplateOf, expect: Collection[int], reads: Reads | None) -> None:
        self.wire = wire
        self._template_of = template_of
        self._expect = expect
        self._reads = reads or (lambda *_: False)

    def send(
        self, method: str, url: str, body: Any, headers: Mapping[str, str], *, preload: bool
    ) -> urllib3.HTTPResponse:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        called = method.upper(), parts.path or "/"
        template = self._template_of(*called)
        try:
            request = httpx.Request(
                method, url, headers=dict(headers), content=_bytes(body), extensions={"target": target.encode("ascii")}
            )
        except (httpx.InvalidURL, UnicodeError):
            raise ConnectorBug(
                f"An SDK asked for {template} in a way HTTP cannot carry", instance=self.wire.instance
            ) from None
        reads = self._reads(*called) or None  # None: the method decides
        answer = self.wire.judge(self.wire.send(request, template=template, reads=reads), self._expect)
        return urllib3.HTTPResponse(
            body=io.BytesIO(answer.content),
            headers=urllib3.HTTPHeaderDict(answer.headers.multi_items()),
            status=answer.status_code,
            reason=answer.reason_phrase,
            request_method=method,
            request_url=url,
            preload_content=preload,
        )


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if hasattr(body, "read"):
        return _bytes(body.read())
    pieces: Iterable[str | bytes] = body
    return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
