"""What the crash tests share: a data folder made in milliseconds, processes to kill on it, and what must hold after."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Row, select

from hub.app import Hub
from hub.assembly import kek_source
from hub.evidence.events import FIRST_PREV, digest, leaf_hash
from hub.home import Home
from hub.plugins import Plugins, load
from hub.store.db import Database
from hub.store.kek import make_kek_file, open_kek
from hub.store.keys import Keys
from hub.store.schema import events, holdings, requests, steps, tracks
from hub.testing.canary import Canary, Finding, values_of

KEK = "file:keys/kek"
ACTING = frozenset({"erase", "rectify", "suppress", "lift"})
HOUR = 3600.0


class Nursery:
    """A process that has loaded the hub and forks one for every job."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def start(self, **job: Any) -> int:
        """The pid of a new process that carries the job out."""
        return self._ask(job)

    def wait(self, pid: int) -> int:
        """Its exit code, or the negative number of the signal that ended or stopped it."""
        return self._ask({"wait": pid})

    def _ask(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def plugins_of(modules: Mapping[str, str]) -> Plugins:
    """The plugins of these modules, none of them broken."""
    plugins = load(tuple(modules), [EntryPoint(name, module, "hub.connectors") for name, module in modules.items()])
    assert not plugins.problems
    return plugins


def new_home(folder: Path) -> Home:
    """An empty hub: keys and database, no settings yet. Copy it; making one takes as long as ten copies."""
    home = Home(folder)
    home.folder.mkdir(mode=0o700)
    make_kek_file(home.keys / "kek")
    Keys.open(home.keys, open_kek(kek_source(home, KEK)), create=True)
    Database.open(home.database, create=True).close()
    return home


@dataclass(frozen=True)
class Asked:
    """A request: what is asked, for whom, and what of the person must never be seen in clear."""

    rights: tuple[str, ...]
    person: Mapping[str, Any]
    changes: Mapping[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()

    @cached_property
    def canary(self) -> Canary:
        """Searches for everything known of the person."""
        return Canary({*values_of(dict(self.person)), *self.changes.values(), *self.further})


@dataclass
class Case:
    """One data folder and what is carried out on it.

    Args:
        nursery: where its processes come from.
        folder: everything of this case; the data folder is `home` in it.
        asked: the request.
        plugins: name → module.
        environ: secrets of the instances.
    """

    nursery: Nursery
    folder: Path
    asked: Asked
    plugins: Mapping[str, str]
    environ: Mapping[str, str]
    runs: int = 0
    began: float = field(default_factory=time.time)

    @classmethod
    def made(
        cls,
        nursery: Nursery,
        template: Home,
        folder: Path,
        asked: Asked,
        instances: Mapping[str, Mapping[str, Any]],
        *,
        plugins: Mapping[str, str],
        policy: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """A copy of the template with these instances, which a policy approves for."""
        case = cls(nursery, folder, asked, plugins, environ or {})
        shutil.copytree(template.folder, case.home.folder)
        case.out.mkdir()
        case.home.settings.write_text(_settings(instances, plugins, policy), encoding="utf-8")
        return case

    @property
    def home(self) -> Home:
        """The data folder."""
        return Home(self.folder / "home")

    @property
    def out(self) -> Path:
        """Where copies are handed over."""
        return self.folder / "out"

    @property
    def log(self) -> Path:
        """What the last process passed."""
        return self.folder / f"points-{self.runs}.log"

    def start(self, **job: Any) -> int:
        """Start a process on the folder, an hour after the last one; returns its pid."""
        self.runs += 1
        return self.nursery.start(
            home=str(self.home.folder),
            out=str(self.out),
            log=str(self.log),
            plugins=dict(self.plugins),
            rights=list(self.asked.rights),
            person=dict(self.asked.person),
            changes=dict(self.asked.changes),
            environ=dict(self.environ),
            start=self.began + self.runs * HOUR,
            **job,
        )

    def run(self, **job: Any) -> int:
        """Start a process and wait for its end: its exit code, or minus the signal."""
        return self.nursery.wait(self.start(**job))

    def points(self) -> list[str]:
        """What the last process passed, the point it died at included."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def said(self) -> str:
        """What the last process failed with; empty when it did not."""
        error = self.log.with_suffix(".error")
        return error.read_text(encoding="utf-8") if error.exists() else ""

    def printed(self) -> str:
        """The last process's log."""
        return self.log.with_suffix(".out").read_text(encoding="utf-8")

    def finish(self, **job: Any) -> None:
        """Run to the end."""
        status = self.run(**job)
        assert status == 0, f"the run after the crash ended with {status}: {self.said()}"

    def exposed(self) -> list[Finding]:
        """Where anything of the person stands in clear, in all that was written.

        A copy that a death tore cannot be unpacked; its bytes as they are were searched all the same.
        """
        found = self.asked.canary.search(self.folder)
        return [f for f in found if not (f.path.endswith(".partial") and f.form.startswith("not searched"))]

    @contextmanager
    def opened(self) -> Iterator[Hub]:
        """The hub on this folder, to look at it."""
        with Hub.open(self.home, self.environ, plugins=plugins_of(self.plugins)) as hub:
            yield hub

    def journal(self) -> Journal | None:
        """What the journal holds; None when no request got that far."""
        with self.opened() as hub, hub.db.read() as conn:
            request = conn.execute(select(requests)).one_or_none()
            if request is None:
                return None
            return Journal(
                request,
                conn.execute(select(tracks)).all(),
                conn.execute(select(steps).order_by(steps.c.track, steps.c.number)).all(),
                conn.execute(select(holdings).order_by(holdings.c.ordinal)).all(),
                conn.execute(select(events).order_by(events.c.seq)).all(),
                hub.evidence(request.id),
                hub.show(request.id),
            )


@dataclass(frozen=True)
class Journal:
    """The journal of a folder with one request."""

    request: Row[Any]
    tracks: Any
    steps: Any
    holdings: Any
    rows: Any
    disclosures: list[bytes]
    view: Mapping[str, Any]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events, in order."""
        return [json.loads(disclosure) for disclosure in self.disclosures]

    def of(self, *types: str) -> list[dict[str, Any]]:
        """The events of these types."""
        return [event for event in self.events if event["type"] in types]

    def done(self) -> list[dict[str, Any]]:
        """The acts recorded as done."""
        return [e for e in self.of("step.outcome") if e["operation"] in ACTING and e["outcome"] == "done"]

    def lost(self) -> int:
        """How many acts are recorded as done with their answer lost."""
        return sum(e.get("reason") == "answer_lost" for e in self.done())


def check_chain(journal: Journal) -> None:
    """The events form one unbroken chain that the request's row agrees with: nothing lost, nothing doubled."""
    before = FIRST_PREV
    for seq, (row, disclosure) in enumerate(zip(journal.rows, journal.disclosures, strict=True), start=1):
        event = json.loads(disclosure)
        assert (event["seq"], row.seq) == (seq, seq)
        assert event["prev"] == before
        assert row.leaf == leaf_hash(disclosure)
        before = digest(disclosure)
    assert (journal.request.seq, journal.request.prev) == (len(journal.rows), before)
    for once in ("request.received", "request.verified", "request.planned", "request.closed"):
        assert len(journal.of(once)) <= 1 + (once == "request.received") * (len(journal.request.rights) - 1)
    found = Counter(e["holding"] for e in journal.of("holding.found"))
    assert found == Counter(h.ordinal for h in journal.holdings)


def check_settled(journal: Journal) -> None:
    """The request is over, every act has one outcome and its confirmation, and the last event counts them all."""
    check_chain(journal)
    assert journal.request.state == "closed"
    assert {t.phase for t in journal.tracks} == {"settled"}
    last = journal.events[-1]
    assert (last["type"], last["events"]) == ("request.closed", len(journal.rows))
    acted = Counter(e["step"] for e in journal.done())
    read_back = Counter(e["step"] for e in journal.of("step.confirmed") if e["confirmation"] in {"gone", "as_asked"})
    for step in journal.steps:
        name = f"{step.track.partition('.')[2]}.{step.number}"
        assert step.state == "closed", name
        if step.operation in ACTING and step.outcome["outcome"] == "done":
            assert (acted[name], read_back[name]) == (1, 1), name
            assert step.confirmation in {"gone", "as_asked"}


def _settings(instances: Mapping[str, Mapping[str, Any]], plugins: Mapping[str, str], policy: str) -> str:
    lines = [f'kek = "{KEK}"', f"plugins = {json.dumps(list(plugins))}", "[policy]", policy]
    for right in ("erasure", "rectification"):
        lines += ["[[policy.approve]]", f'right = "{right}"', 'verified_by = "portal_login"']
    for name, settings in instances.items():
        lines += [f"[instances.{name}]", "allow_private = true"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"
