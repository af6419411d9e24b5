"""A small HTTP/1.1 server for the sandboxes: keep-alive, one thread a connection, loopback only.

`http.server` would do, but it spends ten times the handler's own time on reading headers and half a second on closing;
sandboxes serve the benchmarks and some thousand tests.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import BinaryIO, Self

_MAX_HEAD = 64 * 1024  # bytes of request line and headers
_MAX_BODY = 16 * 1024 * 1024
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer and how to send it.

    Args:
        status, headers, body: the answer; `Content-Length` is added.
        keep: bytes of the body after which the connection closes; None: all, and it stays open.
        pause: seconds before each byte of the body; 0: all at once.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    keep: int | None = None
    pause: float = 0


class Hangup(Exception):
    """The connection is to close without an answer.

    Args:
        wait: whether to say nothing until the caller gives up.
    """

    def __init__(self, *, wait: bool = False) -> None:
        self.wait = wait
        super().__init__("The connection closes without an answer")


class Server:
    """Serves `answer` on a port of 127.0.0.1 from construction until `close`.

    Args:
        answer: called once per request, on the connection's thread; raises `Hangup` to close without a word.
        port: 0 takes a free one.
    """

    def __init__(self, answer: Callable[[Received], Sent], port: int = 0) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name=f"sandbox-{self.port}", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the server's end."""
        self._closing.wait(seconds)

    def close(self) -> None:
        """Stop listening, close every connection, and wait for their threads."""
        self._closing.set()
        try:
            socket.create_connection(self._listener.getsockname(), timeout=1).close()  # wakes the acceptor
        finally:
            self._acceptor.join()
            self._listener.close()
        with self._lock:
            still_open = dict(self._open)
        for connection in still_open:
            _shut(connection)
        for thread in still_open.values():
            thread.join(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        try:
            while (received := _read(stream)) is not None:
                if not self._send(connection, received):
                    break
        except Hangup as hangup:
            if hangup.wait:
                stream.read(1)  # returns when the caller leaves, or when the server closes
        except (OSError, ValueError):
            pass  # the caller left in the middle, or does not speak HTTP: nobody to answer
        finally:
            stream.close()
            _shut(connection)
            connection.close()
            with self._lock:
                del self._open[connection]

    def _send(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request; whether the connection stays open."""
        sent = self._answer(received)
        body = b"" if received.method == "HEAD" else sent.body
        head = _head(sent)
        if sent.pause:
            connection.sendall(head)
            for at in range(len(body)):
                self.sleep(sent.pause)
                connection.sendall(body[at : at + 1])
        else:
            connection.sendall(head + body[: sent.keep])
        return sent.keep is None and received.headers.get("connection", "").lower() != "close"


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side closed first
        connection.shutdown(socket.SHUT_RDWR)


def _head(sent: Sent) -> bytes:
    lines = [f"HTTP/1.1 {sent.status} {_PHRASES.get(sent.status, '')}"]
    lines += [f"{name}: {value}" for name, value in sent.headers.items()]
    lines += [f"Content-Length: {len(sent.body)}", "\r\n"]
    return "\r\n".join(lines).encode("latin-1")


def _read(stream: BinaryIO) -> Received | None:
    """The next request; None when the caller is done, or says something that is not HTTP/1.1."""
    line = stream.readline(_MAX_HEAD)
    parts = line.decode("latin-1").split()
    if len(parts) != 3:  # noqa: PLR2004  # method, target, version
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline(_MAX_HEAD)) not in {b"\r\n", b"\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = _body(stream, headers)
    return None if body is None else Received(parts[0], parts[1], headers, body)


def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes | None:
    """The request's body; None when it is longer than a sandbox takes."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", 0))
        return stream.read(length) if length <= _MAX_BODY else None
    body = b""
    while size := int(stream.readline(_MAX_HEAD).partition(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
        if len(body) > _MAX_BODY:
            return None
    stream.readline()
    return body
