"""A service on this machine that answers as a test tells it, byte by byte if need be."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hub.wire import Wire

HOST = "api.example.com"


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Raw = Iterable[bytes | float]  # bytes to send as they are; a number waits so many seconds; ends by closing


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    named = {"Content-Length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = "".join(f"{k}: {v}\r\n" for k, v in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


def json(body: str, status: int = 200, **headers: str) -> bytes:
    return http(status, body.encode(), Content_Type="application/json", **headers)


@dataclass
class Vendor:
    """`answer` makes an answer out of a request: whole bytes keep the connection, pieces close it at their end."""

    answer: Callable[[Seen], bytes | Raw] = lambda _: json("{}")
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    busy: int = 0
    busiest: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def saw(self, count: int) -> None:
        """Exactly that many requests arrived; on a busy machine one may be read after its caller gave up."""
        end = time.monotonic() + 10
        while len(self.seen) < count and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.seen) == count

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        request = Seen(handler.command, handler.path, dict(handler.headers.items()), handler.rfile.read(length))
        with self._lock:
            self.seen.append(request)
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            answer = self.answer(request)
        finally:
            with self._lock:
                self.busy -= 1
        if isinstance(answer, bytes):
            handler.wfile.write(answer)
            return
        handler.close_connection = True
        for piece in answer:
            if isinstance(piece, bytes):
                handler.wfile.write(piece)
                handler.wfile.flush()
            else:
                time.sleep(piece)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up in the middle is what some tests are about."""


MakeWire = Callable[..., Wire]


@contextmanager
def serving() -> Iterator[Vendor]:
    """A vendor that listens on a free port until left."""
    script = Vendor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            if script.tls:
                self.request = script.tls.wrap_socket(self.request, server_side=True)
            super().setup()
            script.connections += 1

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return lambda: script.take(self)
            raise AttributeError(name)

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()
                self.request.close()

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    script.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
