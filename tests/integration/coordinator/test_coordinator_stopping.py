"""Taking back: the grace in which an erasure can be undone, and requests that are cancelled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from hub import (
    AsAsked,
    Contained,
    Identifier,
    Manual,
    Match,
    Outcome,
    Refused,
    Retained,
    TransientError,
    Unsupported,
)
from hub.cli.answers import Words, of_track
from hub.errors import UsageError
from hub.rights import Right
from hub.testing.memory import Kept, service
from tests.integration.coordinator.conftest import Open

EMAIL = "jane.canary@example.org"
JANE = Identifier.email(EMAIL)
STOPPING = {"connector": "memory_stopping"}
KEPT = Retained("Tax law 6", date(2032, 1, 1), "invoice")
NO_WORDS = Words({}, {"memory_stopping": {"contact": "contact"}})


def test_nothing_irreversible_happens_within_the_grace_and_use_stops_at_once(open_trial: Open) -> None:
    trial = open_trial("crm", policy='grace = "5d"', crm=STOPPING)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=4)
    assert (trial.track(request, "crm")["reason"], service("crm").kept["hers"].stopped) == ("grace", True)
    assert trial.show(request)["grace_until"] == "2026-03-07T09:00:00.000Z"
    trial.run(days=1, seconds=1)
    assert service("crm").kept == {}
    assert (trial.track(request, "crm")["outcome"], trial.show(request)["verdict"]) == ("done", "complete")


@pytest.mark.parametrize(
    "idle",
    [Unsupported("It can stop nothing for a member."), Refused("busy", "Busy."), KEPT],
    ids=["unsupported", "refused", "retained"],
)
@pytest.mark.parametrize("kept", [False, True])
def test_nobody_is_told_of_a_stop_that_nobody_asked_for_and_nothing_came_of(
    open_trial: Open, idle: Outcome, *, kept: bool
) -> None:
    trial = open_trial("crm", policy='grace = "5d"\nrefused_until = "1d"', crm=STOPPING)
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("suppress", *[idle] * 9)
    if kept:
        service("crm").script("erase", KEPT)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=9)
    told = of_track(trial.track(request, "crm"), NO_WORDS)
    erased = "contact: kept until 2032-01-01: Tax law 6" if kept else "contact: erased, read back as gone"
    assert [line.text for line in told] == [erased]
    assert trial.show(request)["verdict"] == ("with_exceptions" if kept else "complete")
    said = [event["outcome"] for event in trial.events(request, "step.outcome") if event["operation"] == "suppress"]
    assert type(idle).__name__.lower() in said, "evidence keeps it"


def test_what_became_of_a_stop_that_was_asked_for_or_was_done_is_told(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", policy='grace = "5d"', crm=STOPPING, shop=STOPPING)
    for name in ("crm", "shop"):
        service(name).keep("hers", Kept(EMAIL))
        service(name).script("erase", KEPT)
    service("crm").script("suppress", Unsupported("It can stop nothing for a member."))
    asked = trial.submit(Right.ERASURE, Right.OBJECTION, JANE)
    trial.run(days=9)
    told = [line.text for line in of_track(trial.track(asked, "crm"), NO_WORDS)]
    assert "contact: not possible here. It can stop nothing for a member." in told
    told = [line.text for line in of_track(trial.track(asked, "shop"), NO_WORDS)]
    assert told == ["contact: stopped, read back", "contact: kept until 2032-01-01: Tax law 6"]


def test_grace_ends_when_what_is_to_be_deleted_must_be_gone(open_trial: Open) -> None:
    """Twenty days from receipt, not from approval (P6)."""
    trial = open_trial("crm", approve=False, policy='grace = "20d"')
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=12)
    trial.hub.approve(request, by="Dora Dpo")
    trial.run(days=8, seconds=1)
    assert service("crm").kept == {}


def test_undo_gives_back_what_was_stopped_and_sends_nothing_more(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", policy='grace = "5d"', crm=STOPPING)
    for name in ("crm", "shop"):
        service(name).keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=2)
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert not service("crm").kept["hers"].stopped
    assert list(service("shop").kept) == ["hers"]
    view = trial.show(request)
    assert (view["state"], view["verdict"]) == ("closed", "with_exceptions")
    assert [e["instance"] for e in trial.events(request, "restored")] == ["crm"]
    assert [e["reason"] for e in trial.events(request, "request.paused")] == ["undone"]
    with pytest.raises(UsageError, match="closed already"):
        trial.hub.undo(request, by="Dora Dpo")


def test_what_was_contained_is_given_back_and_never_purged(open_trial: Open) -> None:
    trial = open_trial("db")
    service("db").keep("hers", Kept(EMAIL))
    service("db").script("erase", Contained(trial.now + timedelta(days=20), {"row": 7}))
    service("db").script("confirm", AsAsked())
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=3)
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert (service("db").called("lift"), service("db").called("resume")) == (1, 0)
    assert list(service("db").kept) == ["hers"]
    assert trial.show(request)["state"] == "closed"


def test_undo_before_anything_was_read_back_still_reaches_what_was_contained(open_trial: Open) -> None:
    trial = open_trial("db")
    service("db").keep("hers", Kept(EMAIL))
    service("db").script("erase", Contained(trial.now + timedelta(days=20), {"row": 7}))
    service("db").script("confirm", *[TransientError("down")] * 4)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=2)
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert (service("db").called("lift"), service("db").called("resume")) == (1, 0)
    assert [e["confirmation"] for e in trial.events(request, "step.confirmed")] == ["unverifiable", "as_asked"]


@pytest.mark.parametrize(
    "answer",
    [
        Refused("not_shipped", "An order is open."),
        TransientError("down"),
        KeyError("a bug"),
        Manual("by_hand", "Delete it on the screen."),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_what_was_not_done_yet_when_it_was_undone_is_never_done(open_trial: Open, answer: Any) -> None:
    trial = open_trial("shop", "crm", crm={"erase_after": ["shop"]})
    for name in ("shop", "crm"):
        service(name).keep("hers", Kept(EMAIL))
    service("shop").script("erase", *[answer] * 4)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=1)
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert (list(service("shop").kept), list(service("crm").kept)) == (["hers"], ["hers"])
    assert (trial.show(request)["state"], trial.tasks(), trial.hub.obligations()) == ("closed", [], [])


def test_an_erasure_on_its_way_while_it_is_undone_is_withdrawn_when_it_comes_back(open_trial: Open) -> None:
    trial = open_trial("shop")
    service("shop").keep("hers", Kept(EMAIL))

    def undone_meanwhile() -> Any:
        trial.hub.undo(request, by="Dora Dpo")
        return Contained(trial.now + timedelta(days=20), {"row": 7})

    service("shop").keep("also", Kept(EMAIL))
    service("shop").script("erase", undone_meanwhile)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (service("shop").called("lift"), service("shop").called("resume")) == (1, 0)
    assert (service("shop").called("erase"), trial.show(request)["state"]) == (1, "closed")


def test_what_is_kept_by_law_is_no_obligation_once_the_erasure_is_undone(open_trial: Open) -> None:
    trial = open_trial("pay", "shop", shop={"erase_after": ["pay"]}, policy='grace = "1d"')
    for name in ("pay", "shop"):
        service(name).keep("hers", Kept(EMAIL))
    service("pay").script("erase", Retained("VAT Act 1994", None, "transaction"))
    service("shop").script("erase", *[TransientError("down")] * 99)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(days=1, hours=1)
    assert trial.track(request, "pay")["outcome"] == "retained"
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert (trial.show(request)["state"], trial.hub.obligations()) == ("closed", [])


def test_an_undone_erasure_asks_nobody_to_decide_or_to_approve(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", approve=False, tables='[register.paper]\nlabel = "Paper"')
    service("crm").keep("perhaps", Kept(EMAIL, match=Match.POSSIBLE))
    service("shop").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert sorted(task["kind"] for task in trial.tasks()) == ["decide", "recipient", "review"]
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert (trial.show(request)["state"], trial.tasks()) == ("closed", [])
    assert service("shop").called("erase") == 0


def test_an_objection_made_with_the_erasure_outlives_it(open_trial: Open) -> None:
    trial = open_trial("crm", policy='grace = "5d"', crm=STOPPING)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.OBJECTION, Right.ERASURE, JANE)
    trial.run(days=1)
    trial.hub.undo(request, by="Dora Dpo")
    trial.run()
    assert service("crm").kept["hers"].stopped
    assert (service("crm").called("lift"), trial.show(request)["state"]) == (0, "closed")


def test_undo_while_services_are_searched_finds_an_end(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("find", *[TransientError("down")] * 99)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=5)
    trial.hub.undo(request, by="Dora Dpo")
    trial.run(seconds=5)
    assert (trial.show(request)["state"], trial.tasks()) == ("closed", [])


def test_what_cannot_be_taken_back_says_so(open_trial: Open) -> None:
    trial = open_trial("crm", tables='[register.paper]\nlabel = "Paper"')
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    with pytest.raises(UsageError, match="Nothing of it can be taken back"):
        trial.hub.undo(request, by="Dora Dpo")
    other = trial.submit(Right.ACCESS, JANE)
    with pytest.raises(UsageError, match="no erasure to undo"):
        trial.hub.undo(other, by="Dora Dpo")
    trial.hub.cancel(other, by="Dora Dpo")
    trial.hub.settle(trial.tasks()[0]["task"], by="Archie", result="done")


def test_a_cancelled_request_sends_nothing_more(open_trial: Open) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    trial.hub.cancel(request, by="Dora Dpo")
    trial.run()
    view = trial.show(request)
    assert (view["state"], view["verdict"], trial.tasks()) == ("closed", "cancelled", [])
    assert service("crm").called("erase") == 0
    assert trial.events(request)[-1]["reason"] == "cancelled"
    with pytest.raises(UsageError, match="closed already"):
        trial.hub.approve(request, by="Dora Dpo")


def test_cancelling_fences_a_step_under_way_and_says_what_was_not_seen(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("first", Kept(EMAIL))
    service("crm").keep("second", Kept(EMAIL))

    def cancelled_meanwhile() -> None:
        trial.hub.cancel(request, by="Dora Dpo")

    service("crm").script("erase", cancelled_meanwhile)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert service("crm").called("erase") == 1
    last, closed = trial.events(request)[-2:]
    assert (last["type"], last["outcome"], last["reason"]) == ("step.outcome", "failed", "cancelled")
    assert closed["outcome"] == "cancelled"


def test_what_was_done_and_not_read_back_is_marked_when_the_request_is_cancelled(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("confirm", *[TransientError("down")] * 9)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=1)
    trial.hub.cancel(request, by="Dora Dpo")
    (unread,) = trial.events(request, "step.confirmed")
    assert (unread["confirmation"], unread["reason"]) == ("unverifiable", "cancelled")


def test_what_is_kept_by_law_is_no_obligation_of_a_cancelled_request(open_trial: Open) -> None:
    trial = open_trial("pay", "shop")
    for name in ("pay", "shop"):
        service(name).keep("hers", Kept(EMAIL))
    service("pay").script("erase", Retained("VAT Act 1994", None, "transaction"))
    service("shop").script("erase", *[TransientError("down")] * 99)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run(seconds=1)
    trial.hub.cancel(request, by="Dora Dpo")
    assert trial.hub.obligations() == []
