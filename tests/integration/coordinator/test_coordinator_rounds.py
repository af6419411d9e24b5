"""Identifiers learned on the way: who may teach, who searches again, when it ends, and who does not wait for it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hub import ContractError, Identifier, Match, RateLimited, TransientError
from hub.rights import Right
from hub.testing.memory import Kept, service
from tests.integration.coordinator.conftest import Open

EMAIL, SECOND, THIRD = "jane.canary@example.org", "j.canary.second@example.org", "third.canary@example.org"
JANE = Identifier.email(EMAIL)


def teach(name: str, email: str, learned: str) -> None:
    service(name).keep(email, Kept(email, also=(Identifier.email(learned),)))


def test_what_one_service_teaches_is_searched_for_at_the_others(open_trial: Open) -> None:
    trial = open_trial("crm", "shop")
    teach("crm", EMAIL, SECOND)
    service("shop").keep("account", Kept(SECOND))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert service("shop").kept == {}
    assert service("shop").called("find") == 2
    assert trial.show(request)["verdict"] == "complete"


def test_there_are_three_rounds_at_most(open_trial: Open) -> None:
    trial = open_trial("crm")
    chain = [EMAIL, SECOND, THIRD, "fourth@example.org", "fifth@example.org"]
    for known, learned in pairwise(chain):
        teach("crm", known, learned)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert service("crm").called("find") == 3
    assert list(service("crm").kept) == ["fourth@example.org"]
    assert trial.show(request)["state"] == "closed"


def test_an_instance_that_is_not_trusted_teaches_nothing(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", crm={"trusted": False})
    teach("crm", EMAIL, SECOND)
    service("shop").keep("account", Kept(SECOND))
    trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (service("shop").called("find"), list(service("shop").kept)) == (1, ["account"])


def test_an_uncertain_holding_teaches_nothing(open_trial: Open) -> None:
    trial = open_trial("crm", "shop")
    service("crm").keep("his", Kept(EMAIL, match=Match.POSSIBLE, also=(Identifier.email(SECOND),)))
    service("shop").keep("account", Kept(SECOND))
    trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert service("shop").called("find") == 1


def test_a_late_service_reopens_what_was_settled_and_its_findings_are_approved_anew(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", approve=False)
    teach("crm", EMAIL, SECOND)
    service("shop").keep("old", Kept(EMAIL))
    service("shop").keep("new", Kept(SECOND))
    service("crm").script("find", RateLimited("Later", retry_after=timedelta(days=1)))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(minutes=2)
    trial.hub.approve(request, by="Dora Dpo")
    trial.run(minutes=2)
    assert trial.track(request, "shop")["phase"] == "settled"
    assert list(service("shop").kept) == ["new"]
    trial.run(days=2)
    assert trial.show(request)["state"] == "review"
    assert list(service("shop").kept) == ["new"]  # found later: nobody approved it yet
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert (service("shop").kept, service("crm").kept) == ({}, {})
    assert trial.show(request)["verdict"] == "complete"
    assert [e["count"] for e in trial.events(request, "request.approved")] == [1, 2]


def test_what_two_services_teach_in_the_same_round_is_all_searched_for(open_trial: Open) -> None:
    """The second teacher answers when the first one's lesson has already moved the request to its next round."""
    trial = open_trial("crm", "desk", "shop")
    teach("crm", EMAIL, SECOND)
    teach("desk", EMAIL, THIRD)
    for email in (SECOND, THIRD):
        service("shop").keep(email, Kept(email))
    service("desk").script("find", RateLimited("Later", retry_after=timedelta(hours=1)))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert service("shop").kept == {}
    assert trial.show(request)["verdict"] == "complete"


def test_the_barrier_waits_for_patience_and_no_longer(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", policy='find_patience = "30s"')
    for name in ("crm", "shop"):
        service(name).keep("hers", Kept(EMAIL))
    service("crm").script("find", RateLimited("Later", retry_after=timedelta(hours=1)))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=29)
    assert (trial.track(request, "shop")["reason"], service("shop").called("erase")) == ("barrier", 0)
    trial.run(seconds=2)
    assert trial.track(request, "shop")["outcome"] == "done"
    assert service("crm").called("find") == 1  # moving on is no reason to ask before it is time
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_a_search_that_failed_for_good_is_not_waited_for(open_trial: Open) -> None:
    trial = open_trial("crm", "shop")
    service("crm").script("find", ContractError("not its documented shape"))
    service("shop").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=1)
    assert trial.track(request, "shop")["outcome"] == "done"


def test_who_did_not_answer_is_waited_for_once_and_not_in_every_round(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", "desk")
    teach("crm", EMAIL, SECOND)
    teach("shop", SECOND, THIRD)
    service("crm").keep("more", Kept(THIRD))
    service("desk").script("find", *[TransientError("down")] * 100)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=62)
    assert (service("crm").kept, service("shop").kept) == ({}, {})
    assert trial.track(request, "desk")["outcome"] == "waiting"


def test_a_suppression_waits_neither_for_the_barrier_nor_for_review(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", approve=False, shop={"connector": "memory_stopping"})
    service("crm").script("find", *[TransientError("down")] * 100)
    service("shop").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=5)
    assert service("shop").kept["hers"].stopped
    assert trial.show(request)["state"] == "finding"
    objection = trial.submit(Right.OBJECTION, Identifier.email(SECOND))
    service("shop").keep("other", Kept(SECOND))
    trial.run(seconds=5)
    assert service("shop").kept["other"].stopped
    assert trial.track(objection, "shop")["holdings"][0]["steps"][0]["confirmation"] == "as_asked"


def test_children_found_later_still_go_before_their_parent(open_trial: Open) -> None:
    """A second search names an order when the customer's erasure already waits for approval: the order comes first."""
    trial = open_trial("shop", "crm", approve=False)
    teach("crm", EMAIL, SECOND)
    service("crm").script("find", RateLimited("Later", retry_after=timedelta(hours=1)))
    service("shop").keep("order", Kept(SECOND, kind="order"))
    service("shop").keep("customer", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(minutes=5)
    assert [h["kind"] for h in trial.track(request, "shop")["holdings"]] == ["contact"]
    trial.run()
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert [record for call, record in service("shop").calls if call == "erase"] == ["order", "customer"]
    assert trial.show(request)["verdict"] == "complete"


def test_a_later_search_that_is_certain_needs_no_decision_any_more(open_trial: Open) -> None:
    trial = open_trial("shop", "crm", approve=False)
    teach("crm", EMAIL, SECOND)
    service("shop").keep("account", Kept(EMAIL, match=Match.POSSIBLE))

    def now_certain() -> None:
        service("shop").kept["account"].match = Match.EXACT

    service("shop").script("find", None, now_certain)  # type: ignore[arg-type]
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert [task["kind"] for task in trial.tasks()] == ["review"]
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert service("shop").kept == {}
    assert [e["match"] for e in trial.events(request, "holding.found") if e["instance"] == "shop"] == [
        "possible",
        "exact",
    ]


def test_a_later_search_that_is_in_doubt_takes_certainty_away(open_trial: Open) -> None:
    trial = open_trial("shop", "crm", approve=False)
    service("crm").script("find", RateLimited("Later", retry_after=timedelta(hours=1)))
    teach("crm", EMAIL, SECOND)
    service("shop").keep("account", Kept(EMAIL))

    def now_doubtful() -> None:
        service("shop").kept["account"].match = Match.POSSIBLE

    service("shop").script("find", None, now_doubtful)  # type: ignore[arg-type]
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert (list(service("shop").kept), service("crm").kept) == (["account"], {})
    assert [task["kind"] for task in trial.tasks()] == ["decide"]
