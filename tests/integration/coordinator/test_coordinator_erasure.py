"""An erasure from its receipt to its end: found, approved, carried out, read back, closed."""

from __future__ import annotations

from datetime import date

import pytest

from hub import Absent, Done, Gone, Identifier, Manual, Match, Method, Partial, Reach, Refused, Retained, Unverifiable
from hub.errors import UsageError
from hub.rights import Right
from hub.testing.memory import Kept, service
from tests.integration.coordinator.conftest import Open

EMAIL = "jane.canary@example.org"
JANE = Identifier.email(EMAIL)
SIX = ("crm", "shop", "mail", "desk", "pay", "wiki")


def test_an_erasure_over_six_instances(open_trial: Open) -> None:
    trial = open_trial(*SIX)
    for name in SIX:
        service(name).keep("hers", Kept(EMAIL))
        service(name).keep("neighbour", Kept("jane.canary@example.com"))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    view = trial.show(request)
    assert (view["state"], view["verdict"]) == ("closed", "complete")
    assert {(t["outcome"], t["method"], t["confirmation"]) for t in view["tracks"]} == {("done", "deleted", "gone")}
    for name in SIX:
        assert list(service(name).kept) == ["neighbour"]
        assert service(name).calls == [("check", ""), ("find", ""), ("erase", "hers"), ("confirm", "hers")]
    assert trial.tasks() == []


def test_nothing_held_is_an_answer_of_its_own(open_trial: Open) -> None:
    trial = open_trial("crm")
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert trial.track(request, "crm")["outcome"] == "nothing_held"
    assert trial.events(request, "find.covered")[0]["outcome"] == "nothing_held"
    assert trial.show(request)["verdict"] == "complete"


def test_a_service_that_cannot_be_searched_is_never_called_empty(open_trial: Open) -> None:
    trial = open_trial("crm")
    request = trial.submit(Right.ERASURE, Identifier.name("Janecanary Quill"))
    trial.run()
    assert trial.track(request, "crm")["outcome"] == "not_searchable"
    assert trial.show(request)["verdict"] == "with_exceptions"


def test_without_a_policy_a_named_person_approves_what_was_found(open_trial: Open) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=30)
    assert (trial.show(request)["state"], trial.track(request, "crm")["reason"]) == ("review", "review")
    assert service("crm").called("erase") == 0
    assert [task["kind"] for task in trial.tasks()] == ["review"]
    trial.hub.approve(request, by="Dora Dpo", digest=trial.show(request)["digest"][:12])
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
    approved = trial.events(request, "request.approved")
    assert [(e["count"], e["reason"]) for e in approved] == [(1, "reviewed")]


@pytest.mark.parametrize("digest", ["", "0", "ffffffff", "0" * 64])
def test_an_approval_is_of_what_is_there_and_of_nothing_else(open_trial: Open, digest: str) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    with pytest.raises(UsageError, match="has changed since you looked") as caught:
        trial.hub.approve(request, by="Dora Dpo", digest=digest)
    assert f"hub show {request}" in caught.value.hint
    trial.run()
    assert service("crm").called("erase") == 0


def test_there_is_nothing_to_approve_while_services_are_searched_or_for_a_copy(open_trial: Open) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    with pytest.raises(UsageError, match="still being searched"):
        trial.hub.approve(request, by="Dora Dpo")
    copy = trial.submit(Right.ACCESS, JANE)
    trial.run()
    with pytest.raises(UsageError, match="Nothing waits for approval"):
        trial.hub.approve(copy, by="Dora Dpo")


def test_policy_approves_only_for_its_way_of_verification(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE, verified_by="telephone")
    trial.run()
    assert trial.show(request)["state"] == "review"
    assert service("crm").called("erase") == 0


@pytest.mark.parametrize("uncertain", [{"match": Match.POSSIBLE}, {"reach": Reach.SHARED}])
@pytest.mark.parametrize("hers", [True, False])
def test_what_may_be_somebody_elses_waits_for_a_recorded_decision(
    open_trial: Open, uncertain: dict[str, object], hers: bool
) -> None:
    trial = open_trial("crm")
    service("crm").keep("certain", Kept(EMAIL))
    service("crm").keep("uncertain", Kept(EMAIL, **uncertain))  # type: ignore[arg-type]
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=30)
    assert list(service("crm").kept) == ["uncertain"]  # the certain one did not wait for it
    assert [task["kind"] for task in trial.tasks()] == ["decide"]
    (open_one,) = [h for h in trial.track(request, "crm")["holdings"] if h["needs_decision"]]
    trial.hub.decide(request, {open_one["holding"]: hers}, by="Dora Dpo")
    trial.run()
    assert list(service("crm").kept) == ([] if hers else ["uncertain"])
    assert trial.show(request)["state"] == "closed"
    assert trial.events(request, "match.decided")[0]["decision"] == ("hers" if hers else "not_hers")
    with pytest.raises(UsageError):
        trial.hub.decide(request, {open_one["holding"]: True}, by="Dora Dpo")


def test_only_not_hers_is_nothing_held(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("uncertain", Kept(EMAIL, match=Match.POSSIBLE))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    with pytest.raises(UsageError, match="No decision is asked for holding 7"):
        trial.hub.decide(request, {7: True}, by="Dora Dpo")
    trial.hub.decide(request, {1: False}, by="Dora Dpo")
    trial.run()
    assert trial.track(request, "crm")["outcome"] == "nothing_held"


def test_what_a_decision_adds_is_reviewed_like_the_rest(open_trial: Open) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("uncertain", Kept(EMAIL, reach=Reach.SHARED))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert [task["kind"] for task in trial.tasks()] == ["decide"]
    trial.hub.decide(request, {1: True}, by="Dora Dpo")
    trial.run(days=1)
    assert [task["kind"] for task in trial.tasks()] == ["review"]
    assert service("crm").called("erase") == 0
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_children_go_first_and_a_failed_child_holds_its_parent_back(open_trial: Open) -> None:
    trial = open_trial("shop")
    service("shop").keep("order", Kept(EMAIL, kind="order"))
    service("shop").keep("customer", Kept(EMAIL))
    service("shop").script("erase", KeyError("a bug"))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=2)
    assert [c for c in service("shop").calls if c[0] == "erase"] == [("erase", "order")]
    assert trial.track(request, "shop")["outcome"] == "failed"
    trial.hub.retry(request, by="Dora Dpo")
    trial.run()
    assert [c for c in service("shop").calls if c[0] == "erase"][1:] == [("erase", "order"), ("erase", "customer")]
    assert trial.show(request)["verdict"] == "complete"


def test_a_refused_child_does_not_hold_its_parent_back(open_trial: Open) -> None:
    trial = open_trial("shop")
    service("shop").keep("order", Kept(EMAIL, kind="order"))
    service("shop").keep("customer", Kept(EMAIL))
    service("shop").script("erase", Refused("not_shipped", "The order is open."))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(hours=1)
    assert list(service("shop").kept) == ["order"]
    trial.run(hours=24)
    assert list(service("shop").kept) == []
    assert trial.show(request)["verdict"] == "complete"


def test_open_business_is_asked_about_daily_and_becomes_an_obligation(open_trial: Open) -> None:
    trial = open_trial("shop", policy='refused_until = "3d"')
    service("shop").keep("order", Kept(EMAIL, kind="order"))
    service("shop").script("erase", *[Refused("not_shipped", "The order is open.")] * 9)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(hours=1)
    assert (trial.track(request, "shop")["outcome"], trial.track(request, "shop")["reason"]) == ("waiting", "refused")
    trial.run()
    assert service("shop").called("erase") == 4
    assert trial.track(request, "shop")["outcome"] == "refused"
    assert trial.show(request)["verdict"] == "with_exceptions"
    (duty,) = trial.hub.obligations()
    assert (duty["instance"], duty["kind"], duty["ground"]) == ("shop", "order", "open business: not_shipped")
    assert [e["kind"] for e in trial.events(request, "obligation.created")] == ["order"]


def test_what_the_law_keeps_becomes_an_obligation_with_its_end(open_trial: Open) -> None:
    trial = open_trial("pay")
    service("pay").keep("payment", Kept(EMAIL))
    ground, until = "VAT Act 1994 Sch 11 para 6(3)", date(2032, 3, 2)
    service("pay").script("erase", Retained(ground, until, "card transaction"))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (trial.track(request, "pay")["outcome"], trial.show(request)["verdict"]) == ("retained", "with_exceptions")
    assert [(d["ground"], d["due"]) for d in trial.hub.obligations()] == [(ground, "2032-03-02")]
    (told,) = trial.events(request, "step.outcome")
    assert (told["outcome"], told["ground"], told["until"]) == ("retained", ground, "2032-03-02")


def test_of_a_partial_answer_each_part_goes_its_own_way(open_trial: Open) -> None:
    trial = open_trial("shop")
    service("shop").keep("account", Kept(EMAIL))
    kept = Retained("HGB s. 257", date(2034, 12, 31), "invoices")
    by_hand = Manual("paper_file", "Shred the paper file.")
    service("shop").script("erase", Partial(Done(Method.DELETED, 3), (kept, by_hand)))
    service("shop").script("confirm", Gone())
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert trial.show(request)["state"] != "closed"
    (task,) = trial.tasks("manual")
    trial.hub.settle(task["task"], by="Archie", result="done", proof=b"shredded")
    trial.run()
    assert (trial.track(request, "shop")["outcome"], trial.show(request)["verdict"]) == ("partial", "with_exceptions")
    assert [d["ground"] for d in trial.hub.obligations()] == ["HGB s. 257"]


def test_what_was_left_refused_of_a_partial_answer_is_tried_again(open_trial: Open) -> None:
    trial = open_trial("shop")
    service("shop").keep("account", Kept(EMAIL))
    service("shop").script("erase", Partial(Done(Method.DELETED, 3), (Refused("open_order", "An order is open."),)))
    service("shop").script("confirm", Gone())
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(hours=1)
    assert (trial.track(request, "shop")["outcome"], trial.track(request, "shop")["reason"]) == ("waiting", "refused")
    trial.run()
    assert service("shop").called("erase") == 2
    assert trial.show(request)["verdict"] == "complete"
    assert trial.hub.obligations() == []


def test_what_a_person_must_do_at_the_service_waits_with_instructions(open_trial: Open) -> None:
    trial = open_trial("desk")
    service("desk").keep("ticket", Kept(EMAIL))
    service("desk").script("erase", Manual("delete_in_screen", "Delete the ticket on the service's screen."))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    (task,) = trial.tasks()
    assert (task["kind"], task["instance"], task["text"]) == (
        "manual",
        "desk",
        "Delete the ticket on the service's screen.",
    )
    with pytest.raises(UsageError, match="result is not known"):
        trial.hub.settle(task["task"], by="Archie", result="perhaps")
    trial.hub.settle(task["task"], by="Archie", result="done", proof=b"a photograph of an empty list")
    trial.run()
    assert (trial.track(request, "desk")["outcome"], trial.show(request)["verdict"]) == ("manual", "with_exceptions")
    (told,) = trial.events(request, "step.manual")
    assert (told["outcome"], told["reason"], told["operation"]) == ("done", "evidence_attached", "erase")
    (shown,) = trial.show(request)["manual"]
    assert shown["evidence_sha256"]


def test_a_service_without_the_operation_says_why(open_trial: Open) -> None:
    trial = open_trial("wiki", wiki={"connector": "memory_reticent"})
    service("wiki").keep("page", Kept(EMAIL))
    request = trial.submit(Right.OBJECTION, JANE)
    trial.run()
    (held,) = trial.track(request, "wiki")["holdings"]
    assert held["steps"][0]["explanation"] == "The service uses nothing it holds."
    assert trial.show(request)["verdict"] == "with_exceptions"


def test_absent_satisfies_an_erasure(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))

    def by_somebody_else() -> Absent:
        service("crm").kept.pop("hers")
        return Absent()

    service("crm").script("erase", by_somebody_else)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.show(request)["verdict"]) == ("absent", "complete")
    assert trial.track(request, "crm")["confirmation"] == "gone"


def test_what_cannot_be_read_back_is_not_complete(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("confirm", Unverifiable("no_read_access"))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    track = trial.track(request, "crm")
    assert (track["outcome"], track["confirmation"], track["reason"]) == ("done", "unverifiable", "no_read_access")
    assert trial.show(request)["verdict"] == "with_exceptions"


def test_contacts_are_erased_in_batches(open_trial: Open) -> None:
    trial = open_trial("mail", mail={"connector": "memory_batching"})
    for name in ("one", "two", "three"):
        service("mail").keep(name, Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert [c for c in service("mail").calls if c[0] == "erase_many"] == [("erase_many", "one,two")]
    assert trial.show(request)["verdict"] == "complete"
    assert len(trial.events(request, "step.confirmed")) == 3


def test_erasing_waits_for_the_instances_it_must_come_after(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", crm={"erase_after": ["shop"]})
    for name in ("crm", "shop"):
        service(name).keep("hers", Kept(EMAIL))
    service("shop").script("erase", Refused("not_shipped", "The order is open."))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(hours=20)
    assert (service("crm").called("erase"), trial.track(request, "crm")["reason"]) == (0, "erase_after")
    trial.run(hours=5)
    assert (service("crm").called("erase"), trial.show(request)["verdict"]) == (1, "complete")
