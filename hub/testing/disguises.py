"""The disguises in which a person's identifier can lie in a file, and a search for all of them in a piece of bytes."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html.entities import html5

SHORTEST = 5  # characters; anything shorter turns up by chance
LONGEST = 400  # characters

_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_PHONE = re.compile(r"[+\d ()./-]{7,}")
_SUBSCRIBER = 9  # digits at the end of a telephone number that are the same in its national and international forms
_WRAPPED = re.compile(rb"[A-Za-z0-9+/]{60,}\r?\n[A-Za-z0-9+/]")  # base64 as mail has it, in lines

_ENTITIES: defaultdict[str, set[str]] = defaultdict(set)
for _name, _character in html5.items():
    _ENTITIES[_character].add(_name.removesuffix(";").lower())


class Disguises:
    """Knows what to look for.

    Args:
        values: the identifiers, each of 5 to 400 characters.

    Raises:
        ValueError: a value is too short or too long; it is not quoted.
    """

    def __init__(self, values: Iterable[str]) -> None:
        values = sorted(set(values))
        if not values or any(not SHORTEST <= len(value) <= LONGEST for value in values):
            raise ValueError(f"A value to search for has {SHORTEST} to {LONGEST} characters, and there is at least one")
        exact: set[tuple[bytes, str]] = set()
        any_case: set[tuple[bytes, str]] = set()
        for spelling in {spelling for value in values for spelling in _spellings(value)}:
            exact.update(_exact(spelling))
            any_case.update((needle.lower(), form) for needle, form in _any_case(spelling))
        self._exact = sorted(exact)
        self._any_case = sorted(any_case)
        self._plain = [
            (re.compile(pattern, re.DOTALL), _plain(value)) for value in values for pattern in _patterns(value)
        ]

    @property
    def reach(self) -> int:
        """How many bytes a disguise can take: pieces of a stream must overlap by that many."""
        return 12 * LONGEST

    def found_in(self, data: bytes) -> Iterator[str]:
        """The form of each disguise found in `data`, some perhaps more than once."""
        yield from (form for needle, form in self._exact if needle in data)
        if _WRAPPED.search(data):
            unwrapped = data.replace(b"\r", b"").replace(b"\n", b"")
            yield from (form for needle, form in self._exact if needle in unwrapped)
        lowered = data.lower()
        yield from (form for needle, form in self._any_case if needle in lowered)
        for pattern, plain in self._plain:
            yield from {_name_of(match[0], plain) for match in pattern.finditer(lowered)}


def _spellings(value: str) -> set[str]:
    forms = {unicodedata.normalize(form, value) for form in ("NFC", "NFD")} | {value, value.strip()}
    if _PHONE.fullmatch(value):
        digits = re.sub(r"\D", "", value)
        forms |= {digits, f"+{digits}"}
    return {spelling for form in forms for spelling in (form, form.lower(), form.upper(), form.title())}


def _exact(spelling: str) -> Iterator[tuple[bytes, str]]:
    """What is found only letter for letter."""
    data = spelling.encode("utf-8", "surrogatepass")
    for core in _base64_cores(data):
        yield core, "base64"
    for algorithm in _ALGORITHMS:
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
        yield digest, algorithm
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(digest).rstrip(b"="), f"{algorithm} in base64"


def _base64_cores(data: bytes) -> Iterator[bytes]:
    """The part of the base64 that does not depend on the bytes before and after, for each of the three alignments."""
    for before in range(3):
        first = -(-8 * before // 6)
        last = 8 * (before + len(data)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + data)[first:last]


def _any_case(spelling: str) -> Iterator[tuple[bytes, str]]:
    """What is found in small and capital letters alike."""
    data = spelling.encode("utf-8", "surrogatepass")
    yield data.hex().encode(), "hex"
    yield spelling[::-1].encode("utf-8", "surrogatepass"), "backwards"
    yield spelling.encode("utf-16-le", "surrogatepass"), "UTF-16"
    yield spelling.encode("utf-16-be", "surrogatepass"), "UTF-16"
    for algorithm in _ALGORITHMS:
        yield hashlib.new(algorithm, data, usedforsecurity=False).hexdigest().encode(), f"{algorithm} in hex"


def _patterns(value: str) -> Iterator[bytes]:
    """What finds the value written out, in any case, each character by itself escaped or not; for lower-case data."""
    for form in {unicodedata.normalize(form, value) for form in ("NFC", "NFD")}:
        yield b"".join(map(_character_pattern, form))
    if _PHONE.fullmatch(value):
        digits = re.sub(r"\D", "", value)[-_SUBSCRIBER:]
        if len(digits) >= SHORTEST:
            yield rb"(?:[ ()./+-]|%20|%2b){0,3}".join(digit.encode() for digit in digits)


def _character_pattern(character: str) -> bytes:
    """One character: itself, percent-encoded, quoted-printable, as a JSON escape or an HTML entity, escaped repeatedly.

    Every alternative begins with a literal: then `re` skips to the next candidate instead of trying at every byte.
    """
    found: set[bytes] = set()
    for variant in {character, character.lower(), character.upper()}:
        data = variant.encode("utf-8", "surrogatepass")
        found.add(re.escape(data.lower()))
        found.add(b"".join(rb"%%(?:25)*%02x" % byte for byte in data))
        found.add(b"".join(rb"=%02x" % byte for byte in data))
        units = variant.encode("utf-16-be", "surrogatepass")
        found.add(b"".join(rb"\\\\*u%s" % units[i : i + 2].hex().encode() for i in range(0, len(units), 2)))
        if len(variant) == 1:
            found.add(rb"&(?:amp;)*#0*%d;?" % ord(variant))
            found.add(rb"&(?:amp;)*#x0*%x;?" % ord(variant))
            if "\x80" <= variant <= "\xff":
                found.add(re.escape(variant.encode("latin-1")))
        found.update(rb"&(?:amp;)*%s;" % name.encode() for name in _ENTITIES.get(variant, ()))
    if character == " ":
        found |= {rb"\+", b"_", b"\t", b"\n", b"\xc2\xa0"}
    return (
        b"(?:" + b"|".join(sorted(found)) + b");?" if character.isascii() else b"(?:" + b"|".join(sorted(found)) + b")"
    )


def _plain(value: str) -> frozenset[bytes]:
    return frozenset(spelling.encode("utf-8", "surrogatepass").lower() for spelling in _spellings(value))


def _name_of(match: bytes, plain: frozenset[bytes]) -> str:
    """What the escape in `match` is called."""
    if match in plain:
        return "plain"
    for mark, form in ((b"%", "percent-encoding"), (b"\\u", "JSON escapes"), (b"&", "HTML entities")):
        if mark in match:
            return form
    return "quoted-printable" if re.search(rb"=[0-9a-f]{2}", match) else "plain"
