"""What a service keeps, as texts that are quickly taken and compared: a matrix of faults does it a thousand times."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hub.testing.conformance.kit import Kit

State = Mapping[str, str]
"""`KIND/ID` → the record as canonical JSON, without the fields that the service itself writes."""


def state_of(kit: Kit, keys: Collection[str] | None = None) -> State:
    """What the service keeps now: all of it, or the records of those keys that are there."""
    volatile, records = kit.service.volatile, kit.sandbox.records()
    wanted = records if keys is None else [key for key in keys if key in records]
    return {key: json.dumps(_settled(records[key], volatile), sort_keys=True) for key in wanted}


def differing(one: State, other: State, keys: Iterable[str] | None = None) -> frozenset[str]:
    """The keys, of those given or of all, whose records are not the same in both."""
    looked_at = one.keys() | other.keys() if keys is None else keys
    return frozenset(key for key in looked_at if one.get(key) != other.get(key))


def _settled(value: Any, volatile: Collection[str]) -> Any:
    if not volatile:
        return value
    if isinstance(value, Mapping):
        return {name: _settled(inner, volatile) for name, inner in value.items() if name not in volatile}
    return [_settled(inner, volatile) for inner in value] if isinstance(value, list | tuple) else value
