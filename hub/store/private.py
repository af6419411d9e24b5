"""Files and folders for the hub's own user alone, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.errors import HubError

TEMPORARY = ".tmp"  # ending of a file not yet whole


def make_folder(folder: Path) -> None:
    """Make `folder` with mode 0700; one that is there already and still empty is tightened to it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        folder.chmod(0o700)


def refuse_if_open(path: Path, error: type[HubError]) -> None:
    """Raise `error` when others than the owner have any permission on `path`."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        right = "700" if path.is_dir() else "600"
        raise error(
            f"{path} is open to other users of this machine (mode {mode:04o})",
            hint=f"Find out who could have read it, then: chmod {right} {path}",
        )


def write_whole(path: Path, data: bytes) -> None:
    """Write `path` (mode 0600) so that after a crash it is there whole or not at all, and durable on return.

    The caller keeps others away with `alone`.
    """
    partial = path.with_name(path.name + TEMPORARY)
    with suppress(FileNotFoundError):
        partial.unlink()
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def destroy(path: Path) -> None:
    """Overwrite `path` with zeros and remove it, durable on return; nothing happens when it is gone already.

    The overwriting ends what a plain file system would keep; copies that a copy-on-write disk or a backup keeps are
    what the wrapping of the content is for.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path, error: type[HubError]) -> Iterator[None]:
    """Turn the operating system's refusals into `error`, for people."""
    try:
        yield
    except OSError as refusal:
        raise error(
            f"{path} cannot be used: {refusal.strerror}",
            hint="Check the path, who owns it and the space left on the disk, then try again.",
        ) from refusal


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other process and thread that asks for the same out of `folder` meanwhile."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # releases the lock
