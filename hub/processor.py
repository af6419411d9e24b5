"""The interface a connector implements, and everything the hub passes to it.

Synchronous on purpose (docs/decisions/0002): the vendors' SDKs are, and threads live in the coordinator alone. A
processor keeps no state between calls but its configuration: two threads may call it at once.
"""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from hub.holding import Coverage, File, Holding, Learned, Record, Search
from hub.outcome import Confirmation, Handle, Manual, Outcome, Unsupported
from hub.subject import Identifier, Subject

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from hub.timepiece import Timepiece
    from hub.tokens import Tokens
    from hub.wire import Wire


class InstanceConfig(BaseModel):
    """Base of a connector's own settings: frozen, unknown keys refused. Secrets are `SecretStr`, fields described."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # an error must quote no secret


Config = TypeVar("Config", bound=InstanceConfig)


class Operation(StrEnum):
    """What a step does at a service."""

    FIND = "find"
    EXPORT = "export"
    RECTIFY = "rectify"
    SUPPRESS = "suppress"
    LIFT = "lift"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` calls in `period`."""

    count: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """What the door lets through to this instance.

    Args:
        hosts: names that may be called; `*.example.com` stands for any single label before it.
        concurrency: calls in flight at once.
        rates: rates kept besides.
        connect: seconds to connect.
        read: seconds between two chunks of an answer.
        answer: seconds for one whole answer.
        max_answer: bytes of one answer held in memory.
    """

    hosts: tuple[str, ...]
    concurrency: int = 4
    rates: tuple[Rate, ...] = ()
    connect: float = 5.0
    read: float = 30.0
    answer: float = 120.0
    max_answer: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Services:
    """What the hub gives to a processor.

    Args:
        instance: the configured name of this account (`crm_eu`).
        wire: the one door to the service.
        tokens: encrypted store for tokens that rotate.
        clock: the time; never ask the system's.
        log: for the connector's own lines: fixed texts and counts, no personal data.
        region: default region for national telephone numbers (`GB`), if set.
    """

    instance: str
    wire: Wire
    tokens: Tokens
    clock: Timepiece
    log: FilteringBoundLogger
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What `check` found out.

    Args:
        id: the service's id of our account; stands in evidence.
        label: its name, for people.
        region: where it lives, where the service says (`us21`, `eu`).
        permissions: what these credentials may do, in the service's words.
        missing: what the operations need and these credentials lack.
        sandbox: whether the account says of itself that it is a test account.
    """

    id: str
    label: str
    region: str = ""
    permissions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sandbox: bool = False


class Purpose(StrEnum):
    """Uses of data a person can stop."""

    MARKETING = "marketing"
    PROCESSING = "processing"
    SHARING = "sharing"


class Channel(StrEnum):
    """Ways to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    POST = "post"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to stop. Service and security messages are never part of it (P16).

    Args:
        purposes: which uses; processing is the widest (Art. 18).
        channels: which channels of marketing; empty means all.
    """

    purposes: frozenset[Purpose] = frozenset({Purpose.MARKETING})
    channels: frozenset[Channel] = frozenset()

    def covers(self, channel: Channel) -> bool:
        """Whether marketing by that channel is to stop."""
        return not self.channels or channel in self.channels

    def as_dict(self) -> dict[str, list[str]]:
        """JSON form, sorted."""
        return {"purposes": sorted(self.purposes), "channels": sorted(self.channels)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Sequence[str]]) -> Scope:
        """The inverse of `as_dict`."""
        return cls(frozenset(map(Purpose, data["purposes"])), frozenset(map(Channel, data["channels"])))


STANDARD_FIELDS = frozenset(
    [
        "name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "company",
        "line1",
        "line2",
        "city",
        "postcode",
        "country",
        "supplement",
    ]
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a rectification asks for: standard field → new value; an empty text clears it.

    Fields: name, first_name, last_name, email, phone, company, line1, line2, city, postcode, country, and `supplement`
    (a supplementary statement, Art. 16). `CONNECTOR.FIELD` names a field of one service alone.
    """

    fields: Mapping[str, str] = field(repr=False)

    def names(self) -> tuple[str, ...]:
        """The fields, sorted; safe to show."""
        return tuple(sorted(self.fields))

    def concerning(self, connector: str) -> dict[str, str]:
        """Standard fields and this connector's own, without its prefix."""
        own = f"{connector}."
        return {k.removeprefix(own): v for k, v in self.fields.items() if "." not in k or k.startswith(own)}


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt at one operation.

    Args:
        key: stable idempotency key, the same for every attempt: 32 hex digits.
        attempt: from 1.
        now: when the attempt began.
        received: when the request was received; periods of law and policy count from it.
        deadline: when this attempt must have ended.
        cursor: for `export`: where the last attempt got to.
        still_mine: raises `Fenced` once the lease is lost or the request was cancelled; call it in long loops.
    """

    key: str
    attempt: int
    now: datetime
    received: datetime
    deadline: datetime
    cursor: str | None = field(default=None, repr=False)
    still_mine: Callable[[], None] = field(default=lambda: None, repr=False)


@dataclass(frozen=True, slots=True)
class Act:
    """What was asked for, so that `confirm` can read it back.

    Args:
        operation: rectify, suppress, lift or erase.
        target: the holding, or the bare subject of a suppression.
        changes: of a rectification.
        scope: of a suppression.
        outcome: what the act answered last, where that was `Done`, `Partial` or `Contained`. None when its answer was
            lost, and after every other: a job that is followed is read back once `resume` said what came of it, so
            `Pending` is never passed.
    """

    operation: Operation
    target: Holding | Subject
    changes: Changes | None = None
    scope: Scope | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as it arrived: headers (lower-case names) and the raw body."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signal:
    """What a verified webhook says: look at this handle again. It wakes, it never proves."""

    handle: Handle = field(repr=False)


Operate = Callable[..., Outcome]


class _UnsupportedOperation:
    """What `unsupported` makes: callable like the method it stands for, and recognisable by the planner."""

    def __init__(self, reason: str) -> None:
        self.answer = Unsupported(reason)

    def __call__(self, *_: Any, **__: Any) -> Outcome:
        return self.answer


def unsupported(reason: str) -> Operate:
    """Declare in a class body, instead of the method, that the service lacks an operation.

    `rectify = unsupported("A card transaction records what happened.")`
    The reason is one sentence for people; a plan and a certificate print it.
    """
    return _UnsupportedOperation(reason)


class Processor(ABC, Generic[Config]):
    """One account at one service that processes personal data for the controller.

    Subclass it with the connector's settings: `class Mailchimp(Processor[MailchimpConfig])`. Methods raise the errors
    of `hub.errors` and nothing else; anything else counts as a bug in the connector and is never retried.
    """

    name: ClassVar[str]
    """What hub.toml calls it: `mailchimp`."""
    title: ClassVar[str]
    """What people call it: `Mailchimp Marketing`."""
    api: ClassVar[int] = 1
    """Version of this interface."""
    searches: ClassVar[Mapping[str, Search]]
    """Kind of identifier → how `find` searches by it, at best: what plans rely on."""
    kinds: ClassVar[Mapping[str, str]]
    """Kind of holding → what it is, in a few words for people."""
    batch: ClassVar[Mapping[str, int]] = {}
    """Kind of holding → how many of it `erase_many` takes at once."""
    stops_before_erase: ClassVar[bool] = True
    """Whether suppressing neither destroys nor blocks what erasing needs."""
    config_model: ClassVar[type[InstanceConfig]]
    """Its settings, filled in from `Processor[…]`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in typing.get_args(base):
                if isinstance(argument, type) and issubclass(argument, InstanceConfig):
                    cls.config_model = argument

    def __init__(self, config: Config, hub: Services) -> None:
        self.config = config
        self.hub = hub

    @classmethod
    @abstractmethod
    def limits(cls, config: Config) -> Limits:
        """Hosts, concurrency and rates; they can depend on the plan bought."""

    @classmethod
    def searched_by(cls, config: Config) -> Mapping[str, Search]:  # noqa: ARG003  # authors override it
        """How `find` searches with these settings: `searches`, unless they decide. Plans go by it."""
        return cls.searches

    @abstractmethod
    def check(self) -> Account:
        """Ask the service who we are and what these credentials may do. Raises `AuthError`, `ConfigError`."""

    @abstractmethod
    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        """Yield what is held, in an order in which erasing one after the other is safe (children first).

        Reads authoritatively and to the last page; ends with exactly one `Coverage`.
        """

    @abstractmethod
    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        """Yield everything the holding contains, from `step.cursor` on; no secrets, no third parties' data."""

    @abstractmethod
    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:
        """Change the fields asked for and no others. Never answers `Absent` for success."""

    @abstractmethod
    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:
        """Stop the uses in `scope`. A bare `Subject` is someone not held today: record the objection if possible."""

    @abstractmethod
    def erase(self, holding: Holding, step: Step) -> Outcome:
        """Erase. Idempotent by locator: a second call answers `Absent` or `Done`, never an error."""

    @abstractmethod
    def confirm(self, act: Act, step: Step) -> Confirmation:
        """Read back, by locator, what `act` asked for."""

    def erase_many(self, holdings: Sequence[Holding], step: Step) -> Iterator[tuple[str, Outcome]]:
        """Erase a batch of one kind (size: `batch`); yields each holding's key with its outcome."""
        for holding in holdings:
            yield holding.key, self.erase(holding, step)

    def lift(self, holding: Holding, scope: Scope, step: Step) -> Outcome:  # noqa: ARG002  # authors override it
        """End a restriction (Art. 18(3)). By default a person does it at the service."""
        return Manual("lift_restriction", "Allow the use of this record again at the service; it has no call for it.")

    def resume(self, holding: Holding, handle: Handle, step: Step) -> Outcome:
        """Go on with a job the service accepted (`Pending`), or purge what was contained (`Contained`)."""
        raise NotImplementedError(f"{self.name} returned a handle and has no resume()")

    def receive(self, delivery: Delivery) -> Iterator[Signal]:  # noqa: ARG002  # authors override it
        """Verify a webhook and say what it is about. By default the service sends none."""
        return iter(())

    def scan(self, since: datetime | None) -> Iterator[tuple[Holding, Sequence[Identifier]]]:
        """Yield everyone the service holds, for rechecks and bulk; the hub compares and forgets."""
        raise NotImplementedError(f"{self.name} cannot list everyone it holds")

    @classmethod
    def cannot(cls, operation: Operation) -> Unsupported | None:
        """The declared reason why the service lacks that operation; None when it has it."""
        method = getattr(cls, operation.value)
        return method.answer if isinstance(method, _UnsupportedOperation) else None
