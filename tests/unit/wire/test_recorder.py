"""What evidence keeps of an exchange, and what it must never keep."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json as jsonlib
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from hub.errors import Fenced, HubError, OutcomeUnknown, TransientError
from hub.timepiece import ManualTime
from hub.wire import Recorder, Wire, flight
from tests.unit.wire.vendor import HOST, MakeWire, Vendor, http, json

CANARY = "canary.jane@example.org"
URL = f"https://{HOST}/3.0/members/{{member}}"
KEY = b"k" * 32
FIELDS = [
    *("method", "host", "url_template", "status", "vendor_request_id", "vendor_date"),
    *("tls_spki_sha256", "via", "request_hmac", "response_hmac", "ms"),
]


def _mac(body: bytes) -> str:
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


def test_an_exchange_has_exactly_the_fields_of_evidence(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json(
        '{"ok": 1}', X_Request_Id="a1-B2", Date="Mon, 02 Mar 2026 09:00:00 GMT", X_Hub_Sandbox="mailchimp"
    )
    wire.call("POST", URL, path={"member": CANARY}, query={"q": CANARY}, json={"email": CANARY})

    entry = recorder.exchanges[0].as_evidence()
    assert list(entry) == FIELDS
    assert isinstance(entry.pop("ms"), int)
    assert entry == {
        "method": "POST",
        "host": HOST,
        "url_template": "/3.0/members/{member}",
        "status": 200,
        "vendor_request_id": "a1-B2",
        "vendor_date": "Mon, 02 Mar 2026 09:00:00 GMT",
        "tls_spki_sha256": "none",
        "via": "sandbox",
        "request_hmac": _mac(vendor.seen[0].body),
        "response_hmac": _mac(b'{"ok": 1}'),
    }


def test_what_was_sent_is_hashed_and_what_came_is_hashed_unpacked(
    wire: Wire, vendor: Vendor, recorder: Recorder
) -> None:
    vendor.answer = lambda _: http(200, gzip.compress(b"whole"), Content_Encoding="gzip")
    wire.call("POST", URL, path={"member": "1"}, content=b"sent")
    assert recorder.exchanges[0].request_hmac == _mac(b"sent")
    assert recorder.exchanges[0].response_hmac == _mac(b"whole")


def test_an_override_without_a_sandbox_is_named_too(wire: Wire, recorder: Recorder) -> None:
    wire.call("GET", URL, path={"member": "1"})
    assert recorder.exchanges[0].via == "override"


def test_an_unanswered_call_is_recorded_as_that(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: []
    with pytest.raises(OutcomeUnknown):
        wire.call("DELETE", URL, path={"member": "1"})
    entry = recorder.exchanges[0].as_evidence()
    assert (entry["status"], entry["response_hmac"], entry["request_hmac"]) == (None, None, _mac(b""))


@pytest.mark.parametrize(
    ("headers", "request_id", "date"),
    [
        ({"X-Request-Id": CANARY, "Date": CANARY}, None, None),
        ({"X-Request-Id": "", "X-Correlation-Id": "c-1"}, "c-1", None),
        ({"X-HubSpot-Correlation-Id": "h-1", "X-Request-Id": "r-1"}, "h-1", None),
        ({"X-Request-Id": "x" * 129}, None, None),
        ({"Date": f"Mon, 02 Mar 2026 09:00:00 GMT ({CANARY})"}, None, "Mon, 02 Mar 2026 09:00:00 GMT"),
        ({"Date": "Mon, 02 Mar 2026 11:00:00 +0200"}, None, "Mon, 02 Mar 2026 09:00:00 GMT"),
        ({"Date": "Mon, 99 Mar 2026 09:00:00 GMT"}, None, None),
    ],
)
def test_what_the_service_says_of_itself_is_kept_in_safe_forms_only(
    wire: Wire, vendor: Vendor, recorder: Recorder, headers: dict[str, str], request_id: str | None, date: str | None
) -> None:
    vendor.answer = lambda _: http(200, **headers)
    wire.call("GET", URL, path={"member": "1"})
    exchange = recorder.exchanges[0]
    assert (exchange.vendor_request_id, exchange.vendor_date) == (request_id, date)


def test_nothing_of_the_person_is_in_an_exchange_or_a_recorder(wire: Wire, vendor: Vendor, recorder: Recorder) -> None:
    vendor.answer = lambda _: json(f'{{"email": "{CANARY}"}}', X_Note=CANARY)
    reply = wire.call("POST", URL, path={"member": CANARY}, query={"q": CANARY}, form={"e": CANARY})
    shown = jsonlib.dumps([e.as_evidence() for e in recorder.exchanges]) + repr(recorder) + repr(reply)
    for form in (CANARY, CANARY.replace("@", "%40"), hashlib.sha256(CANARY.encode()).hexdigest(), repr(KEY)):
        assert form not in shown


def test_without_a_key_bodies_are_not_hashed(wire: Wire) -> None:
    with flight(Recorder(None, lambda: None)) as recorder:
        wire.call("GET", URL, path={"member": "1"})
    exchange = recorder.exchanges[0]
    assert (exchange.request_hmac, exchange.response_hmac) == (None, None)


def test_a_lost_lease_stops_the_call_before_it_leaves(wire: Wire, vendor: Vendor) -> None:
    def lost() -> None:
        raise Fenced

    with flight(Recorder(KEY, lost)) as recorder, pytest.raises(Fenced):
        wire.call("POST", URL, path={"member": "1"})
    assert (vendor.connections, recorder.exchanges) == (0, [])


def test_the_fence_is_asked_after_the_queue_right_before_the_send(make_wire: MakeWire, vendor: Vendor) -> None:
    wire = make_wire(concurrency=1)
    vendor.answer = lambda _: [http(200, b"12345")]
    mine = threading.Event()
    queued = threading.Event()

    def fence() -> None:
        if not mine.is_set():
            raise Fenced

    pieces = wire.stream(f"https://{HOST}/file", hosts=[HOST], max_bytes=10)
    mine.set()
    with flight(Recorder(KEY, fence)):
        next(pieces)  # holds the only slot
        raised: list[Exception] = []

        def other() -> None:
            with flight(Recorder(KEY, fence)):
                queued.set()
                try:
                    wire.call("GET", URL, path={"member": "1"})
                except Fenced as error:
                    raised.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        queued.wait()
        time.sleep(0.05)  # until it stands in the queue
        mine.clear()
        pieces.close()
        thread.join()
    assert len(raised) == 1
    assert len(vendor.seen) == 1


def test_nothing_is_sent_after_the_attempts_time(make_wire: MakeWire, vendor: Vendor) -> None:
    clock = ManualTime()
    wire = make_wire(clock=clock)
    with flight(Recorder(KEY, lambda: None, clock.now())), pytest.raises(TransientError, match="time was up"):
        wire.call("POST", URL, path={"member": "1"})
    assert not vendor.seen
    vendor.answer = lambda _: [0.5, http(200)]
    with (
        flight(Recorder(KEY, lambda: None, clock.now() + timedelta(seconds=0.1))),
        pytest.raises(OutcomeUnknown, match="no whole answer in time"),
    ):
        wire.call("POST", URL, path={"member": "1"})


def test_flights_nest_and_a_new_thread_has_none(wire: Wire, vendor: Vendor) -> None:
    with flight(Recorder(KEY, lambda: None)) as outer:
        with flight(Recorder(KEY, lambda: None)) as inner:
            wire.call("GET", URL, path={"member": "1"})
        wire.call("GET", URL, path={"member": "1"})
        raised: list[BaseException] = []

        def call() -> None:
            try:
                wire.call("GET", URL, path={"member": "1"})
            except HubError as error:
                raised.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert (len(outer.exchanges), len(inner.exchanges), len(raised), len(vendor.seen)) == (1, 1, 1, 2)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A self-signed certificate of the vendor's name with its key (PEM), and the SHA-256 of its public key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "vendor.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return path, hashlib.sha256(spki).hexdigest()


@pytest.fixture
def secured(vendor: Vendor, certificate: tuple[Path, str]) -> Vendor:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate[0])
    vendor.tls = server
    return vendor


def test_the_key_of_the_servers_certificate_is_recorded_on_every_call_of_a_connection(
    make_wire: MakeWire, secured: Vendor, recorder: Recorder, certificate: tuple[Path, str]
) -> None:
    wire = make_wire(via=f"https://localhost:{secured.port}", tls=ssl.create_default_context(cafile=certificate[0]))
    wire.call("GET", URL, path={"member": "1"})
    wire.call("GET", URL, path={"member": "1"})
    assert {exchange.tls_spki_sha256 for exchange in recorder.exchanges} == {certificate[1]}
    assert secured.connections == 1


def test_an_untrusted_certificate_stops_the_call_before_anything_is_sent(
    make_wire: MakeWire, secured: Vendor, recorder: Recorder
) -> None:
    wire = make_wire(via=f"https://localhost:{secured.port}")
    with pytest.raises(TransientError, match="certificate is not trusted; nothing was sent"):
        wire.call("POST", URL, path={"member": "1"})
    assert not secured.seen
