"""Values in other clothes: base64 that says something, and the hashes by which services name people."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

from hub.testing.cassettes.census import SHORTEST

_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{8,}={0,2}(?![A-Za-z0-9+/_=-])")


def decode(text: str) -> str | None:
    """What base64 of either alphabet, padded or not, says, if it is text that can be read."""
    core = text.rstrip("=")
    padded = core + "=" * (-len(core) % 4)
    try:
        found = base64.b64decode(padded, altchars=b"-_" if set(core) & set("-_") else None, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return found if len(found) >= SHORTEST and found.replace("\n", "").replace("\t", "").isprintable() else None


def hashes_of(value: str) -> Iterator[str]:
    """The usual hashes of a value: hexadecimal, and base64 in both alphabets, with padding and without."""
    for algorithm in _ALGORITHMS:
        digest = hashlib.new(algorithm, value.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
        yield digest.hex()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(digest).decode()
            yield encoded
            yield encoded.rstrip("=")
