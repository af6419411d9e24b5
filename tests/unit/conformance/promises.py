"""Objections that are answered with more than is done: what else connectors get wrong, added to the mistakes."""

from __future__ import annotations

from hub import (
    Act,
    AsAsked,
    Confirmation,
    Differs,
    Done,
    Holding,
    Method,
    Operation,
    Outcome,
    Purpose,
    Scope,
    Step,
    Subject,
)
from tests.unit.conformance.depot import Depot
from tests.unit.conformance.mistakes import MISTAKES, caught_by

__all__ = ["MISTAKES"]

SHARING = Scope(frozenset({Purpose.SHARING}))


@caught_by("what_cannot_be_stopped_alone_is_not_stopped_with_the_rest")
class PromisesWhateverComesTogether(Depot):
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        wide = Scope(frozenset(Purpose)) if len(scope.purposes) > 1 else scope
        return super().suppress(target, wide, step)


@caught_by("a_stop_that_is_done_shows_in_the_records")
class PromisesWithoutAnAct(Depot):
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        promised = isinstance(target, Holding) and scope == SHARING
        return Done(Method.SUPPRESSED) if promised else super().suppress(target, scope, step)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        said = super().confirm(act, step)
        promised = isinstance(act.target, Holding) and act.operation is Operation.SUPPRESS and act.scope == SHARING
        return AsAsked() if promised and isinstance(said, Differs) else said
