"""What can stand in evidence: every type and field documented, every form tight, no room for a person."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.evidence.events import EXCHANGE, FIRST_PREV, FORMS, TYPES, Event, digest, disclose, event, leaf_hash

PAGE = (Path(__file__).parents[2] / "docs/evidence-events.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SHA = "0123456789abcdef" * 4
CANARIES = (
    "jane.canary@example.org",
    "jane.canary%40example.org",
    "Jane Canary",
    "Jäne Canary",
    "+44 7700 900123",
    "+447700900123",
    "https://example.org/?q=jane",
    'Vendor says: "no such member"',
    "two\nlines",
)
EXCHANGED = {
    "method": "GET",
    "host": "us21.api.mailchimp.com",
    "url_template": "/3.0/lists/{list_id}",
    "status": 404,
    "vendor_request_id": None,
    "vendor_date": "Mon, 02 Mar 2026 09:00:00 GMT",
    "tls_spki_sha256": "none",
    "via": "sandbox",
    "request_hmac": None,
    "response_hmac": SHA,
    "ms": 12,
}
EXAMPLES: dict[str, Any] = {
    "right": "access+erasure",
    "basis": "GDPR Art. 17(1)(b)",
    "subject": [SHA],
    "channel": "portal",
    "received": "2026-03-02T09:00:00.000Z",
    "verified_by": "portal_login",
    "instance": "crm_eu",
    "account": "acct-17",
    "operation": "erase",
    "step": "crm_eu.3",
    "attempt": 1,
    "holding": 1,
    "kind": "member",
    "categories": ["contact"],
    "match": "exact",
    "reach": "sole",
    "coverage": {"email": "exact", "salesforce.contact": "none"},
    "outcome": "done",
    "method": "deleted",
    "count": 3,
    "confirmation": "gone",
    "reason": "answer_lost",
    "connector": "mailchimp",
    "connector_version": "0.1.0+local.1",
    "exchanges": [EXCHANGED],
    "ground": "UK GDPR Art. 17(3)(b); VAT Act 1994 Sch 11 para 6(3)",
    "until": "2032-03-02",
    "backups_until": "2026-06-01",
    "by": "0123456789abcdef" * 2,
    "decision": "approved",
    "systems": [{"instance": "paper", "mode": "manual", "reason": "no_api"}],
    "identifiers": [{"kind": "email", "used": 1, "dropped": 0}],
    "settings_sha256": SHA,
    "code_sha256": SHA,
    "checkpoint_sha256": SHA,
    "events": 12,
}
COUNTS = ("attempt", "holding", "count", "events")


def whole(type_: str) -> dict[str, Any]:
    """Every field the type can have."""
    form = TYPES[type_]
    return {name: EXAMPLES[name] for name in sorted(form.required | form.optional)}


def test_every_field_belongs_to_some_type_and_has_an_example() -> None:
    used = {name for form in TYPES.values() for name in form.required | form.optional}
    assert used == set(FORMS) == set(EXAMPLES)


@pytest.mark.parametrize("type_", TYPES)
def test_the_page_says_which_fields_a_type_has(type_: str) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(type_)}` \| [^|]+ \|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
    told = [set(re.findall(r"`([a-z0-9_]+)`", cell)) for cell in row]
    assert told == [set(TYPES[type_].required), set(TYPES[type_].optional)]


@pytest.mark.parametrize("name", [*FORMS, *EXCHANGE])
def test_the_page_says_what_a_field_means(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| \S.{{9,}} \|$", PAGE, re.MULTILINE)


def test_the_page_names_no_type_or_field_that_there_is_not() -> None:
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \|", PAGE, re.MULTILINE)
    always = {"salt", "type", "at", "request", "seq", "prev"}
    assert set(rows) == set(TYPES) | set(FORMS) | set(EXCHANGE) | always


@pytest.mark.parametrize("type_", TYPES)
def test_a_type_takes_its_fields_and_no_others(type_: str) -> None:
    fields = whole(type_)
    assert event(type_, **fields) == Event(type_, fields)
    for name in TYPES[type_].required:
        with pytest.raises(ValueError, match=f"{type_} lacks .*{name}"):
            event(type_, **fields | {name: None})
    for name in sorted(set(FORMS) - set(fields)):
        with pytest.raises(ValueError, match=f"{type_} has no fields .*{name}"):
            event(type_, **fields, **{name: EXAMPLES[name]})


@given(
    data=st.data(),
    type_=st.sampled_from(sorted(TYPES)),
    canary=st.sampled_from(CANARIES),
    around=st.sampled_from(["{}", "x{}", "{}x", "x {} x", "crm.{}", "2026-03-02{}"]),
)
def test_no_field_takes_a_person_and_no_refusal_quotes_one(
    data: st.DataObject, type_: str, canary: str, around: str
) -> None:
    fields = whole(type_)
    name = data.draw(st.sampled_from(sorted(fields)))
    planted = around.format(canary)
    assert_refused(type_, fields, name, data.draw(st.sampled_from([planted, [planted], {planted: "exact"}])), canary)


@given(data=st.data(), canary=st.sampled_from(CANARIES))
def test_no_part_of_an_exchange_takes_a_person(data: st.DataObject, canary: str) -> None:
    part = data.draw(st.sampled_from(sorted(EXCHANGE)))
    for value in (canary, f"/{canary}", [canary]):
        assert_refused("find.covered", whole("find.covered"), "exchanges", [EXCHANGED | {part: value}], canary)


def assert_refused(type_: str, fields: dict[str, Any], name: str, value: Any, canary: str) -> None:
    citation = name == "ground" and canary in {"Jane Canary", "Jäne Canary", 'Vendor says: "no such member"'}
    if citation or (name == "ground" and canary.startswith(("https", "jane.canary%"))):
        return  # words of a law are words; they come from a connector or the settings, never from a request
    with pytest.raises(ValueError, match="does not have its form") as caught:
        event(type_, **fields | {name: value})
    assert canary not in str(caught.value)


@given(st.one_of(st.text(), st.floats(), st.booleans(), st.integers(max_value=-1), st.just(2**53)))
def test_a_count_is_a_whole_number_that_every_reader_of_json_can_hold(value: Any) -> None:
    for name in COUNTS:
        assert not FORMS[name](value)


@pytest.mark.parametrize("path", ["/members/447700900123", "/members/jane@example.org", "/a?b=c", "members", "/a b"])
def test_a_path_with_a_value_in_it_is_no_template(path: str) -> None:
    assert not EXCHANGE["url_template"](path)


def test_a_disclosure_is_canonical_json_and_its_leaf_commits_to_it() -> None:
    """RFC 8785: keys sorted, no spaces. The expected bytes and hashes were computed with sha256sum."""
    made = disclose(
        event("request.verified", verified_by="portal_login"), request="0a", seq=2, prev=SHA, salt=SHA, at=NOW
    )
    assert (
        made
        == (
            f'{{"at":"2026-03-02T09:00:00.000Z","prev":"{SHA}","request":"0a","salt":"{SHA}","seq":2,'
            '"type":"request.verified","verified_by":"portal_login"}'
        ).encode()
    )
    assert digest(made) == "d19ff49c83d57768e3806c51118a9dfa705cfa3ce81ed8c3e90a952bb3439852"
    assert leaf_hash(made).hex() == "6468423b41c1091c86b13779fd2abcc3cfe0f66e1778cc7cae10840e15087a5e"
    assert set(json.loads(made)) == {"salt", "type", "at", "request", "seq", "prev", "verified_by"}
    assert FIRST_PREV == "0" * 64
