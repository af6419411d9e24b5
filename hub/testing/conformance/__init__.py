"""The conformance suite: the rules that hold for every connector, inherited with one class and one fixture.

    class TestPebble(Conformance):
        @pytest.fixture
        def service(self) -> Service:
            return Service(Pebble, PebbleSandbox)

Nothing else is needed: pytest finds the suite through the distribution's plugin. A rule may be overridden only by a
method of its name marked `@pytest.mark.xfail(reason=…, strict=True)`; the reason is printed in the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.testing.conformance.checking import CheckRules
from hub.testing.conformance.confirming import ConfirmRules
from hub.testing.conformance.correcting import RectifyRules
from hub.testing.conformance.door import DoorRules
from hub.testing.conformance.erasing import EraseRules
from hub.testing.conformance.exporting import ExportRules
from hub.testing.conformance.faults import FaultRules
from hub.testing.conformance.finding import FindRules
from hub.testing.conformance.kit import Kit
from hub.testing.conformance.matching import MatchRules
from hub.testing.conformance.overriding import OverridingRules, exceptions
from hub.testing.conformance.scopes import ScopeRules
from hub.testing.conformance.searching import SearchRules
from hub.testing.conformance.service import Service
from hub.testing.conformance.settings import SettingsRules
from hub.testing.conformance.sharing import SharingRules
from hub.testing.conformance.stopping import SuppressRules
from hub.testing.conformance.unsupported import UnsupportedRules
from hub.testing.conformance.whole import WholeRules

__all__ = ["Conformance", "Kit", "Service", "exceptions"]


class Conformance(
    SettingsRules,
    CheckRules,
    FindRules,
    SearchRules,
    MatchRules,
    ExportRules,
    RectifyRules,
    SuppressRules,
    ScopeRules,
    EraseRules,
    ConfirmRules,
    UnsupportedRules,
    FaultRules,
    DoorRules,
    SharingRules,
    WholeRules,
    OverridingRules,
):
    """Inherit it and provide the fixture `service`."""

    @pytest.fixture
    def service(self) -> Service:
        """The connector and its stand-in; the one thing an author writes."""
        raise NotImplementedError("Override the fixture `service`: return Service(YourProcessor, YourSandbox)")

    @pytest.fixture
    def kit(self, service: Service) -> Iterator[Kit]:
        """The stand-in at work."""
        with Kit.running(service) as running:
            yield running
