"""Compares what a service kept before with what it keeps now, and looks for a person in either."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from hub.subject import Identifier, IdentifierKind

Records = Mapping[str, Any]
"""`KIND/ID` → JSON, as `Sandbox.records` gives them."""

Path = tuple[str, ...]

_NUMBER = re.compile(r"\+?[\d ()./-]{7,}")
_SUBSCRIBER = 9  # digits at the end of a telephone number that its national and international forms share


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no list and no object, with the names that lead to it; a list's items share their path."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def differing(before: Records, now: Records, volatile: Collection[str]) -> frozenset[str]:
    """The keys of records that were added, removed or altered, `volatile` fields aside."""
    return frozenset(
        key
        for key in before.keys() | now.keys()
        if before.get(key) != now.get(key)
        and (key not in before or key not in now or _settled(before[key], volatile) != _settled(now[key], volatile))
    )


def altered(before: Any, now: Any, volatile: Collection[str]) -> dict[Path, list[Any]]:
    """The paths whose values are not what they were, with the values that are new there; empty where one is gone."""
    then, since = _by_path(_settled(before, volatile)), _by_path(_settled(now, volatile))
    return {
        path: [value for value in since.get(path, []) if value not in then.get(path, [])]
        for path in then.keys() | since.keys()
        if then.get(path) != since.get(path)
    }


def mentions(value: Any, identifiers: Iterable[Identifier]) -> bool:
    """Whether one of the identifiers stands somewhere in a value; a postal address is not looked for."""
    wanted = list(identifiers)
    return any(_stands_in(str(leaf), identifier) for _, leaf in leaves(value) if leaf for identifier in wanted)


def _stands_in(text: str, identifier: Identifier) -> bool:
    match identifier.kind:
        case IdentifierKind.ADDRESS:
            return False  # its lines are a household's, and often a whole street's
        case IdentifierKind.EXTERNAL:
            return text == identifier.value
        case IdentifierKind.PHONE:
            digits = re.sub(r"\D", "", text) if _NUMBER.search(text) else ""
            return identifier.value[-_SUBSCRIBER:] in digits
        case _:
            wanted = identifier.value.casefold()
            return wanted in text.casefold() and bool(
                re.search(rf"(?<![\w.+'-]){re.escape(wanted)}(?!\.?[\w'-])", text.casefold())
            )


def _settled(value: Any, volatile: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _settled(inner, volatile) for name, inner in value.items() if name not in volatile}
    return [_settled(inner, volatile) for inner in value] if isinstance(value, list | tuple) else value


def _by_path(value: Any) -> dict[Path, list[Any]]:
    found: dict[Path, list[Any]] = {}
    for path, leaf in leaves(value):
        found.setdefault(path, []).append(leaf)
    return found
