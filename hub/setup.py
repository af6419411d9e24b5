"""Setting a hub up: what `hub init` makes in a data folder, in an order that a crash cannot leave half usable."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.assembly import kek_source
from hub.errors import SettingsError, StoreError, UsageError
from hub.home import Home
from hub.plugins import load as load_plugins
from hub.settings import Settings, enabled_plugins, render_default
from hub.settings import load as load_settings
from hub.store import private
from hub.store.db import Database
from hub.store.kek import make_kek_file, open_kek
from hub.store.keys import Keys


@dataclass(frozen=True, slots=True)
class Made:
    """What was set up.

    Args:
        kek: where the key-encryption key is, as `kek` in hub.toml writes it, with its full path.
        files: what was made, in order.
    """

    kek: str
    files: tuple[Path, ...]


def set_up(home: Home, environ: Mapping[str, str]) -> Made:
    """Make settings, keys and journal in a data folder; what is there already of the first two is used as it is.

    The journal comes last: while there is none there is no hub (`Home.exists`), and the next try goes on. Raises
    `UsageError` where there is one, `SettingsError` before anything is made, `KeyUnavailable`, `StoreError`.
    """
    if home.exists:
        raise UsageError(f"There is a hub in {home.folder} already", hint="Use it, or name another folder with --home.")
    text = _default_settings(home, environ)
    with private.explained(home.folder, StoreError):
        private.make_folder(home.folder)
        private.refuse_if_open(home.folder, StoreError)
    made: list[Path] = []
    if text is not None:
        with private.explained(home.settings, SettingsError):
            private.write_whole(home.settings, text.encode())
        made.append(home.settings)
    settings = _settings(home, environ)
    kek = kek_source(home, settings.kek)
    scheme, _, path = kek.partition(":")
    if scheme == "file" and not Path(path).exists():
        make_kek_file(Path(path))
        made.append(Path(path))
    Keys.open(home.keys, open_kek(kek), create=True)
    Database.open(home.database, create=True).close()
    return Made(kek, (*made, home.keys, home.database))


def _settings(home: Home, environ: Mapping[str, str]) -> Settings:
    plugins = load_plugins(enabled_plugins(home.folder, environ))
    return load_settings(home.folder, plugins.processors, environ, plugins.dormant)


def _default_settings(home: Home, environ: Mapping[str, str]) -> str | None:
    """The text of a new hub.toml, tried with this environment; None where settings are there already."""
    if environ.get("HUB_CONFIG") or home.settings.exists():
        _settings(home, environ)
        return None
    processors = load_plugins().processors
    text = render_default(processors)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / home.settings.name).write_text(text, encoding="utf-8")
        load_settings(Path(folder), processors, environ)
    return text
