"""What goes into a package, and what came of it: the words that packing, the page and the manifest share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.exports.spool import Entry

_FOLDER = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class About:
    """What the answer says of itself (GDPR Art. 12, 15).

    Args:
        request: the request's number.
        received: when the request was received.
        controller: who answers.
        contact: how to reach the controller's data protection officer.
        recipients: whom else the data was disclosed to, besides the services in the package (Art. 15(1)(c)).
    """

    request: str
    received: datetime
    controller: str
    contact: str = ""
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One service's part.

    Args:
        instance: its name in the settings; the folder in the package.
        label: what people call it.
        connector: what read it.
        spools: what was read, one `SpoolReader` or several.
        complete: whether everything held there was read.
        reason: if not, why, for the person who gets the copy.
    """

    instance: str
    label: str
    connector: str
    spools: Sequence[Iterable[Entry]] = field(default=(), repr=False)
    complete: bool = True
    reason: str = ""

    def __post_init__(self) -> None:
        if not _FOLDER.fullmatch(self.instance):
            raise ValueError("An instance's name is lower-case letters, digits, underscores and hyphens")
        if not (self.complete or self.reason):
            raise ValueError("An incomplete source needs its reason")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the package: its path there, its size in bytes, and its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Table:
    """The records of one service and kind.

    Args:
        kind: of the records.
        records: how many are in the package.
        withheld: how many a redactor kept back.
        columns: the fields, in the order in which they first appeared.
        sample: the first records, field → text cut to what a page can show.
        files: the JSON Lines and the CSV.
    """

    kind: str
    records: int
    withheld: int
    columns: tuple[str, ...] = field(repr=False)
    sample: tuple[Mapping[str, str], ...] = field(repr=False)
    files: tuple[Member, Member]


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment: where it came from, what it was called there, and its file."""

    source: str
    kind: str
    name: str = field(repr=False)
    media_type: str
    file: Member


@dataclass(frozen=True, slots=True)
class Packed:
    """One service's part as it lies in the package."""

    source: Source
    tables: tuple[Table, ...]
    attachments: tuple[Attachment, ...]

    @property
    def holds(self) -> bool:
        """Whether anything of the person was found there."""
        return bool(self.tables or self.attachments)

    @property
    def records(self) -> int:
        """How many records it holds."""
        return sum(table.records for table in self.tables)


def recipients(packed: Iterable[Packed], about: About) -> list[str]:
    """To whom the data was disclosed (Art. 15(1)(c)): the services that hold some, then the others."""
    return [*(part.source.label for part in packed if part.holds), *about.recipients]
