"""Reads from a source where it catches errors that nobody named, and goes on as if there had been none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# What stands for anything at all, and what stands for every answer of a service that nobody expected.
_EVERYTHING = frozenset(["Exception", "BaseException", "HubError", "ConnectorError"])
_FAMILIES = frozenset(["PermanentError", "ContractError", "TransientError"])
_LEAVING = (ast.Return, ast.Continue, ast.Break)


def swallowed(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Each place, with what is done there: `catches everything and goes on`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            if (what := _what([node.type])) and _goes_on(node.body, node.name):
                yield node, f"catches {what} and goes on"
        elif isinstance(node, ast.Call) and _last(node.func) == "suppress" and (what := _what(node.args)):
            yield node, f"suppresses {what}"


def _what(caught: list[ast.expr] | list[ast.expr | None]) -> str:
    """What is caught that is too much; empty where it is not."""
    named = [each for one in caught for each in (one.elts if isinstance(one, ast.Tuple) else [one])]
    names = {_last(each) for each in named}
    if None in named or names & _EVERYTHING:
        return "everything"
    return f"every {min(names & _FAMILIES)}" if names & _FAMILIES else ""


def _goes_on(body: list[ast.stmt], error: str | None) -> bool:
    """Whether there is a way through it that raises nothing, and has not asked which error it was."""
    for statement in body:
        match statement:
            case ast.Raise():
                return False
            case ast.If(test, inner, otherwise):
                asked = _asks(test, error)
                if otherwise and not _goes_on(otherwise, error) and (asked or not _goes_on(inner, error)):
                    return False
                if not asked and _leaves(statement):
                    return True
            case ast.With(body=inner) if not _goes_on(inner, error):
                return False
            case _:
                if _leaves(statement):
                    return True
    return True


def _asks(test: ast.expr, error: str | None) -> bool:
    """Whether a condition looks into the error: `error.code == 17`, `isinstance(error, Gone)`."""
    named = any(isinstance(node, ast.Name) and node.id == error for node in ast.walk(test))
    return named and not isinstance(test, ast.Name)


def _leaves(statement: ast.stmt) -> bool:
    return any(isinstance(node, _LEAVING) for node in ast.walk(statement))


def _last(node: ast.expr | None) -> str:
    """The last part of a name: `PermanentError` of `hub.PermanentError`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
