"""The public API as text, so that a change of it shows in review. `make api-snapshot` writes it anew.

Public are the names of `hub.__all__`, and of each module in `MODULES` those of its `__all__`, or without one those it
defines that do not begin with an underscore. The rules of the conformance suite are left out: the documentation lists
them, and a new one breaks nobody's code.
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

HERE = Path(__file__).parent
WIDTH = 100
INDENT = "    "
MODULES = (
    "hub",
    "hub.testing.canary",
    "hub.testing.cassettes",
    "hub.testing.conformance",
    "hub.testing.faults",
    "hub.testing.harness",
    "hub.testing.sandbox",
    "hub.testing.town",
    "hub.testing.trial",
)


def snapshot(module: str) -> Path:
    """Where the API of a module is kept."""
    return HERE / f"{module}.txt"


def rendered(module: str) -> str:
    """The API of a module: a paragraph for each name, in their order."""
    found = import_module(module)
    return "\n\n".join("\n".join(_name(name, getattr(found, name))) for name in sorted(public(found))) + "\n"


def public(module: ModuleType) -> list[str]:
    """The public names of a module."""
    own = (n for n, v in vars(module).items() if not n.startswith("_") and _home(v) == module.__name__)
    return list(getattr(module, "__all__", own))


def _home(thing: object) -> str | None:
    if inspect.isclass(thing) or inspect.isfunction(thing):
        return thing.__module__
    return None


def _name(name: str, thing: Any) -> Iterator[str]:
    if inspect.isclass(thing):
        yield from _class(name, thing)
    elif callable(thing) and hasattr(thing, "__code__"):
        yield from _signature(name, thing, "")
    else:
        # An alias is spelt out; of any other object the type is what matters.
        alias = type(thing).__module__ in {"typing", "types"}
        yield f"{name} = {_annotation(thing)}" if alias else f"{name}: {type(thing).__name__}"


def _class(name: str, cls: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    if issubclass(cls, enum.Enum):
        yield from (f"{INDENT}{member.name} = {member.value!r}" for member in cls)
        return
    if "__init__" in vars(cls) and not getattr(cls, "_is_protocol", False):
        yield from _signature("", vars(cls)["__init__"])
    fields = getattr(cls, "__dataclass_fields__", {})
    for attribute, kind in vars(cls).get("__annotations__", {}).items():
        if not attribute.startswith("_") and attribute not in fields:
            yield f"{INDENT}{attribute}: {_annotation(kind)}"
    for attribute, value in vars(cls).items():
        hidden = attribute.startswith(("_", "test_")) and attribute != "__call__"
        if not hidden and attribute not in fields:
            yield from _member(attribute, value)


def _member(name: str, value: Any) -> Iterator[str]:
    match value:
        case property():
            yield f"{INDENT}{name} -> {_annotation(inspect.signature(value.fget).return_annotation)}"
        case classmethod() | staticmethod():
            yield from _signature(f"{type(value).__name__} {name}", value.__func__)
        case FunctionType():
            yield from _signature(f"abstract {name}" if hasattr(value, "__isabstractmethod__") else name, value)
        case _ if hasattr(value, "_fixture_function"):
            yield f"{INDENT}fixture {name}"


def _signature(name: str, function: Any, indent: str = INDENT) -> Iterator[str]:
    """On one line, or with a line for each parameter."""
    found = inspect.signature(function)
    parts: list[str] = []
    for parameter in found.parameters.values():
        if parameter.name.startswith("_") or parameter.name in {"self", "cls"}:
            continue
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        if parameter.kind is parameter.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        annotation = "" if parameter.annotation is parameter.empty else f": {_annotation(parameter.annotation)}"
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        parts.append(f"{stars}{parameter.name}{annotation}{default}")
    answer = found.return_annotation
    after = "" if answer is found.empty or not name else f" -> {_annotation(answer)}"
    line = f"{indent}{name}({', '.join(parts)}){after}"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{name}("
    yield from (f"{indent}{INDENT}{part}," for part in parts)
    yield f"{indent}){after}"


def _annotation(thing: Any) -> str:
    """As a reader writes it, the same in every version of Python."""
    if isinstance(thing, str):
        return thing
    if inspect.isclass(thing):
        return thing.__name__
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", repr(thing))


def _default(value: Any) -> str:
    """The default; of an object of ours, and of what is made anew each time, that there is one."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_default, value)))}}}"
    if isinstance(value, str | bytes | int | float | tuple | range | timedelta) or value is None:
        return repr(value)
    return "…"


if __name__ == "__main__":
    for each in MODULES:
        snapshot(each).write_text(rendered(each), encoding="utf-8")
    sys.stdout.write(f"{len(MODULES)} snapshots written: read the difference before you commit it\n")
