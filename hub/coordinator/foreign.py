"""What a connector answered, before anything of it is believed.

The journal and the evidence take codes, dates and JSON; an answer that would not fit is a bug of the connector and is
called that here, outside any transaction. Its text is never quoted: it may be what must not leak.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

from hub.coordinator.codec import Left, evidence, secrets
from hub.errors import ConnectorBug
from hub.evidence.events import fits
from hub.holding import Coverage, Holding, Learned, Match, Reach, Role, Search
from hub.outcome import (
    Absent,
    AsAsked,
    Confirmation,
    Contained,
    Done,
    Manual,
    Masked,
    NotYet,
    Outcome,
    Partial,
    Pending,
    Refused,
    Retained,
    Unsupported,
)
from hub.processor import Account, Operation
from hub.subject import Identifier, IdentifierKind

_FIRST, _LAST = 1970, 2999  # years in which a service can mean a time
_ADDRESS_BREAKS = 4  # the five parts of an address, one a line
_TELLING = 3  # letters from which on a value of the person is told apart from any word
_WORD = re.compile(r"[^\W_]+")


def check_account(account: Account) -> None:
    """Refuse an account that evidence cannot name. Raises `ConnectorBug`, as all of these do."""
    _fitting("check", account=account.id)


def check_found(answer: object, kinds: Container[str]) -> None:
    """Refuse an answer of a search that the journal cannot take down, or of a kind the connector does not declare."""
    match answer:
        case Holding():
            if answer.kind not in kinds:
                raise ConnectorBug("A search found a kind of holding that the connector's `kinds` do not declare")
            _fitting("find", kind=answer.kind, categories=list(answer.categories))
            _private("find", answer.locator, answer.hints, answer.key)
            _of("find", Mapping, answer.locator, answer.hints)
            _of("find", Match, answer.match)
            _of("find", Reach, answer.reach)
            _of("find", Role, answer.role)
            _said("find", answer.key)
        case Learned(Identifier() as identifier):
            _learned(identifier)
        case Coverage(searched):
            _fitting("find", coverage=dict(searched))
            _of("find", Search, *searched.values())
        case _:
            raise ConnectorBug("A search answered something that is neither a holding nor what it learned or covered")


def one_by_key(found: Iterable[Holding]) -> list[Holding]:
    """Each holding once, however often the search came upon it; two by one key would lose one of them unseen."""
    by_key: dict[str, Holding] = {}
    for holding in found:
        same = by_key.setdefault(holding.key, holding)
        if (same.kind, same.locator) != (holding.kind, holding.locator):
            raise ConnectorBug("A search named two holdings by one key")
    return list(by_key.values())


def check_outcome(operation: Operation, outcome: Any) -> None:
    """Refuse what an act answered if it is no outcome, or one that does not fit."""
    if not isinstance(outcome, get_args(Outcome)):
        raise ConnectorBug(f"{operation} answered something that is no outcome")
    match outcome:
        case Pending(check_after, handle, give_up_at):
            _instants(operation, check_after, give_up_at)
            _of(operation, Mapping, handle)
        case Contained(purge_due, handle):
            _instants(operation, purge_due)
            _of(operation, Mapping, handle)
        case Partial(done, left):
            _of(operation, Done, done)
            _of(operation, Left, *left)
        case _:
            pass
    _fitting(operation, **{k: v for k, v in evidence(outcome).items() if v is not None})
    done = outcome.done if isinstance(outcome, Partial) else outcome
    moved = dict(done.locator) if isinstance(done, Done) and done.locator is not None else None
    _private(operation, secrets(outcome), moved)


def check_confirmation(operation: Operation, outcome: Outcome | None, said: object) -> None:
    """Refuse what a read-back answered if it is no confirmation, or none that the operation can come to.

    *As asked* is no word for an erasure that claims to be whole: what was erased is gone, or masked.
    """
    if not isinstance(said, get_args(Confirmation)):
        raise ConnectorBug("A read-back answered something that is no confirmation")
    if isinstance(said, NotYet):
        _instants(operation, said.check_after)
    whole = operation is Operation.ERASE and isinstance(outcome, (Done, Absent))
    if (whole and isinstance(said, AsAsked)) or (operation is not Operation.ERASE and isinstance(said, Masked)):
        raise ConnectorBug(f"A read-back of {operation} answered what only another operation can come to")


def texts(outcome: Outcome) -> list[str]:
    """What of an outcome is words for people: fixed ones, since journal, tasks and answers hold them in clear."""
    match outcome:
        case Partial(_, left):
            return [text for part in left for text in texts(part)]
        case Retained(ground, _, what):
            return [ground, what]
        case Refused(reason, explanation):
            return [reason, explanation]
        case Manual(task, instructions):
            return [task, instructions]
        case Unsupported(reason):
            return [reason]
        case _:
            return []


def check_texts(said: Iterable[str], personal: Iterable[Any]) -> None:
    """Refuse words about one person: an address, or what is known of her (`personal`), whatever stands between."""
    known = [words for value in personal if len(words := _plain(str(value))) >= _TELLING]
    for text in said:
        if "@" in text or any(f" {words} " in f" {_plain(text)} " for words in known):
            raise ConnectorBug("An outcome's words are not fixed ones: they name the person")


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _learned(identifier: Identifier) -> None:
    kind, external = identifier.kind, identifier.kind is IdentifierKind.EXTERNAL
    _of("find", IdentifierKind, kind)
    _said("find", identifier.value, identifier.namespace)
    whole = kind is not IdentifierKind.ADDRESS or identifier.value.count("\n") == _ADDRESS_BREAKS
    if not (identifier.value and whole and external == bool(identifier.namespace)):
        raise ConnectorBug("A search learned an identifier that is none; make it by the constructor of its kind")
    _fitting("find", coverage={identifier.label: Search.NONE})


def _of(asked: str, kind: type[Any] | tuple[type[Any], ...], *values: Any) -> None:
    """Refuse values of another type than their field's: nothing but this holds a connector to its annotations."""
    if not all(isinstance(value, kind) for value in values):
        raise ConnectorBug(f"What {asked} answered holds a value of another type than its field has")


def _said(asked: str, *values: Any) -> None:
    _of(asked, str, *values)
    if any("\ud800" <= letter <= "\udfff" for value in values for letter in value):
        raise ConnectorBug(f"What {asked} answered holds text that is none: half of a character")


def _instants(asked: str, *values: Any) -> None:
    _of(asked, datetime, *values)
    if not all(value.tzinfo is not None and _FIRST <= value.year <= _LAST for value in values):
        raise ConnectorBug(f"What {asked} answered names a time without a zone, or one that nobody will see")


def _fitting(asked: str, **fields: Any) -> None:
    for name, value in fields.items():
        if not fits(name, value):
            raise ConnectorBug(f"What {asked} answered cannot stand in evidence: its {name} has not the form of one")


def _private(asked: str, *values: Any) -> None:
    try:
        json.dumps(values)
    except (TypeError, ValueError):
        fault = True
    else:
        fault = False
    if fault:  # outside the handler: json's error quotes the value
        raise ConnectorBug(f"What {asked} answered holds values that are not JSON")
