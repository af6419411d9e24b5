"""Rules about how far a stop goes: what cannot be stopped alone is not stopped with the rest; Done shows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import pytest

from hub.outcome import Done, Manual, Outcome, Unsupported
from hub.processor import Operation, Purpose, Scope
from hub.testing.conformance.kit import Kit
from hub.testing.conformance.stopping import EVERY_SCOPE

UNIONS = [frozenset(some) for number in range(2, len(Purpose) + 1) for some in combinations(Purpose, number)]


class Stopped(NamedTuple):
    """What suppressing a holding came to."""

    kind: str
    outcome: Outcome
    changed: bool


class ScopeRules:
    """What the answer to an objection promises of each use."""

    @pytest.mark.parametrize("purposes", UNIONS, ids=[" and ".join(sorted(some)) for some in UNIONS])
    def test_what_cannot_be_stopped_alone_is_not_stopped_with_the_rest(
        self, kit: Kit, purposes: frozenset[Purpose]
    ) -> None:
        """Asked for several uses of which one cannot be stopped, it is Partial; to stop all processing stops each."""
        if kit.cannot(Operation.SUPPRESS):
            return
        together = _stopped(kit, Scope(purposes))
        alone = {purpose: _stopped(kit, Scope(frozenset({purpose}))) for purpose in sorted(purposes)}
        for key in [key for key, stopped in together.items() if isinstance(stopped.outcome, Done)]:
            widest = alone.get(Purpose.PROCESSING, {}).get(key)
            if widest and isinstance(widest.outcome, Done):
                continue  # where nothing is processed, nothing is sent or shared
            said = {purpose: of[key].outcome for purpose, of in alone.items() if key in of}
            undone = [purpose for purpose, outcome in said.items() if isinstance(outcome, Unsupported | Manual)]
            assert not undone, (
                f"Asked to stop {', '.join(undone)} of a {together[key].kind}, suppress says that it cannot; asked for "
                f"{', '.join(sorted(purposes))} together, Done: answer Partial, with that part left"
            )

    @EVERY_SCOPE
    def test_a_stop_that_is_done_shows_in_the_records(self, kit: Kit, scope: Scope) -> None:
        """Done that changed nothing is a promise nobody keeps, unless the service had stopped already."""
        if kit.cannot(Operation.SUPPRESS):
            return
        stopped = _stopped(kit, scope).values()
        done = sorted({of.kind for of in stopped if isinstance(of.outcome, Done)})
        assert not done or any(of.changed for of in stopped), (
            f"Suppressing a {', '.join(done)} answers Done, and no record of the person changed: answer Unsupported "
            "for a use that the service cannot stop; if it had stopped, seed a record of `town.main` that is in use"
        )


def _stopped(kit: Kit, scope: Scope) -> Mapping[str, Stopped]:
    """Key of each certain holding → what became of it, at a service where nothing was stopped before."""
    with Kit.running(kit.service) as fresh:
        bench, stopped = fresh.open(), {}
        for held in fresh.certain(bench):
            before = fresh.records()
            outcome = fresh.settle(bench, held, bench.processor.suppress(held, scope, fresh.step()))
            stopped[held.key] = Stopped(held.kind, outcome, bool(fresh.changed_since(before)))
        return stopped
