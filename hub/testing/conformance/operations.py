"""Everything the hub can ask of a connector for one person, each as one thing that can be done again and again.

What is asked, and of which holding, follows from what `find` yields: the first certain holding of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from hub.holding import File, Holding, Record
from hub.outcome import Contained, Done, Handle, Partial, Pending
from hub.processor import Act, Operation, Purpose, Scope
from hub.subject import Identifier, Subject
from hub.testing.conformance.kit import Bound, Kit

OPERATIONS = (
    "check",
    "find",
    "export",
    "rectify",
    "suppress",
    "restrict",
    "lift",
    "erase",
    "resume",
    "confirm rectify",
    "confirm suppress",
    "confirm restrict",
    "confirm lift",
    "confirm erase",
)
"""What rules are parametrised by; `restrict` is `suppress` of all processing, which `lift` ends."""

RESTRICTION = Scope(frozenset({Purpose.PROCESSING}))
_ACTS = {
    "rectify": Operation.RECTIFY,
    "suppress": Operation.SUPPRESS,
    "restrict": Operation.SUPPRESS,
    "lift": Operation.LIFT,
    "erase": Operation.ERASE,
}
_NOBODY = Subject((Identifier.email("nobody.is.here@example.com"),))


@dataclass(frozen=True)
class Asked:
    """Something the hub asks for.

    Args:
        operation: one of `OPERATIONS`.
        what: what it is about, for people: a kind of holding (`order`), or empty.
        before: brings the service to where it can be asked; what it returns goes to `run`.
        run: does it and returns the whole answer, iterators read to their end.
        act: what `run` does to the service, as `confirm` is told of it; None where it only reads.
    """

    operation: str
    what: str
    run: Callable[[Kit, Bound, Any], Any] = field(repr=False)
    before: Callable[[Kit, Bound], Any] = field(default=lambda _kit, _bench: None, repr=False)
    act: Act | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """For people: `erase (order)`."""
        return f"{self.operation} ({self.what})" if self.what else self.operation


def everything_asked(kit: Kit, operation: str, holdings: Sequence[Holding]) -> list[Asked]:
    """What can be asked by that operation; nothing where the connector declares that the service lacks it."""
    subject, cls = kit.service.subject, kit.service.processor
    firsts = _first_of_each_kind(holdings)
    match operation.partition(" "):
        case ("check", _, _):
            return [Asked("check", "", lambda _kit, bench, _: bench.processor.check())]
        case ("find", _, _):
            return [Asked("find", "", lambda _kit, bench, _: list(bench.processor.find(subject)))]
        case ("export", _, _):
            exports = [] if cls.cannot(Operation.EXPORT) else firsts
            return [Asked("export", h.kind, partial(_export, holding=h)) for h in exports]
        case ("resume", _, _):
            return list(_resumptions(kit, holdings, firsts))
        case ("confirm", _, name):
            return [_confirming(asked) for asked in _acts(kit, name, holdings, firsts)]
        case (name, _, _):
            return _acts(kit, name, holdings, firsts)


def perform(kit: Kit, bench: Bound, act: Act) -> Any:
    """Ask the processor for that act."""
    processor, step = bench.processor, kit.step()
    match act.operation:
        case Operation.RECTIFY:
            return processor.rectify(act.target, act.changes, step)
        case Operation.SUPPRESS:
            return processor.suppress(act.target, act.scope, step)
        case Operation.LIFT:
            return processor.lift(act.target, act.scope, step)
        case _:
            return processor.erase(act.target, step)


def answered(act: Act, outcome: Any) -> Act:
    """The act as `confirm` is told of it after that outcome: a correction can have moved the holding."""
    done = outcome.done if isinstance(outcome, Partial) else outcome
    if isinstance(done, Done) and done.locator is not None and isinstance(act.target, Holding):
        act = replace(act, target=replace(act.target, locator=done.locator))
    return replace(act, outcome=outcome)


def _first_of_each_kind(holdings: Sequence[Holding]) -> list[Holding]:
    firsts: dict[str, Holding] = {}
    for holding in sorted(holdings, key=lambda holding: not holding.certain):
        firsts.setdefault(holding.kind, holding)
    return [holding for holding in holdings if holding in firsts.values()]


def _acts(kit: Kit, name: str, holdings: Sequence[Holding], firsts: Sequence[Holding]) -> list[Asked]:
    operation, service = _ACTS[name], kit.service
    if service.processor.cannot(operation):
        return []
    scope = {"suppress": service.scope, "restrict": RESTRICTION, "lift": RESTRICTION}.get(name)
    changes = service.changes if operation is Operation.RECTIFY else None
    bare: list[Holding | Subject] = [_NOBODY] if name == "suppress" else []
    asked = []
    for target in [*firsts, *bare]:
        act = Act(operation, target, changes, scope)
        first = _what_comes_first(name, act, holdings)
        what = target.kind if isinstance(target, Holding) else "someone not held"
        asked.append(Asked(name, what, partial(_perform, act=act), partial(_prepare, acts=first), act))
    return asked


def _what_comes_first(name: str, act: Act, holdings: Sequence[Holding]) -> list[Act]:
    """A restriction before it is lifted; before an erasure, that of what `find` yields earlier: children go first."""
    if name == "lift":
        return [replace(act, operation=Operation.SUPPRESS)]
    if name != "erase" or not isinstance(act.target, Holding):
        return []
    earlier = holdings[: holdings.index(act.target)]
    return [Act(Operation.ERASE, holding) for holding in earlier if holding.certain]


def _confirming(asked: Asked) -> Asked:
    """Read back what was done; the outcome of the act is passed on as the hub passes it."""
    assert asked.act is not None
    act = asked.act

    def before(kit: Kit, bench: Bound) -> Act:
        asked.before(kit, bench)
        return answered(act, perform(kit, bench, act))

    def run(kit: Kit, bench: Bound, done: Act) -> Any:
        return bench.processor.confirm(done, kit.step())

    return Asked(f"confirm {asked.operation}", asked.what, run, before)


def _resumptions(kit: Kit, holdings: Sequence[Holding], firsts: Sequence[Holding]) -> Iterator[Asked]:
    """Going on with whatever an act did not finish by itself."""
    for name in _ACTS:
        for asked in _acts(kit, name, holdings, firsts):
            with Kit.running(kit.service) as trial:
                bench = trial.open()
                unfinished = isinstance(asked.run(trial, bench, asked.before(trial, bench)), Pending | Contained)
            if unfinished:
                yield _resumption(asked)


def _resumption(asked: Asked) -> Asked:
    assert asked.act is not None
    act = asked.act

    def before(kit: Kit, bench: Bound) -> Handle:
        asked.before(kit, bench)
        outcome = perform(kit, bench, act)
        assert isinstance(outcome, Pending | Contained), f"{asked.name} was accepted before and is now {outcome!r}"
        due = outcome.check_after if isinstance(outcome, Pending) else outcome.purge_due
        kit.clock.advance(max(due - kit.clock.now(), timedelta()))
        return outcome.handle

    def run(kit: Kit, bench: Bound, handle: Handle) -> Any:
        return bench.processor.resume(act.target, handle, kit.step())

    return Asked("resume", f"{asked.what}, after {asked.operation}", run, before, act)


def _perform(kit: Kit, bench: Bound, _: Any, *, act: Act) -> Any:
    return perform(kit, bench, act)


def _prepare(kit: Kit, bench: Bound, *, acts: Sequence[Act]) -> None:
    for act in acts:
        perform(kit, bench, act)


def _export(kit: Kit, bench: Bound, _: Any, *, holding: Holding) -> list[tuple[Any, ...]]:
    return [_read(item) for item in bench.processor.export(holding, kit.step())]


def _read(item: Record | File) -> tuple[Any, ...]:
    if isinstance(item, File):
        return item.kind, item.name, b"".join(item.chunks)
    return item.kind, dict(item.data)
