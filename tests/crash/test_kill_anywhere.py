"""kill -9 at every COMMIT, every call and every sync: the request settles, nothing is lost, nothing is done twice.

A dry run counts the points that a request passes; then one process is killed at each of them and another takes over.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.crash.stage import ASKED, Stage, check_death, check_end

POINTS = {"erasure": 146, "access": 242, "access_erasure": 133, "rectification": 44, "objection": 100}
"""At least as many as there are; `test_every_point_is_among_those_tried` says when these are too few or far more."""
EVERY = [(right, strike) for right, most in POINTS.items() for strike in range(1, most + 1)]


@pytest.mark.parametrize("right", ASKED)
def test_every_point_is_among_those_tried(staged: Callable[[str], Stage], right: str) -> None:
    stage = staged(right)
    stage.case.finish()
    passed = len(stage.case.points())
    assert passed <= POINTS[right] <= passed + passed // 4, f"{right} passes {passed} points: say so in POINTS"
    check_end(stage)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("right", "strike"), EVERY)
def test_killed_at_any_point_it_settles(staged: Callable[[str], Stage], right: str, strike: int) -> None:
    stage = staged(right)
    lost = killed(stage, strike=strike)
    stage.case.finish()
    check_end(stage, lost)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(60))
def test_killed_again_while_it_recovers_it_settles(staged: Callable[[str], Stage], seed: int) -> None:
    chance = random.Random(seed)
    stage = staged(chance.choice(list(ASKED)))
    most = POINTS[stage.right]
    first = chance.randint(1, most)
    killed(stage, strike=first)
    lost = killed(stage, strike=chance.randint(1, most - first + 12))
    stage.case.finish()
    check_end(stage, lost)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(36))
def test_killed_at_any_time_with_all_its_threads_it_settles(staged: Callable[[str], Stage], seed: int) -> None:
    stage = staged(list(ASKED)[seed % len(ASKED)])
    pid = stage.case.start(ticking=True, engine=True)
    time.sleep(random.Random(seed).uniform(0.05, 0.6))
    os.kill(pid, signal.SIGKILL)  # even if it has ended by itself: before `wait` nobody else gets its id
    lost = check_death(stage, stage.case.nursery.wait(pid))
    stage.case.finish(ticking=True, engine=True)
    check_end(stage, lost)


def killed(stage: Stage, *, strike: int) -> int:
    """Kill a process at that point, unless it is over before; returns how many answers have been lost until then."""
    return check_death(stage, stage.case.run(strike=strike))
