from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connectors.sagepay.sandbox.stock import guid
from hub import (
    ContractError,
    Coverage,
    Holding,
    Identifier,
    Learned,
    Match,
    PostalAddress,
    Reach,
    Role,
    Search,
    Subject,
)
from hub.testing.town import Town

if TYPE_CHECKING:
    from connectors.sagepay.tests.conftest import Account

GUID = guid("main's card")
CARD, SHARED = f"token:{GUID}", "token:" + guid("the household's card")
SURE = (Match.EXACT, Reach.SOLE)


def verdicts(held: dict[str, Holding]) -> dict[str, tuple[Match, Reach]]:
    return {name: (holding.match, holding.reach) for name, holding in held.items()}


def codes(*values: str) -> Subject:
    return Subject(tuple(Identifier.external("sagepay.vendortxcode", value) for value in values))


def coverage(account: Account, subject: Subject, **changes: object) -> Coverage:
    *_, last = account.find(subject, **changes)
    assert isinstance(last, Coverage)
    return last


def test_the_person_is_found_under_both_addresses_with_refunds_and_failed_attempts(
    account: Account, town: Town
) -> None:
    found = verdicts(account.holdings(town.main.subject()))
    assert found == {
        CARD: SURE,
        SHARED: (Match.EXACT, Reach.SHARED),  # the household pays with it too
        "LAMP-1001": SURE,
        "LAMP-1001-REFUND": SURE,  # no address on it: it is hers because its origin is
        "LAMP-1002": SURE,
        "LAMP-1003": SURE,
        "LAMP-1005": (Match.POSSIBLE, Reach.SOLE),  # surname and postcode, no address
        "LAMP-1006": (Match.POSSIBLE, Reach.SOLE),  # delivered to her, paid by somebody else
    }


def test_tokens_come_first_and_coverage_last_and_once(account: Account, town: Town) -> None:
    found = account.find(town.main.subject())
    kinds = [item.kind for item in found if isinstance(item, Holding)]
    assert kinds == sorted(kinds)
    assert [isinstance(item, Coverage) for item in found] == [False] * (len(found) - 1) + [True]


def test_who_must_decide_gets_hints_and_what_is_certain_carries_none(account: Account, town: Town) -> None:
    held = account.holdings(town.main.subject())
    assert held["LAMP-1005"].hints["card holder"] == town.person("p02").name
    assert held["LAMP-1006"].role is Role.MENTIONED
    assert not held["LAMP-1001"].hints
    assert all(value not in repr(held) for value in (*town.main.emails, town.main.family, guid("LAMP-1001")))


def test_neighbours_are_never_acted_on_by_themselves(account: Account, town: Town) -> None:
    for person in town.neighbours:
        held = account.holdings(person.subject())
        mine = {e["vpstxid"] for e in account.sandbox.stock.transactions if e.get("customeremail") == person.email}
        sure = {h.key.removeprefix("transaction:") for h in held.values() if h.kind == "transaction" and h.certain}
        assert sure == mine, person.id


def test_a_payment_by_a_mailbox_several_people_read_is_shared(account: Account, town: Town) -> None:
    info = Identifier.email(town.mailboxes[0].email)
    held = account.holdings(town.person("p09").subject().widened([info]))
    assert verdicts(held)["LAMP-1020"] == (Match.EXACT, Reach.SHARED)


def test_an_address_alone_cannot_be_searched_for_unless_everything_is_swept(account: Account, town: Town) -> None:
    subject = Subject((Identifier.email(town.main.email),))
    (only,) = account.find(subject)
    assert isinstance(only, Coverage)
    assert only.of(subject.identifiers[0]) is Search.NONE
    found = account.holdings(subject, sweep=True)
    assert {"LAMP-1001", "LAMP-1001-REFUND", "LAMP-1003"} <= found.keys()
    assert coverage(account, subject, sweep=True).of(subject.identifiers[0]) is Search.SCAN


def test_names_and_addresses_are_an_index_and_codes_exact(account: Account, town: Town) -> None:
    searched = coverage(account, town.main.subject())
    by = {i.kind.value: searched.of(i) for i in town.main.subject().identifiers}
    assert by == {"email": Search.NONE, "phone": Search.NONE, "name": Search.INDEX, "address": Search.INDEX}
    assert searched.of(Identifier.external("sagepay.vendortxcode", "X")) is Search.EXACT
    token = Identifier.external("sagepay.token", "X")
    assert searched.of(token) is Search.EXACT
    assert coverage(account, town.main.subject(), admin=False).of(token) is Search.NONE


def test_a_known_code_reaches_what_is_older_than_the_searched_period(account: Account, town: Town) -> None:
    assert "LAMP-0001" not in account.holdings(town.main.subject())
    assert verdicts(account.holdings(codes("LAMP-0001"))) == {"LAMP-0001": SURE}


def test_a_mistyped_code_is_a_strangers_and_waits_for_a_decision(account: Account, town: Town) -> None:
    wrong = town.main.subject().widened(codes("LAMP-1008").identifiers)  # the namesake's
    assert verdicts(account.holdings(wrong))["LAMP-1008"] == (Match.POSSIBLE, Reach.SOLE)
    by_name = Subject((Identifier.name("Ottoline Quillfeather"), *codes("LAMP-1010").identifiers))
    assert verdicts(account.holdings(by_name))["LAMP-1010"] == (Match.POSSIBLE, Reach.SOLE)


def test_an_address_used_before_is_possible_where_full_name_and_postcode_fit(account: Account, town: Town) -> None:
    account.entry("LAMP-1003").update({"customeremail": "old.account@example.net", "billingphone": ""})
    assert verdicts(account.holdings(town.main.subject()))["LAMP-1003"] == (Match.POSSIBLE, Reach.SOLE)
    account.entry("LAMP-1003")["billingpostcode"] = "ZZ1 1AA"
    assert "LAMP-1003" not in account.holdings(town.main.subject())


def test_a_payment_from_the_office_mailbox_is_possible_where_full_name_and_telephone_fit(
    account: Account, town: Town
) -> None:
    gabriel = town.person("p09")
    assert verdicts(account.holdings(gabriel.subject())) == {"LAMP-1020": (Match.POSSIBLE, Reach.SOLE)}
    account.entry("LAMP-1020")["billingphone"] = "+447700900999"
    assert account.holdings(gabriel.subject()) == {}


def test_somebody_elses_name_beside_her_address_makes_it_shared(account: Account, town: Town) -> None:
    account.entry("LAMP-1003").update(
        {"cardholder": "Gabriel Oakes", "billingsurname": "Oakes", "billingfirstnames": "G"}
    )
    found = verdicts(account.holdings(town.main.subject()))
    assert found["LAMP-1003"] == (Match.EXACT, Reach.SHARED)


def test_a_second_address_on_a_payment_makes_it_shared(account: Account, town: Town) -> None:
    account.entry("LAMP-1003")["customeremail"] = f"{town.main.email}:jane.doe@example.org"
    assert verdicts(account.holdings(town.main.subject()))["LAMP-1003"] == (Match.EXACT, Reach.SHARED)


def test_a_refund_with_somebody_elses_address_waits_for_a_decision(account: Account, town: Town) -> None:
    account.entry("LAMP-1001-REFUND")["customeremail"] = "jane.doe@example.org"
    assert verdicts(account.holdings(codes("LAMP-1001")))["LAMP-1001-REFUND"] == (Match.POSSIBLE, Reach.SOLE)


def test_a_refund_leads_to_its_origin(account: Account) -> None:
    assert {"LAMP-1001", CARD} <= account.holdings(codes("LAMP-1001-REFUND")).keys()


def test_a_card_that_also_paid_for_a_present_to_her_is_shared(account: Account, town: Town) -> None:
    account.entry("LAMP-1006")["token"] = account.entry("LAMP-1001")["token"]
    assert verdicts(account.holdings(town.main.subject()))[CARD] == (Match.EXACT, Reach.SHARED)


def test_a_token_the_shop_knows_is_found_when_it_exists(account: Account) -> None:
    known, unknown = f"{{{GUID}}}", "{00000000-1111-2222-3333-444444444444}"
    subject = Subject(tuple(Identifier.external("sagepay.token", t) for t in (known, unknown)))
    assert verdicts(account.holdings(subject)) == {CARD: SURE}
    stranger = subject.widened([Identifier.name("Jane Doe")])
    assert verdicts(account.holdings(stranger))[CARD] == (Match.POSSIBLE, Reach.SOLE)  # another name on the card


def test_without_an_administrator_a_known_token_is_never_called_absent(account: Account) -> None:
    token = Identifier.external("sagepay.token", "{00000000-1111-2222-3333-444444444444}")
    reader = {"user": "reader", "password": "Sandbox-2", "admin": False}
    assert len(account.holdings(Subject((token,)), **reader)) == 1


def test_only_sure_payments_teach_and_only_what_is_new(account: Account, town: Town) -> None:
    def taught(subject: Subject) -> list[Identifier]:
        return [item.identifier for item in account.find(subject) if isinstance(item, Learned)]

    assert taught(codes("LAMP-1001")) == []  # no name to check a mistyped code by
    named = codes("LAMP-1001").widened([Identifier.name(town.main.name)])
    assert taught(named) == [Identifier.email(town.main.email), Identifier.phone(town.main.phones[0])]
    assert taught(town.main.subject()) == []
    assert taught(Subject((Identifier.address(town.main.address),))) == []  # type: ignore[arg-type]


HOSTILE = ["a&b", "<vendor>x</vendor>", "]]>", "'\"; DROP", "Zoë", "العربية", "\U0001f4b3"]
HOSTILE += ["x" * 290, "&#38;", "%26", "{"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_identifiers_are_asked_for_as_they_are_and_find_nothing_else(account: Account, value: str) -> None:
    subject = Subject(
        (
            Identifier.name(f"X {value}"),
            Identifier.external("sagepay.vendortxcode", value),
            Identifier.external("sagepay.vpstxid", value),
            Identifier.external("sagepay.token", value),
            Identifier.address(PostalAddress(postcode=value)),
        )
    )
    assert account.holdings(subject) == {}
    account.entry("LAMP-1011")["vendortxcode"] = value
    assert [h.kind for h in account.holdings(Subject((subject.identifiers[1],))).values()] == ["transaction"]


@pytest.mark.parametrize("person", ["p10", "p11", "p12", "p13"])
def test_names_in_any_script_are_found(account: Account, town: Town, person: str) -> None:
    held = account.holdings(town.person(person).subject())
    assert [h.match for h in held.values()] == [Match.EXACT]


def test_more_rows_than_a_page_are_all_read(account: Account, town: Town) -> None:
    for number in range(173):
        account.sandbox.stock.pay(f"MANY-{number:03}", town.main, 10)
    held = account.holdings(town.main.subject())
    assert sum(name.startswith("MANY-") for name in held) == 173


def test_a_payment_dated_in_another_time_zone_at_either_end_is_not_missed(account: Account, town: Town) -> None:
    account.sandbox.stock.pay("FIRST", town.main, 41)
    account.sandbox.stock.pay("LAST", town.main, -1)
    since = account.clock.now().date() - timedelta(days=40)
    assert {"FIRST", "LAST"} <= account.holdings(town.main.subject(), search_from=since).keys()


def many(account: Account, town: Town, count: int) -> None:
    for number in range(count):
        account.sandbox.stock.pay(f"MANY-{number:03}", town.main, 10)


def test_a_list_without_its_total_is_read_to_its_end(account: Account, town: Town) -> None:
    many(account, town, 150)
    account.sandbox.quirks.add("uncounted")
    assert sum(name.startswith("MANY-") for name in account.holdings(town.main.subject())) == 150


def test_a_service_that_ignores_the_end_of_a_page_is_read_once(account: Account, town: Town) -> None:
    many(account, town, 150)
    account.sandbox.quirks |= {"uncounted", "unpaged"}
    assert sum(name.startswith("MANY-") for name in account.holdings(town.main.subject())) == 150


def test_a_service_that_ignores_paging_is_told_from_a_complete_list(account: Account, town: Town) -> None:
    many(account, town, 150)
    account.sandbox.quirks |= {"uncounted", "stuck"}
    with pytest.raises(ContractError, match="last row"):
        account.find(town.main.subject())


def test_a_list_shorter_than_its_total_is_not_complete(account: Account, town: Town) -> None:
    account.sandbox.quirks.add("short")
    with pytest.raises(ContractError, match="last row"):
        account.find(town.main.subject())


def test_a_row_without_an_id_is_not_skipped_silently(account: Account, town: Town) -> None:
    account.entry("LAMP-1008").update({"vpstxid": "", "vendortxcode": ""})
    with pytest.raises(ContractError, match="without an id"):
        account.find(town.main.subject())
