"""Draws letters and digits that follow from a key and a text."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import unicodedata
from collections.abc import Sequence
from string import ascii_lowercase
from typing import TypeVar

_VOWELS, _CONSONANTS = "aeiou", "bdfghklmnprstvz"
_ACCENTS = str.maketrans(_VOWELS, "áéíóú")
_CYRILLIC = "абвгдежзиклмнопрстуфхцчшэюя"
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
DIGITS = "0123456789"

T = TypeVar("T")


class Draw:
    """Draws that follow from a key and a text, and say nothing about the text to who has not the key."""

    def __init__(self, key: bytes, text: str) -> None:
        digest = hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha512).digest()
        self._left = int.from_bytes(digest, "big")

    def one(self, among: Sequence[T]) -> T:
        """One of them."""
        self._left, place = divmod(self._left, len(among))
        return among[place]

    def text(self, among: str, length: int) -> str:
        """So many characters out of those."""
        return "".join(self.one(among) for _ in range(length))


def plain(text: str) -> str:
    """The form in which values are compared: no accents, no case, nothing around."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.casefold().strip()


def is_hexadecimal(text: str) -> bool:
    """Whether case does not count in it, as in a GUID or a hash."""
    return all(c in "0123456789abcdefABCDEF" for c in text)


def spell(draw: Draw, like: str) -> str:
    """Something that can be said, of as many letters; outside of the Latin script in Cyrillic."""
    turn = draw.one((0, 1))
    if len(like) == 2 and like.isascii():  # noqa: PLR2004  # there are few such words: any letter beside a vowel
        return "".join((draw.one(_VOWELS), draw.one(ascii_lowercase))[:: 1 - 2 * turn])
    latin = (draw.one((_VOWELS, _CONSONANTS)[(place + turn) % 2]) for place in range(len(like)))
    return "".join(next(latin) if c.isascii() else draw.one(_CYRILLIC) for c in like)


def dress(base: str, like: str) -> str:
    """With the case of the original, and an accent where the original has one."""
    if any(not c.isascii() for c in like) and base.isascii():
        place = next((i for i, c in enumerate(base) if c in _VOWELS), 0)
        base = base[:place] + base[place].translate(_ACCENTS) + base[place + 1 :]
    return "".join(itertools.starmap(cased, zip(base, like.ljust(len(base), "."), strict=False)))


def encode(draw: Draw, like: str) -> str:
    """Letters for letters and digits for digits."""
    return "".join(draw.one(DIGITS if c.isdecimal() else _LETTERS) for c in like)


def cased(character: str, like: str) -> str:
    """The character, as a capital where `like` is one."""
    return character.upper() if like.isupper() else character


def nfc(text: str) -> str:
    """With each accent in one character with its letter."""
    return unicodedata.normalize("NFC", text)
