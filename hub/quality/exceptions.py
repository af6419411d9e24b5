"""Reads from a connector's tests where it inherits the conformance suite, and which of its rules it says it fails."""

from __future__ import annotations

import ast
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
    """The classes that inherit the suite, also through one another. Raises `NotInstalled` where the tests are not."""
    classes = {
        node: module for module in connector.test_modules for node in module.tree.body if isinstance(node, ast.ClassDef)
    }
    names = {module.path: set(_names(module.tree)) for module in connector.test_modules}
    found: dict[ast.ClassDef, Module] = {}
    while True:
        heirs = {suite.name for suite in found}
        more = {
            node: module
            for node, module in classes.items()
            for base in map(ast.unparse, node.bases)
            if node not in found and (base in names[module.path] or base.rpartition(".")[2] in heirs)
        }
        if not more:
            break
        found |= more
    yield from ((module, suite) for suite, module in found.items())


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
