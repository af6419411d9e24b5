"""What passes between a sandbox's routes and the wire: a request, an answer, a refusal."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Request:
    """A call as a handler sees it.

    Args:
        method: upper case.
        path: as sent, percent-encoding and all.
        params: the template's parameters, each decoded by itself: a `%2F` stays inside its segment.
        query: decoded pairs in their order.
        headers: names in lower case.
        body: raw.
    """

    method: str
    path: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    query: list[tuple[str, str]] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def json(self) -> Any:
        """The body as JSON; None when it is not. What a service says to that is the handler's to decide."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self) -> dict[str, str]:
        """The body as `application/x-www-form-urlencoded`; the last of several values counts."""
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))

    def basic_auth(self) -> tuple[str, str] | None:
        """User and password of HTTP Basic; None when there are none."""
        scheme, _, credentials = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, password) if colon else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers; a body that is no text or bytes goes out as JSON."""

    status: int = 200
    body: Any = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


Result = Answer | Mapping[str, Any] | list[Any] | None
"""What a handler may return: a mapping or list is 200 with that JSON, None is 204."""


class Refuse(Exception):
    """The service does not do it; raised by handlers and by `admit`."""

    def __init__(self, status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        self.answer = Answer(status, body, headers or {})
        super().__init__(f"refused with status {status}")
