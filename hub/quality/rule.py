"""What a rule of the quality scale is, and the tiers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Tier(IntEnum):
    """How much a connector has shown. Each tier includes those below; a connector below bronze is not merged."""

    NONE = 0
    BRONZE = 1
    SILVER = 2
    GOLD = 3
    PLATINUM = 4

    @property
    def label(self) -> str:
        """As people and files write it: `bronze`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a connector has shown, or has not.

    Args:
        name: what quality.yaml calls it.
        tier: the lowest tier that asks for it.
        title: what holds where the rule is met, one sentence.
        why: what goes wrong where it is not.
        how: how to meet it.
        exempt: when it may be left out with a reason; empty: never.
    """

    name: str
    tier: Tier
    title: str
    why: str
    how: str
    exempt: str = ""

    @property
    def page(self) -> str:
        """Where it is explained."""
        return f"docs/quality/{self.name}.md"
