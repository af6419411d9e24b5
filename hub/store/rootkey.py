"""What one root key gives: keys for sealing, for salts and for keyed hashes, each derived for its purpose alone."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from functools import cached_property
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hub.errors import KeyUnavailable

_NONCE: Final = 12  # bytes: the 96 bits GCM is made for; random, and a root seals far fewer than 2^32 values


class RootKey:
    """The keys of one request, or of one hub-wide table. Derived when first asked for; never shown.

    Every derivation is HKDF-Expand (RFC 5869, SHA-256, 32 bytes) of the root with a label of its own.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root

    def __repr__(self) -> str:
        return "<RootKey>"

    def seal(self, request_id: str, table: str, seq: int | str, plaintext: bytes) -> bytes:
        """AES-256-GCM: nonce (12 bytes), ciphertext and tag. It opens only with the same three coordinates."""
        nonce = os.urandom(_NONCE)
        return nonce + self._payload.encrypt(nonce, plaintext, _place(request_id, table, seq))

    def open(self, request_id: str, table: str, seq: int | str, sealed: bytes) -> bytes:
        """The inverse of `seal`. Raises `KeyUnavailable` when it was altered, moved, or sealed under another key."""
        try:
            return self._payload.decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(request_id, table, seq))
        except (InvalidTag, ValueError):
            raise KeyUnavailable(
                f"A sealed value of the table {table} does not open: altered, moved, or sealed under another key",
                hint="Restore the database and the key directory from backups of the same time.",
            ) from None

    def seal_json(self, request_id: str, table: str, seq: int | str, value: Any) -> bytes:
        """`seal` for anything JSON can hold."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return self.seal(request_id, table, seq, text.encode())

    def open_json(self, request_id: str, table: str, seq: int | str, sealed: bytes) -> Any:
        """The inverse of `seal_json`. Raises `KeyUnavailable` as `open` does."""
        return json.loads(self.open(request_id, table, seq, sealed))

    def salt(self, request_id: str, seq: int) -> str:
        """The salt of an event's disclosure: 64 hex digits (256 bits), the same whenever it is asked for."""
        return hmac.new(self._salt, f"{request_id}\n{seq}".encode(), hashlib.sha256).hexdigest()

    @cached_property
    def exchange_key(self) -> bytes:
        """For HMACs of request and response bodies."""
        return self._derived("exchange")

    @cached_property
    def subject_key(self) -> bytes:
        """For subject references (`Identifier.reference`); it is also the opening code of the outcome letter."""
        return self._derived("subject")

    @cached_property
    def index_key(self) -> bytes:
        """For the keyed hashes by which tables recognise what they hold sealed."""
        return self._derived("index")

    def index(self, text: str) -> str:
        """HMAC-SHA256 of `text` under `index_key`, 64 hex digits."""
        return hmac.new(self.index_key, text.encode(), hashlib.sha256).hexdigest()

    @cached_property
    def _payload(self) -> AESGCM:
        return AESGCM(self._derived("payload"))

    @cached_property
    def _salt(self) -> bytes:
        return self._derived("salt")

    def _derived(self, purpose: str) -> bytes:
        label = f"subject-request-hub/v1/{purpose}".encode("ascii")
        return HKDFExpand(SHA256(), length=32, info=label).derive(self._root)


def _place(request_id: str, table: str, seq: int | str) -> bytes:
    """Where a sealed value belongs, as bytes no other place has: JSON keeps the parts apart whatever they hold."""
    return json.dumps([request_id, table, seq]).encode()
