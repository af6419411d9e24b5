"""Looks a cassette over before it is written, and whenever it is replayed: is there anything in it that should not be?

It does not ask how the cassette was scrubbed. Suspicious is whatever does not look like a stand-in, so that a mistake
made there shows here.
"""

from __future__ import annotations

import html
import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

from hub.errors import InvalidIdentifier
from hub.normal import normal_phone
from hub.testing.canary import Canary
from hub.testing.cassettes.bodies import REMOVED, UNREADABLE, rewrite
from hub.testing.cassettes.encoded import ENCODED, decode, hashes_of
from hub.testing.cassettes.exchanges import KEPT_HEADERS, Answer, rewritten
from hub.testing.cassettes.filing import Recording, read, render
from hub.testing.cassettes.personal import EMAIL, IP, TOKEN, looks_drawn, normalised, proves
from hub.testing.cassettes.places import Leaf, Place
from hub.testing.cassettes.problems import CassetteError
from hub.testing.cassettes.standins import DRAMA, NETWORK, NETWORK_6
from hub.testing.cassettes.telephones import NATIONAL, PHONE, is_phone, national

_RESERVED = re.compile(r"(.*\.)?example\.(org|net|com)", re.IGNORECASE)  # RFC 2606
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_ISSUED = re.compile(
    r"\b(sk|pk|rk)_(live|test)_\w{8,}|\bgh[pousr]_\w{16,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[A-Z0-9]{12,}|\bAIza[\w-]{8,}"
)
_CARD = re.compile(r"(?<![\w.-])(?!0000)\d(?:[ -]?\d){12,18}(?![\w.-])")
_NETWORKS = (NETWORK, NETWORK_6, *map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
_LISTED = 8  # suspicions that a message lists


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What was found and where. Never the value.

    Args:
        where: `answer 3`, `request 1`, `head`, `file`.
        what: such as `an e-mail address outside example.org`.
        field: the field it stands in, where the file names one that is a word.
    """

    where: str
    what: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.where}{f', {self.field}' if self.field else ''}: {self.what}"


def look_over(path: Path, values: Iterable[str] = ()) -> Recording:
    """Read a cassette and scan it. Raises `CassetteError`, also when anything in it is suspicious."""
    recording = read(path)
    refuse(suspicions(recording, values), f"{path.name} holds what no cassette may hold")
    return recording


def refuse(found: Iterable[Suspicion], why: str) -> None:
    """Raises `CassetteError` when anything was found."""
    listed = list(dict.fromkeys(map(str, found)))
    if listed:
        more = f"; and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
        raise CassetteError(
            f"{why}: {'; '.join(listed[:_LISTED])}{more}",
            hint="Name the field in `personal=` and record again; ids of records that are nobody's: in `keep=`.",
        )


def suspicions(recording: Recording, values: Iterable[str] = ()) -> list[Suspicion]:
    """Everything suspicious in a recording.

    `values` are texts that must not be in it in any disguise (`hub.testing.canary`), each of 5 to 400 characters.
    """
    texts = list(_texts(recording))
    spared = _spared(recording, texts)
    found = [
        Suspicion(where, what, _word(place))
        for where, text, place in texts
        for what in _faults(where, text, place, spared, recording.about.region)
    ]
    known = {(suspicion.where, suspicion.what) for suspicion in found}
    found += [
        Suspicion(where, what)
        for where, text in _whole(recording)
        for variant in _variants(text)
        for what in _telling(variant, recording.about.region)
        if (where, what) not in known
    ]
    for number, answer in enumerate(recording.answers, 1):
        if UNREADABLE == _walked(answer, lambda text, _: text) != answer.body:
            found.append(Suspicion(f"answer {number}", "a body that is not what it says, or looks like"))
        found += [
            Suspicion(f"answer {number}", "a header that is not kept")
            for name in answer.headers
            if not KEPT_HEADERS.fullmatch(name)
        ]
    wanted = sorted(values)
    if wanted:
        found += [
            Suspicion("file", f"something of what was asked for ({hit.form})")
            for hit in Canary(wanted).search_bytes(render(recording))
        ]
    return found


def _texts(recording: Recording) -> Iterator[tuple[str, str, Place]]:
    """Every text, with where it stands."""
    found: list[tuple[str, Place]] = []

    def noted(text: str, place: Place) -> str:
        found.append((text, place))
        return text

    for number, (request, answer) in enumerate(zip(recording.requests, recording.answers, strict=True), 1):
        rewritten(request, noted)
        yield from ((f"request {number}", text, place) for text, place in found)
        found.clear()
        _walked(answer, noted)
        found.extend((text, Place(normalised(name))) for name, text in answer.headers.items() if name != "date")
        yield from ((f"answer {number}", text, place) for text, place in found)
        found.clear()
    yield from (("head", identifier["value"], Place()) for identifier in recording.about.subject)


def _walked(answer: Answer, leaf: Leaf) -> str:
    return rewrite(answer.body, answer.headers.get("content-type", "").partition(";")[0].strip().lower(), leaf)


def _whole(recording: Recording) -> Iterator[tuple[str, str]]:
    """Addresses and bodies as they are: taking them apart may have missed something, here as in scrubbing."""
    for number, (request, answer) in enumerate(zip(recording.requests, recording.answers, strict=True), 1):
        yield f"request {number}", request.uri
        yield f"request {number}", (request.body or b"").decode("utf-8", "replace")
        yield f"answer {number}", answer.body


def _spared(recording: Recording, texts: Iterable[tuple[str, str, Place]]) -> set[str]:
    """What looks drawn and is none: hashes of stand-ins, and values of fields that were kept on purpose."""
    keep = set(map(normalised, recording.about.keep))
    spared: set[str] = set()
    hashed = {identifier["value"] for identifier in recording.about.subject}
    for _, text, place in texts:
        if place.field in keep:
            spared.add(text)
        hashed.update(EMAIL.findall(text))
        if place.kind in {"phone", "name"}:
            hashed.add(text)
    for value in hashed:
        for spelt in (value, value.lower(), value.upper(), value.removeprefix("+")):
            spared.update(hashes_of(spelt))
    return spared


def _faults(where: str, text: str, place: Place, spared: set[str], region: str | None) -> Iterator[str]:
    if where.startswith("request") and proves(place.field) and text not in {REMOVED, ""}:
        yield "what proves who sends it"
    for variant in _variants(text):
        yield from _found(variant, spared, region)


def _variants(text: str) -> Iterator[str]:
    """The text, and what it says where it is encoded."""
    yield text
    if "%" in text:
        yield unquote_plus(text)
    if "&" in text:
        yield html.unescape(text)
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    yield from filter(None, map(decode, ENCODED.findall(text)))


def _found(text: str, spared: set[str], region: str | None) -> Iterator[str]:
    yield from _telling(text, region)
    words = TOKEN.findall(ENCODED.sub(lambda found: _unless(found[0], spared), text))
    if not _is_key(text) and any(_is_drawn(token, spared) for token in words):
        yield "what looks like a key, a token or a hash"


def _telling(text: str, region: str | None) -> Iterator[str]:
    """What can be told wherever it stands, whatever is around it."""
    if any(not _RESERVED.fullmatch(address.rpartition("@")[2]) for address in EMAIL.findall(text)):
        yield "an e-mail address outside example.org, example.net and example.com"
    numbers = [number for number in PHONE.findall(text) if is_phone(number, region)]
    numbers += [run[start:end] for run in NATIONAL.findall(text) for start, end in national(run, region)]
    if any(not _is_drama(number, region) for number in numbers):
        yield "a telephone number outside the ranges for drama"
    if any(not _leads_nowhere(address) for address in IP.findall(text)):
        yield "an IP address that may be somebody's"
    if any(map(_is_card, _CARD.findall(text))):
        yield "what may be the number of a payment card"
    if _is_key(text):
        yield "a key or token"


def _is_key(text: str) -> bool:
    return any(pattern.search(text) for pattern in (_JWT, _PRIVATE_KEY, _ISSUED))


def _unless(token: str, spared: set[str]) -> str:
    return "" if spared & {token, token.lower()} else token


def _is_drawn(token: str, spared: set[str]) -> bool:
    """Base64 of a text is looked at decoded, not as it is."""
    return bool(_unless(token, spared)) and looks_drawn(token) and decode(token) is None


def _is_drama(text: str, region: str | None) -> bool:
    try:
        return normal_phone(text, region).startswith(tuple(f"+44{beginning}" for beginning in DRAMA))
    except InvalidIdentifier:
        return False


def _leads_nowhere(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address.is_loopback or address.is_unspecified or any(address in network for network in _NETWORKS)


def _is_card(text: str) -> bool:
    """By its check digit (ISO/IEC 7812-1)."""
    digits = [int(c) for c in reversed(text) if c.isdecimal()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _word(place: Place) -> str:
    return place.field if re.fullmatch(r"[a-z]{1,40}", place.field) else ""
