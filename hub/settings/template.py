"""The hub.toml that `hub init` writes, and the schema for editors: both made from the models, so they cannot lag."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema
from pydantic_core import to_jsonable_python

from hub.processor import Processor
from hub.settings.problems import variable
from hub.settings.shape import FIELDS, NAME, SETTINGS, Controller, InstanceKeys, Policy, System, is_secret

Processors = Mapping[str, type[Processor[Any]]]
_TABLES = ("controller", "policy", "instances", "register")
_WIDTH = 118
_HEAD = """\
# Settings of the Subject Request Hub; docs/settings.md explains them, `hub doctor` checks them. Behind a # without a
# blank stands a setting with its default: take the # away to change it. Secrets come from the environment.
"""
_INSTANCES = """
# One table for each account at a service, as many of one connector as there are accounts. Each can also have:
"""
_REGISTER = """
# Every system that may hold personal data belongs into the register, also where no connector serves it: plans and
# proofs list them all.
#[register.filing_cabinet]
"""


def render_default(processors: Processors) -> str:
    """The text of a new hub.toml: it loads as it stands, and has an example to uncomment for each connector."""
    top = {name: field for name, field in FIELDS.items() if name not in _TABLES}
    own = {name: field for name, field in InstanceKeys.model_fields.items() if name != "connector"}
    parts = [_HEAD, *_lines(top), "\n[controller]\n", *_lines(Controller.model_fields)]
    parts += ["\n[policy]\n", *_lines(Policy.model_fields), _INSTANCES, *_lines(own)]
    for name, processor in sorted(processors.items()):
        parts += [f"\n# {processor.title}\n#[instances.{name}]\n", f'#connector = "{name}"\n']
        parts += _lines(processor.config_model.model_fields, at=("instances", name))
    return "".join([*parts, _REGISTER, *_lines(System.model_fields)])


def json_schema(processors: Processors) -> dict[str, Any]:
    """JSON Schema of hub.toml, for editors and documentation: secrets are not part of it."""
    schema = SETTINGS.json_schema()
    models: list[type[BaseModel]] = [InstanceKeys, *(processor.config_model for processor in processors.values())]
    refs, shared = models_json_schema([(model, "validation") for model in models])
    definitions = schema["$defs"] | shared.get("$defs", {})
    tables = [_table(name, cls, refs, definitions) for name, cls in sorted(processors.items())]
    unused = {"Instance", "InstanceConfig", "InstanceKeys"}
    schema["$defs"] = {name: definition for name, definition in definitions.items() if name not in unused}
    schema["properties"]["instances"] = {
        "type": "object",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"oneOf": tables} if tables else False,
    }
    return schema


def _table(name: str, cls: type[Processor[Any]], refs: Mapping[Any, Any], definitions: Mapping[str, Any]) -> Any:
    """The schema of an instance of one connector: the hub's keys and its own."""
    own = definitions[refs[(InstanceKeys, "validation")]["$ref"].rpartition("/")[2]]
    config = definitions[refs[(cls.config_model, "validation")]["$ref"].rpartition("/")[2]]
    secrets = {key for key, field in cls.config_model.model_fields.items() if is_secret(field)}
    asked = {key: value for key, value in config.get("properties", {}).items() if key not in secrets}
    return {
        "title": cls.title,
        "type": "object",
        "properties": own["properties"] | {"connector": {"const": name}} | asked,
        "required": ["connector", *(key for key in config.get("required", ()) if key not in secrets)],
        "additionalProperties": False,
    }


def _lines(fields: Mapping[str, FieldInfo], *, at: Sequence[str] = (), table: str = "") -> Iterator[str]:
    """Each key with what it says, commented out; `table.` before it where it belongs to a table within the table."""
    for key, field in fields.items():
        name = table + key
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _lines(field.annotation.model_fields, at=(*at, key), table=f"{name}.")
            continue
        meaning = field.description.rstrip(".") if field.description else ""
        if is_secret(field):
            yield _prose(f"{name} is a secret: set {variable((*at, key))}, or use a secret_file. {meaning}")
        else:
            yield _prose(meaning + " (required)" * field.is_required())
            yield f"#{name} = {literal(field)}".rstrip() + "\n"


def _prose(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, _WIDTH))


def literal(field: FieldInfo) -> str:
    """The default as TOML; empty where there is none."""
    default = field.get_default(call_default_factory=True)
    if field.is_required() or default is None:
        return ""
    if isinstance(default, timedelta):
        return f'"{_short(default)}"'
    return _toml(to_jsonable_python(default))


def _toml(value: Any) -> str:
    """A JSON value as TOML: they differ in tables alone."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _short(duration: timedelta) -> str:
    """`7d`, `36h`, `90s`: the largest unit that leaves nothing over."""
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
