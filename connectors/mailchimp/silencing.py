"""What has to be set on a member so that marketing by some channels stops. Pure."""

from __future__ import annotations

from typing import Any

from connectors.mailchimp.api import Json
from hub import Channel, Purpose, Scope, Unsupported

_MAILED = frozenset({"subscribed", "pending", "transactional"})  # every other status already receives nothing
_TEXTED = frozenset({"subscribed", "pending"})
_CHANNELS = {  # words in the text of a marketing permission, which every audience writes for itself
    "direct mail": Channel.POST,
    "post": Channel.POST,
    "sms": Channel.SMS,
    "text message": Channel.SMS,
    "phone": Channel.PHONE,
    "push": Channel.PUSH,
}
_SPOKEN = {
    Channel.EMAIL: "e-mail",
    Channel.SMS: "text message",
    Channel.PHONE: "telephone",
    Channel.POST: "post",
    Channel.PUSH: "push message",
}


def silence(member: Json, scope: Scope) -> Json | None:
    """The body of the PATCH that stops marketing in `scope`; empty when it is stopped already.

    None when marketing is not asked about, or not by any channel that this member can be reached by.
    """
    if Purpose.MARKETING not in scope.purposes:
        return None
    permissions = [p for p in _rows(member.get("marketing_permissions")) if _concerned(str(p.get("text")), scope)]
    texts = bool(member.get("sms_phone_number")) and scope.covers(Channel.SMS)
    if not (permissions or texts or scope.covers(Channel.EMAIL)):
        return None
    body: Json = {}
    if scope.covers(Channel.EMAIL) and member.get("status") in _MAILED:
        body["status"] = "unsubscribed"
    if texts and member.get("sms_subscription_status") in _TEXTED:
        body["sms_subscription_status"] = "unsubscribed"
    given = [p for p in permissions if p.get("enabled") is not False]
    if given:
        body["marketing_permissions"] = [
            {"marketing_permission_id": p.get("marketing_permission_id"), "enabled": False} for p in given
        ]
    return body


def nothing_sent(scope: Scope) -> Unsupported:
    """The answer where none of the channels in `scope` reaches the person through Mailchimp."""
    named = " or ".join(_SPOKEN[channel] for channel in sorted(scope.channels))
    return Unsupported(f"Nothing is sent there by {named}: nothing had to be stopped.")


def _concerned(text: str, scope: Scope) -> bool:
    """Whether a permission falls under the scope: by the channel its text names, else as one for e-mail."""
    named = [channel for word, channel in _CHANNELS.items() if word in text.casefold()]
    return any(map(scope.covers, named or [Channel.EMAIL]))


def _rows(value: Any) -> list[Json]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
