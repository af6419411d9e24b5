"""What the environment can set, and the variables in it that look like settings and set nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from hub.settings.problems import PREFIX, Problem, variable

OUTSIDE = frozenset({"HUB_HOME", "HUB_CONFIG"})  # they say where the settings are


class _Sayable(BaseSettings):
    """What the environment can say; lists and the register belong into hub.toml."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")

    default_region: str = ""
    jurisdiction: str = ""
    timezone: str = ""
    public_holidays: str = ""
    kek: str = ""
    controller: dict[str, str] = {}
    policy: dict[str, str] = {}
    instances: dict[str, dict[str, str]] = {}


class Environment(EnvSettingsSource):
    """Reads the environment it is given, and leaves text as text: a secret made of digits is no number."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(_Sayable)
        self.env_vars = {name.lower(): text for name, text in environ.items() if text}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002  # pydantic's
        """The text as it is; pydantic would read JSON here."""
        return value


def stray_variables(environ: Mapping[str, str], written: Mapping[str, Any]) -> Iterator[Problem]:
    """Variables that look like settings and set nothing: most likely misspelt, and silently without effect."""
    fields = _Sayable.model_fields
    tables = [name for name, field in fields.items() if field.annotation is not str]
    instances = written.get("instances")
    known = instances if isinstance(instances, dict) else {}
    for name in sorted(environ):
        head, *rest = name.removeprefix(PREFIX).lower().split("__")
        if not name.startswith(PREFIX) or name in OUTSIDE:
            continue
        if (rest and head not in tables) or (not rest and head in tables):
            yield Problem(name, "sets nothing", f"Variables with two underscores: {', '.join(map(_pattern, tables))}.")
        elif not rest and head not in fields and (near := difflib.get_close_matches(head, fields, n=1, cutoff=0.8)):
            yield Problem(name, "sets nothing", f"Did you mean {variable(near)}?")
        elif head == "instances" and rest[0] not in known:
            near = difflib.get_close_matches(rest[0], known, n=1)
            fix = (
                f"Did you mean {variable(('instances', *near, *rest[1:]))}?" if near else f"Add [instances.{rest[0]}]."
            )
            yield Problem(name, "is about an instance that hub.toml does not have", fix)


def _pattern(table: str) -> str:
    return variable((table, "NAME", "KEY") if table == "instances" else (table, "KEY"))
