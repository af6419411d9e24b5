"""How fast a large holding is spooled and packed, and how much memory that takes.

Prints one JSON object: `records`; `spool_records_per_s` (from the connector's record to the encrypted, synced file) and
`package_records_per_s` (from there to the encrypted zip); `spool_mb` and `package_mb`, the sizes of the two files; and
`peak_rss_mb` of the process that did both.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from hub.exports.archive import passphrase
from hub.exports.contents import About, Source
from hub.exports.package import build
from hub.exports.spool import SpoolReader, SpoolWriter
from hub.holding import Record
from hub.timepiece import SystemTime

PAGE = 1_000  # records a service gives at once; the spool is synced, and the cursor journaled, after each page


def measure(records: int) -> dict[str, Any]:
    """Measure in a process of its own, so that the memory is the export's alone."""
    command = [sys.executable, __file__, "--records", str(records)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _orders(count: int) -> Iterator[Record]:
    """Orders as a shop's API gives them, about 400 bytes each, with ids that do not compress."""
    dice = random.Random(1)
    for number in range(count):
        data = {
            "id": f"{dice.getrandbits(96):024x}",
            "number": number,
            "email": "canary@example.org",
            "currency": "GBP",
            "total": dice.randrange(100, 99_999) / 100,
            "created": f"2026-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}T09:00:00Z",
            "lines": [
                {"sku": f"{dice.getrandbits(32):08x}", "quantity": 1, "title": "LED panel"}
                for _ in range(dice.randrange(1, 4))
            ],
            "address": {"line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"},
            "note": None,
        }
        yield Record("order", data)


def _measure_here(records: int, folder: Path) -> dict[str, Any]:
    key, path, out = os.urandom(32), folder / "spool", folder / "export.zip"
    spooling = 0.0
    with SpoolWriter(path, key, b"benchmark") as spool:
        orders = _orders(records)
        for _ in range(0, records, PAGE):
            page = list(islice(orders, PAGE))
            began = time.perf_counter()
            for order in page:
                spool.add(order, source="holding-1")
            spool.sync()
            spooling += time.perf_counter() - began
        spool.finish()
    source = Source("shop", "Shop", "shop", [SpoolReader(path, key, b"benchmark")])
    clock = SystemTime()
    began = time.perf_counter()
    package = build(
        out,
        [source],
        about=About("benchmark", clock.now(), "Example Ltd"),
        passphrase=passphrase(),
        redact=lambda record: record,
        clock=clock,
    )
    packing = time.perf_counter() - began
    return {
        "records": package.records,
        "spool_records_per_s": round(records / spooling),
        "package_records_per_s": round(records / packing),
        "spool_mb": round(path.stat().st_size / 1e6, 1),
        "package_mb": round(package.size / 1e6, 1),
        "peak_rss_mb": _peak_rss_mb(),
    }


def _peak_rss_mb() -> float:
    """From /proc: `ru_maxrss` would count the parent's memory in, which the child had until its exec."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        result = _measure_here(arguments.parse_args().records, Path(folder))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
