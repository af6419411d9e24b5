"""A service that answers as a test says, the connector to it, and a person nobody could mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import SecretStr

from hub import InstanceConfig, Limits, Processor
from hub.subject import Identifier, PostalAddress, Subject
from hub.testing.cassettes import Cassettes, Origin
from hub.timepiece import ManualTime
from tests.unit.wire.vendor import Vendor

BASE = "https://api.depot.example"
PERSON = Subject(
    (
        Identifier.email("zebedia.quorndon@mail.depot-people.net"),
        Identifier.phone("+447911123456"),
        Identifier.name("Zebedia Quorndon"),
        Identifier.address(PostalAddress("71 Fennimore Passage", "", "Wetherbury", "QX7 3ZP", "GB")),
        Identifier.external("depot.customer", "KUND-88123"),
    )
)
NEIGHBOUR = ("barnabas.tollgrove@elsewhere.net", "+447911987654", "Barnabas Tollgrove", "81.2.69.160")
REAL = {"key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "account": "tollgrove-and-sons"}
INVENTED = {"key": "invented-key", "account": "invented-account"}


class DepotConfig(InstanceConfig):
    key: SecretStr
    account: str = "invented-account"
    pages: int = 1


class Depot(Processor[DepotConfig]):
    """Its tests call the service through the bench's wire, as this connector would."""

    name = "depot"
    title = "Depot"
    searches: ClassVar = {}
    kinds: ClassVar = {}
    check = find = export = rectify = suppress = erase = confirm = None  # type: ignore[assignment]

    @classmethod
    def limits(cls, config: DepotConfig) -> Limits:
        return Limits(hosts=("api.depot.example", f"{config.account}.depot.example"))


@dataclass
class Local:
    """Records from a server on this machine that does not say that it is a sandbox."""

    vendor: Vendor
    subject: Subject = PERSON
    settings: dict[str, Any] = field(default_factory=lambda: dict(REAL))

    @contextmanager
    def open(self, _: type[Processor[Any]]) -> Iterator[Origin]:
        yield Origin(self.settings, self.subject, self.vendor.url, ManualTime())


def values() -> list[str]:
    """What of anybody, or of the account, may be in no cassette."""
    home = PERSON.addresses[0]
    hers = [i.value for i in PERSON.identifiers if "\n" not in i.value] + [home.line1, home.postcode]
    return [*hers, *NEIGHBOUR, *REAL.values()]


__all__ = ["BASE", "INVENTED", "NEIGHBOUR", "PERSON", "REAL", "Cassettes", "Depot", "DepotConfig", "Local", "values"]
