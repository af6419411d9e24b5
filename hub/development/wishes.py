"""What the operations of one command are called with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.errors import UsageError
from hub.processor import Changes, Operation, Scope
from hub.subject import Subject

PERSON = 0
"""The number that stands for the person as such, where a suppression takes no holding."""

_BEGIN = frozenset({Operation.RECTIFY, Operation.SUPPRESS, Operation.LIFT, Operation.ERASE})


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

    def check(self, operations: Iterable[str]) -> None:
        """Refuse what can come to nothing in that order, so that nobody is searched for in vain. Raises `UsageError`.

        Args:
            operations: what is asked for, without what the service lacks.
        """
        begun = False
        for operation in operations:
            if operation == "resume" and not begun:
                raise nothing_to_resume()
            if operation == "confirm" and not begun and self.of is None:
                raise UsageError(
                    "confirm reads back an act, and there was none",
                    hint="Name it before: erase confirm. To read back as after a lost answer: confirm --of erase.",
                )
            asked = self.of if operation == "confirm" and not begun else operation
            if asked == Operation.RECTIFY and self.changes is None:
                raise UsageError(
                    "rectify needs to know what to change", hint="Add --set FIELD=VALUE, such as --set city=…"
                )
            begun |= operation in _BEGIN


def nothing_to_resume() -> UsageError:
    """What to say where no act left something to go on with."""
    return UsageError("resume goes on with what an act left pending or contained, and none did", hint="erase resume")
