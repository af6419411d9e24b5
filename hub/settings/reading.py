"""Reads hub.toml and the environment and judges them whole: every problem is named at once, nothing half-read is used.

Where both set a key, the environment wins. Secrets come from the environment or from an instance's `secret_file`;
hub.toml is copied, mailed and committed, so a secret in it is an error.
"""

from __future__ import annotations

import difflib
import re
import stat
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hub.errors import SettingsError
from hub.processor import InstanceConfig, Processor
from hub.settings.environment import Environment, stray_variables
from hub.settings.problems import Problem, described, dotted, failure, misnamed, unknown, variable
from hub.settings.shape import FIELDS, NAME, SETTINGS, Described, Instance, InstanceKeys, Settings, System, is_secret

Model = TypeVar("Model", bound=BaseModel)
_TOML_FIXES = {  # how tomllib's message begins → what to do about it
    "Invalid value": "Put texts into quotes.",
    "Expected '=' after a key": "Write KEY = VALUE, with an equals sign between the two.",
    "Expected ']'": "Close the bracket of the table's name.",
    "Unterminated string": "Close the quotes.",
    'Expected "\'"': "Close the quotes.",
    "Illegal character": "Close the quotes on the line they were opened on.",
    "Unescaped": "Write a backslash twice, or put the text into single quotes.",
    "Unclosed": "Close the bracket.",
    "Cannot declare": "The same table stands there twice: put its keys under one heading.",
    "Cannot overwrite a value": "The same key stands there twice: take one out.",
}
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def enabled_plugins(home: Path, environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The list `plugins` of hub.toml alone: plugins must be loaded before the rest can be judged. None: not given.

    Raises `SettingsError`.
    """
    plugins = _hub_toml(home, environ).get("plugins")
    if plugins is None or (isinstance(plugins, list) and all(isinstance(name, str) for name in plugins)):
        return None if plugins is None else tuple(plugins)
    raise SettingsError("plugins does not fit: it is a list of names", hint='Write it as plugins = ["mailchimp"].')


def load(
    home: Path,
    processors: Mapping[str, type[Processor[Any]]],
    environ: Mapping[str, str],
    dormant: Collection[str] = (),
) -> Settings:
    """Read the settings.

    Args:
        home: the data folder, where hub.toml is unless `HUB_CONFIG` names it.
        processors: name of a connector → its class, as `hub.plugins` found them.
        environ: the environment.
        dormant: names of plugins that are installed and not enabled, to tell them from those that do not exist.

    Raises `SettingsError`, which names every key that does not fit, its variable and the fix, and quotes no value.
    """
    written = _hub_toml(home, environ)
    said = Environment(environ)()
    problems = list(stray_variables(environ, written))
    reader = _Reader(home, processors, dormant, problems)
    served: dict[str, Instance] = {}
    excluded: dict[str, System] = {}
    for name, table in _tables(written, "instances", problems):
        match reader.instance(name, table, said.get("instances", {}).get(name, {})):
            case Instance() as instance:
                served[name] = instance
            case System() as system:
                excluded[name] = system
            case None:
                pass  # what is wrong with it is among the problems
    register = dict(_tables(written, "register", problems))
    problems += [
        Problem(f"register.{name}", "has the name of an instance", "Rename one of the two.")
        for name in register.keys() & (served.keys() | excluded.keys())
    ]
    problems += _misordered(served, excluded, [name for name, _ in _tables(written, "instances", [])])
    top = _merged(written, {key: value for key, value in said.items() if key != "instances"})
    try:
        settings = SETTINGS.validate_python(top | {"instances": served, "register": register | excluded})
    except ValidationError as error:
        problems += described(error, FIELDS)
    else:
        if not problems:
            return settings
    raise failure(problems)


class _Reader:
    """Judges instances, and collects what is wrong with them."""

    def __init__(
        self,
        home: Path,
        processors: Mapping[str, type[Processor[Any]]],
        dormant: Collection[str],
        problems: list[Problem],
    ) -> None:
        self._home = home
        self._processors = processors
        self._dormant = dormant
        self._problems = problems

    def instance(self, name: str, written: Mapping[str, Any], said: Mapping[str, Any]) -> Instance | System | None:
        """The instance; a system of the register when it is excluded; None when it does not fit."""
        at = ("instances", name)
        if not re.fullmatch(NAME, name):
            self._problems.append(misnamed(at))
        own = InstanceKeys.model_fields
        keys = self._judged(InstanceKeys, {k: v for k, v in {**written, **said}.items() if k in own}, at)
        if keys and keys.mode == "excluded":
            shared = {field: getattr(keys, field) for field in Described.model_fields}
            return System(mode="excluded", reason=keys.reason, **shared)
        config = self._config(keys, written, said, at) if keys else None
        if keys is None or config is None:
            return None
        return Instance(name=name, config=config, **keys.model_dump())

    def _config(
        self, keys: InstanceKeys, written: Mapping[str, Any], said: Mapping[str, Any], at: Sequence[str]
    ) -> InstanceConfig | None:
        processor = self._processors.get(keys.connector)
        if processor is None and keys.connector in self._dormant:
            fix = f"Add {keys.connector} to `plugins`, which lists every plugin that may see personal data."
            self._problems.append(Problem(dotted((*at, "connector")), "names what is installed, not enabled", fix))
            return None
        if processor is None:
            near = difflib.get_close_matches(keys.connector, self._processors, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(self._processors)) or 'none'}."
            fix += " `hub connectors` shows what is installed, and why something is not enabled."
            self._problems.append(Problem(dotted((*at, "connector")), "names no connector in use", fix))
            return None
        model, own = processor.config_model, InstanceKeys.model_fields
        shape = {k: v for k, v in written.items() if k not in own}
        self._problems += _misplaced(model, shape, at)
        secrets = self._secret_file(keys.secret_file, model, at) if keys.secret_file else {}
        merged = _merged({**shape, **secrets}, {k: v for k, v in said.items() if k not in own})
        return self._judged(model, merged, at)

    def _secret_file(self, name: str, model: type[BaseModel], at: Sequence[str]) -> dict[str, Any]:
        """The secrets in a file that nobody else can read."""
        key = dotted((*at, "secret_file"))
        path = self._home / name
        try:
            mode = path.stat().st_mode
            secrets = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            what = "names a file that cannot be read" if isinstance(error, OSError) else "names a file that is no TOML"
            self._problems.append(Problem(key, what, 'Write it as TOML (KEY = "SECRET") where the key says it is.'))
            return {}
        if mode & _OTHERS_MAY:
            self._problems.append(Problem(key, "names a file that others can read", "Run chmod 600 on it."))
        known = [field for field, info in model.model_fields.items() if is_secret(info)]
        self._problems += [unknown((*at, "secret_file", stray), known) for stray in secrets if stray not in known]
        return {k: v for k, v in secrets.items() if k in known}

    def _judged(self, model: type[Model], raw: Mapping[str, Any], at: Sequence[str]) -> Model | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            known = {**InstanceKeys.model_fields, **model.model_fields}
            secrets = [field for field, info in model.model_fields.items() if is_secret(info)]
            self._problems += described(error, known, at=at, secrets=secrets, foreign=model is not InstanceKeys)
            return None


def _hub_toml(home: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    path = Path(environ.get("HUB_CONFIG") or home / "hub.toml")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fault, fix = (
            "There are no settings here",
            "`hub init` writes hub.toml; --home, HUB_HOME or HUB_CONFIG say where.",
        )
    except (OSError, UnicodeDecodeError):
        fault, fix = "hub.toml cannot be read", "It must be a text file in UTF-8 that you may read."
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^()]*\)$", str(error))  # the place alone: the rest may quote what stands there
        fault, fix = f"hub.toml is no valid TOML {place[0] if place else ''}".rstrip(), _toml_fix(str(error))
    raise SettingsError(fault, hint=f"{fix} Looked for {path}.")


def _toml_fix(said: str) -> str:
    """What most often mends what the parser tripped over; its own words may quote what stands there."""
    for sign, fix in _TOML_FIXES.items():
        if said.startswith(sign):
            return fix
    return "Look at that line and the one before it: a quote, a bracket or an equals sign is missing, or too many."


def _tables(written: Mapping[str, Any], key: str, problems: list[Problem]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables `[KEY.NAME]`."""
    tables = written.get(key, {})
    for name, table in tables.items() if isinstance(tables, dict) else [("NAME", tables)]:
        if isinstance(table, dict):
            yield name, table
        else:
            problems.append(Problem(f"{key}.{name}", "is no table", f"Write [{key}.{name}] and its keys below."))


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: _merged(under[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(under.get(k), dict)}
    return {**under, **over, **both}


def _misplaced(model: type[BaseModel], shape: Mapping[str, Any], at: Sequence[str]) -> Iterator[Problem]:
    """Secrets that stand in hub.toml."""
    for name, field in model.model_fields.items():
        loc, value = (*at, name), shape.get(name)
        if value is not None and is_secret(field):
            fix = f"Move it to {variable(loc)} or to a secret_file, and renew it at the service if others saw the file."
            yield Problem(dotted(loc), "is a secret and stands in hub.toml", fix)
        elif isinstance(value, dict) and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _misplaced(field.annotation, value, loc)


def _misordered(
    served: Mapping[str, Instance], excluded: Mapping[str, System], known: Sequence[str]
) -> Iterator[Problem]:
    """Orders of erasure that name nobody, or that never end."""
    for name, instance in served.items():
        key = f"instances.{name}.erase_after"
        for other in instance.erase_after:
            if other in excluded:
                yield Problem(key, "names an excluded instance", f"Take {other} out of it.")
            elif other not in known:
                near = difflib.get_close_matches(other, known, n=1)
                fix = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
                yield Problem(key, "names an instance that does not exist", fix)
    try:
        TopologicalSorter({name: instance.erase_after for name, instance in served.items()}).prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        yield Problem(
            "erase_after", f"goes round in a circle: {circle}", "Take one of them out of another's erase_after."
        )
