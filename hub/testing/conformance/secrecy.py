"""What must not be said: searches errors and log lines for the people of the town and for the instance's secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, SecretStr

from hub.errors import HubError
from hub.testing.canary import Canary
from hub.testing.conformance.kit import Bound, Kit
from hub.testing.disguises import LONGEST, SHORTEST
from hub.testing.town import Town

_DEEPEST = 10  # errors behind an error


def leaks(kit: Kit, bench: Bound, error: BaseException | None = None) -> list[str]:
    """Where something of a person or a secret was said, in an error with all behind it and in the connector's lines."""
    values = tuple(_secret_values(kit, bench))
    said = {"the error": "\n".join(_of_chain(error)), "a log line": "\n".join(repr(dict(line)) for line in bench.log)}
    return [where for where, text in said.items() if text and _stands_in(values, text)]


def personal_values(town: Town) -> list[str]:
    """What of everybody in a town can be searched for."""
    values = [mailbox.email for mailbox in town.mailboxes] + [town.main.family]
    for person in town:
        values += [*person.emails, *person.phones, person.name]
        if person.address:
            values += [person.address.line1, person.address.postcode]
    return sorted({value for value in values if SHORTEST <= len(value) <= LONGEST})


def _secret_values(kit: Kit, bench: Bound) -> list[str]:
    secrets = _secrets(bench.processor.config)
    return personal_values(kit.service.town) + [value for value in secrets if SHORTEST <= len(value) <= LONGEST]


@lru_cache(maxsize=4096)  # what errors say is said a hundred times
def _stands_in(values: tuple[str, ...], text: str) -> bool:
    return bool(_canary(values).search_bytes(text.encode("utf-8", "replace")))


@lru_cache(maxsize=8)  # the disguises of a whole town take longer to make than all searches of a test
def _canary(values: tuple[str, ...]) -> Canary:
    return Canary(values)


def _of_chain(error: BaseException | None) -> Iterator[str]:
    """The texts of an error and of all that it was raised from or while handling."""
    waiting, seen = [error], 0
    while waiting and seen < _DEEPEST:
        current = waiting.pop()
        if current is None:
            continue
        seen += 1
        yield f"{current}\n{current!r}\n{current.args!r}\n{getattr(current, '__notes__', '')}"
        if isinstance(current, HubError):
            yield current.diagnostics()
        waiting += [current.__cause__, current.__context__]


def _secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            yield from _secrets([getattr(value, name) for name in type(value).model_fields])
        case Mapping():
            yield from _secrets(list(value.values()))
        case str():
            return
        case Sequence():
            for item in value:
                yield from _secrets(item)
        case _:
            return
