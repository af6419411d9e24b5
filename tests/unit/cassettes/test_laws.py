"""The laws of scrubbing: what connectors do to a value comes to the same before and after it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.normal import normal_email, normal_phone
from hub.testing.cassettes.bodies import rewrite
from hub.testing.cassettes.census import Census
from hub.testing.cassettes.places import Place
from hub.testing.cassettes.scrubbing import Scrubber
from hub.testing.cassettes.standins import DRAMA, StandIns

KEY = b"k" * 32
WORD = st.text("abcdefghijklmnopqrstuvwxyzéíñß", min_size=2, max_size=10) | st.sampled_from(
    ["王小明", "Щёголева", "محمد"]
)
LATIN = st.text("abcdefghijklmnopqrstuvwxyzABCDEéíñ", min_size=2, max_size=10)
LOCAL = st.lists(st.text("abcdefgxyz0123456789", min_size=1, max_size=8), min_size=1, max_size=3).map(".".join)
EMAIL = st.builds("{}@{}".format, LOCAL, st.sampled_from(["example.org", "gmail.com", "mail.depot-people.net", "a.co"]))
MOBILE = st.integers(7_400_000_000, 7_599_999_999).map(lambda number: f"+44{number}")
OTHER = st.integers(1_512_000_000, 1_799_999_999).map(lambda number: f"+49{number}")
POSTCODE = st.from_regex(r"[A-Z]{2}[1-9][0-9] [0-9][A-Z]{2}", fullmatch=True)
GUID = st.uuids().map(str)


def masks(kind: str = "", values: Iterable[str] = ()) -> StandIns:
    """The stand-ins of a recording that holds these values."""
    census = Census()
    for value in values:
        getattr(census, kind)(value)
    return StandIns(census.everything(), region="GB", key=KEY)


@given(st.sets(EMAIL, min_size=2, max_size=30))
def test_addresses_stay_apart_and_stay_addresses(emails: set[str]) -> None:
    given_ = masks("email", emails)
    found = {email: given_.email(email) for email in emails}
    assert len(set(found.values())) == len(emails)
    assert not set(found.values()) & emails
    for email, stand_in in found.items():
        assert normal_email(stand_in) == stand_in
        assert stand_in.endswith(".example.org")
        assert given_.email(email) == stand_in
        assert given_.email(stand_in) == stand_in
        assert given_.email(email.upper()).lower() == stand_in


@given(st.sets(MOBILE | OTHER, min_size=2, max_size=30))
def test_numbers_stay_apart_and_stay_numbers_that_ring_nowhere(phones: set[str]) -> None:
    given_ = masks("phone", phones)
    found = {phone: given_.phone(phone) for phone in phones}
    assert len(set(found.values())) == len(phones)
    for phone, stand_in in found.items():
        assert normal_phone(stand_in) == stand_in
        assert stand_in.startswith(tuple(f"+44{beginning}" for beginning in DRAMA))
        assert given_.phone(stand_in) == stand_in
        if phone.startswith("+44"):
            for written in (
                f"0{phone[3:]}",
                f"0{phone[3:7]} {phone[7:]}",
                f"0044 {phone[3:]}",
                phone.removeprefix("+"),
            ):
                assert normal_phone(given_.phone(written, phone), "GB") == stand_in


def test_nobody_is_given_the_number_of_somebody_else_in_the_recording() -> None:
    """Sandboxes are peopled from the very ranges that stand-ins come from."""
    phones = {f"+447700900{number:03}" for number in range(300)}
    given_ = masks("phone", phones)
    assert not {given_.phone(phone) for phone in phones} & phones


@given(st.lists(LATIN | WORD, min_size=2, max_size=20, unique_by=str.casefold))
def test_a_name_is_made_of_the_stand_ins_of_its_words(words: list[str]) -> None:
    given_ = masks("name", words)
    parts = [given_.name(word) for word in words]
    assert given_.name(" ".join(words)) == " ".join(parts)
    assert [given_.name(part) for part in parts] == parts
    for word, part in zip(words, parts, strict=True):
        assert part != word
        assert part.isascii() == word.isascii()
        assert given_.name(word.lower()) == part.lower() or not word.isascii()
        if word.isascii():
            assert len(part) == len(word)
            assert given_.name(word.upper()) == part.upper()
            assert given_.name(word.title()) == part.title()


@given(st.sets(POSTCODE, min_size=2, max_size=20))
def test_a_postcode_keeps_its_form_and_may_lose_its_space_and_its_case(codes: set[str]) -> None:
    given_ = masks()
    found = {code: given_.code(code) for code in codes}
    assert len(set(found.values())) == len(codes)
    for code, stand_in in found.items():
        assert [c.isdigit() for c in stand_in] == [c.isdigit() for c in code]
        assert given_.code(code.replace(" ", "").lower()) == stand_in.replace(" ", "").lower()


@given(st.sets(GUID | st.text("abcXYZ012", min_size=12, max_size=40), min_size=2, max_size=20))
def test_ids_that_look_like_keys_become_zeros_and_a_number(ids: set[str]) -> None:
    given_ = masks()
    found = [given_.opaque(each) for each in ids]
    assert len({each.replace("-", "") for each in found}) == len(found)
    for each, stand_in in zip(ids, found, strict=True):
        assert stand_in.startswith("0000")
        assert len(stand_in) == len(each)
        assert given_.opaque(stand_in) == stand_in
    for guid in filter(lambda each: "-" in each, ids):
        assert given_.opaque(guid.upper()) == given_.opaque(guid) == given_.opaque(f"{{{guid}}}").strip("{}")


VALUES = {"email": EMAIL, "phone": MOBILE, "first_name": LATIN, "postal_code": POSTCODE, "token": GUID}
OTHERS = st.none() | st.booleans() | st.integers(-99_999, 99_999) | st.floats(allow_nan=False, allow_infinity=False)
ROW = st.fixed_dictionaries(VALUES, optional={"status": st.sampled_from(["open", "closed"]), "count": OTHERS})
DOCUMENT = st.lists(ROW, min_size=1, max_size=5)


def scrub(document: Any) -> tuple[Any, Scrubber]:
    """As a recording is: a census first."""
    text, census = json.dumps(document), Census()
    rewrite(text, "application/json", Scrubber(census, {}, region="GB"))
    scrubber = Scrubber(StandIns(census.everything(), region="GB", key=KEY), {}, census, region="GB")
    return json.loads(rewrite(text, "application/json", scrubber)), scrubber


@given(DOCUMENT)
def test_a_document_keeps_its_structure_and_what_is_nobodys(document: list[dict[str, Any]]) -> None:
    scrubbed, _ = scrub(document)
    assert [list(row) for row in scrubbed] == [list(row) for row in document]
    for before, after in zip(document, scrubbed, strict=True):
        assert {name for name in before if before[name] == after[name]} == set(before) - set(VALUES)


@given(DOCUMENT)
def test_scrubbing_twice_is_scrubbing_once(document: list[dict[str, Any]]) -> None:
    scrubbed, scrubber = scrub(document)
    assert json.loads(rewrite(json.dumps(scrubbed), "application/json", scrubber)) == scrubbed


@given(DOCUMENT)
def test_values_are_equal_after_it_exactly_where_they_were_before(document: list[dict[str, Any]]) -> None:
    scrubbed, _ = scrub(document)
    for name in VALUES:
        before, after = [row[name] for row in document], [row[name] for row in scrubbed]
        for i, one in enumerate(before):
            for j, other in enumerate(before):
                assert (one == other) == (after[i] == after[j])


@given(EMAIL, LATIN, st.sampled_from(["md5", "sha1", "sha256", "sha512"]))
def test_a_hash_becomes_the_hash_of_the_stand_in(email: str, name: str, algorithm: str) -> None:
    def hashed(text: str) -> str:
        return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

    scrubbed, _ = scrub({"email": email, "id": hashed(email), "link": f"/members/{hashed(email)}", "first_name": name})
    assert scrubbed["id"] == hashed(scrubbed["email"])
    assert scrubbed["link"] == f"/members/{scrubbed['id']}"


@given(st.text(max_size=60))
def test_no_text_stops_it(text: str) -> None:
    scrubbed, scrubber = scrub({"note": text, "other": text, text: 1})
    assert len(scrubbed) <= 3
    for media_type in ("text/plain", "text/xml", "text/csv", "application/x-www-form-urlencoded", ""):
        rewrite(text, media_type, scrubber)
    assert isinstance(scrubber(text, Place()), str)
