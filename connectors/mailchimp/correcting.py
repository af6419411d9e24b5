"""Where the fields of a rectification stand in an audience's members. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from connectors.mailchimp.api import Json
from connectors.mailchimp.config import MailchimpConfig
from hub import Changes, Identifier, InvalidIdentifier, Unsupported

_ADDRESS = {"line1": "addr1", "line2": "addr2", "city": "city", "postcode": "zip", "country": "country"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to set.

    Args:
        merge: merge tag → new value.
        email: the new address; empty when it stays.
        left: what this audience has no place for.
    """

    merge: Json = field(repr=False)
    email: str = field(repr=False)
    left: Unsupported | None


class Correction:
    """Reads `Changes` for one account."""

    def __init__(self, config: MailchimpConfig) -> None:
        self._config = config

    def plan(self, changes: Changes, member: Json, tags: Container[str]) -> Plan:
        """Sort the changes; `tags` are the audience's merge tags.

        A full `name` is not taken apart, since nobody but its owner knows where it parts; a postal address keeps the
        lines that are not changed.
        """
        merge: Json = {}
        address: Json = {}
        email, homeless = "", []
        for name, value in changes.concerning("mailchimp").items():
            tag = self._config.merge_tags.get(name, name)
            if name in _ADDRESS and self._config.address_tag in tags:
                address[_ADDRESS[name]] = value
            elif name == "email" and (valid := _address(value)):
                email = valid
            elif tag in tags:
                merge[tag] = value
            else:
                homeless.append(name)
        if address:
            held = member.get("merge_fields", {}).get(self._config.address_tag)
            merge[self._config.address_tag] = (held if isinstance(held, dict) else {}) | address
        left = Unsupported(f"This audience has no place for: {', '.join(sorted(homeless))}") if homeless else None
        return Plan(merge, email, left)


def _address(text: str) -> str:
    try:
        return Identifier.email(text).value
    except InvalidIdentifier:
        return ""
