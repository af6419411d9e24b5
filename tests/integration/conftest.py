"""A data folder, the services as stand-ins, and the terminal to work on them from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.plugins import load
from hub.testing.sandbox import Sandbox
from hub.testing.town import TOWN
from tests.integration.terminal import Terminal

SETTINGS = """
default_region = "GB"
{head}
[instances.newsletter]
connector = "mailchimp"
via = "{newsletter}"
allow_private = true

[instances.payments]
connector = "sagepay"
label = "Card payments"
via = "{payments}"
allow_private = true
vendor = {vendor}
user = {user}
search_from = {search_from}

[register.visitor_cards]
label = "Visitor cards"
instructions = "Look through the card boxes."

[register.web_statistics]
mode = "excluded"
reason = "no_personal_data"
"""


@dataclass(frozen=True)
class Services:
    """The services: instance → stand-in, and where it answers."""

    sandboxes: Mapping[str, Sandbox]
    urls: Mapping[str, str]

    def settings(self, policy: str = "") -> str:
        """A hub.toml that names them; who does not answer is waited for a second."""
        head = f'[policy]\nfind_patience = "1s"\n{policy}\n'
        payments: dict[str, Any] = self.sandboxes["payments"].settings()
        shown = {key: json.dumps(value) for key, value in payments.items() if key != "password"}
        return SETTINGS.format(head=head, **self.urls, **shown)

    def secrets(self) -> dict[str, str]:
        """The environment that opens them."""
        return {
            "HUB_INSTANCES__NEWSLETTER__API_KEY": self.sandboxes["newsletter"].settings()["api_key"],
            "HUB_INSTANCES__PAYMENTS__PASSWORD": self.sandboxes["payments"].settings()["password"],
        }


@pytest.fixture
def services() -> Iterator[Services]:
    known = load().sandboxes()
    sandboxes: dict[str, Sandbox] = {"newsletter": known["mailchimp"](TOWN), "payments": known["sagepay"](TOWN)}
    with ExitStack() as stack:
        yield Services(sandboxes, {name: stack.enter_context(box.serve()).url for name, box in sandboxes.items()})


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    """A terminal whose data folder holds a hub without instances."""
    terminal = Terminal(tmp_path / "home")
    assert terminal("init").code == 0
    return terminal


@pytest.fixture
def hub(tmp_path: Path, services: Services) -> Terminal:
    """A terminal whose data folder holds a hub that knows the services."""
    terminal = Terminal(tmp_path / "home", services.secrets())
    terminal.home.mkdir(mode=0o700)
    (terminal.home / "hub.toml").write_text(services.settings())
    assert terminal("init").code == 0
    return terminal


@pytest.fixture
def person(tmp_path: Path) -> str:
    """A file that describes the town's main person, for `--subject`."""
    main = TOWN.main
    file = tmp_path / "person.json"
    address = {"line1": "4 Mill Lane", "city": "Wetherbury", "postcode": "ZZ9 4ML", "country": "GB"}
    document = {"email": list(main.emails), "name": main.name, "phone": list(main.phones), "address": [address]}
    file.write_text(json.dumps(document))
    return str(file)
