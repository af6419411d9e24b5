"""Limits hold at the service, waits end, and nobody starts a thread for them."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import RateLimited, StoreError
from hub.processor import Limits, Rate
from hub.timepiece import ManualTime, SystemTime
from hub.wire import Recorder, Wire, flight
from hub.wire.gate import PATIENCE, Gate
from tests.unit.wire.vendor import HOST, MakeWire, Seen, Vendor, json

URL = f"https://{HOST}/x"
TEN_A_MINUTE = (Rate(10, timedelta(minutes=1)),)


def _slow(_: Seen) -> bytes:
    time.sleep(0.02)
    return json("{}")


def _call(wire: Wire) -> int:
    with flight(Recorder(None, lambda: None)):
        return wire.call("GET", URL).status


def test_eight_threads_with_a_cap_of_two_are_never_more_than_two(make_wire: MakeWire, vendor: Vendor) -> None:
    vendor.answer = _slow
    wire = make_wire(concurrency=2)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: _call(wire), range(24))) == [200] * 24
    assert vendor.busiest == 2
    assert vendor.connections == 2


def test_waiting_for_a_slot_ends(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    release = threading.Event()

    def hold(_: Seen) -> bytes:
        release.wait(5)
        return json("{}")

    vendor.answer = hold
    clock = ManualTime()
    wire = make_wire(concurrency=1, clock=clock)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(_call, wire)
        while not vendor.busy:
            time.sleep(0.001)
        recorder.deadline = clock.now() + timedelta(seconds=0.1)
        with pytest.raises(RateLimited, match="own limit"):
            wire.call("GET", URL)
        release.set()
        assert held.result() == 200
    assert len(vendor.seen) == 1


def test_a_rate_is_kept_by_waiting_a_little(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    clock = ManualTime()
    began = clock.now()
    wire = make_wire(rates=(Rate(2, timedelta(seconds=1)),), clock=clock)
    for _ in range(6):
        wire.call("GET", URL)
    assert timedelta(seconds=2) <= clock.now() - began <= timedelta(seconds=2.1)


@pytest.mark.parametrize("shared", [False, True])
def test_a_long_wait_is_handed_back_with_its_time(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, tmp_path: Path, shared: bool
) -> None:
    clock = ManualTime()
    store = tmp_path / "rates.db" if shared else None
    wire = make_wire(rates=TEN_A_MINUTE, clock=clock, rate_store=store)
    for _ in range(10):
        wire.call("GET", URL)
    with pytest.raises(RateLimited) as caught:
        wire.call("GET", URL)
    assert caught.value.retry_after is not None
    assert timedelta(seconds=PATIENCE) < caught.value.retry_after <= timedelta(seconds=60.1)
    assert len(vendor.seen) == 10
    clock.advance(caught.value.retry_after)
    wire.call("GET", URL)


def test_rates_start_no_thread(make_wire: MakeWire, recorder: Recorder, tmp_path: Path) -> None:
    before = threading.active_count()
    make_wire(rates=TEN_A_MINUTE)
    make_wire(rates=TEN_A_MINUTE, rate_store=tmp_path / "rates.db")
    assert threading.active_count() == before


def _grants(path: str, ready: multiprocessing.Barrier, out: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    gate = Gate("shop", Limits(("x",), rates=(Rate(20, timedelta(hours=1)),)), SystemTime(), Path(path))
    ready.wait()
    granted = 0
    for _ in range(20):
        try:
            with gate.slot():
                granted += 1
        except RateLimited:
            break
    gate.close()
    out.put(granted)


def test_two_processes_share_a_rate(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, out = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_grants, args=(str(tmp_path / "r.db"), ready, out)) for _ in range(2)]
    for process in processes:
        process.start()
    assert out.get(timeout=60) + out.get(timeout=60) == 20
    for process in processes:
        process.join()


def test_instances_in_one_file_are_apart_and_grants_of_the_future_are_forgotten(tmp_path: Path) -> None:
    clock = ManualTime()
    store = tmp_path / "rates.db"
    limits = Limits(("x",), rates=TEN_A_MINUTE)
    for instance in ("shop", "crm"):
        gate = Gate(instance, limits, clock, store)
        for _ in range(10):
            with gate.slot():
                pass
        gate.close()
    earlier = ManualTime(clock.now() - timedelta(days=1))
    gate = Gate("shop", limits, earlier, store)
    with gate.slot():
        pass
    gate.close()


def test_a_rate_file_that_cannot_be_used_says_so(make_wire: MakeWire, tmp_path: Path) -> None:
    (tmp_path / "rates.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="rate"):
        make_wire(rates=TEN_A_MINUTE, rate_store=tmp_path / "rates.db")
