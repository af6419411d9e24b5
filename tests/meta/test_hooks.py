"""Every hook is tested and documented: one that is added without either fails here."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from hub.hooks import Hooks

ROOT = Path(__file__).parents[2]
HOOKS = sorted(name for name in vars(Hooks) if hasattr(getattr(Hooks, name), "hub_spec"))


def signature(hook: str) -> str:
    """As documentation writes it: without `self`."""
    found = inspect.signature(getattr(Hooks, hook))
    arguments = [parameter for name, parameter in found.parameters.items() if name != "self"]
    return f"{hook}{found.replace(parameters=arguments)}".replace("'", "")


def test_there_are_five_hooks() -> None:
    assert len(HOOKS) == 5
    assert sorted(name for name in vars(Hooks) if name.startswith("hub_")) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_is_documented_with_its_exact_signature(hook: str) -> None:
    assert f"`{signature(hook)}`" in (ROOT / "docs/hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hooks_own_words_say_when_it_is_called_and_how_it_fails(hook: str) -> None:
    doc = inspect.getdoc(getattr(Hooks, hook)) or ""
    assert re.search(r"Called|called", doc)
    assert re.search(r"Fails (open|closed)|On an exception", doc)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_has_a_test_that_names_it(hook: str) -> None:
    tree = ast.parse((ROOT / "tests/unit/test_plugins.py").read_text(encoding="utf-8"))
    named = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert any(hook in name for name in named)
