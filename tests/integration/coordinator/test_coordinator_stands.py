"""What stands on record of a step that was stopped, or tried again: what was done, and what nobody saw."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import AsAsked, Contained, Done, Identifier, Method, Partial, Refused, TransientError
from hub.errors import ContractError, OutcomeUnknown
from hub.rights import Right
from hub.testing.memory import Kept, service
from hub.testing.trial import Trial
from tests.integration.coordinator.conftest import Open

EMAIL = "jane.canary@example.org"
JANE = Identifier.email(EMAIL)
STOPPED = pytest.mark.parametrize("stop", ["undo", "cancel"])


def erasing(trial: Trial, *answers: Any, confirm: tuple[Any, ...] = ()) -> str:
    """An erasure at `crm` that gets these answers."""
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("erase", *answers)
    service("crm").script("confirm", *confirm)
    return trial.submit(Right.ERASURE, JANE)


def erasure(trial: Trial, request: str) -> Any:
    """The erasure as it is shown."""
    steps = trial.track(request, "crm")["holdings"][0]["steps"]
    return next(step for step in steps if step["operation"] == "erase")


@STOPPED
def test_what_was_deleted_and_could_not_be_read_back_is_shown_as_that(open_trial: Open, stop: str) -> None:
    trial = open_trial("crm")
    request = erasing(trial, confirm=(ContractError("not understood"),))
    trial.run()
    getattr(trial.hub, stop)(request, by="Dora Dpo")
    trial.run()
    step = erasure(trial, request)
    assert (step["outcome"], step["method"], step["confirmation"]) == ("done", "deleted", "unverifiable")


@STOPPED
def test_what_was_deleted_in_part_is_shown_as_that(open_trial: Open, stop: str) -> None:
    trial = open_trial("crm")
    partly = Partial(Done(Method.DELETED, 3), (Refused("open_order", "An order is open."),))
    request = erasing(trial, partly, confirm=(AsAsked(),))
    trial.run(hours=1)
    getattr(trial.hub, stop)(request, by="Dora Dpo")
    trial.run()
    step = erasure(trial, request)
    assert (step["outcome"], step["count"], trial.hub.obligations()) == ("partial", 3, [])


def test_a_purge_on_its_way_when_the_request_is_cancelled_is_said_to_be_unseen(open_trial: Open) -> None:
    trial = open_trial("crm")
    request = erasing(trial, Contained(trial.now + timedelta(days=1), {"row": 7}), confirm=(AsAsked(),))

    def cancelled_meanwhile() -> Any:
        service("crm").kept.clear()
        trial.hub.cancel(request, by="Dora Dpo")
        return Done(Method.DELETED)

    service("crm").script("resume", cancelled_meanwhile)
    trial.run(days=3)
    assert [e["outcome"] for e in trial.events(request, "step.outcome")] == ["contained", "failed"]
    assert erasure(trial, request)["outcome"] == "failed"


@pytest.mark.parametrize("ends", ["done", "transient", "unknown", "refused"])
def test_an_undoing_gives_back_only_what_a_purge_on_its_way_left(open_trial: Open, ends: str) -> None:
    trial = open_trial("crm")
    request = erasing(trial, Contained(trial.now + timedelta(days=1), {"row": 7}), confirm=(AsAsked(),))
    errors = {"transient": TransientError("down"), "unknown": OutcomeUnknown("?"), "refused": ContractError("no")}

    def undone_meanwhile() -> Any:
        trial.hub.undo(request, by="Dora Dpo")
        if ends in errors:
            service("crm").script("confirm", *[AsAsked()] * (ends != "refused"))
            raise errors[ends]
        service("crm").kept.clear()
        return Done(Method.DELETED)

    service("crm").script("resume", undone_meanwhile)
    trial.run(days=3)
    gone = ends == "done"
    assert service("crm").called("lift") == (0 if gone else 1)
    assert erasure(trial, request)["outcome"] == ("done" if gone else "contained")
    assert (trial.show(request)["state"], trial.tasks()) == ("closed", [])


def test_what_went_without_us_after_a_refusal_is_absent_and_not_our_doing(open_trial: Open) -> None:
    trial = open_trial("crm")
    request = erasing(trial, ContractError("400"))
    trial.run()
    service("crm").kept.clear()
    trial.hub.retry(request, by="Dora Dpo")
    trial.run()
    step = erasure(trial, request)
    assert (step["outcome"], step["confirmation"], step["reason"]) == ("absent", "gone", None)


def test_what_was_done_and_is_read_back_at_last_keeps_what_its_service_said(open_trial: Open) -> None:
    trial = open_trial("crm")
    request = erasing(trial, confirm=(ContractError("not understood"),))
    trial.run()
    trial.hub.retry(request, by="Dora Dpo")
    trial.run()
    step = erasure(trial, request)
    assert (step["outcome"], step["confirmation"], step["reason"]) == ("done", "gone", None)
    assert [e["outcome"] for e in trial.events(request, "step.outcome")] == ["done", "failed"]
