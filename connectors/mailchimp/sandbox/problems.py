"""Mailchimp's refusals, word for word as its error glossary and public issues show them."""

from __future__ import annotations

import uuid
from typing import Any

from hub.testing.sandbox import Refuse

TYPE = "https://mailchimp.com/developer/marketing/docs/errors/"
HEADERS = {"Content-Type": "application/problem+json; charset=utf-8"}


def problem(status: int, title: str, detail: str, *, typed: bool = True, **more: Any) -> Refuse:
    """A problem document (RFC 7807); some of Mailchimp's refusals lack its `type`."""
    body = {"title": title, "status": status, "detail": detail, "instance": str(uuid.uuid4()), **more}
    return Refuse(status, ({"type": TYPE} if typed else {}) | body, HEADERS)


def not_found() -> Refuse:
    """Nothing there; the same for a member permanently deleted and one never known."""
    return problem(404, "Resource Not Found", "The requested resource could not be found.")


def not_allowed(detail: str = "") -> Refuse:
    """The resource exists and does not take the method."""
    return problem(
        405,
        "Method Not Allowed",
        detail
        or "The requested method and resource are not compatible. See the Allow header for this resource's "
        "available methods.",
    )


def invalid(field: str, message: str) -> Refuse:
    """A field of the body, or a parameter, is not acceptable."""
    return problem(
        400,
        "Invalid Resource",
        "The resource submitted could not be validated. For field-specific details, see the 'errors' array.",
        errors=[{"field": field, "message": message}],
    )


def forgotten(email: str) -> Refuse:
    """The address was permanently deleted: only the person can bring it back, through a form."""
    return problem(
        400,
        "Forgotten Email Not Subscribed",
        f"{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on "
        "the list.",
        typed=False,
    )


def compliance(email: str) -> Refuse:
    """An unsubscribed or bounced address cannot be made a subscriber by us."""
    return problem(
        400,
        "Member In Compliance State",
        f"{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.",
    )


def exists(email: str) -> Refuse:
    """The address stands in the audience already."""
    return problem(400, "Member Exists", f"{email} is already a list member. Use PUT to insert or update list members.")
