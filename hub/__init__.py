"""The Subject Request Hub's author API: what a connector imports, and all it imports.

A connector is a package with a `hub_processors` hook that returns its `Processor` classes; docs/ has the tutorial.
The names load on first use (PEP 562), so that `hub --help` does not pay for pydantic.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.errors import (
        AuthError,
        ConfigError,
        ConnectorError,
        ContractError,
        InvalidIdentifier,
        OutcomeUnknown,
        PermanentError,
        RateLimited,
        TransientError,
    )
    from hub.holding import Coverage, File, Holding, Learned, Match, Reach, Record, Role, Search
    from hub.hooks import hookimpl
    from hub.outcome import (
        Absent,
        AsAsked,
        Confirmation,
        Contained,
        Differs,
        Done,
        Gone,
        Handle,
        Manual,
        Masked,
        Method,
        NotYet,
        Outcome,
        Partial,
        Pending,
        Refused,
        Retained,
        Unsupported,
        Unverifiable,
    )
    from hub.processor import (
        Account,
        Act,
        Changes,
        Channel,
        Delivery,
        InstanceConfig,
        Limits,
        Operation,
        Processor,
        Purpose,
        Rate,
        Scope,
        Services,
        Signal,
        Step,
        unsupported,
    )
    from hub.subject import Identifier, IdentifierKind, PostalAddress, Subject
    from hub.timepiece import Timepiece
    from hub.tokens import Token, Tokens
    from hub.wire import Reply, Wire

_MODULES = (
    "hub.processor",
    "hub.outcome",
    "hub.holding",
    "hub.subject",
    "hub.errors",
    "hub.hooks",
    "hub.tokens",
    "hub.timepiece",
    "hub.wire",
)

__all__ = [
    "Absent",
    "Account",
    "Act",
    "AsAsked",
    "AuthError",
    "Changes",
    "Channel",
    "ConfigError",
    "Confirmation",
    "ConnectorError",
    "Contained",
    "ContractError",
    "Coverage",
    "Delivery",
    "Differs",
    "Done",
    "File",
    "Gone",
    "Handle",
    "Holding",
    "Identifier",
    "IdentifierKind",
    "InstanceConfig",
    "InvalidIdentifier",
    "Learned",
    "Limits",
    "Manual",
    "Masked",
    "Match",
    "Method",
    "NotYet",
    "Operation",
    "Outcome",
    "OutcomeUnknown",
    "Partial",
    "Pending",
    "PermanentError",
    "PostalAddress",
    "Processor",
    "Purpose",
    "Rate",
    "RateLimited",
    "Reach",
    "Record",
    "Refused",
    "Reply",
    "Retained",
    "Role",
    "Scope",
    "Search",
    "Services",
    "Signal",
    "Step",
    "Subject",
    "Timepiece",
    "Token",
    "Tokens",
    "TransientError",
    "Unsupported",
    "Unverifiable",
    "Wire",
    "hookimpl",
    "unsupported",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in map(import_module, _MODULES):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'hub' has no attribute {name!r}")
