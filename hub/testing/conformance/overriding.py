"""The rule about rules: none is set aside in silence."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

OURS = __name__.rpartition(".")[0]


class OverridingRules:
    """A subclass may expect a rule to fail, and must say why."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        guard = OverridingRules.test_no_rule_is_overridden_without_a_reason.__name__
        if guard in vars(cls) and not cls.__module__.startswith(OURS):
            raise TypeError(f"{cls.__name__} overrides {guard}: that is the one rule without an exception")

    def test_no_rule_is_overridden_without_a_reason(self, request: pytest.FixtureRequest) -> None:
        """A rule that does not hold is expected to fail, with a reason everybody can read, or it is mended."""
        silent = [name for name, reason in exceptions(type(self)).items() if not reason]
        assert not silent, (
            f"{', '.join(sorted(silent))}: overridden without a reason. Mark the method that stands in its place "
            "@pytest.mark.xfail(reason='…', strict=True) and let it call super(), or remove it"
        )
        marks = [mark.name for mark in request.node.iter_markers() if mark.name in {"skip", "skipif", "xfail"}]
        assert not marks, f"The class is marked {', '.join(marks)}: mark the one rule that cannot hold, with its reason"


def exceptions(suite: type[Any]) -> Mapping[str, str]:
    """The rules a connector's test class overrides → why they cannot hold; an empty text where it does not say.

    Documentation prints them. Only an `xfail` that is strict and unconditional gives a reason: a rule that came to hold
    would go unnoticed otherwise.
    """
    rules = {name for base in suite.__mro__ if _ours(base) for name in vars(base) if name.startswith("test_")}
    theirs = (base for base in reversed(suite.__mro__) if not _ours(base))
    return {name: _reason(member) for base in theirs for name, member in vars(base).items() if name in rules}


def _ours(base: type[Any]) -> bool:
    return base.__module__ == OURS or base.__module__.startswith(f"{OURS}.")


def _reason(member: object) -> str:
    reasons = [reason for mark in _marks(member) if mark.name == "xfail" for reason in _reasons(mark)]
    skipped = any(mark.name in {"skip", "skipif"} for mark in _marks(member))
    return reasons[0] if reasons and not skipped and inspect.isfunction(member) else ""


def _marks(member: object) -> Iterator[pytest.Mark]:
    yield from getattr(member, "pytestmark", ())


def _reasons(mark: pytest.Mark) -> Iterator[str]:
    if mark.kwargs.get("strict") is True and not mark.args and set(mark.kwargs) <= {"reason", "strict", "raises"}:
        yield str(mark.kwargs.get("reason") or "").strip()
