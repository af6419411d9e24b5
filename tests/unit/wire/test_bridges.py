"""Vendors' SDKs through the door: used as simple-salesforce uses requests, and hubspot-api-client urllib3."""

from __future__ import annotations

import io
import json as jsonlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import (
    AuthError,
    ConfigError,
    ConnectorBug,
    ConnectorError,
    ContractError,
    OutcomeUnknown,
    RateLimited,
    TransientError,
)
from hub.wire import Recorder, Wire, flight
from tests.unit.wire.vendor import HOST, MakeWire, Seen, Vendor, http, json

BASE = f"https://{HOST}"
CANARY = "canary.jane@example.org"


def template_of(method: str, path: str) -> str:
    return "/services/data/{rest}" if path.startswith("/services/data/") else "/"


Send = Callable[..., tuple[int, bytes]]


def by_requests(wire: Wire, **options: Any) -> Send:
    session = wire.requests_session(template_of, **options)

    def send(method: str, url: str, **options: Any) -> tuple[int, bytes]:
        answer = session.request(method, url, timeout=None, **options)  # simple-salesforce sets no time-out
        return answer.status_code, answer.content

    return send


def by_urllib3(wire: Wire, **options: Any) -> Send:
    pool = wire.urllib3_pool(template_of, **options)

    def send(method: str, url: str, **options: Any) -> tuple[int, bytes]:
        answer = pool.request(method, url, preload_content=False, retries=urllib3.Retry(3), **options)
        return answer.status, answer.data

    return send


BRIDGES = [by_requests, by_urllib3]


@pytest.fixture(params=BRIDGES)
def bridge(request: pytest.FixtureRequest) -> Callable[..., Send]:
    return request.param


@pytest.fixture
def send(bridge: Callable[..., Send], wire: Wire) -> Send:
    return bridge(wire)


def test_twenty_calls_use_one_connection_and_are_recorded(send: Send, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json('{"done": true}')
    url = f"{BASE}/services/data/v62.0/query/?q=SELECT+Id+FROM+Contact+WHERE+Email='{CANARY}'"
    for _ in range(20):
        assert send("GET", url) == (200, b'{"done": true}')
    assert vendor.connections == 1
    assert len(recorder.exchanges) == 20
    assert {e.url_template for e in recorder.exchanges} == {"/services/data/{rest}"}
    assert CANARY not in jsonlib.dumps([e.as_evidence() for e in recorder.exchanges])


def test_bodies_and_headers_go_as_the_sdk_made_them(send: Send, vendor: Vendor, recorder: Recorder) -> None:
    send("POST", f"{BASE}/x", json={"a": "b"}, headers={"Authorization": "Bearer t"})
    assert jsonlib.loads(vendor.seen[0].body) == {"a": "b"}
    assert vendor.seen[0].headers["Authorization"] == "Bearer t"
    assert vendor.seen[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("body", [b"bytes", "text", io.BytesIO(b"file"), bytearray(b"array"), [b"pie", b"ces"]])
def test_every_kind_of_body_arrives(wire: Wire, vendor: Vendor, recorder: Recorder, body: Any) -> None:
    wire.urllib3_pool(template_of).urlopen("POST", f"{BASE}/x", body=body)
    assert vendor.seen[0].body in {b"bytes", b"text", b"file", b"array", b"pieces"}


def test_forms_and_files_are_encoded_by_the_sdks_own_library(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    wire.urllib3_pool(template_of).request("POST", f"{BASE}/x", fields={"a": "b c"}, encode_multipart=False)
    wire.urllib3_pool(template_of).request("GET", f"{BASE}/x", fields={"a": "b c"})
    wire.requests_session(template_of).post(f"{BASE}/x", files={"f": b"content"})
    assert vendor.seen[0].body == b"a=b+c"
    assert vendor.seen[1].target == "/x?a=b+c"
    assert b"content" in vendor.seen[2].body


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40))
def test_a_prepared_query_stays_as_it_is_byte_for_byte(
    send: Send, vendor: Vendor, recorder: Recorder, query: str
) -> None:
    prepared = requests.Request("GET", f"{BASE}/services/data/x?{query}").prepare()
    assert prepared.url is not None
    vendor.seen.clear()
    send("GET", prepared.url)
    assert vendor.seen[0].target == prepared.url.removeprefix(BASE)


EMPTY: dict[int, type[ConnectorError]] = {
    302: ContractError,
    401: AuthError,
    403: RateLimited,
    404: ContractError,
    429: RateLimited,
    500: TransientError,
}


@pytest.mark.parametrize("status", EMPTY)
def test_an_empty_answer_raises_through_the_sdk_at_once(
    send: Send, vendor: Vendor, recorder: Recorder, status: int
) -> None:
    vendor.answer = lambda _: http(status, Retry_After="30", Location=f"{BASE}/elsewhere")
    began = time.monotonic()
    with pytest.raises(ConnectorError) as caught:
        send("GET", f"{BASE}/x")
    assert isinstance(caught.value, EMPTY[status])
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after is not None
        assert caught.value.retry_after.total_seconds() == 30
    assert time.monotonic() - began < 2  # nobody slept
    assert len(vendor.seen) == 1  # nobody tried again, nobody followed


@pytest.mark.parametrize(("method", "error"), [("GET", TransientError), ("POST", OutcomeUnknown)])
def test_time_outs_are_the_doors(
    bridge: Callable[..., Send],
    make_wire: MakeWire,
    vendor: Vendor,
    recorder: Recorder,
    method: str,
    error: type[ConnectorError],
) -> None:
    vendor.answer = lambda _: [0.5]
    with pytest.raises(error):
        bridge(make_wire(answer=0.1))(method, f"{BASE}/x")
    vendor.saw(1)


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("POST", "/contacts/search", TransientError),  # declared a reading, so nothing can have been changed
        ("POST", "/contacts", OutcomeUnknown),
        ("PATCH", "/contacts/search", OutcomeUnknown),
        ("GET", "/contacts", TransientError),  # a reading by its method, whatever was declared
    ],
)
def test_a_search_made_by_post_can_be_declared_a_reading(
    bridge: Callable[..., Send],
    wire: Wire,
    vendor: Vendor,
    recorder: Recorder,
    method: str,
    path: str,
    error: type[ConnectorError],
) -> None:
    vendor.answer = lambda _: http(502)
    send = bridge(wire, reads=lambda method, path: method == "POST" and path.endswith("/search"))
    with pytest.raises(error):
        send(method, f"{BASE}{path}?after=20")


def test_a_status_the_connector_wants_to_see_reaches_the_sdk(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json('[{"errorCode": "ENTITY_IS_DELETED"}]', 404)
    session = wire.requests_session(template_of, expect={200, 404})
    answer = session.get(f"{BASE}/x")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert answer.headers["content-type"] == "application/json"
    assert not answer.ok
    vendor.answer = lambda _: http(302, Location=f"{BASE}/elsewhere")
    assert wire.requests_session(template_of, expect={302}).post(f"{BASE}/x").status_code == 302
    assert len(vendor.seen) == 2


def test_other_hosts_and_plain_http_are_refused(send: Send, vendor: Vendor, recorder: Recorder) -> None:
    with pytest.raises(ConfigError):
        send("GET", "https://evil.example/")
    with pytest.raises((ConfigError, requests.exceptions.InvalidSchema)):
        send("GET", f"http://{HOST}/")
    assert vendor.connections == 0


def test_cookies_and_netrc_stay_out(
    send: Send, vendor: Vendor, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {HOST} login eve password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    vendor.answer = lambda _: http(200, Set_Cookie="tenant=one; Path=/")
    for _ in range(2):
        send("GET", f"{BASE}/x", headers={"Authorization": "Bearer t"})
    assert "Cookie" not in vendor.seen[1].headers
    assert vendor.seen[1].headers["Authorization"] == "Bearer t"


def test_eight_threads_keep_to_the_cap(bridge: Callable[..., Send], make_wire: MakeWire, vendor: Vendor) -> None:
    def slow(_: Seen) -> bytes:
        time.sleep(0.02)
        return json("{}")

    vendor.answer = slow
    send = bridge(make_wire(concurrency=2))

    def call(_: int) -> int:
        with flight(Recorder(None, lambda: None)):
            return send("GET", f"{BASE}/x")[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(24))) == [200] * 24
    assert vendor.busiest == 2
    assert vendor.connections == 2


def test_an_answer_streams_and_reads_as_the_libraries_promise(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json('{"a": "ü"}')
    session = wire.requests_session(template_of)
    with session.get(f"{BASE}/x", stream=True) as answer:
        assert b"".join(answer.iter_content(3)) == '{"a": "ü"}'.encode()
    assert session.get(f"{BASE}/x").json() == {"a": "ü"}
    raw = wire.urllib3_pool(template_of).request("GET", f"{BASE}/x", preload_content=False)
    assert isinstance(raw, urllib3.HTTPResponse)
    assert (raw.read(3), raw.headers["Content-Type"], raw.reason) == (b'{"a', "application/json", "OK")
    assert wire.urllib3_pool(template_of).request("GET", f"{BASE}/x").json() == {"a": "ü"}


def test_a_pool_opens_no_connection_of_its_own(wire: Wire, recorder: Recorder) -> None:
    pool = wire.urllib3_pool(template_of)
    for way in (pool.connection_from_url, pool.connection_from_host):
        with pytest.raises(ConnectorBug, match="connection of its own"):
            way(BASE)
