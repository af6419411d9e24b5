"""Rules: in a whole hub a request ends with a verdict that is true, also where an answer was lost, and stays private.

What the connector does when it is called directly is the measure: the hub must bring the service to the same state.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, product
from pathlib import Path

import pytest

from hub.coordinator.verdict import CONFIRMED
from hub.processor import Act, Operation
from hub.rights import OPERATIONS, Right
from hub.testing.conformance.hubs import Ended, carried_out
from hub.testing.conformance.kit import Kit
from hub.testing.conformance.operations import perform
from hub.testing.conformance.service import Service
from hub.testing.conformance.states import State, differing, state_of
from hub.testing.faults import DropAfter, DropBefore, What
from hub.testing.trial import make_home

_TOLD = 5  # findings shown at once
LOSSES: Mapping[str, What | None] = {"not carried out": DropBefore(), "dropped": DropAfter(), "crashed": None}
RIGHTS = (Right.ACCESS, Right.RECTIFICATION, Right.OBJECTION, Right.ERASURE)


class WholeRules:
    """Inherited through `Conformance`."""

    @pytest.fixture
    def blank_home(self, tmp_path: Path) -> Path:
        """A data folder to copy: making one takes as long as twenty copies."""
        return make_home(tmp_path / "blank").folder

    @pytest.mark.parametrize("right", RIGHTS)
    def test_a_whole_request_ends_as_the_records_say(
        self, service: Service, right: Right, blank_home: Path, tmp_path: Path
    ) -> None:
        """Access, rectification, objection, erasure: what the hub says became of it is what the service keeps."""
        ended = carried_out(service, right, blank_home, tmp_path / "hub")
        _assert_well_ended(service, right, ended)
        found = ended.findings(service)
        assert not found, (
            f"The person can be read where nobody may: {'; '.join(found[:_TOLD])}.\n"
            "→ Put nothing of a person into outcomes, errors or log lines."
        )

    @pytest.mark.parametrize("right", [Right.RECTIFICATION, Right.OBJECTION, Right.ERASURE])
    def test_what_became_of_an_act_whose_answer_is_lost_is_found_out(
        self, service: Service, right: Right, blank_home: Path, tmp_path: Path
    ) -> None:
        """The connection drops or the hub dies between call and answer: read back, and never taken for absent."""
        undisturbed = carried_out(service, right, blank_home, tmp_path / "undisturbed")
        unseen = 0
        for number, how in _losses(undisturbed):
            folder = tmp_path / f"{how} {number}"
            ended = carried_out(service, right, blank_home, folder, struck=number, by=LOSSES[how])
            _assert_well_ended(service, right, ended)
            unseen += sum(event.get("reason") == "answer_lost" for event in ended.events)
            where = f"The answer to {undisturbed.calls[number - 1]} was lost ({how})"
            assert ended.view["verdict"] == undisturbed.view["verdict"], (
                f"{where}, and the verdict is {ended.view['verdict']} instead of {undisturbed.view['verdict']}.\n"
                f"→ {_READ_BACK}"
            )
            assert ended.outcomes == undisturbed.outcomes, (
                f"{where}, and what is recorded is not what happened.\n→ {_READ_BACK}"
            )
        readable = any(event.get("confirmation") in CONFIRMED for event in undisturbed.events)
        assert unseen or not readable, f"No act of a request for {right} was recorded as done unseen.\n→ {_READ_BACK}"


_READ_BACK = "Let `confirm` read the very record back by its locator, also when it is not told the outcome."


def _losses(ended: Ended) -> list[tuple[int, str]]:
    """Which calls lose their answers, and how: of each route the first that changed something.

    The first of all meets every loss, the others one each in turn: whatever was lost, the hub takes one way back.
    """
    firsts: dict[str, int] = {}
    for number, call in enumerate(ended.calls, start=1):
        if call.changed:
            firsts.setdefault(str(call), number)
    numbers, ways = list(firsts.values()), list(LOSSES)
    return [*product(numbers[:1], ways), *zip(numbers[1:], cycle(ways), strict=False)]


def _assert_well_ended(service: Service, right: Right, ended: Ended) -> None:
    assert not ended.unfinished, (
        f"In a whole hub a request for {right} came to no end: {', '.join(ended.unfinished)}.\n"
        f"Asked without a hub, {_said_directly(service, right)}\n"
        f"→ Look at it alone: hub dev {service.processor.name} {_tried(right)} --sandbox. A `bug` is an error "
        "of another kind than the hub's, or an answer that it refuses: free text in it, an unknown kind; `ready` "
        "waited in vain for what comes before it."
    )
    before, directly = _directly(service, right)
    amiss = differing(directly, ended.state, differing(before, directly))
    kinds = ", ".join(sorted({key.partition("/")[0] for key in amiss}))
    assert not amiss, (
        f"After a request for {right} records ({kinds}) are not what the same acts make of them without a hub.\n"
        "→ Let `find` yield each holding once, and each method depend on its arguments alone."
    )


def _said_directly(service: Service, right: Right) -> str:
    """What the same acts raise: evidence keeps no more of an error than a word, and a log none of its text."""
    try:
        _directly(service, right)
    except Exception as error:  # noqa: BLE001  # whatever a connector raises; its text may name the person
        return f"the connector raises {type(error).__name__}."
    return "the same acts raise nothing: what the hub refused is an answer, or `confirm` does not agree with it."


def _tried(right: Right) -> str:
    """The operations of `hub dev` that are the request's."""
    return "export" if right is Right.ACCESS else f"{OPERATIONS[right]} confirm"


def _directly(service: Service, right: Right) -> tuple[State, State]:
    """What the service keeps before and after every certain holding was acted on without a hub."""
    with Kit.running(service) as kit:
        bench, before, operation = kit.open(), state_of(kit), OPERATIONS[right]
        changes = service.changes if operation is Operation.RECTIFY else None
        scope = service.scope if operation is Operation.SUPPRESS else None
        for holding in [held for held in kit.holdings(bench) if held.certain and operation is not Operation.EXPORT]:
            kit.settle(bench, holding, perform(kit, bench, Act(operation, holding, changes, scope)))
        return before, state_of(kit)
