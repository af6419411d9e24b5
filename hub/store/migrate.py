"""Bringing a database to the schema of this program. Alembic is imported only when there is something to bring."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from hub.errors import StoreError
from hub.store.sqlite import APPLICATION_ID

HEAD: Final = "0001"  # the newest file in migrations/versions
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def is_outdated(version: str | None, path: Path) -> bool:
    """Whether a database of that version must be upgraded. Raises `StoreError` when it is newer than this program."""
    if version is not None and version > HEAD:
        raise StoreError(
            f"{path} was written by a newer version of the hub (schema {version}; this program knows {HEAD})",
            hint="Install the newer version again; nothing was changed.",
        )
    return version != HEAD


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction that `connection` has begun; all of them hold, or none."""
    from alembic import command  # noqa: PLC0415  # 0.2 s that an ordinary start does not pay
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
