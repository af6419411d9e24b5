"""Rules: whatever goes wrong with whatever call, it is called what it is, and nothing is claimed that is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from hub.testing.conformance.cases import CASES, WORST, Case, tells_apart
from hub.testing.conformance.judging import Struck
from hub.testing.conformance.kit import Bound, Kit
from hub.testing.conformance.operations import OPERATIONS
from hub.testing.conformance.recording import GoodRun, GoodRuns, Recorded, confirm
from hub.testing.conformance.service import Service
from hub.testing.conformance.watching import guarded
from hub.testing.faults import Fault, Status

STRIKES = 8  # of one fault in one operation: of a longer one's calls each fault strikes some, and all are struck
FEW = 2
_TOLD = 5  # complaints shown at once
_AT_ONCE = 16  # strikes that only wait
_SHORT = {"connect": 0.5, "read": 0.08, "answer": 0.15}  # seconds, for what never ends
_LONGER = {"connect": 2.0, "read": 0.8, "answer": 1.5}  # the same, on a machine too busy for that


class FaultRules(Recorded):
    """Inherited through `Conformance`."""

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_the_worst_that_can_happen_is_never_taken_for_an_answer(self, good_runs: GoodRuns, operation: str) -> None:
        """A bare 404, a proxy's 200, an answer lost: at a few calls of every operation."""
        with guarded():
            report(complaint for case in WORST for complaint in struck(good_runs, operation, case, FEW))

    @pytest.mark.exhaustive
    @pytest.mark.parametrize("case", CASES)
    def test_every_fault_at_every_call_is_called_what_it_is(self, good_runs: GoodRuns, case: str) -> None:
        """One fault at every call of every operation: the right class, nothing untrue, no word about anybody."""
        with guarded():
            report(complaint for name in OPERATIONS for complaint in struck(good_runs, name, CASES[case], STRIKES))


def struck(good_runs: GoodRuns, operation: str, case: Case, most: int) -> Iterator[str]:
    """What is wrong with a connector that meets that fault at the calls of an operation, at about so many of them."""
    what, turn = case.of(good_runs.service), list(CASES).index(case.name)
    own = good_runs.own_words(what.code) if isinstance(what, Status) else []
    strikes: list[Callable[[], list[str]]] = [
        partial(strike, good_runs.service, run, nth, case)
        for run in good_runs.of(operation)
        for nth in chosen(run, most, turn)
        if tells_apart(what, run.calls[nth - 1], own)
    ]
    if case.slow:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            futures = [pool.submit(each) for each in strikes]
            complaints = [future.result() for future in futures]
    else:
        complaints = [each() for each in strikes]
    for those in complaints:
        yield from those


def chosen(run: GoodRun, most: int, turn: int) -> list[int]:
    """Which calls are struck, from 1: the first, the last, those that act, and of the others some, in turn."""
    count = len(run.calls)
    if count <= most:
        return list(range(1, count + 1))
    always = {1, count} | {number for number, call in enumerate(run.calls, start=1) if call.changed}
    stride = -(-count // most)
    return sorted(always | set(range(1 + turn % stride, count + 1, stride)))


def strike(service: Service, run: GoodRun, nth: int, case: Case) -> list[str]:
    """Let that go wrong with the nth call of a run, on fresh state; every complaint says where it was."""
    call = run.calls[nth - 1]
    where = f"{run.asked.name}, call {nth} of {len(run.calls)} ({call}), {case.name}"
    for limits in (_SHORT, _LONGER) if case.slow else ({},):
        with Kit.running(service) as kit:
            steady = kit.open()
            if run.asked.act is not None:  # as in the good run: whoever has to log in has done so before
                confirm(kit, steady, run.asked.act)
            it = Struck(kit, run, call, case.of(service), run.asked.before(kit, steady))
            bench = kit.open(limits=limits)
            before = len(kit.sandbox.calls)
            kit.sandbox.faults.add(Fault("*", it.what, nth))
            complaints = list(_met(it, bench))
            met = len(kit.sandbox.calls) - before >= nth
            kit.sandbox.faults.clear()
            if met and (run.asked.act is not None or nth == 1):  # a reading that is repeated once is repeated always
                complaints += it.afterwards(steady)
            if met:
                return [f"{where}: {complaint}" for complaint in complaints]
    return [f"{where}: that call was not made this time.\n→ Let what is called not depend on chance or on state."]


def report(complaints: Iterable[str]) -> None:
    """Fail with the first few of the complaints, if there are any."""
    every = list(complaints)
    if every:
        more = [f"… and {len(every) - _TOLD} more."] if len(every) > _TOLD else []
        pytest.fail("\n\n".join([*every[:_TOLD], *more]), pytrace=False)


def _met(it: Struck, bench: Bound) -> Iterator[str]:
    try:
        answer = it.run.asked.run(it.kit, bench, it.prepared)
    except Exception as error:  # noqa: BLE001  # whatever is raised is what is judged
        return it.error(bench, error)
    return it.answer(bench, answer)
