"""The traps of mailchimp-marketing 3.0.80, each shown with the SDK as it is and shut in the connector.

The SDK unmodified is also the sandbox's second judge: it was written by the vendor, against the vendor's service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mailchimp_marketing
import pytest
import requests
from mailchimp_marketing.api_client import ApiClientError

from connectors.mailchimp.problems import NotThere, Problem
from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import KEY, MailchimpSandbox
from connectors.mailchimp.sandbox.account import NEWS, SHOP, hash_of
from hub import AuthError, Done, Holding, Method, OutcomeUnknown, RateLimited, Subject
from hub.testing.faults import Fault, Status
from hub.testing.harness import Bench, step, workbench
from hub.testing.town import TOWN

Held = Callable[[Subject], list[Holding]]
MAIN = TOWN.main
HASH = hash_of(MAIN.email)
PERMANENT = "POST /3.0/lists/{list}/members/{member}/actions/delete-permanent"


@pytest.fixture
def plain(url: str) -> Any:
    """The vendor's SDK as it comes, pointed at the sandbox."""
    client = mailchimp_marketing.Client({"api_key": KEY, "timeout": 5})
    client.api_client.host = f"{url}/3.0"
    return client


@pytest.fixture
def member(held: Held) -> Holding:
    return next(h for h in held(MAIN.subject()) if h.locator.get("audience") == NEWS)


def test_the_vendors_own_sdk_takes_the_sandbox_for_the_service(plain: Any, sandbox: MailchimpSandbox) -> None:
    assert plain.root.get_root()["account_name"] == "Larkspur Lighting"
    assert [a["name"] for a in plain.lists.get_all_lists(count=1000)["lists"]] == [
        "Larkspur News",
        "Trade fair visitors",
    ]
    assert plain.lists.get_list_member(NEWS, HASH)["email_address"] == MAIN.email
    assert plain.lists.get_list_member(NEWS, MAIN.email)["id"] == HASH
    changed = plain.lists.update_list_member(NEWS, HASH, {"status": "unsubscribed"})
    assert changed["status"] == "unsubscribed"
    with pytest.raises(ApiClientError) as refused:
        plain.lists.update_list_member(NEWS, HASH, {"status": "subscribed"})
    assert "Member In Compliance State" in refused.value.text
    assert plain.lists.delete_list_member(NEWS, HASH).status_code == 204
    assert plain.lists.get_list_member(NEWS, HASH)["status"] == "archived"
    assert plain.lists.delete_list_member_permanent(NEWS, HASH).status_code == 204
    with pytest.raises(ApiClientError) as gone:
        plain.lists.get_list_member(NEWS, HASH)
    assert gone.value.status_code == 404
    body = {"email_address": MAIN.email, "status_if_new": "subscribed"}
    with pytest.raises(ApiClientError) as forgotten:
        plain.lists.set_list_member(NEWS, HASH, body)
    assert "Forgotten Email Not Subscribed" in forgotten.value.text
    with pytest.raises(ApiClientError) as invalid:
        plain.lists.set_list_member(NEWS, HASH, {"email_address": MAIN.email})
    assert "Invalid Resource" in invalid.value.text


@pytest.mark.parametrize("status", [403, 429])
def test_m1_a_refusal_without_a_body_is_no_erasure(
    status: int, plain: Any, bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.add(Fault(PERMANENT, Status(status), nth=None))
    assert isinstance(plain.lists.delete_list_member_permanent(NEWS, HASH), requests.Response)  # "no exception"
    with pytest.raises(RateLimited):
        bench.processor.erase(member, step())
    assert HASH in sandbox.account.audiences[NEWS].members


@pytest.mark.parametrize("body", ["{}", "[]", "null"])
def test_m1_an_empty_object_is_no_erasure_either(
    body: str, bench: Bench[Mailchimp], member: Holding, sandbox: MailchimpSandbox
) -> None:
    sandbox.faults.add(Fault(PERMANENT, Status(404, body, media_type="application/json")))
    with pytest.raises(OutcomeUnknown):
        bench.processor.erase(member, step())


def test_m2_the_word_server_in_an_id_is_left_alone(
    plain: Any, bench: Bench[Mailchimp], held: Held, sandbox: MailchimpSandbox
) -> None:
    with pytest.raises(ApiClientError) as lost:  # the SDK asks for the store "my-us21-store"
        plain.ecommerce.get_store_customer(SHOP, "guest#17")
    assert lost.value.status_code == 404
    customer = next(h for h in held(MAIN.subject()) if h.locator.get("id") == "guest#17")
    assert customer.locator["store"] == "my-server-store"
    assert bench.processor.erase(customer, step()) == Done(Method.DELETED)
    assert "guest#17" not in sandbox.account.stores[SHOP].customers


def test_m3_a_slash_in_an_id_chooses_no_other_route(bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    shop = sandbox.account.stores[SHOP]
    shop.customers["guest#17/../cust"] = dict(shop.customers["guest#17"])
    holding = Holding("k", "customer", ("contact",), {"store": SHOP, "id": "guest#17/../cust"})
    assert bench.processor.erase(holding, step()) == Done(Method.DELETED)
    assert "guest#17" in shop.customers
    assert "guest#17/../cust" not in shop.customers


def test_m4_refusals_have_one_form(plain: Any, bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    with pytest.raises(ApiClientError) as text:
        plain.lists.get_list_member(NEWS, hash_of("nobody@example.org"))
    assert isinstance(text.value.text, str)  # not the dict its users expect
    lists = bench.processor._api._lists
    with pytest.raises(NotThere) as absent:
        lists.get_list_member(NEWS, hash_of("nobody@example.org"))
    assert (absent.value.status, absent.value.title) == NotThere.SAID
    with pytest.raises(Problem) as refused:
        lists.update_list_member(NEWS, HASH, {"status": "archived"})
    assert (refused.value.status, refused.value.title) == (400, "Invalid Resource")


class Bodies(MailchimpSandbox):
    """Keeps what was sent."""

    def admit(self, request: Any) -> None:
        self.bodies = [*getattr(self, "bodies", []), (request.method, request.body)]
        super().admit(request)


def test_m5_a_call_without_a_body_sends_none() -> None:
    sandbox = Bodies()
    with sandbox.serve() as running, workbench(Mailchimp, sandbox.settings(), running.url) as bench:
        plain = mailchimp_marketing.Client({"api_key": KEY, "timeout": 5})
        plain.api_client.host = f"{running.url}/3.0"
        plain.lists.delete_list_member_permanent(NEWS, HASH)
        locator = {"audience": NEWS, "hash": hash_of("jane.doe@example.org"), "contact": ""}
        bench.processor.erase(Holding("k", "member", ("contact",), locator), step())
    assert sandbox.bodies == [("POST", b"null"), ("POST", b"")]


def test_m6_no_page_is_larger_than_mailchimp_allows(plain: Any, held: Held, sandbox: MailchimpSandbox) -> None:
    with pytest.raises(ValueError, match="1000"):
        plain.lists.get_all_lists(count=1001)
    shop = sandbox.account.stores[SHOP]
    hers = shop.orders["order of guest#17"]
    shop.orders |= {f"o{n}": hers | {"id": f"o{n}"} for n in range(1_500)}
    assert len([h for h in held(MAIN.subject()) if h.kind == "order"]) == 1_503


def test_m7_goals_are_read_though_their_method_has_another_name(
    plain: Any, bench: Bench[Mailchimp], member: Holding
) -> None:
    assert not hasattr(plain.lists, "get_list_member_goals")
    assert [r for r in bench.processor.export(member, step()) if getattr(r, "kind", "") == "goals"]


def test_twenty_calls_take_one_connection(bench: Bench[Mailchimp], sandbox: MailchimpSandbox, url: str) -> None:
    for _ in range(20):
        bench.processor.check()
    assert len(sandbox._server._open) == 1


@pytest.mark.parametrize("key", ["0" * 32 + "-us21", "ffff-us21"])
def test_a_wrong_key_is_an_error_that_says_what_to_do(key: str, url: str) -> None:
    with workbench(Mailchimp, {"api_key": key}, url) as bench, pytest.raises(AuthError) as refused:
        bench.processor.check()
    assert refused.value.hint
    assert key not in refused.value.diagnostics()


def test_another_data_centre_is_an_error(url: str) -> None:
    key = KEY.replace("us21", "us7")
    with workbench(Mailchimp, {"api_key": key}, url) as bench, pytest.raises(AuthError):
        bench.processor.check()
