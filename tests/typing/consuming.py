"""Outcomes and confirmations as they are consumed: every one is named, or the type checker objects."""

from __future__ import annotations

from typing import assert_never, assert_type

from hub import (
    Absent,
    AsAsked,
    Confirmation,
    Contained,
    Differs,
    Done,
    Gone,
    Handle,
    Manual,
    Masked,
    Method,
    NotYet,
    Outcome,
    Partial,
    Pending,
    Refused,
    Retained,
    Unsupported,
    Unverifiable,
)


def told(outcome: Outcome) -> str:  # noqa: PLR0911  # one for each outcome
    match outcome:
        case Done(method, count):
            assert_type(method, Method)
            return f"{method} {count}"
        case Absent():
            return "absent"
        case Partial(done, left):
            assert_type(left, tuple[Retained | Refused | Manual | Unsupported, ...])
            return told(done)
        case Contained(handle=handle) | Pending(handle=handle):
            assert_type(handle, Handle)
            return "later"
        case Retained(ground):
            return ground
        case Refused(reason) | Unsupported(reason):
            return reason
        case Manual(task):
            return task
        case _:
            assert_never(outcome)


def read(said: Confirmation) -> bool:
    match said:
        case AsAsked() | Gone() | Masked():
            return True
        case Differs(fields):
            return not fields
        case NotYet() | Unverifiable():
            return False
        case _:
            assert_never(said)
