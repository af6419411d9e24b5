"""Reads from a connector's tests where it inherits the conformance suite, and which of its rules it says it fails."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.quality.connector import Connector, Module
from hub.quality.plain import plain

SUITE = "Conformance"
_MODULE = "hub.testing.conformance"


@dataclass(frozen=True, slots=True)
class Exempted:
    """A conformance rule that a connector overrides with an xfail.

    Args:
        rule: the suite's method.
        reason: why it does not hold, for people; empty when none is given.
        where: file and line.
    """

    rule: str
    reason: str
    where: str


def suites(connector: Connector) -> Iterator[tuple[Module, ast.ClassDef]]:
    """The test classes that inherit the suite. Raises `NotInstalled` where the tests are not."""
    for module in connector.test_modules:
        names = set(_names(module.tree))
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) in names for base in node.bases):
                yield module, node


def exempted(connector: Connector) -> tuple[Exempted, ...]:
    """Every rule of the suite that the connector says it fails. Raises `NotInstalled` where the tests are not."""
    return tuple(
        Exempted(method.name, _reason(mark), module.at(method))
        for module, suite in suites(connector)
        for method in suite.body
        if isinstance(method, ast.FunctionDef) and method.name.startswith("test_")
        for mark in method.decorator_list
        if "xfail" in ast.unparse(mark)
    )


def is_set_aside(module: Module, suite: ast.ClassDef) -> bool:
    """Whether a mark on class or file skips the suite, or lets all of it fail."""
    assigned = [node for node in (*module.tree.body, *suite.body) if isinstance(node, ast.Assign)]
    file_wide = [node.value for node in assigned if any(ast.unparse(target) == "pytestmark" for target in node.targets)]
    return any(re.search(r"\b(skip|skipif|xfail)\b", ast.unparse(mark)) for mark in (*file_wide, *suite.decorator_list))


def _names(tree: ast.Module) -> Iterator[str]:
    """What the suite is called in this file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == _MODULE:
            yield from (alias.asname or alias.name for alias in node.names if alias.name == SUITE)
        elif isinstance(node, ast.ImportFrom) and node.module == "hub.testing":
            yield from (f"{a.asname or a.name}.{SUITE}" for a in node.names if a.name == "conformance")
        elif isinstance(node, ast.Import):
            yield from (f"{alias.asname or alias.name}.{SUITE}" for alias in node.names if alias.name == _MODULE)


def _reason(mark: ast.expr) -> str:
    """The reason as it stands in the source, if it is plain text."""
    keywords: Iterable[ast.keyword] = mark.keywords if isinstance(mark, ast.Call) else ()
    given = next((k.value for k in keywords if k.arg == "reason"), None)
    return plain(given.value.strip()) if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""
