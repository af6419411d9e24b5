"""Connectors that answer nonsense: whatever it is, a person is asked, the vendor is not asked again, nothing leaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import select, update

from hub import (
    Contained,
    Coverage,
    Done,
    Holding,
    Identifier,
    IdentifierKind,
    Learned,
    Manual,
    Method,
    NotYet,
    Partial,
    Pending,
    RateLimited,
    Refused,
    Retained,
    Search,
    Subject,
    TransientError,
)
from hub.errors import code
from hub.rights import Right
from hub.store.schema import identifiers
from hub.testing.canary import Canary
from hub.testing.memory import Kept, Memory, service
from hub.testing.trial import Trial
from tests.integration.coordinator.conftest import Open, processors

EMAIL = "jane.canary@example.org"
JANE = Identifier.email(EMAIL)
HELD = Holding("k", "contact", ("contact",), {"name": "k"})
ALL = Coverage({"email": Search.EXACT})
NEVER = datetime.max.replace(tzinfo=UTC)
NONE: Any = None


class _Throttled(TransientError):
    """A connector's own."""


class Nonsense(Memory):
    """Finds whatever it is told to."""

    name: ClassVar[str] = "memory_nonsense"
    answers: ClassVar[list[Any]] = []

    def find(self, subject: Subject) -> Iterator[Any]:
        self.service.turn("find", "")
        for answer in self.answers:
            if isinstance(answer, BaseException):
                raise answer
            yield answer


def _asked(trial: Trial, request: str, reason: str) -> None:
    """A person was asked once, evidence says why, and nothing goes on by itself."""
    (task,) = trial.tasks("failed")
    assert reason in task["text"]
    assert trial.events(request, "step.outcome")[-1]["reason"] == reason
    assert trial.show(request)["tracks"][0]["reason"] in {reason, None}
    trial.run(hours=100)
    assert len(trial.tasks("failed")) == 1


def test_a_connectors_own_error_goes_by_the_hubs_class() -> None:
    assert code(_Throttled()) == "transient"


@pytest.mark.parametrize("error", [SystemExit(1), SystemExit(), SystemExit("bye")])
def test_leaving_the_program_is_a_connectors_bug(open_trial: Open, error: BaseException) -> None:
    trial = open_trial("crm")
    service("crm").keep("k", Kept(EMAIL))
    service("crm").script("erase", error)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    _asked(trial, request, "bug")
    assert service("crm").called("erase") == 1


def test_what_cannot_be_recorded_is_given_to_a_person(open_trial: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    trial = open_trial("crm")
    service("crm").keep("k", Kept(EMAIL))
    monkeypatch.setattr("hub.coordinator.acting.answered", broken)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    _asked(trial, request, "bug")
    assert service("crm").called("erase") == 1
    monkeypatch.undo()
    trial.hub.retry(request, by="clerk")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_a_claim_that_breaks_stops_the_track(open_trial: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    trial = open_trial("crm")
    service("crm").keep("k", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    monkeypatch.setattr("hub.coordinator.tracks.next_action", broken)
    trial.run(hours=10)
    assert len(trial.tasks("failed")) == 1
    assert trial.show(request)["tracks"][0]["reason"] == "bug"
    monkeypatch.undo()
    trial.hub.retry(request, by="clerk")
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_identifiers_sealed_for_another_request_are_reported(open_trial: Open) -> None:
    trial = open_trial("crm")
    request, other = (trial.submit(Right.ERASURE, JANE) for _ in range(2))
    which = identifiers.c.request == request
    with trial.hub.db.read() as conn:
        sealed = conn.execute(select(identifiers.c.sealed).where(identifiers.c.request == other)).scalar_one()
    trial.hub.db.write(lambda conn: conn.execute(update(identifiers).where(which).values(sealed=sealed)))
    trial.run(hours=10)
    _asked(trial, request, "key_unavailable")
    assert service("crm").called("find") == 1  # for the other one


@pytest.mark.parametrize(
    "answers",
    [
        [Coverage({"email": "exact"})],  # type: ignore[dict-item]
        [Holding("k", "contact", ("contact",), {}, match="exact"), ALL],  # type: ignore[arg-type]
        [Holding(17, "contact", ("contact",), {}), ALL],  # type: ignore[arg-type]
        [Holding("jane\ud800", "contact", ("contact",), {}), ALL],
        [HELD, Holding("k", "order", ("orders",), {"name": "other"}), ALL],
        [HELD, Learned(Identifier(IdentifierKind.EMAIL, NONE)), ALL],
        [HELD, Learned(Identifier("email", "x")), ALL],  # type: ignore[arg-type]
        [HELD, Learned(Identifier(IdentifierKind.ADDRESS, "one line")), ALL],
        [ALL, HELD],
        [ALL, ALL],
        [SystemExit(1)],
    ],
    ids=range(11),
)
def test_a_search_that_answers_nonsense(open_trial: Open, answers: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nonsense, "answers", answers)
    trial = open_trial("crm", plugins={"odd": processors(Nonsense)}, crm={"connector": "memory_nonsense"})
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    _asked(trial, request, "bug")
    assert service("crm").called("find") == 1


@pytest.mark.parametrize(
    "outcome",
    [
        Pending(NONE, {}, datetime(2027, 1, 1, tzinfo=UTC)),
        Pending(NEVER, {}, NEVER),
        Contained(NEVER, {}),
        Manual("ask", f"Ask support to delete {EMAIL}"),
        Refused("open", "An order of Jane  Canary-Quill is open"),
        Refused("jane_canary_quill", "An order is open"),
        Partial(Done(Method.DELETED), (Retained("Tax law", None, f"invoice of {EMAIL}"),)),
    ],
    ids=range(7),
)
def test_an_act_that_answers_nonsense_or_somebodys_data(open_trial: Open, outcome: Any) -> None:
    trial = open_trial("crm")
    service("crm").keep("k", Kept(EMAIL))
    service("crm").script("erase", outcome)
    request = trial.submit(Right.ERASURE, JANE, Identifier.name("Jane Canary Quill"))
    trial.run()
    _asked(trial, request, "bug")
    assert service("crm").called("erase") == 1
    assert Canary([EMAIL, "jane_canary_quill"]).search(trial.home.folder) == []


@pytest.mark.parametrize("said", [NotYet(NONE), NotYet(NEVER)], ids=range(2))
def test_a_read_back_that_names_no_time(open_trial: Open, said: NotYet) -> None:
    trial = open_trial("crm")
    service("crm").keep("k", Kept(EMAIL))
    service("crm").script("confirm", said)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    _asked(trial, request, "bug")


def test_a_wait_without_end_hides_no_other_request(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").script("find", RateLimited("slow", retry_after=timedelta.max))
    request = trial.submit(Right.ERASURE, JANE)
    trial.engine.step()
    assert trial.show(request)["tracks"][0]["next"] < "2030"
    assert len(trial.hub.requests()["requests"]) == 1
