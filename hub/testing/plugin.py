"""The pytest plugin (`pytest11`): what connectors' tests share, and a watch over rules that were not run."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hub.testing.cassettes import Cassettes, Source
    from hub.testing.town import Town
    from hub.timepiece import ManualTime

pytest.register_assert_rewrite("hub.testing.conformance")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `hub.testing.cassettes` is steered by."""
    group = parser.getgroup("hub")
    group.addoption("--record", action="store_true", help="record cassettes anew, at the account the environment names")
    group.addoption("--record-instance", metavar="NAME", help="that account's instance (the connector's name)")
    group.addoption("--record-subject", metavar="FILE", type=Path, help="a person of that account, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that the conformance suite uses, for projects that know nothing of it."""
    config.addinivalue_line("markers", "exhaustive: every case of a rule that has hundreds")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a rule of the conformance suite that was set aside without its reason: what was not run was not seen."""
    report = yield
    if report.skipped and "hub.testing.conformance" in sys.modules:
        from hub.testing.conformance.overriding import silenced  # noqa: PLC0415  # as below

        suite, name = getattr(item, "cls", None), getattr(item, "originalname", item.name)
        if told := silenced(suite, name, xfailed=hasattr(report, "wasxfail")):
            report.outcome, report.longrepr = "failed", told
            vars(report).pop("wasxfail", None)
    return report


@pytest.fixture
def clock() -> ManualTime:
    """A clock that stands at 2026-03-02 09:00 UTC until a test, or somebody sleeping on it, moves it on."""
    from hub.timepiece import ManualTime  # noqa: PLC0415  # the plugin loads in every pytest run of every project

    return ManualTime()


@pytest.fixture(scope="session")
def town() -> Town:
    """The people every sandbox is seeded from."""
    from hub.testing.town import TOWN  # noqa: PLC0415  # the plugin loads in every pytest run of every project

    return TOWN


@pytest.fixture
def record_from(pytestconfig: pytest.Config) -> Source:
    """Where `--record` records: the account that the environment names. Override it to record from a sandbox."""
    from hub.testing.cassettes import FromService  # noqa: PLC0415  # the plugin loads in every pytest run

    return FromService(pytestconfig.getoption("--record-subject"), pytestconfig.getoption("--record-instance"))


@pytest.fixture
def cassette(request: pytest.FixtureRequest, record_from: Source) -> Cassettes:
    """The cassettes in the folder `cassettes` beside the test: replayed, or with `--record` recorded."""
    from hub.testing.cassettes import Cassettes  # noqa: PLC0415  # the plugin loads in every pytest run

    recording = request.config.getoption("--record")
    return Cassettes(request.path.parent / "cassettes", record_from if recording else None)
