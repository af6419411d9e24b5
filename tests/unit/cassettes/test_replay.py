"""Replay is strict: nothing but what was recorded, all of it, in its order, over no network, and no word of anybody."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.testing.cassettes import CassetteBench, CassetteError, Cassettes, FromSandbox
from hub.testing.messages import Request, Result
from hub.testing.sandbox import Sandbox, route
from tests.unit.cassettes.depot import BASE, INVENTED, PERSON, Depot, Local
from tests.unit.wire.vendor import Seen, Vendor, http
from tests.unit.wire.vendor import json as said

Bench = CassetteBench[Depot]
LISTS, MEMBER = f"{BASE}/v1/lists", f"{BASE}/v1/lists/{{list}}/members/{{id}}"


@pytest.fixture
def recorded(recorder: Cassettes, vendor: Vendor) -> None:
    """Two readings, an act and a reading back."""
    vendor.answer = lambda seen: said(json.dumps({"target": seen.target.partition("?")[0]}))
    with recorder("it", Depot, INVENTED) as bench:
        story(bench)


def lists(bench: Bench, page: int = 1) -> Any:
    return bench.wire.call("GET", LISTS, query={"page": page, "size": 10}).json


def member(bench: Bench, method: str = "GET", id_: str | None = None) -> Any:
    email = bench.subject.emails[0] if id_ is None else id_
    return bench.wire.call(method, MEMBER, path={"list": "news", "id": email}).json


def story(bench: Bench) -> None:
    lists(bench)
    member(bench)
    member(bench, "DELETE")
    member(bench)


@pytest.mark.usefixtures("recorded")
def test_what_was_recorded_is_replayed_with_every_way_out_closed(
    player: Cassettes, vendor: Vendor, offline: Callable[[], None]
) -> None:
    before = len(vendor.seen)
    offline()
    with player("it", Depot, INVENTED) as bench:
        story(bench)
    assert len(vendor.seen) == before
    assert [exchange.url_template for exchange in bench.exchanges[:2]] == ["/v1/lists", "/v1/lists/{list}/members/{id}"]
    assert {exchange.via for exchange in bench.exchanges} == {"override"}


@pytest.mark.usefixtures("recorded")
def test_readings_may_change_places(player: Cassettes) -> None:
    with player("it", Depot, INVENTED) as bench:
        member(bench)
        lists(bench)
        member(bench, "DELETE")
        member(bench)


def unrecorded(bench: Bench) -> None:
    bench.wire.call("GET", f"{BASE}/v1/{{what}}", path={"what": PERSON.names[0]})


def otherwise(bench: Bench) -> None:
    lists(bench, page=2)


def for_somebody_else(bench: Bench) -> None:
    lists(bench)
    member(bench, id_=PERSON.emails[0])


def too_often(bench: Bench) -> None:
    lists(bench)
    lists(bench)


def too_early(bench: Bench) -> None:
    lists(bench)
    member(bench, "DELETE")


def not_to_the_end(bench: Bench) -> None:
    lists(bench)
    member(bench)


def swallowed(bench: Bench) -> None:
    try:
        lists(bench, page=2)
    except Exception:  # noqa: BLE001  # as a vendor's SDK does
        story(bench)


class SdkError(Exception):
    """What a vendor's SDK makes of every error, quoting it."""


def wrapped(bench: Bench) -> None:
    try:
        lists(bench, page=2)
    except Exception as error:
        raise SdkError(PERSON.emails[0]) from error


NEXT = "the next recorded call is GET /v1/lists"
WRONG: dict[Callable[[Bench], None], str] = {
    unrecorded: f"GET /v1/{{…}} was not recorded; {NEXT}",
    otherwise: f"GET /v1/lists was called otherwise than recorded; look at its page; {NEXT}",
    for_somebody_else: "GET /v1/lists/news/members/{…} was called otherwise than recorded; look at its path; "
    "the next recorded call is GET /v1/lists/news/members/{…}",
    too_often: "GET /v1/lists was called more often than recorded (recorded: 1)",
    too_early: "DELETE /v1/lists/news/members/{…} was called out of its turn; "
    "the next recorded call is GET /v1/lists/news/members/{…}",
    not_to_the_end: "2 recorded calls were not made: DELETE /v1/lists/news/members/{…}, GET /v1/lists/news/members/{…}",
    wrapped: f"GET /v1/lists was called otherwise than recorded; look at its page; {NEXT}",
    swallowed: f"GET /v1/lists was called otherwise than recorded; look at its page; {NEXT}",
}


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_anything_else_fails_and_names_nobody(
    wrong: Callable[[Bench], None], player: Cassettes, offline: Callable[[], None]
) -> None:
    offline()
    with pytest.raises(CassetteError) as failed, player("it", Depot, INVENTED) as bench:
        wrong(bench)
    assert f"it.yaml: {WRONG[wrong]}" in str(failed.value)
    assert "pytest --record" in str(failed.value)
    assert not [value for value in (*PERSON.emails, *PERSON.names) if value in str(failed.value)]
    assert failed.value.__suppress_context__ or failed.value.__context__ is None


def broken(bench: Bench) -> None:
    lists(bench)
    raise ZeroDivisionError


@pytest.mark.usefixtures("recorded")
def test_a_failure_of_the_test_itself_is_the_one_that_is_told(player: Cassettes) -> None:
    with pytest.raises(ZeroDivisionError), player("it", Depot, INVENTED) as bench:
        broken(bench)


@pytest.mark.parametrize(
    ("recorded_body", "other"),
    [
        ({"json": {"a": True}}, {"json": {"a": False}}),
        ({"json": {"a": {"b": None}}}, {"json": {"a": None}}),
        ({"json": [1, 2]}, {"json": [2, 1]}),
        ({"form": {"a": "1"}}, {"form": {"a": "1", "b": ""}}),
        ({"content": b"<a><b>1</b></a>"}, {"content": b"<a><c>1</c></a>"}),
    ],
    ids=str,
)
def test_a_body_that_says_something_else_is_another_request(
    recorded_body: Any, other: Any, recorder: Cassettes, player: Cassettes
) -> None:
    with recorder("it", Depot, INVENTED) as bench:
        bench.wire.call("POST", LISTS, **recorded_body)
    with pytest.raises(CassetteError, match="otherwise"), player("it", Depot, INVENTED) as bench:
        bench.wire.call("POST", LISTS, **other)


def test_a_body_that_says_the_same_in_another_way_is_the_same_request(recorder: Cassettes, player: Cassettes) -> None:
    as_json, as_xml = {"Content-Type": "application/json"}, {"Content-Type": "text/xml"}
    with recorder("it", Depot, INVENTED) as bench:
        bench.wire.call("POST", LISTS, content=b'{"a":1,"b":"\\u00e9"}', headers=as_json)
        bench.wire.call("POST", LISTS, content=b"<a>&#233;t&#233; &amp;</a>", headers=as_xml)
    with player("it", Depot, INVENTED) as bench:
        bench.wire.call("POST", LISTS, content='{"a": 1, "b": "é"}'.encode(), headers=as_json)
        bench.wire.call("POST", LISTS, content="<a>été &amp;</a>".encode(), headers=as_xml)


def test_what_a_connector_draws_itself_may_be_another_each_time(
    recorder: Cassettes, player: Cassettes, vendor: Vendor
) -> None:
    def hashed(bench: Bench) -> str:
        return hashlib.sha256(bench.subject.emails[0].encode()).hexdigest()

    def draw(bench: Bench) -> None:
        key = str(uuid.uuid4())
        echoed = bench.wire.call("POST", f"{BASE}/jobs", json={"key": key, "by": hashed(bench)}).json
        assert echoed["key"] == key
        bench.wire.call("GET", f"{BASE}/jobs/{{key}}", path={"key": key})

    def draw_another(bench: Bench) -> None:
        bench.wire.call("POST", f"{BASE}/jobs", json={"key": str(uuid.uuid4()), "by": hashed(bench)})
        bench.wire.call("GET", f"{BASE}/jobs/{{key}}", path={"key": str(uuid.uuid4())})

    vendor.answer = lambda seen: said(seen.body.decode() or "{}")
    with recorder("it", Depot, INVENTED) as bench:
        draw(bench)
    with player("it", Depot, INVENTED) as bench:
        draw(bench)
    with pytest.raises(CassetteError, match="otherwise"), player("it", Depot, INVENTED) as bench:
        draw_another(bench)


def test_an_id_the_service_gave_must_be_the_one_that_is_asked_for(
    recorder: Cassettes, player: Cassettes, vendor: Vendor
) -> None:
    given = str(uuid.uuid4())
    vendor.answer = lambda seen: said(json.dumps({"id": given}))

    def follow(bench: Bench, id_: str | None = None) -> None:
        found = bench.wire.call("GET", f"{BASE}/jobs").json["id"]
        bench.wire.call("GET", f"{BASE}/jobs/{{id}}", path={"id": id_ or found})

    with recorder("it", Depot, INVENTED) as bench:
        follow(bench)
    with player("it", Depot, INVENTED) as bench:
        follow(bench)
    with pytest.raises(CassetteError, match="otherwise"), player("it", Depot, INVENTED) as bench:
        follow(bench, str(uuid.uuid4()))


def test_status_date_request_id_and_limits_are_kept_and_the_transport_is_not(
    recorder: Cassettes, player: Cassettes, vendor: Vendor
) -> None:
    body = gzip.compress(b'{"a": "b"}')
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (5, body[:5], len(body) - 5, body[5:])
    head = (
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nX-RateLimit-Remaining: 7\r\n"
        b"Content-Type: application/json\r\nDate: Mon, 02 Mar 2026 09:00:00 GMT\r\nX-Request-Id: req-17\r\n\r\n"
    )
    vendor.answer = lambda _: head + chunked
    for cassettes in (recorder, player):
        with cassettes("it", Depot, INVENTED) as bench:
            reply = bench.wire.call("GET", LISTS, expect=202)
        assert reply.json == {"a": "b"}
        assert reply.headers["X-RateLimit-Remaining"] == "7"
        (exchange,) = bench.exchanges
        assert (exchange.status, exchange.vendor_request_id) == (202, "req-17")
        assert exchange.vendor_date is not None
        assert exchange.response_hmac is not None


def test_a_file_is_streamed_from_a_cassette_as_a_body_that_is_no_text(
    recorder: Cassettes, player: Cassettes, vendor: Vendor
) -> None:
    vendor.answer = lambda _: http(200, b"\x89PNG\0" * 1000, Content_Type="image/png")
    read = {}
    for name, cassettes in (("real", recorder), ("replayed", player)):
        with cassettes("it", Depot, INVENTED) as bench:
            pieces = bench.wire.stream(f"{BASE}/f.png", hosts=["api.depot.example"], max_bytes=10_000)
            read[name] = b"".join(pieces)
    assert len(read["real"]) == 5000
    assert b"not kept" in read["replayed"]


def test_failures_of_the_service_are_replayed_as_they_were(
    recorder: Cassettes, player: Cassettes, vendor: Vendor
) -> None:
    vendor.answer = lambda _: http(429, b"", Retry_After="7")
    for cassettes in (recorder, player):
        with cassettes("it", Depot, INVENTED) as bench:
            answer = bench.wire.call("GET", LISTS, expect={200, 429})
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")


def test_the_clock_says_at_replay_what_it_said_and_nothing_is_logged(
    recorder: Cassettes, player: Cassettes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    times = []
    for cassettes in (recorder, player):
        with cassettes("it", Depot, INVENTED) as bench:
            times.append(bench.clock.now())
            member(bench)
            bench.clock.sleep(60)
            times.append(bench.clock.now())
    assert times[:2] == times[2:]
    assert [record.name for record in caplog.records if record.name.startswith("vcr")] == []


class DepotSandbox(Sandbox):
    name = "depot"

    @route("GET", "/v1/lists")
    def lists(self, request: Request) -> Result:
        return {"lists": []}


def test_a_recording_of_a_sandbox_says_so_in_the_file_and_in_evidence(tmp_path: Path, player: Cassettes) -> None:
    for cassettes in (Cassettes(tmp_path, FromSandbox(DepotSandbox)), player):
        with cassettes("it", Depot, INVENTED) as bench:
            lists(bench)
        assert [exchange.via for exchange in bench.exchanges] == ["sandbox"]
    head = (tmp_path / "it.yaml").read_text(encoding="utf-8")
    assert "Recorded from the sandbox, not from the service." in head
    assert "connector: depot" in head
    assert "recorded_by: subject-request-hub " in head


def test_one_recording_cannot_be_of_both(recorder: Cassettes, vendor: Vendor, local: Local, tmp_path: Path) -> None:
    marks = iter(["X-Hub-Sandbox", "X-Other"])

    def answer(_: Seen) -> bytes:
        return http(200, b"{}", **{next(marks).replace("-", "_"): "depot"})

    vendor.answer = answer
    with (
        pytest.raises(CassetteError, match="Some answers come from a sandbox"),
        recorder("it", Depot, INVENTED) as bench,
    ):
        too_often(bench)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("recorded")
def test_a_cassette_is_for_its_own_connector(player: Cassettes) -> None:
    class Other(Depot):
        name = "other"

    with pytest.raises(CassetteError, match="holds calls of depot, not of other"), player("it", Other, INVENTED):
        pass


def test_a_cassette_that_is_missing_is_no_skip(player: Cassettes) -> None:
    with (
        pytest.raises(CassetteError, match=r"There is no cassette it\.yaml\s+→ Record it"),
        player("it", Depot, INVENTED),
    ):
        pass


@pytest.mark.parametrize("name", ["", "../it", "It", "a b", "x" * 80, "it.yaml"])
def test_a_name_must_do_as_a_file(name: str, player: Cassettes) -> None:
    with pytest.raises(CassetteError, match="small letters"), player(name, Depot, INVENTED):
        pass
