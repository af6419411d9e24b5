"""Puts a new connector's name into the connector that is written for every author, and its imports into order.

The templates are a real connector, `hub.scaffold.pebble`, so what ruff, mypy and the conformance suite say of it they
say of every copy.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from importlib import resources
from types import MappingProxyType

from hub.scaffold.names import Name

_NAMED = re.compile(
    r"(?P<package>hub\.scaffold\.pebble)|(?P<host>pebble(?=\.example))|(?P<upper>PEBBLE)|(?P<camel>Pebble)|(?P<word>pebble)"
)
_IMPORT = re.compile(r"(from|import) (\w+)([\w.]*)")

_CODE = ("__init__.py", "processor.py", "sandbox.py")
# Where a file goes → the template it is made from; none makes an empty file.
IN_CHECKOUT: Mapping[str, str] = MappingProxyType(
    {
        **{f"connectors/pebble/{name}": f"pebble/{name}" for name in (*_CODE, "README.md", "quality.yaml")},
        "connectors/pebble/tests/test_pebble.py": "pebble/test_pebble.py",
    }
)
STANDALONE: Mapping[str, str] = MappingProxyType(
    {
        "pyproject.toml": "project/pyproject.toml",
        "README.md": "pebble/README.md",
        **{f"src/hub_connector_pebble/{name}": f"pebble/{name}" for name in (*_CODE, "quality.yaml")},
        "src/hub_connector_pebble/py.typed": "",
        "tests/test_pebble.py": "pebble/test_pebble.py",
    }
)


def sources() -> list[str]:
    """The templates that are Python."""
    templates = {*IN_CHECKOUT.values(), *STANDALONE.values()}
    return [_read(template) for template in sorted(templates) if template.endswith(".py")]


def rendered(name: Name, layout: Mapping[str, str]) -> dict[str, str]:
    """Every file of the connector: its path, with slashes, and its text."""
    alone = layout is STANDALONE
    package = f"hub_connector_{name.word}" if alone else f"connectors.{name.word}"
    ours = {package} if alone else {"connectors", "hub"}
    words = {
        "package": package,
        "host": name.host,
        "upper": name.word.upper(),
        "camel": name.camel,
        "word": name.word,
    }

    def put_in(text: str) -> str:
        return _NAMED.sub(lambda found: words[found.lastgroup or ""], text)

    files = {put_in(path): put_in(_read(template)) for path, template in layout.items()}
    return {path: _in_order(text, ours) if path.endswith(".py") else text for path, text in files.items()}


def _read(template: str) -> str:
    return resources.files("hub.scaffold").joinpath(template).read_text(encoding="utf-8") if template else ""


def _in_order(source: str, ours: Collection[str]) -> str:
    """The module with its imports grouped and sorted as ruff wants them, which depends on what they are called."""
    lines = source.splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if _IMPORT.match(line)]
    if not at:
        return source
    groups: dict[int, list[tuple[bool, str, str]]] = {}
    for number in at:
        verb, top, rest = _IMPORT.match(lines[number]).groups()  # type: ignore[union-attr]  # `at` are those that match
        group = 0 if top == "__future__" else 1 if top in sys.stdlib_module_names else 3 if top in ours else 2
        groups.setdefault(group, []).append((verb == "from", top + rest, lines[number]))
    head = "\n".join("".join(line for *_, line in sorted(groups[group])) for group in sorted(groups))
    return "".join([*lines[: at[0]], head, *lines[at[-1] + 1 :]])
