"""A vendor, wires to it, and a flight to call in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from hub.processor import Limits
from hub.timepiece import SystemTime
from hub.wire import Recorder, Wire, flight
from tests.unit.wire.vendor import HOST, MakeWire, Vendor, serving


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


@pytest.fixture
def make_wire(vendor: Vendor) -> Iterator[MakeWire]:
    """Makes wires to the vendor; named arguments go to `Limits` where it has them, else to `Wire`."""
    made: list[Wire] = []

    def make(**options: Any) -> Wire:
        limits = {k: options.pop(k) for k in Limits.__dataclass_fields__ if k in options}
        settings = {"instance": "shop", "clock": SystemTime(), "via": vendor.url, "allow_private": True} | options
        wire = Wire(limits=Limits(**({"hosts": (HOST,)} | limits)), **settings)
        made.append(wire)
        return wire

    yield make
    for wire in made:
        wire.close()


@pytest.fixture
def wire(make_wire: MakeWire) -> Wire:
    return make_wire()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A flight around the test."""
    with flight(Recorder(b"k" * 32, lambda: None)) as recorder:
        yield recorder


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]
