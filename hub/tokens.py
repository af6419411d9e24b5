"""Tokens that rotate: kept encrypted, refreshed once however many threads ask.

A refresh often ends the refresh token it used, so two at a time would log the instance out. Within a process one
thread refreshes while the others wait. Between processes the store is the meeting place: it is read again before a
refresh, and once more when the service refuses one, in case another process has been faster.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import SecretStr

from hub.errors import AuthError, ConnectorBug, Damaged
from hub.timepiece import Timepiece

_MARGIN = timedelta(seconds=60)  # a token that ends sooner could end on its way
_ENDED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Token:
    """What a service's log-in gave.

    Args:
        secret: what signs calls.
        refresh: what the next one is got with, where the service gives such.
        expires_at: when it ends; None: nobody knows, so until a call is refused.
    """

    secret: SecretStr
    refresh: SecretStr | None = None
    expires_at: datetime | None = None


class TokenStore(Protocol):
    """Where tokens lie; the vault is one, and encrypts."""

    def load(self, instance: str, name: str) -> bytes | None:
        """What was saved last; None if nothing was."""
        ...

    def save(self, instance: str, name: str, data: bytes | None) -> None:
        """Replace it, durably; None removes it."""
        ...


@dataclass(slots=True)
class _Place:
    lock: threading.RLock = field(default_factory=threading.RLock)
    token: Token | None = None
    refreshing: bool = False


class Tokens:
    """The tokens of one instance. Threads may share it.

    Args:
        instance: whose they are.
        store: where they are kept.
        clock: by which they end.
    """

    def __init__(self, instance: str, store: TokenStore, clock: Timepiece) -> None:
        self._instance = instance
        self._store = store
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._lock = threading.Lock()

    def get(self, name: str, refresh: Callable[[Token | None], Token]) -> Token:
        """A token good for a minute or more.

        Args:
            name: which, where a service has several (`access`).
            refresh: logs in and returns a new one; it gets the last token (also an ended one), or None the first
                time. Its calls to the service must be `anonymous`.

        Raises:
            AuthError, TransientError, …: what `refresh` raises; the next caller tries anew.
            ConnectorBug: `refresh` asks for the very token it is to bring.
            StoreError, KeyUnavailable, Damaged: the store cannot be read or written.
        """
        place = self._place(name)
        with place.lock:
            if place.refreshing:
                raise ConnectorBug(
                    f"Renewing the token {name!r} asked for that token",
                    instance=self._instance,
                    hint="Make the log-in's own calls with anonymous=True.",
                )
            if not self._good(place.token):
                place.token = self._load(name) or place.token
            if place.token is None or not self._good(place.token):
                self._renew(name, place, refresh)
            assert place.token is not None
            return place.token

    def invalidate(self, name: str, token: Token) -> None:
        """The service refused `token`: the next `get` brings another, unless somebody has brought one already."""
        place = self._place(name)
        with place.lock:
            current = place.token or self._load(name)
            if current is not None and current.secret == token.secret:
                place.token = replace(current, expires_at=_ENDED)
                self._save(name, place.token)

    def _renew(self, name: str, place: _Place, refresh: Callable[[Token | None], Token]) -> None:
        last = place.token
        place.refreshing = True
        try:
            place.token = refresh(last)
        except AuthError:
            elsewhere = self._load(name)
            if elsewhere is None or elsewhere == last or not self._good(elsewhere):
                raise
            place.token = elsewhere  # another process used the same refresh token first
            return
        finally:
            place.refreshing = False
        # In memory before the disk: if saving fails, the only token that still works is not lost with it.
        self._save(name, place.token)

    def _good(self, token: Token | None) -> bool:
        if token is None:
            return False
        return token.expires_at is None or token.expires_at - _MARGIN > self._clock.now()

    def _place(self, name: str) -> _Place:
        with self._lock:
            return self._places.setdefault(name, _Place())

    def _load(self, name: str) -> Token | None:
        data = self._store.load(self._instance, name)
        if data is None:
            return None
        try:
            found = json.loads(data)
            return Token(
                SecretStr(found["secret"]),
                SecretStr(found["refresh"]) if found["refresh"] is not None else None,
                datetime.fromisoformat(found["expires_at"]) if found["expires_at"] is not None else None,
            )
        except (ValueError, KeyError, TypeError):
            pass
        raise Damaged(
            f"The stored token {name!r} is not in a form this program writes",
            instance=self._instance,
            hint="Remove the instance's tokens and log it in again.",
        )

    def _save(self, name: str, token: Token) -> None:
        document = {
            "secret": token.secret.get_secret_value(),
            "refresh": token.refresh.get_secret_value() if token.refresh else None,
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        }
        self._store.save(self._instance, name, json.dumps(document).encode())
