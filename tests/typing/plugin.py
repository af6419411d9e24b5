"""A plugin's module: every hook, as docs/hooks.md describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connector import Pebble

from hub import Identifier, Processor, Record, Subject, hookimpl


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    return [Pebble]


def _card(subject: Subject) -> Iterable[Identifier]:
    return [Identifier.external("pebble.card", email) for email in subject.emails]


def _no_notes(record: Record) -> Record | None:
    return None if record.kind == "note" else record


@hookimpl
def hub_enrichers() -> Sequence[Callable[[Subject], Iterable[Identifier]]]:
    return [_card]


@hookimpl
def hub_redactors() -> Sequence[Callable[[Record], Record | None]]:
    return [_no_notes]


@hookimpl
def hub_on_event(event: Mapping[str, Any]) -> None:
    assert event["type"]
