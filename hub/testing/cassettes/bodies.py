"""Takes a body, a query or a path apart, has every text in it rewritten, and puts it together again.

Structure, numbers and words of the format stay. What comes out is written in one way whatever it was written in before
(escapes, spaces), so that two requests that say the same are the same text.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from hub.testing.cassettes.markup import rewrite_markup
from hub.testing.cassettes.personal import normalised
from hub.testing.cassettes.places import LABEL, VALUE, Leaf, Place, parameter, place_of
from hub.testing.cassettes.tables import is_table, places_under, rewrite_table, titles_of

REMOVED = "(removed)"  # stands in a request for what proves who sends it
UNREADABLE = "(a body that is no text is not kept)"
DEEPEST = 6  # documents within documents
_LINE = re.compile(r"([A-Za-z][\w .-]{0,60}?)([ \t]*[=:][ \t]*)(.+)")
_DOCUMENT = re.compile(r"\s*(\{.*\}|\[.*\]|<.*>)\s*", re.DOTALL)
_AS_JSON = re.compile(r".*[/+](x-)?(nd)?json(l|lines|-seq)?")
_AS_MARKUP = re.compile(r".*[/+](xml|html)")
_AS_TABLE = re.compile(r"text/(csv|tab-separated-values)")
# Cards and calendars: a person stands in nearly every line of them, and what in it is whose is said in no field's name.
_AS_CARD = re.compile(r"text/((x-)?vcard|directory|(x-v)?calendar)")
_CARD = re.compile(r"\s*BEGIN:V", re.IGNORECASE)
_CUT_OFF = re.compile(r"\s*([\[{]|\)\]\}'|while ?\(1\)|for ?\(;;\))")  # JSON, and what services put before it
_CUT_OFF_WITHIN = re.compile(r"""\s*(\{\s*"|\[\s*[\[{"])""")  # in a text a bracket alone is no JSON


def rewrite(body: str, media_type: str, leaf: Leaf) -> str:
    """The body with every text in it rewritten; `media_type` is without parameters, in small letters.

    `UNREADABLE` for a body that is not what it says, or looks like: nobody can tell what in it is whose.
    """
    if media_type == "application/x-www-form-urlencoded":
        return rewrite_query(body, leaf)
    if not body.strip():
        return body
    if _AS_CARD.fullmatch(media_type) or _CARD.match(body):
        return UNREADABLE
    document = _document(body, Place(), leaf, 0)
    return _undocumented(body, media_type, leaf) if document is None else document


def _undocumented(body: str, media_type: str, leaf: Leaf) -> str:
    """A body that does not look like one document."""
    if _AS_MARKUP.fullmatch(media_type):
        return rewrite_markup(body, "", _within(leaf, 0))
    if _AS_JSON.fullmatch(media_type) or _CUT_OFF.match(body):
        return _documents(body, leaf)
    if _AS_TABLE.fullmatch(media_type) or is_table(body):
        return rewrite_table(body, _within(leaf, 0))
    return "".join(_line(line, leaf) for line in body.splitlines(keepends=True))


def rewrite_query(query: str, leaf: Leaf) -> str:
    """A query or form, its order kept."""
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    beside = [normalised(name) for name, _ in pairs]
    written = [(leaf(name, Place()), rewrite_text(text, parameter(name, text, beside), leaf)) for name, text in pairs]
    return urlencode(written, quote_via=quote, safe="@:,/*<>()", errors="surrogateescape")


def rewrite_path(path: str, leaf: Leaf) -> str:
    """A path, segment by segment; each stays within its own."""
    segments = (leaf(unquote(segment, errors="surrogateescape"), Place()) for segment in path.split("/"))
    return "/".join(quote(segment, safe="@:+,;=!*()'$", errors="surrogateescape") for segment in segments)


def rewrite_text(text: str, place: Place, leaf: Leaf, depth: int = 0) -> str:
    """A text that may be a document itself, as the XML in a form is."""
    if _CARD.match(text) or (depth >= DEEPEST and _DOCUMENT.fullmatch(text)):
        return UNREADABLE
    document = _document(text, place, leaf, depth)
    if document is not None:
        return document
    return UNREADABLE if _CUT_OFF_WITHIN.match(text) else leaf(text, place)


def _within(leaf: Leaf, depth: int) -> Leaf:
    """Rewrites what may be a document in one of that depth."""
    return lambda text, place: rewrite_text(text, place, leaf, depth + 1)


def _document(text: str, place: Place, leaf: Leaf, depth: int) -> str | None:
    """JSON or XML, rewritten; None if the text is neither."""
    if not _DOCUMENT.fullmatch(text):
        return None
    if text.lstrip().startswith("<"):
        return rewrite_markup(text, place.field, _within(leaf, depth))
    return _as_json(text, place, leaf, depth)


def _as_json(text: str, place: Place, leaf: Leaf, depth: int) -> str | None:
    try:
        rewritten = _json(json.loads(text), place, leaf, depth)
        found = json.dumps(rewritten, ensure_ascii=False, indent=1 if depth == 0 else None)
    except (ValueError, RecursionError):
        return None
    return found.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair, which JSON can carry


def _documents(body: str, leaf: Leaf) -> str:
    """JSON that is one word or number, or a document in each line."""
    found = [_as_json(line, Place(), leaf, 1) if line.strip() else "" for line in body.splitlines()]
    return UNREADABLE if None in found else "\n".join(filter(None, found))


def _json(value: Any, place: Place, leaf: Leaf, depth: int) -> Any:
    if isinstance(value, dict):
        beside, columns = [normalised(name) for name in value], titles_of(value)
        return {
            leaf(name, Place()): _rows(inner, columns, leaf, depth)
            if columns and isinstance(inner, list)
            else _json(inner, _inner(name, value, beside, place), leaf, depth)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        if len(value) > 1 and isinstance(value[0], list) and (columns := places_under(value[0])):
            return [_json(value[0], Place(), leaf, depth), *_rows(value[1:], columns, leaf, depth)]
        return [_json(inner, place, leaf, depth) for inner in value]
    if isinstance(value, str):
        return rewrite_text(value, place, leaf, depth + 1)
    return _number(value, place, leaf)


def _number(value: float | None, place: Place, leaf: Leaf) -> float | str | None:
    if place.kind == "place" and isinstance(value, float):
        return 0.0
    if isinstance(value, int) and not isinstance(value, bool):
        found = leaf(str(value), place)
        return int(found) if found.lstrip("-").isdecimal() else found
    return value


def _rows(rows: list[Any], columns: list[Place], leaf: Leaf, depth: int) -> list[Any]:
    """Lists under a row of names."""
    return [
        [_json(cell, place, leaf, depth) for cell, place in zip(row, columns + [Place()] * len(row), strict=False)]
        if isinstance(row, list)
        else _json(row, Place(), leaf, depth)
        for row in rows
    ]


def _inner(name: str, siblings: dict[str, Any], beside: list[str], parent: Place) -> Place:
    """The place of a member of an object; `{"name": "first_name", "value": …}` names it beside it."""
    field = normalised(name)
    if field in VALUE:
        label = next((v for k, v in siblings.items() if normalised(k) in LABEL and isinstance(v, str)), "")
        return place_of(label, beside, parent.field) if label else parent
    return place_of(name, beside, parent.field)


def _line(line: str, leaf: Leaf) -> str:
    """A line of text; one of the form `Name=value` is a field."""
    text, within = line.rstrip("\r\n"), _within(leaf, 0)
    pair = _LINE.fullmatch(text)
    found = f"{leaf(pair[1], Place())}{pair[2]}{within(pair[3], place_of(pair[1]))}" if pair else within(text, Place())
    return found + line[len(text) :]
