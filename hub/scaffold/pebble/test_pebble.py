"""Pebble against the conformance suite; what it alone does is tested below."""

from __future__ import annotations

import pytest

from hub.scaffold.pebble.processor import Pebble
from hub.scaffold.pebble.sandbox import PebbleSandbox
from hub.testing.conformance import Conformance, Service


class TestPebble(Conformance):
    """Every rule that holds for every connector."""

    @pytest.fixture
    def service(self) -> Service:
        """What the rules are tried on."""
        return Service(Pebble, PebbleSandbox, stops=("newsletter",))
