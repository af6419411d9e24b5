"""The zip file of a package: encrypted by WinZip's AES-256, which 7-Zip and its like open, and written whole or not.

Names of members, their sizes and times can be read without the passphrase; they hold no personal data.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyzipper

from hub.errors import UsageError
from hub.exports.contents import Member
from hub.exports.frames import sync_folder, writing

SHORTEST = 12  # characters of a passphrase; the format stretches it by 1000 rounds of PBKDF2 alone

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without what is misread: 0 o, 1 l i
_GROUPS, _GROUP = 6, 4


def passphrase() -> str:
    """A new passphrase to dictate over the telephone, `k7mp-…`: six groups of four of 31 characters, 118 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


@contextmanager
def published(out: Path) -> Iterator[BinaryIO]:
    """A new file of mode 0600 beside `out`, which takes that name when the block ends well and else is removed.

    Raises:
        UsageError: `out` exists.
        StoreError: the disk is full, or the folder cannot be written.
    """
    if out.exists() or out.is_symlink():  # said before the work; `_reserve` makes sure after it
        raise _exists()
    partial = out.with_name(f".{secrets.token_hex(8)}.partial")
    with writing("The export"):
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _reserve(out)
            partial.replace(out)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(out.parent)


class Archive:
    """Writes members one after the other, each streamed.

    Use it as a context manager; after an error the file is of no use.

    Args:
        file: open for writing, seekable.
        passphrase: None leaves the archive plain.
        at: the time every member bears.

    Raises:
        UsageError: the passphrase is too short to protect anything.
    """

    def __init__(self, file: BinaryIO, passphrase: str | None, at: datetime) -> None:
        if passphrase is not None and len(passphrase) < SHORTEST:
            raise UsageError(
                f"The passphrase is shorter than {SHORTEST} characters", hint="Leave it out to have one made."
            )
        self._zip = pyzipper.AESZipFile(file, "w", encryption=pyzipper.WZ_AES if passphrase else None)
        if passphrase:
            self._zip.setpassword(passphrase.encode())
        self._time = at.timetuple()[:6]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error:
            self._zip.fp = None  # closing would write again, and hide the error behind its own
        self._zip.close()

    @contextmanager
    def member(self, path: str) -> Iterator[Measured]:
        """A new member to write to; only one at a time."""
        info = self._zip.zipinfo_cls(path, self._time)
        info.compress_type = pyzipper.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as raw:  # its size is not known beforehand
            yield Measured(path, raw)


class Measured:
    """A member being written, which knows its size and digest."""

    def __init__(self, path: str, raw: BinaryIO) -> None:
        self._path = path
        self._raw = raw
        self._size = 0
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append. Raises `OSError`."""
        self._raw.write(data)
        self._size += len(data)
        self._digest.update(data)

    def result(self) -> Member:
        """What was written so far."""
        return Member(self._path, self._size, self._digest.hexdigest())


def _reserve(out: Path) -> None:
    """Take the name, empty, so that renaming over it overwrites nobody else's file."""
    try:
        os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise _exists() from None


def _exists() -> UsageError:
    return UsageError("A file of that name exists, and an export overwrites nothing", hint="Choose another name.")
