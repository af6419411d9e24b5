"""Every call the connector makes, with everything that can go wrong with it.

For each the law is the same: an answer that is not exactly the documented one becomes the right error, nothing is
called done or absent that was not read, no word of it is personal data, and once the fault is over the same act ends
well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from connectors.mailchimp.processor import Mailchimp
from connectors.mailchimp.sandbox import MailchimpSandbox
from connectors.mailchimp.sandbox.account import NEWS, SHOP, hash_of
from hub import (
    Absent,
    Act,
    AuthError,
    Changes,
    ConnectorError,
    ContractError,
    Done,
    Gone,
    Holding,
    Identifier,
    Manual,
    Operation,
    OutcomeUnknown,
    Purpose,
    RateLimited,
    Scope,
    Subject,
    TransientError,
)
from hub.testing.faults import (
    BadGzip,
    DropAfter,
    DropBefore,
    Fault,
    Garbage,
    Stall,
    Status,
    Trickle,
    Truncate,
    What,
)
from hub.testing.harness import Bench, step, workbench
from hub.testing.town import TOWN

MAIN = TOWN.main
PROBLEM = "application/problem+json; charset=utf-8"
CANARIES = (*MAIN.emails, MAIN.family, MAIN.phones[0], MAIN.phones[0][1:], *map(hash_of, MAIN.emails), "guest#17")

MEMBER = Holding(
    "m",
    "member",
    ("contact",),
    {"audience": NEWS, "hash": hash_of(MAIN.email), "contact": "29afd7bd334f58e45e140f7cdfbdae42"},
)
CUSTOMER = Holding("c", "customer", ("contact",), {"store": SHOP, "id": "guest#17"})
ORDER = Holding("o", "order", ("orders",), {"store": SHOP, "id": "order of guest#17"})
CART = Holding("k", "cart", ("orders",), {"store": SHOP, "id": "cart/guest#17"})
SUBJECT = MAIN.subject().widened([Identifier.external("mailchimp.unique_email", "0000000001")])
ALL = Scope(frozenset({Purpose.MARKETING, Purpose.PROCESSING}))
CHANGES = Changes({"first_name": "Otti", "email": "otti@example.org"})

_LISTS, _STORES = "/3.0/lists", "/3.0/ecommerce/stores"
_ONE, _RECORD = f"{_LISTS}/{{list}}/members/{{member}}", f"{_STORES}/{{store}}/{{kind}}/{{id}}"
_FIELDS = f"GET {_LISTS}/{{list}}/merge-fields"
_READ = f"GET {_ONE}"


def archived(sandbox: MailchimpSandbox) -> None:
    sandbox.account.audiences[NEWS].members[hash_of(MAIN.email)]["status"] = "archived"


class Scenario(NamedTuple):
    """Something the hub asks for, and every call the connector makes for it."""

    run: Callable[[Mailchimp], Any]
    calls: tuple[str, ...]
    before: Callable[[MailchimpSandbox], None] = lambda _: None


def confirming(operation: Operation, holding: Holding, **more: Any) -> Callable[[Mailchimp], Any]:
    return lambda p: p.confirm(Act(operation, holding, **more), step())


SCENARIOS = {
    "check": Scenario(lambda p: p.check(), ("GET /3.0/",)),
    "find": Scenario(
        lambda p: list(p.find(SUBJECT)),
        (
            f"GET {_STORES}",
            f"GET {_STORES}/{{store}}/customers",
            f"GET {_STORES}/{{store}}/carts",
            f"GET {_STORES}/{{store}}/orders",
            f"GET {_LISTS}",
            f"GET {_LISTS}/{{list}}/members",
            _READ,
        ),
    ),
    "export member": Scenario(
        lambda p: list(p.export(MEMBER, step())),
        (
            _READ,
            _FIELDS,
            f"GET {_LISTS}/{{list}}/interest-categories",
            f"GET {_LISTS}/{{list}}/interest-categories/{{category}}/interests",
            f"GET {_ONE}/{{part}}",
            f"GET {_ONE}/activity-feed",
        ),
    ),
    "export order": Scenario(lambda p: list(p.export(ORDER, step())), (f"GET {_RECORD}",)),
    "rectify member": Scenario(lambda p: p.rectify(MEMBER, CHANGES, step()), (_READ, _FIELDS, f"PATCH {_ONE}")),
    "rectify customer": Scenario(
        lambda p: p.rectify(CUSTOMER, Changes({"first_name": "Otti"}), step()),
        (f"PATCH {_STORES}/{{store}}/customers/{{id}}",),
    ),
    "suppress member": Scenario(lambda p: p.suppress(MEMBER, ALL, step()), (_READ, f"PATCH {_ONE}", f"DELETE {_ONE}")),
    "suppress customer": Scenario(
        lambda p: p.suppress(CUSTOMER, Scope(), step()), (f"PATCH {_STORES}/{{store}}/customers/{{id}}",)
    ),
    "lift": Scenario(lambda p: p.lift(MEMBER, ALL, step()), (_READ, f"PUT {_ONE}"), archived),
    "erase member": Scenario(lambda p: p.erase(MEMBER, step()), (f"POST {_ONE}/actions/delete-permanent",)),
    "erase customer": Scenario(lambda p: p.erase(CUSTOMER, step()), (f"DELETE {_RECORD}",)),
    "erase order": Scenario(lambda p: p.erase(ORDER, step()), (f"DELETE {_RECORD}",)),
    "erase cart": Scenario(lambda p: p.erase(CART, step()), (f"DELETE {_RECORD}",)),
    "confirm erased member": Scenario(confirming(Operation.ERASE, MEMBER), (_READ,)),
    "confirm erased order": Scenario(confirming(Operation.ERASE, ORDER), (f"GET {_RECORD}",)),
    "confirm suppressed": Scenario(confirming(Operation.SUPPRESS, MEMBER, scope=ALL), (_READ,)),
    "confirm corrected": Scenario(confirming(Operation.RECTIFY, MEMBER, changes=CHANGES), (_READ, _FIELDS)),
}


def documented(status: int, title: str) -> Status:
    """A refusal in Mailchimp's own words, which quote the person."""
    body = {"type": "…", "title": title, "status": status, "detail": f"{MAIN.email} is not wanted", "instance": "1"}
    return Status(status, json.dumps(body), media_type=PROBLEM)


class Case(NamedTuple):
    """What goes wrong, and what it must become after a call that reads and after one that acts."""

    what: What
    reading: type[ConnectorError]
    acting: type[ConnectorError | Manual]


def always(what: What, error: type[ConnectorError]) -> Case:
    return Case(what, error, error)


BLOCKED = "<html>Request Blocked. We had to block your request because of something that looked suspicious.</html>"
CASES = {
    # what Mailchimp documents
    "400": Case(documented(400, "Invalid Resource"), ContractError, Manual),
    "401": always(documented(401, "API Key Invalid"), AuthError),
    "403": always(documented(403, "Forbidden"), AuthError),
    "405": Case(documented(405, "Method Not Allowed"), ContractError, Manual),
    "414": always(documented(414, "Resource Nesting Too Deep"), ContractError),
    "422": always(documented(422, "Requested Fields Invalid"), ContractError),
    "426": always(documented(426, "Upgrade Required"), ContractError),
    "429": always(documented(429, "Too Many Requests"), RateLimited),
    "429 later": always(Status(429, retry_after=20), RateLimited),
    "500": Case(documented(500, "Internal Server Error"), TransientError, OutcomeUnknown),
    "503": always(documented(503, "Compliance Related"), TransientError),
    # what it answers under load, and what stands between
    "403 empty": always(Status(403), RateLimited),
    "429 empty": always(Status(429), RateLimited),
    "503 blocked": always(Status(503, BLOCKED), TransientError),
    "502 empty": Case(Status(502), TransientError, OutcomeUnknown),
    "504 html": Case(Status(504, "<html>Gateway"), TransientError, OutcomeUnknown),
    "301": Case(Status(301), ContractError, OutcomeUnknown),
    "404 empty": Case(Status(404), ContractError, OutcomeUnknown),
    "404 html": Case(Status(404, "<html>no such page"), ContractError, OutcomeUnknown),
    "404 object": Case(Status(404, "{}", media_type=PROBLEM), ContractError, OutcomeUnknown),
    "404 other's": Case(
        Status(404, '{"status": 404, "error": "no"}', media_type=PROBLEM), ContractError, OutcomeUnknown
    ),
    "404 of another kind": Case(documented(404, "Account Closed"), ContractError, Manual),
    "404 as 200": Case(
        Garbage('{"status": 404, "title": "Resource Not Found"}', 200, "application/json"),
        ContractError,
        OutcomeUnknown,
    ),
    # what is no answer
    "garbage": Case(Garbage(code=200), ContractError, OutcomeUnknown),
    "empty": Case(Garbage("", 200), ContractError, OutcomeUnknown),
    "a list": Case(Garbage("[]", 200, "application/json"), ContractError, OutcomeUnknown),
    "no fields": Case(Garbage("{}", 200, "application/json"), ContractError, OutcomeUnknown),
    "bad gzip": Case(BadGzip(), TransientError, OutcomeUnknown),
    "cut off": Case(Truncate(), TransientError, OutcomeUnknown),
    "trickle": Case(Trickle(0.05), TransientError, OutcomeUnknown),
    "stall before": Case(Stall(executed=False), TransientError, OutcomeUnknown),
    "stall after": Case(Stall(executed=True), TransientError, OutcomeUnknown),
    "drop before": Case(DropBefore(), TransientError, OutcomeUnknown),
    "drop after": Case(DropAfter(), TransientError, OutcomeUnknown),
}
MATRIX = [(name, call, case) for name, scenario in SCENARIOS.items() for call in scenario.calls for case in CASES]
SETTINGS = {"phone_tags": ["PHONE"]}
SLOW = {"trickle", "stall before", "stall after"}
SHORT = {"read": 0.12, "answer": 0.2}


def open_at(sandbox: MailchimpSandbox, url: str, case: str = "") -> Any:
    """Impatient where the case is about waiting, and nowhere else: a busy machine is no fault."""
    return workbench(Mailchimp, sandbox.settings() | SETTINGS, url, limits=SHORT if case in SLOW else {})


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_table_names_every_call(name: str, bench: Bench[Mailchimp], sandbox: MailchimpSandbox) -> None:
    scenario = SCENARIOS[name]
    scenario.before(sandbox)
    scenario.run(bench.processor)
    assert {f"{call.method} {call.route}" for call in sandbox.calls} == set(scenario.calls)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "call", "case"), MATRIX)
def test_whatever_goes_wrong_is_called_what_it_is(
    name: str, call: str, case: str, sandbox: MailchimpSandbox, url: str
) -> None:
    scenario, (what, reading, acting) = SCENARIOS[name], CASES[case]
    scenario.before(sandbox)
    expected = reading if call.startswith("GET") else acting
    if case in {"bad gzip", "trickle"} and call.startswith(("DELETE", "POST")):
        return  # 204 has no body to spoil
    sandbox.faults.add(Fault(call, what))
    with open_at(sandbox, url, case) as bench:
        got = caught(lambda: scenario.run(bench.processor))
        assert isinstance(got, (ContractError, Manual) if expected is Manual else expected)
        assert not isinstance(got, ConnectorError) or got.hint
        assert not isinstance(got, RateLimited) or (got.retry_after is not None) is (case == "429 later")
        said = f"{got} {got!r} {got.diagnostics() if isinstance(got, ConnectorError) else ''}"
        assert not [canary for canary in CANARIES if canary in said]
    with open_at(sandbox, url) as bench:
        again = scenario.run(bench.processor)
    assert not isinstance(again, Manual)
    assert not isinstance(again, Absent) or name.startswith("erase")


def caught(run: Callable[[], object]) -> object:
    """What came of it: an answer, or the error."""
    try:
        return run()
    except ConnectorError as error:
        return error


@pytest.mark.parametrize("case", ["403 empty", "404 html", "404 other's", "garbage", "drop after", "stall before"])
@pytest.mark.parametrize("name", ["find", "erase member", "confirm erased member", "confirm erased order"])
def test_nothing_is_called_gone_that_could_not_be_read(
    name: str, case: str, sandbox: MailchimpSandbox, url: str
) -> None:
    """The heart of the matrix, always run: no answer but Mailchimp's own may end in done, absent or gone."""
    sandbox.faults.add(Fault("*", CASES[case].what, nth=None))
    answers: list[object] = []
    with open_at(sandbox, url, case) as bench, pytest.raises(ConnectorError):
        answers.append(SCENARIOS[name].run(bench.processor))
    assert not [answer for answer in answers if isinstance(answer, Done | Absent | Gone)]


def test_too_many_connections_are_waited_out_not_taken_for_an_answer(sandbox: MailchimpSandbox, url: str) -> None:
    sandbox.connections = 0
    with open_at(sandbox, url) as bench:
        with pytest.raises(RateLimited):
            bench.processor.erase(MEMBER, step())
        sandbox.connections = 10
        assert isinstance(bench.processor.erase(MEMBER, step()), Done)


def test_a_key_that_may_only_read_changes_nothing(sandbox: MailchimpSandbox, url: str) -> None:
    sandbox.role = "viewer"
    with open_at(sandbox, url) as bench:
        for holding in (CART, ORDER, CUSTOMER, MEMBER):
            with pytest.raises(AuthError):
                bench.processor.erase(holding, step())
        assert len([f for f in bench.processor.find(Subject(SUBJECT.identifiers)) if isinstance(f, Holding)]) == 12
