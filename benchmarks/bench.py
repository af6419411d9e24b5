"""What the benchmarks share: a hub in a temporary folder, requests, and waiting until they are over."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

from sqlalchemy import func, select

from hub.app import Hub
from hub.assembly import kek_source
from hub.coordinator.intake import Submission
from hub.home import Home
from hub.plugins import load
from hub.rights import Right
from hub.store.db import Database
from hub.store.kek import make_kek_file, open_kek
from hub.store.keys import Keys
from hub.store.schema import requests
from hub.subject import Identifier, Subject

INSTANCES = 6
TOP = """
kek = "file:keys/kek"
plugins = ["{plugin}"]
[policy]
find_patience = "{patience}"
[[policy.approve]]
right = "erasure"
verified_by = "portal_login"
"""


@contextmanager
def hub_with(plugin: str, module: str, instances: str, *, patience: str = "2s") -> Iterator[Hub]:
    """A hub with one plugin and these instance tables, approval automatic, no grace."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        home = Home(Path(folder) / "home")
        home.folder.mkdir(mode=0o700)
        home.settings.write_text(TOP.format(plugin=plugin, patience=patience) + instances)
        make_kek_file(home.keys / "kek")
        Keys.open(home.keys, open_kek(kek_source(home, "file:keys/kek")), create=True)
        Database.open(home.database, create=True).close()
        plugins = load((plugin,), [EntryPoint(plugin, module, "hub.connectors")])
        with Hub.open(home, {}, plugins=plugins) as hub:
            yield hub


@contextmanager
def rest_server(latency: float = 0.0) -> Iterator[str]:
    """The REST service in another process; yields its base URL."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        port = Path(folder) / "port"
        command = [sys.executable, str(Path(__file__).with_name("rest.py")), str(port), str(latency)]
        with subprocess.Popen(command) as process:
            while not (port.exists() and port.read_text()):
                time.sleep(0.01)
            try:
                yield f"http://127.0.0.1:{port.read_text()}"
            finally:
                process.kill()


def rest_tables(url: str, *, limited: int | None = None) -> str:
    """hub.toml's tables of six REST instances; `limited` is told to come back in 20 s first."""
    return "".join(
        f'[instances.rest{n}]\nconnector = "rest"\nservice = "s{n}"\nvia = "{url}"\nallow_private = true\n'
        f"limited = {'true' if n == limited else 'false'}\n"
        for n in range(INSTANCES)
    )


def submit(hub: Hub, email: str, right: Right = Right.ERASURE) -> str:
    """A request for one address; returns its id."""
    subject = Subject((Identifier.email(email),))
    return hub.submit(Submission((right,), subject, "portal", datetime.now(UTC), "portal_login"), by="Benchmark")


def open_requests(hub: Hub) -> int:
    """How many requests are not closed."""
    with hub.db.read() as conn:
        query = select(func.count(requests.c.id)).where(requests.c.state != "closed")
        return int(conn.execute(query).scalar_one())


def wait_until(done: object, *, seconds: float = 120.0, every: float = 0.002) -> float:
    """Wait until `done()` is true; returns the seconds it took. Raises `TimeoutError`."""
    began = time.perf_counter()
    while not done():  # type: ignore[operator]
        if time.perf_counter() - began > seconds:
            raise TimeoutError("the benchmark did not end in time")
        time.sleep(every)
    return time.perf_counter() - began
