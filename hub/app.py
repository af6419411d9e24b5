"""One hub, put together: settings, plugins, store, coordinator. The command line and every other front end use this.

Nothing here is global: `Hub.open` makes everything once and passes it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import structlog
from sqlalchemy import Connection, select

from hub import trace
from hub.assembly import kek_source, patience, rules, services, systems, terms_of
from hub.coordinator import decisions, handwork, stopping, views
from hub.coordinator.fleet import Fleet
from hub.coordinator.intake import Submission, take_in
from hub.coordinator.journal import new_id, with_news
from hub.coordinator.local import LocalEngine
from hub.coordinator.plan import Mode, Plan, plan
from hub.coordinator.rows import found_by, task_row
from hub.coordinator.sealed import opened
from hub.coordinator.standing import due_tracks
from hub.coordinator.tracks import Desk, Worker
from hub.errors import HubError, UsageError
from hub.home import EngineLock, Home
from hub.plugins import Plugins
from hub.plugins import load as load_plugins
from hub.process import spare_the_collector
from hub.processor import Account
from hub.rights import Right
from hub.settings import Settings, enabled_plugins
from hub.settings import load as load_settings
from hub.store import audit
from hub.store.db import Database
from hub.store.kek import open_kek
from hub.store.keys import Keys
from hub.store.ledger import Ledger
from hub.store.schema import events
from hub.store.shredding import Shredder
from hub.store.vault import Vault
from hub.timepiece import SystemTime, Timepiece
from hub.wire import Recorder, flight

if TYPE_CHECKING:
    from hub.handover import Handover

ENGINE = "engine"  # who reads in the audit when the hub itself carries a request out


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found out about an instance: its account, or the error."""

    instance: str
    account: Account | None
    error: HubError | None


class Hub:
    """A hub on its data folder. Made by `Hub.open`; close it, or use it as a context manager."""

    def __init__(
        self, home: Home, *, plugins: Plugins, settings: Settings, db: Database, keys: Keys, clock: Timepiece
    ) -> None:
        self.home = home
        self.plugins = plugins
        self.settings = settings
        self.db = db
        self.vault = Vault(db, keys)
        self.clock = clock
        self.log = structlog.get_logger("hub")
        self.watch = trace.watch()
        make = services(settings, self.vault, clock)
        self.fleet = Fleet(settings.instances, plugins.processors, make, plugins.versions.__getitem__)
        self.rules = rules(settings, plugins, self.vault)
        self._keys = keys
        self._ledger = Ledger(keys)
        self._lock = EngineLock(home)
        self._engine: LocalEngine | None = None

    @classmethod
    def open(
        cls,
        home: Home,
        environ: Mapping[str, str],
        *,
        clock: Timepiece | None = None,
        plugins: Plugins | None = None,
    ) -> Self:
        """Open the hub in a data folder, with its enabled plugins unless others are given.

        Raises `UsageError` and its kin: there is no hub, or its settings, keys or database do not fit.
        """
        home.required()
        plugins = plugins or load_plugins(enabled_plugins(home.folder, environ))
        settings = load_settings(home.folder, plugins.processors, environ, plugins.dormant)
        keys = Keys.open(home.keys, open_kek(kek_source(home, settings.kek)))
        db = Database.open(home.database)
        return cls(home, plugins=plugins, settings=settings, db=db, keys=keys, clock=clock or SystemTime())

    def close(self) -> None:
        """Let go of the database, and of the connections to services."""
        self.fleet.close()
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What is configured

    def check(self, names: Sequence[str] = ()) -> list[Checked]:
        """Ask services who we are there and what we may do; all of them when none is named."""
        unknown = sorted(set(names) - set(self.settings.instances))
        if unknown:
            raise UsageError(f"There is no instance {unknown[0]}", hint="`hub connectors` lists the instances.")
        return [self._check(name) for name in names or self.settings.instances]

    def _check(self, name: str) -> Checked:
        recorder = Recorder(hmac_key=None, fence=lambda: None, watchers=self.watch(name, "check", 1))
        try:
            processor = self.fleet.get(name).processor
            with flight(recorder):
                account = processor.check()
        except HubError as error:
            recorder.landed(error)
            return Checked(name, None, error)
        recorder.landed(account)
        return Checked(name, account, None)

    # Requests

    def plan(self, rights: Sequence[Right], labels: Sequence[str]) -> Plan:
        """What each system would be asked for. No network."""
        return plan(rights, labels, systems(self.settings, self.plugins))

    def submit(self, submission: Submission, *, by: str) -> str:
        """Take a request in; returns its id. It is carried out by whoever runs the engine on this data folder."""
        now = self.clock.now()
        submission.check(now)
        if all(system.mode is Mode.EXCLUDED for system in systems(self.settings, self.plugins)):
            raise UsageError(
                "No system is registered that could be asked", hint="Name your systems in hub.toml (docs/settings.md)."
            )
        subject = self.plugins.enrich(submission.subject)
        root, wrapped = self._keys.new_root(now)
        request = new_id()
        terms = terms_of(self.settings, self.plugins, submission, subject, by=self.vault.actor_id(by))
        self._write(
            lambda conn: take_in(conn, root, wrapped, request, submission, subject, terms, self.rules, now.timestamp())
        )
        return request

    def show(self, request: str) -> dict[str, Any]:
        """One request, without personal data. Raises `UsageError` when it is unknown."""
        with self.db.read() as conn:
            return views.request_view(conn, request)

    def requests(self, *, include_closed: bool = True) -> dict[str, Any]:
        """Every request, newest first."""
        with self.db.read() as conn:
            return views.requests_view(conn, include_closed=include_closed)

    def tasks(self) -> dict[str, Any]:
        """What waits for a person."""
        with self.db.read() as conn:
            return views.tasks_view(conn)

    def obligations(self) -> list[dict[str, Any]]:
        """What the law keeps for now."""
        with self.db.read() as conn:
            return views.obligations_view(conn)

    def held(self) -> dict[str, str]:
        """Instances not used at present, with the reason's code."""
        with self.db.read() as conn:
            return views.held_instances(conn)

    def evidence(self, request: str) -> list[bytes]:
        """The disclosures of a request's events, in order."""
        root = self.vault.root(request)
        with self.db.read() as conn:
            rows = conn.execute(select(events).where(events.c.request == request).order_by(events.c.seq)).all()
        return [root.open(request, "events", row.seq, row.sealed) for row in rows]

    def hints(self, request: str, *, by: str, why: str) -> dict[int, dict[str, str]]:
        """Holding → what helps to decide whose it is. Personal data: the reading is audited."""
        root = self.vault.root(request)
        self.audited(request, by, "hints", why)
        with self.db.read() as conn:
            found = found_by(conn, request)
        return {h.ordinal: opened(root, h)["hints"] for h in found}

    # What people decide

    def approve(self, request: str, *, by: str, digest: str | None = None) -> None:
        """Approve what was found, as of `digest`. Raises `UsageError` when that is not what is there now."""
        self._decision(request, by, partial(decisions.approve, digest=digest, rules=self.rules))

    def decide(self, request: str, choices: Mapping[int, bool], *, by: str) -> None:
        """Say whose uncertain holdings are."""
        self._decision(request, by, partial(decisions.decide, choices=choices, rules=self.rules))

    def undo(self, request: str, *, by: str) -> None:
        """Withdraw an erasure as far as it can be."""
        self._decision(request, by, partial(stopping.undo, rules=self.rules))

    def cancel(self, request: str, *, by: str) -> None:
        """Stop a request."""
        self._decision(request, by, partial(stopping.cancel, rules=self.rules))

    def release(self, request: str, *, by: str) -> None:
        """Allow a copy to be handed over."""
        self._decision(request, by, decisions.release)

    def retry(self, request: str, *, by: str, instance: str | None = None) -> None:
        """Try again what failed."""
        self.show(request)  # an unknown one is refused before who asks is enrolled
        actor, now = self.vault.actor_id(by), self._now()
        self._write(lambda conn: decisions.retry(conn, request, by=actor, instance=instance, now=now))

    def settle(self, task: str, *, by: str, result: str, proof: bytes | None = None) -> None:
        """Record what a person did about a task."""
        request = self._request_of(task)
        self._decision(
            request, by, partial(handwork.settle, task=task, result=result, proof=proof, rules=self.rules), named=False
        )

    def hold(self, instance: str, *, hold: bool) -> None:
        """Stop using an instance (`hold`), or use it again."""
        if instance not in self.settings.instances:
            raise UsageError(f"There is no instance {instance}", hint="`hub connectors` lists the instances.")
        reason, now = "paused" if hold else None, self._now()
        self._write(lambda conn: decisions.hold_instance(conn, instance, reason, now))

    def export(self, request: str, out: Path, *, passphrase: str | None, by: str) -> Handover:
        """Hand over the copy as a zip file, encrypted unless `passphrase` is None. The reading is audited."""
        from hub.handover import hand_over  # noqa: PLC0415  # the zip's libraries: 9 MB that an idle engine does without

        root = self.vault.root(request)
        self.audited(request, by, "export" if passphrase else "export_plain", "handover")
        with self.db.read() as conn:
            made = hand_over(
                conn,
                root,
                request,
                out,
                settings=self.settings,
                spool=self.home.spool,
                passphrase=passphrase,
                redact=self.plugins.redact,
                clock=self.clock,
            )
        if made.final:
            self._decision(request, by, partial(decisions.delivered, channel="file", rules=self.rules))
        return made

    # Carrying out

    @contextmanager
    def engine(self) -> Iterator[LocalEngine | None]:
        """Carry requests out in this process while the context lasts; None when another process does."""
        if not self._lock.take():
            yield None
            return
        spare_the_collector()
        worker = Worker(self.desk(), new_id(), wake=self._ring)
        engine = LocalEngine(
            worker.advance,
            due=self._due,
            capacity=self._capacity,
            trouble=lambda error: self.log.error("an advance failed", error=error),
            clock=self.clock,
        )
        self._engine = engine
        try:
            Shredder(self.db, self._keys, self.home.spool).reconcile()  # what a crash left half shredded
            worker.take_over()
            engine.start()
            yield engine
        finally:
            engine.stop()
            worker.close()
            self._engine = None
            self._lock.free()

    def engine_holder(self) -> str:
        """The process that carries requests out on this data folder."""
        return self._lock.holder()

    def engine_runs(self) -> bool:
        """Whether some process carries requests out on this data folder now, this one or another."""
        return self._engine is not None or self._lock.held()

    def desk(self) -> Desk:
        """What a worker on this hub needs."""
        return Desk(
            db=self.db,
            keys=self._keys,
            fleet=self.fleet,
            rules=self.rules,
            patience=patience(self.settings),
            clock=self.clock,
            spool=self.home.spool,
            actor=ENGINE,
            observe=self.plugins.observe,
            watch=self.watch,
            trouble=lambda error: self.log.error("an advance could not go on", error=error),
        )

    def _ring(self, ids: Iterable[str]) -> None:
        engine = self._engine
        if engine is not None:
            for track in ids:
                engine.wake(track)

    def _due(self, until: float, most: int) -> Sequence[str]:
        with self.db.read() as conn:
            return due_tracks(conn, until, most)

    def _capacity(self, track: str) -> tuple[str, int]:
        instance = track.partition(".")[2]
        return instance, self.fleet.concurrency(instance)

    def _decision(self, request: str, by: str, write: Callable[..., Any], *, named: bool = True) -> None:
        root, actor, now = self.vault.root(request), self.vault.actor_id(by), self._now()
        given = {"request": request} if named else {}
        self._write(lambda conn: write(conn, root, **given, by=actor, now=now))

    def _request_of(self, task: str) -> str:
        with self.db.read() as conn:
            return str(task_row(conn, task).request)

    def audited(self, request: str | None, by: str, what: str, why: str) -> None:
        """Note who reads personal data, before it is handed over: of a request, or (None) of none."""
        actor, at = self.vault.actor_id(by), self.clock.now()
        self.db.write(lambda conn: audit.record(conn, at=at, actor=actor, request=request, what=what, why=why))

    def _write(self, write: Callable[[Connection], Any]) -> None:
        """Commit, then tell the observers and ring for the tracks the write woke."""
        woken, news = self.db.write(with_news(write))
        for event in news:
            self.plugins.observe(event)
        self._ring(woken or ())

    def _now(self) -> float:
        return self.clock.now().timestamp()
