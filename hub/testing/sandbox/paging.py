"""How services cut long lists into pages: each way is one call in a handler.

    return by_page(request, "customers", self.customers.asked(request, "email"))

Every way refuses a number that is none, and a cursor it did not give, with 400; of a page larger than the service's
largest it gives the largest, as most services do.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from hub.testing.messages import Answer, Refuse, Request
from hub.testing.sandbox.tables import Row

SIZE = 20  # rows of a page where the caller names no number
MOST = 100


def by_offset(
    request: Request, name: str, rows: Sequence[Row], *, size: int = SIZE, most: int = MOST
) -> dict[str, Any]:
    """`?offset=&limit=` → `{name: […], "offset": 0, "limit": 20, "total": 57}`.

    Rows that are removed between two pages move the others up, so that a caller who goes on by offset misses some.
    """
    offset, limit = _number(request, "offset", 0), min(_number(request, "limit", size, least=1), most)
    return {name: list(rows[offset : offset + limit]), "offset": offset, "limit": limit, "total": len(rows)}


def by_page(request: Request, name: str, rows: Sequence[Row], *, size: int = SIZE, most: int = MOST) -> dict[str, Any]:
    """`?page=&per_page=`, pages from 1 → `{name: […], "page": 1, "pages": 3, "total": 57}`."""
    page, rows_each = _number(request, "page", 1, least=1), min(_number(request, "per_page", size, least=1), most)
    pages = -(-len(rows) // rows_each)
    shown = list(rows[(page - 1) * rows_each : page * rows_each])
    return {name: shown, "page": page, "pages": pages, "total": len(rows)}


def by_cursor(
    request: Request,
    name: str,
    rows: Sequence[Row],
    *,
    size: int = SIZE,
    most: int = MOST,
    key: str = "id",
    cursor: str = "cursor",
) -> dict[str, Any]:
    """`?cursor=&limit=` → `{name: […], "next": "opaque"}`, null on the last page; rows in the order of their ids.

    The cursor names the last row shown, so that rows which come and go between two pages move no others. `cursor` is
    what the service calls the parameter.
    """
    limit = min(_number(request, "limit", size, least=1), most)
    after = _opened(request.one(cursor), cursor)
    left = [row for row in sorted(rows, key=lambda row: str(row[key])) if after is None or str(row[key]) > after]
    return {name: left[:limit], "next": _closed(str(left[limit - 1][key])) if len(left) > limit else None}


def by_link(request: Request, rows: Sequence[Row], *, size: int = SIZE, most: int = MOST) -> Answer:
    """`?page=&per_page=` → the bare list; where the next page is stands in a `Link` header (RFC 8288).

    The link is an absolute address of the service, with the query of the call.
    """
    found = by_page(request, "rows", rows, size=size, most=most)
    links = {"next": found["page"] + 1} if found["page"] < found["pages"] else {}
    rest = [(name, value) for name, value in request.query if name != "page"]
    base = f"https://{request.headers.get('host', '')}{request.path}"
    shown = [f'<{base}?{urlencode([*rest, ("page", number)])}>; rel="{rel}"' for rel, number in links.items()]
    return Answer(200, found["rows"], {"Link": ", ".join(shown)} if shown else {})


def _number(request: Request, name: str, default: int, *, least: int = 0) -> int:
    text = request.one(name, str(default))
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise Refuse(400, {"error": "invalid", "fields": [name]})
    return int(text)


def _closed(id: str) -> str:  # noqa: A002  # what it is
    return base64.urlsafe_b64encode(f"after:{id}".encode()).decode()


def _opened(cursor: str, name: str) -> str | None:
    if not cursor:
        return None
    try:
        mark, _, id_ = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        mark, id_ = "", ""
    if mark != "after":
        raise Refuse(400, {"error": "invalid", "fields": [name]})
    return id_
