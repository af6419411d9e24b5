"""Carries requests out in processes that die where they are told to.

`python -m tests.crash.driver` loads the hub once and forks for every job it reads: a fresh process costs milliseconds
then, and hundreds of deaths are affordable. A job is one line of JSON; the answer is the pid, later the wait status.
Where a process may die is found by watching libraries under the hub (SQLAlchemy's COMMIT, httpx's transport, fsync):
the product has no switch for it.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from hub import Changes, Subject
from hub.app import Hub
from hub.coordinator.intake import Submission
from hub.coordinator.journal import new_id
from hub.coordinator.standing import due_tracks
from hub.coordinator.tracks import Worker
from hub.errors import HubError, KeyUnavailable, StoreError
from hub.home import Home
from hub.logs import write_to
from hub.plugins import load
from hub.rights import Right
from hub.store.schema import tracks
from hub.timepiece import ManualTime, SystemTime

PASSPHRASE = "correct horse battery staple"
ACTOR = "Dora Officer"
DAY = 86400.0


@dataclass(frozen=True)
class Job:
    """One process's life.

    Args:
        home: the data folder.
        out: where a copy is handed over.
        log: the file that every point passed is written to.
        plugins: name → module.
        rights, person, changes: the request, submitted unless there is one already.
        start: POSIX seconds at which its clock stands; time moves on only by waiting.
        strike: what `strike_by` happens at the point with this number, from 1.
        strike_by: `KILL`, `STOP` (both by signal), or `FULL`: from there on no file takes a byte.
        full_for: how many advances it stays so.
        quiet: calls that are no points, as shell patterns of `METHOD PATH`.
        environ: the environment, for the instances' secrets.
        steps: end after so many steps, whether the request is over or not.
        ticking: go by the machine's clock.
        overtake: leave other workers what they hold until their lease ends.
        engine: carry out with the hub's own engine and all its threads (needs `ticking`) instead of step by step.
    """

    home: str
    out: str
    log: str
    plugins: dict[str, str]
    rights: list[str]
    person: dict[str, Any]
    changes: dict[str, str] = field(default_factory=dict)
    start: float = 0.0
    strike: int | None = None
    strike_by: str = "KILL"
    full_for: int = 6
    quiet: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    steps: int | None = None
    ticking: bool = False
    overtake: bool = False
    engine: bool = False


class Stuck(Exception):
    """The request is not over, and nothing is due or a whole day has passed."""


class Clock(ManualTime):
    """Stands still, but to an export every look seems a second later: it checkpoints often."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._looks = 0

    def monotonic(self) -> float:
        self._looks += 1
        return super().monotonic() + self._looks


class Fuse:
    """Counts the points a process passes, writes down each, and strikes at the one it was set to."""

    def __init__(self, job: Job) -> None:
        self._log = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._strike = job.strike
        self._by = job.strike_by
        self._passed = 0
        self._lock = threading.Lock()
        self.full = False

    def point(self, name: str) -> None:
        with self._lock:
            self._passed += 1
            if not self.full:
                os.write(self._log, f"{name}\n".encode())
            if self._passed == self._strike:
                self._happen()

    def _happen(self) -> None:
        if self._by == "FULL":
            self.full = True
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        else:
            os.kill(os.getpid(), getattr(signal, f"SIG{self._by}"))

    def relieve(self) -> None:
        """Let there be room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.full = False
        self.point("room again")

    def around_commits(self, hub: Hub) -> None:
        """Before and after every COMMIT of the journal."""
        dialect = hub.db._writers.dialect  # an engine has a dialect of its own
        commit = dialect.do_commit

        def around(connection: Any) -> None:
            self.point("commit: before")
            commit(connection)
            self.point("commit: after")

        dialect.do_commit = around  # type: ignore[method-assign]

    def around_sends(self, quiet: Sequence[str]) -> None:
        """Before a call leaves; when it was carried out and its answer has just arrived; when that was read."""
        handle = httpx.HTTPTransport.handle_request

        def around(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            if any(fnmatchcase(f"{request.method} {request.url.path}", pattern) for pattern in quiet):
                return handle(transport, request)
            self.point("call: before")
            request.extensions = {**request.extensions, "trace": self._traced}
            answer = handle(transport, request)
            answer.read()
            self.point("call: answered")
            return answer

        httpx.HTTPTransport.handle_request = around  # type: ignore[method-assign]

    def _traced(self, name: str, _: object) -> None:
        if name == "http11.receive_response_headers.complete":
            self.point("call: carried out")

    def around_syncs(self) -> None:
        """Before and after a file is brought to the disk: spools, copies and keys."""
        fsync = os.fsync

        def around(file: Any) -> None:
            self.point("sync: before")
            fsync(file)
            self.point("sync: after")

        os.fsync = around


def carry_out(job: Job) -> None:
    """Submit the request unless it is there, and go on until it is closed."""
    clock = SystemTime() if job.ticking else Clock(datetime.fromtimestamp(job.start, UTC))
    fuse = Fuse(job)
    plugins = load(tuple(job.plugins), [EntryPoint(n, m, "hub.connectors") for n, m in job.plugins.items()])
    with Hub.open(Home(Path(job.home)), job.environ, clock=clock, plugins=plugins) as hub:
        fuse.around_commits(hub)
        fuse.around_sends(job.quiet)
        fuse.around_syncs()
        with _carrier(hub, job) as onward:
            _until_closed(hub, job, fuse, onward)


def _until_closed(hub: Hub, job: Job, fuse: Fuse, onward: Callable[[], None]) -> None:
    end = hub.clock.now() + timedelta(seconds=60 if job.ticking else DAY)
    left = job.full_for
    for number in itertools.count(1):
        try:
            if _once(hub, job, onward) or number == job.steps:
                return
        except (StoreError, KeyUnavailable):
            if not fuse.full:  # who is told that there is no room tries again
                raise
        if fuse.full and not (left := left - 1):
            fuse.relieve()
        if hub.clock.now() > end:
            raise Stuck


def _once(hub: Hub, job: Job, onward: Callable[[], None]) -> bool:
    """What people do, as soon as they can; else the hub goes on. Returns whether the request is over."""
    known = hub.requests()["requests"]
    if not known:
        _submit(hub, job)
        return False
    view = hub.show(known[0]["id"])
    if strangers := _undecided(view):
        hub.decide(view["id"], dict.fromkeys(strangers, False), by=ACTOR)
    elif _copy_is_ready(view):
        copy = Path(job.out, f"copy-{len(list(Path(job.out).iterdir()))}.zip")
        hub.export(view["id"], copy, passphrase=PASSPHRASE, by=ACTOR)
    elif view["state"] != "closed":
        onward()
    return bool(view["state"] == "closed")


def _submit(hub: Hub, job: Job) -> None:
    submission = Submission(
        tuple(map(Right, job.rights)),
        Subject.from_document(job.person),
        channel="portal",
        received=hub.clock.now(),
        verified_by="portal_login",
        changes=Changes(job.changes) if job.changes else None,
    )
    hub.submit(submission, by=ACTOR)


def _undecided(view: dict[str, Any]) -> list[int]:
    """Holdings that may be somebody else's, once every service has been searched."""
    if view["state"] == "finding":
        return []
    return [held["holding"] for track in view["tracks"] for held in track["holdings"] if held["needs_decision"]]


def _copy_is_ready(view: dict[str, Any]) -> bool:
    if view["copy"] is None or view["delivered"]:
        return False
    return all(track["phase"] == "settled" or track["reason"] == "delivery" for track in view["tracks"])


@contextmanager
def _carrier(hub: Hub, job: Job) -> Iterator[Callable[[], None]]:
    """What carries the request on by a bit each time it is called."""
    if job.engine:
        with hub.engine() as engine:
            if engine is None:
                raise HubError("another process holds the engine")
            yield lambda: time.sleep(0.02)
        return
    worker = Worker(hub.desk(), new_id())
    if not job.overtake:
        worker.take_over()
    try:
        yield lambda: step(hub, worker)
    finally:
        worker.close()


def step(hub: Hub, worker: Worker) -> None:
    """Advance the first track that is due; when there is none, let time pass until there is."""
    now = hub.clock.now().timestamp()
    with hub.db.read() as conn:
        due = due_tracks(conn, now, 1)
        open_ones = select(tracks.c.wake_at, tracks.c.lease_until).where(tracks.c.phase.in_(["find", "act"]))
        times = [max(row.wake_at, row.lease_until or 0) for row in conn.execute(open_ones) if row.wake_at is not None]
    if due:
        worker.advance(due[0])
    elif times:
        hub.clock.sleep(min(max(min(times) - now, 0.001), 60.0))
    else:
        raise Stuck


def _live(job: Job) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    write_to(Path(job.log).with_suffix(".out"))
    said = ""
    try:
        carry_out(job)
    except BaseException:  # noqa: BLE001  # whatever it was, the test must see it
        said = traceback.format_exc()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    Path(job.log).with_suffix(".error").write_text(said, encoding="utf-8")
    Path(job.log).with_suffix(".modules").write_text("\n".join(sys.modules), encoding="utf-8")
    os._exit(bool(said))


def _load_what_is_loaded_late(log: Path) -> None:
    """The hub imports much only where it is needed; the next processes find in memory what this one had to load."""
    listed = log.with_suffix(".modules")
    for name in listed.read_text(encoding="utf-8").splitlines() if listed.exists() else ():
        if name not in sys.modules:
            with suppress(ImportError):  # some make up modules that nobody else can load
                importlib.import_module(name)


def main() -> None:
    """Fork for every job; answer its pid at once and its wait status when asked for it."""
    logs: dict[int, Path] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            status = os.waitpid(order["wait"], os.WUNTRACED)[1]
            answer = -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
            _load_what_is_loaded_late(logs[order["wait"]])
        else:
            answer = os.fork()
            if not answer:
                _live(Job(**order))
            logs[answer] = Path(order["log"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
