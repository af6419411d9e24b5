"""Correcting, stopping, bringing back and erasing: what is answered, what became of it, and what the read-back says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from connectors.mailchimp.sandbox.account import FAIR, NEWS, SHOP, hash_of
from hub import (
    Absent,
    Act,
    AsAsked,
    Changes,
    Channel,
    Confirmation,
    ContractError,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    Manual,
    Method,
    Operation,
    Outcome,
    Partial,
    Purpose,
    Scope,
    Subject,
    Unsupported,
    Unverifiable,
)
from hub.testing.faults import DropAfter, Fault
from hub.testing.harness import Bench, step
from hub.testing.town import TOWN

Held = Callable[[Subject], list[Holding]]
MAIN = TOWN.main
MARKETING = Scope()
PROCESSING = Scope(frozenset({Purpose.PROCESSING}))
EVERYTHING = Scope(frozenset(Purpose))


@pytest.fixture
def member(held: Held) -> Holding:
    """The main person in the first audience."""
    return next(h for h in held(MAIN.subject()) if h.locator.get("audience") == NEWS)


@pytest.fixture
def customer(held: Held) -> Holding:
    return next(h for h in held(MAIN.subject()) if h.kind == "customer")


@pytest.fixture
def order(held: Held) -> Holding:
    return next(h for h in held(MAIN.subject()) if h.kind == "order")


@pytest.fixture
def row(sandbox: MailchimpSandbox) -> dict[str, Any]:
    """The main person's row in the first audience, as the service holds it."""
    return sandbox.account.audiences[NEWS].members[hash_of(MAIN.email)]


def others(sandbox: MailchimpSandbox) -> Any:
    """Everything of everyone but the main person."""
    mine = set(MAIN.emails)
    account = copy.deepcopy(sandbox.account)
    audiences = {
        a.id: {h: m for h, m in a.members.items() if m["email_address"] not in mine} for a in account.audiences.values()
    }
    stores = {
        s.id: {
            "customers": {k: c for k, c in s.customers.items() if c["email_address"] not in mine},
            "carts": {k: c for k, c in s.carts.items() if c["customer"]["email_address"] not in mine},
            "orders": {k: o for k, o in s.orders.items() if o["customer"]["email_address"] not in mine},
        }
        for s in account.stores.values()
    }
    return audiences, stores


# erase


def test_erasing_everything_found_leaves_nothing_of_her_and_all_of_the_neighbours(
    bench: Bench[Mailchimp], held: Held, sandbox: MailchimpSandbox
) -> None:
    before = others(sandbox)
    for holding in held(MAIN.subject()):
        assert bench.processor.erase(holding, step()) == Done(Method.DELETED)
        assert bench.processor.confirm(Act(Operation.ERASE, holding), step()) == Gone()
    assert held(MAIN.subject()) == []
    assert others(sandbox) == before


def test_erasing_twice_is_absent_the_second_time(
    bench: Bench[Mailchimp], member: Holding, customer: Holding, order: Holding
) -> None:
    for holding in (order, customer, member):
        assert isinstance(bench.processor.erase(holding, step()), Done)
        assert bench.processor.erase(holding, step(attempt=2)) == Absent()


def test_archived_is_not_erased(bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]) -> None:
    row["status"] = "archived"
    assert bench.processor.confirm(Act(Operation.ERASE, member), step()) == Differs(("status",))
    assert bench.processor.erase(member, step()) == Done(Method.DELETED)
    assert bench.processor.confirm(Act(Operation.ERASE, member), step()) == Gone()


def test_erasure_follows_a_contact_whose_address_was_changed_since(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    """Under the old hash Mailchimp says 404, though it still holds her: that would be an erasure that never was."""
    news = sandbox.account.audiences[NEWS]
    sandbox._move(news, news.members[member.locator["hash"]], "new.address@example.org")
    assert bench.processor.confirm(Act(Operation.ERASE, member), step()) == Differs(("status",))
    assert bench.processor.erase(member, step()) == Done(Method.DELETED)
    assert hash_of("new.address@example.org") not in news.members
    assert bench.processor.confirm(Act(Operation.ERASE, member), step()) == Gone()


def test_an_audience_deleted_meanwhile_holds_nothing(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    del sandbox.account.audiences[NEWS]
    assert bench.processor.erase(member, step()) == Absent()


def test_a_lost_answer_is_found_out_by_reading_back(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.add(Fault("POST *", DropAfter()))
    with pytest.raises(Exception, match="delete-permanent"):
        bench.processor.erase(member, step())
    assert bench.processor.confirm(Act(Operation.ERASE, member), step()) == Gone()
    assert bench.processor.erase(member, step(attempt=2)) == Absent()


@pytest.mark.parametrize("kind", ["member", "customer"])
def test_a_still_standing_record_is_never_confirmed_gone(
    kind: str, bench: Bench[Mailchimp], member: Holding, customer: Holding
) -> None:
    holding = member if kind == "member" else customer
    assert isinstance(
        bench.processor.confirm(Act(Operation.ERASE, holding, outcome=Done(Method.DELETED)), step()), Differs
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    id_=st.one_of(
        st.sampled_from(["server", "a/b", "..", ".", "", "%2F", "?x=1", "#", "a b", "//", "ümlaut"]), st.text()
    )
)
def test_whatever_an_id_is_made_of_only_that_record_goes(
    id_: str, bench: Bench[Mailchimp], sandbox: MailchimpSandbox
) -> None:
    shop = sandbox.account.stores[SHOP]
    shop.customers.pop(id_, None)
    before = set(shop.customers) - {id_}, set(shop.orders), set(shop.carts), set(sandbox.account.stores)
    shop.customers[id_] = shop.customers["guest#17"] | {"id": id_}
    holding = Holding("k", "customer", ("contact",), {"store": SHOP, "id": id_})
    try:
        outcome = bench.processor.erase(holding, step())
    except ContractError:
        assert id_ in shop.customers  # refused before it was sent
        assert id_ in {"", ".", ".."} or any("\ud800" <= c <= "\udfff" for c in id_)
    else:
        assert outcome == Done(Method.DELETED)
        assert id_ not in shop.customers
    assert (set(shop.customers) - {id_}, set(shop.orders), set(shop.carts), set(sandbox.account.stores)) == before


# suppress and lift


def suppress(bench: Bench[Mailchimp], holding: Holding, scope: Scope) -> tuple[Outcome, Confirmation]:
    outcome = bench.processor.suppress(holding, scope, step())
    return outcome, bench.processor.confirm(Act(Operation.SUPPRESS, holding, scope=scope, outcome=outcome), step())


def test_an_objection_unsubscribes_and_takes_every_permission_away(
    bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    assert bench.processor.confirm(Act(Operation.SUPPRESS, member, scope=MARKETING), step()) == Differs(
        ("status", "marketing_permissions")
    )
    assert suppress(bench, member, MARKETING) == (Done(Method.SUPPRESSED), AsAsked())
    assert row["status"] == "unsubscribed"
    assert [p["enabled"] for p in row["marketing_permissions"]] == [False, False, False]
    assert suppress(bench, member, MARKETING) == (Done(Method.SUPPRESSED), AsAsked())


@pytest.mark.parametrize(
    ("channel", "left"),
    [
        (Channel.EMAIL, ("unsubscribed", [False, True, False])),
        (Channel.POST, ("subscribed", [True, False, True])),
    ],
)
def test_only_the_channels_asked_for_are_stopped(
    channel: Channel, left: tuple[str, list[bool]], bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    assert suppress(bench, member, Scope(channels=frozenset({channel}))) == (Done(Method.SUPPRESSED), AsAsked())
    assert (row["status"], [p["enabled"] for p in row["marketing_permissions"]]) == left


def test_a_channel_mailchimp_does_not_have_is_said_to_be_none(bench: Bench[Mailchimp], member: Holding) -> None:
    outcome = bench.processor.suppress(member, Scope(channels=frozenset({Channel.PHONE})), step())
    assert outcome == Unsupported("Nothing is sent there by telephone: nothing had to be stopped.")


def test_a_customer_keeps_the_opt_in_to_emails_where_another_channel_is_objected_to(
    bench: Bench[Mailchimp], customer: Holding, sandbox: MailchimpSandbox
) -> None:
    before = sandbox.account.stores[SHOP].customers[customer.locator["id"]]["opt_in_status"]
    outcome = bench.processor.suppress(customer, Scope(channels=frozenset({Channel.PHONE, Channel.POST})), step())
    assert outcome == Unsupported("Nothing is sent there by telephone or post: nothing had to be stopped.")
    assert sandbox.account.stores[SHOP].customers[customer.locator["id"]]["opt_in_status"] == before


def test_text_messages_are_stopped_where_there_is_a_number(
    bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    row |= {"sms_phone_number": "+447700900142", "sms_subscription_status": "subscribed"}
    assert suppress(bench, member, Scope(channels=frozenset({Channel.SMS}))) == (Done(Method.SUPPRESSED), AsAsked())
    assert (row["status"], row["sms_subscription_status"]) == ("subscribed", "unsubscribed")


@pytest.mark.parametrize(
    ("status", "left"),
    [("cleaned", "cleaned"), ("archived", "archived"), ("pending", "unsubscribed"), ("transactional", "unsubscribed")],
)
def test_who_receives_nothing_already_is_left_as_they_are(
    status: str, left: str, bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    row["status"] = status
    assert suppress(bench, member, MARKETING) == (Done(Method.SUPPRESSED), AsAsked())
    assert row["status"] == left


def test_an_archived_member_is_not_touched_lest_it_come_back(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox, row: dict[str, Any]
) -> None:
    row["status"] = "archived"
    assert suppress(bench, member, EVERYTHING)[1] == AsAsked()
    assert {call.method for call in sandbox.calls} == {"GET"}


def test_a_restriction_archives_and_keeps_everything(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox, row: dict[str, Any]
) -> None:
    merge = dict(row["merge_fields"])
    assert suppress(bench, member, PROCESSING) == (Done(Method.SUPPRESSED), AsAsked())
    assert (row["status"], row["merge_fields"]) == ("archived", merge)
    assert suppress(bench, member, PROCESSING) == (Done(Method.SUPPRESSED), AsAsked())


def test_a_restriction_not_made_is_not_confirmed(bench: Bench[Mailchimp], member: Holding) -> None:
    assert bench.processor.confirm(Act(Operation.SUPPRESS, member, scope=PROCESSING), step()) == Differs(("status",))


def test_everything_at_once_says_what_cannot_be_stopped(
    bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    outcome, said = suppress(bench, member, EVERYTHING)
    assert isinstance(outcome, Partial)
    assert [type(part) for part in outcome.left] == [Unsupported]
    assert said == AsAsked()
    assert row["status"] == "archived"
    assert not any(p["enabled"] for p in row["marketing_permissions"])


def test_a_customer_loses_the_opt_in(bench: Bench[Mailchimp], customer: Holding, sandbox: MailchimpSandbox) -> None:
    assert suppress(bench, customer, MARKETING) == (Done(Method.SUPPRESSED), AsAsked())
    assert sandbox.account.stores[SHOP].customers[customer.locator["id"]]["opt_in_status"] is False
    outcome, said = suppress(bench, customer, EVERYTHING)
    assert isinstance(outcome, Partial)
    assert len(outcome.left) == 2
    assert said == AsAsked()


def test_a_restriction_of_customers_and_orders_is_said_to_be_impossible(
    bench: Bench[Mailchimp], customer: Holding, order: Holding
) -> None:
    assert isinstance(bench.processor.suppress(customer, PROCESSING, step()), Unsupported)
    assert isinstance(bench.processor.suppress(order, MARKETING, step()), Unsupported)


def test_an_objection_of_someone_not_held_is_not_claimed_to_be_recorded(
    bench: Bench[Mailchimp], sandbox: MailchimpSandbox
) -> None:
    before = others(sandbox)
    subject = Subject((Identifier.email("nobody.at.all@example.org"),))
    assert isinstance(bench.processor.suppress(subject, MARKETING, step()), Unsupported)
    said = bench.processor.confirm(Act(Operation.SUPPRESS, subject, scope=MARKETING), step())
    assert said == Unverifiable("nothing_recorded")
    assert others(sandbox) == before


def test_stopping_what_is_gone_is_absent(bench: Bench[Mailchimp], member: Holding, customer: Holding) -> None:
    for holding in (customer, member):
        bench.processor.erase(holding, step())
        assert suppress(bench, holding, MARKETING) == (Absent(), Gone())


def test_lifting_a_restriction_brings_back_and_never_subscribes(
    bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    suppress(bench, member, PROCESSING)
    act = Act(Operation.LIFT, member, scope=PROCESSING)
    assert bench.processor.confirm(act, step()) == Differs(("status",))
    assert bench.processor.lift(member, PROCESSING, step()) == Done(Method.LIFTED)
    assert bench.processor.confirm(act, step()) == AsAsked()
    assert row["status"] == "unsubscribed"
    assert bench.processor.lift(member, PROCESSING, step()) == Done(Method.LIFTED)


def test_a_consent_is_never_given_back_by_us(bench: Bench[Mailchimp], member: Holding, customer: Holding) -> None:
    assert isinstance(bench.processor.lift(member, MARKETING, step()), Manual)
    assert isinstance(bench.processor.lift(customer, MARKETING, step()), Manual)


def test_nothing_is_lifted_from_what_can_never_have_been_restricted(
    bench: Bench[Mailchimp], customer: Holding, order: Holding
) -> None:
    cart = replace(order, kind="cart")
    for holding, scope in (
        (customer, PROCESSING),
        (customer, EVERYTHING),
        (order, PROCESSING),
        (order, EVERYTHING),
        (cart, MARKETING),
    ):
        answer = bench.processor.lift(holding, scope, step())
        assert isinstance(answer, Unsupported)
        assert holding.kind in answer.reason
        assert "never was" in answer.reason


# rectify


def rectify(bench: Bench[Mailchimp], holding: Holding, **fields: str) -> tuple[Outcome, Confirmation]:
    changes = Changes(fields)
    outcome = bench.processor.rectify(holding, changes, step())
    return outcome, bench.processor.confirm(Act(Operation.RECTIFY, holding, changes=changes, outcome=outcome), step())


def test_corrects_the_fields_asked_for_and_no_others(
    bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]
) -> None:
    before = copy.deepcopy(row)
    changes = Changes({"last_name": "Quill-Feather", "postcode": "ZZ9 5ML", "mailchimp.COMPANY": "Larkspur"})
    assert bench.processor.confirm(Act(Operation.RECTIFY, member, changes=changes), step()) == Differs(
        ("LNAME", "COMPANY", "zip")
    )
    assert bench.processor.rectify(member, changes, step()) == Done(Method.CORRECTED)
    assert bench.processor.confirm(Act(Operation.RECTIFY, member, changes=changes), step()) == AsAsked()
    before["merge_fields"] |= {"LNAME": "Quill-Feather", "COMPANY": "Larkspur"}
    before["merge_fields"]["ADDRESS"]["zip"] = "ZZ9 5ML"
    assert row == before


def test_an_incomplete_address_does_not_stand_in_the_way(bench: Bench[Mailchimp], held: Held) -> None:
    (jane,) = held(Subject((Identifier.email("jane.doe@example.org"),)))
    assert rectify(bench, jane, city="Budmouth") == (Done(Method.CORRECTED), AsAsked())


def test_an_empty_text_clears(bench: Bench[Mailchimp], member: Holding, row: dict[str, Any]) -> None:
    assert rectify(bench, member, phone="") == (Done(Method.CORRECTED), AsAsked())
    assert row["merge_fields"]["PHONE"] == ""


def test_a_new_address_moves_the_member_and_is_learned(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    outcome, said = rectify(bench, member, email="Ottoline.New@Example.org")
    assert isinstance(outcome, Done)
    assert outcome.locator == {**member.locator, "hash": hash_of("ottoline.new@example.org")}
    assert outcome.learned == (Identifier.email("ottoline.new@example.org"),)
    assert said == AsAsked()
    assert member.locator["hash"] not in sandbox.account.audiences[NEWS].members
    moved = Holding(member.key, "member", member.categories, outcome.locator)
    assert bench.processor.erase(moved, step()) == Done(Method.DELETED)


def test_a_new_address_whose_answer_was_lost_is_found_out(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.add(Fault("PATCH *", DropAfter()))
    with pytest.raises(Exception, match="PATCH"):
        rectify(bench, member, email="ottoline.new@example.org")
    act = Act(Operation.RECTIFY, member, changes=Changes({"email": "ottoline.new@example.org"}))
    assert bench.processor.confirm(act, step()) == AsAsked()
    outcome, said = rectify(bench, member, email="ottoline.new@example.org")
    assert isinstance(outcome, Done)
    assert outcome.locator == {**member.locator, "hash": hash_of("ottoline.new@example.org")}
    assert said == AsAsked()


def test_an_address_that_another_contact_has_is_given_to_a_person(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    before = others(sandbox)
    outcome, said = rectify(bench, member, email="jane.doe@example.org")
    assert isinstance(outcome, Manual)
    assert outcome.task == "merge_contacts"
    assert said == Differs(("email_address",))
    outcome, said = rectify(bench, member, email="jane.doe@example.org", first_name="Otti")
    assert isinstance(outcome, Partial)
    assert [part.task for part in outcome.left if isinstance(part, Manual)] == ["merge_contacts"]
    assert said == AsAsked()  # what was done; what is left has gone to a person
    assert others(sandbox) == before


def test_a_forgotten_address_cannot_be_set(bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox) -> None:
    sandbox.account.audiences[NEWS].forgotten.add(hash_of("forgotten@example.org"))
    outcome, _ = rectify(bench, member, email="forgotten@example.org")
    assert isinstance(outcome, Manual)


@pytest.mark.parametrize(
    "fields", [{"name": "Otti Q"}, {"supplement": "I never agreed"}, {"email": "no address"}, {"mailchimp.NOTAG": "x"}]
)
def test_what_the_audience_has_no_place_for_is_named(
    fields: dict[str, str], bench: Bench[Mailchimp], member: Holding
) -> None:
    outcome, said = rectify(bench, member, **fields)
    assert isinstance(outcome, Unsupported)
    assert next(iter(fields)).removeprefix("mailchimp.") in outcome.reason
    assert "agreed" not in outcome.reason
    outcome, said = rectify(bench, member, **fields, first_name="Otti")
    assert isinstance(outcome, Partial)
    assert said == AsAsked()


def test_a_customer_is_corrected_without_the_address_it_is_known_by(
    bench: Bench[Mailchimp], customer: Holding, sandbox: MailchimpSandbox
) -> None:
    assert rectify(bench, customer, first_name="Otti", postcode="ZZ9 5ML") == (Done(Method.CORRECTED), AsAsked())
    row = sandbox.account.stores[SHOP].customers[customer.locator["id"]]
    assert (row["first_name"], row["address"]["postal_code"], row["address"]["city"]) == (
        "Otti",
        "ZZ9 5ML",
        "Wetherbury",
    )
    outcome, _ = rectify(bench, customer, email="new@example.org")
    assert isinstance(outcome, Unsupported)


def test_history_is_not_corrected(bench: Bench[Mailchimp], order: Holding) -> None:
    assert isinstance(bench.processor.rectify(order, Changes({"first_name": "Otti"}), step()), Unsupported)


def test_absence_is_never_a_correction(bench: Bench[Mailchimp], member: Holding, customer: Holding) -> None:
    for holding in (customer, member):
        bench.processor.erase(holding, step())
        assert rectify(bench, holding, first_name="Otti") == (Absent(), Differs(("id",)))


# check


def test_check_says_who_we_are(bench: Bench[Mailchimp]) -> None:
    account = bench.processor.check()
    assert (account.label, account.region, account.permissions, account.missing) == (
        "Larkspur Lighting",
        "us21",
        ("owner",),
        (),
    )


@pytest.mark.parametrize("role", ["author", "viewer", ""])
def test_check_tells_a_weak_key_from_a_wrong_one(role: str, bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    sandbox.role = role
    assert len(bench.processor.check().missing) == 1


def test_the_second_audience_is_hers_too(bench: Bench[Mailchimp], held: Held, sandbox: MailchimpSandbox) -> None:
    """Each audience keeps its own member: erased in one is not erased in the other."""
    news, fair = (h for h in held(MAIN.subject()) if h.kind == "member")
    bench.processor.erase(news, step())
    assert bench.processor.confirm(Act(Operation.ERASE, fair), step()) == Differs(("status",))
    assert hash_of(MAIN.emails[1]) in sandbox.account.audiences[FAIR].members
