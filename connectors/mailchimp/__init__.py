"""The connector for Mailchimp Marketing: audiences, their members, and what connected shops report about customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub import Processor, hookimpl


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """Bring the processor."""
    from connectors.mailchimp.processor import Mailchimp  # noqa: PLC0415  # naming a plugin must not load it

    return [Mailchimp]


@hookimpl
def hub_sandboxes() -> Mapping[str, type]:
    """Bring the local stand-in."""
    from connectors.mailchimp.sandbox import MailchimpSandbox  # noqa: PLC0415  # only `hub sandbox` and `demo` need it

    return {"mailchimp": MailchimpSandbox}
