"""The records of one service and kind on their way into a package.

A zip takes one member at a time and a CSV needs its columns first, while a spool holds all kinds mixed. So the records
of each kind are gathered into a file that has no name in any folder, sealed under a key that only this process knows:
nothing readable is left behind, however it ends.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hub.exports.archive import Archive
from hub.exports.contents import Table
from hub.exports.entries import pack_json
from hub.exports.frames import FrameWriter, blocks
from hub.holding import Record

SAMPLE = 200  # records shown on the page
MAX_COLUMNS = 500  # of a CSV; what further fields hold stands together in the last one
CLIP = 300  # characters of a value shown on the page
_DEEPEST = 3  # levels of a value spread out there; JSON shows what is deeper

SOURCE = "source"  # the first column: where in the service the record came from
FURTHER = "further fields"

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  # spreadsheets take the full-width signs for the plain ones


class Gathering:
    """Takes the records of one kind, then writes them to an archive. Use it as a context manager.

    Args:
        kind: of the records.
        folder: a folder on the disk to use.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.withheld = 0
        self._kind = kind
        self._key = os.urandom(32)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # closed by __exit__
        self._frames = FrameWriter(self._file, self._key, b"")
        self._records = 0
        self._columns: dict[str, None] = {}
        self._sample: list[dict[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, source: str, record: Record) -> None:
        """Take a record. Raises `ConnectorBug` if a redactor made it something that JSON cannot hold, and `OSError`."""
        self._frames.write(pack_json({SOURCE: source, "data": dict(record.data)}) + b"\n")
        self._records += 1
        if not self._columns.keys() >= record.data.keys():
            new = (key for key in record.data if key not in self._columns)
            self._columns |= dict.fromkeys(islice(new, MAX_COLUMNS - len(self._columns)))
        if len(self._sample) < SAMPLE:
            self._sample.append({key: _clipped(value) for key, value in islice(record.data.items(), MAX_COLUMNS)})

    def pack(self, archive: Archive, folder: str) -> Table:
        """Write `KIND.jsonl` and `KIND.csv` into that folder of the archive. Raises `OSError`."""
        self._frames.finish()
        with archive.member(f"{folder}/{self._kind}.jsonl") as lines:
            for block in self._blocks():
                lines.write(block)
        with archive.member(f"{folder}/{self._kind}.csv") as table:
            table.write(codecs.BOM_UTF8)  # tells a spreadsheet that this is UTF-8
            for text in self._csv():
                table.write(text.encode("utf-8", "replace"))
        return Table(
            self._kind,
            self._records,
            self.withheld,
            tuple(self._columns),
            tuple(self._sample),
            (lines.result(), table.result()),
        )

    def _blocks(self) -> Iterator[bytes]:
        self._file.seek(0)
        return blocks(self._file, self._key, b"")

    def _csv(self) -> Iterator[str]:
        columns = tuple(self._columns)
        wide = len(columns) == MAX_COLUMNS
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(map(cell, (SOURCE, *columns, *([FURTHER] if wide else []))))
        for block in self._blocks():
            for line in block.splitlines():
                entry = json.loads(line)
                data = entry["data"]
                row = [cell(entry[SOURCE]), *(cell(data.pop(column, None)) for column in columns)]
                writer.writerow([*row, cell(data or None)] if wide else row)
            yield text.getvalue()
            text.seek(0)
            text.truncate()
        yield text.getvalue()


def cell(value: Any) -> str:
    """The text of a value in a CSV: nothing for null, JSON for what is no text.

    What a spreadsheet would take for a formula gets an apostrophe in front (OWASP, *CSV injection*).
    """
    text = as_text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_text(value: Any) -> str:
    """A text as it is, nothing for null, and JSON for the rest."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if type(value) is int:  # most values that are no text; an encoder for each costs more than all else here
        return str(value)
    return pack_json(value).decode()


def _clipped(value: Any) -> str:
    text = _readable(value)
    return text if len(text) <= CLIP else text[:CLIP].rstrip() + " …"


def _readable(value: Any, depth: int = 0) -> str:
    """Lists and objects as a person reads them: a line for each part, and within a part commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if depth < _DEEPEST and isinstance(value, Mapping | list):
        joint = ", " if depth else "\n"
        if isinstance(value, list):
            return joint.join(_readable(part, depth + 1) for part in value)
        return joint.join(f"{key}: {_readable(part, depth + 1)}" for key, part in value.items())
    return as_text(value)
