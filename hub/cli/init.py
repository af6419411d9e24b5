"""`hub init`."""

from __future__ import annotations

import click

from hub.cli.frame import Front, command
from hub.cli.output import emit, schema


@command()
def init(front: Front) -> None:
    """Make a data folder: settings to fill in, keys, an empty journal.

    Makes hub.toml with every setting and its default, a key-encryption key, the key directory and the journal. What
    exists is never overwritten. To keep the key-encryption key elsewhere, set HUB_KEK (or `kek` in a hub.toml that you
    put there first) to file:PATH, env:VARIABLE or keyring:SERVICE.
    """
    from hub.setup import set_up  # noqa: PLC0415  # heavy

    home = front.home
    made = set_up(home, front.environ)
    if front.json:
        files = [str(path) for path in made.files]
        emit({"schema": schema("init"), "home": str(home.folder), "kek": made.kek, "made": files})
        return
    click.echo(f"A hub was set up in {home.folder}")
    for path in made.files:
        click.echo(f"  {path}")
    click.echo(f"The key-encryption key is {made.kek}: keep a copy of it apart from the backups of the journal.")
    click.echo("Next: name your systems in hub.toml, then `hub doctor` and `hub check`.")
