"""Identifiers: one normal form each, the same person recognised, a stranger never, and no value ever shown."""

from __future__ import annotations

import contextlib
import json
import traceback
import unicodedata
from collections.abc import Callable
from typing import Any

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.errors import InvalidIdentifier
from hub.subject import Identifier, IdentifierKind, PostalAddress, Subject

KEY = bytes(range(32))
CANARY = "canary-7f3a"

_letters = st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=20)
_names = st.lists(_letters, min_size=1, max_size=4).map(" ".join)
_emails = st.emails() | st.builds("{}@{}".format, _letters, st.sampled_from(["EXAMPLE.org", "exämple.org", "例え.jp"]))
_phones = st.from_regex(r"\+44 ?7[0-9]{3}[ -]?[0-9]{6}", fullmatch=True)
_externals = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60)
_lines = st.lists(_letters, max_size=3).map(" ".join)
_addresses = st.builds(
    PostalAddress,
    line1=_letters,
    line2=_lines,
    city=_lines,
    postcode=st.from_regex(r"[a-zA-Z0-9 ]{0,8}", fullmatch=True),
    country=_lines,
)


def tolerant(make: Callable[..., Identifier], text: Any) -> Identifier:
    """The identifier, or another example if there can be none of that text."""
    try:
        return make(text)
    except InvalidIdentifier:
        assume(False)
        raise


_identifiers = st.one_of(
    _emails.map(lambda t: (Identifier.email, t)),
    _phones.map(lambda t: (Identifier.phone, t)),
    _names.map(lambda t: (Identifier.name, t)),
    _addresses.map(lambda t: (Identifier.address, t)),
    _externals.map(lambda t: (lambda v: Identifier.external("shop.customer", v), t)),
).map(lambda pair: tolerant(*pair))


def again(identifier: Identifier) -> Identifier:
    """Normalise what is normal already."""
    match identifier.kind:
        case IdentifierKind.EMAIL:
            return Identifier.email(identifier.value)
        case IdentifierKind.PHONE:
            return Identifier.phone(identifier.value)
        case IdentifierKind.NAME:
            return Identifier.name(identifier.value)
        case IdentifierKind.ADDRESS:
            return Identifier.address(identifier.postal)
        case IdentifierKind.EXTERNAL:
            return Identifier.external(identifier.namespace, identifier.value)


@given(_identifiers)
def test_the_normal_form_of_a_normal_form_is_itself(identifier: Identifier) -> None:
    assert again(identifier) == identifier


@given(_identifiers)
def test_an_identifier_matches_itself(identifier: Identifier) -> None:
    assert identifier.matches(identifier.value)


@given(_emails, _emails)
def test_e_mail_addresses_match_exactly_when_their_normal_forms_are_the_same(one: str, other: str) -> None:
    first, second = tolerant(Identifier.email, one), tolerant(Identifier.email, other)
    assert first.matches(other) == second.matches(one) == (first == second)


@given(_names, _names)
def test_names_match_exactly_when_they_are_hashed_the_same(one: str, other: str) -> None:
    first, second = tolerant(Identifier.name, one), tolerant(Identifier.name, other)
    assert first.matches(other) == second.matches(one) == (first.canonical() == second.canonical())


@given(_phones, _phones)
def test_telephone_numbers_match_exactly_when_their_digits_do(one: str, other: str) -> None:
    def digits(text: str) -> str:
        return "".join(filter(str.isdigit, text))

    assert tolerant(Identifier.phone, one).matches(other) == (digits(one) == digits(other))


@given(_externals, _externals)
def test_ids_match_letter_for_letter(one: str, other: str) -> None:
    identifier = tolerant(lambda text: Identifier.external("shop.customer", text), one)
    assert identifier.matches(other) == (one == other)
    assert not identifier.matches(one + " ")


@given(_identifiers)
def test_it_goes_into_the_vault_and_comes_back(identifier: Identifier) -> None:
    assert Identifier.from_dict(json.loads(json.dumps(identifier.as_dict()))) == identifier


@given(_identifiers, _identifiers)
def test_a_reference_is_stable_keyed_and_its_own(one: Identifier, other: Identifier) -> None:
    assert one.reference(KEY) == again(one).reference(KEY)
    assert one.reference(KEY) != one.reference(KEY[::-1])
    assert len(bytes.fromhex(one.reference(KEY))) == 32
    assert (one.reference(KEY) == other.reference(KEY)) == (one.canonical() == other.canonical())


def test_a_reference_is_the_one_evidence_specifies() -> None:
    """HMAC-SHA256, computed once with `openssl dgst -sha256 -hmac`."""
    expected = "1e5f169a13f3dce7055871cc4206d6b69c5b7d7e5e1bd6659e5c81b1e6376f9c"
    assert Identifier.email("Jane@Example.org").reference(b"key") == expected


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" Jane@EXAMPLE.org ", "jane@example.org"),
        ("jane+tag@example.org", "jane+tag@example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
        ('"Jane Doe"@example.org', '"jane doe"@example.org'),
        ("jane@EXÄMPLE.org", "jane@xn--exmple-cua.org"),
        ("jane@xn--exmple-cua.org", "jane@xn--exmple-cua.org"),
        ("jane@faß.de", "jane@xn--fa-hia.de"),
        ("jane@ｅｘａｍｐｌｅ.org", "jane@example.org"),  # noqa: RUF001  # full-width letters
        ("JANÉ@example.org", "jané@example.org"),
        ("jane\u0301@example.org", "jané@example.org"),
        ("علي@example.org", "علي@example.org"),
        ("x" * 64 + "@" + "y" * 60 + ".example.org", "x" * 64 + "@" + "y" * 60 + ".example.org"),
    ],
)
def test_e_mail_addresses_in_normal_form(text: str, normal: str) -> None:
    assert Identifier.email(text).value == normal


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jane@example.org", "jane@example.com"),
        ("jane@example.org", "ja.ne@example.org"),  # the dots of one provider are not everybody's
        ("jane@example.org", "jane+news@example.org"),
        ("jane@example.org", "jane@mail.example.org"),
        ("jane@example.org", "j\u0430ne@example.org"),  # a Cyrillic letter
        ("jane@example.org", "Jane <jane@example.org>"),
        ("jane@example.org", "jane@example.org,john@example.org"),
    ],
)
def test_another_address_is_another_person(one: str, other: str) -> None:
    assert not Identifier.email(one).matches(other)


@pytest.mark.parametrize(
    ("text", "region", "normal"),
    [
        ("+44 7700 900123", None, "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("0044 7700 900123", "GB", "+447700900123"),
        ("+44 (0)7700 900-123", None, "+447700900123"),
        ("tel:+44-7700-900123", None, "+447700900123"),
        ("＋４４７７００９００１２３", None, "+447700900123"),  # noqa: RUF001  # full-width digits
        ("٠١٠٠١٢٣٤٥٦٧", "EG", "+201001234567"),
        ("+39 06 698 12345", None, "+390669812345"),  # Italy keeps its zero
        ("01 23 45 67 89", "FR", "+33123456789"),
        ("011 15-2345-6789", "AR", "+5491123456789"),  # the prefix moves and changes
    ],
)
def test_telephone_numbers_in_normal_form(text: str, region: str | None, normal: str) -> None:
    assert Identifier.phone(text, region).value == normal
    assert Identifier.phone(normal).matches(text, region=region)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("07700 900123", None),
        ("112", "GB"),
        ("+44 7700 900123 ext. 5", None),
        ("+44 7700 900123 / +44 7700 900124", None),
        ("+44 7700 900123, +44 7700 900124", None),
        ("+44 7700 900123;phone-context=evil.example", None),
        ("+44 7700 900123 (ask for Jane)", None),
        ("1-800-FLOWERS", "US"),
        ("+1", None),
        ("+" + "4" * 300, None),
    ],
)
def test_what_is_not_exactly_one_number_is_refused(text: str, region: str | None) -> None:
    with pytest.raises(InvalidIdentifier):
        Identifier.phone(text, region)
    assert not Identifier.phone("+447700900123").matches(text, region=region)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_regions_own_way_of_writing_a_number_is_understood(region: str) -> None:
    number = phonenumbers.example_number(region)
    normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for form in (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
        assert Identifier.phone(phonenumbers.format_number(number, form), region).value == normal


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  Jane \u00a0  DOE ", True),
        ("JANE DOE", True),
        ("Doe, Jane", False),
        ("Jane Do", False),
        ("Jane\u200bDoe", False),
    ],
)
def test_names_match_whatever_their_case_and_spaces(text: str, same: bool) -> None:
    assert Identifier.name("Jane Doe").matches(text) == same


def test_names_of_every_script_are_taken_as_they_are() -> None:
    for name in ("علي محمد", "李小龍", "Ólafur Þórðarson", "Nuñez-O'Neil", 'Jane "JD" Doe', "علي\u200cمحمد"):
        assert Identifier.name(name).value == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1 High Street, Leeds, LS1 1AA, GB", True),
        ("1 HIGH STREET\r\nLEEDS ls1 1aa\r\nGB", True),
        ("1 High Street, Leeds, LS1 1AB, GB", False),
        ("11 High Street, Leeds, LS1 1AA, GB", False),
        ("1 High Street", False),
        ("", False),
    ],
)
def test_addresses_match_word_for_word(text: str, same: bool) -> None:
    address = Identifier.address(PostalAddress(line1="1 High Street", city="Leeds", postcode="ls1 1aa", country="GB"))
    assert address.matches(text) == same


HOSTILE = {
    "NUL": "jane{}\0@example.org",
    "line end": "jane{}\r\nBcc: x@example.org",
    "escape": "jane{}\x1b[2J@example.org",
    "lone surrogate": "jane{}\ud800@example.org",
    "right-to-left override": "jane{}\u202egro.elpmaxe@",
    "isolate": "\u2066jane{}@example.org",
    "zero-width space": "jane{}\u200b@example.org",
    "soft hyphen": "jane{}\u00ad@example.org",
    "byte order mark": "\ufeffjane{}@example.org",
    "tag character": "jane{}\U000e0041@example.org",
    "private use": "jane{}\ue000@example.org",
    "320 characters and one": "{}" + "x" * 298 + "@example.org",
    "huge": "{}" + "x" * 5_000_000,
    "empty": "",
    "spaces": " \t\n",
}
MAKERS: dict[str, Callable[[str], object]] = {
    "e-mail": Identifier.email,
    "phone": lambda text: Identifier.phone(text, "GB"),
    "name": Identifier.name,
    "external": lambda text: Identifier.external("shop.customer", text),
    "namespace": lambda text: Identifier.external(text, "17"),
    "address": lambda text: PostalAddress(line1=text),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_hostile_text_is_refused_clearly_and_never_echoed(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        make(text.format(CANARY))
    shown = "".join(traceback.format_exception(caught.value)).partition("InvalidIdentifier")[2]
    assert CANARY not in caught.value.diagnostics() + shown + repr(caught.value)
    assert caught.value.__context__ is None  # a library's error often quotes what it was given
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    "text", ["jane{}@@example.org", "{}", "jane{}@localhost", "jane{}@[127.0.0.1]", ".{}@example.org"]
)
def test_what_is_no_address_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        Identifier.email(text.format(CANARY))
    assert CANARY not in caught.value.diagnostics()
    assert caught.value.hint
    assert caught.value.__context__ is None


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_at_all_is_accepted_or_refused_without_quoting_it(before: str, after: str) -> None:
    for make in MAKERS.values():
        with contextlib.suppress(InvalidIdentifier):
            make(before)
        shown = ""
        try:
            make(before + CANARY + after)
        except InvalidIdentifier as error:
            shown = error.diagnostics()
        assert CANARY not in shown


@given(_identifiers, st.text(st.characters()))
def test_a_services_garbage_matches_nobody_and_breaks_nothing(identifier: Identifier, text: str) -> None:
    assert not identifier.matches(text + CANARY)


@given(_identifiers)
def test_no_value_is_shown(identifier: Identifier) -> None:
    assume(len(identifier.value) > 8)
    subject = Subject((identifier,))
    assert identifier.value not in repr(identifier) + str(identifier) + repr(subject) + f"{subject}"
    assert "jane" not in repr(PostalAddress(line1="jane", city="jane"))


def test_a_subject_keeps_each_identifier_once_in_the_order_they_came() -> None:
    subject = Subject.from_document(
        {
            "email": ["Jane@example.org", "jane@EXAMPLE.org", "j@example.com"],
            "phone": "07700 900123",
            "name": ["Jane Doe"],
            "address": {"line1": "1 High Street", "postcode": "ls1 1aa"},
            "external": {"shop.customer": ["17", "18"], "sagepay.vendortxcode": "ORDER=17"},
        },
        region="GB",
    )
    assert subject.emails == ("jane@example.org", "j@example.com")
    assert subject.phones == ("+447700900123",)
    assert subject.names == ("Jane Doe",)
    assert subject.addresses[0].postcode == "LS1 1AA"
    assert subject.external("shop.customer") == ("17", "18")
    assert subject.external("sagepay.vendortxcode") == ("ORDER=17",)
    assert [i.label for i in subject.identifiers][-2:] == ["shop.customer", "sagepay.vendortxcode"]
    more = Identifier.email("new@example.org")
    assert subject.widened([more, more]).emails == ("jane@example.org", "j@example.com", "new@example.org")


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        CANARY,
        17,
        {"email": []},
        {"email": None},
        {"email": 17},
        {"email": [{"address": CANARY}]},
        {"email": "jane@example.org", CANARY: 1},
        {"address": CANARY},
        {"address": {"line1": 17}},
        {"address": {CANARY: "x"}},
        {"address": {"country": "GB"}},
        {"external": [CANARY]},
        {"external": {"shop.customer": [17]}},
        {"external": {17: "x"}},
        {"external": {CANARY: "x"}},
        {"external": {"shop.customer": None}},
    ],
)
def test_a_document_that_is_none_is_refused_without_quoting_it(document: Any) -> None:
    with pytest.raises(InvalidIdentifier) as caught:
        Subject.from_document(document)
    assert CANARY not in caught.value.diagnostics()


@given(st.recursive(st.none() | st.integers() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)))
def test_any_json_at_all_is_accepted_or_refused_clearly(value: Any) -> None:
    for document in (value, {"email": value}, {"phone": value}, {"address": value}, {"external": value}):
        try:
            Subject.from_document(document)
        except InvalidIdentifier:
            continue
