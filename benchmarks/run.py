"""Every measurement, as one JSON object on standard output. `make bench` runs it; nothing here fails on a time.

Durability is what the product has: synchronous=FULL, encryption, intents and events on. Each part runs in a process of
its own. The machine's own noise shows in `machine`: the seconds a fixed piece of arithmetic took before and after.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import export
import startup

HERE = Path(__file__).parent


def main() -> None:
    before = _calibrate()
    result: dict[str, Any] = {
        "coordinator": {part: _apart(part) for part in ("tracks", "single", "throughput", "waiting")},
        "export": export.measure(1_000_000),
        "startup": startup.measure(),
    }
    result["machine"] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "arithmetic_s": [round(before, 3), round(_calibrate(), 3)],
    }
    print(json.dumps({"schema": "subject-request-hub/benchmarks/v1", **result}, indent=2))


def _apart(part: str) -> dict[str, Any]:
    print(f"measuring {part}", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, HERE / "coordinator.py", part], check=True, stdout=subprocess.PIPE, text=True
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _calibrate() -> float:
    began = time.perf_counter()
    sum(n * n for n in range(3_000_000))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
