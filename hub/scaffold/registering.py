"""Reads the checkout's pyproject.toml, and puts a connector's entry point into it.

Every other character of that file stays as it is. So the line is put in as text, and the result counts only if TOML
itself says that nothing else has changed: what merely looks like the table, inside a long text, never passes that.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub.errors import UsageError
from hub.plugins import GROUP

_TABLE = f'[project.entry-points."{GROUP}"]'
_CHECKOUT = "subject-request-hub"  # what the project of such a folder is called
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # TOML ends lines there; Python's own `splitlines` knows seven further places
_QUOTED = r"""\s*["']?{}["']?\s*"""
_HEAD = re.compile(r"\s*\[" + r"\.".join(_QUOTED.format(re.escape(key)) for key in ("project", "entry-points", GROUP)))
_ENTRY = re.compile(r"""\s*["']?(?P<name>[^"'=\s]+)["']?\s*=""")


def checkout_around(into: Path) -> Path:
    """The nearest folder above that is a checkout of the hub. Raises `UsageError`."""
    for folder in (into.resolve(), *into.resolve().parents):
        project = folder / "pyproject.toml"
        with suppress(PermissionError):  # to look into a folder further up
            if project.is_file() and _inside(_parsed(_text_of(project), project), "project", "name") == _CHECKOUT:
                return folder
    raise UsageError(
        f"{into} is no checkout of the hub", hint="Give --standalone for a project of its own, or name one: --into."
    )


def _text_of(project: Path) -> str:
    """The file as it is, with the line ends it has. Raises `UsageError`."""
    try:
        return project.read_bytes().decode()
    except OSError as error:
        raise UsageError(f"{project} cannot be read: {error.strerror}", hint="Look at its kind and rights.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{project} is no text in UTF-8", hint="Save it as UTF-8.") from None


def with_entry_point(project: Path, name: str) -> str:
    """The text of pyproject.toml with one line more, in its alphabetical place. Raises `UsageError`."""
    text = _text_of(project)
    points = _inside(_parsed(text, project), "project", "entry-points", GROUP)
    if isinstance(points, dict) and name in points:
        raise UsageError(
            f"{project} has an entry point {name} already", hint="Choose another name, or take its line out."
        )
    for changed in _candidates(text, name):
        try:
            if tomllib.loads(changed) == _expected(text, name):
                return changed
        except tomllib.TOMLDecodeError:
            continue  # that place was none
    raise UsageError(f"{project} has no table {_TABLE}", hint="Add it; it may be empty.")


def _candidates(text: str, name: str) -> Iterator[str]:
    """The text with the line wherever it could belong: in its place among the others, or right below the head."""
    lines = _LINE.findall(text)
    for head in [number for number, line in enumerate(lines) if _HEAD.match(line)]:
        at = head + 1
        while at < len(lines) and (entry := _ENTRY.match(lines[at])) and entry["name"] < name:
            at += 1
        end = "\r\n" if lines[0].endswith("\r\n") else "\n"
        for place in (at, head + 1):
            above = "".join(lines[:place])
            gap = "" if above.endswith("\n") else end
            yield f'{above}{gap}{name} = "connectors.{name}"{end}{"".join(lines[place:])}'


def _expected(text: str, name: str) -> dict[str, Any]:
    document = tomllib.loads(text)
    points = _inside(document, "project", "entry-points", GROUP)
    if isinstance(points, dict):
        points[name] = f"connectors.{name}"
    return document


def _parsed(text: str, project: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"\((at [a-z0-9, ]+)\)", str(error))  # the rest of it quotes the file
        raise UsageError(
            f"{project} is no TOML{f', {place[1]}' if place else ''}", hint="Mend it; nothing was changed."
        ) from None


def _inside(document: object, *keys: str) -> object:
    """What stands there; None where the file has no such place."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document
