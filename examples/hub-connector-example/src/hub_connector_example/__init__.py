"""Boathouse, which rowing clubs keep their members in. README.md says what the connector can and cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hub import hookimpl

if TYPE_CHECKING:
    from hub import Processor


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """Bring the processor."""
    from hub_connector_example.processor import Boathouse  # hooks import late: loading must be cheap

    return [Boathouse]


@hookimpl
def hub_sandboxes() -> Mapping[str, type]:
    """Bring the local stand-in."""
    from hub_connector_example.sandbox import BoathouseSandbox

    return {"boathouse": BoathouseSandbox}
