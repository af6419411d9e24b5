from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hub.testing.cassettes import Cassettes
from tests.unit.cassettes.depot import Local
from tests.unit.wire.vendor import Vendor, serving


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


@pytest.fixture
def local(vendor: Vendor) -> Local:
    return Local(vendor)


@pytest.fixture
def recorder(tmp_path: Path, local: Local) -> Cassettes:
    return Cassettes(tmp_path, local)


@pytest.fixture
def player(tmp_path: Path) -> Cassettes:
    return Cassettes(tmp_path)


class Network(Exception):
    """Somebody tried to open a connection."""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Call it to close every way out of this process: `offline()`."""

    def never(*_: Any, **__: Any) -> NoReturn:
        raise Network

    class Switch:
        def __call__(self) -> None:
            for name in ("connect", "connect_ex", "sendto", "send", "sendall"):
                monkeypatch.setattr(socket.socket, name, never)
            for name in ("create_connection", "getaddrinfo"):
                monkeypatch.setattr(socket, name, never)

    return Switch()  # type: ignore[return-value]
