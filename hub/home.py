"""The data folder: where everything of one hub lies, and the lock that keeps two engines apart."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.errors import UsageError

_GLANCE = 0.02  # seconds: far longer than anybody looks at the lock


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder.

    Args:
        folder: its path; mode 0700.
    """

    folder: Path

    @classmethod
    def choose(cls, given: Path | None, environ: Mapping[str, str]) -> Home:
        """`--home`, else `HUB_HOME`, else the platform's own place for an application's data."""
        if given is not None:
            return cls(given.expanduser().absolute())
        if environ.get("HUB_HOME"):
            return cls(Path(environ["HUB_HOME"]).expanduser().absolute())
        from platformdirs import user_data_path  # noqa: PLC0415  # needed only where nothing was said

        return cls(user_data_path("subject-request-hub", appauthor=False))

    @property
    def settings(self) -> Path:
        """hub.toml."""
        return self.folder / "hub.toml"

    @property
    def database(self) -> Path:
        """The journal."""
        return self.folder / "hub.db"

    @property
    def keys(self) -> Path:
        """The key directory: keep it out of the database's backups."""
        return self.folder / "keys"

    @property
    def spool(self) -> Path:
        """Encrypted exports on their way."""
        return self.folder / "spool"

    @property
    def rates(self) -> Path:
        """Shared counts of calls."""
        return self.folder / "rates.db"

    @property
    def exists(self) -> bool:
        """Whether a hub was set up here."""
        return self.database.exists()

    def required(self) -> Home:
        """This folder. Raises `UsageError` when no hub was set up in it."""
        if not self.exists:
            raise UsageError(
                f"There is no hub in {self.folder}", hint="Set one up with `hub init`, or name its folder with --home."
            )
        return self


class EngineLock:
    """Held by the one process that carries requests out; the system frees it when the process dies, however it dies."""

    def __init__(self, home: Home) -> None:
        self._path = home.folder / "engine.lock"
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Take the lock; False when another process has it."""
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        for pause in (_GLANCE, None):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if pause is None:
                    file.close()
                    return False
                time.sleep(pause)  # somebody may only be looking (`held`)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return True

    def held(self) -> bool:
        """Whether a process has it now; looks by sharing it for an instant."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def holder(self) -> str:
        """The process that wrote itself into the lock last, for a message."""
        return self._path.read_text().strip() or "unknown"

    def free(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None
