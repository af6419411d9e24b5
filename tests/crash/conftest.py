from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.home import Home
from tests.crash.harness import Nursery, new_home
from tests.crash.stage import Stage, staged_on


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return new_home(tmp_path_factory.mktemp("template") / "home")


@pytest.fixture
def staged(nursery: Nursery, template: Home, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes the stage of a kind of request."""
    with ExitStack() as stack:
        yield lambda right, policy="": stack.enter_context(staged_on(nursery, template, tmp_path, right, policy))
