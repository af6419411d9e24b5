"""The package a person gets: a zip with a page to read, tables to reuse, attachments, and a manifest.

    index.html                 everything at a glance, with what is missing and why; opens offline
    manifest.json              the same for machines, schema `MANIFEST`
    SERVICE/KIND.jsonl         one record a line: {"source": where in the service, "data": the record}
    SERVICE/KIND.csv           the same for a spreadsheet (UTF-8, RFC 4180)
    SERVICE/files/NNNN.ext     attachments; what they are called at the service stands in the page and the manifest

Memory stays flat, whatever the number of records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.errors import Damaged
from hub.exports.archive import Archive, published
from hub.exports.contents import About, Attachment, Packed, Source, recipients
from hub.exports.page import page
from hub.exports.spool import Entry
from hub.exports.tables import Gathering
from hub.holding import File, Record
from hub.timepiece import Timepiece, rfc3339

MANIFEST = "subject-request-hub/export/v1"

Redact = Callable[[Record], Record | None]
"""Takes out what concerns others: the record to hand over, or None to withhold it."""

# Formats a program shows without running what is in them; markup is shown as text, the rest as bytes.
_EXTENSIONS = {
    "application/json": "json",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "message/rfc822": "eml",
    "text/csv": "csv",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, slots=True)
class Package:
    """What was built.

    Args:
        records: in all tables.
        files: attachments.
        size: of the zip, in bytes.
        incomplete: instances of which something is missing.
    """

    records: int
    files: int
    size: int
    incomplete: tuple[str, ...]


def build(
    out: Path, sources: Iterable[Source], *, about: About, passphrase: str | None, redact: Redact, clock: Timepiece
) -> Package:
    """Write the package to `out`, whole or not at all.

    Args:
        out: a file that does not exist yet; made with mode 0600.
        sources: every service asked, in the order to show them; also those that could not be read.
        about: the request and who answers it.
        passphrase: encrypts the package (`hub.exports.archive.passphrase` makes one); None leaves it plain.
        redact: called once for each record.
        clock: the time.

    Raises:
        UsageError: `out` exists, or the passphrase is too short.
        StoreError: the disk is full, the folder cannot be written, or a spool is gone.
        Damaged: a spool was altered or cut short; its instance is named.
    """
    made = clock.now()
    with published(out) as file:
        with Archive(file, passphrase, made) as archive:
            packed = [_pack(archive, source, redact, out.parent) for source in _distinct(sources)]
            with archive.member("manifest.json") as member:
                text = json.dumps(_manifest(packed, about, made), indent=2, ensure_ascii=False)
                member.write(text.encode("utf-8", "backslashreplace"))
            with archive.member("index.html") as member:
                for part in page(packed, about, made):
                    member.write(part.encode("utf-8", "replace"))
        size = file.tell()
    return Package(
        records=sum(part.records for part in packed),
        files=sum(len(part.attachments) for part in packed),
        size=size,
        incomplete=_incomplete(packed),
    )


def _distinct(sources: Iterable[Source]) -> Iterator[Source]:
    seen = set()
    for source in sources:
        if source.instance in seen:
            raise ValueError("Two sources have the same instance, and so the same folder")
        seen.add(source.instance)
        yield source


def _pack(archive: Archive, source: Source, redact: Redact, folder: Path) -> Packed:
    tables: dict[str, Gathering] = {}
    attachments: list[Attachment] = []
    with ExitStack() as stack:

        def table(kind: str) -> Gathering:
            if kind not in tables:
                tables[kind] = stack.enter_context(Gathering(kind, folder))
            return tables[kind]

        for entry in _entries(source):
            if isinstance(entry.item, File):
                number = len(attachments) + 1
                attachments.append(_attach(archive, source.instance, number, entry.source, entry.item))
            elif (kept := redact(entry.item)) is None:
                table(entry.item.kind).withheld += 1
            else:
                table(kept.kind).add(entry.source, kept)
        packed = tuple(gathering.pack(archive, source.instance) for gathering in tables.values())
    return Packed(source, packed, tuple(attachments))


def _entries(source: Source) -> Iterator[Entry]:
    try:
        for spool in source.spools:
            yield from spool
    except Damaged as error:
        error.instance = source.instance
        raise


def _attach(archive: Archive, folder: str, number: int, source: str, file: File) -> Attachment:
    media_type = file.media_type.partition(";")[0].strip().lower()
    extension = _EXTENSIONS.get(media_type) or ("txt" if media_type.startswith("text/") else "bin")
    with archive.member(f"{folder}/files/{number:04d}.{extension}") as member:
        for chunk in file.chunks:
            member.write(chunk)
    return Attachment(source, file.kind, file.name, file.media_type, member.result())


def _incomplete(packed: Iterable[Packed]) -> tuple[str, ...]:
    return tuple(part.source.instance for part in packed if not part.source.complete)


def _manifest(packed: list[Packed], about: About, made: datetime) -> dict[str, Any]:
    return {
        "schema": MANIFEST,
        "request": about.request,
        "received": rfc3339(about.received),
        "made": rfc3339(made),
        "controller": about.controller,
        "contact": about.contact,
        "recipients": recipients(packed, about),
        "incomplete": list(_incomplete(packed)),
        "sources": [
            {
                "instance": part.source.instance,
                "label": part.source.label,
                "connector": part.source.connector,
                "complete": part.source.complete,
                "reason": part.source.reason,
                "tables": [
                    {
                        "kind": table.kind,
                        "records": table.records,
                        "withheld": table.withheld,
                        "columns": list(table.columns),
                        "files": [asdict(file) for file in table.files],
                    }
                    for table in part.tables
                ],
                "attachments": [asdict(attachment) for attachment in part.attachments],
            }
            for part in packed
        ],
    }
