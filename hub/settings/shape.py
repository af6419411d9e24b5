"""The shape of the settings: what hub.toml may say, with its defaults, and what the hub works with."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretBytes,
    SecretStr,
    SerializeAsAny,
    TypeAdapter,
    model_validator,
)
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from hub import clock
from hub.processor import InstanceConfig

NAME = r"^[a-z][a-z0-9_]{0,40}$"  # of instances and systems: they stand in file names, variables and evidence
_CODE = r"[a-z][a-z0-9_]{0,63}"  # a reason stands in evidence, where there is no free text
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PURGE_LIMIT = timedelta(days=20)  # P6: what a person wants deleted is gone 20 days after the request


def _duration(value: object) -> object:
    """`20d` and its like; seconds as a number and ISO 8601 are pydantic's own."""
    short = re.fullmatch(r"\s*(\d{1,6})\s*([smhdw])\s*", value) if isinstance(value, str) else None
    return timedelta(**{_UNITS[short[2]]: int(short[1])}) if short else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("it is no time zone of the IANA database, such as Europe/London") from None
    return value


def _holidays(value: str) -> str:
    if not clock.known_holidays(value):
        raise ValueError("it names no country whose holidays are known: write DE, or GB-SCT for a part of a country")
    return value


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))]
Line = Annotated[str, Field(max_length=400, pattern=r"^[^\r\n]*$")]
Code = Annotated[str, Field(pattern=f"^{_CODE}$")]
Reason = Annotated[str, Field(pattern=f"^({_CODE})?$")]
Name = Annotated[str, Field(pattern=NAME)]
FrozenMap = PlainSerializer(dict, when_used="always")


class _Table(BaseModel):
    """A table of hub.toml: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Controller(_Table):
    """Who answers for the data; printed on answers and certificates."""

    name: Line = Field("", description="the company, as it should stand on answers and certificates")
    dpo: Line = Field("", description="its data protection officer")
    contact: Line = Field("", description="where to reach them: an address or a page, printed for the person")


class Approval(_Table):
    """One case in which nobody needs to approve what was found."""

    right: Literal["erasure", "rectification"] = Field(description="the right asked for")
    verified_by: Code = Field(description="the way the person was verified, as `--verified-by` names it")


class Policy(_Table):
    """How the hub behaves; the defaults suit most companies."""

    find_patience: Duration = Field(timedelta(seconds=60), description="how long a round waits for a silent service")
    rounds: int = Field(3, ge=1, le=3, description="how many rounds of newly learned identifiers at most")
    grace: Duration = Field(
        timedelta(0),
        le=_PURGE_LIMIT,
        description="how long after approval nothing irreversible happens, so that `hub undo` can help; at most 20d",
    )
    retention_days: int = Field(175, ge=1, description="days from receipt after which a closed request is shredded")
    approve: tuple[Approval, ...] = Field((), description="cases in which nobody needs to approve what was found")
    review_exports: bool = Field(False, description="whether a copy waits for `hub release`")
    refused_retry: Duration = Field(
        timedelta(days=1), gt=timedelta(0), description="how often a refusal is tried again"
    )
    refused_until: Duration = Field(timedelta(days=21), description="how long, before it becomes an obligation")
    retry_cap: Duration = Field(timedelta(hours=1), gt=timedelta(0), description="longest wait after repeated failures")
    lease: Duration = Field(
        timedelta(seconds=10), ge=timedelta(seconds=1), description="how long a step stays a silent worker's"
    )

    @model_validator(mode="after")
    def _check_refusals(self) -> Policy:
        if self.refused_until < self.refused_retry:
            raise ValueError("refused_until must not be shorter than refused_retry")
        return self

    def automatic(self, right: str, verified_by: str) -> bool:
        """Whether what was found for such a request is approved without a person."""
        return any(case.right == right and case.verified_by == verified_by for case in self.approve)


class Described(_Table):
    """What an answer to an access request says of a system (Art. 15(1)), whoever serves it."""

    label: Line = Field("", description="what people call it; the name itself when empty")
    purposes: tuple[Line, ...] = Field((), description="what the data is used for there")
    categories: tuple[Line, ...] = Field((), description="which kinds of data it holds")
    source: Line = Field("", description="where the data comes from, when not from the person")


class InstanceKeys(Described):
    """The hub's own keys of `[instances.NAME]`; every other key belongs to the connector."""

    connector: str = Field(description="which connector serves it; `hub connectors` lists them")
    via: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+/?$")] | None = Field(
        None, description="base URL of a sandbox or proxy that is called in place of the service"
    )
    allow_private: bool = Field(False, description="whether it may live at a private or loopback address")
    trusted: bool = Field(True, description="whether identifiers learned here are searched for elsewhere")
    erase_after: tuple[str, ...] = Field((), description="instances whose erasure must have ended before this one's")
    backups_days: int | None = Field(None, ge=0, description="days until the service's backups are overwritten")
    mode: Literal["automatic", "excluded"] = Field("automatic", description="excluded: never called, listed in proofs")
    reason: Reason = Field("", description="why it is excluded, as a code such as no_personal_data")
    secret_file: str | None = Field(None, description="TOML file with this instance's secrets, readable by you alone")

    @model_validator(mode="after")
    def _check_reason(self) -> InstanceKeys:
        if self.mode == "excluded" and not self.reason:
            raise ValueError("an excluded instance needs a reason, a code such as no_personal_data")
        return self


class Instance(InstanceKeys):
    """One account at a service, in use.

    Args:
        name: as hub.toml calls it.
        config: the connector's own settings, secrets among them.
    """

    name: Name
    config: SerializeAsAny[InstanceConfig]


class System(Described):
    """A system of the register that no connector serves: a person does, or it is excluded with a reason."""

    mode: Literal["manual", "excluded"] = Field("manual", description="manual: a person does it; excluded: nobody")
    reason: Reason = Field("", description="why, as a code such as no_api; needed when excluded")
    contact: Line = Field("", description="whom to ask there")
    instructions: Line = Field("", description="what the person who does it has to do")

    @model_validator(mode="after")
    def _check_reason(self) -> System:
        if self.mode == "excluded" and not self.reason:
            raise ValueError("an excluded system needs a reason, a code such as no_personal_data")
        return self


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Settings:  # a dataclass, since every pydantic model already has something called `register`
    """Everything configured; made by `hub.settings.load` and passed to whoever needs it.

    `instances` are those in use. `register` holds every other system, excluded instances among them: plan and proof
    list both, so that what was left out shows.
    """

    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        None, description="country of telephone numbers written without one, such as GB"
    )
    jurisdiction: Literal["uk", "eu"] = Field("uk", description="whose law counts the deadlines")
    timezone: Annotated[str, AfterValidator(_zone)] | None = Field(
        None, description="whose days deadlines count, such as Europe/Berlin; London or Brussels otherwise"
    )
    public_holidays: Annotated[str, AfterValidator(_holidays)] | None = Field(
        None, description="whose holidays move deadlines: DE, GB-SCT; England's for uk, weekends alone for eu otherwise"
    )
    plugins: tuple[str, ...] | None = Field(
        None, description="the plugins that may see personal data; those that come with the hub when not given"
    )
    kek: Annotated[str, Field(pattern=r"^(file|env|keyring):.+$")] = Field(
        "file:keys/kek", description="where the key-encryption key is: file:PATH, env:VARIABLE or keyring:SERVICE"
    )
    controller: Controller = Controller()
    policy: Policy = Policy()
    instances: Annotated[Mapping[Name, Instance], AfterValidator(_frozen), FrozenMap] = Field(default_factory=dict)
    register: Annotated[Mapping[Name, System], AfterValidator(_frozen), FrozenMap] = Field(default_factory=dict)

    @property
    def law(self) -> clock.Jurisdiction:
        """The statutory clock that counts here."""
        return clock.jurisdiction(self.jurisdiction, timezone=self.timezone, public_holidays=self.public_holidays)

    def digest(self) -> str:
        """SHA-256, 64 hex digits, over the settings without secrets: `settings_sha256` in evidence.

        The text hashed is JSON with sorted keys and no spaces; a secret stands in it as asterisks, whatever it is.
        """
        shape = json.dumps(
            SETTINGS.dump_python(self, mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(shape.encode()).hexdigest()


def is_secret(field: FieldInfo) -> bool:
    """Whether a connector's field is declared secret, and so must not stand in hub.toml."""
    return _holds_secret(field.annotation)


def _holds_secret(annotation: object) -> bool:
    return annotation in {SecretStr, SecretBytes} or any(map(_holds_secret, get_args(annotation)))


SETTINGS = TypeAdapter(Settings)
FIELDS: Mapping[str, FieldInfo] = cast("Any", Settings).__pydantic_fields__
