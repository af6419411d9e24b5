"""What others wrote, as a terminal may show it."""

from __future__ import annotations

import unicodedata

_STEERING = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])  # classes of characters that are not seen, and do something


def steers(text: str) -> bool:
    """Whether something in it would steer the terminal, or turn the order of what is read."""
    return any(unicodedata.category(character) in _STEERING for character in text)


def plain(text: str) -> str:
    r"""The text with such characters written out: `\x1b`."""
    return "".join(ascii(character)[1:-1] if steers(character) else character for character in text)
