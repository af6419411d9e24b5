"""The spool: where an export waits, encrypted, until it is handed over.

A service's answers stream into it, and an attachment of gigabytes passes through in pieces, so memory stays flat. The
journal keeps the `Mark` of the last `sync` in the transaction that keeps the export's cursor; after a crash the spool
is reopened at that mark, whatever came after it is cut off, and the export goes on: no record is lost or kept twice.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.errors import Damaged, StoreError
from hub.exports.entries import CHUNK, END, RECORD, entries, entry, file_entry, record_entry
from hub.exports.frames import FRAME, FrameWriter, blocks, sync_folder, writing
from hub.holding import File, Record

_WHAT = "The export's spool file"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a spool is safely on disk; `dataclasses.asdict` gives its JSON form.

    Args:
        offset: in bytes.
        frames: sealed frames before the offset.
        records: records before the offset.
        files: attachments before the offset.
    """

    offset: int = 0
    frames: int = 0
    records: int = 0
    files: int = 0


START = Mark()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing read back.

    Args:
        source: as given to the writer.
        item: the record or file; a file's chunks must be taken before the next entry is.
    """

    source: str
    item: Record | File = field(repr=False)


class SpoolWriter:
    """Writes a spool file, alone: a second writer is refused.

    Use it as a context manager. Leaving it closes the file without finishing it.

    Args:
        path: the file, made with mode 0600; its name must say nothing (a random one).
        key: 32 bytes, from the request's keys.
        context: binds the file to its request and track; the reader must bring the same.
        at: where to go on; everything after is cut off.

    Raises:
        StoreError: the file cannot be opened, or somebody else is writing it.
        Damaged: the file is shorter than the mark says.
    """

    def __init__(self, path: Path, key: bytes, context: bytes, *, at: Mark = START) -> None:
        self._records, self._files = at.records, at.files
        with writing(_WHAT):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._file = FileIO(descriptor, "r+")
        try:
            self._claim(at.offset)
            with writing(_WHAT):
                self._frames = FrameWriter(self._file, key, context, offset=at.offset, frames=at.frames)
                sync_folder(path.parent)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, record: Record, *, source: str) -> None:
        """Append a record.

        Args:
            record: what the service holds.
            source: where in the service it came from, in a word safe to show (`holding-3`).

        Raises:
            ConnectorBug: its kind is no plain word, its data is not JSON, or it is larger than 64 MiB.
            StoreError: the disk is full; the record was not taken, and what came before is kept.
        """
        self._put(record_entry(source, record.kind, record.data))
        self._records += 1

    def add_file(self, file: File, *, source: str) -> None:
        """Append an attachment, chunk by chunk: the whole of it, or nothing when its source or the disk fails.

        Raises as `add` does, and whatever `file.chunks` raises.
        """
        with writing(_WHAT):
            self._frames.flush()
        offset, frames = self._frames.offset, self._frames.frames
        try:
            self._put(file_entry(source, file.kind, file.name, file.media_type))
            for chunk in file.chunks:
                for start in range(0, len(chunk), FRAME):
                    self._put(entry(CHUNK, chunk[start : start + FRAME]))
            self._put(entry(END, b""))
        except BaseException:
            with suppress(OSError):  # the error under way says more
                self._frames.rewind(offset, frames)
            raise
        self._files += 1

    def sync(self) -> Mark:
        """Bring everything so far to the disk. The mark is for the journal. Raises `StoreError`."""
        with writing(_WHAT):
            self._frames.flush()
            os.fsync(self._file.fileno())
        return Mark(self._frames.offset, self._frames.frames, self._records, self._files)

    def finish(self) -> Mark:
        """`sync`, add the end, and close. Reopening at this mark takes the end off again. Raises `StoreError`."""
        mark = self.sync()
        with writing(_WHAT):
            self._frames.finish()
            os.fsync(self._file.fileno())
        self._file.close()
        return mark

    def _put(self, data: bytes) -> None:
        with writing(_WHAT):
            self._frames.write(data)

    def _claim(self, offset: int) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError("Another worker is writing this export", hint="It is tried again later.") from None
        if os.fstat(self._file.fileno()).st_size < offset:
            raise Damaged("An export's spool file is shorter than the journal says", hint="Start the export anew.")


class SpoolReader:
    """Reads a spool file, as often as it is iterated over.

    Args:
        path, key, context: as for the writer.
        until: reads up to this mark, also while the export goes on or after it broke off. None reads a finished file.
    """

    def __init__(self, path: Path, key: bytes, context: bytes, *, until: Mark | None = None) -> None:
        self._path = path
        self._key = key
        self._context = context
        self._until = until

    def __iter__(self) -> Iterator[Entry]:
        """Every entry in order.

        Raises `Damaged` where the file was altered, cut short or put back to an older state, and `StoreError` if it is
        gone.
        """
        if self._until == START:
            return
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise StoreError(
                f"An export's spool file cannot be read: {os.strerror(error.errno or 0)}",
                hint="Start the export anew.",
            ) from None
        with file:
            frames = self._until.frames if self._until else None
            yield from _items(entries(blocks(file, self._key, self._context, until=frames)))
            if self._until and file.tell() != self._until.offset:
                raise Damaged("An export's spool file is not the one the journal knows", hint="Start the export anew.")


def _items(rest: Iterator[tuple[int, bytes]]) -> Iterator[Entry]:
    for what, payload in rest:
        source, kind, *fields = json.loads(payload)
        if what == RECORD:
            yield Entry(source, Record(kind, fields[0]))
            continue
        chunks = _chunks(rest)
        name, media_type = fields
        yield Entry(source, File(kind, name, media_type, chunks))
        for _ in chunks:  # whatever the caller left
            pass


def _chunks(rest: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    for what, payload in rest:
        if what == END:
            return
        yield payload
