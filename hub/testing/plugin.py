"""The pytest plugin (`pytest11`): fixtures and a marker that connectors' tests share, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hub.testing.town import Town
    from hub.timepiece import ManualTime

pytest.register_assert_rewrite("hub.testing.conformance")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that the conformance suite uses, for projects that know nothing of it."""
    config.addinivalue_line("markers", "exhaustive: every case of a rule that has hundreds")


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
