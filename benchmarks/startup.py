"""How long `hub --help` takes, as a multiple of a bare `python -c pass` measured beside it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def measure(runs: int = 15) -> dict[str, Any]:
    """Medians of alternating runs, so that a noisy neighbour disturbs both alike."""
    hub = str(Path(sys.executable).with_name("hub"))
    bare, shown = [], []
    for _ in range(runs):
        bare.append(_time([sys.executable, "-c", "pass"]))
        shown.append(_time([hub, "--help"]))
    ratio = statistics.median(shown) / statistics.median(bare)
    return {"help_ms": round(1000 * statistics.median(shown), 1), "times_bare_python": round(ratio, 1)}


def _time(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began
