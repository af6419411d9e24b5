"""What there is to work with: connectors, instances, the register, and stand-ins to try them on."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.integration.conftest import Services
from tests.integration.terminal import HUB, Terminal, fits


def test_connectors_lists_what_works_what_is_registered_and_what_is_not_used(hub: Terminal) -> None:
    hub("pause", "payments")
    view = hub("connectors", "--json").json
    assert [c["name"] for c in view["connectors"]] == ["mailchimp", "sagepay"]
    assert view["connectors"][1]["operations"]["rectify"].startswith("A card transaction records")
    assert [(s["name"], s["state"].partition(",")[0]) for s in view["systems"]] == [
        ("newsletter", "in use"),
        ("payments", "paused"),
        ("visitor_cards", "manual"),
        ("web_statistics", "excluded"),
    ]
    told = hub("connectors").out
    assert "Mailchimp Marketing" in told
    assert "payments        sagepay    paused" in told


def test_check_says_who_we_are_at_each_service(hub: Terminal) -> None:
    every = hub("check", "--json")
    assert every.code == 0
    assert [(c["instance"], c["account"]["label"]) for c in every.json["instances"]] == [
        ("newsletter", "Larkspur Lighting"),
        ("payments", "larkspurlamps"),
    ]
    assert hub("check", "payments").out.startswith("✓ payments: larkspurlamps")


def test_check_fails_for_a_missing_permission_and_names_it(hub: Terminal, services: Services) -> None:
    services.sandboxes["newsletter"].role = "viewer"  # type: ignore[attr-defined]  # the Mailchimp stand-in's
    ended = hub("check", "newsletter")
    assert (ended.code, "lacks a role that may change contacts" in ended.out) == (1, True)


@pytest.fixture
def first_port() -> int:
    """The first of two ports that are free at this moment."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port: int = taken.getsockname()[1]
        try:
            socket.create_server(("127.0.0.1", port + 1)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no two free ports in a row")


def test_sandbox_serves_until_stopped_on_the_ports_asked_for(tmp_path: Path, first_port: int) -> None:
    command = [HUB, "--home", tmp_path, "sandbox", "--ports", str(first_port), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = "".join(iter(process.stdout.readline, "}\n")) + "}"
        view = json.loads(printed)
        fits(view["schema"])(view)
        assert [(s["name"], s["url"]) for s in view["sandboxes"]] == [
            ("mailchimp", f"http://127.0.0.1:{first_port}"),
            ("sagepay", f"http://127.0.0.1:{first_port + 1}"),
        ]
        assert httpx.get(f"{view['sandboxes'][0]['url']}/3.0/").status_code == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_what_sandbox_prints_is_a_part_of_hub_toml_that_works(tmp_path: Path) -> None:
    with subprocess.Popen(
        [HUB, "--home", tmp_path / "home", "sandbox", "sagepay"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "\n"))
        table = tomllib.loads("".join(lines))["instances"]["sagepay"]
        assert table["via"].startswith("http://127.0.0.1:")
        assert "password" not in table
        (export,) = [line for line in lines if line.startswith("# export ")]
        variable, _, value = export.removeprefix("# export ").strip().partition("=")
        terminal = Terminal(tmp_path / "home", {variable: value.strip("'")})
        terminal.home.mkdir(mode=0o700)
        (terminal.home / "hub.toml").write_text("".join(lines))
        assert terminal("init").code == 0
        assert terminal("check", "sagepay").code == 0
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = Terminal(tmp_path)("sandbox", "mailchimp", "--ports", str(port))
    assert (ended.code, f"Port {port} cannot be used" in ended.err) == (2, True)
