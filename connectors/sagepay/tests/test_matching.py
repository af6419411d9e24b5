from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.sagepay.matching import Found, Verdict, judge, judge_related
from hub import Identifier, Match, PostalAddress, Reach, Subject

HER = "ottoline@example.org"
NAMES = st.sampled_from(["Ottoline Quill", "OTTOLINE QUILL", "Otto Quill", "Jane Doe", "Seán Ó Quill", "", "Quill"])
ADDRESSES = st.sampled_from(
    ["", HER, HER.upper(), "info@example.org", "otto@example.org", f"{HER}:otto@example.org", "not an address", "a@b@c"]
)
POSTCODES = st.sampled_from(["", "ZZ9 4ML", "zz94ml", "ZZ1 1AA"])
DETAILS = st.fixed_dictionaries(
    {
        "cardholder": NAMES,
        "customeremail": ADDRESSES,
        "billingpostcode": POSTCODES,
        "deliverypostcode": POSTCODES,
        "deliverysurname": st.sampled_from(["", "Quill", "Doe"]),
        "deliveryfirstnames": st.sampled_from(["", "Ottoline", "Otto"]),
        "billingphone": st.sampled_from(["", "+447700900142", "07700 900142", "call me"]),
    }
)
IDENTIFIERS = st.lists(
    st.sampled_from(
        [
            Identifier.email(HER),
            Identifier.email("info@example.org"),
            Identifier.name("Ottoline Quill"),
            Identifier.phone("+447700900142"),
            Identifier.address(PostalAddress(line1="4 Mill Lane", postcode="ZZ9 4ML")),
            Identifier.external("sagepay.vendortxcode", "X"),
        ]
    ),
    min_size=1,
).map(lambda identifiers: Subject(tuple(identifiers)))


@given(DETAILS, IDENTIFIERS)
def test_without_her_address_on_it_nothing_found_by_searching_is_ever_sure(
    detail: dict[str, str], subject: Subject
) -> None:
    verdict = judge(detail, subject, asked_for=False, region="GB")
    if verdict and verdict.match is Match.EXACT:
        assert any(email in detail["customeremail"].lower() for email in subject.emails)


@given(DETAILS, IDENTIFIERS)
def test_another_address_is_never_sure_even_when_asked_for_by_code(detail: dict[str, str], subject: Subject) -> None:
    verdict = judge(detail, subject, asked_for=True, region="GB")
    assert verdict is not None
    mine = any(email in detail["customeremail"].lower() for email in subject.emails)
    if subject.emails and detail["customeremail"] and not mine:
        assert not verdict.certain


@given(DETAILS, IDENTIFIERS)
def test_a_mailbox_or_a_second_reader_is_never_acted_on_by_itself(detail: dict[str, str], subject: Subject) -> None:
    detail["customeremail"] = f"info@example.org:{detail['customeremail']}"
    verdict = judge(detail, subject.widened([Identifier.email("info@example.org")]), asked_for=False, region="GB")
    assert verdict is not None
    assert verdict.reach is Reach.SHARED


@given(DETAILS, DETAILS, IDENTIFIERS, st.sampled_from(Match), st.sampled_from(Reach))
def test_a_refund_is_never_surer_than_its_origin_unless_it_bears_her_address(
    detail: dict[str, str], origin: dict[str, str], subject: Subject, match: Match, reach: Reach
) -> None:
    verdict = judge_related(detail, subject, Found(origin, Verdict(match, reach)), region="GB")
    if verdict.certain and not any(email in detail["customeremail"].lower() for email in subject.emails):
        assert (match, reach) == (Match.EXACT, Reach.SOLE)
