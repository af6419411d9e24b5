"""A copy of a holding that nobody keeps: counted, and judged as the spool of a request would judge it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.errors import ConnectorBug
from hub.exports.entries import file_entry, record_entry
from hub.holding import File, Holding, Record
from hub.processor import Processor, Step

MOST = 100
"""Records kept to be shown; of the others their number is."""


@dataclass(slots=True)
class Copy:
    """What an export yielded.

    Args:
        records, files: how many of each kind.
        size: bytes of the files.
        cursors: how many of them an interrupted export could go on after.
        kept: the first records, where they are to be shown: kind and data. Personal data.
    """

    records: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    size: int = 0
    cursors: int = 0
    kept: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list, repr=False)


def copied(processor: Processor[Any], holding: Holding, step: Step, *, keep: bool) -> Copy:
    """Read the export to its end. Raises what the processor raises, and `ConnectorBug` for what is no record."""
    copy = Copy()
    answers: Any = processor.export(holding, step)  # what a connector yields is not believed before it is looked at
    for item in answers:
        match item:
            case Record():
                record_entry("holding", item.kind, item.data)
                copy.records[item.kind] += 1
                if keep and len(copy.kept) < MOST:
                    copy.kept.append((item.kind, dict(item.data)))
            case File():
                file_entry("holding", item.kind, item.name, item.media_type)
                copy.files[item.kind] += 1
                copy.size += sum(map(len, item.chunks))
            case _:
                raise ConnectorBug("An export yielded something that is neither a record nor a file")
        copy.cursors += item.cursor is not None
    return copy
