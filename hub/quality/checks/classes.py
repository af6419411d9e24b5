"""Checks that ask the processor's class. Nothing is sent, and no SDK is imported: no processor is made."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from hub.holding import Search
from hub.processor import Operation
from hub.quality.checks.case import Case, Check

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_LABEL = re.compile(r"email|phone|name|address|[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_SECRET = re.compile(r"(?:^|_)(?:key|secret|password|passwd|passphrase|token|pin|credentials?)$")
_PUBLIC = re.compile(r"(?:^|_)public_key$")
_SHORTEST_REASON = 20  # characters: "Not supported." is no reason
_GOODNESS = (Search.NONE, Search.INDEX, Search.SCAN, Search.EXACT)


def declares_itself(case: Case) -> Iterator[str]:
    """Name, title, kinds and searches, and no search with the stand-in's settings that is not declared."""
    cls = case.connector.processor
    if not _NAME.fullmatch(cls.name):
        yield "`name` is no lower-case word"
    if not cls.title.strip():
        yield "`title` is empty"
    if not cls.kinds:
        yield "`kinds` names nothing that could be held"
    for kind, text in cls.kinds.items():
        if not (_NAME.fullmatch(kind) and text.strip()):
            yield f"`kinds` has {kind!r} without a lower-case name and a few words for people"
    yield from (f"`batch` names {kind!r}, which `kinds` does not" for kind in cls.batch if kind not in cls.kinds)
    if not any(how is not Search.NONE for how in cls.searches.values()):
        yield "`searches` names nothing it can be searched by"
    yield from (
        f"`searches` has {label!r}, which is no kind of identifier"
        for label in cls.searches
        if not _LABEL.fullmatch(label)
    )
    if case.connector.config is not None:
        for label, how in cls.searched_by(case.connector.config).items():
            if _GOODNESS.index(how) > _GOODNESS.index(cls.searches.get(label, Search.NONE)):
                yield f"`searched_by` claims {how} for {label!r}, and `searches` less"


def config_described(case: Case) -> Iterator[str]:
    """Every field described, unknown keys refused, nothing changed afterwards, and a JSON schema of it."""
    model = case.connector.processor.config_model
    for name, field in model.model_fields.items():
        if not (field.description or "").strip():
            yield f"the setting {name} has no description"
    if model.model_config.get("extra") != "forbid":
        yield f"{model.__name__} does not refuse unknown keys"
    if not model.model_config.get("frozen"):
        yield f"{model.__name__} is not frozen"
    try:
        model.model_json_schema()
    except Exception as error:  # noqa: BLE001  # pydantic raises several, and an author's own types any
        yield f"no JSON schema can be made of {model.__name__}: {type(error).__name__}"


def secrets_are_secret(case: Case) -> Iterator[str]:
    """No field called like a secret is plain text, and no secret has a default."""
    from hub.settings.shape import is_secret  # noqa: PLC0415  # heavy, and this check alone needs it

    for name, field in case.connector.processor.config_model.model_fields.items():
        if is_secret(field):
            default = field.default
            if hasattr(default, "get_secret_value") and default.get_secret_value():
                yield f"the secret {name} has a default"
        elif _SECRET.search(name) and not _PUBLIC.search(name) and _holds_text(field.annotation):
            yield f"the setting {name} is plain text"


def hosts_and_limits_declared(case: Case) -> Iterator[str]:
    """With the stand-in's settings: hosts by name, at least one call at once, time-outs that end."""
    config = case.connector.config
    if config is None:
        return  # sandbox-present says so
    limits = case.connector.processor.limits(config)
    if not limits.hosts:
        yield "`limits` names no host"
    for host in limits.hosts:
        if "." not in host.lstrip("*.") and host != "localhost":
            yield f"`limits` lets {host!r} through, which is no host's name"
    if limits.concurrency < 1:
        yield "`limits` allows no call"
    for name in ("connect", "read", "answer"):
        seconds = getattr(limits, name)
        if not (math.isfinite(seconds) and seconds > 0):
            yield f"`limits` has no time-out for {name}"


def unsupported_has_reasons(case: Case) -> Iterator[str]:
    """Each declared reason is a sentence."""
    for operation in Operation:
        answer = case.connector.processor.cannot(operation)
        if answer and (len(answer.reason) < _SHORTEST_REASON or not answer.reason.rstrip().endswith(".")):
            yield f"the reason for {operation} is no sentence"


def sandbox_present(case: Case) -> Iterator[str]:
    """A stand-in with routes, under the processor's name, whose settings fit."""
    from hub.testing.sandbox import Sandbox  # noqa: PLC0415  # pulls a server in

    sandbox: Any = case.connector.sandbox
    if sandbox is None:
        yield "hub_sandboxes brings none under this name"
    elif not (isinstance(sandbox, type) and issubclass(sandbox, Sandbox)):
        yield "what hub_sandboxes brings is no Sandbox"
    else:
        if getattr(sandbox, "name", None) != case.connector.name:
            yield f"{sandbox.__name__} is not called {case.connector.name}"
        if case.connector.config is None:
            yield f"{sandbox.__name__}.settings() does not fit the connector's settings"


def can(operation: Operation) -> Check:
    """The class has the operation."""

    def check(case: Case) -> Iterable[str]:
        return [f"{operation} is declared unsupported"] if case.connector.processor.cannot(operation) else []

    return check


def cannot(operation: Operation) -> Check:
    """The class declares that it lacks the operation."""

    def check(case: Case) -> Iterable[str]:
        return [] if case.connector.processor.cannot(operation) else [f"the class has {operation}"]

    return check


def defines(method: str) -> Check:
    """The class has that optional method."""

    def check(case: Case) -> Iterable[str]:
        return [] if case.connector.defines(method) else [f"the class has no `{method}`"]

    return check


def lacks(method: str) -> Check:
    """The class has not."""

    def check(case: Case) -> Iterable[str]:
        return [f"the class has `{method}`"] if case.connector.defines(method) else []

    return check


def batches(case: Case) -> Iterator[str]:
    """`batch` says of which kinds how many, and `erase_many` takes them at once."""
    yield from defines("erase_many")(case)
    if not case.connector.processor.batch:
        yield "`batch` names no kind"


def _holds_text(annotation: object) -> bool:
    return annotation in {str, bytes} or any(map(_holds_text, get_args(annotation)))
