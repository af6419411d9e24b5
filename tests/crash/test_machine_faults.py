"""Faults of the machine: a stopped process, a full disk, a power cut, a locked database, a missing key, signals."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.exports.spool import Mark
from hub.store.schema import exports
from hub.testing.faults import Delay, Fault
from tests.crash.stage import Stage, check_end

SHORT_LEASE = 'lease = "1s"'
LOCKED = "Another process keeps the database locked"
BUSY = 5.5  # seconds; longer than a writer waits for another process's lock


def stop_at(stage: Stage, strike: int, **job: object) -> int:
    """The pid of a process that stopped itself at that point."""
    pid = stage.case.start(strike=strike, strike_by="STOP", ticking=True, **job)
    assert stage.case.nursery.wait(pid) == -signal.SIGSTOP, stage.case.said()
    return pid


def go_on(stage: Stage, pid: int) -> None:
    """Let it continue, to its end."""
    os.kill(pid, signal.SIGCONT)
    assert stage.case.nursery.wait(pid) == 0, stage.case.said()


@pytest.mark.exhaustive
@pytest.mark.parametrize("strike", range(12, 40))
def test_a_process_that_was_stopped_and_overtaken_sends_nothing_more(staged: Callable[..., Stage], strike: int) -> None:
    stage = staged("rectification", SHORT_LEASE)
    pid = stop_at(stage, strike)
    (book,) = stage.notebooks.values()
    match stage.case.points()[-1]:
        case "commit: before":  # it holds the database's lock: nobody can overtake it, and everybody is told why
            assert stage.case.run(ticking=True, overtake=True, steps=2) == 0, stage.case.said()
            assert LOCKED in stage.case.printed()
            go_on(stage, pid)
        case "call: before":  # the fence is asked right before a call leaves: this one is on its way already
            stage.case.finish(ticking=True, overtake=True)
            calls = len(book.calls)
            go_on(stage, pid)
            assert len(book.calls) <= calls + 1
            assert set(book.acts) <= {"PATCH person p1"}
            book.acts["PATCH person p1"] = 1
        case _:
            stage.case.finish(ticking=True, overtake=True)
            calls = len(book.calls)
            go_on(stage, pid)
            assert len(book.calls) == calls
    check_end(stage, lost=None)


@pytest.mark.parametrize("strike", [20, 30])
def test_a_process_stopped_beyond_its_lease_that_nobody_overtook_goes_on_by_itself(
    staged: Callable[..., Stage], strike: int
) -> None:
    stage = staged("rectification", SHORT_LEASE)
    pid = stop_at(stage, strike)
    time.sleep(1.1)
    go_on(stage, pid)
    check_end(stage, lost=None)


def test_while_the_engine_is_stopped_another_process_is_told_who_has_it(staged: Callable[..., Stage]) -> None:
    stage = staged("erasure")
    pid = stop_at(stage, 60, engine=True)
    with stage.case.opened() as hub:
        with hub.engine() as engine:
            assert engine is None
        assert hub.engine_runs()
        assert hub.engine_holder() == str(pid)
    go_on(stage, pid)
    check_end(stage, lost=None)


@pytest.mark.exhaustive
@pytest.mark.parametrize("right", ["erasure", "access", "objection"])
@pytest.mark.parametrize("strike", range(1, 100, 9))
def test_on_a_full_disk_it_waits_and_goes_on_when_there_is_room(
    staged: Callable[..., Stage], right: str, strike: int
) -> None:
    stage = staged(right)
    stage.case.finish(strike=strike, strike_by="FULL")
    assert "room again" in stage.case.points()
    check_end(stage, lost=None)


@pytest.mark.parametrize("right", ["erasure", "access"])
def test_a_process_that_ends_while_the_disk_is_full_leaves_nothing_half_done(
    staged: Callable[..., Stage], right: str
) -> None:
    stage = staged(right)
    assert stage.case.run(strike=50, strike_by="FULL", full_for=1000, steps=60) == 0, stage.case.said()
    stage.case.finish()
    check_end(stage, lost=None)


def test_a_database_locked_by_another_process_holds_it_up_and_no_more(staged: Callable[..., Stage]) -> None:
    stage = staged("erasure")
    pid = stop_at(stage, 75)
    other = sqlite3.connect(stage.case.home.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    os.kill(pid, signal.SIGCONT)
    time.sleep(BUSY)
    other.execute("ROLLBACK")
    other.close()
    assert stage.case.nursery.wait(pid) == 0, stage.case.said()
    assert LOCKED in stage.case.printed()
    check_end(stage, lost=None)


@pytest.mark.exhaustive
@pytest.mark.parametrize("strike", range(50, 190, 7))
def test_what_a_power_cut_left_behind_the_mark_of_a_spool_is_not_read(
    staged: Callable[..., Stage], strike: int
) -> None:
    stage = staged("access")
    assert stage.case.run(strike=strike) == -signal.SIGKILL
    for spool, mark in marks(stage).items():
        with spool.open("r+b") as file:
            file.truncate(mark.offset)
            file.seek(mark.offset)
            file.write(random.Random(strike).randbytes(strike * 20))
    stage.case.finish()
    check_end(stage, lost=None)


def marks(stage: Stage) -> dict[Path, Mark]:
    """Every spool on disk, and how far the journal knows it."""
    with stage.case.opened() as hub, hub.db.read() as conn:
        rows = conn.execute(select(exports)).all()
        opened = {r.file: hub.vault.root(r.request).open(r.request, "exports", r.track, r.sealed) for r in rows}
    known = {stage.case.home.spool / name: Mark(**json.loads(body)["mark"]) for name, body in opened.items()}
    return {spool: mark for spool, mark in known.items() if spool.exists()}


def test_a_service_that_still_works_on_a_dead_process_s_call_is_asked_again(staged: Callable[..., Stage]) -> None:
    stage = staged("erasure")
    book = stage.notebooks["notes_0"]
    book.faults.add(Fault("DELETE /people/{id}/notes/{note}", Delay(1.0)))
    pid = stage.case.start()
    while book.faults._waiting:  # until the call has arrived; the service takes its time to carry it out
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert stage.case.nursery.wait(pid) == -signal.SIGKILL
    stage.case.finish()
    time.sleep(1.0)  # now the late call is carried out too
    check_end(stage, lost=None)


def test_a_key_that_vanished_stops_everything_until_it_is_back(staged: Callable[..., Stage]) -> None:
    stage = staged("erasure")
    assert stage.case.run(strike=60) == -signal.SIGKILL
    (key,) = (stage.case.home.keys / "epochs").glob("*.key")
    away = stage.case.folder / "away"
    key.rename(away)
    calls = [len(book.calls) for book in stage.notebooks.values()]
    assert stage.case.run(steps=20) == 0, stage.case.said()
    assert "is missing" in stage.case.printed()
    assert [len(book.calls) for book in stage.notebooks.values()] == calls
    away.rename(key)
    stage.case.finish()
    check_end(stage, lost=None)


@pytest.mark.parametrize("strike", [62, 76, 80, 91])
def test_ctrl_c_records_what_is_under_way_and_lets_go(staged: Callable[..., Stage], strike: int) -> None:
    stage = staged("erasure")
    assert stage.case.run(strike=strike, strike_by="INT", ticking=True, engine=True) == 1
    assert stage.case.said().rstrip().endswith("KeyboardInterrupt")
    journal = stage.case.journal()
    assert journal is not None
    assert not [s.id for s in journal.steps if s.state == "sent"]
    assert not [t.id for t in journal.tracks if t.lease_owner]
    with stage.case.opened() as hub:
        assert not hub.engine_runs()
    stage.case.finish()
    check_end(stage)
