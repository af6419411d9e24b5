"""Takes XML and HTML apart by its looks, since what is not well-formed must not stop anything.

Left out are comments, document types with the entities they define, and processing instructions: nothing reads them,
and anything may stand in them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hub.testing.cassettes.personal import kind_of, normalised
from hub.testing.cassettes.places import LABEL, VALUE, Leaf, Place, place_of

_MARKUP = re.compile(
    r"(<!--.*?-->|<!\[CDATA\[.*?\]\]>|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>|<\?.*?\?>"
    r"""|</?[^\W\d](?:[^<>"']|"[^"]*"|'[^']*')*>|</?[^\W\d][^<>]*>)""",
    re.DOTALL | re.IGNORECASE,
)
_LEFT_OUT = re.compile(r"<!--|<!DOCTYPE|<\?(?!xml\s)", re.IGNORECASE)
_CDATA = "<![CDATA["
_NAME = re.compile(r"</?(?:[\w.-]+:)?([\w.-]+)")
_ATTRIBUTE = re.compile(r"""([\w.:-]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'<>=]+))""")


@dataclass(slots=True)
class _Element:
    """One that is open; `label` is the field that an attribute or an element in it names."""

    name: str
    label: str = ""


def rewrite_markup(text: str, field: str, leaf: Leaf) -> str:
    """Markup in the field of that name, every text and attribute in it rewritten."""
    path = [_Element(field)]
    written: list[str] = []
    pieces = _MARKUP.split(text)
    beside = [normalised(name[1]) for name in map(_NAME.match, pieces[1::2]) if name]
    for number, piece in enumerate(pieces):
        is_markup = number % 2 == 1
        if is_markup and _LEFT_OUT.match(piece):
            continue
        if is_markup and not piece.startswith(_CDATA):
            written.append(_ATTRIBUTE.sub(_attributes(piece, leaf), piece))
            _follow(piece, path)
        elif piece.strip():
            said = piece[len(_CDATA) : -3] if is_markup else html.unescape(piece)
            written.append(_escaped(leaf(said, _at(path, beside))))
            if path[-1].name in LABEL and len(path) > 1:
                path[-2].label = _told(said)
        else:
            written.append(piece)
    return "".join(written)


def _follow(tag: str, path: list[_Element]) -> None:
    name = _NAME.match(tag)
    if name is None or tag.endswith("/>"):
        return
    if not tag.startswith("</"):
        path.append(_Element(normalised(name[1]), _label(tag)))
    elif len(path) > 1:
        path.pop()


def _at(path: list[_Element], beside: Collection[str]) -> Place:
    element, parent = path[-1], path[-2] if len(path) > 1 else _Element("")
    field = element.label or (parent.label or parent.name if element.name in VALUE else element.name)
    return Place(field, kind_of(field, beside, parent.name))


def _attributes(tag: str, leaf: Leaf) -> Callable[[re.Match[str]], str]:
    label = _label(tag)

    def attribute(found: re.Match[str]) -> str:
        name = label if label and normalised(found[1]) in VALUE else found[1]
        return f'{found[1]}{found[2]}"{_escaped(leaf(_value(found), place_of(name)))}"'

    return attribute


def _label(tag: str) -> str:
    """What `<field name="last_name" …>` says it is; empty where it says nothing."""
    labels = (_told(_value(found)) for found in _ATTRIBUTE.finditer(tag) if normalised(found[1]) in LABEL)
    return next(filter(None, labels), "")


def _told(text: str) -> str:
    field = normalised(text)
    return field if kind_of(field) else ""


def _value(attribute: re.Match[str]) -> str:
    return html.unescape(attribute[3] or attribute[4] or attribute[5] or "")


def _escaped(text: str) -> str:
    """In ASCII: the same in every encoding the document may declare."""
    return escape(text, {'"': "&quot;"}).encode("ascii", "xmlcharrefreplace").decode()
