from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.home import Home
from tests.crash.harness import Nursery, new_home


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return new_home(tmp_path_factory.mktemp("template") / "home")
