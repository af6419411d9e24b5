"""What the documentation quotes from the program: made here, so that it cannot say anything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.cli.frame import Front
from hub.cli.program import SECTIONS, program
from hub.plugins import load
from hub.quality import tables
from hub.quality.connector import Connector
from hub.quality.report import judge
from hub.settings import Controller, Policy, System, json_schema
from hub.settings.problems import settable
from hub.settings.shape import FIELDS, SETTINGS, InstanceKeys
from hub.settings.template import literal
from hub.testing.conformance import Conformance
from hub.wire.status import TABLE, row

ROOT = Path(__file__).parents[2]
WIDTH = 100  # columns of the help texts
_TABLES: Mapping[str, type[BaseModel]] = {
    "controller": Controller,
    "policy": Policy,
    "instances": InstanceKeys,
    "register": System,
}
Schema = Mapping[str, Any]


def commands() -> str:
    """The help of the program and of every command, by section."""
    parts = [_help(None)]
    for title, names in SECTIONS.items():
        parts += [f"### {title}", *map(_help, names)]
    return "\n\n".join(parts)


def settings(table: str) -> str:
    """The keys of one table of hub.toml; `top` are those that stand in none."""
    if table == "top":
        fields = {name: field for name, field in FIELDS.items() if name not in _TABLES}
        return _keys(_rows(SETTINGS.json_schema(), fields, ()))
    at = (table, "NAME") if table in {"instances", "register"} else (table,)
    return _keys(_of_model(_TABLES[table], at))


def connectors() -> str:
    """The settings of every connector that comes with the hub."""
    parts = []
    for name, processor in sorted(load().processors.items()):
        link = f"[Its page](../connectors/{name}/README.md)"
        parts.append(f'### {processor.title}\n\n`connector = "{name}"`. {link} says what it does.')
        parts.append(_keys(_of_model(processor.config_model, ("instances", "NAME"))))
    return "\n\n".join(parts)


def settings_schema() -> str:
    """JSON Schema of hub.toml with every connector that comes with the hub."""
    return json.dumps(json_schema(load().processors), indent=1, ensure_ascii=False) + "\n"


def scale() -> str:
    """The connectors that come with the hub, on the quality scale."""
    plugins, today = load(), datetime.now(UTC).date()
    sandboxes = plugins.sandboxes()
    judged = [judge(Connector(cls, sandboxes.get(name)), today) for name, cls in sorted(plugins.processors.items())]
    return tables.connectors(judged)


def statuses() -> str:
    """What a status means that a call did not expect."""
    named = {str(status): row(status, documented=True) for status in sorted(TABLE)}
    named["403, not in the service's own words"] = row(403, documented=False)
    named["any other below 400"] = row(302, documented=True)
    named["any other 4xx"] = row(400, documented=True)
    named["any other 5xx"] = row(500, documented=True)
    rows = [(said, _code(r.reading.__name__), _code(r.acting.__name__), r.said) for said, r in named.items()]
    return _table(("Status", "After a reading", "After an act", "Meaning"), rows)


def answers() -> str:
    """The documents that docs/schemas/cli.json describes."""
    schema = json.loads((ROOT / "docs/schemas/cli.json").read_text(encoding="utf-8"))
    rows = []
    for reference in schema["oneOf"]:
        document = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        keys = ", ".join(_code(key) for key in document["required"] if key != "schema")
        rows.append((_code(document["properties"]["schema"]["const"]), keys))
    return _table(("`schema`", "Has always"), rows)


def conformance() -> str:
    """The rules of the conformance suite, in their order, each with its reason."""
    rows = []
    for mixin in Conformance.__bases__:
        for name, rule in vars(mixin).items():
            if name.startswith("test_"):
                rows.append((_code(name), " ".join((rule.__doc__ or "").partition("\n\n")[0].split())))
    return _table(("Rule", "Why"), rows)


def _help(name: str | None) -> str:
    """What `--help` prints."""
    context = click.Context(program, info_name="hub", obj=Front({}), terminal_width=WIDTH, **program.context_settings)
    if name is None:
        return f"```text\n$ hub --help\n{program.get_help(context)}\n```"
    command = program.get_command(context, name)
    assert command is not None
    own = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH, **command.context_settings)
    return f"```text\n$ hub {name} --help\n{command.get_help(own)}\n```"


def _of_model(model: type[BaseModel], at: Sequence[str], prefix: str = "") -> Iterator[tuple[str, ...]]:
    return _rows(model.model_json_schema(), model.model_fields, at, prefix)


def _rows(
    schema: Schema, fields: Mapping[str, FieldInfo], at: Sequence[str], prefix: str = ""
) -> Iterator[tuple[str, ...]]:
    """One row for each key; a table within the table has a row for each of its own."""
    for key, field in fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _of_model(field.annotation, (*at, key), f"{prefix}{key}.")
            continue
        forms = _forms(schema["properties"][key], schema.get("$defs", {}))
        name = settable((*at, key)) if not {"array", "object"} & {form.get("type") for form in forms} else None
        default = "required" if field.is_required() else _code(literal(field)) if literal(field) else "none"
        meaning = (field.description or "").rstrip(".")
        value = " or ".join(map(_value, forms))
        yield _code(prefix + key), value, default, _code(name) if name else "", f"{meaning[:1].upper()}{meaning[1:]}."


def _forms(schema: Schema, definitions: Schema) -> list[Schema]:
    """What a value may be: alternatives apart, references followed, without the null of what may be left out."""
    found = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    forms = [form for part in found["anyOf"] for form in _forms(part, definitions)] if "anyOf" in found else [found]
    return [form for form in forms if form.get("type") != "null"]


def _value(form: Schema) -> str:  # noqa: C901, PLR0911  # one line for each form
    """What a value is, in a few words."""
    match form:
        case {"enum": [*values]}:
            return " or ".join(_code(str(value)) for value in values)
        case {"format": "password"}:
            return "secret"
        case {"format": "date"}:
            return "day"
        case {"format": "duration"}:
            return "duration"
        case {"type": "boolean"}:
            return "`true` or `false`"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"number, {least} to {most}"
        case {"type": "integer", "minimum": least}:
            return f"number from {least}"
        case {"type": "string"}:
            return "text"
        case {"type": "array", "items": {"type": "string"}}:
            return "list of texts"
        case {"type": "array"}:
            return "list of tables"
        case {"type": "object"}:
            return "table"
        case _:
            raise ValueError(f"Say in tools/docs/parts.py how to call a value of the form {form}")


def _keys(rows: Iterable[tuple[str, ...]]) -> str:
    return _table(("Key", "Value", "Default", "Variable", "Meaning"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "conformance": conformance,
    "connectors": connectors,
    "scale": scale,
    "rules": tables.rules,
    "statuses": statuses,
    "answers": answers,
    **{f"settings {table}": partial(settings, table) for table in ("top", *_TABLES)},
}
