"""Rules about `confirm`: it reads, by locator, and tells as asked, gone, different and not yet apart."""

from __future__ import annotations

from typing import Any

from hub.outcome import AsAsked, Contained, Differs, Gone, Masked, Pending
from hub.processor import Operation
from hub.testing.conformance.belonging import named_by
from hub.testing.conformance.comparing import leaves
from hub.testing.conformance.kit import Kit

_TELLING = 4  # characters from which on a value says something of a person


class ConfirmRules:
    """What turns an answer into proof."""

    def test_confirm_says_that_what_is_there_is_not_gone(self, kit: Kit) -> None:
        """Before anything was erased every holding differs from an erased one."""
        bench = kit.open()
        for held in kit.certain(bench):
            said = kit.confirm(bench, Operation.ERASE, held)
            assert isinstance(said, Differs), f"Of a {held.kind} nobody erased, confirm says {said!r}"

    def test_confirm_reads_each_holding_by_itself(self, kit: Kit) -> None:
        """While the erasing goes on, what is still to be erased is never confirmed gone with the rest."""
        bench, before = kit.open(), kit.records()
        held = kit.certain(bench)
        for at, one in enumerate(held):
            kit.settle(bench, one, bench.processor.erase(one, kit.step()))
            untouched = before.keys() - kit.changed_since(before)
            for other in held[at + 1 :]:
                if named_by(other, before) <= untouched:
                    said = kit.confirm(bench, Operation.ERASE, other)
                    gone = isinstance(said, Gone | Masked)
                    assert not gone, f"With a {one.kind} erased, a {other.kind} that is there confirms {said!r}"

    def test_confirm_tells_not_yet_from_gone(self, kit: Kit) -> None:
        """Accepted is not done: while a job runs and the record is there, nothing is confirmed gone or masked."""
        bench = kit.open()
        for held in kit.certain(bench):
            there = named_by(held, kit.records())
            outcome = bench.processor.erase(held, kit.step())
            if isinstance(outcome, Pending | Contained) and there & kit.records().keys():
                said = kit.confirm(bench, Operation.ERASE, held, outcome=outcome)
                assert not isinstance(said, Gone | Masked | AsAsked), (
                    f"The erasing of a {held.kind} is only accepted, and confirm says {said!r}: answer NotYet"
                )
            kit.settle(bench, held, outcome)

    def test_confirm_never_calls_what_is_gone_corrected(self, kit: Kit) -> None:
        """A record erased meanwhile does not hold the new values."""
        bench = kit.open()
        for held in kit.certain(bench):
            kit.settle(bench, held, bench.processor.erase(held, kit.step()))
            if isinstance(kit.confirmed(bench, Operation.ERASE, held), Gone) and not kit.cannot(Operation.RECTIFY):
                said = kit.confirm(bench, Operation.RECTIFY, held, changes=kit.service.changes)
                assert not isinstance(said, AsAsked), f"A {held.kind} that is gone confirms as corrected"

    def test_confirm_names_fields_and_never_values(self, kit: Kit) -> None:
        """What differs stands in evidence: the service's names of fields, without anything of the person."""
        bench, records = kit.open(), kit.records()
        values = {str(leaf) for key in kit.hers for _, leaf in leaves(records[key]) if len(str(leaf)) >= _TELLING}
        for held in kit.certain(bench):
            asked: dict[Operation, dict[str, Any]] = {
                Operation.ERASE: {},
                Operation.RECTIFY: {"changes": kit.service.changes},
                Operation.SUPPRESS: {"scope": kit.service.scope},
            }
            for operation, more in asked.items():
                said = kit.confirm(bench, operation, held, **more) if not kit.cannot(operation) else None
                for name in said.fields if isinstance(said, Differs) else ():
                    assert name.isprintable(), f"Confirm of a {held.kind} names a field that is no name"
                    assert not any(value in name for value in values), f"Confirm of a {held.kind} names a value"

    def test_confirm_changes_nothing(self, kit: Kit) -> None:
        """It reads back, as often as somebody asks."""
        bench = kit.open()
        held, before = kit.certain(bench), kit.records()
        for one in held:
            kit.confirm(bench, Operation.ERASE, one)
            kit.confirm(bench, Operation.SUPPRESS, one, scope=kit.service.scope)
            if not kit.cannot(Operation.RECTIFY):
                kit.confirm(bench, Operation.RECTIFY, one, changes=kit.service.changes)
        assert not kit.changed_since(before), "confirm changed something at the service"
