"""Mailchimp's refusals, normalised: the SDK hands them over as a JSON string, a dict or an exception."""

from __future__ import annotations

from typing import ClassVar

from hub import ContractError

MEMBER_EXISTS = "Member Exists"
INVALID = "Invalid Resource"


class Problem(ContractError):
    """Mailchimp refused, in its own words (RFC 7807).

    Args:
        status: 400, 404 or 405.
        title: one of the fixed titles of its error glossary; compared, never shown.
        call: method and template, for people.
    """

    def __init__(self, status: int, title: str, call: str, instance: str) -> None:
        super().__init__(
            f"{call} was refused with status {status}",
            instance=instance,
            hint="Repeating cannot help; look at the contact in Mailchimp.",
        )
        self.status = status
        self.title = title


class NotThere(Problem):
    """Mailchimp says that there is no such thing. A 404 from anybody else is not this."""

    SAID: ClassVar = (404, "Resource Not Found")
