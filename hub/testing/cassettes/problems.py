"""What can be wrong with a cassette."""

from __future__ import annotations

from hub.errors import UsageError


class CassetteError(UsageError):
    """A cassette cannot be recorded, read or replayed; the text says which, why, and what to do."""

    def __str__(self) -> str:
        return self.diagnostics()  # pytest shows this text alone, and what to do next belongs to it
