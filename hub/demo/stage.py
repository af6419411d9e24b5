"""The demonstration's stage: a new data folder, stand-ins of the services, and a hub that knows them."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub import logs
from hub.app import Hub
from hub.errors import StoreError, UsageError
from hub.home import Home
from hub.plugins import load
from hub.settings.shape import is_secret
from hub.setup import set_up
from hub.store import private
from hub.testing.town import TOWN

if TYPE_CHECKING:
    from hub.testing.sandbox import Sandbox

SERVICES = {  # instance → connector, what people call it, what the data is used for
    "newsletter": ("mailchimp", "Newsletter and shops (Mailchimp)", "newsletters; orders of connected shops"),
    "payments": ("sagepay", "Card payments (Sage Pay)", "taking payments"),
}
MANUAL, EXCLUDED = "visitor_cards", "web_statistics"
_HEAD = """\
# Written by `hub demo`. Every service in it is a local stand-in, which ended with the demonstration.
default_region = "GB"

[controller]
name = "Larkspur Lighting Ltd"
dpo = "Ada Marsh"
contact = "dpo@larkspur.example.org"
"""
_REGISTER = f"""
[register.{MANUAL}]
label = "Visitor cards from trade fairs (paper)"
reason = "no_api"
instructions = "Look the visitor up in the card boxes, carry the request out there, and attach a note of it."

[register.{EXCLUDED}]
label = "Web statistics"
mode = "excluded"
reason = "no_personal_data"
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demonstration plays on.

    Args:
        hub: a hub on a new data folder.
        sandboxes: instance → the stand-in it talks to.
        urls: instance → where that answers.
    """

    hub: Hub
    sandboxes: Mapping[str, Sandbox]
    urls: Mapping[str, str]

    def state(self, instance: str) -> Any:
        """Everything a stand-in says it holds, as JSON values."""
        return json.loads(json.dumps(self.sandboxes[instance].state()))


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Serve the stand-ins and open a hub in `folder`, which must be new or empty.

    Raises `UsageError` for a folder that holds anything, or where a bundled connector does not work.
    """
    home = Home(folder)
    plugins = load()
    stand_ins = plugins.sandboxes()
    if missing := [connector for connector, *_ in SERVICES.values() if connector not in stand_ins]:
        hint = "`hub doctor` says what is wrong with it."
        raise UsageError(f"The connector {missing[0]}, which the demonstration shows, does not work", hint=hint)
    with private.explained(folder, StoreError):
        private.make_folder(folder)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty, and the demonstration needs a new folder", hint="Name another.")
    with ExitStack() as stack:
        sandboxes: dict[str, Sandbox] = {name: stand_ins[connector](TOWN) for name, (connector, *_) in SERVICES.items()}
        urls = {name: stack.enter_context(sandbox.serve()).url for name, sandbox in sandboxes.items()}
        tables = [
            _instance(home, name, urls[name], sandboxes[name].settings(), plugins.processors[SERVICES[name][0]])
            for name in SERVICES
        ]
        private.write_whole(home.settings, "\n".join([_HEAD, *tables, _REGISTER]).encode())
        logs.write_to(folder / "hub.log")
        # Nothing of the environment is heard: variables of a real hub must not reach this one.
        set_up(home, {})
        yield Stage(stack.enter_context(Hub.open(home, {})), sandboxes, urls)


def new_folder() -> Path:
    """`./.hub/demo-1`, or the next number that is free, made. Raises `UsageError` where none can be made."""
    parent = Path.cwd() / ".hub"
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
        for number in itertools.count(1):
            with contextlib.suppress(FileExistsError):
                folder = parent / f"demo-{number}"
                folder.mkdir(mode=0o700)
                return folder
    except OSError as error:
        raise UsageError(f"No folder can be made in {parent}: {error.strerror}", hint="hub demo --home DIR") from None
    raise AssertionError("numbers do not end")


def _instance(home: Home, name: str, url: str, settings: Mapping[str, Any], processor: Any) -> str:
    """The table of an instance; its secrets go to a file of their own."""
    fields = processor.config_model.model_fields
    connector, label, purpose = SERVICES[name]
    secret = {key: value for key, value in settings.items() if is_secret(fields[key])}
    shown = {key: value for key, value in settings.items() if key not in secret}
    secrets = home.folder / "secrets" / f"{name}.toml"
    private.make_folder(secrets.parent)
    private.write_whole(secrets, _toml(secret).encode())
    own = {"connector": connector, "label": label, "purposes": [purpose], "via": url, "allow_private": True}
    return f"\n[instances.{name}]\n{_toml({**own, 'secret_file': f'secrets/{secrets.name}', **shown})}"


def _toml(values: Mapping[str, Any]) -> str:
    """Texts, numbers, truth values and lists of them are written in TOML as in JSON."""
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
