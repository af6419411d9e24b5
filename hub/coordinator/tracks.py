"""Advancing one track: claim it, do what the journal says is next, until it must wait or is finished."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from hub.coordinator import acting, exporting, finding
from hub.coordinator.broken import break_off, stop
from hub.coordinator.codec import instant
from hub.coordinator.decide import (
    UNDER_WAY,
    Action,
    Confirm,
    Find,
    Perform,
    Reconcile,
    Rest,
    Resume,
    Settle,
    next_action,
)
from hub.coordinator.fleet import Active, Fleet
from hub.coordinator.journal import (
    CHANGED,
    Head,
    append,
    change_step,
    change_track,
    end_tasks,
    open_task,
    release,
    renew,
    with_news,
)
from hub.coordinator.leases import Keeper, Lease
from hub.coordinator.progress import Rules, progress, settled
from hub.coordinator.standing import (
    Snapshot,
    fenced,
    known_identifiers,
    snapshot,
    with_changed,
    with_holdings,
    with_steps,
)
from hub.coordinator.stepping import add_steps
from hub.coordinator.stopping import withdraw
from hub.errors import Fenced, KeyUnavailable, StoreError
from hub.evidence.events import Event
from hub.processor import Operation
from hub.store import audit
from hub.store.db import Database
from hub.store.keys import Keys
from hub.store.rootkey import RootKey
from hub.store.schema import requests, tasks, tracks
from hub.timepiece import Timepiece
from hub.wire import Watcher

_ATTEMPT = select(tracks.c.attempt).where(tracks.c.id == bindparam("track"))
TROUBLE_PAUSE = 5.0
"""Seconds before a track is tried again when the store or a key could not be used."""

UNCONFIGURED = "unconfigured"  # the settings do not have the track's instance
UNCONFIGURED_PAUSE = 3600.0
"""Seconds between two looks whether the settings have a track's instance again."""
_DELIVER = "Hand the copy over once every service is read (hub export): the erasure waits for it"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds.

    Args:
        lease: of a track; renewed while somebody works on it.
        attempt: for one act or search.
        cap: longest back-off.
        refused_retry, refused_until: when open business is asked about again, and for how long.
        confirm_until: how long a read-back may say *not yet* before a person is asked.
    """

    lease: float = 10.0
    attempt: float = 600.0
    cap: float = 3600.0
    refused_retry: float = 86400.0
    refused_until: float = 21 * 86400.0
    confirm_until: float = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a worker needs, made in one place and passed.

    Args:
        db, keys: the store.
        fleet: the instances.
        rules, patience: the settings that matter here.
        clock: the time.
        spool: folder for exports.
        actor: id of the engine in the audit.
        observe: told about every new event type of interest to observers; fails open.
        watch: who watches a flight, by instance, operation and attempt.
        trouble: told when the store or a key cannot be used, and what broke an advance off.
        chance: a random number in [0, 1).
    """

    db: Database
    keys: Keys
    fleet: Fleet
    rules: Rules
    patience: Patience
    clock: Timepiece
    spool: Path
    actor: str
    observe: Callable[[dict[str, Any]], None] = lambda _: None
    watch: Callable[[str, str, int], tuple[Watcher, ...]] = lambda *_: ()
    trouble: Callable[[Exception], None] = lambda _: None
    chance: Callable[[], float] = random.random

    def now(self) -> float:
        """POSIX seconds."""
        return self.clock.now().timestamp()


def _unconfigured(conn: Connection, at: Snapshot, now: float) -> Rest:
    """The settings lost the instance: a person must say what becomes of it, and meanwhile it may come back."""
    track = at.track
    text = f"{track.instance} is not in hub.toml any more. Put it back, or settle this task by hand."
    open_task(conn, track.request, "unreachable", text, now, instance=track.instance, track=track.id)
    release(conn, track.id, phase=track.phase, at=now + UNCONFIGURED_PAUSE, reason=UNCONFIGURED)
    return Rest(now + UNCONFIGURED_PAUSE, UNCONFIGURED)


class Worker:
    """Advances tracks, on as many threads as call it. What it does stands in the journal before it is done."""

    def __init__(self, desk: Desk, owner: str, wake: Callable[[Iterable[str]], None] = lambda _: None) -> None:
        self.desk = desk
        self.owner = owner
        self.wake = wake
        self._keeper = Keeper(desk.patience.lease, desk.clock, self._extend, self._stands)

    def close(self) -> None:
        """End the thread that renews leases."""
        self._keeper.stop()

    def take_over(self) -> list[str]:
        """Free what a dead predecessor held; call it only when no other worker can be alive (the engine's lock)."""

        def write(conn: Connection) -> list[str]:
            freed = tracks.c.lease_owner.is_not(None) & (tracks.c.lease_owner != self.owner)
            now = self.desk.now()
            found = update(tracks).where(freed).values(lease_owner=None, lease_until=None, wake_at=now)
            return list(conn.execute(found.returning(tracks.c.id)).scalars())

        return self.desk.db.write(write)

    def advance(self, track: str) -> float | None:
        """Work on the track until it must wait; returns when to come back (POSIX seconds), None: not by itself."""
        turn: Turn | Rest | None = None
        try:
            turn, news = self.desk.db.write(with_news(lambda conn: self._claim(conn, track)))
            for item in news:
                self.desk.observe(item)
            if isinstance(turn, Rest):
                return turn.at
            return self._run(turn)
        except Fenced:
            return self.desk.now() + self.desk.patience.lease
        except (StoreError, KeyUnavailable) as error:
            if isinstance(error, KeyUnavailable) and isinstance(turn, Turn):
                return self._broke(track, turn, error)  # the request's key is there: one value does not open
            self.desk.trouble(error)
            return self.desk.now() + TROUBLE_PAUSE  # a full disk, a key not there: the journal holds, come back
        except Exception as error:  # noqa: BLE001  # never again in silence: a person is asked, whatever it was
            return self._broke(track, turn if isinstance(turn, Turn) else None, error)

    def _broke(self, track: str, turn: Turn | None, error: Exception) -> float | None:
        """Write down, in a transaction of its own, that the advance broke off; come back only where that is safe."""
        self.desk.trouble(error)
        try:
            if turn is not None:
                try:
                    return turn.break_off(error)
                except Fenced:
                    return None
                except Exception as again:  # noqa: BLE001  # what broke the advance broke this too: then the least of it
                    self.desk.trouble(again)
            attempt = turn.attempt if turn is not None else None
            self.desk.db.write(lambda conn: stop(conn, track, attempt, error, self.desk.now()))
        except StoreError as again:
            self.desk.trouble(again)
            return self.desk.now() + TROUBLE_PAUSE
        return None

    def _run(self, turn: Turn) -> float | None:
        turn.lease = self._keeper.hold(turn.track, turn.attempt, turn.until)
        try:
            self.wake(turn.woken)
            while not isinstance(turn.action, (Rest, Settle)):
                turn.doing = turn.action
                turn.after(turn.work())
                self.wake(turn.woken)
        finally:
            self._keeper.drop(turn.lease)
        return turn.action.at if isinstance(turn.action, Rest) else None

    def _claim(self, conn: Connection, track: str) -> Turn | Rest:
        fleet, instance, now = self.desk.fleet, track.partition(".")[2], self.desk.now()
        at = snapshot(conn, track, fleet.erase_after(instance) if fleet.knows(instance) else ())
        if at is None or at.track.phase == "settled" or at.track.wrapped_key is None:
            return Rest(None, "settled")
        if at.track.lease_until is not None and at.track.lease_until > now:
            return Rest(at.track.lease_until, "leased")
        if not fleet.knows(instance):
            return _unconfigured(conn, at, now)
        if at.track.reason == UNCONFIGURED:
            end_tasks(conn, tasks.c.track == track, tasks.c.kind == "unreachable", by=None, now=now)
        until = now + self.desk.patience.lease
        attempt = at.track.attempt + 1
        # Due now, until it is let go: should this worker die, the end of its lease is all that holds the track back.
        change_track(conn, track, attempt=attempt, lease_owner=self.owner, lease_until=until, wake_at=now)
        audit.record(
            conn, at=instant(now), actor=self.desk.actor, request=at.track.request, what="track", why="carry_out"
        )
        turn = Turn(self.desk, at, attempt, until)
        turn.proceed(conn)
        return turn

    def _stands(self, lease: Lease) -> bool:
        with self.desk.db.read() as conn:
            return conn.execute(_ATTEMPT, {"track": lease.track}).scalar_one_or_none() == lease.attempt

    def _extend(self, lease: Lease, until: float) -> None:
        self.desk.db.write(lambda conn: renew(conn, lease.track, lease.attempt, until))


def _intend(conn: Connection, action: Perform | Resume) -> None:
    """Write what is about to be sent, before it is."""
    match action:
        case Perform(steps):
            for step in steps:
                change_step(conn, step.id, state="sent", attempt=step.attempt + 1, next_at=None)
        case Resume(step):
            change_step(conn, step.id, reason=UNDER_WAY, next_at=None)


class Turn:
    """One worker's hold on one track: what it knows, and what it does next."""

    lease: Lease

    def __init__(self, desk: Desk, at: Snapshot, attempt: int, until: float) -> None:
        self.desk = desk
        self.at = at
        self.attempt = attempt
        self.until = until
        self.track: str = at.track.id
        self.request: str = at.track.request
        self.instance: str = at.track.instance
        self.root: RootKey = desk.keys.unlock(at.track.epoch, at.track.wrapped_key)
        self.action: Action = Rest(None, "new")
        self.doing: Action = self.action  # what is under way, also while its answer is being written
        self.woken: list[str] = []
        self.known: Sequence[Row[Any]] = ()  # the identifiers a search goes by
        self._head: Head = (at.track.seq, at.track.prev)
        self._stale = False
        self._changed: set[str] = set()  # steps written since they were last read
        self._planned: tuple[Any, Any] = (None, None)  # the holdings and options whose steps are all there
        self._erase_after = desk.fleet.erase_after(self.instance)

    def where(self) -> dict[str, str]:
        """The fields by which an event names instance, connector and account."""
        return self.desk.fleet.where(self.instance)

    @property
    def active(self) -> Active:
        """The instance in use."""
        return self.desk.fleet.get(self.instance)

    def work(self) -> Callable[[Connection], None]:
        """Do the next thing outside any transaction; returns the write that records it."""
        match self.action:
            case Find():
                return finding.find(self)
            case Perform(steps) if steps[0].operation == Operation.EXPORT:
                return exporting.export(self, steps[0])
            case Perform(steps):
                return acting.perform(self, steps)
            case Confirm(step):
                return acting.confirm(self, step)
            case Reconcile(step):
                return acting.reconcile(self, step)
            case Resume(step):
                return acting.resume(self, step)
            case Rest() | Settle():
                raise AssertionError("a track that rests has nothing to do")

    def after(self, written: Callable[[Connection], None]) -> None:
        """Commit what was done together with the decision what comes next."""

        def write(conn: Connection) -> None:
            self._enter(conn)
            written(conn)
            self._look(conn)
            self.proceed(conn)

        self._commit(write)

    def hold(self, write: Callable[[Connection], None]) -> None:
        """Commit something in the middle of a step, under the fence."""

        def fenced_write(conn: Connection) -> None:
            self._enter(conn)
            write(conn)
            self._take_changed(conn)

        self._commit(fenced_write)

    def break_off(self, error: Exception) -> float | None:
        """Give what is under way to a person; returns when to come back."""
        back: float | None = None

        def write(conn: Connection) -> None:
            nonlocal back
            self._enter(conn)
            back = break_off(self, conn, self.doing, error)

        self._commit(write)
        return back

    def _commit(self, write: Callable[[Connection], None]) -> None:
        _, news = self.desk.db.write(with_news(write))
        self.lease.until = self.until
        for item in news:
            self.desk.observe(item)

    def _enter(self, conn: Connection) -> None:
        """Make sure the track is still ours; the lease is renewed when half of it is over."""
        now, seconds = self.desk.now(), self.desk.patience.lease
        decided = self.at.track.decided
        self.at = fenced(conn, self.at, self.attempt)
        self._head = (self.at.track.seq, self.at.track.prev)
        self._stale |= self.at.track.decided != decided
        if self.until - now < seconds / 2:
            self.until = now + seconds
            renew(conn, self.track, self.attempt, self.until)

    def _look(self, conn: Connection) -> None:
        """See where the track stands after a write; more than its steps only where that can have changed."""
        if self._stale or self._erase_after:
            self.at = self._everything(conn)
            self._stale = False
        elif isinstance(self.action, Find):
            self.at = with_holdings(conn, self.at)
        else:
            self._take_changed(conn)
            self.at = with_changed(conn, self.at, self._changed)
            self._changed = set()

    def _take_changed(self, conn: Connection) -> None:
        self._changed |= conn.info.pop(CHANGED, set())

    def read_anew(self) -> None:
        """Say that the write under way changes more than steps: a holding, the instance."""
        self._stale = True

    def proceed(self, conn: Connection) -> None:
        """Decide what comes next, and write its intent or let the track go. Runs inside the caller's transaction."""
        now = self.desk.now()
        self.woken = []
        if isinstance(self.action, Find) or (
            self.at.track.state == "finding" and (self.at.track.barrier_at or now) <= now
        ):
            self._move_on(conn, now)
        if self.at.track.phase == "act":
            self._plan(conn)
        undone = self.at.track.options.get("undone")
        if undone and withdraw(conn, self.root, self.at.track, self.at.steps, now):
            self.at = with_steps(conn, self.at)
        self.action = next_action(self.at, now, self.desk.fleet.processor(self.instance).batch)
        match self.action:
            case Perform() | Resume():
                _intend(conn, self.action)
            case Find():
                self.known = known_identifiers(conn, self.request)
            case Rest(at, reason):
                if reason == "delivery":
                    open_task(conn, self.request, "deliver", _DELIVER, now)
                release(conn, self.track, phase=self.at.track.phase, at=at, reason=reason)
            case Settle():
                release(conn, self.track, phase="settled", at=None, reason=None)
                self.woken += settled(conn, self.root, self.request, self.desk.rules, now)
            case _:
                pass
        self._take_changed(conn)

    def _plan(self, conn: Connection) -> None:
        """Add the steps that are lacking; what is held and asked tells which, so nothing is lacking while it stands."""
        held, options = self.at.holdings, self.at.track.options
        if self._planned[0] is not held or self._planned[1] != options:
            if add_steps(self, conn):
                self.at = with_steps(conn, self.at)
            self._planned = (held, options)

    def _move_on(self, conn: Connection, now: float) -> None:
        """Let the request move on: a round may be over, an approval may follow from policy."""
        moved = progress(conn, self.root, self.request, self.desk.rules, now)
        self.woken = [track for track in moved if track != self.track]
        if moved:
            self.at = self._everything(conn)

    def private(self) -> dict[str, Any]:
        """What of the request itself lies in the vault: the corrections asked for, on whose behalf, a reference."""
        with self.desk.db.read() as conn:
            sealed = conn.execute(select(requests.c.sealed).where(requests.c.id == self.request)).scalar_one()
        opened: dict[str, Any] = json.loads(self.root.open(self.request, "requests", 0, sealed))
        return opened

    def note(self, conn: Connection, *new: Event) -> None:
        """Append events to the request's chain."""
        self._head = append(conn, self.root, self.request, new, self.desk.now(), head=self._head)

    def _everything(self, conn: Connection) -> Snapshot:
        found = snapshot(conn, self.track, self._erase_after)
        assert found is not None, "a claimed track exists"
        return found
