"""The instances in use: each processor is made once, on first need, with a door of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.coordinator.foreign import check_account
from hub.errors import ConnectorBug, HubError
from hub.processor import Account, Limits, Processor, Services
from hub.settings import Instance


@dataclass(slots=True)
class Active:
    """An instance in use.

    Args:
        instance: its settings.
        processor: the connector's object.
        account: what `check` said in this process; None before.
    """

    instance: Instance
    processor: Processor[Any]
    account: Account | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def checked(self) -> Account:
        """Who we are at the service; asks once in this process, within the caller's flight."""
        with self.lock:
            if self.account is None:
                account = self.processor.check()
                check_account(account)
                self.account = account
            return self.account


class Fleet:
    """Makes processors from settings."""

    def __init__(
        self,
        instances: Mapping[str, Instance],
        processors: Mapping[str, type[Processor[Any]]],
        services: Callable[[Instance, Limits], Services],
        version: Callable[[str], str],
    ) -> None:
        self._instances = instances
        self._processors = processors
        self._services = services
        self._version = version
        self._active: dict[str, Active] = {}
        self._lock = threading.Lock()

    def processor(self, name: str) -> type[Processor[Any]]:
        """The class that serves the instance."""
        return self._processors[self._instances[name].connector]

    def knows(self, name: str) -> bool:
        """Whether the settings still have that instance."""
        return name in self._instances

    def where(self, name: str) -> dict[str, str]:
        """The fields by which an event names instance, connector and account, even of a connector that is broken."""
        connector = self.processor(name).name
        version = self._version(connector) or "unpackaged"
        named = {"instance": name, "connector": connector, "connector_version": version}
        active = self._active.get(name)
        return named | ({"account": active.account.id} if active and active.account else {})

    def get(self, name: str) -> Active:
        """The instance, made on first use. Raises `ConnectorBug` where its connector cannot be made."""
        with self._lock:
            if name not in self._active:
                self._active[name] = self._make(name)
            return self._active[name]

    def _make(self, name: str) -> Active:
        instance = self._instances[name]
        made = self.processor(name)
        try:
            limits = made.limits(instance.config)
            processor = made(instance.config, self._services(instance, limits))
        except HubError:
            raise
        except Exception as error:  # a connector is foreign code
            raise ConnectorBug(f"The connector {made.name} failed while it was set up", instance=name) from error
        return Active(instance, processor)

    def close(self) -> None:
        """Close the connections to the services; an instance used afterwards is made anew."""
        with self._lock:
            closing, self._active = self._active, {}
        for active in closing.values():
            active.processor.hub.wire.close()

    def erase_after(self, name: str) -> tuple[str, ...]:
        """Instances whose erasure comes first."""
        return tuple(self._instances[name].erase_after)

    def concurrency(self, name: str) -> int:
        """How many tracks of the instance are worth running at once."""
        if name not in self._instances:
            return 1
        return self.processor(name).limits(self._instances[name].config).concurrency
