"""What the suite has to be told about a connector; everything but the first two fields has a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.processor import Changes, Processor, Scope
from hub.subject import Identifier, Subject
from hub.testing.sandbox import Sandbox
from hub.testing.town import TOWN, Town


@dataclass(frozen=True)
class Service:
    """A connector and the stand-in it is judged against.

    Args:
        processor: the class.
        sandbox: the class of its stand-in, or a function that makes one; called as `sandbox(town, clock=clock)`.
        settings: settings of the connector beside those of `sandbox.settings()`.
        wrong: settings with credentials the service refuses; None alters one character of every secret.
        town: whom the stand-in is seeded with; requests are made for `town.main`.
        known_by: identifiers of that person beside those of the town, such as an id the service gave.
        changes: what a rectification asks for, with values that occur nowhere else.
        scope: what a suppression asks for.
        stops: fields of records that a suppression may change, and that lifting it may change: what it stops. Whatever
            else stands on the person's records, such as the consent to service messages, it spares.
        volatile: fields of records that the service itself writes whenever a record changes (`updated_at`).
        not_exported: field of a record → why a copy leaves it out.
        crowd: how many more people a large town has; more than the service lists on two pages.
    """

    processor: type[Processor[Any]]
    sandbox: Callable[..., Sandbox]
    settings: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, Any] | None = None
    town: Town = TOWN
    known_by: tuple[Identifier, ...] = ()
    changes: Changes = field(default_factory=lambda: Changes({"name": "Zenobia Zz-Corrected"}))
    scope: Scope = field(default_factory=Scope)
    stops: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    not_exported: Mapping[str, str] = field(default_factory=dict)
    crowd: int = 250

    @property
    def subject(self) -> Subject:
        """The person every rule makes its requests for."""
        return self.town.main.subject().widened(self.known_by)
