"""A sandbox's journal of what it was asked."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = "-"  # what the journal calls a call that no route fits: its path may hold anything


@dataclass(frozen=True, slots=True)
class Call:
    """A line of the journal. Nothing in it comes from what was sent.

    Args:
        method: upper case.
        route: the template; `UNKNOWN` when none fits.
        status: what was answered; None when nothing was.
        executed: whether the handler ran to its end; a refusal is not an execution.
    """

    method: str
    route: str
    status: int | None
    executed: bool
