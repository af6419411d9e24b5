"""Checks that read the connector's code, and do not run it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import TypeVar

from hub.quality.checks.case import Case
from hub.quality.connector import Module
from hub.quality.swallowing import swallowed
from hub.quality.ways_out import ways_out

N = TypeVar("N", bound=ast.AST)

_TERMINAL = re.compile(r"sys\.(__)?(stdout|stderr)(__)?|os\.write|traceback\.print_\w+")
_CHANGING = frozenset(
    ["add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "discard", "setdefault", "update"]
)
_OWN = re.compile(r"(self|cls)(?P<attribute>\.)(?!hub\b)|(vars|type)\((self|cls)\)")
_OVERLOOKED = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z0-9, -]+\])?(?P<why>\s*#\s*\S+)?")
_FILE_WIDE = re.compile(r"#\s*mypy:")


def no_way_past_the_door(case: Case) -> Iterator[str]:
    """Nothing imported or used that opens connections."""
    for module in case.connector.modules:
        yield from (f"{module.at(node)} uses {name}" for node, name in ways_out(module.tree))


def unknown_answers_fail(case: Case) -> Iterator[str]:
    """No handler takes whatever comes and goes on."""
    for module in case.connector.modules:
        yield from (f"{module.at(node)} {does}" for node, does in swallowed(module.tree))


def errors_hold_no_personal_data(case: Case) -> Iterator[str]:
    """No printing, no log of its own, and no error that repeats the text of another."""
    for module in case.connector.modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _name(node.func) in {"print", "pprint"}:
                yield f"{module.at(node)} prints"
            elif isinstance(node, ast.Import | ast.ImportFrom) and _imports(node) & {"logging", "structlog"}:
                yield f"{module.at(node)} has a log of its own"
            elif name := _terminal(node):
                yield f"{module.at(node)} uses {name}"
            elif isinstance(node, ast.ExceptHandler) and node.name:
                for raised in _all(node, ast.Raise):
                    if raised.exc and _quotes(raised.exc, node.name):
                        yield f"{module.at(raised)} repeats the text of another error"


def no_state_between_calls(case: Case) -> Iterator[str]:
    """The processor sets attributes in __init__ alone; no globals are written, nothing given is cached."""
    for module, cls in case.connector.classes():
        for method in _all(cls, ast.FunctionDef):
            if method.name != "__init__":
                yield from (f"{module.at(node)} changes {name}" for node, name in _changed(method))
    for module in case.connector.modules:
        yield from (f"{module.at(node)} writes a global" for node in _all(module.tree, ast.Global))
        for function in _all(module.tree, ast.FunctionDef):
            given = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            if given and any(_name(d) in {"cache", "lru_cache"} for d in function.decorator_list):
                yield f"{module.at(function)} caches what it was given"


def operations_are_complete(case: Case) -> Iterator[str]:
    """No method is there only to raise: what the service lacks is declared."""
    for module, cls in case.connector.classes():
        for method in _all(cls, ast.FunctionDef):
            body = method.body[1:] if ast.get_docstring(method) else method.body
            if body and isinstance(body[0], ast.Raise) and _name(body[0].exc) == "NotImplementedError":
                yield f"{module.at(method)}: `{method.name}` only raises"


def strictly_typed(case: Case) -> Iterator[str]:
    """Annotations everywhere, and a code and a reason with everything the type checker overlooks."""
    for module in case.connector.modules:
        for function in _all(module.tree, ast.FunctionDef):
            if not _annotated(function):
                yield f"{module.at(function)}: `{function.name}` is not annotated in full"
        for line, comment in _comments(module):
            said = _OVERLOOKED.search(comment)
            if _FILE_WIDE.search(comment) or (said and not (said["code"] and said["why"])):
                yield f"{module.path.name}:{line} overlooks types without a code and a reason"


def keeps_or_refuses(case: Case) -> Iterator[str]:
    """The code answers that something is kept, or refused."""
    if not case.connector.uses("Retained", "Refused"):
        yield "no code answers Retained or Refused"


def keeps_and_refuses_nothing(case: Case) -> Iterator[str]:
    """The code has no such answer."""
    if case.connector.uses("Retained", "Refused"):
        yield "the code answers Retained or Refused"


def has_no_jobs(case: Case) -> Iterator[str]:
    """The code never answers that the service works on it."""
    if case.connector.uses("Pending", "Contained"):
        yield "the code answers Pending or Contained"


def exports_resume(case: Case) -> Iterator[str]:
    """The code looks at the step's cursor."""
    trees = (module.tree for module in case.connector.modules)
    if not any(node.attr == "cursor" for tree in trees for node in _all(tree, ast.Attribute)):
        yield "no code looks at `step.cursor`"


def exports_give_no_cursor(case: Case) -> Iterator[str]:
    """The code gives no record a cursor, from which an export could go on."""
    for module in case.connector.modules:
        for call in _all(module.tree, ast.Call):
            given = next((keyword.value for keyword in call.keywords if keyword.arg == "cursor"), None)
            if _name(call) == "Record" and given is not None and ast.unparse(given) != "None":
                yield f"{module.at(call)} gives a record a cursor"


def _all(root: ast.AST, kind: type[N]) -> Iterator[N]:
    return (node for node in ast.walk(root) if isinstance(node, kind))


def _name(node: ast.AST | None) -> str:
    """The last part of what is named, called or not: `cache` of `@functools.cache`."""
    match node:
        case ast.Call(func):
            return _name(func)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _terminal(node: ast.AST) -> str:
    """What of it writes past the log: `sys.stderr`; empty where nothing does."""
    match node:
        case ast.Attribute(value=ast.Name(id=library), attr=name):
            names = [f"{library}.{name}"]
        case ast.ImportFrom(module=library, names=taken):
            names = [f"{library}.{alias.name}" for alias in taken]
        case _:
            names = []
    return next((name for name in names if _TERMINAL.fullmatch(name)), "")


def _changed(method: ast.FunctionDef) -> Iterator[tuple[ast.AST, str]]:
    """What of the object or its class the method changes: `self._seen`, with the place."""
    for node in ast.walk(method):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                name = ast.unparse(node)
            case ast.Call(func=ast.Attribute(value=ast.Attribute() | ast.Subscript() as kept, attr=doing)) if (
                doing in _CHANGING
            ):
                name = ast.unparse(kept)
            case ast.Call(func=ast.Attribute(value=ast.Call() as kept, attr=doing)) if doing in _CHANGING:
                name = ast.unparse(kept) if _name(kept) == "vars" else ""
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[kept, *_]):
                name = f"{ast.unparse(kept)}.__dict__"
            case ast.Call(func=ast.Attribute(attr="__setattr__" | "__delattr__")):
                name = "self.__dict__"
            case _:
                continue
        if changed := _OWN.match(name):
            yield node, name.partition("[")[0] if changed["attribute"] else changed[0]


def _imports(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The top-level packages it imports from."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return {name.partition(".")[0] for name in names}


def _quotes(expression: ast.expr, error: str) -> bool:
    """Whether the text of the caught error becomes part of what is raised."""
    formatted = [f.value for f in _all(expression, ast.FormattedValue)]
    as_text = [a for call in _all(expression, ast.Call) if _name(call) in {"str", "repr", "format"} for a in call.args]
    return any(isinstance(node, ast.Name) and node.id == error for node in (*formatted, *as_text))


def _annotated(function: ast.FunctionDef) -> bool:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    asked = [argument for argument in every if argument.arg not in {"self", "cls"}]
    returns = function.returns is not None or (function.name == "__init__" and bool(asked))
    return returns and all(argument.annotation is not None for argument in asked)


def _comments(module: Module) -> Iterator[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(module.source).readline)
    return ((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)
