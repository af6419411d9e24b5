"""The rights besides erasure: a copy, a correction, a restriction and its end, an objection, and rights together."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hub import (
    Absent,
    Act,
    AsAsked,
    Changes,
    Confirmation,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    Match,
    Method,
    OutcomeUnknown,
    Purpose,
    Record,
    Scope,
    Step,
    TransientError,
)
from hub.errors import UsageError
from hub.rights import Right
from hub.testing.memory import Kept, Memory, service
from hub.testing.trial import Trial
from tests.integration.coordinator.conftest import Open, processors

EMAIL, SECOND = "jane.canary@example.org", "j.canary.second@example.org"
JANE = Identifier.email(EMAIL)


class Moving(Memory):
    """Notes where it was told to look when reading back."""

    name = "memory_moving"

    def confirm(self, act: Act, step: Step) -> Confirmation:
        assert isinstance(act.target, Holding)
        self.service.turn("confirm_at", act.target.locator["name"])
        return super().confirm(act, step)


class Crash(BaseException):
    """The process dies here, as far as the journal can tell."""


def rows_of(package: Path, trial: Trial, request: str) -> list[dict[str, Any]]:
    """Every record of a handed-over copy."""
    trial.hub.export(request, package, passphrase=None, by="Dora Dpo")
    with zipfile.ZipFile(package) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jsonl")]
        return [json.loads(line)["data"] for name in names for line in archive.read(name).splitlines()]


def missing_of(package: Path) -> dict[str, str]:
    with zipfile.ZipFile(package) as archive:
        name = next(name for name in archive.namelist() if name.endswith("manifest.json"))
        manifest = json.loads(archive.read(name))
    return {s["instance"]: s["reason"] for s in manifest["sources"] if not s["complete"]}


def test_a_copy_of_what_six_services_hold(open_trial: Open, tmp_path: Path) -> None:
    names = ("crm", "shop", "mail", "desk", "pay", "wiki")
    trial = open_trial(*names)
    for name in names:
        service(name).keep("hers", Kept(EMAIL, rows=3))
    request = trial.submit(Right.ACCESS, JANE)
    trial.run()
    assert trial.show(request)["copy"] == {"services": 6, "records": 18, "released": True}
    assert (trial.show(request)["state"], trial.show(request)["verdict"]) == ("settled", "complete")
    assert len(rows_of(tmp_path / "copy.zip", trial, request)) == 18
    assert missing_of(tmp_path / "copy.zip") == {}
    assert trial.show(request)["state"] == "closed"
    assert [e["decision"] for e in trial.events(request, "subject.told")] == ["copy"]


def test_a_copy_waits_for_release_where_settings_ask_for_a_review(open_trial: Open, tmp_path: Path) -> None:
    trial = open_trial("crm", policy="review_exports = true")
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ACCESS, JANE)
    trial.run()
    assert [task["kind"] for task in trial.tasks()] == ["release"]
    with pytest.raises(UsageError, match="waits for a review"):
        trial.hub.export(request, tmp_path / "copy.zip", passphrase=None, by="Dora Dpo")
    trial.hub.release(request, by="Dora Dpo")
    assert trial.tasks() == []
    assert len(rows_of(tmp_path / "copy.zip", trial, request)) == 1
    assert trial.show(request)["state"] == "closed"


def test_a_copy_names_every_service_it_lacks_and_why(open_trial: Open, tmp_path: Path) -> None:
    trial = open_trial("crm", "down", "broken", "mute", "blind", "doubt", mute={"connector": "memory_reticent"})
    for name in ("crm", "mute"):
        service(name).keep("hers", Kept(EMAIL))
    service("doubt").keep("certain", Kept(EMAIL))
    service("doubt").keep("perhaps", Kept(EMAIL, match=Match.POSSIBLE))
    service("down").script("find", *[TransientError("down")] * 99)
    service("broken").script("find", KeyError("a bug"))
    request = trial.submit(Right.ACCESS, JANE)
    trial.run(minutes=2)
    rows_of(tmp_path / "copy.zip", trial, request)
    told = missing_of(tmp_path / "copy.zip")
    assert set(told) == {"down", "broken", "mute", "doubt"}
    assert "no way to read out" in told["mute"]
    assert "has not been decided" in told["doubt"]
    assert trial.show(request)["delivered"] is None  # something is still to come


def test_a_copy_of_nothing_can_be_fetched_and_the_evidence_stays_closed(open_trial: Open, tmp_path: Path) -> None:
    trial = open_trial("crm")
    request = trial.submit(Right.ACCESS, JANE)
    trial.run()
    assert trial.show(request)["state"] == "closed"
    assert rows_of(tmp_path / "copy.zip", trial, request) == []
    assert trial.events(request)[-1]["type"] == "request.closed"


def test_an_export_goes_on_at_its_cursor_after_a_crash(open_trial: Open, tmp_path: Path) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL, rows=40))

    def slow_and_mortal() -> Any:
        for row in range(20):
            trial.clock.sleep(1)
            yield Record("contact", {"row": row}, cursor=str(row + 1))
        raise Crash

    service("crm").script("export", slow_and_mortal)
    request = trial.submit(Right.ACCESS, JANE)
    with pytest.raises(Crash):
        trial.run()
    trial.restart()
    trial.run()
    assert [row["row"] for row in rows_of(tmp_path / "copy.zip", trial, request)] == list(range(40))
    assert trial.show(request)["state"] == "closed"
    (told,) = trial.events(request, "step.outcome")
    assert (told["count"], told["attempt"]) == (40, 2)


@pytest.mark.parametrize("error", [TransientError("down"), OutcomeUnknown("cut off")])
def test_an_export_that_breaks_off_loses_and_doubles_nothing(
    open_trial: Open, tmp_path: Path, error: Exception
) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL, rows=30))

    def breaks_off() -> Any:
        for row in range(13):
            trial.clock.sleep(1)
            yield Record("contact", {"row": row}, cursor=str(row + 1))
        raise error

    service("crm").script("export", breaks_off)
    request = trial.submit(Right.ACCESS, JANE)
    trial.run()
    assert [row["row"] for row in rows_of(tmp_path / "copy.zip", trial, request)] == list(range(30))


def test_erasure_waits_until_the_copy_was_handed_over(open_trial: Open, tmp_path: Path) -> None:
    """A copy on request, then deletion (P25)."""
    trial = open_trial("crm", "shop")
    for name in ("crm", "shop"):
        service(name).keep("hers", Kept(EMAIL, rows=2))
    service("shop").script("export", *[TransientError("down")] * 6)
    request = trial.submit(Right.ACCESS, Right.ERASURE, JANE)
    trial.run(seconds=2)
    rows_of(tmp_path / "early.zip", trial, request)
    trial.run(days=3)
    assert (service("crm").called("erase"), trial.track(request, "crm")["reason"]) == (0, "delivery")
    assert [task["kind"] for task in trial.tasks()] == ["deliver"]
    assert len(rows_of(tmp_path / "whole.zip", trial, request)) == 4
    assert trial.tasks() == []
    trial.run()
    assert (service("crm").kept, service("shop").kept) == ({}, {})
    assert (trial.show(request)["state"], trial.show(request)["verdict"]) == ("closed", "complete")


def test_what_is_undecided_is_not_erased_without_having_been_in_a_copy(open_trial: Open, tmp_path: Path) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").keep("perhaps", Kept(EMAIL, match=Match.POSSIBLE))
    request = trial.submit(Right.ACCESS, Right.ERASURE, JANE)
    trial.run()
    rows_of(tmp_path / "first.zip", trial, request)
    trial.run()
    assert service("crm").called("erase") == 0
    trial.hub.decide(request, {2: True}, by="Dora Dpo")
    trial.run()
    assert service("crm").called("erase") == 0
    assert len(rows_of(tmp_path / "second.zip", trial, request)) == 2
    trial.run()
    assert service("crm").kept == {}


CHANGES = Changes({"email": SECOND, "name": "Janecanary Quill"})


def test_a_correction_is_made_after_approval_and_read_back(open_trial: Open) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.RECTIFICATION, JANE, changes=CHANGES)
    trial.run()
    assert service("crm").called("rectify") == 0
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert service("crm").kept["hers"].fields == {"email": SECOND, "name": "Janecanary Quill"}
    track = trial.track(request, "crm")
    assert (track["outcome"], track["method"], track["confirmation"]) == ("done", "corrected", "as_asked")


@pytest.mark.parametrize("answers", [{"rectify": Absent()}, {"confirm": Gone()}], ids=["absent", "gone"])
def test_what_is_not_there_was_not_corrected(open_trial: Open, answers: dict[str, Any]) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    for operation, answer in answers.items():
        service("crm").script(operation, answer)
    request = trial.submit(Right.RECTIFICATION, JANE, changes=CHANGES)
    trial.run()
    track = trial.track(request, "crm")
    assert (track["outcome"], track["reason"], trial.show(request)["verdict"]) == (
        "failed",
        "nothing_to_correct",
        "failed",
    )


def test_a_correction_whose_answer_was_lost_and_that_is_gone_now_is_not_done(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))

    def vanished() -> None:
        service("crm").kept.clear()
        raise OutcomeUnknown("cut off")

    service("crm").script("rectify", vanished)
    service("crm").script("confirm", Gone())
    request = trial.submit(Right.RECTIFICATION, JANE, changes=CHANGES)
    trial.run()
    assert trial.track(request, "crm")["outcome"] == "failed"


def test_a_holding_that_moved_is_read_back_where_it_is_now(open_trial: Open) -> None:
    """An address that is the key changes it: the read-back uses the new locator, which stays in the vault."""
    trial = open_trial("mail", mail={"connector": "memory_moving"}, plugins={"moving": processors(Moving)})
    service("mail").keep("hers", Kept(EMAIL))
    moved = Done(Method.CORRECTED, locator={"name": "elsewhere"})
    service("mail").script("rectify", moved)
    request = trial.submit(Right.RECTIFICATION, JANE, changes=CHANGES)
    trial.run()
    assert ("confirm_at", "elsewhere") in service("mail").calls
    assert trial.show(request)["verdict"] == "complete"


def test_a_restriction_and_its_end(open_trial: Open) -> None:
    trial = open_trial("crm", approve=False)
    service("crm").keep("hers", Kept(EMAIL))
    restriction = trial.submit(Right.RESTRICTION, JANE)
    trial.run()
    assert service("crm").kept["hers"].stopped
    assert trial.show(restriction)["verdict"] == "complete"
    lift = trial.submit(Right.LIFT, JANE)
    trial.run()
    assert not service("crm").kept["hers"].stopped
    assert (trial.track(lift, "crm")["method"], trial.show(lift)["verdict"]) == ("lifted", "complete")
    assert len(trial.events(lift, "restored")) == 1


def test_an_objection_of_somebody_who_is_not_held_is_recorded_at_the_service(open_trial: Open) -> None:
    trial = open_trial("crm", "shop")
    service("shop").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.OBJECTION, JANE)
    trial.run()
    assert [c for c in service("crm").calls if c[0] == "suppress"] == [("suppress", "")]
    assert [c for c in service("shop").calls if c[0] == "suppress"] == [("suppress", "hers")]
    (bare,) = trial.events(request, "step.confirmed")[:1]
    assert "holding" not in bare
    assert trial.show(request)["verdict"] == "complete"


def test_an_objection_holds_although_the_only_record_was_somebody_elses(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("his", Kept(EMAIL, match=Match.POSSIBLE))
    request = trial.submit(Right.CONSENT_WITHDRAWAL, JANE, scope=Scope(frozenset({Purpose.MARKETING})))
    trial.run()
    assert service("crm").called("suppress") == 0
    trial.hub.decide(request, {1: False}, by="Dora Dpo")
    trial.run()
    assert [c for c in service("crm").calls if c[0] == "suppress"] == [("suppress", "")]
    assert not service("crm").kept["his"].stopped


def test_an_objection_that_was_lost_on_the_way_is_read_back(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("suppress", OutcomeUnknown("cut off"))
    service("crm").script("confirm", AsAsked())
    request = trial.submit(Right.OBJECTION, JANE)
    trial.run()
    assert (service("crm").called("suppress"), trial.track(request, "crm")["reason"]) == (1, "answer_lost")


def test_a_record_that_vanished_was_not_suppressed(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("hers", Kept(EMAIL))
    service("crm").script("suppress", OutcomeUnknown("cut off"), Absent())
    service("crm").script("confirm", Differs())
    request = trial.submit(Right.OBJECTION, JANE)
    trial.run()
    assert trial.track(request, "crm")["outcome"] == "absent"


@pytest.mark.parametrize(
    ("rights", "says"),
    [
        ((), "at least one right"),
        ((Right.LIFT, Right.ACCESS), "request of its own"),
        ((Right.ERASURE, Right.RESTRICTION), "neither corrected nor restricted"),
        ((Right.RECTIFICATION,), "what is to be changed"),
    ],
)
def test_rights_that_do_not_go_together_are_refused_before_anything_is_written(
    open_trial: Open, rights: tuple[Right, ...], says: str
) -> None:
    trial = open_trial("crm")
    with pytest.raises(UsageError, match=says):
        trial.submit(*rights, JANE)
    assert trial.hub.requests()["requests"] == []


def test_recipients_without_a_connector_are_a_persons_work_and_count_in_the_verdict(open_trial: Open) -> None:
    tables = """
[register.paper]
label = "Paper files"
instructions = "Shred them."
[register.web]
mode = "excluded"
reason = "no_personal_data"
"""
    trial = open_trial("crm", tables=tables)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    (task,) = trial.tasks()
    assert (task["kind"], task["instance"], task["text"]) == ("recipient", "paper", "Shred them.")
    trial.hub.settle(task["task"], by="Archie", result="not_possible")
    assert (trial.show(request)["state"], trial.show(request)["verdict"]) == ("closed", "with_exceptions")
    (planned,) = trial.events(request, "request.planned")
    assert {s["instance"]: s["mode"] for s in planned["systems"]} == {
        "crm": "automatic",
        "paper": "manual",
        "web": "excluded",
    }
