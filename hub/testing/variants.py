"""Services in memory that can less, or more, than the plain one: a plugin of its own, for tests of the coordinator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from hub import Holding, Outcome, Processor, Step, hookimpl, unsupported
from hub.testing.memory import Memory


class Stopping(Memory):
    """Stopping the use of a record neither destroys nor blocks what erasing it needs."""

    name: ClassVar[str] = "memory_stopping"
    stops_before_erase: ClassVar[bool] = True


class Batching(Memory):
    """Erases two contacts in one call."""

    name: ClassVar[str] = "memory_batching"
    batch: ClassVar[Mapping[str, int]] = {"contact": 2}

    def erase_many(self, holdings: Sequence[Holding], step: Step) -> Iterator[tuple[str, Outcome]]:
        """Each as by itself; what a script answers to `erase_many` stands in the place of all."""
        answer = self.service.turn("erase_many", ",".join(holding.key for holding in holdings))
        yield from answer if answer is not None else super().erase_many(holdings, step)


class Reticent(Memory):
    """Cannot read out, correct, or stop anything."""

    name: ClassVar[str] = "memory_reticent"
    export = unsupported("The service shows what it holds on its screen alone.")  # type: ignore[assignment]
    rectify = unsupported("The service keeps what it was told.")
    suppress = unsupported("The service uses nothing it holds.")


@hookimpl
def hub_processors() -> Sequence[type[Processor[Any]]]:
    """The connectors, for a test that loads this module as a plugin."""
    return [Stopping, Batching, Reticent]
