"""How records and attachments lie in a spool: entries, each a header and JSON or bytes.

The header is one byte, what it is, and the length of what follows (4 bytes, big-endian). A record is one entry of JSON,
`[source, kind, data]`; an attachment is `[source, kind, name, media type]`, then chunks of bytes, then an end.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from hub.errors import ConnectorBug
from hub.exports.frames import LARGEST

RECORD, FILE, CHUNK, END = range(4)
LARGEST_RECORD = LARGEST // 2  # bytes of JSON; more is an attachment

_HEADER = struct.Struct(">BI")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def pack_json(value: Any) -> bytes:
    """Compact JSON in UTF-8. A lone surrogate, which UTF-8 lacks, becomes its JSON escape.

    Raises `ConnectorBug` for what JSON cannot hold (a date, NaN); the value is not quoted.
    """
    try:
        return _encode(value).encode("utf-8", "backslashreplace")
    except (TypeError, ValueError):
        raise ConnectorBug(
            "A record holds a value that JSON cannot", hint="Let the connector yield texts, numbers, lists and objects."
        ) from None


def record_entry(source: str, kind: str, data: Mapping[str, Any]) -> bytes:
    """A record's entry. Raises `ConnectorBug`."""
    packed = pack_json([source, _checked(kind), dict(data)])
    if len(packed) > LARGEST_RECORD:
        raise ConnectorBug(
            f"A record is larger than {LARGEST_RECORD >> 20} MiB", hint="Let the connector yield it as a File."
        )
    return entry(RECORD, packed)


def file_entry(source: str, kind: str, name: str, media_type: str) -> bytes:
    """The entry that begins an attachment. Raises `ConnectorBug`."""
    return entry(FILE, pack_json([source, _checked(kind), name, media_type]))


def entry(what: int, payload: bytes) -> bytes:
    """Header and payload."""
    return _HEADER.pack(what, len(payload)) + payload


def entries(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """What each entry is, with its payload; an entry never spans two blocks."""
    for block in blocks:
        position = 0
        while position < len(block):
            what, length = _HEADER.unpack_from(block, position)
            position += _HEADER.size
            yield what, block[position : position + length]
            position += length


def _checked(kind: str) -> str:
    if not _KIND.fullmatch(kind):
        raise ConnectorBug(
            "A record's kind is no plain word",
            hint="A kind is lower-case letters, digits and underscores: `cart_item`.",
        )
    return kind
