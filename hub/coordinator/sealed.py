"""What of a track lies in the vault: holdings with their locators, the handles and cursors of steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, update

from hub.holding import Holding, Locator, Match, Reach, Role
from hub.store.rootkey import RootKey
from hub.store.schema import holdings

if TYPE_CHECKING:
    from hub.coordinator.tracks import Turn


def opened(root: RootKey, holding: Row[Any]) -> dict[str, Any]:
    """A holding's secrets: key, locator, hints."""
    body: dict[str, Any] = json.loads(root.open(holding.request, "holdings", holding.ordinal, holding.sealed))
    return body


def seal_holding(turn: Turn, ordinal: int, holding: Holding) -> bytes:
    """The inverse of `opened`."""
    body = {"key": holding.key, "locator": dict(holding.locator), "hints": dict(holding.hints)}
    return turn.root.seal(turn.request, "holdings", ordinal, json.dumps(body).encode())


def holding_of(turn: Turn, step: Row[Any]) -> Holding:
    """The holding a step is about, with its secrets."""
    row = turn.at.holding(step.holding)
    body = opened(turn.root, row)
    return Holding(
        key=body["key"],
        kind=row.kind,
        categories=tuple(row.categories),
        locator=body["locator"],
        match=Match(row.match),
        reach=Reach(row.reach),
        role=Role(row.role),
        hints=body["hints"],
    )


def move_holding(turn: Turn, conn: Connection, step: Row[Any], locator: Locator) -> None:
    """Remember where the step's holding is now."""
    held = holding_of(turn, step)
    body = {"key": held.key, "locator": dict(locator), "hints": dict(held.hints)}
    sealed = turn.root.seal(turn.request, "holdings", step.holding, json.dumps(body).encode())
    mine = (holdings.c.request == turn.request) & (holdings.c.ordinal == step.holding)
    conn.execute(update(holdings).where(mine).values(sealed=sealed))
    turn.read_anew()


def step_secrets(turn: Turn, step: Row[Any]) -> dict[str, Any]:
    """What of a step lies in the vault: handle, cursor."""
    if step.sealed is None:
        return {}
    body: dict[str, Any] = json.loads(turn.root.open(turn.request, "steps", step.id, step.sealed))
    return body


def seal_step(turn: Turn, step: Row[Any], body: Mapping[str, Any]) -> bytes:
    """The inverse of `step_secrets`."""
    return turn.root.seal(turn.request, "steps", step.id, json.dumps(body).encode())
