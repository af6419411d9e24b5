"""What code is installed: the digest by which evidence says which connectors carried a request out."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from hub.plugins import Plugins


def code_digest(plugins: Plugins) -> str:
    """SHA-256 (hex) over name, version and source files of every enabled connector: `code_sha256` in evidence.

    A line per file, sorted: `connector version path-in-package sha256`.
    """
    lines = []
    for name, processor in sorted(plugins.processors.items()):
        package = sys.modules[processor.__module__.rpartition(".")[0] or processor.__module__]
        folders = [Path(folder) for folder in getattr(package, "__path__", [])]
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                lines.append(f"{name} {plugins.versions[name]} {file.relative_to(folder).as_posix()} {digest}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
