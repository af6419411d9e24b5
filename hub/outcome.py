"""The answers a processor can give. They are different answers, and stay different up to the certificate.

None of them holds personal data, with two marked exceptions that go straight to the vault: the new locator and the new
identifiers that a rectification may bring (`Done.locator`, `Done.learned`), and a `Handle`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from hub.holding import Locator
from hub.subject import Identifier

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_EXPLANATION = 400


class Method(StrEnum):
    """How something was done. Only `DELETED`, confirmed, is ever printed as *erased*."""

    DELETED = "deleted"
    REDACTED = "redacted"
    ANONYMISED = "anonymised"
    SUPPRESSED = "suppressed"
    CORRECTED = "corrected"
    EXPORTED = "exported"
    LIFTED = "lifted"


Handle = Mapping[str, Any]  # JSON values by which `resume` goes on with a vendor's job; secret


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise ValueError("A reason is a code: lower-case words joined by underscores, at most 64 characters")


def _check_text(text: str) -> None:
    if len(text) > _MAX_EXPLANATION or len(text.splitlines()) > 1:
        raise ValueError(f"An explanation is one line of at most {_MAX_EXPLANATION} characters")


@dataclass(frozen=True, slots=True)
class Done:
    """The service gave exactly the expected answer. Not yet proof: `confirm` reads back.

    Args:
        method: how.
        count: records concerned.
        backups_until: when the service's own backups of it are overwritten, where known.
        locator: after a rectification, where the holding is now, when the change moved it.
        learned: after a rectification, the identifiers the person has now.
    """

    method: Method
    count: int = 1
    backups_until: date | None = None
    locator: Locator | None = field(default=None, repr=False)
    learned: tuple[Identifier, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Absent:
    """There is nothing (any more) at the locator. Satisfies an erasure, never a rectification."""


@dataclass(frozen=True, slots=True)
class Retained:
    """Kept although erasure was asked for, because the law says so.

    Args:
        ground: the legal ground, a short citation (`UK GDPR Art. 17(3)(b); VAT Act 1994 Sch 11 para 6(3)`).
        until: the day it ends, where known; the hub makes an obligation due then.
        what: what is kept, in the service's words (`card transaction`).
    """

    ground: str
    until: date | None
    what: str

    def __post_init__(self) -> None:
        _check_text(self.ground)
        _check_text(self.what)


@dataclass(frozen=True, slots=True)
class Refused:
    """Not possible today because business with the person is open; tried again.

    Args:
        reason: a code from the connector's fixed list.
        explanation: the same for people, a fixed text.
    """

    reason: str
    explanation: str = ""

    def __post_init__(self) -> None:
        _check_code(self.reason)
        _check_text(self.explanation)


@dataclass(frozen=True, slots=True)
class Manual:
    """A person must do this at the service, and say how it went.

    Args:
        task: a code from the connector's fixed list.
        instructions: what to do and where, a fixed text.
    """

    task: str
    instructions: str

    def __post_init__(self) -> None:
        _check_code(self.task)
        _check_text(self.instructions)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The service has no such operation; `reason` says why, in the words the connector declared."""

    reason: str

    def __post_init__(self) -> None:
        _check_text(self.reason)


@dataclass(frozen=True, slots=True)
class Partial:
    """Some of it was done.

    Args:
        done: the part that was.
        left: the parts that were not, each with its reason.
    """

    done: Done
    left: tuple[Retained | Refused | Manual | Unsupported, ...]


@dataclass(frozen=True, slots=True)
class Contained:
    """Moved out of every use into a contained place, to be purged later through `resume`.

    Args:
        purge_due: when it is to be purged (P6: receipt + 20 days).
        handle: what `resume` and the undo need.
    """

    purge_due: datetime
    handle: Handle = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """The service accepted the job and works on it: accepted is not done.

    Args:
        check_after: not before this does `resume` make sense.
        handle: what `resume` needs to go on.
        give_up_at: from then on the hub asks a person.
    """

    check_after: datetime
    handle: Handle = field(repr=False)
    give_up_at: datetime


Outcome = Done | Absent | Partial | Contained | Retained | Pending | Refused | Manual | Unsupported
"""What a processor returns from an act."""


@dataclass(frozen=True, slots=True)
class NotSearchable:
    """Made by the hub: the service cannot be searched by anything known, so nobody can say what it holds."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Made by the hub: the match or reach is uncertain and nobody has decided."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Made by the hub: it could not be done; a person must look.

    Args:
        kind: the error's code (`auth`, `contract`, `bug`, `gave_up`).
    """

    kind: str

    def __post_init__(self) -> None:
        _check_code(self.kind)


HubOutcome = Outcome | NotSearchable | Undecided | Failed
"""Everything a step can end with."""


@dataclass(frozen=True, slots=True)
class AsAsked:
    """Read back: it is as the act asked (corrected, suppressed)."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Read back by locator: the service says it does not exist. Not finding a person by identifier is never this."""


@dataclass(frozen=True, slots=True)
class Masked:
    """Read back: the record is there, every personal field in it replaced."""


@dataclass(frozen=True, slots=True)
class Differs:
    """Read back: it is not as asked. `fields` names what differs, in the service's field names, never values."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotYet:
    """Read back: not as asked so far, and the service says or is known to take longer."""

    check_after: datetime


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """The service offers no way to read this back; `reason` is a code from the connector's fixed list."""

    reason: str

    def __post_init__(self) -> None:
        _check_code(self.reason)


Confirmation = AsAsked | Gone | Masked | Differs | NotYet | Unverifiable
"""What a read-back can say."""
