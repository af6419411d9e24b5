"""Takes a body, a query or a path apart, has every text in it rewritten, and puts it together again.

Structure, numbers and words of the format stay. What comes out is written in one way whatever it was written in before
(escapes, spaces), so that two requests that say the same are the same text.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode
from xml.sax.saxutils import escape

from hub.testing.cassettes.personal import Kind, kind_of, normalised

REMOVED = "(removed)"  # stands in a request for what proves who sends it
DEEPEST = 6  # documents within documents
_VALUE = frozenset({"value", "values"})  # says nothing itself: the field's name stands beside or above it
_LABEL = frozenset({"name", "key", "field", "fieldname", "tag", "property"})
_MARKUP = re.compile(r"(<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^<>]*>)", re.DOTALL)
_NAME = re.compile(r"</?(?:[\w.-]+:)?([\w.-]+)")
_ATTRIBUTE = re.compile(r"""([\w.:-]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)')""")
_LINE = re.compile(r"([A-Za-z][\w .-]{0,60}?)([ \t]*[=:][ \t]*)(.+)")
_DOCUMENT = re.compile(r"\s*(\{.*\}|\[.*\]|<.*>)\s*", re.DOTALL)


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


def rewrite(body: str, media_type: str, leaf: Leaf) -> str:
    """The body with every text in it rewritten; `media_type` is without parameters, in small letters."""
    if media_type == "application/x-www-form-urlencoded":
        return rewrite_query(body, leaf)
    if media_type == "text/csv":
        return _table(body, leaf)
    document = _document(body, Place(), leaf, 0)
    if document is not None:
        return document
    return "".join(_line(line, leaf) for line in body.splitlines(keepends=True))


def rewrite_query(query: str, leaf: Leaf) -> str:
    """A query or form, its order kept."""
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    beside = [normalised(name) for name, _ in pairs]
    written = [(leaf(name, Place()), rewrite_text(text, _place(name, beside), leaf)) for name, text in pairs]
    return urlencode(written, quote_via=quote, safe="@:,/*<>()", errors="surrogateescape")


def rewrite_path(path: str, leaf: Leaf) -> str:
    """A path, segment by segment; each stays within its own."""
    segments = (leaf(unquote(segment, errors="surrogateescape"), Place()) for segment in path.split("/"))
    return "/".join(quote(segment, safe="@:+,;=!*()'$", errors="surrogateescape") for segment in segments)


def rewrite_text(text: str, place: Place, leaf: Leaf, depth: int = 0) -> str:
    """A text that may be a document itself, as the XML in a form is."""
    document = _document(text, place, leaf, depth) if depth < DEEPEST else None
    return leaf(text, place) if document is None else document


def _document(text: str, place: Place, leaf: Leaf, depth: int) -> str | None:
    """JSON or XML, rewritten; None if the text is neither."""
    if not _DOCUMENT.fullmatch(text):
        return None
    if text.lstrip().startswith("<"):
        return _xml(text, place, leaf, depth)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = json.dumps(_json(value, place, leaf, depth), ensure_ascii=False, indent=1 if depth == 0 else None)
    return found.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair, which JSON can carry


def _json(value: Any, place: Place, leaf: Leaf, depth: int) -> Any:
    if isinstance(value, dict):
        beside = [normalised(name) for name in value]
        return {
            leaf(name, Place()): _json(inner, _inner(name, value, beside, place), leaf, depth)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_json(inner, place, leaf, depth) for inner in value]
    if isinstance(value, str):
        return rewrite_text(value, place, leaf, depth + 1)
    if place.kind == "place" and isinstance(value, float):
        return 0.0
    if isinstance(value, int) and not isinstance(value, bool):
        found = leaf(str(value), place)
        return int(found) if found.lstrip("-").isdecimal() else found
    return value


def _inner(name: str, siblings: dict[str, Any], beside: list[str], parent: Place) -> Place:
    """The place of a member of an object; `{"name": "first_name", "value": …}` names it beside it."""
    field = normalised(name)
    if field in _VALUE:
        label = next((v for k, v in siblings.items() if normalised(k) in _LABEL and isinstance(v, str)), "")
        return _place(label, beside, parent.field) if label else parent
    return _place(name, beside, parent.field)


def _xml(text: str, place: Place, leaf: Leaf, depth: int) -> str:
    """Markup, without its comments."""
    path = [place.field]
    written: list[str] = []
    pieces = _MARKUP.split(text)
    beside = [normalised(name[1]) for name in map(_NAME.match, pieces[1::2]) if name]
    for piece in pieces:
        if piece.startswith("<!--"):
            continue
        if piece.startswith("<![CDATA["):
            written.append(_escaped(rewrite_text(piece[9:-3], _at(path, beside), leaf, depth + 1)))
        elif piece.startswith("<"):
            written.append(_ATTRIBUTE.sub(lambda found: _attribute(found, leaf), piece))
            _follow(piece, path)
        elif piece.strip():
            written.append(_escaped(rewrite_text(html.unescape(piece), _at(path, beside), leaf, depth + 1)))
        else:
            written.append(piece)
    return "".join(written)


def _follow(tag: str, path: list[str]) -> None:
    """Into an element, or out of it; what is not well-formed must not stop anything."""
    name = _NAME.match(tag)
    if name is None or tag.endswith("/>"):
        return
    if not tag.startswith("</"):
        path.append(normalised(name[1]))
    elif len(path) > 1:
        path.pop()


def _at(path: list[str], beside: list[str]) -> Place:
    parent = path[-2] if len(path) > 1 else ""
    field = parent if path[-1] in _VALUE else path[-1]
    return Place(field, kind_of(field, beside, parent))


def _attribute(found: re.Match[str], leaf: Leaf) -> str:
    text = html.unescape(found[3] if found[3] is not None else found[4])
    return f'{found[1]}{found[2]}"{_escaped(leaf(text, _place(found[1])))}"'


def _escaped(text: str) -> str:
    """In ASCII: the same in every encoding the document may declare."""
    return escape(text, {'"': "&quot;"}).encode("ascii", "xmlcharrefreplace").decode()


def _table(text: str, leaf: Leaf) -> str:
    """Comma-separated values under a row of names."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    fields = [normalised(name) for name in rows[0]] if rows else []
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    for number, row in enumerate(rows):
        places = [_place(name, fields) for name in fields] + [Place()] * max(len(row) - len(fields), 0)
        writer.writerow(row if number == 0 else map(leaf, row, places))
    return written.getvalue()


def _line(line: str, leaf: Leaf) -> str:
    """A line of text; one of the form `Name=value` is a field."""
    text = line.rstrip("\r\n")
    pair = _LINE.fullmatch(text)
    found = f"{leaf(pair[1], Place())}{pair[2]}{leaf(pair[3], _place(pair[1]))}" if pair else leaf(text, Place())
    return found + line[len(text) :]


def _place(name: str, beside: list[str] | tuple[str, ...] = (), parent: str = "") -> Place:
    field = normalised(name)
    return Place(field, kind_of(field, beside, parent))
