"""What the demonstration does: a copy for the town's main person, then her erasure, decided by a named officer.

Nothing is staged but the services: requests, searches, decisions, read-backs and evidence are the hub's ordinary work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli.evidence import write_events
from hub.cli.follow import follow
from hub.coordinator.intake import Submission
from hub.demo.stage import SERVICES, Stage
from hub.exports.archive import passphrase
from hub.rights import Right
from hub.store import private
from hub.subject import Identifier, Subject
from hub.testing.town import TOWN

if TYPE_CHECKING:
    from hub.handover import Handover

OFFICER = "Ada Marsh, DPO"
_LINK_ID = "000000000e"  # Mailchimp's id of her second address, as links in newsletters carry it (mc_eid)
_PATIENCE = 60.0  # seconds

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision about an uncertain holding.

    Args:
        instance, kind: where it is and what.
        hers: whether it is hers.
    """

    instance: str
    kind: str
    hers: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A stand-in before and after.

    Args:
        instance: which.
        erased: holdings the hub calls erased.
        gone: entries that are no longer there.
        changed: entries of others that are not what they were; 0, or the hub has touched a neighbour.
        left: entries that are as they were.
    """

    instance: str
    erased: int
    gone: int
    changed: int
    left: int

    @property
    def as_claimed(self) -> bool:
        """Whether exactly what was called erased is gone, and nothing else is different."""
        return self.gone == self.erased and self.changed == 0


class Teller:
    """Hears what happens, when it happens. Overridden where somebody is to see it."""

    def submitted(self, request: str, right: Right) -> None:
        """A request was taken in."""

    def found(self, view: View) -> None:
        """The services were searched."""

    def decided(self, choices: list[Choice]) -> None:
        """The officer said whose the uncertain holdings are."""

    def approved(self, digest: str) -> None:
        """The officer approved what was found."""

    def settled(self, task: View, proof: Path) -> None:
        """The manual task was settled with an evidence file."""

    def delivered(self, made: Handover, file: Path, secret: str) -> None:
        """The copy was handed over."""

    def ended(self, view: View, proof: Path) -> None:
        """A request is over; its events lie in `proof`."""


def person() -> dict[str, Any]:
    """Everything that identifies the main person, as `--subject` takes it."""
    main = TOWN.main
    return {
        "email": list(main.emails),
        "phone": list(main.phones),
        "name": [main.name],
        "address": [dict(zip(("line1", "line2", "city", "postcode", "country"), main.address.parts(), strict=True))]
        if main.address
        else [],
    }


def play(stage: Stage, teller: Teller) -> tuple[list[dict[str, Any]], list[Compared]]:
    """Carry both requests out; returns their views, and how each stand-in compares with what it held before."""
    before = {name: _entries(stage.state(name)) for name in SERVICES}
    with stage.hub.engine():
        views = [_request(stage, teller, right) for right in (Right.ACCESS, Right.ERASURE)]
    compared = [_compared(name, before[name], _entries(stage.state(name)), views[-1]) for name in SERVICES]
    return views, compared


def _request(stage: Stage, teller: Teller, right: Right) -> dict[str, Any]:
    hub = stage.hub
    asked = Submission((right,), _known(), "letter", hub.clock.now(), "id_document")
    request = hub.submit(asked, by=OFFICER)
    teller.submitted(request, right)
    teller.found(follow(hub, request, patience=_PATIENCE, only_live=True))
    teller.decided(_decide(stage, request))
    view = follow(hub, request, patience=_PATIENCE, only_live=True)
    if right is Right.ERASURE:
        hub.approve(request, by=OFFICER, digest=view["digest"])
        teller.approved(view["digest"])
        view = follow(hub, request, patience=_PATIENCE, only_live=True)
    _settle(stage, view, teller)
    if right is Right.ACCESS:
        _hand_over(stage, request, teller)
    view = hub.show(request)
    teller.ended(view, _keep_events(stage, request))
    return dict(view)


def _known() -> Subject:
    """What she wrote in her letter: one address, and the link under a newsletter to the other, which she forgot."""
    main = TOWN.main
    known = [Identifier.email(main.email), Identifier.name(main.name), Identifier.phone(main.phones[0])]
    known += [Identifier.address(main.address)] if main.address else []
    return Subject((*known, Identifier.external("mailchimp.unique_email", _LINK_ID)))


def _decide(stage: Stage, request: str) -> list[Choice]:
    """The officer's rule: what bears one of her addresses is hers; a name, a house or a card shared is not enough."""
    hints = stage.hub.hints(request, by=OFFICER, why="decide")
    choices: dict[int, Choice] = {}
    for track in stage.hub.show(request)["tracks"]:
        for held in track["holdings"]:
            if held["needs_decision"]:
                shown = set(hints[held["holding"]].values())
                hers = not shown.isdisjoint(TOWN.main.emails)
                choices[held["holding"]] = Choice(track["instance"], held["kind"], hers)
    stage.hub.decide(request, {holding: choice.hers for holding, choice in choices.items()}, by=OFFICER)
    return list(choices.values())


def _settle(stage: Stage, view: View, teller: Teller) -> None:
    for task in filter(lambda task: task["kind"] == "recipient", view["tasks"]):
        proof = stage.hub.home.folder / f"note-{task['task']}.txt"
        private.write_whole(proof, b"Card boxes 1 to 4 looked through; the visitor's card was dealt with as asked.\n")
        stage.hub.settle(task["task"], by=OFFICER, result="done", proof=proof.read_bytes())
        teller.settled(task, proof)


def _hand_over(stage: Stage, request: str, teller: Teller) -> None:
    file, secret = stage.hub.home.folder / f"copy-{request}.zip", passphrase()
    made = stage.hub.export(request, file, passphrase=secret, by=OFFICER)
    teller.delivered(made, file, secret)


def _keep_events(stage: Stage, request: str) -> Path:
    folder = stage.hub.home.folder / f"evidence-{request}"
    write_events(stage.hub.evidence(request), folder)
    return folder


def _entries(state: Any) -> dict[str, Any]:
    """Path → value of everything in a stand-in's state; the items of a list count each for itself."""
    return dict(_walked(state, ""))


def _walked(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _walked(inner, f"{path}/{key}")
        case list():
            yield from ((f"{path}/{json.dumps(item)}", True) for item in value)
        case _:
            yield path, value


def _compared(name: str, before: Mapping[str, Any], after: Mapping[str, Any], view: View) -> Compared:
    return Compared(
        name,
        erased=_count(view, name, lambda step: step["method"] == "deleted" and step["confirmation"] == "gone"),
        gone=len(before.keys() - after.keys()),
        changed=sum(before.get(path) != value for path, value in after.items()),
        left=sum(before.get(path) == value for path, value in after.items()),
    )


def _count(view: View, instance: str, chosen: Callable[[View], bool]) -> int:
    """How many erasures of an instance ended as chosen."""
    tracks = [track for track in view["tracks"] if track["instance"] == instance]
    steps = [step for track in tracks for held in track["holdings"] for step in held["steps"]]
    return sum(step.get("outcome") == "done" and step["operation"] == "erase" and chosen(step) for step in steps)
