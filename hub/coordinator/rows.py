"""Rows of the journal that people name: a request, a task, what was found. An unknown one is an error for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.errors import UsageError
from hub.store.schema import holdings, requests, tasks


def request_row(conn: Connection, request: str, *, still_open: bool = True) -> Row[Any]:
    """The request. Raises `UsageError` for one that is unknown or, when `still_open`, over."""
    row = conn.execute(select(requests).where(requests.c.id == request)).one_or_none()
    if row is None:
        raise UsageError("There is no such request", hint="`hub list` names those there are.")
    if still_open and row.state == "closed":
        raise UsageError(f"Request {request} is closed already", hint=f"`hub show {request}` tells how it ended.")
    return row


def task_row(conn: Connection, task: str) -> Row[Any]:
    """The open task. Raises `UsageError` when there is none of that id."""
    row = conn.execute(select(tasks).where(tasks.c.id == task, tasks.c.result.is_(None))).one_or_none()
    if row is None:
        raise UsageError("There is no such open task", hint="`hub tasks` lists those that wait.")
    return row


def found_by(conn: Connection, request: str) -> Sequence[Row[Any]]:
    """Everything found for the request, by ordinal."""
    return conn.execute(select(holdings).where(holdings.c.request == request).order_by(holdings.c.ordinal)).all()


def digest_of(found: Sequence[Row[Any]]) -> str:
    """Digest of what was found and decided, 64 hex digits: what a person approves."""
    parts = [[h.ordinal, h.index_, h.kind, h.match, h.reach, h.decision] for h in found]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
