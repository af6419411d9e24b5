"""Stand-ins: what stands in a cassette for a person's data and for secrets.

A stand-in has the shape of what it stands for: an address stays an address (at example.org), a telephone number a
number (from the ranges Ofcom keeps for drama), a word keeps its length, case and accents, a code its digits and
letters. It follows from the value and from a random key that nobody keeps, so within one recording the same value has
the same stand-in wherever it turns up, and the file says nothing about the value.

What connectors do to a value has to come to the same before and after: a stand-in of an address in small letters is the
stand-in in small letters, a full name is made of the stand-ins of its words, a postcode may lose its space.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Callable, Collection
from typing import Protocol

from hub.errors import InvalidIdentifier, UsageError
from hub.normal import normal_phone
from hub.testing.cassettes.drawing import DIGITS, Draw, cased, dress, encode, is_hexadecimal, nfc, plain, spell

# Local parts that a function of an organisation reads (RFC 2142 and custom). They name nobody, and connectors treat
# such a mailbox as shared: that must come to the same at replay.
_FUNCTIONS = (
    "abuse accounts admin billing contact enquiries finance hello help hostmaster info mail marketing news newsletter "
    "noreply office orders postmaster privacy purchasing reception sales service shop support team webmaster"
)
_ROLES = frozenset(_FUNCTIONS.split())
MAIL_DOMAIN = "example.org"  # RFC 2606
NETWORK = ipaddress.ip_network("198.18.0.0/15")  # RFC 2544, for benchmarks: larger than the ranges for documentation
NETWORK_6 = ipaddress.ip_network("2001:db8::/32")  # RFC 3849
# Ofcom's numbers for drama; three digits follow: mobile, London, no area, Leeds to Reading, Birmingham to Manchester.
_MOBILE = "7700900"
DRAMA = (_MOBILE, "2079460", "1632960", *(f"11{n}4960" for n in "345678"), *(f"1{n}14960" for n in "23456"))

_WORD = re.compile(r"[^\W\d_]+")
_RUN = re.compile(r"[^\W\d_]+|\d+")
_LONG_NUMBER = re.compile(r"[^\W\d_]+|\d{3,}")
_DOMAIN_LETTERS = 8
_TELLING = 4  # characters from which a code can be recognised as a stand-in
_OPAQUEDIGITS = 12  # drawn digits of an opaque stand-in; zeros stand before them
_TRIES = 4000


class Masks(Protocol):
    """Something that answers every value that is to be hidden: with a stand-in, or by taking note of it."""

    def email(self, text: str) -> str:
        """For an e-mail address."""
        ...

    def phone(self, text: str, number: str = "") -> str:
        """For a telephone number, however it is written; `number` is it in E.164, where that is known."""
        ...

    def ip(self, text: str) -> str:
        """For an IP address."""
        ...

    def name(self, text: str) -> str:
        """For a person's name, whole or in part; its words are hidden wherever else they stand."""
        ...

    def prose(self, text: str) -> str:
        """For free text and the lines of an address: word by word, and numbers of three and more digits."""
        ...

    def code(self, text: str) -> str:
        """For a postcode or the end of a card number: letters for letters, digits for digits."""
        ...

    def opaque(self, text: str) -> str:
        """For tokens and ids that look like secrets: zeros and a number."""
        ...


class StandIns:
    """Gives the stand-ins of one recording.

    Args:
        avoid: values of the recording in their plain form (see `plain`), none of which may be given as a stand-in.
        region: whose national telephone numbers are read (`GB`).
        key: 32 bytes; random unless given.

    Raises `UsageError` when a recording holds more different values of a kind than there are stand-ins.
    """

    def __init__(self, avoid: Collection[str] = (), *, region: str | None = None, key: bytes | None = None) -> None:
        self._avoid = avoid
        self._region = region
        self._key = key or secrets.token_bytes(32)
        self._given: dict[tuple[str, str], str] = {}
        self._used: set[tuple[str, str]] = set()

    def email(self, text: str) -> str:
        """Word by word at a subdomain of example.org; mailboxes such as info@ keep their name."""
        if self._is_stand_in("email", text):
            return text
        local, _, domain = text.rpartition("@")
        if local.casefold() not in _ROLES:
            local = self._by_words(_RUN, local)
        label = self._draw("domain", plain(domain), lambda draw: spell(draw, "x" * _DOMAIN_LETTERS))
        host = f"{label}.{MAIL_DOMAIN}"
        found = f"{local}@{host.upper() if domain.isupper() else host}"
        self._used.add(("email", plain(found)))
        return found

    def phone(self, text: str, number: str = "") -> str:
        """A number from the ranges for drama, written as the original was; what is no number, as a mere code."""
        try:
            number = number or normal_phone(text, self._region)
        except InvalidIdentifier:
            return self.code(text)
        if self._is_stand_in("phone", number):
            return text
        ranges = (_MOBILE,) if number.startswith("+447") else DRAMA
        drawn = self._draw("phone", number, lambda draw: f"+44{draw.one(ranges)}{draw.text(DIGITS, 3)}")
        written = text.lstrip(" (")
        if written.startswith("+"):
            return drawn
        if not (number.startswith("+44") and self._region == "GB"):
            return drawn if written.startswith("0") else drawn[1:]  # another region reads no national number of GB's
        if written.startswith("0"):
            return f"00{drawn[1:]}" if written.startswith("00") else f"0{drawn[3:]}"
        return drawn[1:] if written.startswith("44") else drawn[3:]

    def ip(self, text: str) -> str:
        """An address from a range that leads nowhere; those of this machine stay."""
        address = ipaddress.ip_address(text)
        if address.is_loopback or address.is_unspecified or self._is_stand_in("ip", text):
            return text
        network = NETWORK_6 if isinstance(address, ipaddress.IPv6Address) else NETWORK
        places = range(1, min(network.num_addresses, 1 << 32))
        return self._draw("ip", str(address), lambda draw: str(network[draw.one(places)]))

    def name(self, text: str) -> str:
        """Word by word."""
        return self._by_words(_WORD, text)

    def prose(self, text: str) -> str:
        """Word by word; house numbers stay, longer numbers do not."""
        return self._by_words(_LONG_NUMBER, text)

    def code(self, text: str) -> str:
        """Letter for letter and digit for digit, whatever stands between them."""
        core = "".join(filter(str.isalnum, text)).lower()
        if not core or (len(core) >= _TELLING and self._is_stand_in("code", core)):
            return text
        drawn = iter(self._draw("code", core, lambda draw: encode(draw, core)))
        return "".join(cased(next(drawn), c) if c.isalnum() else c for c in text)

    def opaque(self, text: str) -> str:
        """Zeros and up to twelve digits in the places of letters and digits, so that every reader sees what it is."""
        core = "".join(filter(str.isalnum, text))
        tail = min(_OPAQUEDIGITS, len(core) if len(core) <= _OPAQUEDIGITS // 2 else len(core) - len(core) // 2)
        if not core or self._is_stand_in("opaque", core):
            return text
        value = core.casefold() if is_hexadecimal(core) else core
        drawn = iter(self._draw("opaque", value, lambda draw: draw.text(DIGITS, tail).zfill(len(core))))
        return "".join(next(drawn) if c.isalnum() else c for c in text)

    def _by_words(self, runs: re.Pattern[str], text: str) -> str:
        return runs.sub(lambda run: self._word(run[0]) if run[0].isalpha() else self.code(run[0]), nfc(text))

    def _word(self, text: str) -> str:
        """A word of as many letters; an initial stays, for it names nobody."""
        if (len(text) == 1 and text.isascii()) or self._is_stand_in("word", text):
            return text
        return dress(self._draw("word", plain(text), lambda draw: spell(draw, plain(text))), text)

    def _is_stand_in(self, kind: str, text: str) -> bool:
        return (kind, plain(text)) in self._used

    def _draw(self, kind: str, value: str, make: Callable[[Draw], str]) -> str:
        """The stand-in for a value; different values of a kind never share one."""
        known = self._given.get((kind, value))
        if known is not None:
            return known
        for attempt in range(_TRIES):
            drawn = make(Draw(self._key, f"{kind}\0{value}\0{attempt}"))
            # A code of a few digits has too few values to spare those that were seen.
            seen = plain(drawn) in self._avoid and (kind != "code" or len(value) >= _TELLING)
            if not seen and (kind, drawn) not in self._used:
                self._given[kind, value] = drawn
                self._used.add((kind, drawn))
                return drawn
        raise UsageError(
            f"The recording holds more different values ({kind}) than there are stand-ins",
            hint="Record against an account with fewer people in it.",
        )
