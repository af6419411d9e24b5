"""What plugins may do to a request: widen its search or stop it, hear of it and never harm it, hold a record back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub import Identifier, Record, Subject
from hub.errors import PluginFailed
from hub.rights import Right
from hub.testing.memory import Kept, service
from tests.integration.coordinator.conftest import Open, plugin

EMAIL, SECOND = "jane.canary@example.org", "j.canary.second@example.org"
JANE = Identifier.email(EMAIL)


def enriching(function: Callable[[Subject], Iterable[Identifier]]) -> str:
    def hub_enrichers() -> Sequence[Callable[[Subject], Iterable[Identifier]]]:
        return [function]

    return plugin(hub_enrichers=hub_enrichers)


def test_what_an_enricher_knows_is_searched_for_from_the_start(open_trial: Open) -> None:
    trial = open_trial("crm", plugins={"index": enriching(lambda _: [Identifier.email(SECOND)])})
    service("crm").keep("hers", Kept(SECOND))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert (service("crm").kept, service("crm").called("find")) == ({}, 1)
    assert trial.show(request)["verdict"] == "complete"


def test_a_request_whose_enricher_fails_is_not_taken_in(open_trial: Open) -> None:
    def broken(_: Subject) -> Iterable[Identifier]:
        raise ConnectionError(f"no index for {EMAIL}")

    trial = open_trial("crm", plugins={"index": enriching(broken)})
    with pytest.raises(PluginFailed, match="index raised ConnectionError") as caught:
        trial.submit(Right.ERASURE, JANE)
    assert EMAIL not in str(caught.value)
    assert trial.hub.requests()["requests"] == []


def test_observers_hear_every_event_after_it_was_committed_and_nothing_personal(open_trial: Open) -> None:
    heard: list[Mapping[str, Any]] = []
    known: list[int] = []

    def hub_on_event(event: Mapping[str, Any]) -> None:
        heard.append(event)
        known.append(trial.show(event["request"])["events"])

    trial = open_trial("crm", approve=False, plugins={"ears": plugin(hub_on_event=hub_on_event)})
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    trial.hub.approve(request, by="Dora Dpo")
    trial.run()
    assert [event["type"] for event in heard] == [event["type"] for event in trial.events(request)]
    assert all(seen >= number for number, seen in enumerate(known, start=1))


def test_an_observer_that_breaks_harms_nobody(open_trial: Open) -> None:
    def hub_on_event(event: Mapping[str, Any]) -> None:
        raise RuntimeError(f"cannot tell {EMAIL}")

    trial = open_trial("crm", plugins={"ears": plugin(hub_on_event=hub_on_event)})
    service("crm").keep("hers", Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert trial.show(request)["verdict"] == "complete"


def test_a_copy_is_not_handed_over_unredacted(open_trial: Open, tmp_path: Path) -> None:
    working = [False]

    def redact(record: Record) -> Record | None:
        if not working[0]:
            raise ConnectionError("the list of third parties is away")
        return record if record.data["row"] != 1 else None

    def hub_redactors() -> Sequence[Callable[[Record], Record | None]]:
        return [redact]

    trial = open_trial("crm", plugins={"third_parties": plugin(hub_redactors=hub_redactors)})
    service("crm").keep("hers", Kept(EMAIL, rows=3))
    request = trial.submit(Right.ACCESS, JANE)
    trial.run()
    with pytest.raises(PluginFailed, match="third_parties raised ConnectionError"):
        trial.hub.export(request, tmp_path / "copy.zip", passphrase=None, by="Dora Dpo")
    assert not (tmp_path / "copy.zip").exists()
    assert trial.show(request)["delivered"] is None
    working[0] = True
    trial.hub.export(request, tmp_path / "copy.zip", passphrase=None, by="Dora Dpo")
    assert trial.show(request)["state"] == "closed"
