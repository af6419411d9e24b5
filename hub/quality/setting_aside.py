"""Reads from a connector's tests where they keep the conformance suite, or a rule of it, from being run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hub.quality.connector import Connector, Module
from hub.quality.exceptions import suites

_COLLECTED = re.compile(r"test_.*\.py|.*_test\.py")  # what pytest takes for tests, unless told otherwise
_MARKS = re.compile(r"\b(skip|skipif|xfail)\b")
_ENDING = frozenset(["skip", "skipif", "xfail", "skipTest", "SkipTest"])
_FRAMEWORKS = frozenset(["pytest", "unittest", "self", "mark"])


def set_aside(connector: Connector) -> Iterator[str]:
    """Each place, with what is done there, for people. Raises `NotInstalled` where the tests are not."""
    found = list(suites(connector))
    inherited = {ast.unparse(base).rpartition(".")[2] for _, suite in found for base in suite.bases}
    for module, suite in found:
        if suite.name not in inherited:
            yield from _uncollected(module, suite)
        yield from _whole(module, suite)
        yield from _rules(module, suite)
    named = {suite.name for _, suite in found} | inherited
    for module in {module.path: module for module, _ in found}.values():
        yield from _outside(module, named)
    for module in connector.test_modules:
        if found and module.path.name == "conftest.py":
            yield from _outside(module, named)


def _uncollected(module: Module, suite: ast.ClassDef) -> Iterator[str]:
    if not suite.name.startswith("Test"):
        yield f"{module.at(suite)}: pytest passes {suite.name} over, since its name does not begin with Test"
    if not _COLLECTED.fullmatch(module.path.name):
        yield f"pytest passes {module.path.name} over, since its name does not begin with test_"


def _whole(module: Module, suite: ast.ClassDef) -> Iterator[str]:
    """What keeps all of it from being run: a mark on class or file, `__test__`, a file that is left at once."""
    assigned = [*_assigned(module.tree.body), *_assigned(suite.body)]
    marks = [*suite.decorator_list, *(value for name, value, _ in assigned if name == "pytestmark" and value)]
    off = any(_MARKS.search(ast.unparse(mark)) for mark in marks) or any(name == "__test__" for name, *_ in assigned)
    if off or any(_ends(each) for each in module.tree.body if not isinstance(each, ast.FunctionDef | ast.ClassDef)):
        yield f"{module.at(suite)} sets the whole suite aside"


def _rules(module: Module, suite: ast.ClassDef) -> Iterator[str]:
    """What keeps a rule from being run: another thing in its place, a mark, or a method that ends the test."""
    for name, _, node in _assigned(suite.body):
        if name.startswith("test_"):
            yield f"{module.at(node)} puts something else in the place of {name}"
    for method in suite.body:
        if isinstance(method, ast.FunctionDef):
            skipped = any(re.search(r"\bskip(if)?\b", ast.unparse(mark)) for mark in method.decorator_list)
            if skipped or any(map(_ends, method.body)):
                yield f"{module.at(method)}: {method.name} skips what it should show"


def _outside(module: Module, named: set[str]) -> Iterator[str]:
    """The same, from outside of the class: fixtures that the suite uses, and changes of the class."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef):
            fixture = " ".join(map(ast.unparse, node.decorator_list))
            used = "fixture" in fixture and (node.name == "service" or "service" in fixture or "autouse" in fixture)
            if used and any(map(_ends, node.body)):
                yield f"{module.at(node)}: {node.name} skips what it should show"
    for each in ast.walk(module.tree):
        match each:
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in named:
                yield f"{module.at(each)} changes {name}"
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[ast.Name(id=name), *_]) if name in named:
                yield f"{module.at(each)} changes {name}"
            case _:
                pass


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr | None, ast.stmt]]:
    """Every name that is given a value, the value, and where."""
    for node in body:
        match node:
            case ast.Assign(targets=targets, value=value):
                names = [each for target in targets for each in ast.walk(target)]
            case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
                names = [target]
            case _:
                continue
        yield from ((name.id, value, node) for name in names if isinstance(name, ast.Name))


def _ends(statement: ast.stmt) -> bool:
    """Whether it can end the test as skipped, or as expected to fail."""
    for node in ast.walk(statement):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _ENDING:
                return True
            case ast.Attribute(value=ast.Name(id=base) | ast.Attribute(attr=base), attr=name) if (
                name in _ENDING and base in _FRAMEWORKS
            ):
                return True
            case _:
                pass
    return False
