"""Services that fail: what passes by itself, what is read back before it is repeated, what a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from hub import (
    Absent,
    AsAsked,
    AuthError,
    ConfigError,
    Contained,
    ContractError,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    Masked,
    Method,
    NotYet,
    OutcomeUnknown,
    Pending,
    RateLimited,
    Search,
    Services,
    Subject,
    TransientError,
    Unverifiable,
)
from hub.errors import UsageError
from hub.rights import Right
from hub.testing.memory import Kept, Memory, MemoryConfig, service
from hub.testing.trial import Trial
from tests.integration.coordinator.conftest import Open, plugin, processors

EMAIL = "jane.canary@example.org"
JANE = Identifier.email(EMAIL)


class Scripted(Memory):
    """Finds whatever it is told to."""

    name = "memory_scripted"
    answers: ClassVar[list[Any]] = []

    def find(self, subject: Subject) -> Iterator[Any]:
        return iter(self.answers)


class Unmade(Memory):
    """Cannot be set up."""

    name = "memory_unmade"

    def __init__(self, config: MemoryConfig, hub: Services) -> None:
        raise RuntimeError("cannot be made")


def erasure(trial: Trial, *names: str) -> str:
    for name in names:
        service(name).keep("hers", Kept(EMAIL))
    return trial.submit(Right.ERASURE, JANE)


def outcomes(trial: Trial, request: str, operation: str = "erase") -> list[tuple[str, str | None]]:
    told = trial.events(request, "step.outcome")
    return [(e["outcome"], e.get("reason")) for e in told if e["operation"] == operation]


class Dead:
    """A service that answers nothing until a time."""

    def __init__(self, trial: Trial, until: datetime) -> None:
        self._clock, self._until = trial.clock, until

    def __call__(self) -> Any:
        if self._clock.now() < self._until:
            raise TransientError("The service cannot be reached")
        return None


@pytest.mark.parametrize("operation", ["check", "find", "erase", "confirm"])
def test_what_passes_is_repeated_until_it_has_passed(open_trial: Open, operation: str) -> None:
    trial = open_trial("crm")
    service("crm").script(operation, *[TransientError("Down for a moment")] * 7)
    request = erasure(trial, "crm")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
    assert service("crm").called(operation) == 8
    assert trial.tasks() == []


@pytest.mark.parametrize("operation", ["find", "erase", "confirm"])
def test_a_service_dead_for_a_week_is_named_and_finishes_by_itself(open_trial: Open, operation: str) -> None:
    trial = open_trial("crm", "shop", policy='retry_cap = "6h"')
    service("crm").script(operation, *[Dead(trial, trial.now + timedelta(days=7))] * 500)
    request = erasure(trial, "crm", "shop")
    trial.run(days=4)
    assert trial.track(request, "shop")["outcome"] == "done"
    assert trial.track(request, "crm")["reason"] == "transient"
    assert [(t["kind"], t["instance"]) for t in trial.tasks()] == [("unreachable", "crm")]
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
    assert trial.tasks() == []


def test_a_service_that_never_comes_back_ends_with_a_persons_word(open_trial: Open) -> None:
    trial = open_trial("crm", policy='retry_cap = "6h"')
    service("crm").script("erase", *[TransientError("gone for good")] * 500)
    request = erasure(trial, "crm")
    trial.run(days=4)
    (task,) = trial.tasks("unreachable")
    trial.hub.settle(task["task"], by="Dora Dpo", result="not_possible")
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.show(request)["verdict"]) == ("manual", "with_exceptions")
    (told,) = trial.events(request, "step.manual")
    assert (told["operation"], told["outcome"]) == ("erase", "not_possible")


@pytest.mark.parametrize("phase", ["unreachable", "failed"])
def test_a_search_can_be_made_by_hand_in_the_services_stead(open_trial: Open, phase: str) -> None:
    trial = open_trial("crm", "shop", policy='retry_cap = "6h"')
    error = TransientError("down") if phase == "unreachable" else ContractError("not its documented shape")
    service("crm").script("find", *[error] * 500)
    request = erasure(trial, "crm", "shop")
    trial.run(days=4)
    assert trial.track(request, "crm")["outcome"] == ("waiting" if phase == "unreachable" else "failed")
    (task,) = trial.tasks(phase)
    trial.hub.settle(task["task"], by="Dora Dpo", result="nothing_held")
    trial.run()
    track = trial.track(request, "crm")
    assert (track["outcome"], track["reason"]) == ("manual", "nothing_held")
    assert trial.show(request)["verdict"] == "with_exceptions"
    assert trial.events(request, "step.manual")[0]["operation"] == "find"


def test_a_long_retry_after_is_kept_and_nobody_else_waits_for_it(open_trial: Open) -> None:
    trial = open_trial("crm", "shop")
    service("crm").script("find", RateLimited("Slow down", retry_after=timedelta(hours=2)))
    request, began = erasure(trial, "crm", "shop"), trial.now
    trial.run(seconds=61)
    assert trial.track(request, "shop")["outcome"] == "done"
    trial.run()
    assert trial.now - began >= timedelta(hours=2)
    assert (trial.show(request)["verdict"], service("crm").called("find")) == ("complete", 2)


def test_an_answer_that_was_lost_is_read_back_and_recorded_as_that(open_trial: Open) -> None:
    trial = open_trial("crm")

    def carried_out_unseen() -> None:
        service("crm").kept.pop("hers")
        raise OutcomeUnknown("The connection broke after sending")

    service("crm").script("erase", carried_out_unseen)
    request = erasure(trial, "crm")
    trial.run()
    assert service("crm").called("erase") == 1
    assert outcomes(trial, request) == [("failed", "outcome_unknown"), ("done", "answer_lost")]
    track = trial.track(request, "crm")
    assert (track["outcome"], track["confirmation"], track["reason"]) == ("done", "gone", "answer_lost")


def test_what_did_not_happen_is_repeated(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("erase", OutcomeUnknown("The connection broke"))
    request = erasure(trial, "crm")
    trial.run()
    assert [c[0] for c in service("crm").calls[2:]] == ["erase", "confirm", "erase", "confirm"]
    assert outcomes(trial, request) == [("failed", "outcome_unknown"), ("done", None)]


@pytest.mark.parametrize("between", [[], [TransientError("down")] * 5])
@pytest.mark.parametrize("read_back", [Differs(), Unverifiable("no_read_access")])
def test_absent_after_an_answer_nobody_saw_is_that_attempts_work(
    open_trial: Open, between: list[Any], read_back: Any
) -> None:
    """The first attempt takes effect late: the read-back still sees the record, the repetition does not."""
    trial = open_trial("crm")

    def late() -> None:
        service("crm").kept.pop("hers")
        raise TransientError("down")

    service("crm").script("erase", OutcomeUnknown("The connection broke"), late, *between)
    service("crm").script("confirm", read_back)
    request = erasure(trial, "crm")
    trial.run()
    assert outcomes(trial, request)[-1] == ("done", "answer_lost")
    assert trial.track(request, "crm")["confirmation"] == "gone"


def test_an_unanswered_act_is_not_called_done_while_reading_back_fails(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("erase", OutcomeUnknown("The connection broke"))
    service("crm").script("confirm", *[TransientError("down")] * 5, ContractError("not its documented shape"))
    request = erasure(trial, "crm")
    trial.run()
    assert (trial.track(request, "crm")["outcome"], service("crm").called("erase")) == ("failed", 1)
    assert outcomes(trial, request, "confirm")[-1] == ("failed", "contract")
    trial.hub.retry(request, by="Dora Dpo", instance="crm")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


@pytest.mark.parametrize("operation", ["check", "find", "erase", "confirm"])
@pytest.mark.parametrize("error", [AuthError, ConfigError])
def test_refused_access_suspends_the_instance_and_tells_everybody_once(
    open_trial: Open, operation: str, error: type[Exception]
) -> None:
    heard: list[Any] = []

    def listen(event: Any) -> None:
        heard.append(event)

    trial = open_trial("crm", "shop", plugins={"ears": plugin(hub_on_event=listen)})
    service("crm").script(operation, error("no"))
    service("crm").keep("another", Kept("third.canary@example.org"))
    requests = [
        erasure(trial, "crm", "shop"),
        trial.submit(Right.ERASURE, Identifier.email("third.canary@example.org")),
    ]
    trial.run(days=3)
    code = "auth" if error is AuthError else "config"
    assert trial.hub.held() == {"crm": code}
    assert service("crm").called(operation) == 1
    assert [(e["type"], e["reason"]) for e in heard if e["type"] == "request.paused"] == [("request.paused", code)]
    assert [(t["kind"], t["instance"]) for t in trial.tasks()] == [("suspended", "crm")]
    with pytest.raises(UsageError, match="asks for a decision"):
        trial.hub.settle(trial.tasks()[0]["task"], by="Dora Dpo", result="done")
    assert {trial.track(r, "crm")["reason"] for r in requests} == {f"instance_{code}"}
    assert {trial.track(r, "shop")["phase"] for r in requests} == {"settled"}
    trial.hub.hold("crm", hold=False)
    trial.run()
    assert {trial.show(r)["verdict"] for r in requests} == {"complete"}


def test_a_paused_instance_is_left_alone_until_it_is_resumed(open_trial: Open) -> None:
    trial = open_trial("crm")
    trial.hub.hold("crm", hold=True)
    request = erasure(trial, "crm")
    trial.run(days=3)
    assert (service("crm").calls, trial.track(request, "crm")["reason"]) == ([], "instance_paused")
    trial.hub.hold("crm", hold=False)
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
    with pytest.raises(UsageError, match="no instance cmr"):
        trial.hub.hold("cmr", hold=True)


@pytest.mark.parametrize("operation", ["check", "find", "erase", "confirm"])
@pytest.mark.parametrize("error", [ContractError("not its documented shape"), ZeroDivisionError("a bug")])
def test_what_repeating_cannot_help_is_given_to_a_person_and_tried_again_on_their_word(
    open_trial: Open, operation: str, error: Exception
) -> None:
    trial = open_trial("crm", "shop")
    service("crm").script(operation, error)
    request = erasure(trial, "crm", "shop")
    trial.run(days=30)
    assert trial.track(request, "shop")["outcome"] == "done"
    assert (trial.track(request, "crm")["outcome"], trial.show(request)["verdict"]) == ("failed", "failed")
    assert service("crm").called(operation) == 1
    (task,) = trial.tasks()
    assert (task["kind"], task["instance"]) == ("failed", "crm")
    assert f"hub retry {request}" in task["text"]
    with pytest.raises(UsageError, match="Nothing failed there"):
        trial.hub.retry(request, by="Dora Dpo", instance="shop")
    trial.hub.retry(request, by="Dora Dpo")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


@pytest.mark.parametrize("last", [TransientError("down"), None])
def test_retry_does_not_wait_for_the_next_try(open_trial: Open, last: Exception | None) -> None:
    trial = open_trial("crm")
    service("crm").script("find", *[TransientError("down")] * 30)
    request = erasure(trial, "crm")
    trial.run(minutes=8)
    before = trial.now
    service("crm").script("find", *([last] if last else []))
    called = service("crm").called("find")
    trial.hub.retry(request, by="Dora Dpo")
    trial.run(seconds=0.5)
    assert service("crm").called("find") > called
    assert trial.now - before < timedelta(minutes=1)


GARBAGE: dict[str, list[tuple[str, Any]]] = {
    "no outcome": [("erase", lambda: "done")],
    "a confirmation for an outcome": [("erase", Gone())],
    "an outcome for a confirmation": [("confirm", lambda: Done(Method.DELETED))],
    "as asked, of an erasure": [("confirm", AsAsked())],
    "a secret that is no JSON": [
        ("erase", lambda: Pending(datetime(2026, 3, 3, tzinfo=UTC), {"x": {1}}, datetime(2026, 3, 9, tzinfo=UTC)))
    ],
}


@pytest.mark.parametrize("answers", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_answer_that_is_none_is_a_bug_of_the_connector(open_trial: Open, answers: list[tuple[str, Any]]) -> None:
    trial = open_trial("crm")
    for operation, answer in answers:
        service("crm").script(operation, answer)
    request = erasure(trial, "crm")
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.track(request, "crm")["reason"]) == ("failed", "bug")


@pytest.mark.parametrize(
    "fault",
    [
        Holding("k", "Not A Code", ("contact",), {}),
        Holding("k", "contact", (EMAIL,), {}),
        Holding("k", "contact", ("contact",), {"x": {1}}),
        "something else",
        Coverage({EMAIL: Search.EXACT}),
        Coverage({"email": "exact, I think"}),  # type: ignore[dict-item]
    ],
    ids=["kind", "category", "locator", "type", "label", "coverage"],
)
def test_a_search_that_answers_what_cannot_be_written_down_fails_as_a_bug(open_trial: Open, fault: Any) -> None:
    Scripted.answers = [fault]
    trial = open_trial("crm", crm={"connector": "memory_scripted"}, plugins={"scripted": processors(Scripted)})
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.track(request, "crm")["reason"]) == ("failed", "bug")


def test_a_search_must_say_what_it_covered(open_trial: Open) -> None:
    Scripted.answers = []
    trial = open_trial("crm", crm={"connector": "memory_scripted"}, plugins={"scripted": processors(Scripted)})
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert trial.track(request, "crm")["outcome"] == "failed"


def test_a_read_back_that_differs_three_times_is_a_persons_to_look_at(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("confirm", *[TransientError("down")] * 4, Differs(), Differs(), Differs())
    service("crm").script("erase", *[Done(Method.DELETED)] * 9)
    request = erasure(trial, "crm")
    trial.run()
    assert (service("crm").called("erase"), trial.track(request, "crm")["reason"]) == (3, "not_as_asked")
    assert [t["kind"] for t in trial.tasks()] == ["failed"]
    service("crm").kept.clear()
    trial.hub.retry(request, by="Dora Dpo")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_a_read_back_that_differs_twice_is_not_yet(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("confirm", Differs(), Differs())
    service("crm").script("erase", Done(Method.DELETED), Done(Method.DELETED))
    request = erasure(trial, "crm")
    trial.run()
    assert (service("crm").called("erase"), trial.show(request)["verdict"]) == (3, "complete")


def test_what_is_masked_is_never_called_deleted(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("erase", Done(Method.DELETED))
    service("crm").script("confirm", Masked())
    request = erasure(trial, "crm")
    trial.run()
    track = trial.track(request, "crm")
    assert (track["outcome"], track["method"], track["confirmation"]) == ("done", "redacted", "masked")


@pytest.mark.parametrize("days", [1, 29, 40])
def test_not_yet_is_looked_at_again_until_patience_ends(open_trial: Open, days: int) -> None:
    trial = open_trial("crm")
    ready = trial.now + timedelta(days=days)

    def look() -> Any:
        return Gone() if trial.now >= ready else NotYet(trial.now + timedelta(hours=6))

    service("crm").script("confirm", *[look] * 500)
    request = erasure(trial, "crm")
    trial.run()
    patience_lasts = days < 30
    assert trial.track(request, "crm")["outcome"] == ("done" if patience_lasts else "failed")
    assert service("crm").called("erase") == 1
    assert not patience_lasts or trial.now >= ready


def test_a_service_that_wants_to_be_asked_at_once_is_asked_in_a_second(open_trial: Open) -> None:
    trial = open_trial("crm")
    began = trial.now
    service("crm").script("confirm", *[NotYet(began)] * 100)
    request = erasure(trial, "crm")
    trial.run()
    assert trial.now - began >= timedelta(seconds=99)
    assert trial.show(request)["verdict"] == "complete"


def test_an_accepted_job_is_followed_to_its_end(open_trial: Open) -> None:
    trial = open_trial("crm")
    later = trial.now + timedelta(days=2)
    handle = {"job": "a secret of the service, and jane.canary@example.org"}
    service("crm").script("erase", Pending(later, handle, later + timedelta(days=9)))
    request = erasure(trial, "crm")
    trial.run(days=1)
    assert (trial.track(request, "crm")["outcome"], trial.track(request, "crm")["reason"]) == ("waiting", "pending")
    trial.run()
    assert [c[0] for c in service("crm").calls[2:]] == ["erase", "resume", "confirm"]
    assert trial.now >= later
    assert trial.show(request)["verdict"] == "complete"
    assert outcomes(trial, request) == [("pending", None), ("done", None)]


def test_a_job_that_is_never_done_is_given_to_a_person_when_it_first_said(open_trial: Open) -> None:
    trial = open_trial("crm")
    began = trial.now

    def still_working() -> Pending:
        return Pending(trial.now + timedelta(days=1), {"job": 1}, trial.now + timedelta(days=5))

    service("crm").script("erase", still_working)
    service("crm").script("resume", *[still_working] * 100)
    request = erasure(trial, "crm")
    trial.run()
    assert trial.track(request, "crm")["reason"] == "gave_up"
    assert timedelta(days=5) <= trial.now - began <= timedelta(days=6)
    trial.hub.retry(request, by="Dora Dpo")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_an_accepted_job_whose_record_is_gone_is_done(open_trial: Open) -> None:
    trial = open_trial("crm")
    later = trial.now + timedelta(days=2)
    service("crm").script("erase", Pending(later, {"job": 1}, later + timedelta(days=9)))
    request = erasure(trial, "crm")
    service("crm").script("resume", Absent())
    service("crm").script("confirm", Gone())
    trial.run()
    assert outcomes(trial, request)[-1] == ("done", "answer_lost")


def test_what_was_contained_is_purged_when_it_is_due(open_trial: Open) -> None:
    trial = open_trial("db")
    due = trial.now + timedelta(days=20)
    service("db").script("erase", Contained(due, {"row": 7}))
    service("db").script("confirm", AsAsked())
    request = erasure(trial, "db")
    trial.run(days=19)
    assert trial.track(request, "db")["reason"] == "contained"
    assert service("db").called("resume") == 0
    trial.run()
    assert trial.now >= due
    assert (service("db").called("resume"), trial.show(request)["verdict"]) == (1, "complete")
    assert [e["until"] for e in trial.events(request, "contained")] == ["2026-03-22T09:00:00.000Z"]
    assert [e["confirmation"] for e in trial.events(request, "step.confirmed")] == ["as_asked", "gone"]


def test_a_batch_that_breaks_off_repeats_only_what_has_no_answer(open_trial: Open) -> None:
    trial = open_trial("mail", mail={"connector": "memory_batching"})
    service("mail").keep("two", Kept(EMAIL))

    def breaks_off() -> Any:
        def answers() -> Any:
            service("mail").kept.pop("two")
            yield "two", Done(Method.DELETED)
            raise TransientError("down")

        return answers()

    service("mail").script("erase_many", breaks_off)
    request = erasure(trial, "mail")
    trial.run()
    assert [c for c in service("mail").calls if c[0] == "erase_many"] == [
        ("erase_many", "two,hers"),
        ("erase_many", "hers"),
    ]
    assert outcomes(trial, request) == [("done", None), ("done", None)]


def test_a_batch_that_answers_for_others_is_a_bug(open_trial: Open) -> None:
    trial = open_trial("mail", mail={"connector": "memory_batching"})
    service("mail").keep("two", Kept(EMAIL))
    service("mail").script("erase_many", lambda: [("stranger", Done(Method.DELETED)), ("hers", Done(Method.DELETED))])
    service("mail").script("confirm", Gone())
    request = erasure(trial, "mail")
    trial.run()
    assert trial.track(request, "mail")["outcome"] == "failed"
    assert sorted(outcomes(trial, request)) == [("done", None), ("failed", "bug")]


def test_a_connector_that_cannot_be_made_fails_alone(open_trial: Open) -> None:
    trial = open_trial("crm", "shop", crm={"connector": "memory_unmade"}, plugins={"unmade": processors(Unmade)})
    request = erasure(trial, "crm", "shop")
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.track(request, "shop")["outcome"]) == ("failed", "done")


def test_an_account_that_cannot_be_named_in_evidence_fails_as_a_bug(open_trial: Open) -> None:
    trial = open_trial("crm", crm={"service": "not an id"})
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (trial.track(request, "crm")["outcome"], trial.track(request, "crm")["reason"]) == ("failed", "bug")


def test_an_instance_the_settings_lost_is_named_and_taken_up_when_it_is_back(open_trial: Open) -> None:
    trial = open_trial("crm", "shop")
    request = erasure(trial, "crm", "shop")
    before = trial.home.settings.read_text(encoding="utf-8")
    tables = before.split("\n", 2)[2]
    trial.reopen(tables.replace("[instances.crm]", "[instances.crn]"))
    trial.run(days=1)
    assert (trial.track(request, "shop")["outcome"], trial.track(request, "crm")["reason"]) == ("done", "unconfigured")
    assert [(t["kind"], t["instance"]) for t in trial.tasks()] == [("unreachable", "crm")]
    trial.reopen(tables)
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
