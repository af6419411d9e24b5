"""Faults as an author types them: `GET /customers*=Status:503,nth=2`."""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hub.errors import UsageError
from hub.testing.faults import Fault, What
from hub.testing.sandbox import Call

KINDS: dict[str, type[Any]] = {cls.__name__: cls for cls in typing.get_args(What)}
"""What can go wrong, by name; docs/how-to/debug-a-connector.md explains each."""
EVERY = "every"

_FAULT = re.compile(r"(?P<where>[A-Z*?]+ \S+?)=(?P<kind>[A-Za-z]+)(:(?P<values>.*))?", re.DOTALL)


def parse(text: str) -> Fault:
    """The fault that `METHOD TEMPLATE=KIND[:VALUE][,FIELD=VALUE]…` names.

    The first value may stand without its field. `nth=2` strikes the second call that matches and not the first,
    `nth=every` each of them. Raises `UsageError`.
    """
    found = _FAULT.fullmatch(text)
    if found is None:
        raise UsageError(
            "--fault needs METHOD TEMPLATE=KIND", hint="Such as 'GET /customers*=Status:503' or '* *=DropAfter'."
        )
    cls = KINDS.get(found["kind"])
    if cls is None:
        raise UsageError("--fault names no kind of fault", hint=f"There are: {', '.join(KINDS)}.")
    known = [field.name for field in fields(cls)]
    values = _values(found["values"] or "", known)
    nth = values.pop("nth", "1")
    whole = {name: value for name, value in values.items() if name in known}
    try:
        what = TypeAdapter(cls).validate_python(whole)
        count = None if nth == EVERY else TypeAdapter(int).validate_python(nth)
    except ValidationError:
        count = 0
    if len(whole) != len(values) or (count is not None and count < 1):
        said = ", ".join(f"{name}=…" for name in [*known, "nth"])
        raise UsageError(f"--fault: the values of {cls.__name__} do not fit", hint=f"It takes {said}.")
    return Fault(found["where"], what, count)


def missed(faults: Sequence[Fault], calls: Sequence[Call]) -> list[Fault]:
    """Those of the faults that no call met, of all the calls made since they were armed."""
    met = [sum(fnmatchcase(f"{call.method} {call.route}", fault.where) for call in calls) for fault in faults]
    return [fault for fault, times in zip(faults, met, strict=True) if times < (fault.nth or 1)]


def _values(text: str, known: Sequence[str]) -> dict[str, str]:
    """`503,retry_after=5` as fields: what stands first without a name belongs to the first of them."""
    found: dict[str, str] = {}
    for position, part in enumerate(text.split(",") if text else ()):
        name, equals, value = part.partition("=")
        if equals:
            found[name] = value
        elif position == 0 and known:
            found[known[0]] = part
        else:
            found[part] = ""  # no field is called that, so it is refused
    return found
