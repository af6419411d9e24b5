"""Writes what the service knows about a transaction or a token, for the person to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.sagepay.answers import Fields, text
from connectors.sagepay.reporting import Reporting
from hub import Record

_ENVELOPE = frozenset({"errorcode", "timestamp"})
_CHARGES = frozenset({"token", "cardidentifier"})  # whoever holds one of these can charge the card


def transaction(reporting: Reporting, locator: Mapping[str, str], done: str | None) -> Iterator[Record]:
    """The records of one transaction; `done` is the cursor of the last one that was kept."""
    detail = reporting.detail(locator)
    if detail is None:
        return
    fraud_id = text(detail, "t3mid")
    parts: dict[str, Callable[[], Fields | None]] = {
        "transaction": lambda: detail,
        "card": lambda: reporting.card(locator),
        "network": lambda: reporting.network(locator),
        "fraud_screen": lambda: reporting.fraud_screen(locator),
        "fraud_rules": lambda: reporting.fraud_rules(fraud_id) if fraud_id else None,
    }
    left = list(parts)[list(parts).index(done) + 1 if done in parts else 0 :]
    for kind in left:
        fields = parts[kind]()
        if fields is not None:
            yield Record(kind, readable(fields), cursor=kind)


def token(reporting: Reporting, value: str) -> Iterator[Record]:
    """The card behind a token, never the token itself."""
    if not reporting.config.admin:
        note = "A card is stored for further payments. The account's user may not read which."
        yield Record("token", {"stored_card": note})
        return
    fields = reporting.token(value)
    if fields is not None:
        yield Record("token", readable(fields))


def readable(fields: Fields) -> dict[str, Any]:
    """An answer without its envelope, without empty elements and without what charges a card."""
    hidden = _ENVELOPE | _CHARGES
    return {name: _plain(value) for name, value in fields.items() if name not in hidden and value not in ("", {})}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return readable(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value
