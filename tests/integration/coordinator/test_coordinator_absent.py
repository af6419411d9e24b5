"""What a search saw is not gone because a service answers *absent*: it is read back like everything that was erased."""

from __future__ import annotations

from hub import Absent, AsAsked, Identifier, Unverifiable
from hub.coordinator.verdict import track_result
from hub.rights import Right
from hub.testing.memory import Kept, service
from tests.integration.coordinator.conftest import CANARIES, Open
from tests.unit.test_verdict import done, step, track

EMAIL = CANARIES[0]
JANE = Identifier.email(EMAIL)


def test_a_service_that_says_absent_of_what_is_there_is_asked_again(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("erase", Absent())
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert service("crm").kept == {}
    assert (trial.track(request, "crm")["outcome"], trial.show(request)["verdict"]) == ("done", "complete")


def test_absent_again_and_again_of_what_is_there_is_never_called_gone(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").keep("other", Kept(EMAIL))
    service("crm").script("erase", *[Absent()] * 9)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    said = trial.events(request, "step.outcome")
    assert {e["outcome"] for e in said} == {"absent", "failed"}
    assert trial.show(request)["verdict"] == "failed"
    assert trial.tasks()


def test_absent_that_cannot_be_read_back_is_not_complete(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("erase", Absent())
    service("crm").script("confirm", Unverifiable("no_read_access"))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.show(request)["verdict"]) == ("absent", "with_exceptions")


def test_as_asked_says_nothing_of_what_is_to_be_absent(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("erase", Absent())
    service("crm").script("confirm", AsAsked())
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert trial.track(request, "crm")["reason"] == "bug"


def test_no_holding_is_lent_the_read_back_of_another() -> None:
    assert track_result(track(), [done(), step("absent", holding=2)], []).confirmation == "mixed"
    assert track_result(track(), [step("absent")], []).confirmation == "unverifiable"
    assert track_result(track(), [done(), step(operation="export", holding=2)], []).confirmation == "gone"
