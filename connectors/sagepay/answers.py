"""Reads an answer of the Reporting & Admin API: ISO-8859-1 XML, HTTP 200 whatever happened, success is `0000` alone.

The codes are from Elavon's published table ("Opayo Reporting API, Error Codes"), which asks clients to go by the code,
since wordings change; a wording decides only where the table has no code for what we must know. The vendor's text is
looked at and dropped: it can quote the person, so nothing here passes it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # types only: defusedxml does the parsing

from hub import AuthError, ConnectorError, ContractError, TransientError

Fields = Mapping[str, Any]
"""An answer's elements: text, or a mapping where an element has children, or a list where one is repeated."""

# What authorises refunds and authenticates payments is no information about the person and is dropped while reading:
# it then cannot reach an export, a hint or a log. `callbackurl` carries the shop's session ids.
SECRETS = frozenset({"securitykey", "vpsauthcode", "cavv", "callbackurl"})


class Meaning(StrEnum):
    """What an answer's code says, as far as anybody here can act on it."""

    SUCCESS = "success"
    ABSENT = "absent"  # no such transaction or token
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    CALLER = "caller"  # our IP address is not registered
    TROUBLE = "trouble"  # the service's own, and it may pass
    OURS = "ours"  # the command itself was refused
    UNKNOWN = "unknown"


_CODES = {
    "0000": Meaning.SUCCESS,
    "0001": Meaning.OURS,  # not valid XML
    "0002": Meaning.OURS,  # root is not vspaccess
    "0008": Meaning.CREDENTIALS,  # vendor and user do not fit, or the user is locked out
    "0009": Meaning.TROUBLE,  # error retrieving data
    "0010": Meaning.CREDENTIALS,  # signature: in practice a wrong password or algorithm
    "0011": Meaning.PERMISSION,  # needs administrative privileges
    "0013": Meaning.OURS,  # command not recognised
    "0019": Meaning.OURS,  # error parsing the request
    "0038": Meaning.OURS,  # start date after end date
    "0039": Meaning.OURS,  # more than one month
    "0042": Meaning.OURS,  # neither vendortxcode nor vpstxid
    "0043": Meaning.ABSENT,
    "0044": Meaning.PERMISSION,  # may not view this transaction
    "0099": Meaning.OURS,  # more than 50 rows asked for
    "0235": Meaning.OURS,  # more than 50,000 rows in the period
    "4020": Meaning.CALLER,  # invalid IP address (the payment services' code for it)
}
_WORDINGS = (
    (re.compile(r"\bIP address\b", re.IGNORECASE), Meaning.CALLER),
    (re.compile(r"unable to find the <?(transaction|token)", re.IGNORECASE), Meaning.ABSENT),
    (re.compile(r"\btoken\b.{0,60}(not found|n.t exist|not exist)", re.IGNORECASE), Meaning.ABSENT),
    (re.compile(r"permission|privilege", re.IGNORECASE), Meaning.PERMISSION),
)
_CODE = re.compile(r"\d{4,5}")


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer that has the documented shape.

    Args:
        code: four or five digits.
        meaning: what it says.
        fields: the answer's elements without `SECRETS`; empty unless it is a success.
    """

    code: str
    meaning: Meaning
    fields: Fields = field(repr=False)


def read(body: bytes, instance: str) -> Reading:
    """Read one answer. Raises `ContractError` for anything that is not a `vspaccess` document with an error code."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415  # import late: `hub --help` needs no XML
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415  # the same

    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        # LookupError: the declaration names an encoding that does not exist. The cause is cut off: it quotes the text.
        raise _unreadable(instance) from None
    code = (root.findtext("errorcode") or "").strip()
    if root.tag != "vspaccess" or not _CODE.fullmatch(code):
        raise _unreadable(instance)
    meaning = _meaning(code, root.findtext("error") or "")
    return Reading(code, meaning, _mapping(root) if meaning is Meaning.SUCCESS else {})


def error(reading: Reading, command: str, instance: str) -> ConnectorError:
    """What to raise for an answer that is no success; the message names command and code, nothing else."""
    said = f"Sage Pay answered {command} with error {reading.code}"
    match reading.meaning:
        case Meaning.CREDENTIALS:
            return AuthError(
                f"{said}: vendor, user, password or signature is not accepted",
                instance=instance,
                hint="Check `vendor`, `user`, `password` and `hash_algorithm`, and in MySagePay whether the user is "
                "locked out.",
            )
        case Meaning.PERMISSION:
            return AuthError(
                f"{said}: the user lacks a permission",
                instance=instance,
                hint="Make the user an administrator who may see every transaction, or set `admin = false` and do "
                "without reading tokens back.",
            )
        case Meaning.CALLER:
            return AuthError(
                f"{said}: this machine's IP address is not registered",
                instance=instance,
                hint="Add the address this machine calls from under Settings, Valid IPs in MySagePay.",
            )
        case Meaning.TROUBLE:
            return TransientError(f"{said}: its own data could not be read", instance=instance)
        case _:
            return ContractError(
                f"{said}, from which nothing can be concluded",
                instance=instance,
                hint=f"Look error {reading.code} up in Elavon's table of the Reporting API's error codes.",
            )


def every(fields: Fields, name: str) -> Iterator[Fields]:
    """Every element of that name with children, wherever it stands, whether there is one or many."""
    for key, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                if key == name:
                    yield item
                yield from every(item, name)


def text(fields: Fields, name: str) -> str:
    """The trimmed text of an element; empty when it is missing, empty or has children."""
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _meaning(code: str, wording: str) -> Meaning:
    known = _CODES.get(code)
    if known is not None:
        return known
    return next((meaning for pattern, meaning in _WORDINGS if pattern.search(wording)), Meaning.UNKNOWN)


def _mapping(parent: Element) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for child in parent:
        name = child.tag.lower()
        if name in SECRETS:
            continue
        value = _mapping(child) if len(child) else (child.text or "")
        if name in fields:
            before = fields[name]
            fields[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            fields[name] = value
    return fields


def _unreadable(instance: str) -> ContractError:
    return ContractError(
        "Sage Pay's answer is not a report: no vspaccess document with an error code",
        instance=instance,
        hint="If it keeps happening, look at the service's status page, or at a proxy that answers in its stead.",
    )
