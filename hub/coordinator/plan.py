"""Planning is pure: which system is asked for what, and what is known beforehand to be impossible. No network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hub.holding import Search
from hub.processor import Operation, Processor
from hub.rights import Right, operations


class Mode(StrEnum):
    """How a registered system is served."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"  # a person does it there, and says how it went
    EXCLUDED = "excluded"  # with a reason that stands in the proof


@dataclass(frozen=True, slots=True)
class System:
    """A registered system, as far as planning needs it.

    Args:
        name: instance or register name.
        label: for people.
        mode: how it is served.
        reason: code why it is excluded or manual.
        processor: the connector's class; None without one.
        searches: identifier label → how this instance is searched by it.
        instructions: for the person who serves a manual system.
    """

    name: str
    label: str
    mode: Mode
    reason: str = ""
    processor: type[Processor[Any]] | None = None
    searches: Mapping[str, Search] = field(default_factory=dict)
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """What one system is asked for.

    Args:
        system: which.
        operations: operation → None when it will be carried out, else the declared reason why it cannot be.
        searched: identifier label → how the service is searched by it, for the labels the request brings.
    """

    system: System
    operations: Mapping[Operation, str | None]
    searched: Mapping[str, Search]

    @property
    def searchable(self) -> bool:
        """Whether anything the request brings can be searched for there."""
        return any(how is not Search.NONE for how in self.searched.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """A request's plan: every registered system, in the order of the settings."""

    rights: tuple[Right, ...]
    labels: tuple[str, ...]
    systems: tuple[Planned, ...]


def plan(rights: Sequence[Right], labels: Sequence[str], systems: Sequence[System]) -> Plan:
    """Plan a request.

    Args:
        rights: what is asked for.
        labels: the kinds of identifier the request brings (`email`, `salesforce.contact`), not their values.
        systems: every registered system, manual and excluded ones too.
    """
    wanted = operations(rights)
    return Plan(tuple(rights), tuple(dict.fromkeys(labels)), tuple(_planned(s, wanted, labels) for s in systems))


def _planned(system: System, wanted: Sequence[Operation], labels: Sequence[str]) -> Planned:
    processor = system.processor
    if system.mode is not Mode.AUTOMATIC or processor is None:
        return Planned(system, {}, {})
    cannot = {op: processor.cannot(op) for op in wanted}
    return Planned(
        system,
        {op: answer.reason if answer else None for op, answer in cannot.items()},
        {label: system.searches.get(label, Search.NONE) for label in dict.fromkeys(labels)},
    )
