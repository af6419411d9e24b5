"""Whom the door may talk to: names by an allow-list, addresses by what they belong to.

A name is resolved once and the connection goes to the very address that was checked, so that a name server which
answers differently the second time (DNS rebinding) gains nothing. The streams made here also know when the exchange
they carry must be over and whether any byte of it was sent, which nothing above them can tell.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from hub.errors import ConfigError

SOCKET_OPTION = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_host(url: httpx.URL, hosts: Collection[str], instance: str) -> str:
    """The host of `url` (`api.example.com`), if the allow-list has it. Raises `ConfigError`.

    `*.example.com` stands for one label before it; a port other than 443 must be listed (`erp.example.com:8443`).
    """
    netloc = url.netloc.decode("ascii")
    parent = netloc.partition(".")[2]
    listed = netloc in hosts or (bool(parent) and f"*.{parent}" in hosts)
    if url.scheme != "https" or url.userinfo or not listed:
        raise ConfigError(
            "The connector wanted to call an address that is not on the list of this service's hosts",
            instance=instance,
            hint=f"Allowed, by https: {', '.join(sorted(hosts))}. Check the instance's region, domain or base address.",
        )
    return netloc.partition(":")[0] if netloc.count(":") == 1 else netloc


def check_address(address: str, *, allow_private: bool, instance: str) -> None:
    """Refuse an IP address a public service cannot have. Raises `ConfigError`.

    `allow_private` opens private networks and this machine. Link-local addresses (where clouds hand out credentials),
    multicast and the unspecified address stay shut. An IPv4 address inside an IPv6 one is judged itself.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    never = ip.is_multicast or ip.is_unspecified or ip.is_link_local
    site_local = isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local
    public = ip.is_global and not ip.is_reserved and not site_local
    if never or not (public or allow_private):
        raise ConfigError(
            "The service's name leads to an address that is not on the public internet",
            instance=instance,
            hint="If the service runs on your own network, say `allow_private = true` for this instance in hub.toml.",
        )


@dataclass(slots=True)
class Attempt:
    """What the sockets know of one exchange.

    Args:
        deadline: on `time.monotonic`, which is what sockets wait by; when it must be over.
        sent: whether any byte of the request may have left.
        spki: SHA-256 (hex) of the public key of the server's certificate; `none` without TLS.
    """

    deadline: float
    sent: bool = False
    spki: str = "none"

    def clip(self, timeout: float | None) -> float:
        """The time a socket may wait now: `timeout`, or what is left of the whole if that is less."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(timeout, left)


_attempt: ContextVar[Attempt] = ContextVar("attempt")


@contextmanager
def sending(attempt: Attempt) -> Iterator[None]:
    """Within it, the sockets of this thread work for `attempt`."""
    token = _attempt.set(attempt)
    try:
        yield
    finally:
        _attempt.reset(token)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses alone. Name resolution itself keeps to the system resolver's own time-out."""

    def __init__(self, *, allow_private: bool, instance: str) -> None:
        self._allow_private = allow_private
        self._instance = instance
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve once, check every answer, connect to the first that takes the call. Raises `ConfigError`."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("The name does not resolve") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            check_address(address, allow_private=self._allow_private, instance=self._instance)
        failure: Exception = httpcore.ConnectError("The name has no address")
        for address in addresses:
            try:
                left = _attempt.get().clip(timeout)
                return _Stream(self._plain.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """A stream that keeps to its attempt's deadline and tells the attempt what it sent."""

    def __init__(self, plain: httpcore.NetworkStream, spki: str = "none") -> None:
        self._plain = plain
        self._spki = spki
        self._attempt: Attempt | None = None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # A connection serves one exchange after the other; the first write of each says whose it is now.
        self._attempt = attempt = _attempt.get()
        attempt.spki = self._spki
        left = attempt.clip(timeout)
        attempt.sent = attempt.sent or bool(buffer)
        self._plain.write(buffer, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, self._attempt.clip(timeout) if self._attempt else timeout)

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._plain.start_tls(ssl_context, server_hostname, _attempt.get().clip(timeout))
        return _Stream(secured, _spki_sha256(secured))

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _spki_sha256(stream: httpcore.NetworkStream) -> str:
    from cryptography import x509  # noqa: PLC0415  # once per connection, and only where there is TLS
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    certificate = x509.load_der_x509_certificate(stream.get_extra_info("ssl_object").getpeercert(True))
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()
