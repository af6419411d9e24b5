"""The key-encryption key: the one secret the hub is given from outside, behind an interface a KMS can stand behind too.

Every other key is stored only wrapped under it (AES-KW, RFC 3394).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import importlib
import os
import secrets
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from hub.errors import KeyUnavailable
from hub.store import private

KEY_BYTES: Final = 32
KEYRING_USER: Final = "subject-request-hub"
_HOW_TO_MAKE = "python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())'"


class Kek(Protocol):
    """Wraps and unwraps the hub's keys, and nothing else."""

    @property
    def kek_id(self) -> str:
        """Names the key without giving it away; stands beside everything it wrapped."""
        ...

    def wrap(self, key: bytes) -> bytes:
        """`key` (32 bytes) wrapped: 40 bytes."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The inverse. Raises `KeyUnavailable` when `wrapped` was altered or wrapped under another key."""
        ...


class LocalKek:
    """A key-encryption key held in this process's memory."""

    __slots__ = ("_key", "kek_id")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.kek_id = hmac.digest(key, b"subject-request-hub/v1/kek-id", hashlib.sha256)[:8].hex()

    def wrap(self, key: bytes) -> bytes:
        """`key` (32 bytes) wrapped: 40 bytes."""
        return aes_key_wrap(self._key, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The inverse. Raises `KeyUnavailable` when `wrapped` was altered or wrapped under another key."""
        return unwrap(self._key, wrapped, f"a key wrapped under the key-encryption key {self.kek_id}")


def unwrap(wrapping: bytes, wrapped: bytes, what: str) -> bytes:
    """AES-KW unwrapping, with an error for people. Raises `KeyUnavailable` naming `what`."""
    try:
        return aes_key_unwrap(wrapping, wrapped)
    except (InvalidUnwrap, ValueError):
        raise KeyUnavailable(
            f"Damaged or altered: {what} does not unwrap",
            hint="Restore the key directory and the database from backups of the same time.",
        ) from None


def open_kek(source: str) -> Kek:
    """The key-encryption key that `source` names.

    Args:
        source: `env:VARIABLE`, `file:PATH` (mode 0600) or `keyring:SERVICE`; each holds base64 of 32 bytes.

    Raises `KeyUnavailable`: nothing there, not of that form, or readable by others.
    """
    scheme, _, name = source.partition(":")
    match scheme:
        case "env" if name:
            return LocalKek(_decoded(_from_environment(name), f"the environment variable {name}"))
        case "file" if name:
            return LocalKek(_decoded(_from_file(Path(name)), name))
        case "keyring" if name:
            return LocalKek(_decoded(_from_keyring(name), f"the keyring entry {name}"))
        case _:
            raise KeyUnavailable(
                "The source of the key-encryption key is none the hub knows",
                hint="Write env:VARIABLE, file:PATH or keyring:SERVICE.",
            )


def make_kek_file(path: Path) -> None:
    """Make a new key-encryption key at `path` (mode 0600) for `file:PATH`. An existing file is never replaced."""
    with private.explained(path, KeyUnavailable):
        private.make_folder(path.parent)
    with private.explained(path, KeyUnavailable), private.alone(path.parent):
        if path.exists():
            raise KeyUnavailable(f"{path} exists already", hint="Use it, or name another file; nothing was changed.")
        private.write_whole(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")


def _from_environment(variable: str) -> str:
    text = os.environ.get(variable)
    if not text:
        raise KeyUnavailable(
            f"The key-encryption key is missing: the environment variable {variable} is not set",
            hint=f"Set it to the key this data folder was made with. A new one: {_HOW_TO_MAKE}",
        )
    return text


def _from_file(path: Path) -> str:
    if not path.is_file():
        raise KeyUnavailable(
            f"The key-encryption key is missing: there is no file {path}",
            hint="Restore it from where you keep it, or correct the path.",
        )
    private.refuse_if_open(path, KeyUnavailable)
    with private.explained(path, KeyUnavailable):
        return path.read_text(encoding="ascii", errors="replace")


def _from_keyring(service: str) -> str:
    try:
        keyring = importlib.import_module("keyring")  # optional and slow: only for those who use it
    except ImportError:
        raise KeyUnavailable(
            "The key-encryption key is in a keyring, and the package that reads keyrings is not installed",
            hint="pip install keyring",
        ) from None
    text = keyring.get_password(service, KEYRING_USER)
    if not text:
        raise KeyUnavailable(
            f"The key-encryption key is missing: the keyring has no entry {service} for {KEYRING_USER}",
            hint=f"Store it: keyring set {service} {KEYRING_USER}. A new one: {_HOW_TO_MAKE}",
        )
    return str(text)


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyUnavailable(
            f"What stands in {where} is no key-encryption key: it must be base64 of {KEY_BYTES} bytes",
            hint=f"Copy it anew. A new one, for a new data folder: {_HOW_TO_MAKE}",
        )
    return key
