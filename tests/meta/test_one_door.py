"""No byte reaches a service but through the door: proved by closing every other way, and by reading the sources."""

from __future__ import annotations

import ast
import http.client
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import urllib3
from mailchimp_marketing.api.ping_api import PingApi
from mailchimp_marketing.api_client import ApiClient

import hub.wire.guard
from hub.processor import Limits
from hub.quality.ways_out import ways_out
from hub.timepiece import SystemTime
from hub.wire import Recorder, Wire, flight
from tests.unit.wire.vendor import Vendor, json, serving

ROOT = Path(__file__).parents[2]
HOST = "us1.api.mailchimp.com"
DOOR = str(hub.wire.guard.__file__)


class OtherWayOut(AssertionError):
    """Something tried to connect past the door."""


def _through_the_door() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == DOOR and frame.f_code.co_name == "connect_tcp":
            return True
        frame = frame.f_back
    return False


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        vendor.answer = lambda _: json('{"health_status": "fine"}')
        yield vendor


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch, vendor: Vendor) -> None:
    """Every way to open a connection raises, unless the door's own backend asks."""

    def closing(original: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not _through_the_door():
                raise OtherWayOut
            return original(*args, **kwargs)

        return guarded

    def never(*_: Any, **__: Any) -> Any:
        raise OtherWayOut

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, closing(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "create_connection", closing(socket.create_connection))
    for owner in (http.client.HTTPConnection, urllib3.connection.HTTPConnection, urllib3.connection.HTTPSConnection):
        for name in ("connect", "request", "putrequest", "send"):
            monkeypatch.setattr(owner, name, never)


@pytest.fixture
def wire(vendor: Vendor) -> Iterator[Wire]:
    limits = Limits((HOST,))
    with Wire(instance="news", limits=limits, clock=SystemTime(), via=vendor.url, allow_private=True) as wire:
        yield wire


class Client(ApiClient):  # type: ignore[misc]
    """Mailchimp's SDK on a bridge, as a connector sets it up: `request` is the SDK's only way out."""

    def __init__(self, wire: Wire) -> None:
        super().__init__({"api_key": "key-us1", "server": ""})
        self.host = f"https://{HOST}/3.0"
        self._session = wire.requests_session(lambda _, path: path)

    def request(self, method: str, url: str, query_params: Any = None, headers: Any = None, body: Any = None) -> Any:
        auth = ("user", self.api_key)
        return self._session.request(method, url, params=query_params, headers=headers, auth=auth, json=body)


def _call(wire: Wire) -> Any:
    return wire.call("GET", f"https://{HOST}/3.0/ping").json


def _stream(wire: Wire) -> Any:
    return b"".join(wire.stream(f"https://{HOST}/3.0/ping", hosts=[HOST], max_bytes=100))


def _send(wire: Wire) -> Any:
    return wire.send(httpx.Request("GET", f"https://{HOST}/3.0/ping"), template="/3.0/ping").json()


def _requests(wire: Wire) -> Any:
    return wire.requests_session(lambda _, path: path).get(f"https://{HOST}/3.0/ping").json()


def _urllib3(wire: Wire) -> Any:
    return wire.urllib3_pool(lambda _, path: path).request("GET", f"https://{HOST}/3.0/ping").json()


def _mailchimp(wire: Wire) -> Any:
    return PingApi(Client(wire)).get()


@pytest.mark.parametrize("way", [_call, _stream, _send, _requests, _urllib3, _mailchimp])
def test_with_every_other_way_closed_the_door_still_carries_everything(
    closed: None, wire: Wire, vendor: Vendor, way: Callable[[Wire], Any]
) -> None:
    with flight(Recorder(None, lambda: None)) as recorder:
        answer = way(wire)
    assert answer in ({"health_status": "fine"}, b'{"health_status": "fine"}')
    assert [exchange.url_template for exchange in recorder.exchanges] == ["/{file}" if way is _stream else "/3.0/ping"]
    assert len(vendor.seen) == 1


def _plain_socket(url: str) -> None:
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", int(url.rpartition(":")[2])))


def _sdk_without_a_bridge(url: str) -> None:
    client = ApiClient({"server": ""})
    client.host = url
    client.request("GET", f"{url}/3.0/ping", headers={})


OTHER_WAYS: dict[str, Callable[[str], object]] = {
    "socket": _plain_socket,
    "http.client": lambda url: http.client.HTTPConnection(url.removeprefix("http://")).request("GET", "/"),
    "urllib": urllib.request.urlopen,
    "requests": requests.get,
    "urllib3": lambda url: urllib3.PoolManager(retries=False).request("GET", url),
    "httpx": httpx.get,
    "the SDK": _sdk_without_a_bridge,
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_the_other_ways_are_really_closed(closed: None, vendor: Vendor, way: str) -> None:
    with pytest.raises(OtherWayOut):
        OTHER_WAYS[way](vendor.url)
    assert vendor.connections == 0


def test_the_door_itself_lets_nothing_out_unrecorded(closed: None, wire: Wire, vendor: Vendor) -> None:
    for way in (_call, _stream, _send, _requests, _urllib3):
        with pytest.raises(Exception, match="outside a recorded step"):
            way(wire)
    assert vendor.connections == 0


def _ways_out(source: str) -> list[str]:
    """What of a module's source could open a connection."""
    return [name for _, name in ways_out(ast.parse(source))]


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "import http.client",
        "from http import client",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import requests\nrequests.get('x')",
        "from requests import Session",
        "import requests as r\nr.Session()",
        "from requests.adapters import HTTPAdapter",
        "import httpx\nclient = httpx.Client()",
        "import httpcore",
        "import urllib3\nurllib3.PoolManager()",
        "import subprocess",
    ],
)
def test_the_reader_of_sources_sees_ways_out(source: str) -> None:
    assert _ways_out(source)


def _sources() -> list[Path]:
    """Every module of the product but the door, the test kit and the stand-ins."""
    modules = [*ROOT.glob("hub/**/*.py"), *ROOT.glob("connectors/**/*.py")]
    spared = {"testing", "tests", "wire"}
    return [m for m in modules if not spared & set(m.relative_to(ROOT).parts) and m.name != "sandbox.py"]


# A connector that loads modules by name hides what they are. The hub loads its own, and asks what is loaded.
BY_NAME = {
    "hub/__init__.py": ["importlib.import_module"],
    "hub/cli/program.py": ["importlib.import_module"],
    "hub/development/reticence.py": ["sys.modules"],
    "hub/fingerprint.py": ["sys.modules"],
    "hub/store/kek.py": ["importlib.import_module"],
}


def test_no_module_but_the_door_opens_a_connection() -> None:
    found = {
        str(path.relative_to(ROOT)): ways for path in _sources() if (ways := sorted(set(_ways_out(path.read_text()))))
    }
    assert found == BY_NAME
    assert len(_sources()) > 20
