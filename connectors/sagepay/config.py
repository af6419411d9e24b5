"""The connector's settings."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from connectors.sagepay.signing import Algorithm
from hub import InstanceConfig

LIVE = "https://live.opayo.eu.elavon.com"
TEST_HOSTS = frozenset({"sandbox.opayo.eu.elavon.com", "test.sagepay.com"})

_PLAIN = re.compile(r"[ -%'-;=?-~]+")  # printable ASCII without & < >


def _plain(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise ValueError("use printable ASCII without & < >: clients of the service disagree on how others are signed")
    return value


def _plain_secret(value: SecretStr) -> SecretStr:
    _plain(value.get_secret_value())
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"use an https address such as {LIVE}")
    if parts.path.strip("/"):
        raise ValueError("give the host alone, without a path: the connector knows the paths")
    return f"https://{parts.netloc.lower()}"


class SagePayConfig(InstanceConfig):
    """One vendor account at Sage Pay (Opayo, by Elavon), reached as one of its MySagePay users."""

    vendor: Annotated[str, AfterValidator(_plain)] = Field(description="Vendor name, as MySagePay shows it.")
    user: Annotated[str, AfterValidator(_plain)] = Field(description="MySagePay user the hub signs as.")
    password: Annotated[SecretStr, AfterValidator(_plain_secret)] = Field(
        description="Password of that user: printable ASCII without & < >."
    )
    hash_algorithm: Algorithm = Field(
        Algorithm.SHA256, description="Hash of the signature; md5 only for accounts that refuse sha256."
    )
    base_url: Annotated[str, AfterValidator(_origin)] = Field(
        LIVE, description="Where the service is; https://sandbox.opayo.eu.elavon.com for its test system."
    )
    admin: bool = Field(
        default=True,
        description="Whether the user is an administrator. Without it tokens can be removed but not read back.",
    )
    search_from: date = Field(
        description="Day of the account's first payment: searches read from here. What is older is not found."
    )
    window_days: int = Field(
        28, ge=1, le=28, description="Days asked for at once. The service refuses more than a month (error 0039)."
    )
    sweep: bool = Field(
        default=False,
        description="Read every transaction since search_from, so that e-mail and telephone are searched too. "
        "One call for each transaction of the account.",
    )
    retention_years: int = Field(
        6, ge=0, le=30, description="Years a payment is kept after it ended (VAT Act 1994 Sch 11 para 6(3): 6)."
    )
    retention_ground: str = Field(
        "UK GDPR Art. 17(3)(b): legal obligation; VAT Act 1994 Sch 11 para 6(3)",
        max_length=200,
        description="Legal ground for keeping payments, as the answer to the person quotes it.",
    )
    attempt_retention_years: int = Field(
        1, ge=0, le=30, description="Years a payment that failed is kept; 0 keeps it on no ground."
    )
    attempt_retention_ground: str = Field(
        "UK GDPR Art. 17(3)(e): legal claims; evidence of disputed and fraudulent payments",
        max_length=200,
        description="Ground for keeping failed payments. It is weaker: have your data protection officer confirm it.",
    )
    calls_per_second: int | None = Field(
        None, ge=1, le=100, description="Upper limit of calls; the service publishes none, so none is set."
    )
