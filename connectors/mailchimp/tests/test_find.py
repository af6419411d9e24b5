"""Finding the right person, and no one else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.mailchimp import api
from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from connectors.mailchimp.sandbox.account import FAIR, NEWS, OUTLET, SHOP, hash_of, member
from hub import (
    ContractError,
    Coverage,
    Holding,
    Identifier,
    Learned,
    Match,
    Reach,
    Search,
    Subject,
)
from hub.testing.faults import Fault, Garbage
from hub.testing.harness import Bench, workbench
from hub.testing.serving import Received, Sent
from hub.testing.town import TOWN

Held = Callable[[Subject], list[Holding]]
MAIN = TOWN.main


def by_email(*emails: str) -> Subject:
    return Subject(tuple(map(Identifier.email, emails)))


def places(holdings: list[Holding]) -> list[tuple[str, str]]:
    return [(h.kind, h.locator.get("audience") or f"{h.locator['store']}:{h.locator['id']}") for h in holdings]


def test_finds_a_person_under_both_addresses_children_first(held: Held) -> None:
    assert places(held(MAIN.subject())) == [
        ("cart", f"{SHOP}:cart/cust/01?x"),
        ("cart", f"{SHOP}:cart/guest#17"),
        ("order", f"{SHOP}:order of cust/01?x"),
        ("order", f"{SHOP}:order of guest#17"),
        ("customer", f"{SHOP}:cust/01?x"),
        ("customer", f"{SHOP}:guest#17"),
        ("cart", f"{OUTLET}:cart/7"),
        ("order", f"{OUTLET}:order of 7"),
        ("customer", f"{OUTLET}:7"),
        ("member", NEWS),
        ("member", FAIR),
    ]


def test_knowing_one_address_finds_what_stands_under_that_one_alone(held: Held) -> None:
    assert {h.locator.get("audience", h.locator.get("store")) for h in held(by_email(MAIN.emails[1]))} == {FAIR, OUTLET}


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"])
def test_finds_a_member_of_any_status(status: str, held: Held, sandbox: MailchimpSandbox) -> None:
    sandbox.account.audiences[NEWS].members[hash_of(MAIN.email)]["status"] = status
    assert ("member", NEWS) in places(held(by_email(MAIN.email)))


@pytest.mark.parametrize("person", [p for p in TOWN if p is not MAIN], ids=lambda p: p.id)
def test_a_neighbour_is_found_as_themselves_alone(person: Any, held: Held, sandbox: MailchimpSandbox) -> None:
    mine = {h.key for h in held(MAIN.subject())}
    theirs = held(by_email(*person.emails))
    assert theirs
    assert not mine & {h.key for h in theirs}
    assert {h.locator["hash"] for h in theirs if h.kind == "member"} == {hash_of(person.email)}


def test_letter_case_and_spaces_do_not_hide_anyone(held: Held) -> None:
    assert len(held(by_email("  OTTOLINE.Quillfeather@EXAMPLE.org "))) == 7


def test_an_address_nobody_has_finds_nothing_and_says_how_it_was_looked_for(bench: Bench[Mailchimp]) -> None:
    (said,) = bench.processor.find(by_email("nobody.at.all@example.org"))
    assert isinstance(said, Coverage)
    assert said.of(Identifier.email("x@example.org")) is Search.EXACT
    assert said.of(Identifier.phone("+447700900142")) is Search.NONE
    assert said.of(Identifier.name("Anna Any")) is Search.NONE


def test_someone_known_by_name_and_telephone_alone_is_not_searched_for(bench: Bench[Mailchimp]) -> None:
    subject = Subject((Identifier.name(MAIN.name), Identifier.phone(MAIN.phones[0])))
    (said,) = bench.processor.find(subject)
    assert isinstance(said, Coverage)
    assert {said.of(identifier) for identifier in subject.identifiers} == {Search.NONE}


@pytest.mark.parametrize("address", ["info@larkspur.example.org", "INFO+shop@larkspur.example.org"])
def test_a_shared_mailbox_waits_for_a_person(address: str, held: Held, sandbox: MailchimpSandbox) -> None:
    news = sandbox.account.audiences[NEWS]
    news.members.setdefault(hash_of(address), member(news, address, "subscribed", {}, 900))
    (found,) = held(by_email(address))
    assert found.reach is Reach.SHARED
    assert not found.certain
    assert found.hints["address"] == address


def test_settings_can_name_further_shared_mailboxes(open_bench: Any) -> None:
    bench = open_bench(shared_mailboxes=["Jane.Doe@example.org"])
    found = [h for h in bench.processor.find(by_email("jane.doe@example.org")) if isinstance(h, Holding)]
    assert [h.reach for h in found] == [Reach.SHARED]


def test_a_shared_mailbox_teaches_nothing(bench: Bench[Mailchimp]) -> None:
    found = list(bench.processor.find(by_email(TOWN.mailboxes[0].email)))
    assert not [f for f in found if isinstance(f, Learned)]


def test_an_exact_member_teaches_telephone_and_mailchimps_own_id(bench: Bench[Mailchimp]) -> None:
    learned = {f.identifier for f in bench.processor.find(by_email(MAIN.email)) if isinstance(f, Learned)}
    assert learned == {
        Identifier.phone("+447700900142"),
        Identifier.external("mailchimp.unique_email", "0000000001"),
    }


def test_what_is_no_telephone_number_teaches_nothing(bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    merge = sandbox.account.audiences[NEWS].members[hash_of(MAIN.email)]["merge_fields"]
    for nonsense in ("call me", "", None, {"n": 1}, "0"):
        merge["PHONE"] = nonsense
        learned = [f.identifier for f in bench.processor.find(by_email(MAIN.email)) if isinstance(f, Learned)]
        assert [i.namespace for i in learned] == ["mailchimp.unique_email"]


def test_mailchimps_own_id_finds_the_member_and_teaches_the_address(
    bench: Bench[Mailchimp], sandbox: MailchimpSandbox
) -> None:
    sandbox.account.audiences[NEWS].members[hash_of(MAIN.email)]["status"] = "archived"
    found = list(bench.processor.find(Subject((Identifier.external("mailchimp.unique_email", "0000000001"),))))
    assert [f.locator["hash"] for f in found if isinstance(f, Holding)] == [hash_of(MAIN.email)]
    assert Learned(Identifier.email(MAIN.email)) in found


def test_a_telephone_number_is_scanned_for_where_settings_say_so_and_never_certain(open_bench: Any) -> None:
    bench = open_bench(phone_tags=["PHONE"])
    found = list(bench.processor.find(Subject((Identifier.phone("+442079460158"),))))
    (holding,) = [f for f in found if isinstance(f, Holding)]
    assert holding.match is Match.POSSIBLE
    assert holding.locator["hash"] == hash_of(TOWN.person("p02").email)
    assert holding.hints["name"] == "Otto Quillfeather"
    assert not [f for f in found if isinstance(f, Learned)]
    assert isinstance(found[-1], Coverage)
    assert found[-1].searched["phone"] is Search.SCAN


def test_a_household_number_beside_an_address_leaves_the_other_to_a_person(open_bench: Any) -> None:
    bench = open_bench(phone_tags=["PHONE"])
    found = [f for f in bench.processor.find(MAIN.subject()) if isinstance(f, Holding) and f.kind == "member"]
    assert {(h.locator["hash"], h.certain) for h in found} == {
        (hash_of(MAIN.emails[0]), True),
        (hash_of(MAIN.emails[1]), True),
        (hash_of("otto.quillfeather@example.org"), False),
    }


def test_national_numbers_and_the_archived_are_scanned_too(open_bench: Any, sandbox: MailchimpSandbox) -> None:
    janedoe = sandbox.account.audiences[NEWS].members[hash_of("janedoe@example.org")]
    janedoe["status"], janedoe["merge_fields"]["PHONE"] = "archived", "07700 900 303"
    found = open_bench(phone_tags=["PHONE"]).processor.find(Subject((Identifier.phone("+447700900303"),)))
    assert [f.locator["hash"] for f in found if isinstance(f, Holding)] == [janedoe["id"]]


def test_reads_every_page(held: Held, sandbox: MailchimpSandbox) -> None:
    shop = sandbox.account.stores[SHOP]
    last = shop.carts.pop("cart/guest#17")
    theirs = shop.carts["cart/cust/02"]
    shop.carts |= {f"c{n}": theirs | {"id": f"c{n}"} for n in range(2_300)}
    shop.carts["at the end"] = last | {"id": "at the end"}
    assert ("cart", f"{SHOP}:at the end") in places(held(MAIN.subject()))


def test_a_server_that_repeats_a_page_for_ever_is_an_error(bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    page = '{"lists": [{"id": "a", "name": "A"}], "total_items": 5}'
    sandbox.faults.add(Fault("GET /3.0/lists", Garbage(page, media_type="application/json"), nth=None))
    with pytest.raises(ContractError, match="repeats"):
        list(bench.processor.find(by_email(MAIN.email)))


def test_a_collection_that_ends_before_its_own_total_is_an_error(
    bench: Bench[Mailchimp], sandbox: MailchimpSandbox
) -> None:
    page = '{"stores": [], "total_items": 1}'
    sandbox.faults.add(Fault("GET /3.0/ecommerce/stores", Garbage(page, media_type="application/json")))
    with pytest.raises(ContractError, match="before its own total"):
        list(bench.processor.find(by_email(MAIN.email)))


def test_a_cached_answer_about_somebody_else_is_an_error(bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    members = sandbox.account.audiences[NEWS].members
    members[hash_of(MAIN.email)] = members[hash_of("jane.doe@example.org")]
    with pytest.raises(ContractError, match="is not the member"):
        list(bench.processor.find(by_email(MAIN.email)))


class Unfiltered(MailchimpSandbox):
    """Ignores every filter, as a service does that has renamed a parameter."""

    def respond(self, received: Received) -> Sent:
        target = re.sub(r"(email_address|customer_id|unique_email_id)=", "ignored=", received.target)
        return super().respond(replace(received, target=target))


def test_a_filter_the_service_ignores_finds_no_stranger() -> None:
    sandbox = Unfiltered()
    subject = by_email(MAIN.email).widened([Identifier.external("mailchimp.unique_email", "0000000001")])
    with sandbox.serve() as running, workbench(Mailchimp, sandbox.settings(), running.url) as bench:
        found = [h for h in bench.processor.find(subject) if isinstance(h, Holding)]
    assert {h.locator["id"].rpartition("/")[2].rpartition(" ")[2] for h in found if h.kind == "order"} == {
        "01?x",
        "guest#17",
    }
    assert {h.locator["hash"] for h in found if h.kind == "member"} == {hash_of(MAIN.email)}


def test_an_address_with_a_domain_in_letters_is_found_in_both_spellings(held: Held, sandbox: MailchimpSandbox) -> None:
    news = sandbox.account.audiences[NEWS]
    for number, written in enumerate(("zoë@bücher.example", "zoë@xn--bcher-kva.example"), 901):
        news.members[hash_of(written)] = member(news, written, "subscribed", {}, number)
    assert len(held(by_email("zoë@bücher.example"))) == 2


def test_a_member_is_named_as_the_vendors_documentation_says() -> None:
    assert api.hash_of("Urist.McVankab@freddiesjokes.com") == "62eeb292278cc15f5817cb78f7790b08"


def test_keys_are_the_same_after_a_restart(held: Held) -> None:
    assert [h.key for h in held(MAIN.subject())] == [h.key for h in held(MAIN.subject())]


def test_nothing_found_shows_in_a_repr(held: Held) -> None:
    shown = repr(held(MAIN.subject()))
    assert hash_of(MAIN.email) not in shown
    assert "example.org" not in shown
