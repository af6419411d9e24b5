"""One exchange as a cassette keeps it: in one way of writing, without credentials, without a trace of the transport.

Kept of a request: method, host, path, query, body. Kept of an answer: status, body, and the headers listed here. The
content encoding is undone, chunks are joined, and a body that is no text is replaced: nobody can see what it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from vcr.request import Request

from hub.testing.cassettes.bodies import REMOVED, UNREADABLE, rewrite, rewrite_path, rewrite_query
from hub.testing.cassettes.personal import normalised, proves
from hub.testing.cassettes.places import Leaf, Place
from hub.testing.cassettes.problems import CassetteError

# Of an answer. The service's own ids of requests and its date stand in evidence; limits and links steer connectors.
KEPT_HEADERS = re.compile(
    r"content-type|date|retry-after|location|link|etag|x-hub-sandbox|(x-)?ratelimit-[a-z-]+|x-rate-limit-[a-z-]+|"
    r"([a-z-]+-)?(request|correlation|trace)-?id"
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.-]+)|<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)""", re.IGNORECASE)
_TEXT = re.compile(r"text/.*|.*[/+](json|xml)|application/(x-www-form-urlencoded|(x-)?ndjson|jsonl|graphql)|")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is kept.

    Args:
        status: as it was.
        headers: those that are kept, their names in small letters.
        body: text; `UNREADABLE` where it was none.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)

    def as_vcr(self, body: str | bytes) -> dict[str, Any]:
        """As vcrpy has it, with that body: text in a file, bytes on the wire."""
        headers = {name: [text] for name, text in self.headers.items()}
        return {"status": {"code": self.status, "message": ""}, "headers": headers, "body": {"string": body}}

    def encoded(self) -> bytes:
        """The body in the encoding that its headers, or itself, declare."""
        return self.body.encode(_charset(self.headers.get("content-type", ""), self.body), "xmlcharrefreplace")

    @classmethod
    def of(cls, response: Mapping[str, Any], leaf: Leaf) -> Answer:
        """An answer as vcrpy has it, with every text in it rewritten. Raises `CassetteError`."""
        pairs = [(name.lower(), text) for name, texts in response["headers"].items() for text in texts]
        raw = response["body"]["string"]
        try:
            body = httpx.Response(200, headers=pairs, content=raw if isinstance(raw, bytes) else raw.encode()).content
        except httpx.DecodingError:
            raise CassetteError(
                "An answer is compressed and cannot be unpacked, so nobody can tell what is in it",
                hint="Record again; if it happens again, look for a proxy that damages answers.",
            ) from None
        kept = {name: text for name, text in pairs if KEPT_HEADERS.fullmatch(name)}
        found = {
            name: text if name in {"content-type", "date"} else leaf(text, Place(normalised(name)))
            for name, text in kept.items()
        }
        return cls(response["status"]["code"], found, _rewritten(body, kept.get("content-type", ""), leaf))


def canonical(request: Request) -> Request:
    """The request in one way of writing, without headers and without what proves who sends it.

    What is sent at replay and what was recorded are the same request when their canonical forms are equal.
    """
    return rewritten(request, lambda text, place: REMOVED if text and proves(place.field) else text)


def rewritten(request: Request, leaf: Leaf) -> Request:
    """The request with every text in it rewritten; only its content type is left of its headers."""
    parts = urlsplit(request.uri)
    host = request.headers.get("host") or parts.netloc
    query = f"?{rewrite_query(parts.query, leaf)}" if parts.query else ""
    uri = f"https://{leaf(host, Place('host'))}{rewrite_path(parts.path or '/', leaf)}{query}"
    content_type = request.headers.get("content-type", "")
    body = _rewritten(request.body or b"", content_type, leaf)
    headers = {"content-type": content_type.partition(";")[0]} if body else {}
    return Request(request.method, uri, body, headers)


def _rewritten(body: bytes, content_type: str, leaf: Leaf) -> str:
    if not body:
        return ""
    media_type = content_type.partition(";")[0].strip().lower()
    text = _text(body, content_type) if _TEXT.fullmatch(media_type) else None
    return UNREADABLE if text is None else rewrite(text, media_type, leaf)


def _text(body: bytes, content_type: str) -> str | None:
    """The body as text; None if it is none, whatever it says of itself."""
    try:
        found = body.decode(_charset(content_type, body[:200].decode("latin-1")))
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\0-\x08\x0e-\x1f]", found) else found.removeprefix("\ufeff")


def _charset(content_type: str, beginning: str) -> str:
    declared = _CHARSET.search(content_type) or _CHARSET.search(beginning[:200])
    name = (declared[1] or declared[2]) if declared else "utf-8"
    try:
        return name if "".encode(name) == b"" else "utf-8"
    except LookupError:
        return "utf-8"
