"""What the coordinator costs: tracks a second, one request against slow services, many requests, waiting tracks."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the connector of the benchmarks is a plugin named `rest`

from bench import INSTANCES, hub_with, open_requests, rest_server, rest_tables, submit, wait_until
from sqlalchemy import insert

from hub.rights import Right
from hub.store.schema import requests
from hub.store.schema import tracks as tracks_table
from hub.testing.memory import Kept, forget_services, service

MEMORY = "".join(f'[instances.m{n}]\nconnector = "memory"\nservice = "s{n}"\n' for n in range(INSTANCES))


def tracks(requests: int = 150) -> dict[str, Any]:
    """Tracks of three steps (find, erase, confirm) against processors in memory."""
    forget_services()
    with hub_with("memory", "hub.testing.memory", MEMORY) as hub:
        for n in range(requests):
            for i in range(INSTANCES):
                service(f"s{i}").keep(f"r{n}", Kept(email=f"p{n}@example.org"))
            submit(hub, f"p{n}@example.org")
        cpu, began = time.process_time(), time.perf_counter()
        with hub.engine():
            wait_until(lambda: not open_requests(hub), every=0.02)
            took = time.perf_counter() - began
            used = time.process_time() - cpu
    count = requests * INSTANCES
    return {"tracks": count, "tracks_per_s": round(count / took, 1), "cpu_ms_per_track": round(1000 * used / count, 2)}


def single(runs: int = 7) -> dict[str, Any]:
    """One erasure and one access over six instances at 100 ms a call; one of them told to come back in 20 s."""
    with rest_server(0.1) as url, hub_with("rest", "rest", rest_tables(url)) as hub, hub.engine():
        timed: dict[Right, list[float]] = {Right.ERASURE: [], Right.ACCESS: []}
        for n in range(runs):
            for right, seconds in timed.items():
                began = time.perf_counter()
                request = submit(hub, f"{right.value}{n}@example.org", right)
                wait_until(lambda r=request: _settled(hub, r) == INSTANCES)
                seconds.append(time.perf_counter() - began)
    return {
        "erasure_s": round(statistics.median(timed[Right.ERASURE][1:]), 3),
        "access_s": round(statistics.median(timed[Right.ACCESS][1:]), 3),
        "limited": _limited(),
    }


def _limited(patience: float = 1.0) -> dict[str, Any]:
    """How much longer the other five take when one is told to come back in 20 s."""
    took = {}
    for name, which in (("without", None), ("with", 0)):
        with rest_server(0.1) as url:
            tables = rest_tables(url, limited=which)
            with hub_with("rest", "rest", tables, patience=f"{patience:.0f}s") as hub, hub.engine():
                began = time.perf_counter()
                request = submit(hub, "limited@example.org")
                wait_until(lambda r=request, h=hub: _settled(h, r) >= INSTANCES - 1)
                took[name] = time.perf_counter() - began
    delay = took["with"] - took["without"] - patience
    return {"find_patience_s": patience, "delay_beyond_patience_ms": round(1000 * delay)}


def _settled(hub: Any, request: str) -> int:
    return sum(1 for t in hub.show(request)["tracks"] if t["phase"] == "settled")


def throughput(requests: int = 120) -> dict[str, Any]:
    """Many erasures over six instances at 0 ms, the services in another process."""
    with rest_server() as url, hub_with("rest", "rest", rest_tables(url)) as hub:
        for n in range(requests):
            submit(hub, f"p{n}@example.org")
        cpu, began = time.process_time(), time.perf_counter()
        with hub.engine():
            wait_until(lambda: not open_requests(hub), every=0.02)
            took = time.perf_counter() - began
            used = time.process_time() - cpu
    return {"erasures_per_minute": round(60 * requests / took), "cpu_ms_per_erasure": round(1000 * used / requests, 1)}


def waiting(tracks: int = 10_000, seconds: float = 10.0) -> dict[str, Any]:
    """The engine idle, and with ten thousand tracks that wait for a person. Run in a process of its own."""
    with hub_with("memory", "hub.testing.memory", MEMORY) as hub, hub.engine():
        time.sleep(1.0)
        idle = _rss()
        cpu = time.process_time()
        time.sleep(seconds)
        used = time.process_time() - cpu
        _park(hub, tracks)
        time.sleep(3.0)
        parked = _rss()
    return {
        "idle_mb": round(idle, 1),
        "idle_cpu_percent": round(100 * used / seconds, 2),
        "waiting_tracks": tracks,
        "waiting_extra_mb": round(parked - idle, 1),
    }


def _park(hub: Any, count: int) -> None:
    """Write tracks that wait 20 days straight into the journal: submitting them would measure something else."""
    request = submit(hub, "parked@example.org", Right.ACCESS)
    due = time.time() + 20 * 86400

    def write(conn: Any) -> None:
        row = dict(conn.execute(requests.select().where(requests.c.id == request)).mappings().one())
        for n in range(count):
            parked = f"parked{n // INSTANCES}"
            if n % INSTANCES == 0:
                conn.execute(insert(requests), row | {"id": parked, "state": "acting"})
            track = {"id": f"{parked}.m{n % INSTANCES}", "request": parked, "instance": f"m{n % INSTANCES}"}
            conn.execute(insert(tracks_table), track | {"connector": "memory", "phase": "act", "wake_at": due})

    hub.db.write(write)


def _rss() -> float:
    """Resident memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
