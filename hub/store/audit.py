"""Who read personal data, when, and why. Nothing in it identifies a person: staff by random id, reasons by code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from hub.store.schema import audit

_ID: Final = re.compile(r"[0-9a-z_-]{1,32}")
_CODE: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_INSERT: Final = insert(audit)


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading.

    Args:
        at: when, in UTC.
        actor: who: the id of `Vault.actor_id`, or a word for the hub itself (`hub`).
        request: whose data: the request's id; None when it was of no single request.
        what: what was read (`export.plain`), a code.
        why: to what end (`review`), a code.
    """

    at: datetime
    actor: str
    request: str | None
    what: str
    why: str


def record(conn: Connection, *, at: datetime, actor: str, request: str | None, what: str, why: str) -> None:
    """Note a reading, in the transaction of `conn`: commit it before the data is handed over.

    Raises `ValueError` for anything but ids and codes, so that no name or free text gets in by mistake.
    """
    ids = (actor,) if request is None else (actor, request)
    if not (all(map(_ID.fullmatch, ids)) and _CODE.fullmatch(what) and _CODE.fullmatch(why)):
        raise ValueError("the audit takes ids and codes only")
    row = {"at": at.timestamp(), "actor": actor, "request": request, "what": what, "why": why}
    conn.execute(_INSERT, row)


def entries(conn: Connection, *, request: str | None = None, since: datetime | None = None) -> Iterator[Entry]:
    """The readings in the order they were noted: of one request, from an instant on, or all."""
    query = select(audit).order_by(audit.c.id)
    if request is not None:
        query = query.where(audit.c.request == request)
    if since is not None:
        query = query.where(audit.c.at >= since.timestamp())
    for row in conn.execute(query):
        yield Entry(datetime.fromtimestamp(row.at, UTC), row.actor, row.request, row.what, row.why)
