"""What the tests of the how-to guides share: a whole hub with one connector, on a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.testing.harness import ManualTime
from hub.testing.trial import Trial, make_home

OpenHub = Callable[..., Trial]

_SETTINGS = """
[policy]
approve = [{{ right = "erasure", verified_by = "portal_login" }}]

[instances.it]
connector = "{connector}"
via = "{url}"
allow_private = true
secret_file = "it.secrets"
"""


@pytest.fixture
def open_hub(tmp_path: Path, clock: ManualTime) -> Iterator[OpenHub]:
    """Opens a hub whose instance `it` is served by the plugin in `module`; what is found is approved by policy."""
    with ExitStack() as stack:

        def opened(module: str, connector: str, url: str, settings: dict[str, Any]) -> Trial:
            secrets = make_home(tmp_path / "hub").folder / "it.secrets"
            secrets.touch(mode=0o600)
            secrets.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
            written = _SETTINGS.format(connector=connector, url=url)
            trial = Trial.open(tmp_path / "hub", written, plugins={connector: module}, clock=clock)
            return stack.enter_context(trial)

        yield opened
