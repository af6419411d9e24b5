"""Pebble, a shop's customers and newsletter. README.md says what can and cannot be done there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hub import hookimpl

if TYPE_CHECKING:
    from hub import Processor


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """Bring the processor."""
    from hub.scaffold.pebble.processor import Pebble  # noqa: PLC0415  # hooks import late: loading must be cheap

    return [Pebble]


@hookimpl
def hub_sandboxes() -> Mapping[str, type]:
    """Bring the local stand-in."""
    from hub.scaffold.pebble.sandbox import PebbleSandbox  # noqa: PLC0415  # the same

    return {"pebble": PebbleSandbox}
