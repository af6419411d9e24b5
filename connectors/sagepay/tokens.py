"""Removes card tokens through the payment services (VSP), which answer lines of `Key=Value`, with HTTP 200 always."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.sagepay.config import SagePayConfig
from hub import AuthError, OutcomeUnknown, Services

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

    Repeating it does no harm. Raises `AuthError` when our address is not registered, and `OutcomeUnknown` when no
    answer came, or one of another shape.
    """
    form = {"VPSProtocol": "4.00", "TxType": "REMOVETOKEN", "Vendor": config.vendor, "Token": token}
    reply = hub.wire.call("POST", f"{config.base_url}/gateway/service/removetoken.vsp", form=form, idempotent=True)
    removal = read(reply.body, hub.instance)
    if removal.code == _INVALID_CALLER:
        raise AuthError(
            "Sage Pay refused to remove a token: this machine's IP address is not registered",
            instance=hub.instance,
            hint="Add the address this machine calls from under Settings, Valid IPs in MySagePay.",
        )
    return removal


def read(body: bytes, instance: str) -> Removal:
    """Read `Key=Value` lines; values may hold further equals signs. Raises `OutcomeUnknown` for anything else."""
    pairs = (line.partition("=") for line in body.decode("iso-8859-1").splitlines())
    values = {key.strip(): value.strip() for key, equals, value in pairs if equals}
    if values.get("Status") not in _STATUSES:
        raise OutcomeUnknown(
            "Sage Pay answered a token's removal with none of its documented statuses",
            repeatable=True,
            instance=instance,
            hint="The token may or may not be there; the hub reads it back.",
        )
    code = _DETAIL.match(values.get("StatusDetail", ""))
    return Removal(values["Status"], code[1] if code else "")
