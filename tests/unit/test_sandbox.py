"""The sandbox base: what a connector's author relies on when a test passes against one."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.testing.faults import (
    BadGzip,
    Delay,
    DropAfter,
    DropBefore,
    Fault,
    Garbage,
    Stall,
    Status,
    Trickle,
    Truncate,
    What,
)
from hub.testing.sandbox import UNKNOWN, Answer, Call, Refuse, Request, Result, Sandbox, route
from hub.testing.serving import Received, Server
from hub.testing.town import TOWN, Town
from hub.timepiece import ManualTime


class Shop(Sandbox):
    name = "shop"

    def seed(self, town: Town) -> None:
        self.customers = {p.id: p.name for p in town}

    def admit(self, request: Request) -> None:
        if request.basic_auth() != ("clerk", "s:cret"):
            raise Refuse(401, {"error": "who are you?"})

    def state(self) -> dict[str, Any]:
        return {"customers": len(self.customers)}

    @route("GET", "/customers/{id}")
    def customer(self, request: Request) -> Result:
        name = self.customers.get(request.params["id"])
        if name is None:
            raise Refuse(404, {"error": "no such customer"})
        return {"name": name, "id": request.params["id"]}

    @route("GET", "/customers/count")
    def count(self, request: Request) -> Result:
        return {"count": len(self.customers), "query": request.query}

    @route("PUT", "/customers/{id}")
    def store(self, request: Request) -> Result:
        self.customers[request.params["id"]] = request.json()["name"]
        return Answer(201, {"stored": True})

    @route("DELETE", "/customers/{id}")
    def delete(self, request: Request) -> Result:
        del self.customers[request.params["id"]]
        return None

    @route("POST", "/slow")
    def slow(self, request: Request) -> Result:
        return None


@pytest.fixture
def shop() -> Shop:
    return Shop(clock=ManualTime())


@pytest.fixture
def running(shop: Shop) -> Iterator[Server]:
    with shop.serve() as server:
        yield server


@pytest.fixture
def client(running: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, auth=("clerk", "s:cret"), timeout=1.5, trust_env=False) as client:
        yield client


def test_answers_what_the_handler_says(client: httpx.Client) -> None:
    answer = client.get("/customers/p01")
    assert (answer.status_code, answer.json()) == (200, {"name": TOWN.main.name, "id": "p01"})
    assert answer.headers["x-hub-sandbox"] == "shop"
    assert answer.headers["date"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    assert len(answer.headers["x-request-id"]) == 32


def test_a_literal_segment_wins_over_a_parameter(client: httpx.Client) -> None:
    assert client.get("/customers/count?a=1&a=%26&b=").json()["query"] == [["a", "1"], ["a", "&"], ["b", ""]]


def test_an_encoded_slash_stays_in_its_segment(client: httpx.Client, shop: Shop) -> None:
    assert client.put("/customers/a%2F..%2Fb%3F%C3%A4", json={"name": "x"}).status_code == 201
    assert shop.customers["a/../b?ä"] == "x"


@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_every_id_reaches_the_handler_as_it_was(name: str) -> None:
    shop = Shop()
    headers = {"authorization": "Basic " + base64.b64encode(b"clerk:s:cret").decode()}
    sent = shop.respond(Received("PUT", f"/customers/{quote(name, safe='')}", headers, b'{"name": "x"}'))
    assert (sent.status, name in shop.customers) == (201, True)


def test_refuses_strangers_before_it_looks_at_the_route(running: Server, shop: Shop) -> None:
    for auth in (None, ("clerk", "wrong"), ("", "")):
        assert httpx.get(f"{running.url}/nowhere", auth=auth, trust_env=False).status_code == 401
    assert (
        httpx.get(f"{running.url}/customers/p01", headers={"Authorization": "Basic !!"}, trust_env=False).status_code
        == 401
    )
    assert not any(call.executed for call in shop.calls)


def test_unknown_paths_and_methods_are_told_apart(client: httpx.Client) -> None:
    assert client.get("/nowhere").status_code == 404
    assert client.patch("/customers/p01").status_code == 405
    assert client.get("/customers/").status_code == 404


def test_the_journal_tells_execution_from_refusal_and_holds_no_value(client: httpx.Client, shop: Shop) -> None:
    client.delete("/customers/p02")
    client.get("/customers/ottoline.quillfeather@example.org")
    client.get("/ottoline.quillfeather@example.org")
    assert shop.calls == [
        Call("DELETE", "/customers/{id}", 204, executed=True),
        Call("GET", "/customers/{id}", 404, executed=False),
        Call("GET", UNKNOWN, 404, executed=False),
    ]


def test_what_was_sent_shows_in_no_repr() -> None:
    request = Request("GET", "/canary", {"id": "canary"}, [("q", "canary")], {"h": "canary"}, b"canary")
    assert "canary" not in f"{request!r} {Answer(200, 'canary')!r} {Refuse(404, 'canary')!r}"


def test_keeps_the_connection(client: httpx.Client) -> None:
    streams = {id(client.get("/customers/p01").extensions["network_stream"]) for _ in range(20)}
    assert len(streams) == 1


def test_counts_calls_in_flight(running: Server, shop: Shop) -> None:
    shop.faults.add(Fault("POST /slow", Delay(0.2), nth=None))
    with ThreadPoolExecutor(6) as pool, httpx.Client(auth=("clerk", "s:cret"), trust_env=False) as client:
        list(pool.map(lambda _: client.post(f"{running.url}/slow"), range(6)))
    assert shop.peak == 6
    assert shop.in_flight == 0


def test_a_bug_in_a_handler_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="KeyError in delete"), Shop().serve() as running:
        assert (
            httpx.delete(f"{running.url}/customers/nobody", auth=("clerk", "s:cret"), trust_env=False).status_code
            == 500
        )


def test_what_is_not_http_is_hung_up_on(running: Server) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", running.port), timeout=2) as raw:
            raw.sendall(nonsense)
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(10) == b""


def test_closing_takes_no_time_and_frees_the_port(shop: Shop) -> None:
    with shop.serve() as running, httpx.Client(trust_env=False) as client:
        client.get(running.url)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    with shop.serve(running.port), pytest.raises(OSError, match="in use"), shop.serve(running.port):
        pass


# faults: (what, what the client sees, whether the service did it)
FAULTS: list[tuple[What, int | type[Exception], bool]] = [
    (Status(429, retry_after=20), 429, False),
    (Status(403), 403, False),
    (Garbage(), 201, True),
    (Garbage("", 200), 200, True),
    (Delay(0.01), 201, True),
    (Stall(executed=False), httpx.ReadTimeout, False),
    (Stall(executed=True), httpx.ReadTimeout, True),
    (DropBefore(), httpx.RemoteProtocolError, False),
    (DropAfter(), httpx.RemoteProtocolError, True),
    (Truncate(), httpx.RemoteProtocolError, True),
    (Trickle(0.001), 201, True),
    (BadGzip(), httpx.DecodingError, True),
]


@pytest.mark.parametrize(("what", "seen", "executed"), FAULTS, ids=repr)
def test_a_fault_does_what_it_says_once(
    what: What, seen: int | type[Exception], executed: bool, client: httpx.Client, shop: Shop
) -> None:
    shop.faults.add(Fault("PUT /customers/{id}", what))
    if isinstance(seen, int):
        answer = client.put("/customers/new", json={"name": "x"})
        assert answer.status_code == seen
        assert not isinstance(what, Status) or answer.content == b""
    else:
        with pytest.raises(seen):
            client.put("/customers/new", json={"name": "x"})
    assert ("new" in shop.customers) is executed
    assert [call.executed for call in shop.calls] == [executed]
    assert client.put("/customers/new", json={"name": "x"}).status_code == 201


def test_retry_after_is_sent(client: httpx.Client, shop: Shop) -> None:
    shop.faults.add(Fault("*", Status(429, retry_after=20)))
    assert client.get("/customers/p01").headers["retry-after"] == "20"


def test_faults_are_counted_per_matching_call(client: httpx.Client, shop: Shop) -> None:
    shop.faults.add(Fault("GET /customers/*", Status(500), nth=2), Fault("* /customers/{id}", Status(502), nth=3))
    seen = [client.get("/customers/p01").status_code for _ in range(4)]
    assert seen == [200, 500, 502, 200]
    shop.faults.add(Fault("*", Status(503), nth=None))
    assert [client.get("/customers/p01").status_code for _ in range(3)] == [503] * 3
    shop.faults.clear()
    assert client.get("/customers/p01").status_code == 200


def test_is_steered_over_http(running: Server, client: httpx.Client) -> None:
    faults = [Fault("GET /customers/{id}", Status(429, retry_after=1)), Fault("*", DropAfter(), nth=2)]
    assert client.post("/__faults", json=[fault.as_dict() for fault in faults]).status_code == 204
    assert client.get("/customers/p01").status_code == 429
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/customers/p01")
    assert client.post("/__faults", json=[Fault("*", Status(500), nth=None).as_dict()]).status_code == 204
    assert client.delete("/__faults").status_code == 204
    assert client.get("/customers/p01").status_code == 200
    assert [call["status"] for call in client.get("/__calls").json()] == [429, None, 200]
    assert client.get("/__state").json() == {"customers": len(list(TOWN))}
    assert client.post("/__faults", content=b"[{}]").status_code == 400
    assert client.get("/__elsewhere").status_code == 404


@pytest.mark.parametrize("what", [what for what, _, _ in FAULTS], ids=repr)
def test_a_fault_survives_json(what: What) -> None:
    fault = Fault("GET /x", what, nth=None)
    assert Fault.from_dict(fault.as_dict()) == fault
