"""A service with a plain REST interface in a process of its own, and the connector to it, to be measured.

One record an address: `GET /people/{email}`, `DELETE /people/{email}`; the server answers every address as held until
it is deleted. `python benchmarks/rest.py PORT-FILE LATENCY` serves until killed.
"""

from __future__ import annotations

import http.server
import json
import socketserver
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from hub import (
    Absent,
    Account,
    Act,
    AsAsked,
    Confirmation,
    Coverage,
    Differs,
    Done,
    File,
    Gone,
    Holding,
    InstanceConfig,
    Learned,
    Limits,
    Method,
    Outcome,
    Processor,
    RateLimited,
    Record,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    hookimpl,
    unsupported,
)

PERSON = "https://rest.example.org/{service}/people/{email}"


class RestConfig(InstanceConfig):
    """Settings of an instance."""

    service: str = Field(description="path under which the server answers for this instance")
    limited: bool = Field(False, description="whether the first search is told to come back in 20 s")


class Rest(Processor[RestConfig]):
    """The connector: three calls an erasure (look, delete, look)."""

    name: ClassVar[str] = "rest"
    title: ClassVar[str] = "Plain REST"
    searches: ClassVar[Mapping[str, Search]] = {"email": Search.EXACT}
    kinds: ClassVar[Mapping[str, str]] = {"person": "a person"}
    stops_before_erase: ClassVar[bool] = False
    rectify = unsupported("The benchmark corrects nothing.")

    def __init__(self, config: RestConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._limited = config.limited

    @classmethod
    def limits(cls, config: RestConfig) -> Limits:
        return Limits(hosts=("rest.example.org",), concurrency=16)

    def check(self) -> Account:
        return Account(id=self.config.service, label="Benchmark", sandbox=True)

    def _look(self, email: str) -> int:
        path = {"service": self.config.service, "email": email}
        return self.hub.wire.call("GET", PERSON, path=path, expect=(200, 404)).status

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        if self._limited:
            self._limited = False
            raise RateLimited(retry_after=timedelta(seconds=20))
        for email in subject.emails:
            if self._look(email) == 200:
                yield Holding(key=email, kind="person", categories=("contact",), locator={"email": email})
        yield Coverage({"email": Search.EXACT})

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        path = {"service": self.config.service, "email": holding.locator["email"]}
        yield Record("person", self.hub.wire.call("GET", PERSON, path=path).json)

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        return Done(Method.SUPPRESSED)

    def erase(self, holding: Holding, step: Step) -> Outcome:
        path = {"service": self.config.service, "email": holding.locator["email"]}
        gone = self.hub.wire.call("DELETE", PERSON, path=path, expect=(204, 404)).status == 404
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:
        if not isinstance(act.target, Holding):
            return AsAsked()
        return Gone() if self._look(act.target.locator["email"]) == 404 else Differs()


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    return [Rest]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    latency = 0.0
    gone: ClassVar[set[str]] = set()
    lock = threading.Lock()

    def _answer(self, status: int, body: bytes = b"") -> None:
        if self.latency:
            time.sleep(self.latency)
        head = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\nX-Hub-Sandbox: rest\r\n"
        head += "Content-Type: application/json\r\n\r\n" if body else "\r\n"
        self.wfile.write(head.encode() + body)

    def do_GET(self) -> None:
        with self.lock:
            held = self.path not in self.gone
        self._answer(200, json.dumps({"name": "Somebody"}).encode()) if held else self._answer(404)

    def do_DELETE(self) -> None:
        with self.lock:
            held = self.path not in self.gone
            self.gone.add(self.path)
        self._answer(204 if held else 404)

    def log_message(self, *_: object) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128
    disable_nagle_algorithm = True


if __name__ == "__main__":
    _Handler.latency = float(sys.argv[2])
    server = _Server(("127.0.0.1", 0), _Handler)
    Path(sys.argv[1]).write_text(str(server.server_address[1]))
    server.serve_forever()
