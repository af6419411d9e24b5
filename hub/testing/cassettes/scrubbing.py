"""Rewrites one text of an exchange: what is personal or secret in it is answered by stand-ins.

It is done twice over. A `Census` first takes note of every value in the whole recording, then the stand-ins are put in:
only then is it known which names turn up in a note or in a path, and which values the hashes in it are of.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from hub.errors import InvalidIdentifier
from hub.normal import normal_phone
from hub.testing.cassettes.bodies import REMOVED, UNREADABLE, rewrite_text
from hub.testing.cassettes.census import LETTERS, SHORTEST, Census
from hub.testing.cassettes.drawing import plain
from hub.testing.cassettes.encoded import ENCODED, decode, hashes_of
from hub.testing.cassettes.personal import (
    BASE64,
    EMAIL,
    IP,
    TOKEN,
    Kind,
    is_vocabulary,
    looks_drawn,
    normalised,
)
from hub.testing.cassettes.places import Place, parameter
from hub.testing.cassettes.standins import Masks
from hub.testing.cassettes.telephones import NATIONAL, PHONE, is_phone, masked_national

_ESCAPED = re.compile(r"[^\s\"<>]*%[0-9A-Fa-f]{2}[^\s\"<>]*")
_ADDRESS = re.compile(r"(\w+:/)?/")  # as pagination has in fields named `first` and `last`
_PARAMETER = re.compile(r"(?<=[?&#;])[\w.-]{1,40}=[^\s&#;\"'<>]+")  # of an address that stands in a text
_WORD = re.compile(r"[^\W_]+")
_SUBSCRIBER = 9  # digits at the end of a telephone number that are the same in its national and international forms
_LONGEST_PHRASE = 80  # characters of an address line; what is longer is a text of its own
_BIRTH = {8: "19700101", 4: "1970", 2: "01", 1: "1"}  # by the number of digits

_Rule = tuple[re.Pattern[str], Callable[[str], str | None]]


class Scrubber:
    """A `Leaf` (hub.testing.cassettes.bodies) that masks what is personal or secret.

    Args:
        masks: what answers each value.
        given: texts of the real settings → what stands for each: the settings a test replays with.
        known: what a census noted, so that it is found wherever it stands; None while one is being made.
        personal: further fields of a service → their kind.
        keep: fields of record ids, whose values stay, here and wherever else they stand, though they look drawn.
        kept: the values of such fields that are known already.
        region: whose national telephone numbers are read (`GB`).

    Attributes:
        kept: the values of such fields.
    """

    def __init__(
        self,
        masks: Masks,
        given: Mapping[str, str],
        known: Census | None = None,
        *,
        personal: Mapping[str, Kind] | None = None,
        keep: Collection[str] = (),
        kept: Collection[str] = (),
        region: str | None = None,
    ) -> None:
        self._masks = masks
        self._region = region
        self._given = dict(given)
        self._final = {*given, *given.values()}
        self._personal = {normalised(field): kind for field, kind in (personal or {}).items()}
        self._keep = frozenset(map(normalised, keep))
        self.kept = set(kept)
        self._hashes = dict(_hashes(masks, known, region)) if known else {}
        self._rules: Sequence[_Rule] = tuple(self._rules_for(known or Census()))
        self._words = _words(known.values["name"]) if known else None

    def __call__(self, text: str, place: Place) -> str:
        """The text, masked."""
        if place.field in self._keep:
            self.kept.add(text)
        if not text.strip() or text == REMOVED or text in self.kept:
            return text
        kind = self._personal.get(place.field, place.kind)
        if kind == "name" and _ADDRESS.match(text):
            kind = None
        if kind in {"opaque", "phone"} and text not in self._final and not EMAIL.search(text):
            return self._whole(text, kind)
        if kind is None and BASE64.fullmatch(text) and looks_drawn(text) and text not in self._final:
            return self._decoded(text) or self._masks.opaque(text)
        return self._apply(self._rules, text, lambda rest: self._by_name(rest, kind, place))

    def _whole(self, text: str, kind: Kind) -> str:
        """A field that says what all of its text is."""
        digits = sum(map(str.isdecimal, text))
        if kind == "phone":
            return self._masks.phone(text) if digits >= SHORTEST else text
        return self._masks.code(text) if digits == len(text) else self._masks.opaque(text)

    def _apply(self, rules: Sequence[_Rule], text: str, last: Callable[[str], str]) -> str:
        """Rule after rule, each on what the ones before left alone."""
        if not rules or not text.strip():
            return last(text) if text.strip() else text
        (pattern, replace), *further = rules
        written, end = [], 0
        for match in pattern.finditer(text):
            replaced = replace(match[0])
            if replaced is not None:
                written += [self._apply(further, text[end : match.start()], last), replaced]
                end = match.end()
        return "".join((*written, self._apply(further, text[end:], last)))

    def _rules_for(self, known: Census) -> Iterator[_Rule]:
        if self._final:
            yield _any_of(map(re.escape, self._final)), lambda text: self._given.get(text, text)
        yield _PARAMETER, self._parameter
        yield EMAIL, self._masks.email
        yield _ESCAPED, self._unescaped
        yield ENCODED, self._decoded
        yield IP, self._masks.ip
        if numbers := {number[-_SUBSCRIBER:]: number for number in _numbers(known, self._region)}:
            spaced = "|".join("[ ()./-]*".join(end) for end in sorted(numbers))
            yield (
                re.compile(rf"(?<![\w+])\+?(?:[\d ()./-]*[\d(])?(?:{spaced})(?!\w)"),
                lambda text: self._masks.phone(text, numbers[_digits(text)[-_SUBSCRIBER:]]),
            )
        for mask, patterns in _phrases(self._masks, known):
            yield _any_of(patterns, re.IGNORECASE), mask
        yield PHONE, lambda text: self._masks.phone(text) if is_phone(text, self._region) else None
        yield NATIONAL, lambda text: masked_national(text, self._region, self._masks.phone)
        yield TOKEN, self._drawn

    def _by_name(self, text: str, kind: Kind | None, place: Place) -> str:
        """What no rule knew, by what its field's name says."""
        known = {"name": self._masks.name, "prose": self._masks.prose, "code": self._masks.code}
        if kind in known:
            return known[kind](text)
        if kind == "date":
            return re.sub(r"\d+", lambda run: _BIRTH.get(len(run[0]), "1" * len(run[0])), text)
        if kind == "place":
            return re.sub(r"\d", "0", text)
        if self._words is None or is_vocabulary(place.field):
            return text
        return self._words.sub(lambda word: self._masks.name(word[0]), text)

    def _parameter(self, text: str) -> str | None:
        name, _, value = text.partition("=")
        inner = unquote_plus(value)
        masked = self(inner, parameter(name, inner))
        escape = quote_plus if "+" in value else quote
        return f"{name}={escape(masked, safe=_unescaped_in(value))}" if masked != inner else None

    def _unescaped(self, text: str) -> str | None:
        """An address with percent-encoding in it, as a link in a body has."""
        inner = unquote(text)
        masked = self(inner, Place())
        return quote(masked, safe=_unescaped_in(text, "&+;=#")) if masked != inner else None

    def _decoded(self, text: str) -> str | None:
        """Base64 of a text that holds something to mask, or a hash of such a thing."""
        if hashed := self._hashed(text):
            return hashed
        inner = decode(text)
        if inner is None:
            return None
        masked = rewrite_text(inner, Place(), self)
        if UNREADABLE not in masked and masked == rewrite_text(inner, Place(), _as_it_is):
            return None
        encode = base64.urlsafe_b64encode if set(text) & set("-_") else base64.b64encode
        encoded = encode(masked.encode()).decode()
        return encoded if text.endswith("=") or len(text) % 4 == 0 else encoded.rstrip("=")

    def _hashed(self, text: str) -> str | None:
        """The hash of the stand-in, if the text is a hash of what is known."""
        if text in self._hashes:
            return self._hashes[text]
        found = self._hashes.get(text.lower())
        return found.upper() if found and text.isupper() else found

    def _drawn(self, text: str) -> str | None:
        if text in self.kept:
            return None
        return self._hashed(text) or (self._masks.opaque(text) if looks_drawn(text) else None)


def _unescaped_in(text: str, further: str = "") -> str:
    return "".join(set(":/?[]@!$'()*," + further) & set(text))


def _as_it_is(text: str, _: Place) -> str:
    return text


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _numbers(known: Census, region: str | None) -> Iterator[str]:
    """The telephone numbers that are known, as E.164."""
    for text in known.values["phone"]:
        with suppress(InvalidIdentifier):
            yield normal_phone(text, region)


def _hashes(masks: Masks, known: Census, region: str | None) -> Iterator[tuple[str, str]]:
    """Hash of a known value → the same hash of its stand-in, as services and connectors name people by."""
    pairs = {(text, masks.name(text)) for text in known.values["name"]}
    for text in known.values["email"]:
        pairs |= {(spelt, masks.email(spelt)) for spelt in (text, text.lower(), text.upper())}
    for number in _numbers(known, region):
        pairs |= {(number, masks.phone(number)), (number[1:], masks.phone(number)[1:])}
    for value, stand_in in pairs:
        yield from zip(hashes_of(value), hashes_of(stand_in), strict=True)


def _phrases(masks: Masks, known: Census) -> Iterator[tuple[Callable[[str], str], list[str]]]:
    """What is looked for wherever it may stand: full names, lines of addresses, postcodes, ids and secrets."""
    names = [text for text in known.values["name"] if " " in text.strip()]
    lines = [text for text in known.values["prose"] if " " in text and len(text) <= _LONGEST_PHRASE]
    codes = [text for text in known.values["code"] if not text.isdecimal() and any(map(str.isdecimal, text))]
    ids = [text for text in known.values["opaque"] if not looks_drawn(text)]
    if patterns := [r"[\W_]+".join(words) for words in map(_WORD.findall, lines) if len(words) > 1]:
        yield masks.prose, patterns
    for mask, found in ((masks.name, names), (masks.opaque, ids)):
        if patterns := [re.escape(text.strip()) for text in found if len(text.strip()) >= SHORTEST]:
            yield mask, patterns
    cores = ("".join(filter(str.isalnum, text)) for text in codes)
    if patterns := ["[ -]?".join(core) for core in cores if len(core) >= SHORTEST]:
        yield masks.code, patterns


def _words(names: Collection[str]) -> re.Pattern[str] | None:
    """The words of names, with their accents and without."""
    words = {word for name in names for word in LETTERS.findall(unicodedata.normalize("NFC", name))}
    return _any_of(words | set(map(plain, words)), re.IGNORECASE) if words else None


def _any_of(patterns: Iterable[str], flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """One of them, as a word or several: longer ones before those they begin with."""
    found = "|".join(sorted(patterns, key=lambda pattern: (-len(pattern), pattern)))
    return re.compile(rf"(?<![^\W_])(?:{found})(?![^\W_])", flags)
