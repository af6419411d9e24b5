"""What a check is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from hub.quality.connector import Connector
from hub.quality.declared import Declared


@dataclass(frozen=True, slots=True)
class Case:
    """One connector, what it says of itself, and the day on which it is judged."""

    connector: Connector
    declared: Declared
    today: date


Check = Callable[[Case], Iterable[str]]
"""Yields what contradicts the claim, for people: `api_key is plain text`. May raise `NotInstalled`."""
