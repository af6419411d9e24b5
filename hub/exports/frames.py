"""Sealed frames: an append-only file of compressed, encrypted, numbered blocks.

A file is frames and nothing else. A frame is a header (1 byte: 1 for the last frame, else 0; 4 bytes, big-endian: the
length of what follows), a random 12-byte nonce, and AES-256-GCM over the block compressed by zlib. The additional data
is the caller's context, the frame's number (8 bytes, big-endian, from 0) and the header's first byte, so that a frame
moved, copied in from another file, altered or missing, and a file cut short, are all noticed.

Nonces are random because a crash may make a frame's number be used again: a counter would then repeat a nonce.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import Damaged, StoreError

FRAME = 256 * 1024  # bytes of a block before compression; a single write larger than this has a block to itself
LARGEST = 128 * 1024 * 1024  # bytes of a sealed frame; a greater length in a header is damage, not a reason to read on

_HEADER = struct.Struct(">BI")
_NUMBER = struct.Struct(">QB")
_NONCE = 12
_TAG = 16
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turn the system's refusal to write into a `StoreError` about `what`, without the file's name."""
    try:
        yield
    except OSError as error:
        hint = (
            "Free space on that disk, then try again." if error.errno in _FULL else "Check the folder and its rights."
        )
        raise StoreError(f"{what} cannot be written: {os.strerror(error.errno or 0)}", hint=hint) from None


def sync_folder(folder: Path) -> None:
    """Make a file's new name in `folder` outlive a crash. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FrameWriter:
    """Appends to an unbuffered file. What was written counts as kept after `flush` and an `fsync` by the caller.

    A failed write changes nothing, in the file or here: what was taken before stays buffered, and `flush` may be tried
    again.

    Args:
        file: open for writing; cut to `offset`.
        key: 32 bytes.
        context: what the frames belong to; a reader must bring the same.
        offset: where in the file to go on, in bytes.
        frames: how many frames stand before that offset.
    """

    def __init__(self, file: FileIO, key: bytes, context: bytes, *, offset: int = 0, frames: int = 0) -> None:
        self._file = file
        self._aes = AESGCM(key)
        self._context = context
        self._block = bytearray()
        self.rewind(offset, frames)

    def rewind(self, offset: int, frames: int) -> None:
        """Forget what is buffered and everything in the file after `offset`, where `frames` frames stand before."""
        self._block.clear()
        self._file.truncate(offset)
        self._file.seek(offset)
        self.offset = offset
        self.frames = frames

    def write(self, data: bytes) -> None:
        """Append; `data` is never split between two frames. Raises `OSError`, and then `data` was not taken."""
        if len(self._block) + len(data) > FRAME:
            self.flush()
        self._block += data

    def flush(self) -> None:
        """Write out what is buffered. Raises `OSError`."""
        if self._block:
            self._seal(last=False)

    def finish(self) -> None:
        """Write out what is buffered, then the last frame, which says that nothing was cut off. Raises `OSError`."""
        self.flush()
        self._seal(last=True)

    def _seal(self, *, last: bool) -> None:
        nonce = os.urandom(_NONCE)
        sealed = self._aes.encrypt(nonce, zlib.compress(self._block, 1), _aad(self._context, self.frames, last))
        frame = memoryview(_HEADER.pack(last, len(nonce) + len(sealed)) + nonce + sealed)
        end = self.offset + len(frame)
        try:
            while frame:
                frame = frame[self._file.write(frame) :]
        except OSError:
            with suppress(OSError):  # half a frame must not stay; when even this fails, reopening at a mark cuts it
                self._file.truncate(self.offset)
            self._file.seek(self.offset)
            raise
        self._block.clear()
        self.offset = end
        self.frames += 1


def blocks(file: BinaryIO, key: bytes, context: bytes, *, until: int | None = None) -> Iterator[bytes]:
    """The blocks of a file, from its beginning.

    Args:
        file: open for reading, at its beginning.
        key: as for the writer.
        context: as for the writer.
        until: how many frames to read; whatever comes after is none of the reader's business. None reads a finished
            file to its end, and makes sure that it is one.

    Raises:
        Damaged: the file is not as it was written; what was yielded before is.
    """
    aes = AESGCM(key)
    number, last = 0, 0
    while number != until and not last:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise Damaged("Stored data ends too early: a part of it was cut off")
        last, length = _HEADER.unpack(header)
        body = file.read(length) if _NONCE + _TAG <= length <= LARGEST else b""
        if len(body) != length:  # a header that promises more than there is was altered
            raise Damaged
        try:
            block = aes.decrypt(body[:_NONCE], body[_NONCE:], _aad(context, number, last))
        except (InvalidTag, ValueError):
            raise Damaged from None
        if block := zlib.decompress(block):
            yield block
        number += 1
    if until is None and file.read(1):
        raise Damaged("Stored data goes on after its end: something was added to it")
    if until is not None and last:
        raise Damaged("Stored data ends too early: it is an older state of itself")


def _aad(context: bytes, number: int, last: int) -> bytes:
    return context + _NUMBER.pack(number, last)
