"""Telephone numbers in a text: with their country code, or as they are written in the region of a recording."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

PHONE = re.compile(r"(?<![\w.+/-])(?:\+|00|\(?0)(?=[1-9(])[\d ()-]{7,20}\d(?![\w-])")
NATIONAL = re.compile(r"(?<![\w.+/-])[(\d][\d ()./-]{5,18}\d(?![\w-])")
_NO_NUMBER = re.compile(r"\d{1,8}|\d+\.\d+|.*\b[12]\d{3}[-/.][01]?\d[-/.][0-3]?\d\b.*")  # an id, a decimal, a day


def is_phone(text: str, region: str | None) -> bool:
    """Whether a text that fits `PHONE` is a telephone number: one with its country code, or a valid national one."""
    import phonenumbers  # noqa: PLC0415  # 30 ms of metadata: import late

    international = "+" + text[2:] if text.startswith("00") else text
    try:
        number = phonenumbers.parse(international, region)
    except phonenumbers.NumberParseException:
        return False
    if international.startswith("+"):
        return phonenumbers.is_possible_number(number)
    return phonenumbers.is_valid_number(number)


def national(text: str, region: str | None) -> Iterator[tuple[int, int]]:
    """Where the valid numbers of the region are in a text that fits `NATIONAL`: not everywhere do they begin with 0."""
    import phonenumbers  # noqa: PLC0415  # see is_phone

    if region is not None:
        for found in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID):
            if not _NO_NUMBER.fullmatch(found.raw_string):
                yield found.start, found.end


def masked_national(text: str, region: str | None, mask: Callable[[str], str]) -> str | None:
    """The text with those numbers masked; None where there are none."""
    written, end = [], 0
    for start, stop in national(text, region):
        written += [text[end:start], mask(text[start:stop])]
        end = stop
    return "".join((*written, text[end:])) if written else None
