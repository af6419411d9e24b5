"""Rules about `erase`: nothing of the person is left but what was named, and nothing of anybody else is touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from hub.holding import Holding
from hub.outcome import Absent, Done, Gone, Manual, Masked, Method, Outcome, Partial, Refused, Retained, Unsupported
from hub.processor import Operation
from hub.testing.conformance.belonging import named_by, referring
from hub.testing.conformance.comparing import Records, mentions
from hub.testing.conformance.kit import Bound, Kit

KEPT = Retained | Refused | Manual | Unsupported | Partial  # answers that say why something is still there
_READ_BACK = {Method.DELETED: Gone, Method.REDACTED: Masked, Method.ANONYMISED: Masked}
_MASKING = frozenset({Method.REDACTED, Method.ANONYMISED})


class EraseRules:
    """What the certificate says."""

    def test_erase_leaves_no_residue(self, kit: Kit) -> None:
        """Once all is erased in the order of find, only what an answer said to be kept is left of the person."""
        bench, before = kit.open(), kit.records()
        _assert_no_residue(kit, bench, before, _erase_all(kit, bench))

    def test_erase_leaves_neighbours_alone(self, kit: Kit) -> None:
        """A namesake, a household and whoever has one letter more keep every record as it was."""
        bench, before = kit.open(), kit.records()
        _erase_all(kit, bench)
        touched = kit.touched_strangers(before)
        assert not touched, (
            f"Erasing the person's holdings changed {', '.join(touched)}, which is somebody else's: erase by the "
            "locator's ids, never by name or by a search. Fields that the service writes belong in Service.volatile"
        )

    def test_erase_twice_is_a_success(self, kit: Kit) -> None:
        """After a crash the act is repeated: what is gone already answers Absent or Done, never an error."""
        bench = kit.open()
        first = _erase_all(kit, bench)
        again = kit.open()
        for held, outcome in first:
            second = kit.settle(again, held, again.processor.erase(held, kit.step(attempt=2)))
            fits = isinstance(second, type(outcome) if isinstance(outcome, KEPT) else Absent | Done)
            assert fits, (
                f"Erasing a {held.kind} answers {type(outcome).__name__}, and the second time {type(second).__name__}"
            )

    def test_erase_answers_absent_only_for_what_is_gone(self, kit: Kit) -> None:
        """Absent satisfies a request: of what is still there it would be a false proof."""
        bench = kit.open()
        for held in kit.certain(bench):
            there = named_by(held, kit.records())
            outcome = kit.settle(bench, held, bench.processor.erase(held, kit.step()))
            left = there & kit.records().keys()
            assert not (isinstance(outcome, Absent) and left), (
                f"Erasing a {held.kind} answers Absent, and {', '.join(sorted(left))} is still there"
            )

    def test_erase_is_read_back(self, kit: Kit) -> None:
        """Confirm agrees with the answer: Gone after a deletion, Masked after a redaction, neither for what is kept."""
        bench = kit.open()
        for held in kit.certain(bench):  # each at once, as the hub does: a child may be readable through its parent
            outcome = kit.settle(bench, held, bench.processor.erase(held, kit.step()))
            said = kit.confirmed(bench, Operation.ERASE, held, outcome=outcome)
            lost = kit.confirmed(bench, Operation.ERASE, held)
            assert type(said) is type(lost), f"Confirm of a {held.kind} says another thing when the answer was lost"
            match outcome:
                case Done(method=method):
                    assert method in _READ_BACK, f"Erasing a {held.kind} answers that it was {method}"
                    expected = _READ_BACK[method]
                    assert isinstance(said, expected), (
                        f"Erasing a {held.kind} answers {method}: confirm says {type(said).__name__}, "
                        f"not {expected.__name__}"
                    )
                case Absent():
                    assert isinstance(said, Gone | Masked), f"An absent {held.kind} is confirmed {type(said).__name__}"
                case _:
                    assert not isinstance(said, Gone | Masked), (
                        f"Erasing a {held.kind} answers {type(outcome).__name__} and confirm {type(said).__name__}"
                    )

    def test_find_after_erasing_yields_only_what_was_kept(self, kit: Kit) -> None:
        """The last look at the service agrees with the answers it gave."""
        bench = kit.open()
        gone = {held.key for held, outcome in _erase_all(kit, bench) if isinstance(outcome, Done | Absent)}
        again = [held.kind for held in kit.holdings(kit.open()) if held.key in gone]
        assert not again, f"Erased and found again: {', '.join(again)}"

    def test_erase_in_batches_as_one_by_one(self, kit: Kit) -> None:
        """`erase_many` answers for each holding of its batch once, and what it leaves is what `erase` would leave."""
        bench, before = kit.open(), kit.records()
        outcomes: list[tuple[Holding, Outcome]] = []
        for batch in _batches(kit, kit.certain(bench)):
            by_key = dict(zip((h.key for h in batch), batch, strict=True))
            answers = list(bench.processor.erase_many(batch, kit.step()))
            keys = [key for key, _ in answers]
            assert sorted(keys) == sorted(by_key), "erase_many does not answer once for each holding of its batch"
            outcomes += [(by_key[key], kit.settle(bench, by_key[key], outcome)) for key, outcome in answers]
        _assert_no_residue(kit, bench, before, outcomes)
        assert not kit.touched_strangers(before), "erase_many changed what is somebody else's"


def _erase_all(kit: Kit, bench: Bound) -> list[tuple[Holding, Outcome]]:
    """Erase what is certainly the person's in the order of find; each job is carried to its end."""
    return [(held, kit.settle(bench, held, bench.processor.erase(held, kit.step()))) for held in kit.certain(bench)]


def _batches(kit: Kit, held: list[Holding]) -> Iterator[list[Holding]]:
    """As the hub makes them: neighbours of one kind in the order of find, as many as the connector takes at once."""
    for kind, run in groupby(held, key=lambda holding: holding.kind):
        holdings = list(run)
        size = kit.processor.batch.get(kind, 1)
        yield from (holdings[at : at + size] for at in range(0, len(holdings), size))


def _assert_no_residue(kit: Kit, bench: Bound, before: Records, erased: list[tuple[Holding, Outcome]]) -> None:
    now = kit.records()
    doubtful = [held for held in kit.holdings(kit.open()) if not held.certain]
    kept = [held for held, outcome in erased if isinstance(outcome, KEPT)]
    excused = _named(before, [*kept, *doubtful])
    masking = [held for held, outcome in erased if isinstance(outcome, Done) and outcome.method in _MASKING]
    masked = {
        key
        for key in _named(before, masking) & kit.changed_since(before) & now.keys()
        if not mentions(now[key], kit.traces)
    }
    refused = [held for held, outcome in erased if isinstance(outcome, Refused) and _still_refused(kit, bench, held)]
    excused |= referring(_named(before, refused), {key: before[key] for key in kit.hers})  # for their sake, perhaps
    # Whose a record is was settled before: what the service only unlinks is not hers any less.
    residue = kit.hers & now.keys() - excused - masked
    residue |= {key for key in now.keys() - before.keys() if mentions(now[key], kit.own)}
    assert not residue, (
        f"After every holding was erased, {', '.join(sorted(residue))} is still there, and was the person's: let find "
        "yield it, children before what they hang on, and delete or mask it, or answer Retained, Refused, Manual or "
        "Partial for it. Where a mask was answered, nothing of the person may be left on the record"
    )
    unfinished = sorted({type(outcome).__name__ for _, outcome in erased} - {"Done", "Absent"} - _names(KEPT))
    assert not unfinished, f"An erasure ended with {', '.join(unfinished)}"


def _still_refused(kit: Kit, bench: Bound, held: Holding) -> bool:
    """Whether it is refused now that the rest is gone: else it was asked for too early, before its children."""
    return isinstance(kit.settle(bench, held, bench.processor.erase(held, kit.step(attempt=2))), Refused)


def _named(before: Records, held: Iterable[Holding]) -> set[str]:
    return {key for one in held for key in named_by(one, before)}


def _names(union: object) -> set[str]:
    return {cls.__name__ for cls in getattr(union, "__args__", ())}
