"""Rules about `suppress` and `lift`: the uses in scope stop, no other record changes, what was stopped can go on."""

from __future__ import annotations

import pytest

from hub.holding import Holding
from hub.outcome import Absent, AsAsked, Contained, Differs, Done, Outcome, Partial, Pending
from hub.processor import Channel, Operation, Purpose, Scope
from hub.subject import Identifier, Subject
from hub.testing.conformance.comparing import Records, altered
from hub.testing.conformance.kit import Bound, Kit

SCOPES = {purpose.value: Scope(frozenset({purpose})) for purpose in Purpose}
SCOPES |= {f"marketing by {channel.value}": Scope(channels=frozenset({channel})) for channel in Channel}
SCOPES |= {"everything": Scope(frozenset(Purpose))}
EVERY_SCOPE = pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)

_CHANGED = Done | Partial | Pending | Contained  # answers after which something may be otherwise


class SuppressRules:
    """What an objection, a withdrawn consent and a restriction ask for."""

    @pytest.mark.exhaustive
    @EVERY_SCOPE
    def test_suppress_is_read_back(self, kit: Kit, scope: Scope) -> None:
        """Done is confirmed AsAsked, also when the answer was lost; where something had to change, Differs before."""
        if kit.cannot(Operation.SUPPRESS):
            return
        bench = kit.open()
        for held in kit.certain(bench):
            before, kept = kit.confirm(bench, Operation.SUPPRESS, held, scope=scope), kit.records()
            outcome = _suppress(kit, bench, held, scope)
            assert not isinstance(outcome, Absent), f"Suppressing a {held.kind} that is there answers Absent"
            if isinstance(outcome, Done):
                for answer in (outcome, None):
                    said = kit.confirmed(bench, Operation.SUPPRESS, held, outcome=answer, scope=scope)
                    assert isinstance(said, AsAsked), f"A suppressed {held.kind} confirms {said!r}, not AsAsked"
                expected = Differs if kit.changed_since(kept) else AsAsked
                assert isinstance(before, expected), (
                    f"Before it was suppressed, a {held.kind} confirms {before!r}; suppressing it "
                    f"{'changed something' if expected is Differs else 'answered Done and changed nothing'}"
                )

    @pytest.mark.exhaustive
    @EVERY_SCOPE
    def test_suppress_leaves_everything_else_alone(self, kit: Kit, scope: Scope) -> None:
        """Nothing changes but what `Service.stops` names on the person's records; where nothing was done, nothing."""
        if kit.cannot(Operation.SUPPRESS):
            return
        bench = kit.open()
        for target in _targets(kit, bench, _stranger()):
            before = kit.records()
            outcome = _suppress(kit, bench, target, scope)
            touched = kit.touched_strangers(before)
            assert not touched, f"Suppressing a {_what(target)} changed {', '.join(touched)}, which is somebody else's"
            lost = sorted(before.keys() - kit.records().keys())
            assert not lost, f"Suppressing a {_what(target)} deleted {', '.join(lost)}: a stop destroys nothing"
            _assert_spared(kit, before, f"Suppressing a {_what(target)}")
            if not isinstance(outcome, _CHANGED):
                changed = sorted(kit.changed_since(before))
                assert not changed, (
                    f"Suppressing a {_what(target)} answers {outcome!r} and changed {', '.join(changed)}"
                )

    @pytest.mark.exhaustive
    @EVERY_SCOPE
    def test_suppress_twice_is_fine(self, kit: Kit, scope: Scope) -> None:
        """After a crash the act is repeated: it answers the same and changes nothing more."""
        if kit.cannot(Operation.SUPPRESS):
            return
        bench = kit.open()
        for target in _targets(kit, bench):
            first = _suppress(kit, bench, target, scope)
            after, again = kit.records(), _suppress(kit, kit.open(), target, scope)
            assert type(again) is type(first), (
                f"Suppressing a {_what(target)} answers {type(first).__name__}, the second time {type(again).__name__}"
            )
            assert not kit.changed_since(after), f"Suppressing a {_what(target)} the second time changes something"

    @pytest.mark.exhaustive
    @EVERY_SCOPE
    def test_an_objection_of_somebody_not_held_is_recorded_or_declined(self, kit: Kit, scope: Scope) -> None:
        """A bare Subject: Done means that the service remembers it and confirm reads it; else nothing was done."""
        if kit.cannot(Operation.SUPPRESS):
            return
        bench, stranger = kit.open(), _stranger()
        unheard = kit.confirm(bench, Operation.SUPPRESS, stranger, scope=scope)
        assert not isinstance(unheard, AsAsked), "Of an objection nobody made, confirm says AsAsked"
        before, outcome = kit.records(), _suppress(kit, bench, stranger, scope)
        if isinstance(outcome, Done):
            assert kit.changed_since(before), "An objection in advance answers Done and records() shows nothing of it"
            said = kit.confirmed(bench, Operation.SUPPRESS, stranger, outcome=outcome, scope=scope)
            assert isinstance(said, AsAsked), f"A recorded objection confirms {said!r}, not AsAsked"
        else:
            assert not isinstance(outcome, Absent), "An objection in advance answers Absent: say why, or record it"

    @pytest.mark.exhaustive
    @EVERY_SCOPE
    def test_lift_undoes_a_suppression(self, kit: Kit, scope: Scope) -> None:
        """Where lift answers Done, confirm says so, the stop is no longer confirmed, and only the person's changed."""
        if kit.cannot(Operation.SUPPRESS) or kit.cannot(Operation.LIFT):
            return
        bench = kit.open()
        for held in kit.certain(bench):
            kept = kit.records()
            stopped = isinstance(_suppress(kit, bench, held, scope), Done) and bool(kit.changed_since(kept))
            before, untouched = kit.confirm(bench, Operation.LIFT, held, scope=scope), kit.records()
            outcome = kit.settle(bench, held, bench.processor.lift(held, scope, kit.step()))
            touched = kit.touched_strangers(untouched)
            assert not touched, f"Lifting the stop of a {held.kind} changed {', '.join(touched)}"
            _assert_spared(kit, untouched, f"Lifting the stop of a {held.kind}")
            if isinstance(outcome, Done) and stopped:
                assert isinstance(before, Differs), (
                    f"Before it was lifted, the stop of a {held.kind} confirms {before!r}"
                )
                lifted = kit.confirmed(bench, Operation.LIFT, held, outcome=outcome, scope=scope)
                assert isinstance(lifted, AsAsked), f"A lifted stop of a {held.kind} confirms {lifted!r}"
                still = kit.confirm(bench, Operation.SUPPRESS, held, scope=scope)
                assert not isinstance(still, AsAsked), (
                    f"After its stop was lifted, a {held.kind} is still confirmed stopped"
                )
            elif not isinstance(outcome, _CHANGED):
                assert not kit.changed_since(untouched), f"Lifting answers {outcome!r} and changed something"


def _assert_spared(kit: Kit, before: Records, what: str) -> None:
    """Of the records there were, nothing changed but the fields that say what was stopped."""
    now, stops = kit.records(), {*kit.service.stops, *kit.service.volatile}
    fields = sorted(
        {
            f"{key.partition('/')[0]} {'.'.join(path)}"
            for key in before.keys() & now.keys()
            for path in altered(before[key], now[key], kit.service.volatile)
            if not stops & set(path)
        }
    )
    assert not fields, (
        f"{what} changed {', '.join(fields)}: spare what nobody objected to, such as service messages, or, where it is "
        "what is stopped, name the field in Service.stops"
    )


def _suppress(kit: Kit, bench: Bound, target: Holding | Subject, scope: Scope) -> Outcome:
    outcome: Outcome = bench.processor.suppress(target, scope, kit.step())
    return kit.settle(bench, target, outcome) if isinstance(target, Holding) else outcome


def _targets(kit: Kit, bench: Bound, *subjects: Subject) -> list[Holding | Subject]:
    """The person's holdings, the person as a bare subject, and further subjects."""
    return [*kit.certain(bench), kit.service.subject, *subjects]


def _stranger() -> Subject:
    return Subject((Identifier.email("objector@example.com"), Identifier.name("Obadiah Objector")))


def _what(target: Holding | Subject) -> str:
    return target.kind if isinstance(target, Holding) else "bare subject"
