"""What the operations of one command are called with."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.processor import Changes, Operation, Scope
from hub.subject import Subject

PERSON = 0
"""The number that stands for the person as such, where a suppression takes no holding."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What operations are called with.

    Args:
        subject: the person; None where no operation needs one.
        holding: the number of a holding, in the order of the search; `PERSON` is the person as such.
        changes, scope: of a rectification; of a suppression or its lifting.
        of: what `confirm` reads back where nothing was done before it.
        keep: keep what a copy holds, to show it.
    """

    subject: Subject | None = field(default=None, repr=False)
    holding: int | None = None
    changes: Changes | None = field(default=None, repr=False)
    scope: Scope = field(default_factory=Scope)
    of: Operation | None = None
    keep: bool = False
