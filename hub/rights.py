"""What a person can ask for, and what it means for each holding: right → operations."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from hub.processor import Operation, Purpose, Scope


class Right(StrEnum):
    """The rights of Chapter III GDPR (EU and UK), and the withdrawal of consent."""

    ACCESS = "access"  # Art. 15
    PORTABILITY = "portability"  # Art. 20
    RECTIFICATION = "rectification"  # Art. 16
    RESTRICTION = "restriction"  # Art. 18(1)
    LIFT = "lift"  # Art. 18(3): the restriction ends
    OBJECTION = "objection"  # Art. 21
    CONSENT_WITHDRAWAL = "consent_withdrawal"  # Art. 7(3)
    ERASURE = "erasure"  # Art. 17


OPERATIONS: dict[Right, Operation] = {
    Right.ACCESS: Operation.EXPORT,
    Right.PORTABILITY: Operation.EXPORT,
    Right.RECTIFICATION: Operation.RECTIFY,
    Right.RESTRICTION: Operation.SUPPRESS,
    Right.LIFT: Operation.LIFT,
    Right.OBJECTION: Operation.SUPPRESS,
    Right.CONSENT_WITHDRAWAL: Operation.SUPPRESS,
    Right.ERASURE: Operation.ERASE,
}

NEEDS_APPROVAL = frozenset({Operation.ERASE, Operation.RECTIFY})
"""Operations that stop until a named person has approved what was found."""


def operations(rights: Sequence[Right]) -> tuple[Operation, ...]:
    """The operations, without repetition, in the order they are carried out: copy, correct, stop, erase."""
    wanted = {OPERATIONS[right] for right in rights}
    return tuple(
        op
        for op in (Operation.EXPORT, Operation.RECTIFY, Operation.LIFT, Operation.SUPPRESS, Operation.ERASE)
        if op in wanted
    )


def contradiction(rights: Sequence[Right]) -> str | None:
    """Why these rights cannot stand in one request; None when they can."""
    chosen = set(rights)
    if not chosen:
        return "A request needs at least one right."
    if Right.LIFT in chosen and chosen - {Right.LIFT}:
        return "Lifting a restriction is a request of its own."
    if Right.ERASURE in chosen and chosen & {Right.RECTIFICATION, Right.RESTRICTION}:
        return "What is to be erased is neither corrected nor restricted; submit the rights one after the other."
    return None


def default_scope(rights: Sequence[Right]) -> Scope:
    """What a suppression stops when the request names no scope: everything for Art. 18, marketing otherwise."""
    if Right.RESTRICTION in rights or Right.LIFT in rights:
        return Scope(purposes=frozenset(Purpose))
    return Scope()
