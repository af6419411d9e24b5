"""Sage Pay (now Opayo, by Elavon): card transactions and stored cards. README.md says what it can and cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hub import hookimpl

if TYPE_CHECKING:
    from hub import Processor


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """Bring the processor."""
    from connectors.sagepay.processor import SagePay  # noqa: PLC0415  # hooks import late: loading must be cheap

    return [SagePay]


@hookimpl
def hub_sandboxes() -> Mapping[str, type]:
    """Bring the local stand-in."""
    from connectors.sagepay.sandbox import SagePaySandbox  # noqa: PLC0415  # the same

    return {"sagepay": SagePaySandbox}
