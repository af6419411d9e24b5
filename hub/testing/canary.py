"""Search files for a person: has anything of them been left where it must not be?

Tests plant an unmistakable person, let the hub work, then search everything it wrote. As a command, which ends with 1
if something was found, 2 if the search could not be made:

    python -m hub.testing.canary FOLDER --subject FILE

FILE is the JSON a request is submitted with (`hub.subject.Subject.from_document`). What is encrypted is not found,
which is the point of encrypting it; members of an encrypted zip are passed over.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import json
import lzma
import os
import re
import stat
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Protocol

from hub.errors import HubError
from hub.subject import Subject
from hub.testing.disguises import LONGEST, SHORTEST, Disguises

BLOCK = 16 << 20  # bytes searched at once; a compressed stream amid other data is followed to the end of its block
DEEPEST = 6  # archives within archives
LARGEST = 2 << 30  # bytes of one unpacked member; a bomb is reported, not followed
_IN_MEMORY = 32 << 20  # bytes of an unpacked member; more goes to a temporary file
_PIECE = 8 << 20  # bytes of an unpacked stream searched at once

_UNPACKABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, RuntimeError)
_STREAMS = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")  # how zlib and gzip begin


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something of the person lies.

    Args:
        path: the file; members of archives follow after `!`. A name that is itself a finding is replaced by `(…)`.
        form: the disguise (`base64`, `sha256 in hex`, `file name`), or `not searched: ` and why. Never the value.
    """

    path: str
    form: str


class Canary:
    """Searches for a person's identifiers in every disguise (`hub.testing.disguises`), also inside archives.

    Args:
        values: the identifiers as they are written, each of 5 to 400 characters.

    Raises:
        ValueError: a value is too short or too long to search for.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._disguises = Disguises(values)

    def search(self, path: Path) -> list[Finding]:
        """What is found in a file, or in all files under a folder; links are not followed.

        An empty list says that everything was read and nothing found. Raises `FileNotFoundError` if there is no `path`.
        """
        if not stat.S_ISDIR(path.lstat().st_mode):
            return _distinct(self._file(path, self._shown(path.name)))
        return _distinct(self._folder(path))

    def search_bytes(self, data: bytes, name: str = "data") -> list[Finding]:
        """What is found in `data`; `name` stands for it in the findings."""
        return _distinct(self._content(BytesIO(data), name, 0))

    def _folder(self, folder: Path) -> Iterator[Finding]:
        for root, folders, files in os.walk(folder, onerror=_fail):
            folders.sort()
            for name in sorted([*folders, *files]):
                path = Path(root, name)
                shown = self._shown(str(path.relative_to(folder)))
                if any(self._disguises.found_in(os.fsencode(name))):
                    yield Finding(shown, "file name")
                yield from self._file(path, shown)

    def _file(self, path: Path, shown: str) -> Iterator[Finding]:
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                yield from self._content(BytesIO(os.fsencode(path.readlink())), shown, 0)
            elif stat.S_ISREG(mode):
                with path.open("rb") as file:
                    yield from self._content(file, shown, 0)
        except OSError as error:
            yield Finding(shown, f"not searched: {os.strerror(error.errno or 0)}")

    def _shown(self, path: str) -> str:
        """The path, without any part of it that is a finding itself."""
        parts = path.split("/")
        return "/".join("(…)" if any(self._disguises.found_in(os.fsencode(part))) else part for part in parts)

    def _content(self, file: IO[bytes], shown: str, depth: int) -> Iterator[Finding]:
        for block in _blocks(file, self._disguises.reach):
            for form in self._disguises.found_in(block):
                yield Finding(shown, form)
            for piece in _streams(block, self._disguises.reach):
                for form in self._disguises.found_in(piece):
                    yield Finding(shown, f"{form}, compressed")
        try:
            for name, member in _members(file):
                inside = f"{shown}!{self._shown(name)}"
                if depth == DEEPEST:
                    yield Finding(inside, "not searched: too many archives within archives")
                    continue
                with tempfile.SpooledTemporaryFile(_IN_MEMORY) as unpacked:
                    if _copy(member, unpacked):
                        yield from self._content(unpacked, inside, depth + 1)
                    else:
                        yield Finding(inside, "not searched: too large")
        except _UNPACKABLE:
            yield Finding(shown, "not searched: an archive that cannot be unpacked")


def values_of(document: dict[str, Any]) -> list[str]:
    """What to search for, from the JSON a request is submitted with: as written there, and in normal form.

    City and country are left out: they are everybody's. So is what is too short to be told from chance.
    Raises `hub.errors.InvalidIdentifier`.
    """
    subject = Subject.from_document(document)
    values = {identifier.value for identifier in subject.identifiers if "\n" not in identifier.value}
    values.update(part for address in subject.addresses for part in (address.line1, address.line2, address.postcode))
    for kind in ("email", "phone", "name"):
        written = document.get(kind) or []
        values.update([written] if isinstance(written, str) else written)
    return sorted(value for value in values if SHORTEST <= len(value) <= LONGEST)


def main(arguments: list[str] | None = None) -> int:
    """The command; prints one line for each finding and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m hub.testing.canary", description="Search files for a person.")
    parser.add_argument("folder", type=Path, help="a folder or a file to search")
    parser.add_argument("--subject", type=Path, required=True, metavar="FILE", help="the person's identifiers, as JSON")
    options = parser.parse_args(arguments)
    try:
        values = values_of(json.loads(options.subject.read_text(encoding="utf-8")))
        findings = Canary(values).search(options.folder)
    except (OSError, ValueError, HubError) as error:
        reason = error.diagnostics() if isinstance(error, HubError) else type(error).__name__
        sys.stderr.write(f"The search could not be made: {reason}\n")
        return 2
    for finding in findings:
        sys.stdout.write(f"{finding.path}: {finding.form}\n")
    sys.stdout.write(f"Searched for {len(values)} values: {len(findings)} findings.\n")
    return 1 if findings else 0


def _distinct(findings: Iterator[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))


def _fail(error: OSError) -> None:
    raise error  # os.walk would pass over a folder it cannot read


def _blocks(file: IO[bytes], overlap: int) -> Iterator[bytes]:
    file.seek(0)
    tail = b""
    while block := file.read(BLOCK):
        yield tail + block
        tail = (tail + block)[-overlap:]


def _streams(block: bytes, overlap: int) -> Iterator[bytes]:
    """What compressed streams amid other data hold, piece by piece, as in a PDF or a database's BLOB."""
    view = memoryview(block)
    for match in _STREAMS.finditer(block):
        unpacker = zlib.decompressobj(wbits=47)  # zlib or gzip
        packed: bytes | memoryview = view[match.start() :]
        piece = b""
        with suppress(zlib.error):  # most of what looks like a beginning is none
            while packed:
                piece = piece[-overlap:] + unpacker.decompress(packed, _PIECE)
                yield piece
                packed = unpacker.unconsumed_tail


def _members(file: IO[bytes]) -> Iterator[tuple[str, _Readable]]:
    """Name and content of what an archive holds; nothing if it is none."""
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.flag_bits & 1:  # encrypted
                    with archive.open(info) as member:
                        yield info.filename, member
    elif head.startswith(b"\x1f\x8b\x08"):
        with gzip.GzipFile(fileobj=file) as content:
            yield "gzip", content
    elif head.startswith(b"BZh"):
        with bz2.BZ2File(file) as content:
            yield "bzip2", content
    elif head.startswith(b"\xfd7zXZ\0"):
        with lzma.LZMAFile(file) as content:
            yield "xz", content
    elif head[257:262] == b"ustar":
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for entry in archive:
                if (packed := archive.extractfile(entry)) is not None:
                    yield entry.name, packed


def _copy(source: _Readable, target: IO[bytes]) -> bool:
    """Whether all of it was copied: it may be larger than `LARGEST`."""
    size = 0
    while block := source.read(BLOCK):
        size += target.write(block)
        if size > LARGEST:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
