"""What a recording holds of people and secrets, noted before any of it is replaced."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection

from hub.subject import Identifier, IdentifierKind
from hub.testing.cassettes.drawing import plain
from hub.testing.cassettes.standins import Masks

SHORTEST = 5  # characters of a value that is looked for wherever it may stand; anything shorter turns up by chance
LETTERS = re.compile(r"[^\W\d_]{3,}")  # words that are looked for by themselves
_WORD = re.compile(r"[^\W\d_]+")


class Census:
    """Takes note of values and leaves them as they are.

    Attributes:
        values: by the kind under which each was met.
    """

    def __init__(self) -> None:
        self.values: defaultdict[str, set[str]] = defaultdict(set)

    def email(self, text: str) -> str:
        """Note it."""
        return self._noted("email", text)

    def phone(self, text: str, number: str = "") -> str:
        """Note it."""
        return self._noted("phone", number or text)

    def ip(self, text: str) -> str:
        """Note it."""
        return self._noted("ip", text)

    def name(self, text: str) -> str:
        """Note it."""
        return self._noted("name", text)

    def prose(self, text: str) -> str:
        """Note it."""
        return self._noted("prose", text)

    def code(self, text: str) -> str:
        """Note it."""
        return self._noted("code", text)

    def opaque(self, text: str) -> str:
        """Note it."""
        return self._noted("opaque", text)

    def subject(self, identifiers: Collection[Identifier]) -> None:
        """Note the data subject, whether or not the service ever shows them."""
        for identifier in identifiers:
            mask(self, identifier)

    def everything(self) -> set[str]:
        """All of it in the form in which stand-ins are compared, words by themselves too."""
        noted = {text for kind in self.values for text in self.values[kind]}
        return {plain(text) for text in noted} | {plain(word) for text in noted for word in _WORD.findall(text)}

    def _noted(self, kind: str, text: str) -> str:
        self.values[kind].add(text)
        return text


def mask(masks: Masks, identifier: Identifier) -> str:
    """An identifier of the data subject, masked as it is wherever the service shows it."""
    match identifier.kind:
        case IdentifierKind.EMAIL:
            return masks.email(identifier.value)
        case IdentifierKind.PHONE:
            return masks.phone(identifier.value)
        case IdentifierKind.NAME:
            return masks.name(identifier.value)
        case IdentifierKind.EXTERNAL:
            return masks.opaque(identifier.value) if len(identifier.value) >= SHORTEST else identifier.value
        case IdentifierKind.ADDRESS:
            line1, line2, city, postcode, country = identifier.value.split("\n")
            lines = [masks.prose(line) if line else "" for line in (line1, line2, city)]
            return "\n".join((*lines, masks.code(postcode) if postcode else "", country))
