"""What can go wrong, what the hub does about it, and whose fault it is.

What to do (`Action`) is one axis, whose fault it is (`Blame`) another; `POLICY` holds one row per class and is the only
place where the two meet. Messages are for people: what happened, to which instance, what to do next. They never hold
personal data, and never a vendor's own words, since those often quote the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Action(StrEnum):
    """What the hub does about an error."""

    RETRY = "retry"  # again, after a back-off; the service or the network may recover by itself
    WAIT = "wait"  # again, not before the time the service named
    RECONCILE = "reconcile"  # read back first; repeat only what did not happen
    SUSPEND = "suspend"  # stop using the instance until a person has mended its access
    FAIL = "fail"  # give it to a person; repeating cannot help
    STOP = "stop"  # somebody else has the work now: drop it, touch nothing


class Blame(StrEnum):
    """Whose fault an error is."""

    HUB = "hub"
    CONFIG = "config"
    VENDOR = "vendor"


class HubError(Exception):
    """Base of every error the hub raises on purpose.

    Args:
        message: what happened, for people, without personal data.
        instance: the configured account it happened to, when there is one.
        hint: what to do next.
    """

    def __init__(self, message: str = "", *, instance: str | None = None, hint: str = "") -> None:
        self.message = message or (self.__doc__ or type(self).__name__).strip().partition("\n")[0]
        self.instance = instance
        self.hint = hint
        super().__init__(self.message)

    def diagnostics(self) -> str:
        """One to three lines for a person: where, what, and what to do next."""
        where = f"{self.instance}: " if self.instance else ""
        return f"{where}{self.message}" + (f"\n  → {self.hint}" if self.hint else "")


class UsageError(HubError):
    """The call cannot be carried out as it stands; nothing was changed."""


class InvalidIdentifier(UsageError):
    """An identifier is not of the form its kind asks for; the value itself is never quoted."""


class SettingsError(UsageError):
    """hub.toml or the environment does not fit; the message names the key and the variable."""


class StoreError(UsageError):
    """The data folder cannot be used: locked, full, newer than this program, or not one of ours."""


class KeyUnavailable(UsageError):
    """A key is missing, wrong or destroyed, so what it protects cannot be read."""


class Damaged(HubError):
    """Stored data is not what the hub wrote: it was altered, or sealed under another key."""


class Fenced(HubError):
    """This worker's lease on the step was lost, so it may not send or write any more."""


class PluginFailed(HubError):
    """An enricher or redactor failed, and nothing may go on without its answer."""


class ConnectorError(HubError):
    """Base of what a processor may raise. Anything else it raises is a bug in the connector."""


class TransientError(ConnectorError):
    """The service or the network failed in a way that passes; nothing was changed there."""


class RateLimited(TransientError):
    """The service asked us to come back later.

    Args:
        retry_after: how long it asked for; None when it named no time.
    """

    def __init__(
        self, message: str = "", *, retry_after: timedelta | None = None, instance: str | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, instance=instance, hint=hint)
        self.retry_after = retry_after


class OutcomeUnknown(ConnectorError):
    """The request was sent and no usable answer came: it may or may not have been carried out.

    Args:
        repeatable: whether sending it once more does no harm even if it was carried out.
    """

    def __init__(
        self, message: str = "", *, repeatable: bool = False, instance: str | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, instance=instance, hint=hint)
        self.repeatable = repeatable


class PermanentError(ConnectorError):
    """The service refused in a way that repeating cannot change."""


class AuthError(PermanentError):
    """The service does not accept our credentials, or they lack a permission; suspends the instance."""


class ConfigError(PermanentError):
    """The instance's settings do not fit the account at the service."""


class ContractError(PermanentError):
    """The service's answer does not fit its documented shape, so nothing can be concluded from it."""


class ConnectorBug(PermanentError):
    """The connector raised something it must not raise; made by the hub, never by an author."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One row of the table: what to do, and whose fault it is."""

    action: Action
    blame: Blame


POLICY: dict[type[HubError], Policy] = {
    TransientError: Policy(Action.RETRY, Blame.VENDOR),
    RateLimited: Policy(Action.WAIT, Blame.VENDOR),
    OutcomeUnknown: Policy(Action.RECONCILE, Blame.VENDOR),
    PermanentError: Policy(Action.FAIL, Blame.VENDOR),
    AuthError: Policy(Action.SUSPEND, Blame.CONFIG),
    ConfigError: Policy(Action.SUSPEND, Blame.CONFIG),
    ContractError: Policy(Action.FAIL, Blame.VENDOR),
    ConnectorBug: Policy(Action.FAIL, Blame.HUB),
    PluginFailed: Policy(Action.FAIL, Blame.CONFIG),
    Damaged: Policy(Action.FAIL, Blame.HUB),
    Fenced: Policy(Action.STOP, Blame.HUB),
    UsageError: Policy(Action.FAIL, Blame.HUB),
    SettingsError: Policy(Action.FAIL, Blame.CONFIG),
    StoreError: Policy(Action.RETRY, Blame.HUB),
    KeyUnavailable: Policy(Action.FAIL, Blame.CONFIG),
}


def policy(error: BaseException) -> Policy:
    """The row for `error`: its own class's, else the nearest base's; a foreign exception is a connector's bug."""
    for cls in type(error).__mro__:
        row = POLICY.get(cls)
        if row is not None:
            return row
    return POLICY[ConnectorBug]


def code(error: BaseException) -> str:
    """What journal and evidence call the error: `transient`, `rate_limited`, `auth`; a foreign exception: `bug`.

    A connector's own subclass goes by the class of the hub that it is made from: its name could be no code at all.
    """
    ours = (cls.__name__ for cls in type(error).__mro__ if cls.__module__ == __name__)
    name = next(ours) if isinstance(error, HubError) else "bug"
    return (
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Error").removeprefix("Connector")).lower() or "connector"
    )
