"""The key directory, outside the database and its backups: destroying a key there destroys what it protects everywhere.

    epochs/2026-11.key    the epoch key of a month; the root keys of its requests are wrapped under it
    ledger.key, …         hub-wide keys, one a purpose
    .lock                 held while a key is made or destroyed

A key file is JSON: `kek_id`, and `wrapped`: base64 of the key wrapped (AES-KW, RFC 3394) under the key-encryption key.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from hub.errors import KeyUnavailable
from hub.store import private
from hub.store.kek import KEY_BYTES, Kek, unwrap
from hub.store.rootkey import RootKey

__all__ = ["HUB_WIDE", "Keys", "RootKey", "WrappedRoot"]

HUB_WIDE: Final = ("actors", "ledger", "obligations", "tokens")
_EPOCH = re.compile(r"\d{4}-\d{2}")
_UNLOCKED = 512  # root keys kept ready; one takes about 3 kB


@dataclass(frozen=True, slots=True)
class WrappedRoot:
    """A request's root key as the database keeps it.

    Args:
        epoch: the month under whose key it is wrapped (`2026-11`).
        wrapped: 40 bytes.
    """

    epoch: str
    wrapped: bytes = field(repr=False)


class Keys:
    """Every key of one data folder, safe to share between threads and processes. Made by `Keys.open`."""

    def __init__(self, directory: Path, kek: Kek) -> None:
        self.directory = directory
        self._kek = kek
        self._lock = threading.Lock()
        self._files: dict[str, bytes] = {}  # name of a key file → its key
        self._roots: OrderedDict[WrappedRoot, RootKey] = OrderedDict()

    @classmethod
    def open(cls, directory: Path, kek: Kek, *, create: bool = False) -> Keys:
        """Open a key directory, and check that `kek` opens its hub-wide keys.

        Args:
            directory: where the key files are; keep it out of the database's backups.
            kek: what they are wrapped under.
            create: make the directory with its hub-wide keys, unless it holds keys already.

        Raises `KeyUnavailable`: a key file is missing, damaged, open to other users, or wrapped under another key.
        """
        keys = cls(directory, kek)
        if create:
            keys._create()
        if not directory.is_dir():
            raise KeyUnavailable(
                f"There is no key directory at {directory}",
                hint="Restore it from its own backup; without it nothing personal in the database can be read.",
            )
        private.refuse_if_open(directory, KeyUnavailable)
        with keys._alone():  # a crash may have left a key half-made
            for partial in directory.rglob(f"*{private.TEMPORARY}"):
                private.destroy(partial)
        for label in HUB_WIDE:
            keys.derived(label)
        return keys

    def new_root(self, at: datetime) -> tuple[RootKey, WrappedRoot]:
        """A fresh root key, wrapped under the epoch key of the month of `at`, which is durable on return.

        `at` is the moment of creation: `destroy_epoch` may take any month before the current one.
        """
        epoch = at.astimezone(UTC).strftime("%Y-%m")
        with self._alone():
            if not self._path(f"epochs/{epoch}").exists():
                self._make(f"epochs/{epoch}")
        root = secrets.token_bytes(KEY_BYTES)
        wrapped = WrappedRoot(epoch, aes_key_wrap(self._epoch_key(epoch), root))
        return self._remember(wrapped, RootKey(root)), wrapped

    def unlock(self, epoch: str, wrapped: bytes) -> RootKey:
        """The root key of a request. Raises `KeyUnavailable` when its epoch key was destroyed, or either is damaged."""
        pair = WrappedRoot(epoch, wrapped)
        with self._lock:
            known = self._roots.get(pair)
            if known is not None:
                self._roots.move_to_end(pair)
                return known
        root = unwrap(self._epoch_key(epoch), wrapped, f"a request's key of the month {epoch}")
        return self._remember(pair, RootKey(root))

    def forget(self, wrapped: WrappedRoot) -> None:
        """Drop an unlocked root key from memory: its request was shredded."""
        with self._lock:
            self._roots.pop(wrapped, None)

    def derived(self, label: str) -> bytes:
        """The hub-wide key for one of `HUB_WIDE`, 32 bytes. Raises `KeyUnavailable`."""
        return self._load(label)

    def epochs(self) -> Iterator[str]:
        """The months whose key exists, oldest first."""
        return iter(sorted(p.stem for p in (self.directory / "epochs").glob("*.key") if _EPOCH.fullmatch(p.stem)))

    def destroy_epoch(self, epoch: str) -> None:
        """Destroy the key of a month: every root key wrapped under it, in any copy of the database, is lost for good.

        Nothing happens when it is gone already. Raises `KeyUnavailable` when the file could not be removed.
        """
        path = self._path(f"epochs/{epoch}")
        with self._alone():
            private.destroy(path)
        with self._lock:
            self._files.pop(f"epochs/{epoch}", None)
            for pair in [p for p in self._roots if p.epoch == epoch]:
                del self._roots[pair]

    def _epoch_key(self, epoch: str) -> bytes:
        if not _EPOCH.fullmatch(epoch):
            raise KeyUnavailable("A request names no month as its epoch", hint="The database was altered: restore it.")
        return self._load(f"epochs/{epoch}")

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.key"

    def _create(self) -> None:
        with private.explained(self.directory, KeyUnavailable):
            private.make_folder(self.directory)
            private.make_folder(self.directory / "epochs")
        with self._alone():
            if not any(self.directory.glob("*.key")):
                for label in HUB_WIDE:
                    self._make(label)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with private.explained(self.directory, KeyUnavailable), private.alone(self.directory):
            yield

    def _make(self, name: str) -> None:
        """The caller holds the directory."""
        wrapped = self._kek.wrap(secrets.token_bytes(KEY_BYTES))
        document = {"kek_id": self._kek.kek_id, "wrapped": base64.b64encode(wrapped).decode("ascii")}
        private.write_whole(self._path(name), json.dumps(document).encode() + b"\n")

    def _load(self, name: str) -> bytes:
        with self._lock:
            known = self._files.get(name)
        if known is None:
            known = self._read(self._path(name))
            with self._lock:
                self._files[name] = known
        return known

    def _read(self, path: Path) -> bytes:
        try:
            private.refuse_if_open(path, KeyUnavailable)
            document = json.loads(path.read_bytes())
            kek_id, wrapped = document["kek_id"], base64.b64decode(document["wrapped"], validate=True)
        except FileNotFoundError:
            raise KeyUnavailable(
                f"The key file {path} is missing",
                hint="Restore it from the key directory's own backup; if it was destroyed when its retention ended, "
                "what it protected is gone for good.",
            ) from None
        except OSError as error:
            raise KeyUnavailable(
                f"The key file {path} cannot be read: {error.strerror}", hint="Let the hub's user read it."
            ) from None
        except (ValueError, KeyError, TypeError):
            raise KeyUnavailable(
                f"The key file {path} is damaged", hint="Restore it from the key directory's own backup."
            ) from None
        if kek_id != self._kek.kek_id:
            raise KeyUnavailable(
                f"The key-encryption key is not the one that {path} was made with: "
                f"expected {kek_id}, found {self._kek.kek_id}",
                hint=f"Give the hub the key-encryption key {kek_id} again; nothing was changed.",
            )
        return self._kek.unwrap(wrapped)

    def _remember(self, pair: WrappedRoot, root: RootKey) -> RootKey:
        with self._lock:
            self._roots[pair] = root
            while len(self._roots) > _UNLOCKED:
                self._roots.popitem(last=False)
        return root
