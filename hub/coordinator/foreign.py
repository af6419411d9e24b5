"""What a connector answered, before anything of it is believed.

The journal and the evidence take codes, dates and JSON; an answer that would not fit is a bug of the connector and is
called that here, outside any transaction. Its text is never quoted: it may be what must not leak.
"""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any, get_args

from hub.coordinator.codec import evidence, secrets
from hub.errors import ConnectorBug
from hub.evidence.events import fits
from hub.holding import Coverage, Holding, Learned
from hub.outcome import Absent, AsAsked, Confirmation, Done, Masked, Outcome, Partial
from hub.processor import Account, Operation
from hub.subject import Identifier


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
        case Learned(Identifier()):
            pass
        case Coverage(searched):
            _fitting("find", coverage=dict(searched))
        case _:
            raise ConnectorBug("A search answered something that is neither a holding nor what it learned or covered")


def check_outcome(operation: Operation, outcome: Any) -> None:
    """Refuse what an act answered if it is no outcome, or one that does not fit."""
    if not isinstance(outcome, get_args(Outcome)):
        raise ConnectorBug(f"{operation} answered something that is no outcome")
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
    whole = operation is Operation.ERASE and isinstance(outcome, (Done, Absent))
    if (whole and isinstance(said, AsAsked)) or (operation is not Operation.ERASE and isinstance(said, Masked)):
        raise ConnectorBug(f"A read-back of {operation} answered what only another operation can come to")


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
