"""An argument that is no text is refused as what it is."""

import pytest

from hub.cli.frame import Command
from hub.errors import UsageError


def test_an_argument_that_is_no_text_is_refused() -> None:
    with pytest.raises(UsageError, match="no text"):
        Command("show").make_context("show", ["\udcff"])
