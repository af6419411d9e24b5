"""All rules of the quality scale by name, in the order in which a connector grows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hub.quality.bronze import BRONZE
from hub.quality.higher import GOLD, PLATINUM, SILVER
from hub.quality.rule import Rule

RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in (*BRONZE, *SILVER, *GOLD, *PLATINUM)})
