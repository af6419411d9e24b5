"""What `hub doctor` looks at. Each examination stands alone, so that one that fails does not hide what others find."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from hub.assembly import kek_source
from hub.errors import HubError
from hub.home import EngineLock, Home
from hub.plugins import Plugins
from hub.plugins import load as load_plugins
from hub.settings import Settings, enabled_plugins
from hub.settings import load as load_settings
from hub.store import migrate, private, sqlite
from hub.store.kek import open_kek
from hub.store.keys import Keys

_ROOM = 500 << 20  # bytes: exports are spooled before they are handed over
_SKEW = timedelta(minutes=5)
_BUSY = 1.0  # seconds to wait for another process's lock


@dataclass(frozen=True, slots=True)
class Finding:
    """What an examination found.

    Args:
        about: what was looked at.
        state: whether it is in order.
        message: what was seen.
        hint: what to do next, where there is something to do.
    """

    about: str
    state: Literal["ok", "advice", "problem"]
    message: str
    hint: str = ""


def examine(home: Home, environ: Mapping[str, str]) -> list[Finding]:
    """Everything there is to say about a data folder; changes nothing in it."""
    if not home.exists:
        hint = "Set one up with `hub init`, or name its folder with --home or HUB_HOME."
        return [Finding("data folder", "problem", f"There is no hub in {home.folder}", hint)]
    findings = [*_guarded("data folder", lambda: _modes(home))]
    settings: list[Settings] = []
    findings += _guarded("settings", lambda: _settings(home, environ, settings))
    if settings:  # they say where the key-encryption key is
        findings += _guarded("keys", lambda: _keys(home, kek_source(home, settings[0].kek)))
    findings += _guarded("journal", lambda: _journal(home))
    findings += _guarded("clock", lambda: _clock(home))
    return [*findings, _room(home), _engine(home)]


def _guarded(about: str, examination: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from examination()
    except HubError as error:
        yield Finding(about, "problem", error.message, error.hint)


def _modes(home: Home) -> Iterator[Finding]:
    """Nobody else may look into the folder, nor at the files of it that hold or open personal data."""
    private.refuse_if_open(home.folder, HubError)
    secret = [
        home.database,
        home.keys,
        *home.keys.rglob("*"),
        *home.folder.glob("hub.db-*"),
        *home.folder.glob("spool/*"),
    ]
    for path in filter(Path.exists, secret):
        private.refuse_if_open(path, HubError)
    yield Finding("data folder", "ok", f"{home.folder}, yours alone")


def _settings(home: Home, environ: Mapping[str, str], read: list[Settings]) -> Iterator[Finding]:
    """The settings, and the plugins they enable; what was read is left in `read`."""
    plugins = load_plugins(enabled_plugins(home.folder, environ))
    yield from _plugins(plugins)
    settings = load_settings(home.folder, plugins.processors, environ, plugins.dormant)
    read.append(settings)
    yield Finding("settings", "ok", f"{len(settings.instances)} instances, {len(settings.register)} further systems")
    if not settings.instances:
        hint = "Add [instances.NAME] to hub.toml; `hub connectors` lists the connectors."
        yield Finding("settings", "advice", "No instance is configured, so nothing can be carried out", hint)
    stand_ins = [name for name, instance in settings.instances.items() if instance.via]
    if stand_ins:
        hint = "Take `via` out of hub.toml where the service itself is to be asked."
        yield Finding("settings", "advice", f"A stand-in or proxy is called for: {', '.join(stand_ins)}", hint)


def _plugins(plugins: Plugins) -> Iterator[Finding]:
    for problem in plugins.problems:
        yield Finding("plugins", "problem", f"{problem.plugin}: {problem.message}", problem.hint)
    yield Finding("plugins", "ok", f"working: {', '.join(sorted(plugins.processors)) or 'none'}")


def _keys(home: Home, source: str) -> Iterator[Finding]:
    keys = Keys.open(home.keys, open_kek(source))
    yield Finding("keys", "ok", f"The key-encryption key opens the key directory; {len(list(keys.epochs()))} months")
    if source.startswith(f"file:{home.folder}/"):
        hint = (
            "Move it, or set `kek` to env:VARIABLE or keyring:SERVICE; keep it out of the journal's backups at least."
        )
        yield Finding("keys", "advice", "The key-encryption key lies in the data folder beside what it protects", hint)


def _journal(home: Home) -> Iterator[Finding]:
    version = sqlite.version_of(home.database, _BUSY)
    if migrate.is_outdated(version, home.database):
        hint = "The next command that opens it brings it up to date; make a backup before."
        yield Finding("journal", "advice", f"Its schema is older ({version}) than this program's", hint)
    try:
        with closing(_read_only(home)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise sqlite.fault(error, home.database) from error
    if said == "ok":
        yield Finding("journal", "ok", f"schema {version}, undamaged")
    else:
        hint = "Stop the hub and restore the newest backup."
        yield Finding("journal", "problem", "The database is damaged", hint)


def _clock(home: Home) -> Iterator[Finding]:
    """A clock that was put back would count deadlines and retention wrongly."""
    now = datetime.now(UTC)
    try:
        with closing(_read_only(home)) as connection:
            (newest,) = connection.execute("SELECT max(created) FROM requests").fetchone()
    except sqlite3.Error:
        return  # the examination of the journal says why
    if newest is not None and datetime.fromtimestamp(newest, UTC) > now + _SKEW:
        hint = "Set the clock; deadlines, retention and leases count on it."
        yield Finding("clock", "problem", "The machine's clock is behind the newest request in the journal", hint)
    else:
        yield Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def _read_only(home: Home) -> sqlite3.Connection:
    return sqlite3.connect(f"{home.database.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY)


def _room(home: Home) -> Finding:
    free = shutil.disk_usage(home.folder).free
    if free < _ROOM:
        return Finding("disk", "problem", f"{free >> 20} MB are free", "Free some space; a full disk stops the hub.")
    return Finding("disk", "ok", f"{free >> 30} GB are free" if free >> 30 else f"{free >> 20} MB are free")


def _engine(home: Home) -> Finding:
    lock = EngineLock(home)
    if lock.held():
        return Finding("engine", "ok", f"process {lock.holder()} carries requests out")
    return Finding("engine", "advice", "Nobody carries requests out at present", "Start `hub serve`, or use `hub run`.")
