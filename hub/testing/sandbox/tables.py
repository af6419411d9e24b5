"""What a service keeps: rows by id, with the refusals a service gives to what does not fit them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from hub.testing.messages import Refuse, Request

Row = Mapping[str, Any]
"""One record, of JSON values. It is never changed in place: an update puts another in its stead."""


class Table:
    """The records of one kind; a sandbox makes its tables in `seed`, and its `records()` are their rows.

    Args:
        kind: what the service calls one of them (`customer`).
        rows: what it holds at first.
        key: the field that holds a row's id; a row without one gets `KIND-1`, `KIND-2`, …
        required: fields that a row must have, with a value; else 422.
        unique: fields of which no two rows may have the same value, whatever its case; else 409.
        fixed: fields that an update may not change, beside the id; else 422.
        missing: the body of the 404 for an unknown id, in the service's own words.

    Every refusal is a `Refuse` whose body is `{"error": CODE, "fields": […]}`; it never quotes a value. Codes:
    `no_such_KIND` (404, unless `missing` is set), `no_json_object` (400), `required` and `fixed` (422), `taken` (409).
    """

    def __init__(
        self,
        kind: str,
        rows: Iterable[Row] = (),
        *,
        key: str = "id",
        required: Collection[str] = (),
        unique: Collection[str] = (),
        fixed: Collection[str] = (),
        missing: Any = None,
    ) -> None:
        self.kind = kind
        self._missing = {"error": f"no_such_{kind}"} if missing is None else missing
        self._key = key
        self._required, self._unique, self._fixed = tuple(required), tuple(unique), (key, *fixed)
        self._rows: dict[str, Row] = {}
        self._owners: dict[tuple[str, Any], str] = {}  # unique field and value → id
        self._numbered = 0
        self._lock = threading.RLock()
        for row in rows:
            self.insert(row)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, id: object) -> bool:  # noqa: A002  # what it is
        return id in self._rows

    def __iter__(self) -> Iterator[Row]:
        """The rows as they are now, in the order they came."""
        with self._lock:
            return iter(list(self._rows.values()))

    def __getitem__(self, id: str) -> Row:  # noqa: A002  # as above
        """The row of that id. Refuses an unknown one with 404."""
        row = self._rows.get(id)
        if row is None:
            raise Refuse(404, self._missing)
        return row

    def items(self) -> Iterator[tuple[str, Row]]:
        """Id and row, as they are now."""
        with self._lock:
            return iter(list(self._rows.items()))

    def where(self, **values: Any) -> list[Row]:
        """The rows whose fields have these values; texts are the same whatever their case."""
        wanted = {name: _folded(value) for name, value in values.items()}
        return [row for row in self if all(_folded(row.get(name)) == value for name, value in wanted.items())]

    def asked(self, request: Request, *fields: str) -> list[Row]:
        """The rows that the query asks for: `?email=…` and no `phone` goes by the e-mail address alone."""
        given = {name for name, _ in request.query}
        return self.where(**{name: request.one(name) for name in fields if name in given})

    def insert(self, fields: Any) -> Row:
        """Add a row and return it, with its id. Refuses what is no JSON object with 400."""
        with self._lock:
            row = dict(_object(fields))
            while self._key not in row:
                self._numbered += 1
                numbered = f"{self.kind}-{self._numbered}"
                if numbered not in self._rows:
                    row[self._key] = numbered
            if str(row[self._key]) in self._rows:
                raise Refuse(409, {"error": "taken", "fields": [self._key]})
            return self._put(str(row[self._key]), row)

    def update(self, id: str, fields: Any) -> Row:  # noqa: A002  # as above
        """Change some fields of a row and return it. Refuses an unknown id with 404."""
        with self._lock:
            row, changes = self[id], _object(fields)
            fixed = [name for name in self._fixed if name in changes and changes[name] != row.get(name)]
            if fixed:
                raise Refuse(422, {"error": "fixed", "fields": fixed})
            return self._put(id, {**row, **changes})

    def delete(self, id: str) -> None:  # noqa: A002  # as above
        """Remove a row for good. Refuses an unknown id with 404."""
        with self._lock:
            self._forget(self[id])
            del self._rows[id]

    def _put(self, id: str, row: dict[str, Any]) -> Row:  # noqa: A002  # as above
        missing = [name for name in self._required if row.get(name) in (None, "")]
        if missing:
            raise Refuse(422, {"error": "required", "fields": missing})
        taken = [field for field, value in self._values(row) if self._owners.get((field, value), id) != id]
        if taken:
            raise Refuse(409, {"error": "taken", "fields": taken})
        self._forget(self._rows.get(id, {}))
        self._owners |= dict.fromkeys(self._values(row), id)
        self._rows[id] = row
        return row

    def _forget(self, row: Row) -> None:
        for value in self._values(row):
            del self._owners[value]

    def _values(self, row: Row) -> list[tuple[str, Any]]:
        """The unique fields that have a value."""
        return [(name, _folded(row[name])) for name in self._unique if row.get(name) not in (None, "")]


def _object(fields: Any) -> Mapping[str, Any]:
    if not isinstance(fields, Mapping):
        raise Refuse(400, {"error": "no_json_object"})
    return fields


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
