"""Removes card tokens through the payment services (VSP), which answer lines of `Key=Value`, with HTTP 200 always."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.sagepay.config import SagePayConfig
from hub import AuthError, ContractError, Services

_INVALID_CALLER = "4020"  # "Information received from an Invalid IP address"
_STATUSES = frozenset({"OK", "INVALID", "MALFORMED", "ERROR"})
_DETAIL = re.compile(r"(\d{4,5}) ?:")


@dataclass(frozen=True, slots=True)
class Removal:
    """What REMOVETOKEN answered.

    Args:
        status: OK, INVALID, MALFORMED or ERROR.
        code: the number that `StatusDetail` begins with; empty when it begins with none.
    """

    status: str
    code: str

    @property
    def said(self) -> str:
        """Status and code, for an error's message."""
        return f"{self.status} {self.code}".strip()


def remove(config: SagePayConfig, hub: Services, token: str) -> Removal:
    """Ask for a token's removal. Only the status OK means that it was removed; see what it says else.

    Raises `AuthError` when our address is not registered, `ContractError` for an answer of another shape, and
    `OutcomeUnknown` when none came.
    """
    form = {"VPSProtocol": "4.00", "TxType": "REMOVETOKEN", "Vendor": config.vendor, "Token": token}
    reply = hub.wire.call("POST", f"{config.base_url}/gateway/service/removetoken.vsp", form=form, expect=(200,))
    removal = read(reply.content, hub.instance)
    if removal.code == _INVALID_CALLER:
        raise AuthError(
            "Sage Pay refused to remove a token: this machine's IP address is not registered",
            instance=hub.instance,
            hint="Add the address this machine calls from under Settings, Valid IPs in MySagePay.",
        )
    return removal


def read(body: bytes, instance: str) -> Removal:
    """Read `Key=Value` lines; values may hold further equals signs. Raises `ContractError`."""
    pairs = (line.partition("=") for line in body.decode("iso-8859-1").splitlines())
    values = {key.strip(): value.strip() for key, equals, value in pairs if equals}
    if values.get("Status") not in _STATUSES:
        raise ContractError(
            "Sage Pay answered a token's removal with none of its documented statuses",
            instance=instance,
            hint="Nothing can be concluded from it; the hub reads the token back before anything else is done.",
        )
    code = _DETAIL.match(values.get("StatusDetail", ""))
    return Removal(values["Status"], code[1] if code else "")
