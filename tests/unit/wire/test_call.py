"""What a connector relies on when it calls: the right route, the whole answer, or an error that says what is known."""

from __future__ import annotations

import gzip
import json as jsonlib
import logging
import traceback
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from hub.errors import ConfigError, ConnectorBug, ContractError, HubError, OutcomeUnknown, TransientError
from hub.wire import Recorder, Wire
from tests.unit.wire.vendor import HOST, MakeWire, Raw, Seen, Vendor, http, json

MEMBER = f"https://{HOST}/3.0/lists/{{list_id}}/members/{{member}}"
ITEM = f"https://{HOST}/items/{{item}}"
CANARY = "canary.jane+x@example.org"


class Member(BaseModel):
    email: str
    age: int


def test_an_answer_comes_back_whole(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json('{"email": "a@example.org", "age": 3}')

    reply = wire.call("GET", MEMBER, path={"list_id": "1", "member": "2"}, query={"count": 10, "q": "a b&c"})

    assert (reply.status, reply.json) == (200, {"email": "a@example.org", "age": 3})
    assert reply.headers["content-type"] == "application/json"
    assert vendor.seen[0].target == "/3.0/lists/1/members/2?count=10&q=a+b%26c"
    assert vendor.seen[0].headers["Host"] == HOST


def test_a_model_types_the_answer(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json('\ufeff[{"email": "a@example.org", "age": 3}]')

    reply = wire.call("GET", ITEM, path={"item": "1"}, model=list[Member])

    assert reply.value == [Member(email="a@example.org", age=3)]


class NoSuchMember(BaseModel):
    error: Literal["no_such_member"]


EACH = {200: Member, 204: None, 404: NoSuchMember}


@pytest.mark.parametrize(
    ("status", "body", "value"),
    [
        (200, b'{"email": "a@example.org", "age": 3}', Member(email="a@example.org", age=3)),
        (204, b"", None),
        (404, b'{"error": "no_such_member"}', NoSuchMember(error="no_such_member")),
    ],
)
def test_each_status_has_the_shape_it_is_documented_with(
    wire: Wire, vendor: Vendor, recorder: Recorder, status: int, body: bytes, value: BaseModel | None
) -> None:
    vendor.answer = lambda _: http(status, body, Content_Type="application/json")
    reply = wire.call("DELETE", ITEM, path={"item": "1"}, expect=EACH)
    assert (reply.status, reply.value) == (status, value)


@pytest.mark.parametrize("body", [b"", b"<html>no such page</html>", b'{"message": "no Route matched"}', b"{}"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_status_in_a_proxys_words_is_not_the_services(
    wire: Wire, vendor: Vendor, recorder: Recorder, method: str, body: bytes
) -> None:
    vendor.answer = lambda _: http(404, body, Content_Type="text/html")
    with pytest.raises(ContractError if method == "GET" else OutcomeUnknown):
        wire.call(method, ITEM, path={"item": "1"}, expect=EACH)


def test_bodies_are_sent_as_asked(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    wire.call("POST", ITEM, path={"item": "1"}, json={"a": "ü"})
    wire.call("POST", ITEM, path={"item": "1"}, form={"a": "b c"})
    wire.call("PUT", ITEM, path={"item": "1"}, content=b"<x/>", headers={"Content-Type": "text/xml"})

    assert [jsonlib.loads(vendor.seen[0].body), *[seen.body for seen in vendor.seen[1:]]] == [
        {"a": "ü"},
        b"a=b+c",
        b"<x/>",
    ]
    assert vendor.seen[2].headers["Content-Type"] == "text/xml"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.text(min_size=1, max_size=60))
@example("../../lists/2/members/3")
@example("%2e%2e%2fother")
@example("a/b?c=d#e;f")
@example("x\x00\r\nHost: evil.example")
def test_no_value_reaches_another_route(wire: Wire, vendor: Vendor, recorder: Recorder, value: str) -> None:
    vendor.seen.clear()
    try:
        wire.call("GET", MEMBER, path={"list_id": value, "member": "2"})
    except ContractError:
        assert value in {".", ".."}
        assert not vendor.seen
        return
    parts = vendor.seen[0].target.split("/")
    assert [*map(unquote, parts)] == ["", "3.0", "lists", value, "members", "2"]
    assert vendor.seen[0].headers["Host"] == HOST


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800"])
def test_a_value_that_would_change_the_route_is_refused(
    wire: Wire, vendor: Vendor, recorder: Recorder, value: str
) -> None:
    with pytest.raises(ContractError, match="cannot stand"):
        wire.call("DELETE", MEMBER, path={"list_id": "1", "member": value})
    assert not vendor.seen


@pytest.mark.parametrize(
    "dc", ["evil.example/", "evil.example#", "evil.example?", "user@evil.example", "us1.api.mailchimp.com@x", "", "ü"]
)
def test_a_parameter_cannot_bring_another_host(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, dc: str
) -> None:
    wire = make_wire(hosts=("*.api.mailchimp.com",))
    with pytest.raises((ConfigError, ContractError)):
        wire.call("GET", "https://{dc}.api.mailchimp.com/3.0/ping", path={"dc": dc})
    assert not vendor.seen


def test_a_wildcard_stands_for_one_label(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    wire = make_wire(hosts=("*.api.mailchimp.com",))
    wire.call("GET", "https://{dc}.api.mailchimp.com/3.0/ping", path={"dc": "us21"})
    assert vendor.seen[0].headers["Host"] == "us21.api.mailchimp.com"
    for host in ("a.b.api.mailchimp.com", "api.mailchimp.com", "us21.api.mailchimp.com.evil.example", "evil.example"):
        with pytest.raises(ConfigError):
            wire.call("GET", f"https://{host}/")
    assert len(vendor.seen) == 1


@pytest.mark.parametrize("url", [f"http://{HOST}/", f"https://{HOST}/?q=1", f"https://{HOST}/{{gone}}", "/lists"])
def test_a_template_is_absolute_https_with_its_parameters(wire: Wire, recorder: Recorder, url: str) -> None:
    with pytest.raises(ConnectorBug):
        wire.call("GET", url)


def test_another_port_must_be_listed(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    wire = make_wire(hosts=("erp.example.com:8443", "erp.example.com"))
    wire.call("GET", "https://erp.example.com:8443/")
    wire.call("GET", "https://erp.example.com/")
    with pytest.raises(ConfigError):
        wire.call("GET", "https://erp.example.com:22/")
    assert [seen.headers["Host"] for seen in vendor.seen] == ["erp.example.com:8443", "erp.example.com"]


def _pieces(*pieces: bytes | float) -> Raw:
    return pieces


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PACKED = gzip.compress(b'{"a": 1}' * 50)
BROKEN = {
    "dropped": _pieces(),
    "half a head": _pieces(HEAD),
    "half a body": _pieces(HEAD + b"Content-Length: 99\r\n\r\n{"),
    "not HTTP": _pieces(b"SSH-2.0-OpenSSH\r\n"),
    "corrupt gzip": http(200, b"\x1f\x8b\x08\x00" + b"x" * 40, Content_Encoding="gzip"),
    "silence": _pieces(0.4),
    "trickling body": _pieces(HEAD + b"Content-Length: 99\r\n\r\n", *[b" ", 0.03] * 30),
    "trickling head": _pieces(*[b"H", 0.03] * 30),
}
SLOW = {"silence", "trickling body", "trickling head"}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_breaks_off_is_unknown_after_an_act_and_passing_after_a_reading(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, case: str, method: str
) -> None:
    vendor.answer = lambda _: BROKEN[case]
    wire = make_wire(read=0.2, answer=0.3) if case in SLOW else make_wire()
    with pytest.raises(TransientError if method == "GET" else OutcomeUnknown) as caught:
        wire.call(method, ITEM, path={"item": CANARY})

    vendor.saw(1)  # nobody tried again by themselves
    assert recorder.exchanges[0].response_hmac is None
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    if isinstance(caught.value, OutcomeUnknown):
        assert caught.value.repeatable == (method == "DELETE")


def test_a_search_by_post_is_a_reading_and_a_patch_may_be_repeatable(
    wire: Wire, vendor: Vendor, recorder: Recorder
) -> None:
    vendor.answer = lambda _: _pieces()
    with pytest.raises(TransientError):
        wire.call("POST", ITEM, path={"item": "1"}, reads=True)
    with pytest.raises(OutcomeUnknown) as caught:
        wire.call("PATCH", ITEM, path={"item": "1"}, idempotent=True)
    assert caught.value.repeatable


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_sent_is_never_unknown(make_wire: MakeWire, recorder: Recorder, dead_port: int, method: str) -> None:
    wire = make_wire(via=f"http://127.0.0.1:{dead_port}")
    with pytest.raises(TransientError, match="nothing was sent"):
        wire.call(method, ITEM, path={"item": "1"})
    assert recorder.exchanges[0].status is None


@pytest.mark.parametrize(
    "body", ["", "{", "<html>busy</html>", '{"age": NaN}', "[" * 100_000, '{"email": "canary@x.org", "age": "old"}']
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_garbage_is_a_broken_contract_after_a_reading_and_unknown_after_an_act(
    wire: Wire, vendor: Vendor, recorder: Recorder, body: str, method: str
) -> None:
    vendor.answer = lambda _: json(body)
    with pytest.raises(ContractError if method == "GET" else OutcomeUnknown) as caught:
        wire.call(method, ITEM, path={"item": "1"}, model=Member)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_page_instead_of_json_is_garbage_to_whoever_reads_it(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: http(200, b"<html>We'll be back</html>", Content_Type="text/html")
    reply = wire.call("GET", ITEM, path={"item": "1"})
    assert reply.body.startswith(b"<html>")
    with pytest.raises(ContractError):
        _ = reply.json


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"x" * 2000, "identity"), (gzip.compress(b"\0" * 5_000_000), "gzip")],
    ids=["plain", "bomb"],
)
def test_an_answer_larger_than_allowed_is_not_taken(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, body: bytes, encoding: str
) -> None:
    vendor.answer = lambda _: http(200, body, Content_Encoding=encoding)
    wire = make_wire(max_answer=1000)
    with pytest.raises(ContractError, match="larger than 1000 bytes"):
        wire.call("GET", ITEM, path={"item": "1"})
    with pytest.raises(OutcomeUnknown):
        wire.call("POST", ITEM, path={"item": "1"})


def test_packed_answers_are_unpacked(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: http(200, gzip.compress(b"[1]"), Content_Encoding="gzip", Content_Type="application/json")
    assert wire.call("GET", ITEM, path={"item": "1"}).json == [1]


def test_a_redirect_is_an_answer_and_nobody_follows_it(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: http(302, Location=f"https://{HOST}/elsewhere")
    with pytest.raises(ContractError):
        wire.call("GET", ITEM, path={"item": "1"})
    with pytest.raises(OutcomeUnknown):
        wire.call("POST", ITEM, path={"item": "1"})
    assert len(vendor.seen) == 2


def test_cookies_are_refused(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: http(200, Set_Cookie="tenant=one; Path=/")
    wire.call("GET", ITEM, path={"item": "1"})
    wire.call("GET", ITEM, path={"item": "1"})
    assert "Cookie" not in vendor.seen[1].headers


def test_the_environment_cannot_reroute_or_sign(
    wire: Wire, vendor: Vendor, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text(f"machine {HOST} login eve password pw\nmachine 127.0.0.1 login eve password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    wire.call("GET", ITEM, path={"item": "1"})
    assert "Authorization" not in vendor.seen[0].headers


def test_twenty_calls_use_one_connection_and_a_closed_one_is_replaced(
    wire: Wire, vendor: Vendor, recorder: Recorder
) -> None:
    for _ in range(20):
        wire.call("GET", ITEM, path={"item": "1"})
    assert vendor.connections == 1

    vendor.answer = lambda _: _pieces(http(200))
    wire.call("GET", ITEM, path={"item": "1"})
    vendor.answer = lambda _: http(200)
    wire.call("POST", ITEM, path={"item": "1"})
    assert vendor.connections == 2


def test_a_header_with_a_line_break_is_a_bug_and_never_leaves(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    with pytest.raises(ConnectorBug) as caught:
        wire.call("GET", ITEM, path={"item": "1"}, headers={"X-Note": f"{CANARY}\r\nX-Evil: 1"})
    assert not vendor.seen
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("options", [{"json": {}, "form": {}}, {"json": object()}, {"headers": {"X": "ü\ud800"}}])
def test_what_http_cannot_carry_is_a_bug(wire: Wire, recorder: Recorder, options: dict) -> None:
    with pytest.raises(ConnectorBug):
        wire.call("POST", ITEM, path={"item": "1"}, **options)


class Renewing(httpx.Auth):
    """Signs, and signs again with a new token after a 401, as OAuth connectors do."""

    def sync_auth_flow(self, request):  # noqa: ANN001, ANN201
        request.headers["Authorization"] = "Bearer old"
        answer = yield request
        if answer.status_code == 401:
            request.headers["Authorization"] = "Bearer new"
            yield request


def test_auth_signs_calls_and_its_second_try_is_recorded_and_fenced_too(
    wire: Wire, vendor: Vendor, recorder: Recorder
) -> None:
    fences = []
    recorder.fence = lambda: fences.append(len(vendor.seen))
    vendor.answer = lambda seen: json("{}", 200 if seen.headers.get("Authorization") == "Bearer new" else 401)
    wire.auth = Renewing()

    wire.call("GET", ITEM, path={"item": "1"})

    assert [exchange.status for exchange in recorder.exchanges] == [401, 200]
    assert fences == [0, 1]
    wire.call("GET", ITEM, path={"item": "1"}, anonymous=True, expect=401)
    assert "Authorization" not in vendor.seen[-1].headers


def test_credentials_never_go_to_another_host(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    wire.auth = httpx.BasicAuth("user", "secret")
    with pytest.raises(ConfigError):
        wire.call("GET", "https://evil.example/")
    b"".join(wire.stream("https://files.example.net/f?sig=1", hosts=["files.example.net"], max_bytes=10))
    assert [seen.headers.get("Authorization") for seen in vendor.seen] == [None]


def test_no_line_of_any_logger_shows_an_address(
    wire: Wire, vendor: Vendor, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wire.call("GET", ITEM, path={"item": CANARY}, query={"email": CANARY})
    assert caplog.text == ""


class Files:
    """Files of a service, at a content network that redirects."""

    def __call__(self, seen: Seen) -> bytes:
        if seen.target == "/round":
            return http(302, Location="/round")
        if seen.target.startswith("/moved"):
            return http(302, Location=seen.target.partition("to=")[2])
        return http(200, b"file " * 100) if seen.target == "/file" else http(404, b"none")


def test_a_file_is_streamed_within_its_hosts(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = Files()
    hosts = ["files.example.net", "cdn.example.net"]
    moved = "https://files.example.net/moved?to=https://cdn.example.net/file"
    assert b"".join(wire.stream(moved, hosts=hosts, max_bytes=500)) == b"file " * 100
    with pytest.raises(ContractError, match="larger"):
        b"".join(wire.stream("https://cdn.example.net/file", hosts=hosts, max_bytes=499))
    with pytest.raises(ContractError, match="404"):
        b"".join(wire.stream("https://cdn.example.net/gone", hosts=hosts, max_bytes=499))
    with pytest.raises(ConfigError):
        b"".join(wire.stream("https://files.example.net/moved?to=https://evil.example/", hosts=hosts, max_bytes=9))
    with pytest.raises(ContractError, match="from address to address"):
        b"".join(wire.stream("https://files.example.net/round", hosts=hosts, max_bytes=9))
    assert {exchange.url_template for exchange in recorder.exchanges} == {"/{file}"}


def test_a_file_left_in_the_middle_frees_its_place(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: http(200, b"x" * 1_000_000)
    wire = make_wire(concurrency=1)
    pieces = wire.stream(f"https://{HOST}/file", hosts=[HOST], max_bytes=2_000_000)
    assert next(pieces)
    pieces.close()
    assert recorder.exchanges[0].response_hmac is None
    wire.call("GET", ITEM, path={"item": "1"})


def test_a_call_outside_a_flight_never_leaves(wire: Wire, vendor: Vendor) -> None:
    with pytest.raises(HubError, match="outside a recorded step"):
        wire.call("GET", ITEM, path={"item": "1"})
    assert not vendor.seen


def test_tools_that_record_http_find_the_transport_they_patch(
    make_wire: MakeWire, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[httpx.Request] = []

    def play(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        played.append(request)
        return httpx.Response(200, json={"from": "cassette"})

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", play)  # as vcrpy does
    assert make_wire(via=None).call("GET", ITEM, path={"item": "1"}).json == {"from": "cassette"}
    assert str(played[0].url) == f"https://{HOST}/items/1"
