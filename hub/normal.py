"""The normal forms of identifiers: two are the same when their normal forms are.

They are what evidence hashes: an e-mail address is trimmed, NFC and lower-cased, its domain in ASCII (IDNA); a
telephone number is E.164; a name is NFC with single spaces; a postal address is its lines in order; an external id is
`namespace=value`, the value untouched. No error here quotes a value.
"""

from __future__ import annotations

import unicodedata

from hub.errors import InvalidIdentifier

MAX_TEXT = 300  # characters in a name, an address line or an external id
_MAX_EMAIL = 320  # 64 before the @ and 255 after it; that 254 are the most in use (RFC 5321) is said by the parser
# Control, format, surrogate, unassigned and private characters: invisible, or they reorder what a person reads, so that
# two values look the same and differ. Letters of right-to-left scripts are fine.
_UNSAFE = frozenset(["Cc", "Cf", "Cs", "Cn", "Co"])
_LAST_DIGITS = 6  # of a telephone number: prefixes differ between its national and international forms, these do not
_JOINERS = frozenset("\u200c\u200d")  # format characters that Persian and Indic names are spelt with


def normal_email(text: str) -> str:
    """Trimmed, NFC, lower-cased, domain in ASCII. Raises `InvalidIdentifier`."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # pulls dnspython: import late

    text = text.strip()
    _refuse_unsafe(text, "e-mail address", _MAX_EMAIL)
    try:
        parsed = validate_email(
            text, check_deliverability=False, allow_quoted_local=True, test_environment=True, strict=True
        )
    except EmailNotValidError:  # its message quotes the address, so it must not even be our error's context
        parsed = None
    if parsed is None:
        raise InvalidIdentifier(
            "An e-mail address is not valid",
            hint="It needs one @, a domain, and at most 254 characters (RFC 5321); check for typing errors.",
        )
    return f"{parsed.local_part}@{parsed.ascii_domain}".lower()


def normal_phone(text: str, region: str | None = None) -> str:
    """E.164, such as +447700900123. Raises `InvalidIdentifier`, also for two numbers in one text."""
    import phonenumbers  # noqa: PLC0415  # 30 ms of metadata: import late

    text = text.strip()
    _refuse_unsafe(text, "telephone number")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number) or number.extension:
        raise _no_number()
    normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # The parser passes over what follows the number it found: a second number, a word.
    digits = "".join(str(unicodedata.digit(c)) for c in text if c.isdecimal())
    end = phonenumbers.national_significant_number(number)[-_LAST_DIGITS:]
    if not digits.endswith(end) or any(c.isalpha() for c in text.removeprefix("tel:")):
        raise _no_number()
    return normal


def _no_number() -> InvalidIdentifier:
    return InvalidIdentifier(
        "A telephone number is not valid",
        hint="Write one number with its country code, +44 …, or set `default_region` in hub.toml for national numbers.",
    )


def clean(text: str, what: str, *, may_be_empty: bool = False, keep_spaces: bool = False) -> str:
    """A line of text in NFC with single spaces, or as it is if spaces count. Raises `InvalidIdentifier`."""
    text = unicodedata.normalize("NFC", text) if not keep_spaces else text
    _refuse_unsafe(text, what)
    if not keep_spaces:
        text = " ".join(text.split())
    if not (text.strip() or may_be_empty):
        raise InvalidIdentifier(f"An empty {what} identifies nobody")
    return text


def _refuse_unsafe(text: str, what: str, longest: int = MAX_TEXT) -> None:
    if len(text) > longest:
        raise InvalidIdentifier(f"The {what} is longer than {longest} characters", hint="Check what was pasted.")
    if any(unicodedata.category(c) in _UNSAFE and c not in _JOINERS for c in text):
        raise InvalidIdentifier(
            f"The {what} holds a control, invisible or text-reordering character",
            hint="Type it anew instead of pasting it.",
        )


def words(text: str) -> list[str]:
    """The words of a postal address, in one case, without the commas and line ends between them."""
    return unicodedata.normalize("NFC", text).casefold().replace(",", " ").split()
