"""The connector for Shelfmark, as a plugin of the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub import Processor, hookimpl


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """Bring the processor."""
    from hub_connector_shelfmark.processor import Shelfmark  # noqa: PLC0415  # naming a plugin must not load it

    return [Shelfmark]


@hookimpl
def hub_sandboxes() -> Mapping[str, type]:
    """Bring the local stand-in."""
    from hub_connector_shelfmark.sandbox import ShelfmarkSandbox  # noqa: PLC0415  # only who tries things out needs it

    return {"shelfmark": ShelfmarkSandbox}
