"""Wherever a person or a secret stands in a request or an answer, it reaches no file, and the calls replay."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hub.subject import Subject
from hub.testing.canary import Canary
from hub.testing.cassettes import CassetteBench, Cassettes
from tests.unit.cassettes.depot import BASE, INVENTED, NEIGHBOUR, PERSON, REAL, Depot, Local, values
from tests.unit.wire.vendor import Vendor, http

Asked = dict[str, Any]
Bench = CassetteBench[Depot]
NEXT_EMAIL, NEXT_PHONE, NEXT_NAME, NEXT_IP = NEIGHBOUR
GIVEN, FAMILY = NEXT_NAME.split()
SESAME = "sesame-77-opens"


def asking(method: str = "GET", template: str = "/people", **more: Any) -> Asked:
    return {"method": method, "template": BASE + template, **more}


def hashed(text: str, algorithm: str = "md5") -> str:
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def xml(name: str, text: str) -> str:
    return f"<q><{name}>{text}</{name}></q>"


REQUESTS: dict[str, Callable[[Subject, str], Asked]] = {
    "path": lambda s, _: asking(template="/people/{id}", path={"id": s.emails[0]}),
    "path, hashed": lambda s, _: asking(template="/people/{id}", path={"id": hashed(s.emails[0])}),
    "path, hashed, capitals": lambda s, _: asking(
        template="/p/{id}", path={"id": hashed(s.emails[0], "sha256").upper()}
    ),
    "query": lambda s, _: asking(query={"email": s.emails[0], "phone": s.phones[0], "q": s.names[0]}),
    "query, surname in capitals": lambda s, _: asking(query={"q": s.names[0].split()[-1].upper()}),
    "query, a link in it": lambda s, _: asking(query={"back": f"https://x.example/?e={quote(s.emails[0])}"}),
    "query, our key": lambda _, key: asking(query={"api_key": key, "a": "1"}),
    "query, a passcode that is another each time": lambda s, _: asking(query={"otp": s.phones[0][-6:], "a": "1"}),
    "json": lambda s, _: asking("POST", json={"email": s.emails[0], "phone": s.phones[0], "tags": [s.names[0]]}),
    "json, text in capitals": lambda s, _: asking("POST", json={"q": s.emails[0].upper(), "n": s.names[0].upper()}),
    "json in json": lambda s, _: asking("POST", json={"payload": json.dumps({"email": s.emails[0]})}),
    "json, base64": lambda s, _: asking("POST", json={"cursor": encoded(f"after={s.emails[0]}")}),
    "json, hash in base64": lambda s, _: asking(
        "POST", json={"h": base64.b64encode(hashlib.sha256(s.emails[0].encode()).digest()).decode()}
    ),
    "json, national number": lambda s, _: asking("POST", json={"q": "0" + s.phones[0].removeprefix("+44")}),
    "json, postcode without its space": lambda s, _: asking(
        "POST", json={"q": s.addresses[0].postcode.replace(" ", "")}
    ),
    "json, external id": lambda s, _: asking("POST", json={"q": f"{s.external('depot.customer')[0]}-RETURN"}),
    "form": lambda s, key: asking("POST", form={"email": s.emails[0], "Vendor": "shop", "password": key}),
    "xml in form": lambda s, key: asking(
        "POST", form={"XML": xml("surname", s.names[0]) + xml("signature", hashed(key))}
    ),
    "xml": lambda s, _: asking(
        "POST", content=f'<q mail="{s.emails[0]}">{s.names[0]}</q>'.encode(), headers={"Content-Type": "text/xml"}
    ),
    "multipart": lambda s, _: asking(
        "POST",
        content=f"--x\r\n\r\n{s.emails[0]}".encode(),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    ),
    "headers": lambda s, key: asking(headers={"Authorization": f"Bearer {key}", "X-For": s.emails[0], "Cookie": key}),
}


@pytest.mark.parametrize("place", REQUESTS)
def test_of_a_request(
    place: str, recorder: Cassettes, player: Cassettes, vendor: Vendor, tmp_path: Path, offline: Callable[[], None]
) -> None:
    def call(bench: Bench) -> Any:
        key = bench.processor.config.key.get_secret_value()
        return bench.wire.call(**REQUESTS[place](bench.subject, key), reads=True).json

    vendor.answer = lambda _: http(200, b'{"ok": 1}', Content_Type="application/json")
    with recorder("it", Depot, INVENTED) as bench:
        assert call(bench) == {"ok": 1}
    assert Canary(values()).search(tmp_path) == []
    offline()
    with player("it", Depot, INVENTED) as bench:
        assert bench.subject != PERSON
        assert call(bench) == {"ok": 1}


def as_json(value: Any, **headers: str) -> bytes:
    return http(200, json.dumps(value).encode(), Content_Type="application/json", **headers)


def page(text: str) -> bytes:
    return http(200, text.encode(), Content_Type="text/html")


def nested(value: Any, times: int) -> Any:
    """A document in a text in a document."""
    return {"d": json.dumps(nested(value, times - 1))} if times else value


ANSWERS: dict[str, bytes] = {
    "json": as_json(
        {"email": PERSON.emails[0], "first_name": "Zebedia", "people": [{"lastName": FAMILY, "tel": NEXT_PHONE}]}
    ),
    "json, a neighbour": as_json({"rows": [{"mail": NEXT_EMAIL, "name": NEXT_NAME, "client_ip": NEXT_IP}]}),
    "json, a person without a surname's field": as_json({"shipping_address": {"name": NEXT_NAME, "zip": "QX7 3ZP"}}),
    "json, keys": as_json({"by_mail": {NEXT_EMAIL: {"count": 2}}}),
    "json, escaped": http(
        200, b'{"m": "%s"}' % "".join(f"\\u{ord(c):04x}" for c in NEXT_EMAIL).encode(), Content_Type="application/json"
    ),
    "json, byte order mark": http(
        200, b"\xef\xbb\xbf" + json.dumps({"surname": FAMILY}).encode(), Content_Type="application/json"
    ),
    "json in json": as_json({"raw": json.dumps({"first_name": GIVEN, "last_name": FAMILY})}),
    "json, number": as_json({"phone": 447911123456, "amount": 49.5}),
    "json, label and value": as_json(
        {"fields": [{"name": "Last Name", "value": FAMILY}, {"name": "Size", "value": "XL"}]}
    ),
    "json, in a note": as_json([{"note": f"{NEXT_NAME} rang, {NEXT_PHONE}"}, {"surname": FAMILY, "email": NEXT_EMAIL}]),
    "json, a name in a title": as_json([{"surname": FAMILY}, {"title_of_list": f"Friends of {FAMILY.upper()}"}]),
    "json, her street in other words": as_json({"odd": "71, FENNIMORE PASSAGE", "more": "71 Fennimore - Passage"}),
    "json, base64": as_json({"next": encoded(json.dumps({"after": NEXT_EMAIL}))}),
    "json, a link": as_json(
        {
            "href": f"https://api.depot.example/u?e={quote(NEXT_EMAIL)}&n={quote(NEXT_NAME)}",
            "name": NEXT_NAME,
            "email": NEXT_EMAIL,
        }
    ),
    "json, a hash": as_json({"email": NEXT_EMAIL, "hash": hashed(NEXT_EMAIL)}),
    "json, a hash of nobody known": as_json({"hash": hashed("who.is@this.example")}),
    "json, our credentials": as_json({"echo": encoded(f"hub:{REAL['key']}"), "access_token": "short-1"}),
    "json, passwords": as_json(dict.fromkeys(("pass", "pw", "pin", "otp", "auth", "bearer", "sessid", "sig"), SESAME)),
    "json, parameters of a link": as_json(
        {"a": f"https://x.example/?key={SESAME}&surname={FAMILY}#otp={SESAME}", "b": f"/c?code={SESAME}"}
    ),
    "json, names in other words": as_json(
        dict.fromkeys(("vorname", "nom", "last", "attn", "login", "mothersMaidenName"), FAMILY)
    ),
    "json, our key and account": as_json({"echo": REAL["key"], "links": f"https://{REAL['account']}.depot.example/"}),
    "xml": http(
        200, f"<r><email>{NEXT_EMAIL}</email><surname>{FAMILY}</surname></r>".encode(), Content_Type="text/xml"
    ),
    "xml, attribute": http(
        200, f'<r><p email="{NEXT_EMAIL}" firstName="{GIVEN}"/></r>'.encode(), Content_Type="text/xml"
    ),
    "xml, cdata and comment": http(
        200,
        f"<r><!-- {NEXT_EMAIL} --><cardholder><![CDATA[{NEXT_NAME}]]></cardholder></r>".encode(),
        Content_Type="text/xml",
    ),
    "xml, references": http(
        200, f"<r><a>{''.join(f'&#{ord(c)};' for c in NEXT_EMAIL)}</a></r>".encode(), Content_Type="text/xml"
    ),
    "csv": http(200, f"Email,First Name,Size\r\n{NEXT_EMAIL},{GIVEN},XL\r\n".encode(), Content_Type="text/csv"),
    "lines": http(
        200, f"Status=OK\r\nCardHolder={NEXT_NAME}\r\nE-Mail: {NEXT_EMAIL}\r\n".encode(), Content_Type="text/plain"
    ),
    "html, no quotes": page(f"<a href=mailto:{NEXT_EMAIL}><input name=surname value={FAMILY}></a>"),
    "html, a greater-than sign in an attribute": page(f"""<p title="a > {NEXT_EMAIL}" surname='{FAMILY}'>x</p>"""),
    "html, a less-than sign in a text": page(f"<p>1 < 2 and {NEXT_EMAIL} > 3</p>"),
    "xml, entity": http(
        200,
        f'<!DOCTYPE r [<!ENTITY w "{FAMILY} {NEXT_EMAIL}">]><?who {FAMILY}?><r>&w;</r>'.encode(),
        Content_Type="text/xml",
    ),
    "xml, label and value": http(
        200,
        f'<r><f name="last_name" value="{FAMILY}"/><f name="last_name"><value>{FAMILY}</value></f>'
        f"<f><name>Last Name</name><value>{FAMILY}</value></f></r>".encode(),
        Content_Type="application/xml",
    ),
    "lines of json": http(
        200, b'{"last_name": "%s"}\n\n{"city": "X"}\n' % FAMILY.encode(), Content_Type="application/x-ndjson"
    ),
    "lines of json, as text": http(200, b'{"last_name": "%s"}\n{"a": 1}' % FAMILY.encode(), Content_Type="text/plain"),
    "events": http(200, b'event: x\ndata: {"last_name": "%s"}\n\n' % FAMILY.encode(), Content_Type="text/event-stream"),
    "truncated": http(200, b'{"last_name": "%s", "ci' % FAMILY.encode(), Content_Type="text/plain"),
    "truncated, in json": as_json({"raw": f'{{"last_name": "{FAMILY}", "ci'}),
    "guarded": http(200, b')]}\',\n{"last_name": "%s"}' % FAMILY.encode(), Content_Type="text/plain"),
    "deeper than anybody looks": as_json(nested({"last_name": FAMILY}, 9)),
    "lists within lists": http(
        200, b"[" * 1200 + b'{"last_name": "%s"}' % FAMILY.encode() + b"]" * 1200, Content_Type="text/plain"
    ),
    "json, columns and rows": as_json({"columns": ["first_name", "last_name"], "rows": [[GIVEN, FAMILY]]}),
    "json, columns that are objects": as_json({"fields": [{"name": "Last Name"}], "rows": [[FAMILY]]}),
    "json, a row of names": as_json([["Size", "Last Name"], ["XL", FAMILY]]),
    "card": http(200, f"BEGIN:VCARD\nN:{FAMILY};{GIVEN}\nEND:VCARD".encode(), Content_Type="text/vcard"),
    "card, in base64": as_json({"raw": encoded(f"BEGIN:VCARD\nN:{FAMILY}\nEND:VCARD")}),
    "csv, semicolons": http(200, f"First Name;Surname\n{GIVEN};{FAMILY}\n".encode(), Content_Type="text/csv"),
    "csv, as text": http(200, f"Size,First Name,Surname\nXL,{GIVEN},{FAMILY}\n".encode(), Content_Type="text/plain"),
    "csv, json in it": http(200, b'id,raw\n1,"{""last_name"": ""%s""}"\n' % FAMILY.encode(), Content_Type="text/csv"),
    "tabs": http(200, f"First Name\tSurname\n{GIVEN}\t{FAMILY}\n".encode(), Content_Type="text/tab-separated-values"),
    "text": http(200, f"Dear {NEXT_EMAIL}, we wrote to +44 7911 987654.".encode(), Content_Type="text/plain"),
    "text, in Latin-1": http(
        200, "Grüße an josé.ñuñez@elsewhere.net".encode("latin-1"), Content_Type="text/plain; charset=ISO-8859-1"
    ),
    "no text": http(200, b"%PDF-1.7\0" + NEXT_EMAIL.encode(), Content_Type="application/pdf"),
    "text that is none": http(200, b"\0\1" + NEXT_EMAIL.encode(), Content_Type="text/plain"),
    "gzip": http(
        200,
        gzip.compress(json.dumps({"mail": NEXT_EMAIL}).encode()),
        Content_Type="application/json",
        Content_Encoding="gzip",
    ),
    "headers": http(
        200,
        b"{}",
        Content_Type="application/json",
        Set_Cookie=f"sid={REAL['key']}",
        X_User=NEXT_EMAIL,
        Location=f"/people?surname={FAMILY}&auth={SESAME}",
        Link=f"<https://api.depot.example/p?e={quote(NEXT_EMAIL)}>; rel=next",
        X_Request_Id=hashed("one"),
    ),
}


@pytest.mark.parametrize("place", ANSWERS)
def test_of_an_answer(place: str, recorder: Cassettes, player: Cassettes, vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = lambda _: ANSWERS[place]
    with recorder("it", Depot, INVENTED) as bench:
        real = bench.wire.call("GET", f"{BASE}/all").body
    assert (
        Canary(
            [*values(), GIVEN, FAMILY, SESAME, "fennimore", "josé.ñuñez@elsewhere.net", hashed("who.is@this.example")]
        ).search(tmp_path)
        == []
    )
    with player("it", Depot, INVENTED) as bench:
        replayed = bench.wire.call("GET", f"{BASE}/all").body
    assert replayed
    if place.startswith("json"):
        assert skeleton(json.loads(replayed)) == skeleton(json.loads(real.removeprefix(b"\xef\xbb\xbf")))


def skeleton(value: Any) -> Any:
    """What must be the same: structure, and values that are nobody's."""
    if isinstance(value, dict):
        return [skeleton(inner) for inner in value.values()]
    if isinstance(value, list):
        return [skeleton(inner) for inner in value]
    return value if value in ("XL", "Size", 49.5, 2) else type(value)


def test_stand_ins_keep_the_shape_of_what_they_stand_for(
    recorder: Cassettes, player: Cassettes, vendor: Vendor, local: Local
) -> None:
    person = {
        "email": "Zebedia.Quorndon@mail.depot-people.net",
        "mailbox": "info@depot-people.net",
        "phone": "07911 123456",
        "first_name": "ZEBEDIA",
        "postcode": "qx73zp",
        "customer": "KUND-88123",
        "birthday": "1984-05-17",
        "location": {"latitude": 51.5074, "lon": "-2.1034"},
        "ip": "81.2.69.160",
        "id": 4711,
        "hash": hashed(PERSON.emails[0]),
        "next": encoded(json.dumps({"after": PERSON.emails[0]})),
    }
    vendor.answer = lambda _: as_json(person)
    with recorder("it", Depot, INVENTED) as bench:
        bench.wire.call("GET", f"{BASE}/p")
    with player("it", Depot, INVENTED) as bench:
        shown = bench.wire.call("GET", f"{BASE}/p").json
    her = bench.subject
    assert shown["email"].lower() == her.emails[0]
    assert shown["email"][0].isupper()
    assert her.emails[0].endswith(".example.org")
    assert shown["mailbox"].startswith("info@")
    assert "+44" + shown["phone"][1:] == her.phones[0]
    assert her.phones[0].startswith("+447700900")
    assert shown["first_name"] == her.names[0].split()[0].upper()
    assert shown["postcode"] == her.addresses[0].postcode.replace(" ", "").lower()
    assert (shown["customer"],) == her.external("depot.customer")
    assert shown["hash"] == hashed(her.emails[0])
    assert json.loads(base64.b64decode(shown["next"])) == {"after": her.emails[0]}
    assert (shown["birthday"], shown["location"], shown["id"]) == (
        "1970-01-01",
        {"latitude": 0.0, "lon": "-0.0000"},
        4711,
    )
    assert shown["ip"].startswith("198.1")


@pytest.mark.parametrize(
    ("region", "number"),
    [
        ("US", "415-867-5309"),
        ("US", "(415) 867-5309"),
        ("US", "4158675309"),
        ("ES", "612 345 678"),
        ("DE", "030/1234567"),
        ("DE", "0171-2345678"),
    ],
)
def test_numbers_are_seen_as_a_region_writes_them(
    region: str, number: str, recorder: Cassettes, player: Cassettes, vendor: Vendor, tmp_path: Path
) -> None:
    vendor.answer = lambda _: as_json({"x": f"Rang {number}, 2 times", "day": "2026-03-02", "id": 12345678})
    with recorder("it", Depot, INVENTED, region=region) as bench:
        bench.wire.call("GET", f"{BASE}/p")
    assert number not in (tmp_path / "it.yaml").read_text(encoding="utf-8")
    with player("it", Depot, INVENTED) as bench:
        shown = bench.wire.call("GET", f"{BASE}/p").json
    assert (shown["day"], shown["id"]) == ("2026-03-02", 12345678)
