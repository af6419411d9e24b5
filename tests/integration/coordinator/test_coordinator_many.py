"""A track with many holdings reads anew what changed and no more, and still sees what people change meanwhile."""

from __future__ import annotations

from typing import Any

from hub import ContractError, Identifier
from hub.coordinator import standing
from hub.rights import Right
from hub.testing.memory import Kept, service
from tests.integration.coordinator.conftest import CANARIES, Open

EMAIL = CANARIES[0]
JANE = Identifier.email(EMAIL)


def test_the_steps_of_a_track_are_not_all_read_after_each(open_trial: Open, monkeypatch: Any) -> None:
    trial = open_trial("crm")
    for number in range(30):
        service("crm").keep(f"k{number}", Kept(EMAIL))
    whole: list[int] = []
    read = standing._in_order

    def counted(taken: Any, held: Any) -> Any:
        whole.append(len(taken))
        return read(taken, held)

    monkeypatch.setattr(standing, "_in_order", counted)
    request = trial.submit(Right.ERASURE, JANE)
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
    assert len(whole) < 10


def test_a_step_that_is_retried_while_another_is_under_way_goes_on(open_trial: Open) -> None:
    trial = open_trial("crm")
    service("crm").keep("one", Kept(EMAIL))
    service("crm").keep("two", Kept(EMAIL))
    request = trial.submit(Right.OBJECTION, JANE)

    def meanwhile() -> None:
        trial.hub.retry(request, by="Dora Dpo")

    service("crm").script("suppress", ContractError("not its documented shape"), meanwhile)
    trial.run()
    assert trial.show(request)["verdict"] == "complete"
    assert trial.tasks() == []


def test_an_erasure_undone_while_a_step_is_under_way_is_not_gone_on_with(open_trial: Open) -> None:
    trial = open_trial("crm")
    for name in ("one", "two", "three"):
        service("crm").keep(name, Kept(EMAIL))
    request = trial.submit(Right.ERASURE, JANE)
    service("crm").script("confirm", lambda: trial.hub.undo(request, by="Dora Dpo") and None)
    trial.run()
    assert service("crm").called("erase") == 1
    assert service("crm").kept.keys() == {"two", "three"}
