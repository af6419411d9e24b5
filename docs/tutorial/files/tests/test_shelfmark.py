"""Shelfmark against the conformance suite; what it alone does is tested below."""

from __future__ import annotations

import pytest

# --8<-- [start:conformance]
from hub_connector_shelfmark.processor import Shelfmark
from hub_connector_shelfmark.sandbox import ShelfmarkSandbox

from hub.testing.conformance import Conformance, Service


class TestShelfmark(Conformance):
    """Every rule that holds for every connector."""

    @pytest.fixture
    def service(self) -> Service:
        """What the rules are tried on."""
        return Service(Shelfmark, ShelfmarkSandbox)


# --8<-- [end:conformance]
