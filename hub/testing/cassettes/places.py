"""Where a text stands in an exchange, and what that says of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from hub.testing.cassettes.personal import Kind, is_issued, kind_of, normalised

VALUE = frozenset({"value", "values"})  # says nothing itself: the field's name stands beside or above it
LABEL = frozenset({"name", "key", "field", "fieldname", "tag", "property"})


class Place(NamedTuple):
    """Where a text stands.

    Args:
        field: the normalised name of its field; empty where it has none.
        kind: what that name says of it.
    """

    field: str = ""
    kind: Kind | None = None


Leaf = Callable[[str, Place], str]
"""Rewrites one text: all of a JSON string, an XML text or attribute, a form's or a header's value, a path's segment."""


def place_of(name: str, beside: Collection[str] = (), parent: str = "") -> Place:
    """The place of a field of that name; see `kind_of`."""
    field = normalised(name)
    return Place(field, kind_of(field, beside, parent))


def parameter(name: str, text: str, beside: Collection[str] = ()) -> Place:
    """The place of a parameter of an address, or of a field of a form."""
    place = place_of(name, beside)
    return Place(place.field, "opaque") if place.kind is None and is_issued(place.field, text) else place
