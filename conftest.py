"""How the suite runs: sampled by default, whole with `--exhaustive`, and never with a silent skip.

`make test` runs of every test marked `exhaustive` a seeded sample of its cases, `make test-all` all of them; Hypothesis
has a profile for each. Where `CI` is set, a skipped test fails the run: what was not run was not seen.
"""

from __future__ import annotations

import os
import random
import signal
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE_IN = 12  # cases of an exhaustive test that the sample leaves out, and one that it takes
settings.register_profile("fast", derandomize=True, max_examples=50, deadline=None)
settings.register_profile("exhaustive", max_examples=200, deadline=None, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hub")
    group.addoption("--exhaustive", action="store_true", help="run every case of the tests marked exhaustive")
    group.addoption("--sample-seed", type=int, default=1, help="which sample of the exhaustive tests to run (1)")


def profile(config: pytest.Config) -> str:
    return "exhaustive" if config.getoption("--exhaustive") else "fast"


def pytest_configure(config: pytest.Config) -> None:
    # A suite that a shell runs in the background inherits an ignored Ctrl-C, and would hand it on to what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.load_profile(profile(config))


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("--exhaustive"):
        return "hub: every case; hypothesis profile exhaustive"
    seed = config.getoption("--sample-seed")
    return f"hub: 1 in {ONE_IN} exhaustive cases, --sample-seed={seed}; hypothesis profile fast, derandomised"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--exhaustive") or any("::" in argument for argument in config.args):
        return  # who names a test means it
    tests = defaultdict(list)
    for item in items:
        if item.get_closest_marker("exhaustive"):
            tests[item.nodeid.partition("[")[0]].append(item)
    seed = config.getoption("--sample-seed")
    left_out = set().union(*(unsampled(cases, random.Random(f"{seed} {name}")) for name, cases in tests.items()))
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def unsampled(cases: Sequence[pytest.Item], chance: random.Random) -> set[pytest.Item]:
    """The cases the sample leaves out; of every test it takes at least one."""
    taken = set(chance.sample(range(len(cases)), -(-len(cases) // ONE_IN)))
    return {case for position, case in enumerate(cases) if position not in taken}


def pytest_sessionfinish(session: pytest.Session) -> None:
    if skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := skipped(config):
        terminalreporter.write_line(f"{count} skipped, and CI is set: what was not run was not seen.", red=True)


def skipped(config: pytest.Config) -> int:
    """How many tests or files were skipped where none may be; the reporter exists in the main process alone."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter and os.environ.get("CI") else 0
