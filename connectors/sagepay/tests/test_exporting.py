from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from connectors.sagepay.sandbox.stock import AUTH_CODE, SECRET
from hub import Identifier, Record, Subject
from hub.testing.town import Town

if TYPE_CHECKING:
    from connectors.sagepay.tests.conftest import Account

CODE = Subject((Identifier.external("sagepay.vendortxcode", "LAMP-1001"),))


def by_kind(records: list[Record]) -> dict[str, Record]:
    return {record.kind: record for record in records}


def test_a_payment_is_exported_with_card_network_and_fraud_screening(account: Account, town: Town) -> None:
    records = by_kind(account.export(account.holdings(CODE)["LAMP-1001"]))
    assert list(records) == ["transaction", "card", "network", "fraud_screen", "fraud_rules"]
    assert records["transaction"].data["customeremail"] == town.main.email
    assert records["card"].data["last4digits"] == "4242"
    assert records["network"].data == {"clientip": "192.0.2.42", "country": "GB"}
    screened = records["fraud_screen"].data["t3mresults"]["rule"]
    assert [rule["description"] for rule in screened] == ["No Match on Electoral Roll"] * 2
    assert records["fraud_rules"].data["t3mresults"]["rule"]["description"] == "Postcode seen before"


def test_the_export_goes_on_after_its_cursor(account: Account) -> None:
    held = account.holdings(CODE)["LAMP-1001"]
    whole = account.export(held)
    for number, record in enumerate(whole, start=1):
        account.cursor = record.cursor
        assert account.export(held) == whole[number:]


def test_a_stored_card_is_exported_without_what_charges_it(account: Account) -> None:
    held = next(h for h in account.holdings(CODE).values() if h.kind == "token")
    (record,) = account.export(held)
    assert set(record.data) == {"cardholder", "last4digits", "expirydate", "cardtype"}
    (told,) = account.export(held, user="reader", password="Sandbox-2", admin=False)
    assert "may not read" in told.data["stored_card"]


def test_no_secret_leaves_the_connector_by_any_way(
    account: Account, town: Town, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    held = account.holdings(town.main.subject())
    tokens = {h.locator["token"] for h in held.values() if h.kind == "token"}
    exported = [record for h in held.values() for record in account.export(h)]
    written = json.dumps([(r.kind, r.data, r.cursor) for r in exported])
    hints = json.dumps([dict(h.hints) for h in held.values()])
    spoken = caplog.text + "".join(capsys.readouterr())
    recorded = json.dumps([exchange.as_evidence() for exchange in account.exchanges])
    for secret in (SECRET, AUTH_CODE, "Sandbox-1", *tokens):
        assert secret not in written + hints + spoken + recorded + repr(held) + repr(exported)


def test_what_evidence_and_logs_keep_of_a_search_names_nobody(
    account: Account, town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    held = account.holdings(town.main.subject())
    recorded = json.dumps([exchange.as_evidence() for exchange in account.exchanges])
    kept = recorded + caplog.text + repr(list(held.values()))
    person = town.main
    for canary in (*person.emails, *person.phones, person.family, "ZZ9", "LAMP-1001"):
        assert canary not in kept
