"""The public API is what its snapshots say: a change of it shows in review, and is meant."""

import difflib
import subprocess
import sys
from importlib import import_module

import pytest

import hub
from tests.meta.api.render import HERE, MODULES, public, rendered, snapshot


@pytest.mark.parametrize("module", MODULES)
def test_the_api_is_as_in_the_snapshot(module: str) -> None:
    kept, found = snapshot(module).read_text(encoding="utf-8"), rendered(module)
    difference = "\n".join(difflib.unified_diff(kept.splitlines(), found.splitlines(), "before", "now", lineterm=""))
    if difference:
        pytest.fail(
            f"The API of {module} has changed:\n{difference}\n\nIs it meant? Then `make api-snapshot` writes it down, "
            "and CHANGELOG.md says it.",
            pytrace=False,
        )


def test_there_is_a_snapshot_of_each_module_and_no_other() -> None:
    assert sorted(path.stem for path in HERE.glob("*.txt")) == sorted(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_exists_and_says_what_it_is(module: str) -> None:
    found = import_module(module)
    for name in public(found):
        thing = getattr(found, name)
        if isinstance(thing, type) or hasattr(thing, "__code__"):
            assert (thing.__doc__ or "").strip(), f"{module}.{name} has no docstring"


def test_what_is_no_public_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'hub' has no attribute 'Door'"):
        hub.Door  # noqa: B018  # type: ignore[attr-defined]


def test_importing_hub_loads_no_library() -> None:
    script = "import sys, hub; print({'pydantic', 'httpx', 'sqlalchemy', 'pluggy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
