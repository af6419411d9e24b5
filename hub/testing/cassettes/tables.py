"""Rows under a row of names: separated values, and the lists of lists that stand for them in JSON."""

from __future__ import annotations

import csv
import io
from typing import Any

from hub.testing.cassettes.personal import normalised
from hub.testing.cassettes.places import LABEL, Leaf, Place, place_of

_SEPARATORS = ",;\t|"
_TITLES = frozenset({"columns", "columnnames", "cols", "headers", "header", "fields", "fieldnames", "titles"})


def is_table(text: str) -> bool:
    """Whether a text that does not say so is a table: rows as long as a first one that names a person's data."""
    try:
        rows = [row for row in _rows(text) if row]
    except csv.Error:
        return False
    alike = sum(len(row) == len(rows[0]) for row in rows)
    return alike > 1 and len(rows[0]) > 1 and alike * 2 >= len(rows) and bool(places_under(rows[0]))


def rewrite_table(text: str, leaf: Leaf) -> str:
    """A table with every cell but those of its first row rewritten."""
    rows = _rows(text)
    beside = [normalised(name) for name in rows[0]] if rows else []
    places = [place_of(name, beside) for name in rows[0]] if rows else []
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=_separator(text), lineterminator="\n")
    for number, row in enumerate(rows):
        writer.writerow(row if number == 0 else map(leaf, row, places + [Place()] * len(row)))
    return written.getvalue()


def titles_of(record: dict[str, Any]) -> list[Place]:
    """The places of the columns that an object names beside its rows; empty where it names nobody's."""
    for name, listed in record.items():
        if normalised(name) in _TITLES and isinstance(listed, list):
            return places_under([_title(each) for each in listed])
    return []


def places_under(titles: list[Any]) -> list[Place]:
    """The places of the cells under a row of names; empty where it is none, or names nothing of a person."""
    if not all(isinstance(title, str) for title in titles):
        return []
    beside = list(map(normalised, titles))
    places = [place_of(title, beside) for title in titles]
    return places if any(place.kind for place in places) else []


def _title(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    return next((text for name, text in told.items() if normalised(name) in LABEL), "")


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text)))


def _separator(text: str) -> str:
    """The one that stands most often in the first line."""
    first = text.lstrip().partition("\n")[0]
    return max(_SEPARATORS, key=first.count)
