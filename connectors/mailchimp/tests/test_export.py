"""A copy of everything, readable, and going on where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from connectors.mailchimp.sandbox.account import NEWS, SHOP, hash_of
from connectors.mailchimp.sandbox.problems import not_found
from hub import Holding, Record, Subject
from hub.testing.faults import Fault, Status
from hub.testing.harness import Bench, step
from hub.testing.town import TOWN

Held = Callable[[Subject], list[Holding]]
MAIN = TOWN.main


@pytest.fixture
def member(held: Held) -> Holding:
    return next(h for h in held(MAIN.subject()) if h.locator.get("audience") == NEWS)


def records(bench: Bench[Mailchimp], holding: Holding, cursor: str | None = None) -> list[Record]:
    return [r for r in bench.processor.export(holding, step(cursor=cursor)) if isinstance(r, Record)]


def test_everything_an_audience_keeps_is_copied_to_the_last_page(bench: Bench[Mailchimp], member: Holding) -> None:
    copied = records(bench, member)
    assert Counter(r.kind for r in copied) == {
        "member": 1,
        "tags": 1,
        "notes": 2,
        "activity": 2_500,
        "goals": 1,
        "events": 1,
    }
    assert len({str(r.data) for r in copied if r.kind == "activity"}) == 2_500


def test_labels_and_names_stand_where_mailchimp_keeps_tags_and_ids(bench: Bench[Mailchimp], member: Holding) -> None:
    data = records(bench, member)[0].data
    assert data["merge_fields"]["First Name"] == MAIN.given
    assert data["merge_fields"]["Address"]["zip"] == "ZZ9 4ML"
    assert data["interests"] == {"Topics: New products": True, "Topics: Trade shows": False}
    assert data["ip_signup"] == "192.0.2.17"
    assert [p["text"] for p in data["marketing_permissions"]] == [
        "Email",
        "Direct Mail",
        "Customized Online Advertising",
    ]
    assert "_links" not in data


def test_who_wrote_a_note_is_not_hers_to_get(bench: Bench[Mailchimp], member: Holding) -> None:
    notes = [r.data for r in records(bench, member) if r.kind == "notes"]
    assert [note["note"] for note in notes] == ["Asked at the stand about lamp 0.", "Asked at the stand about lamp 1."]
    assert "Mabel Clerk" not in str([r.data for r in records(bench, member)])


def test_shops_records_are_copied_whole(bench: Bench[Mailchimp], held: Held, sandbox: MailchimpSandbox) -> None:
    for holding in held(MAIN.subject()):
        if holding.locator.get("store") != SHOP:
            continue
        (copied,) = records(bench, holding)
        shop = sandbox.account.stores[SHOP]
        table = {"customer": shop.customers, "cart": shop.carts, "order": shop.orders}[holding.kind]
        whole = {k: v for k, v in table[holding.locator["id"]].items() if k != "_links"}
        assert (copied.kind, copied.data) == (holding.kind, whole)
        assert records(bench, holding, copied.cursor) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(stop=st.integers(0, 2_505))
def test_stopped_anywhere_it_goes_on_with_the_next(stop: int, bench: Bench[Mailchimp], member: Holding) -> None:
    whole = records(bench, member)
    assert records(bench, member, whole[stop].cursor) == whole[stop + 1 :]


def test_new_activity_during_the_copy_leaves_none_out(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    feed = sandbox.account.audiences[NEWS].parts[member.locator["hash"], "activity"]
    before = {row["campaign_id"] for row in feed}
    copied = []
    for record in bench.processor.export(member, step()):
        assert isinstance(record, Record)
        copied.append(record)
        if len(copied) == 500:
            feed.insert(0, feed[0] | {"campaign_id": "brand new"})
    assert before <= {r.data["campaign_id"] for r in copied if r.kind == "activity"}


def test_what_mailchimp_says_it_has_none_of_is_named(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    said = not_found().answer
    fault = Status(404, '{"title": "Resource Not Found", "status": 404}', media_type=said.headers["Content-Type"])
    sandbox.faults.add(Fault("GET /3.0/lists/{list}/members/{member}/{part}", fault, nth=2))
    assert [r.data["part"] for r in records(bench, member) if r.kind == "not_available"] == ["notes"]


def test_a_member_whose_address_was_changed_is_still_copied(
    bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    news = sandbox.account.audiences[NEWS]
    sandbox._move(news, news.members[member.locator["hash"]], "new.address@example.org")
    assert len(records(bench, member)) == 2_506
    assert records(bench, member)[0].data["id"] == hash_of("new.address@example.org")


def test_of_what_is_gone_nothing_is_copied(bench: Bench[Mailchimp], held: Held) -> None:
    for holding in held(MAIN.subject()):
        bench.processor.erase(holding, step())
        assert records(bench, holding) == []


@pytest.mark.parametrize("person", ["p10", "p11", "p12", "p13"])
def test_names_that_break_quoting_come_back_as_they_are(person: str, bench: Bench[Mailchimp], held: Held) -> None:
    (holding,) = held(TOWN.person(person).subject())
    assert records(bench, holding)[0].data["full_name"] == TOWN.person(person).name
