"""Addresses a service cannot have are refused, whatever its name resolves to."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigError, TransientError
from hub.wire import Recorder
from hub.wire.guard import check_address
from tests.unit.wire.vendor import HOST, MakeWire, Vendor

PRIVATE = ["127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fc00::1"]
PRIVATE += ["fec0::1", "198.18.0.1", "203.0.113.5", "240.0.0.1", "2001:db8::1"]
NEVER = ["169.254.169.254", "fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1", "0.0.0.0", "::"]
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


def _wrapped(address: str) -> list[str]:
    if ":" in address:
        return [address]
    a, b, c, d = map(int, address.split("."))
    tail = f"{a:02x}{b:02x}:{c:02x}{d:02x}"
    return [address, f"::ffff:{address}", f"64:ff9b::{tail}", f"2002:{tail}::1"]


@pytest.mark.parametrize("address", [form for plain in PRIVATE for form in _wrapped(plain)])
def test_private_addresses_need_a_word_in_the_settings(address: str) -> None:
    with pytest.raises(ConfigError, match="not on the public internet") as caught:
        check_address(address, allow_private=False, instance="shop")
    assert "allow_private = true" in caught.value.hint
    check_address(address, allow_private=True, instance="shop")


@pytest.mark.parametrize("address", [form for plain in NEVER for form in _wrapped(plain)])
def test_addresses_no_service_has_are_refused_whatever_the_settings_say(address: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(ConfigError):
            check_address(address, allow_private=allow_private, instance="shop")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    check_address(address, allow_private=False, instance="shop")


@given(st.ip_addresses(v=4))
def test_an_address_in_ipv6_clothes_is_judged_like_itself(address: Any) -> None:
    def passes(form: str) -> bool:
        try:
            check_address(form, allow_private=False, instance="shop")
        except ConfigError:
            return False
        return True

    assert len({passes(form) for form in _wrapped(str(address))}) == 1


def test_a_sandbox_on_this_machine_needs_allow_private(make_wire: MakeWire, vendor: Vendor, recorder: Recorder) -> None:
    with pytest.raises(ConfigError, match="not on the public internet"):
        make_wire(allow_private=False).call("GET", f"https://{HOST}/")
    assert vendor.connections == 0
    assert recorder.exchanges[0].status is None


@pytest.mark.parametrize(
    "via",
    ["127.0.0.1:8000", "ftp://127.0.0.1", "http://127.0.0.1/base", "http://u:p@127.0.0.1", "http://127.0.0.1:x", ""],
)
def test_via_is_a_base_address(make_wire: MakeWire, via: str) -> None:
    with pytest.raises(ConfigError, match="base address"):
        make_wire(via=via)


class Rebinding:
    """A name server that answers with a public address first and with this machine's afterwards."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked = 0

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host[0].isdigit():  # a checked address on its way to its connection
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        self.asked += 1
        address = "203.0.114.7" if self.asked == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, self.port))]


def test_a_name_that_changes_its_address_gains_nothing(
    make_wire: MakeWire, vendor: Vendor, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Rebinding(vendor.port))
    wire = make_wire(via=None, allow_private=False, connect=0.2)
    with pytest.raises(TransientError, match="nothing was sent"):
        wire.call("GET", f"https://{HOST}/")  # goes to the public address that was checked, where nobody answers
    with pytest.raises(ConfigError):
        wire.call("GET", f"https://{HOST}/")
    assert vendor.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    make_wire: MakeWire, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 443)) for a in ("203.0.114.7", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(ConfigError):
        make_wire(via=None, allow_private=False).call("GET", f"https://{HOST}/")


def test_a_name_that_does_not_resolve_is_no_answer_yet(
    make_wire: MakeWire, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransientError, match="nothing was sent"):
        make_wire(via=None).call("POST", f"https://{HOST}/")
