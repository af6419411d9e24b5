"""What connectors do wrong when something goes wrong: each class differs from the correct pebble in one thing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx

from hub import (
    Absent,
    Act,
    AuthError,
    Confirmation,
    ConnectorError,
    ContractError,
    Coverage,
    Done,
    Gone,
    Holding,
    Learned,
    Manual,
    Method,
    Operation,
    Outcome,
    OutcomeUnknown,
    PermanentError,
    RateLimited,
    Record,
    Search,
    Services,
    Step,
    Subject,
    TransientError,
)
from tests.unit.conformance.pebble import BASE, Pebble, PebbleConfig

WORST = "test_the_worst_that_can_happen_is_never_taken_for_an_answer"
MATRIX = "test_every_fault_at_every_call_is_called_what_it_is"
DOOR = "test_nothing_is_done_past_the_door"
PRINTED = "test_nothing_is_printed_and_no_library_complains"
LATER = "test_told_to_come_later_it_neither_waits_nor_tries_again"
MOVED = "test_it_follows_no_redirect"
MADE = "test_making_a_processor_calls_nobody"
IN_TURN = "test_two_accounts_asked_in_turn_answer_as_if_alone"
THREADS = "test_eight_threads_get_what_one_gets"
KEPT = "test_nothing_of_a_call_stays_on_class_or_module"
WHOLE = "test_a_whole_request_ends_as_the_records_say"
APART = "test_what_is_done_at_one_account_is_not_done_at_another"
LOST = "test_what_became_of_an_act_whose_answer_is_lost_is_found_out"

Found = Iterator[Holding | Learned | Coverage]


@dataclass(frozen=True)
class Weakness:
    """A connector that is weak in one thing.

    Args:
        processor: the connector.
        caught_by: the rules that fail, and no others do.
        told: what the first of them says.
    """

    processor: type[Pebble]
    caught_by: tuple[str, ...]
    told: str


class SwallowsErrors(Pebble):
    def find(self, subject: Subject) -> Found:
        with suppress(TransientError):
            yield from super().find(subject)
            return
        yield Coverage({"email": Search.EXACT})


class TakesARefusalForNothing(Pebble):
    def find(self, subject: Subject) -> Found:
        try:
            yield from super().find(subject)
        except (AuthError, PermanentError):
            yield Coverage({"email": Search.EXACT})


class AbsentOnTimeout(Pebble):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        try:
            return super().erase(holding, step)
        except OutcomeUnknown:
            return Absent()


class TakesUnknownForTransient(Pebble):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        try:
            return super().erase(holding, step)
        except OutcomeUnknown as error:
            raise TransientError(error.message, instance=self.hub.instance, hint="Again.") from None


class BelievesEvery404(Pebble):
    def _absent(self, body: Any, *, acted: bool) -> Absent:
        return Absent()

    def _one(self, method: str, holding: Holding, body: Any = None) -> Any:
        with suppress(ContractError):
            return super()._one(method, holding, body)
        return None


class BelievesEvery200(Pebble):
    def rectify(self, holding: Holding, changes: Any, step: Step) -> Outcome:
        if holding.kind != "customer":
            return super().rectify(holding, changes, step)
        body = {"name": changes.fields["name"]}
        self.hub.wire.call("PATCH", self._at(holding), path=self._id(holding), json=body, idempotent=True)
        return Done(Method.CORRECTED)


class FailsOnTheSecondTime(Pebble):
    def _absent(self, body: Any, *, acted: bool) -> Absent:
        if acted:
            raise ContractError("There is no such record", instance=self.hub.instance, hint="Look at Pebble.")
        return super()._absent(body, acted=acted)


class RaisesItsOwnErrors(Pebble):
    def check(self) -> Any:
        try:
            return super().check()
        except ConnectorError:
            raise RuntimeError("Pebble is not there") from None


class GivesNoHint(Pebble):
    def _unfit(self, *, acted: bool) -> ContractError | OutcomeUnknown:
        return type(super()._unfit(acted=acted))("The answer is not Pebble's")


class QuotesThePerson(Pebble):
    def find(self, subject: Subject) -> Found:
        try:
            yield from super().find(subject)
        except ConnectorError as error:
            raise type(error)(
                f"Looking for {subject.emails[0]} failed", instance=self.hub.instance, hint="Again."
            ) from None


class QuotesThePersonBehindTheError(Pebble):
    def find(self, subject: Subject) -> Found:
        try:
            yield from super().find(subject)
        except ConnectorError as error:
            error.__context__ = LookupError(subject.emails[0])
            raise


class LogsThePerson(Pebble):
    def check(self) -> Any:
        self.hub.log.info("checked", key=self.config.key.get_secret_value())
        return super().check()


class PhonesHome(Pebble):
    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        with suppress(Exception):
            httpx.post("http://127.0.0.1:9/", json={"exported": 1})
        yield from super().export(holding, step)


class WritesFiles(Pebble):
    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        with suppress(Exception):
            Path("/nowhere/at/all").write_text("exported", encoding="utf-8")
        yield from super().export(holding, step)


class SleepsOnItsOwn(Pebble):
    def find(self, subject: Subject) -> Found:
        time.sleep(0.001)
        return super().find(subject)


class Retries(Pebble):
    def check(self) -> Any:
        try:
            return super().check()
        except RateLimited:
            self.hub.clock.sleep(1)
            return super().check()


class TriesAgainAtOnce(Pebble):
    def check(self) -> Any:
        with suppress(ContractError):
            return super().check()
        return super().check()


class Prints(Pebble):
    def check(self) -> Any:
        print("checking")  # noqa: T201  # the mistake
        return super().check()


class LogsToPython(Pebble):
    def check(self) -> Any:
        logging.getLogger("pebble").warning("checking")
        return super().check()


class AsksWhenMade(Pebble):
    def __init__(self, config: PebbleConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self.check()


class KeepsTheLastSubject(Pebble):
    last: ClassVar[list[str]] = []

    def find(self, subject: Subject) -> Found:
        type(self).last[:] = subject.emails
        yield from super().find(subject)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        for record in super().export(holding, step):
            yield Record(record.kind, {**record.data, "asked_for": list(self.last)})


class KeepsItsThread(Pebble):
    def __init__(self, config: PebbleConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self.local = threading.local()
        self.local.base = BASE

    def _at(self, holding: Holding) -> str:
        return super()._at(holding).replace(BASE, self.local.base)


class TakesALostAnswerForYes(Pebble):
    def confirm(self, act: Act, step: Step) -> Confirmation:
        if act.outcome is None and act.operation is Operation.ERASE:
            return Gone()
        return super().confirm(act, step)


class UsesTheLastDoor(Pebble):
    """Takes what the hub gave to whichever instance was made last."""

    latest: ClassVar[Services]

    @property
    def hub(self) -> Services:
        return self.latest

    @hub.setter
    def hub(self, services: Services) -> None:
        type(self).latest = services


class QuotesThePersonInTheTask(Pebble):
    def erase(self, holding: Holding, step: Step) -> Outcome:
        if holding.kind == "order":
            return super().erase(holding, step)
        found: Any = self._one("GET", holding)
        return Manual("delete_by_hand", f"Delete {found.email} in Pebble.") if found else Absent()


_ASKED = (WORST, MATRIX)
WEAKNESSES: Mapping[str, Weakness] = {
    weakness.processor.__name__: weakness
    for weakness in (
        Weakness(SwallowsErrors, _ASKED, "2 holdings short"),
        Weakness(AbsentOnTimeout, (*_ASKED, LOST), "Absent was answered, and the service's records say otherwise"),
        Weakness(TakesUnknownForTransient, (*_ASKED, LOST), "TransientError was raised. → Raise OutcomeUnknown"),
        Weakness(BelievesEvery404, _ASKED, "look at the body of a 404 before it means absence"),
        Weakness(BelievesEvery200, _ASKED, "Done was answered, and the service's records say otherwise"),
        Weakness(FailsOnTheSecondTime, _ASKED, "The fault was over, and then ContractError was raised"),
        Weakness(RaisesItsOwnErrors, _ASKED, "RuntimeError was raised, which counts as a bug"),
        Weakness(GivesNoHint, _ASKED, "Set `instance` and `hint`"),
        Weakness(QuotesThePerson, _ASKED, "A person or a secret stands in the error"),
        Weakness(QuotesThePersonBehindTheError, _ASKED, "A person or a secret stands in the error"),
        Weakness(LogsThePerson, _ASKED, "A person or a secret stands in a log line"),
        Weakness(PhonesHome, (DOOR,), "export: a connection past the door"),
        Weakness(WritesFiles, (DOOR,), "a file to write"),
        Weakness(SleepsOnItsOwn, (DOOR,), "waiting by the machine's clock"),
        Weakness(Retries, (LATER,), "waiting by the hub's clock; 1 more calls"),
        Weakness(TriesAgainAtOnce, (MOVED,), "check, its first call answered 307: 1 more calls"),
        Weakness(Prints, (PRINTED,), "check printed something"),
        Weakness(LogsToPython, (PRINTED,), "check: logging of pebble"),
        Weakness(AsksWhenMade, (MADE,), "Making the processor called GET /whoami"),
        Weakness(KeepsTheLastSubject, (IN_TURN, KEPT), "A copy differs once another account was searched"),
        Weakness(KeepsItsThread, (THREADS,), "local"),
        Weakness(TakesALostAnswerForYes, (LOST,), "are not what the same acts make of them without a hub"),
        Weakness(UsesTheLastDoor, (APART, IN_TURN), "An act at one account changed records of another"),
        Weakness(
            QuotesThePersonInTheTask,
            (WHOLE, LOST),
            "In a whole hub a request for erasure came to no end: erase (customer): bug",
        ),
    )
}
