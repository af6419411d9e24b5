"""What is wrong with the settings, in words: the key, the variable that can set it, and the fix. Never the value."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hub.errors import SettingsError

PREFIX = "HUB_"
_WORDS = {  # pydantic's finding → ours, where its own is a programmer's
    "time_delta_parsing": 'it is no length of time, such as "90s", "36h" or "20d"',
    "time_delta_type": 'it is no length of time, such as "90s", "36h" or "20d"',
    "string_pattern_mismatch": "it is not of the form needed",
    "string_type": "it must be a text, in quotes",
    "tuple_type": 'it must be a list, such as ["a", "b"]',
    "list_type": 'it must be a list, such as ["a", "b"]',
    "dict_type": "it must be a table",
    "mapping_type": "it must be a table",
}
_FORMS = {r"^[A-Z]{2}$": "it must be the two capital letters of a country, such as GB"}  # for a pattern
_TELLING = 4  # characters: shorter texts stand in any sentence, and are no secrets


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit: where (`instances.newsletter.api_key`), what, and what to do about it."""

    key: str
    what: str
    fix: str


def settable(loc: Sequence[int | str]) -> str | None:
    """The variable that sets the key at `loc`; None where hub.toml alone can: lists, whole tables, the register."""
    match loc:
        case ["default_region" | "jurisdiction" | "timezone" | "public_holidays" | "kek"]:
            return variable(loc)
        case ["controller" | "policy", str(key)] if key != "approve":
            return variable(loc)
        case ["instances", _, str(), *_]:
            return variable(loc)
        case _:
            return None


def variable(loc: Sequence[int | str]) -> str:
    """The environment variable that sets the key at `loc`."""
    return PREFIX + "__".join(str(part).upper() for part in loc)


def unknown(loc: Sequence[int | str], known: Collection[str]) -> Problem:
    """A key that means nothing, with the nearest one that does."""
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    fix = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(known))}."
    return Problem(dotted(loc), "is no setting", fix)


def misnamed(loc: Sequence[int | str]) -> Problem:
    """A name that instances and systems cannot have."""
    fix = "Begin with a letter; then lower-case letters, digits and underscores, 41 characters at most."
    return Problem(dotted(loc), "is no name for an instance or a system", fix)


def dotted(loc: Sequence[int | str]) -> str:
    """The key as people write it."""
    return ".".join(map(str, loc))


def described(
    error: ValidationError,
    fields: Mapping[str, FieldInfo],
    *,
    at: Sequence[int | str] = (),
    secrets: Collection[str] = (),
    foreign: bool = False,
) -> Iterator[Problem]:
    """Put pydantic's findings in our words.

    Args:
        error: what it found.
        fields: of the table that was judged.
        at: where that table stands.
        secrets: names of fields that must not be written into hub.toml.
        foreign: whether the table is a connector's, whose own checks may quote what was written.
    """
    for finding in error.errors(include_url=False):
        loc = (*at, *finding["loc"])
        field, siblings = _field(finding["loc"], fields)
        match finding["type"]:
            case _ if loc[-1] == "[key]":
                yield misnamed(loc[:-1])
            case "extra_forbidden" | "unexpected_keyword_argument":
                yield unknown(loc, siblings)
            case "missing" if loc[-1] in secrets:
                fix = f"Set {variable(loc)}, or write it into the file that secret_file names. {_meaning(field)}"
                yield Problem(dotted(loc), "is missing; it is a secret", fix.strip())
            case "missing":
                fix = f"Write it into hub.toml{_or_set(loc)}. {_meaning(field)}"
                yield Problem(dotted(loc), "is missing", fix.strip())
            case _:
                place = f"Mend {variable(loc)}" if loc[-1] in secrets else f"Mend it in hub.toml{_or_set(loc)}"
                what = "it is not of the form needed" if foreign and _quotes(finding) else _message(finding)
                yield Problem(dotted(loc), f"does not fit: {what}", f"{place}. {_meaning(field)}".strip())


def failure(problems: Sequence[Problem]) -> SettingsError:
    """One error that names them all; `problems` is not empty."""
    if len(problems) == 1:
        return SettingsError(f"{problems[0].key} {problems[0].what}", hint=problems[0].fix)
    lines = "".join(f"\n  {p.key} {p.what}\n    {p.fix}" for p in problems)
    return SettingsError(f"{len(problems)} settings do not fit:{lines}", hint="Nothing was changed.")


def _message(finding: Mapping[str, Any]) -> str:
    pattern = finding.get("ctx", {}).get("pattern")
    if known := _FORMS.get(str(pattern)) or _WORDS.get(finding["type"]):
        return known
    said = str(finding["msg"]).replace("datetime.timedelta(0)", "0 seconds")
    text = said.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return text[:1].lower() + text[1:]


def _quotes(finding: Mapping[str, Any]) -> bool:
    return any(len(text) >= _TELLING and text in str(finding["msg"]) for text in _texts(finding["input"]))


def _or_set(loc: Sequence[int | str]) -> str:
    name = settable(loc)
    return f", or set {name}" if name else ""


def _texts(value: object) -> Iterator[str]:
    """Every text in what was written."""
    match value:
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case _:
            reveal = getattr(value, "get_secret_value", None)
            yield str(reveal() if reveal else value)


def _field(loc: Sequence[int | str], fields: Mapping[str, FieldInfo]) -> tuple[FieldInfo | None, Collection[str]]:
    """The field at `loc`, and the names that are known beside it."""
    parts = [part for part in loc if isinstance(part, str)]
    for part, after in pairwise([*parts, ""]):
        found = fields.get(part)
        if found is None or not after:
            return found, fields
        fields = _inner(found)
        if typing.get_origin(found.annotation) is Mapping:  # NAME → table: the name itself is no field
            return _field(parts[2:], fields)
    return None, fields


def _inner(field: FieldInfo) -> Mapping[str, FieldInfo]:
    """The fields of the table a field holds, directly or in a list or map; none for a plain value."""
    for candidate in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate.model_fields
    return {}


def _meaning(field: FieldInfo | None) -> str:
    return f"Meaning: {field.description.rstrip('.')}." if field and field.description else ""
