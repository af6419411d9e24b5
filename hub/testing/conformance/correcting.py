"""Rules about `rectify`: what was asked is changed, nothing else, and it is said where there is no place for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.holding import Coverage, Holding
from hub.outcome import Absent, AsAsked, Differs, Done, Manual, Outcome, Partial, Refused, Retained, Unsupported
from hub.processor import Changes, Operation
from hub.subject import Identifier
from hub.testing.conformance.comparing import Path, Records, altered, mentions
from hub.testing.conformance.finding import AUTHORITATIVE
from hub.testing.conformance.kit import Bound, Kit

_NOT_DONE = Unsupported | Manual | Refused | Retained
_NEW_ADDRESS = "zenobia.zz-corrected@example.org"


class RectifyRules:
    """What Art. 16 promises."""

    def test_rectify_changes_what_was_asked(self, kit: Kit) -> None:
        """After Done every new value stands on the person's records; at least one holding can be corrected."""
        if kit.cannot(Operation.RECTIFY):
            return
        bench, done = kit.open(), 0
        wanted = kit.service.changes.concerning(kit.processor.name).values()
        for held in kit.certain(bench):
            before = kit.records()
            outcome = _rectify(kit, bench, held)
            assert not isinstance(outcome, Absent), f"Rectifying a {held.kind} that is there answers Absent"
            if isinstance(outcome, Done):
                done += 1
                now = kit.records()
                hers = [now[key] for key in now.keys() & (kit.hers | (now.keys() - before.keys()))]
                lost = [value for value in wanted if value and not _stands(value, hers)]
                assert not lost, f"Rectifying a {held.kind} answers Done; {len(lost)} of the values stand nowhere"
            done += isinstance(outcome, Partial)
        assert done, (
            "Nothing of the person could be corrected: name fields the service has in Service.changes, or declare "
            "rectify = unsupported('…')"
        )

    def test_rectify_changes_nothing_else(self, kit: Kit) -> None:
        """Only the person's records, and in them only fields that now hold a new value."""
        if kit.cannot(Operation.RECTIFY):
            return
        bench = kit.open()
        wanted = [value for value in kit.service.changes.concerning(kit.processor.name).values() if value]
        for held in kit.certain(bench):
            before = kit.records()
            outcome = _rectify(kit, bench, held)
            touched = kit.touched_strangers(before)
            assert not touched, f"Rectifying a {held.kind} changed {', '.join(touched)}, which is somebody else's"
            others = sorted(".".join(path) for path in _changed_otherwise(kit, before, wanted))
            assert not others, (
                f"Rectifying a {held.kind} also changed {', '.join(others)}: send the fields asked for and no others; "
                "fields that the service writes itself belong in Service.volatile"
            )
            if isinstance(outcome, _NOT_DONE):
                assert not kit.changed_since(before), (
                    f"Rectifying a {held.kind} answers {type(outcome).__name__} and changed something"
                )

    def test_rectify_twice_is_fine(self, kit: Kit) -> None:
        """After a crash the act is repeated: it answers the same and changes nothing more."""
        if kit.cannot(Operation.RECTIFY):
            return
        bench = kit.open()
        for held in kit.certain(bench):
            outcome = _rectify(kit, bench, held)
            after, again = kit.records(), _rectify(kit, kit.open(), moved(held, outcome))
            assert type(again) is type(outcome), (
                f"Rectifying a {held.kind} answers {type(outcome).__name__}, the second time {type(again).__name__}"
            )
            assert not kit.changed_since(after), f"Rectifying a {held.kind} the second time changes something"

    def test_rectify_is_read_back(self, kit: Kit) -> None:
        """Confirm names what differs before, and says AsAsked after, also when the answer was lost."""
        if kit.cannot(Operation.RECTIFY):
            return
        bench = kit.open()
        for held in kit.certain(bench):
            before = kit.confirm(bench, Operation.RECTIFY, held, changes=kit.service.changes)
            outcome = _rectify(kit, bench, held)
            if isinstance(outcome, Done):
                assert isinstance(before, Differs), f"Before it is rectified, a {held.kind} confirms {before!r}"
                assert before.fields, f"Before it is rectified, confirm of a {held.kind} does not name what differs"
                for answer in (outcome, None):
                    said = kit.confirmed(
                        bench, Operation.RECTIFY, moved(held, outcome), outcome=answer, changes=kit.service.changes
                    )
                    assert isinstance(said, AsAsked), f"A rectified {held.kind} confirms {said!r}, not AsAsked"
            elif isinstance(outcome, _NOT_DONE):
                said = kit.confirm(bench, Operation.RECTIFY, held, outcome=outcome, changes=kit.service.changes)
                assert not isinstance(said, AsAsked), f"A {held.kind} that was not rectified confirms AsAsked"

    def test_rectify_says_so_of_a_field_it_does_not_have(self, kit: Kit) -> None:
        """Asked for a field of its own that the service lacks, it answers why not; never Done, never Absent."""
        if kit.cannot(Operation.RECTIFY):
            return
        bench = kit.open()
        held, before = kit.certain(bench), kit.records()
        unheard = Changes({f"{kit.processor.name}.no_such_field": "x"})
        for one in held:
            outcome = kit.settle(bench, one, bench.processor.rectify(one, unheard, kit.step()))
            assert isinstance(outcome, _NOT_DONE), (
                f"Asked for a field it does not have, rectifying a {one.kind} answers {type(outcome).__name__}: "
                "answer Unsupported and name the field, or Partial beside fields that were done"
            )
        assert not kit.changed_since(before), "Asked for a field the service does not have, rectify changed something"

    def test_a_corrected_address_is_found_again(self, kit: Kit) -> None:
        """An address can be what a holding is named by: the locator that comes back leads to it, and so does find."""
        if kit.cannot(Operation.RECTIFY):
            return
        bench, changes = kit.open(), Changes({"email": _NEW_ADDRESS})
        for held in kit.certain(bench):
            before = kit.records()
            outcome = kit.settle(bench, held, bench.processor.rectify(held, changes, kit.step()))
            touched = kit.touched_strangers(before)
            assert not touched, f"Another address for a {held.kind} changed {', '.join(touched)}"
            if isinstance(outcome, Done):
                there = moved(held, outcome)
                said = kit.confirmed(bench, Operation.RECTIFY, there, outcome=outcome, changes=changes)
                assert isinstance(said, AsAsked), (
                    f"At the locator that rectify returned, a {held.kind} confirms {said!r}"
                )
                address = Identifier.email(_NEW_ADDRESS)
                assert set(outcome.learned) <= {address}, f"Rectifying a {held.kind} learned more than the new address"
                *found, coverage = kit.find(kit.open(), address)
                searched = isinstance(coverage, Coverage) and coverage.of(address) in AUTHORITATIVE
                assert found or not searched, f"A {held.kind} is not found by its corrected address"


def moved(held: Holding, outcome: Outcome) -> Holding:
    """The holding where it is after that outcome."""
    done = outcome.done if isinstance(outcome, Partial) else outcome
    return replace(held, locator=done.locator) if isinstance(done, Done) and done.locator is not None else held


def _rectify(kit: Kit, bench: Bound, held: Holding) -> Outcome:
    return kit.settle(bench, held, bench.processor.rectify(held, kit.service.changes, kit.step()))


def _stands(value: str, records: list[Any]) -> bool:
    return mentions(records, [Identifier.name(value)])


def _changed_otherwise(kit: Kit, before: Records, wanted: list[str]) -> set[Path]:
    """The fields that changed and do not hold one of the values; of a record that moved, nothing can be said."""
    now = kit.records()
    changed = {
        path: new
        for key in kit.changed_since(before) & before.keys() & now.keys()
        for path, new in altered(before[key], now[key], kit.service.volatile).items()
    }
    return {path for path, new in changed.items() if not new or any(not any(w in str(n) for w in wanted) for n in new)}
