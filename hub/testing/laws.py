"""What holds of every request, whatever was asked and whatever went wrong: checked by tests after the fact.

Each function raises `AssertionError` with what is broken; none needs to know what the request was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.evidence.events import FIRST_PREV, digest

ACTING = frozenset({"erase", "rectify", "suppress", "lift"})
_NEEDS_READ_BACK = frozenset({"done", "partial", "contained"})

View = Mapping[str, Any]


def check_chain(disclosures: Sequence[bytes]) -> None:
    """The events form one unbroken chain, and the last one of a closed request counts them all."""
    before = FIRST_PREV
    for seq, disclosure in enumerate(disclosures, start=1):
        event = json.loads(disclosure)
        assert event["seq"] == seq, f"event {seq} calls itself {event['seq']}"
        assert event["prev"] == before, f"event {seq} does not follow the one before"
        before = digest(disclosure)
        if event["type"] == "request.closed":
            assert event["events"] == seq == len(disclosures), "the last event does not count them all"


def check_read_back(events: Iterable[View]) -> None:
    """Every act that was carried out was read back afterwards, or says why it cannot be (facts of the evidence).

    Holds once nothing is under way any more.
    """
    unread: dict[Any, View] = {}
    for event in events:
        place = (event.get("instance"), event.get("step"), event.get("holding"))
        if event["type"] == "step.outcome" and event["operation"] in ACTING:
            if event["outcome"] in _NEEDS_READ_BACK:
                unread[place] = event
        elif event["type"] == "step.confirmed":
            unread.pop(place, None)
    assert not unread, f"never read back: {sorted(map(str, unread))}"


def check_agrees(view: View, events: Iterable[View]) -> None:
    """Every outcome the journal shows stands in the evidence: nothing is shown as done that evidence lacks."""
    told = {(*_place(e), e["outcome"]) for e in events if e["type"] in {"step.outcome", "step.manual"}}
    for track in view["tracks"]:
        for holding, step in _steps(track):
            outcome = step.get("outcome")
            place = (track["instance"], step["operation"], holding)
            if outcome == "manual" and step["reason"] != "manual":
                outcome = step["reason"]  # what the person said who did it
            if outcome in {None, "withdrawn", "cancelled"}:
                continue
            unread = (track["instance"], "confirm", holding, outcome)  # it failed at being read back
            assert not told.isdisjoint({(*place, outcome), unread}), f"{place} is {outcome} without an event"


def check_never_silent(view: View, now: datetime) -> None:
    """Every open track is due, or has a reason and a time at which it goes on or a person who is asked."""
    asked = {task["instance"] for task in view["tasks"]} | ({""} if view["tasks"] else set())
    for track in view["tracks"]:
        if track["phase"] == "settled" or track["working_until"] is not None:
            continue
        if track["next"] is not None and datetime.fromisoformat(track["next"]) <= now:
            continue
        assert track["reason"], f"{track['instance']} waits without a reason"
        somebody = bool({track["instance"], ""} & asked) or track["reason"] == "erase_after"
        somebody |= track["reason"].startswith("instance_")  # who paused it knows; a refusal's task is in one request
        assert track["next"] or somebody, f"{track['instance']} waits for nobody: {track['reason']}"


def check_untouched(events: Iterable[View]) -> None:
    """No holding was acted on that was not certainly hers, and none erased or corrected without approval."""
    hers: set[int] = set()
    approved: set[int] = set()
    for event in events:
        match event["type"]:
            case "holding.found":
                certain = (event["match"], event["reach"]) == ("exact", "sole")
                hers = hers | {event["holding"]} if certain else hers - {event["holding"]}
            case "match.decided":
                hers = hers | {event["holding"]} if event["decision"] == "hers" else hers - {event["holding"]}
            case "request.approved" if event["decision"] == "approved":
                approved |= hers
            case "step.outcome" if event["operation"] in ACTING and "holding" in event:
                assert event["holding"] in hers, f"holding {event['holding']} was touched and is not known to be hers"
                needs = event["operation"] in {"erase", "rectify"}
                assert not needs or event["holding"] in approved, f"holding {event['holding']} was not approved"


def _place(event: View) -> tuple[Any, ...]:
    return event["instance"], event["operation"], event.get("holding")


def _steps(track: View) -> list[tuple[int | None, View]]:
    of_holdings = [(held["holding"], step) for held in track["holdings"] for step in held["steps"]]
    return [*((None, step) for step in track["steps"]), *of_holdings]
