"""What a processor reports while it looks for a person, and what it hands over when a copy is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hub.subject import Identifier

Locator = Mapping[str, Any]  # how the processor finds the holding again: JSON values, secret


class Match(StrEnum):
    """How sure the processor is that a holding is this person's."""

    EXACT = "exact"
    """An identifier of the person stands on it, letter for letter."""
    POSSIBLE = "possible"
    """Surname and postcode, a name alone: a person must decide."""


class Reach(StrEnum):
    """Whom a holding is about."""

    SOLE = "sole"
    SHARED = "shared"
    """An info@ address, a household, a merged contact: acting would touch others."""


class Role(StrEnum):
    """What the person is in the holding."""

    HOLDER = "holder"
    CONTACT = "contact"
    AUTHOR = "author"
    MENTIONED = "mentioned"


class Search(StrEnum):
    """How well a service can be searched by a kind of identifier."""

    EXACT = "exact"
    """Asked directly, answered from the truth."""
    SCAN = "scan"
    """Everything was read and compared."""
    INDEX = "index"
    """A search that may lag behind the truth: it can find, it cannot rule out."""
    NONE = "none"
    """Not by this."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Something a service holds about the person.

    Args:
        key: stable name of this holding within the instance: the same after a restart. Secret.
        kind: what it is in the service's words, from a fixed set (`member`, `customer`, `transaction`).
        categories: kinds of personal data in it, from the connector's own fixed list (`contact`, `orders`).
        locator: JSON values by which `export`, `erase` and `confirm` find it again. Secret.
        match: how sure it is that this is the person's.
        reach: whom else it concerns.
        role: what the person is in it.
        hints: label → value, to help the person who must decide. Secret, kept in the vault.
    """

    key: str = field(repr=False)
    kind: str
    categories: tuple[str, ...]
    locator: Locator = field(repr=False)
    match: Match = Match.EXACT
    reach: Reach = Reach.SOLE
    role: Role = Role.HOLDER
    hints: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def certain(self) -> bool:
        """Whether the hub may act on it without a person's decision."""
        return self.match is Match.EXACT and self.reach is Reach.SOLE


@dataclass(frozen=True, slots=True)
class Learned:
    """A further identifier of the same person; widens the search at other services.

    Yield it only for exact, sole holdings. The hub uses it only when the settings trust the instance.
    """

    identifier: Identifier


@dataclass(frozen=True, slots=True)
class Coverage:
    """Ends a search: how each kind of identifier was searched for.

    Args:
        searched: `email`, `phone`, `name`, `address` or an external id's namespace → how. What is missing is `NONE`.
    """

    searched: Mapping[str, Search]

    def of(self, identifier: Identifier) -> Search:
        """How that identifier was searched for."""
        return self.searched.get(identifier.label, Search.NONE)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an export.

    Args:
        kind: names the table it goes to (`member`, `order`); a fixed word, not data.
        data: JSON values; keys are the labels a person should read.
        cursor: `export` called with `step.cursor` set to this goes on after this record; None: not here.
    """

    kind: str
    data: Mapping[str, Any] = field(repr=False)
    cursor: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """One attachment of an export, streamed.

    Args:
        kind: names the folder it goes to.
        name: the file's name at the service; shown in the index, never used as a path.
        media_type: such as `application/pdf`.
        chunks: the bytes, read once.
        cursor: as for `Record`.
    """

    kind: str
    name: str = field(repr=False)
    media_type: str
    chunks: Iterator[bytes] = field(repr=False)
    cursor: str | None = field(default=None, repr=False)
