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
        if not _ours(cls) and (why := _switched_off(cls)):
            raise TypeError(f"{cls.__name__} {why}")

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
    rules = {name for name in _members(suite) if name.startswith("test_")}
    theirs = (base for base in reversed(suite.__mro__) if not _ours(base))
    return {name: _reason(member) for base in theirs for name, member in vars(base).items() if name in rules}


def silenced(suite: object, name: str, *, xfailed: bool) -> str:
    """What is wrong if that test of a class did not run or was expected to fail; empty where the author may do so."""
    if not (isinstance(suite, type) and issubclass(suite, OverridingRules) and name in _members(suite)):
        return ""
    if xfailed and exceptions(suite).get(name):
        return ""
    return (
        f"{name} was set aside: it was {'expected to fail' if xfailed else 'skipped'}, and nothing in its place says "
        "why. Mark the method that stands in its place @pytest.mark.xfail(reason='…', strict=True) and let it call "
        "super(); no mark of a module or a class, and no fixture, sets a rule aside"
    )


def _switched_off(suite: type[Any]) -> str:
    """How a class keeps rules from running, in words that follow its name; empty where it does not."""
    theirs = [base for base in suite.__mro__ if base is not object and not _ours(base)]
    own = {name: member for base in theirs for name, member in vars(base).items()}
    named = own.keys() | {getattr(_marker(member), "name", None) for member in own.values()}
    ours = {name for name in _members(suite) if not name.startswith(("test_", "__"))} - {"service"}
    guard = OverridingRules.test_no_rule_is_overridden_without_a_reason.__name__
    if guard in own:
        return f"overrides {guard}: that is the one rule without an exception"
    if not suite.__name__.startswith(("Test", "_")):
        return "would not be collected by pytest: let its name begin with Test, or with _ if others inherit it"
    if getattr(suite, "__test__", True) is not True:
        return "sets __test__, so that pytest would not collect it: if others inherit it, let its name begin with _"
    if built := sorted({"__init__", "__new__"} & own.keys()):
        return f"defines {built[0]}, so that pytest would not collect it: use a fixture"
    if replaced := sorted(ours & named):
        return f"replaces {', '.join(replaced)} of the suite: what an author provides is the fixture `service` alone"
    return ""


def _members(suite: type[Any]) -> frozenset[str]:
    """The names of all that the suite brings."""
    return frozenset(name for base in suite.__mro__ if _ours(base) for name in vars(base))


def _marker(member: object) -> object:
    """What holds a fixture's name: the fixture itself, before pytest 8.4 a note on its function."""
    return getattr(member, "_pytestfixturefunction", member)


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
