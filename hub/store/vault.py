"""What the database holds sealed, and how it is read: requests, obligations, rotating tokens, the staff's names."""

from __future__ import annotations

import secrets
import unicodedata
from typing import Final

from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from sqlalchemy import Connection, bindparam, delete, insert, select

from hub.errors import KeyUnavailable, UsageError
from hub.store.db import Database
from hub.store.kek import KEY_BYTES, unwrap
from hub.store.keys import Keys, RootKey
from hub.store.schema import actors, requests, tokens

_OF_REQUEST: Final = select(requests.c.epoch, requests.c.wrapped_key).where(requests.c.id == bindparam("id"))
_ACTOR: Final = select(actors.c.id).where(actors.c.index_ == bindparam("index"))
_TOKEN: Final = select(tokens.c.sealed).where(
    tokens.c.instance == bindparam("instance"), tokens.c.name == bindparam("name")
)


class Vault:
    """Opens and seals what identifies a person. It is the `TokenStore` of the processors, too."""

    def __init__(self, db: Database, keys: Keys) -> None:
        self._db = db
        self._keys = keys
        self._tokens = RootKey(keys.derived("tokens"))
        self._actors = RootKey(keys.derived("actors"))

    def root(self, request_id: str) -> RootKey:
        """The key of a request. Raises `UsageError` for an unknown one, `KeyUnavailable` once it was shredded."""
        with self._db.read() as connection:
            row = connection.execute(_OF_REQUEST, {"id": request_id}).one_or_none()
        if row is None:
            raise UsageError("There is no such request", hint="`hub list` names those there are.")
        if row.wrapped_key is None:
            raise KeyUnavailable(
                f"The personal data of request {request_id} is gone: its retention has ended",
                hint="Its evidence still verifies; what it was about cannot be read again.",
            )
        return self._keys.unlock(row.epoch, row.wrapped_key)

    def seal_obligation(self, obligation_id: str, locator: bytes) -> tuple[bytes, bytes]:
        """An obligation's own key, wrapped so that it outlives its request's month, and the locator sealed under it."""
        root = secrets.token_bytes(KEY_BYTES)
        sealed = RootKey(root).seal(obligation_id, "obligations", 0, locator)
        return aes_key_wrap(self._keys.derived("obligations"), root), sealed

    def open_obligation(self, obligation_id: str, wrapped_key: bytes, sealed: bytes) -> bytes:
        """The locator of an obligation. Raises `KeyUnavailable` when it, or its key, was altered."""
        root = unwrap(self._keys.derived("obligations"), wrapped_key, "an obligation's key")
        return RootKey(root).open(obligation_id, "obligations", 0, sealed)

    def load(self, instance: str, name: str) -> bytes | None:
        """A token that was saved, or None. Raises `KeyUnavailable` when it was altered or moved."""
        with self._db.read() as connection:
            sealed = connection.execute(_TOKEN, {"instance": instance, "name": name}).scalar_one_or_none()
        return None if sealed is None else self._tokens.open(instance, "tokens", name, sealed)

    def save(self, instance: str, name: str, data: bytes | None) -> None:
        """Keep a token in place of the one before; None forgets it. Durable on return."""
        sealed = None if data is None else self._tokens.seal(instance, "tokens", name, data)

        def replace(connection: Connection) -> None:
            connection.execute(delete(tokens).where(tokens.c.instance == instance, tokens.c.name == name))
            if sealed is not None:
                connection.execute(insert(tokens), {"instance": instance, "name": name, "sealed": sealed})

        self._db.write(replace)

    def actor_id(self, name: str) -> str:
        """The random id (32 hex digits) that stands for a member of staff in events and audit, the same every time."""
        name = " ".join(unicodedata.normalize("NFC", name).split())
        if not name:
            raise UsageError("An empty name names nobody", hint="Give the name of the person who acts.")
        index = self._actors.index(name)
        with self._db.read() as connection:
            known: str | None = connection.execute(_ACTOR, {"index": index}).scalar_one_or_none()

        def enrol(connection: Connection) -> str:
            since: str | None = connection.execute(_ACTOR, {"index": index}).scalar_one_or_none()
            if since is not None:  # another thread or process was faster
                return since
            new = secrets.token_hex(16)
            sealed = self._actors.seal(new, "actors", 0, name.encode())
            connection.execute(insert(actors), {"id": new, "index_": index, "sealed": sealed})
            return new

        return known or self._db.write(enrol)

    def actor_name(self, actor_id: str) -> str | None:
        """Whom an id stands for, None when for nobody."""
        with self._db.read() as connection:
            sealed = connection.execute(select(actors.c.sealed).where(actors.c.id == actor_id)).scalar_one_or_none()
        return None if sealed is None else self._actors.open(actor_id, "actors", 0, sealed).decode()
