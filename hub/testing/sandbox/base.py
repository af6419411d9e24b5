"""What every sandbox does: it answers calls over real HTTP, faults included, and writes each into its journal."""

from __future__ import annotations

import json
import secrets
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from hub.testing import faults
from hub.testing.faults import Fault, Faults, What, bend
from hub.testing.messages import Answer, Refuse, Request
from hub.testing.routing import Route
from hub.testing.sandbox.access import Access
from hub.testing.sandbox.calls import UNKNOWN, Call
from hub.testing.sandbox.jobs import Jobs
from hub.testing.sandbox.rates import RateLimit
from hub.testing.sandbox.tables import Table
from hub.testing.serving import Hangup, Received, Sent, Server
from hub.testing.town import TOWN, Town
from hub.timepiece import SystemTime, Timepiece


class Sandbox:
    """One service, small and honest. Subclasses declare `name`, `seed` and routes.

    Args:
        town: whom it knows.
        clock: its time.

    Attributes:
        access: the credentials it asks for; nobody's, unless `seed` sets it.
        rate: how often it may be called; None: as often as one likes.
    """

    name: ClassVar[str]
    request_id_header: ClassVar[str] = "X-Request-Id"
    media_type: ClassVar[str] = "application/json; charset=utf-8"  # of JSON and text answers
    _table: ClassVar[dict[int, list[Route]]]  # by their number of segments

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._table = {}
        for attribute in dir(cls):
            for method, template in getattr(getattr(cls, attribute), "routes", ()):
                segments = tuple(template.split("/"))
                cls._table.setdefault(len(segments), []).append(Route(method, template, attribute, segments))
        for row in cls._table.values():  # a literal segment wins over a parameter
            row.sort(key=lambda route: [segment.startswith("{") for segment in route.segments])

    def __init__(self, town: Town = TOWN, *, clock: Timepiece | None = None) -> None:
        self.clock = clock or SystemTime()
        self.access: Access = Access()
        self.rate: RateLimit | None = None
        self.faults = Faults()
        self.in_flight = 0  # calls being answered now, the one that asks included
        self.peak = 0  # the most there ever were
        self._calls: deque[Call] = deque(maxlen=200_000)
        self._crashes: list[str] = []
        self._lock = threading.RLock()
        self.seed(town)

    # what subclasses fill in

    def seed(self, town: Town) -> None:
        """Make the service's state; called once, from the constructor."""

    def admit(self, request: Request) -> None:
        """Let a call in, or raise `Refuse`: by `rate` and `access`. Called before the route is looked at."""
        if self.rate is not None:
            self.rate.admit(self.clock.now())
        self.access.admit(request)

    def unknown(self, request: Request, allowed: bool) -> Answer:  # noqa: ARG002, FBT001  # subclasses answer by them
        """The answer to a path nobody declared; `allowed` says that only its method is wrong."""
        return Answer(405 if allowed else 404)

    def state(self) -> Mapping[str, Any]:
        """What `GET /__state` shows, as JSON."""
        return {}

    def records(self) -> dict[str, Any]:
        """Every record the service keeps now: `KIND/ID` → JSON, as it would show it. What a connector is judged by.

        Those of all its tables, unless a subclass knows better.
        """
        with self._lock:
            self._catch_up()
            tables = [part for part in vars(self).values() if isinstance(part, Table)]
            return {f"{table.kind}/{id_}": row for table in tables for id_, row in table.items()}

    def restrict(self) -> None:
        """Let the credentials of `settings` be valid and no longer suffice; `NotImplementedError` where none can."""
        self.access.restrict()

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's own settings that fit this sandbox as seeded."""
        return {}

    # what tests use

    @property
    def calls(self) -> list[Call]:
        """Every call answered so far, in the order of their ends."""
        with self._lock:
            return list(self._calls)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[Server]:
        """Serve on a port of 127.0.0.1 (0: a free one); `.url` says where. Raises when a handler had a bug."""
        with Server(self.respond, port) as self._server:
            yield self._server
        if self._crashes:
            raise AssertionError(f"The {self.name} sandbox has a bug: {'; '.join(self._crashes)}")

    def respond(self, received: Received) -> Sent:
        """Answer one call, faults included. Raises `Hangup` where the connection closes without an answer."""
        path, _, query = received.target.partition("?")
        if path.startswith("/__"):
            return self._sent(self._control(received.method, path, received.body))
        segments = path.split("/")
        fitting = [r for r in self._table.get(len(segments), ()) if r.fits(segments)]
        found = next((r for r in fitting if r.method == received.method), None)
        template = found.template if found else UNKNOWN
        request = Request(
            received.method,
            path,
            found.params(segments) if found else {},
            parse_qsl(query, keep_blank_values=True),
            received.headers,
            received.body,
        )
        fault = self.faults.due(request.method, template)
        with self._lock:
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
        try:
            return self._through(fault, request, template, lambda: self._execute(request, found, allowed=bool(fitting)))
        finally:
            with self._lock:
                self.in_flight -= 1

    def _execute(self, request: Request, found: Route | None, *, allowed: bool) -> tuple[Answer, bool]:
        """The service's own answer, and whether the handler ran to its end."""
        with self._lock:
            try:
                self._catch_up()
                self.admit(request)
                if found is None:
                    return self.unknown(request, allowed), False
                result = getattr(self, found.handler)(request)
            except Refuse as refusal:
                return refusal.answer, False
            except Exception as error:  # noqa: BLE001  # a bug in a sandbox must fail the test, not the connector
                last = traceback.extract_tb(error.__traceback__)[-1]
                self._crashes.append(f"{type(error).__name__} in {last.name}, line {last.lineno}")
                return Answer(500, "This sandbox has a bug."), False
        if isinstance(result, Answer):
            return result, True
        return (Answer(204) if result is None else Answer(200, result)), True

    def _through(
        self, fault: What | None, request: Request, template: str, execute: Callable[[], tuple[Answer, bool]]
    ) -> Sent:
        """Carry a call out as the fault lets it, and write it into the journal."""
        match fault:
            case faults.DropBefore() | faults.Stall(executed=False):
                self._note(request, template, None, executed=False)
                raise Hangup(wait=isinstance(fault, faults.Stall))
            case faults.Status(code, body, retry_after, media_type, location):
                self._note(request, template, code, executed=False)
                given = {"Retry-After": retry_after, "Location": location, "Content-Type": media_type if body else None}
                headers = {name: str(value) for name, value in given.items() if value is not None}
                return self._sent(Answer(code, body, headers))
            case faults.Delay(seconds):
                self._server.sleep(seconds)
            case _:
                pass
        answer, executed = execute()
        sent = self._sent(answer)
        silent = isinstance(fault, faults.DropAfter | faults.Stall) or (
            isinstance(fault, faults.Truncate) and not sent.body
        )
        self._note(request, template, None if silent else sent.status, executed=executed)
        if silent:
            raise Hangup(wait=isinstance(fault, faults.Stall))
        return bend(sent, fault)

    def _catch_up(self) -> None:
        for part in list(vars(self).values()):
            if isinstance(part, Jobs):
                part.catch_up()

    def _note(self, request: Request, template: str, status: int | None, *, executed: bool) -> None:
        with self._lock:
            self._calls.append(Call(request.method, template, status, executed))

    def _sent(self, answer: Answer) -> Sent:
        body = answer.body
        headers = {"X-Hub-Sandbox": self.name, "Date": format_datetime(self.clock.now(), usegmt=True)}
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
        if body:
            headers["Content-Type"] = self.media_type
        headers[self.request_id_header] = secrets.token_hex(16)
        return Sent(answer.status, headers | dict(answer.headers), body)

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        match method, path:
            case "GET", "/__calls":
                return Answer(200, [asdict(call) for call in self.calls])
            case "GET", "/__state":
                with self._lock:
                    return Answer(200, self.state())
            case "POST", "/__faults":
                try:
                    self.faults.add(*map(Fault.from_dict, json.loads(body)))
                except (ValueError, KeyError, TypeError):
                    return Answer(400, "A fault is {where, nth, what: {kind, …}}; see hub.testing.faults.")
                return Answer(204)
            case "DELETE", "/__faults":
                self.faults.clear()
                return Answer(204)
            case _:
                return Answer(404)
