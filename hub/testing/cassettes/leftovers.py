"""What is known to the recorder alone is looked for in what it is about to write: the person's words, the secrets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from hub.subject import IdentifierKind, Subject
from hub.testing.cassettes.census import SHORTEST, Census
from hub.testing.cassettes.filing import Recording
from hub.testing.cassettes.scan import Suspicion

_LETTERS = re.compile(rf"[^\W\d_]{{{SHORTEST},}}")
# Words of addresses that services have in names of fields and elsewhere, and that lead to nobody.
_STREETS = (
    "apartment avenue boulevard building calle chemin church close cottage court crescent drive example floor gardens "
    "grove house lodge lower manor market north passage place platz plaza school south square station strasse "
    "street suite terrace tower upper villa"
)
_EVERYBODYS = frozenset(_STREETS.split())
_BEGINNING = 8  # characters of a secret that services show of it


def values_of(subject: Subject) -> Iterator[str]:
    """What of the data subject must be in no cassette; city and country are everybody's."""
    for identifier in subject.identifiers:
        if identifier.kind is IdentifierKind.ADDRESS:
            yield from (identifier.postal.line1, identifier.postal.line2, identifier.postal.postcode)
        else:
            yield identifier.value


def leftovers(recording: Recording, subject: Subject, census: Census, given: Mapping[str, str]) -> Iterator[Suspicion]:
    """What of anybody the census met, of the subject's words, and of the real settings (`given`) is left as it was."""
    text = _said(recording).casefold()
    text = "\n".join({text, unquote(text), html.unescape(text)})
    for kind in ("email", "phone"):
        if any(value.casefold() in text for value in census.values[kind] if len(value) >= SHORTEST):
            yield Suspicion("file", f"somebody's {kind} as it was")
    if any(word in text for word in _words(subject)):
        yield Suspicion("file", "a word of the subject's name or street, by itself or within another")
    if any(beginning in text for beginning in _beginnings(given)):
        yield Suspicion("file", "the beginning of a secret")


def _said(recording: Recording) -> str:
    asked = ((request.uri, (request.body or b"").decode("utf-8", "replace")) for request in recording.requests)
    answered = ((answer.body, *answer.headers.values()) for answer in recording.answers)
    head = (identifier["value"] for identifier in recording.about.subject)
    return "\n".join((*head, *(text for texts in (*asked, *answered) for text in texts)))


def _words(subject: Subject) -> set[str]:
    lines = [*subject.names, *(address.line1 for address in subject.addresses)]
    return {word.casefold() for line in lines for word in _LETTERS.findall(line)} - _EVERYBODYS


def _beginnings(given: Mapping[str, str]) -> Iterator[str]:
    """Of what looks like a key: the beginning of an address or of a name says nothing."""
    for mine, tests in given.items():
        beginning = mine[:_BEGINNING].casefold()
        if len(mine) > _BEGINNING and re.search(r"\d", beginning) and beginning not in tests.casefold():
            yield beginning
