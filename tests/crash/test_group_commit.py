"""kill -9 while many threads write: what was acknowledged is there, and no write is there by half."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.store.db import Database
from hub.store.schema import tokens

WRITER = """
import os, sys, threading
from pathlib import Path
from sqlalchemy import insert
from hub.store.db import Database
from hub.store.schema import tokens

db = Database.open(Path(sys.argv[1]))

def work(thread):
    number = 0
    while True:
        number += 1
        name = f"{thread}-{number}"
        def pair(conn):
            for half in ("a", "b"):
                conn.execute(insert(tokens), {"instance": name, "name": half, "sealed": b"x" * 300})
            if number % 5 == 0:
                raise LookupError
        try:
            db.write(pair)
        except LookupError:
            continue
        os.write(1, f"{name}\\n".encode())

for n in range(12):
    threading.Thread(target=work, args=(n,), daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.parametrize("acknowledged", [1, 40, 700])
def test_kill_nine_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "hub.db"
    Database.open(path, create=True).close()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        writer.kill()
        told += writer.stdout.read().split()
    db = Database.open(path)
    with db.read() as conn:
        rows = conn.execute(select(tokens.c.instance, tokens.c.name)).all()
    db.close()
    halves = {name: {r.name for r in rows if r.instance == name} for name in {r.instance for r in rows}}
    assert set(told) <= set(halves)
    assert all(found == {"a", "b"} for found in halves.values())
    assert not any(int(name.split("-")[1]) % 5 == 0 for name in halves)
