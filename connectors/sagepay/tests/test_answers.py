from __future__ import annotations

import pytest

from connectors.sagepay.answers import Meaning, error, every, read, text
from connectors.sagepay.tokens import Removal
from connectors.sagepay.tokens import read as read_removal
from hub import AuthError, ContractError, OutcomeUnknown, TransientError

HEAD = b'<?xml version="1.0" encoding="ISO-8859-1" ?>'
CANARY = "zz.canary@example.org"


def refusal(code: str, said: str = "") -> bytes:
    said = said.replace("<", "&lt;").replace(">", "&gt;")
    return HEAD + f"<vspaccess><errorcode>{code}</errorcode><error>{said}</error><timestamp/></vspaccess>".encode()


BOMB = b'<!DOCTYPE v [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><vspaccess><errorcode>0000</errorcode>&b;</vspaccess>'
EXTERNAL = (
    b'<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/hostname">]><vspaccess><errorcode>0000</errorcode>&x;</vspaccess>'
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\x00\xff",
        b"OK",
        b"<html><body>It works!</body></html>",
        b"<vspaccess></vspaccess>",
        b"<vspaccess><errorcode></errorcode></vspaccess>",
        b"<vspaccess><errorcode>zero</errorcode></vspaccess>",
        b"<vspaccess><errorcode>0000</errorcode>",
        b'<?xml version="1.0" encoding="KLINGON"?><vspaccess><errorcode>0000</errorcode></vspaccess>',
        b'{"errorcode": "0000"}',
        b"<!DOCTYPE vspaccess><vspaccess><errorcode>0000</errorcode></vspaccess>",
        BOMB,
        EXTERNAL,
    ],
)
def test_what_is_no_report_is_never_read_as_one(body: bytes) -> None:
    with pytest.raises(ContractError) as raised:
        read(body, "pay")
    assert raised.value.__cause__ is None
    assert raised.value.instance == "pay"


@pytest.mark.parametrize(
    ("code", "said", "meaning", "raised"),
    [
        ("0001", "", Meaning.OURS, ContractError),
        ("0002", "", Meaning.OURS, ContractError),
        ("0008", "", Meaning.CREDENTIALS, AuthError),
        ("0009", "", Meaning.TROUBLE, TransientError),
        ("0010", "", Meaning.CREDENTIALS, AuthError),
        ("0011", "", Meaning.PERMISSION, AuthError),
        ("0013", "", Meaning.OURS, ContractError),
        ("0019", "", Meaning.OURS, ContractError),
        ("0038", "", Meaning.OURS, ContractError),
        ("0039", "", Meaning.OURS, ContractError),
        ("0042", "", Meaning.OURS, ContractError),
        ("0044", "The user does not have permission to view this transaction.", Meaning.PERMISSION, AuthError),
        ("0099", "", Meaning.OURS, ContractError),
        ("0235", "", Meaning.OURS, ContractError),
        ("4020", "", Meaning.CALLER, AuthError),
        ("7777", "The IP address 192.0.2.1 is not valid.", Meaning.CALLER, AuthError),
        ("7777", "You lack the privilege for this.", Meaning.PERMISSION, AuthError),
        ("2015", "INVALID STATUS", Meaning.UNKNOWN, ContractError),
        ("9999", "The vendor does not exist.", Meaning.UNKNOWN, ContractError),
        ("9999", "The signature was not found.", Meaning.UNKNOWN, ContractError),
    ],
)
def test_each_code_is_its_own_error_and_keeps_its_number_but_not_the_services_words(
    code: str, said: str, meaning: Meaning, raised: type[Exception]
) -> None:
    reading = read(refusal(code, f"{said} {CANARY}"), "pay")
    assert (reading.code, reading.meaning, dict(reading.fields)) == (code, meaning, {})
    failure = error(reading, "getTransactionDetail", "pay")
    assert type(failure) is raised
    assert code in failure.message
    assert "getTransactionDetail" in failure.message
    assert CANARY not in failure.diagnostics() + repr(failure) + repr(reading)


@pytest.mark.parametrize(
    "said",
    [
        "Unable to find the transaction for the <vendortxcode> or <vpstxid> supplied.",
        "The token supplied was not found.",
        "This token does not exist.",
    ],
)
def test_a_wording_that_says_absent_is_absent_whatever_its_code(said: str) -> None:
    assert read(refusal("7777", said), "pay").meaning is Meaning.ABSENT


def test_one_element_and_many_are_read_alike_and_latin_1_is_honoured() -> None:
    one = read(
        HEAD + "<vspaccess><errorcode>0000</errorcode><a><t><n>Zoë</n></t></a></vspaccess>".encode("latin-1"), "p"
    )
    two = read(HEAD + b"<vspaccess><errorcode>0000</errorcode><t><n>1</n></t><t><n>2</n></t><n/></vspaccess>", "p")
    assert [text(t, "n") for t in every(one.fields, "t")] == ["Zoë"]
    assert [text(t, "n") for t in every(two.fields, "t")] == ["1", "2"]
    assert text(two.fields, "n") == text(two.fields, "nothing") == ""


def test_secrets_are_dropped_while_reading_at_any_depth_and_in_any_case() -> None:
    inner = b"<SecurityKey>K</SecurityKey><t><vpsauthcode>A</vpsauthcode></t>"
    body = b"<vspaccess><errorcode>0000</errorcode>" + inner + b"</vspaccess>"
    assert read(body, "pay").fields == {"errorcode": "0000", "t": {}}


def test_key_value_answers_split_at_the_first_equals_sign() -> None:
    body = b"VPSProtocol=4.00\r\nStatus=INVALID\r\nStatusDetail=3034 : Vendor=x = unknown\r\n"
    assert read_removal(body, "pay") == Removal("INVALID", "3034")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Status",
        b"Status=",
        b"Status=ok",
        b"Status=OKAY",
        b"OK",
        b"<html>Status</html>",
        b"\xff\xfeS",
        b"StatusDetail=OK",
    ],
)
def test_an_answer_to_a_removal_that_is_none_leaves_the_outcome_unknown(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown) as raised:
        read_removal(body, "pay")
    assert raised.value.repeatable
