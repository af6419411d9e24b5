"""Any requests, faults, decisions and crashes, in any order: the laws hold at every step, and it all comes to an end.

The services are honest: whatever fault they are told to have, what they answer is true of what they hold. So whatever
the hub calls done can be looked up.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from hub import (
    AuthError,
    Changes,
    ContractError,
    Identifier,
    Manual,
    Match,
    NotYet,
    OutcomeUnknown,
    Pending,
    RateLimited,
    Reach,
    Refused,
    Retained,
    TransientError,
    Unverifiable,
)
from hub.errors import UsageError
from hub.rights import Right
from hub.testing import laws
from hub.testing.memory import Kept, forget_services, service
from hub.testing.trial import Trial, make_home
from tests.integration.coordinator.conftest import PLUGINS, check_laws, settings_of

NAMES = ("crm", "mail", "shop")
PEOPLE = ("jane.canary@example.org", "j.canary.second@example.org")
NEIGHBOUR = "neighbour@example.org"
RIGHTS = (
    (Right.ERASURE,),
    (Right.ACCESS,),
    (Right.ACCESS, Right.ERASURE),
    (Right.OBJECTION,),
    (Right.OBJECTION, Right.ERASURE),
    (Right.RESTRICTION,),
    (Right.RECTIFICATION,),
)
CHANGES = Changes({"name": "Janecanary Quill"})


class Crash(BaseException):
    """The process dies here, as far as the journal can tell."""


@functools.cache
def empty_home() -> Path:
    return make_home(Path(tempfile.mkdtemp(prefix="hub-machine-")) / "home").folder


class Machine(RuleBasedStateMachine):
    """Three services, two people and a neighbour."""

    requests = Bundle("requests")

    @initialize(approve=st.booleans(), grace=st.sampled_from(["0s", "2d"]))
    def begin(self, approve: bool, grace: str) -> None:
        forget_services()
        self.folder = Path(tempfile.mkdtemp(prefix="hub-machine-")) / "hub"
        shutil.copytree(empty_home(), self.folder)
        more = {
            "mail": {"connector": "memory_stopping", "erase_after": ["shop"]},
            "shop": {"connector": "memory_batching"},
        }
        policy = f'grace = "{grace}"\nretry_cap = "4h"\nrefused_until = "3d"'
        self.trial = Trial.open(self.folder, settings_of(NAMES, more, policy=policy, approve=approve), plugins=PLUGINS)
        self.asked: dict[str, tuple[Right, ...]] = {}
        self.records = 0
        for name in NAMES:
            service(name).keep("neighbour", Kept(NEIGHBOUR))

    # What the services hold, and what is wrong with them

    @rule(
        name=st.sampled_from(NAMES),
        who=st.sampled_from(PEOPLE),
        match=st.sampled_from([Match.EXACT, Match.EXACT, Match.POSSIBLE]),
        reach=st.sampled_from([Reach.SOLE, Reach.SOLE, Reach.SHARED]),
        teaches=st.booleans(),
    )
    def hold_a_record(self, name: str, who: str, match: Match, reach: Reach, teaches: bool) -> None:
        self.records += 1
        other = Identifier.email(PEOPLE[1 - PEOPLE.index(who)])
        record = Kept(who, match=match, reach=reach, also=(other,) if teaches else (), rows=3)
        service(name).keep(f"record{self.records}", record)

    @rule(
        name=st.sampled_from(NAMES),
        operation=st.sampled_from(
            ["check", "find", "export", "erase", "suppress", "rectify", "lift", "confirm", "resume"]
        ),
        error=st.sampled_from(
            [
                TransientError("down"),
                RateLimited("later", retry_after=timedelta(hours=3)),
                OutcomeUnknown("cut off"),
                AuthError("no"),
                ContractError("not its documented shape"),
                ZeroDivisionError("a bug"),
                Crash(),
            ]
        ),
        times=st.integers(1, 4),
    )
    def fail(self, name: str, operation: str, error: BaseException, times: int) -> None:
        service(name).script(operation, *[error] * times)

    @rule(name=st.sampled_from(NAMES), error=st.sampled_from([OutcomeUnknown("cut off"), Crash(), ZeroDivisionError()]))
    def erase_and_lose_the_answer(self, name: str, error: BaseException) -> None:
        here = service(name)

        def carried_out_unseen() -> None:
            operation, record = here.calls[-1]
            assert operation == "erase"
            here.kept.pop(record, None)
            raise error

        here.script("erase", carried_out_unseen)

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(["refused", "retained", "manual", "pending"]))
    def answer_otherwise(self, name: str, kind: str) -> None:
        trial = self.trial
        answers: dict[str, Callable[[], Any]] = {
            "refused": lambda: Refused("open_order", "An order is open."),
            "retained": lambda: Retained("HGB s. 257", date(2034, 12, 31), "invoice"),
            "manual": lambda: Manual("by_hand", "Delete it on the screen."),
            "pending": lambda: Pending(trial.now + timedelta(hours=5), {"job": 1}, trial.now + timedelta(days=5)),
        }
        service(name).script("erase", answers[kind])

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(["not_yet", "unverifiable"]))
    def read_back_otherwise(self, name: str, kind: str) -> None:
        trial = self.trial
        later: Callable[[], Any] = lambda: NotYet(trial.now + timedelta(hours=6))  # noqa: E731  # beside its twin
        never: Callable[[], Any] = lambda: Unverifiable("no_read_access")  # noqa: E731
        service(name).script("confirm", later if kind == "not_yet" else never)

    # What people do

    @rule(target=requests, who=st.sampled_from(PEOPLE), rights=st.sampled_from(RIGHTS))
    def ask(self, who: str, rights: tuple[Right, ...]) -> str:
        changes = CHANGES if Right.RECTIFICATION in rights else None
        request = self.trial.submit(*rights, Identifier.email(who), changes=changes)
        self.asked[request] = rights
        return request

    @rule(request=requests)
    def approve(self, request: str) -> None:
        with suppress(UsageError):
            self.trial.hub.approve(request, by="Dora Dpo")

    @rule(request=requests, hers=st.booleans())
    def decide(self, request: str, hers: bool) -> None:
        with suppress(UsageError):
            self.trial.hub.decide(request, dict.fromkeys(self.undecided(request), hers), by="Dora Dpo")

    @rule(request=requests)
    def undo(self, request: str) -> None:
        with suppress(UsageError):
            self.trial.hub.undo(request, by="Dora Dpo")

    @rule(request=consumes(requests))
    def cancel(self, request: str) -> None:
        with suppress(UsageError):
            self.trial.hub.cancel(request, by="Dora Dpo")

    @rule(request=requests)
    def retry(self, request: str) -> None:
        with suppress(UsageError):
            self.trial.hub.retry(request, by="Dora Dpo")

    @rule(request=requests)
    def hand_over(self, request: str) -> None:
        with suppress(UsageError):
            self.trial.hub.export(request, self.folder / "copy.zip", passphrase=None, by="Dora Dpo")
        (self.folder / "copy.zip").unlink(missing_ok=True)

    @rule(name=st.sampled_from(NAMES), hold=st.booleans())
    def pause(self, name: str, hold: bool) -> None:
        self.trial.hub.hold(name, hold=hold)

    @rule(result=st.sampled_from(["done", "nothing_held", "not_possible"]), first=st.booleans())
    def settle_a_task(self, result: str, first: bool) -> None:
        for task in self.trial.tasks()[: 1 if first else None]:
            with suppress(UsageError):
                self.trial.hub.settle(task["task"], by="Archie", result=result)

    # Time

    @rule(hours=st.sampled_from([0.01, 1.0, 30.0, 500.0]))
    def time_passes(self, hours: float) -> None:
        self.run(hours=hours)

    @rule()
    def restart(self) -> None:
        self.trial.restart()

    def run(self, **ahead: float) -> None:
        """Run; when the process dies, start another."""
        for _ in range(50):
            try:
                self.trial.run(**ahead)
            except Crash:
                self.trial.restart()
            else:
                return
        raise AssertionError("it dies again and again")

    # What always holds

    @invariant()
    def laws_hold(self) -> None:
        for request in getattr(self, "asked", ()):
            view, events = self.trial.show(request), self.trial.events(request)
            laws.check_chain(self.trial.hub.evidence(request))
            laws.check_agrees(view, events)
            laws.check_untouched(events)
            laws.check_never_silent(view, self.trial.now)
            self.check_truth(view)

    @invariant()
    def the_neighbour_is_left_alone(self) -> None:
        for name in NAMES if hasattr(self, "trial") else ():
            assert not service(name).kept["neighbour"].stopped
            assert all(record != "neighbour" for _, record in service(name).calls)

    def check_truth(self, view: Any) -> None:
        """What is called deleted and gone is not there any more."""
        erased = {
            (track["instance"], held["holding"])
            for track in view["tracks"]
            for held in track["holdings"]
            for step in held["steps"]
            if (step.get("method"), step["confirmation"]) == ("deleted", "gone")
        }
        keys = self.keys_of(view["id"])
        for instance, holding in erased:
            assert keys[holding] not in service(instance).kept, f"{instance} still holds what was called erased"

    def keys_of(self, request: str) -> dict[int, str]:
        """Holding → the record it is, from the vault."""
        from hub.coordinator.rows import found_by  # noqa: PLC0415  # behind the door: only to compare with the truth
        from hub.coordinator.sealed import opened  # noqa: PLC0415

        root = self.trial.hub.vault.root(request)
        with self.trial.hub.db.read() as conn:
            return {h.ordinal: opened(root, h)["key"] for h in found_by(conn, request)}

    def undecided(self, request: str) -> list[int]:
        tracks = self.trial.show(request)["tracks"]
        return [h["holding"] for t in tracks for h in t["holdings"] if h["needs_decision"]]

    # Everything comes to an end once the services are well and people answer

    def teardown(self) -> None:
        if not hasattr(self, "trial"):
            return
        try:
            self.come_to_rest()
        finally:
            self.trial.__exit__()
            shutil.rmtree(self.folder.parent)

    def come_to_rest(self) -> None:
        for name in NAMES:
            service(name).unscript()
            self.trial.hub.hold(name, hold=False)
        for round_ in range(12):
            for request in self.asked:
                self.decide(request, hers=True)
                self.approve(request)
                if round_ == 0:  # what fails even then (what one request erased another cannot correct) is settled
                    self.retry(request)
                self.hand_over(request)
            self.settle_a_task("done", first=False)
            self.run()
            if all(self.trial.show(request)["state"] == "closed" for request in self.asked):
                break
        for request in self.asked:
            assert self.trial.show(request)["state"] == "closed", self.trial.show(request)
        check_laws(self.trial)
        self.laws_hold()


TestMachine = Machine.TestCase
# A life takes a second: as many as fit, a tenth of what a profile asks of a property.
TestMachine.settings = settings(max_examples=settings.default.max_examples // 10)
TestMachine = pytest.mark.timeout(600)(TestMachine)
