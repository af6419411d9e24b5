"""What is personal or secret in an exchange: told by the name of the field it stands in, or by its own look.

The names are those that services use, in any spelling (`billingFirstNames`, `postal_code`, `FNAME`). Where a name says
too little it is taken for more: a label replaced without need costs nothing, a person left in a file does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping
from typing import Literal

from hub.testing.cassettes.drawing import is_hexadecimal

Kind = Literal["email", "phone", "name", "prose", "code", "opaque", "date", "place"]

# Whose a field is, before what it is: billingpostcode, shipping_address1, customerName.
_WHOSE = (
    r"(billing|bill(to)?|delivery|shipping|ship(to)?|mailing|invoice|home|work|business|office|primary|other|alternate|"
    r"secondary|default|personal|private|customer|contact|card|payer|buyer|donor|user|owner|person|permanent|legal)*"
)
# What services call a password, a code or a signature in a word. Each is hidden where it is data and left out where it
# is sent, so both lists below take it from here.
_SECRETS = "pass|passcode|pwd?|pin|otp|totp|mfacode|auth|bearer|sessid|sig|hmac"
_FIELDS: Mapping[Kind, str] = {
    "name": r"(vor|nach)names?|(pre)?nom|nombre|apellidos?|first|last|login(id)?|attn|attention|addressee|"
    r"contact(person)?|beneficiary|signer|patient|spouse|guest|passenger|travell?er|emergencycontact|holder|student|"
    r"employee|(child|partner|spouse|mothers?maiden|first|last|full|given|family|middle|sur|nick|maiden|display|screen|"
    r"recipient|sender|author|cardholder|"
    r"contact|customer|holder|account(holder)?|user|f|l|m)names?|names?|cardholder|"
    r"(created|updated|modified|written)by",
    "prose": r"notes?|comments?|memo|remarks?|bio(graphy)?|"
    r"(street|address|addr)(es)?(line)?\d?|line[12]|street(name|number)?\d?|city|town|suburb|locality|county|province|"
    r"ort|wohnort|stra(ss|\u00df)e|hausnummer|rue|ville|calle|ciudad|house(number|no)|(birth)?place(ofbirth)?|school|"
    r"company(name)?|organi[sz]ation(name)?|employer|jobtitle|occupation",
    "code": r"(postal|post|zip)(code)?\d?|plz|last4(digits)?|expir(y|ation)(date)?|"
    r"nationalid|bankaccount|(card|account|passport|(driv(er|ing)s?)?licen[cs]e|iban|"
    r"tax|vat|nationalinsurance|socialsecurity)(number|no|id)|iban|bic|sortcode|ssn|nino",
    "phone": r"(sms|tele|mobile|cell|land|day|evening|night)?"
    r"(phone|fax|mobile|cell|tel|telephone|sms|telefon|handy|msisdn|whatsapp)(number|no|nr)?s?\d?",
    "email": r"e?mail(address)?\d?",
    "date": r"birth(day|date)?|dateofbirth|dob|bday|geburts(tag|datum)",
    "place": r"lat(itude)?|lon(gitude)?|lng",
    "opaque": rf"{_SECRETS}|jwt|"
    r".*(token|secret|passw(or)?d|passphrase|apikey|securitykey|privatekey|accesskey|signature|authcode|cavv|"
    r"sessionid|session|cookie|credentials?|cardidentifier)",
}
_KINDS = [(kind, re.compile(_WHOSE + f"({names})")) for kind, names in _FIELDS.items()]
# `name` alone is a person's where a person's data stands beside it or where it says whose it is; else it is a label.
_OF_A_PERSON = re.compile(
    r".*(mail|phone|mobile|address|addr|postcode|postalcode|zip|city|firstname|lastname|surname|birth).*|tel"
)
_PERSON = re.compile(
    r".*(address|contact|customer|person|people|owner|user|author|recipient|guest|member|subscriber|by)s?"
)

# In a request, what proves who we are or makes one request differ from the next: it is left out of a cassette and of
# every comparison with it.
_PROOF = re.compile(
    rf"(.*(password|passwd|secret|signature|apikey)|{_SECRETS}|(client)?assertion|nonce|codeverifier|authorization)"
)

# Values by which services say what something is. A name that is also such a word is not replaced in them.
_VOCABULARY = re.compile(
    r".*(status(es)?|state|type|kind|title|error|code|rel|method|result|event|currency|language|country|action)"
)

EMAIL = re.compile(
    r"[\w!#$*+^{|}~-]+(?:[.'\u2019&%]+[\w!#$*+^{|}~-]+)*@(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.)+[^\W\d_][\w-]{1,62}"
)
IP = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]|-\d)"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
    r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}(?![\w:])"
)
TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}(?![A-Za-z0-9_-])")
BASE64 = re.compile(r"(?=.*[+=])[A-Za-z0-9+/]{24,}={0,2}")  # with neither + nor = it could as well be a path
_SHORTEST_SECRET = 16
_SHORTEST_ISSUED = 8
_HASH = 24  # hexadecimal digits from which chance and words are ruled out
_DISTINCT = 8  # letters and digits, at least, in what was drawn at random
_CHANGES = 0.22  # of neighbours that are of different sorts, in what was drawn at random


def normalised(field: str) -> str:
    """A field's name without case and punctuation: `postal_code`, `postalCode` and `Postal-Code` are one."""
    return re.sub(r"[\W_]", "", field).lower()


def kind_of(field: str, beside: Collection[str] = (), parent: str = "") -> Kind | None:
    """What stands in a field of that name; None where the name does not say.

    Args:
        field: its name, normalised.
        beside: the names of the fields beside it, normalised.
        parent: the name of what it is part of, normalised.
    """
    if field in {"name", "names"}:
        personal = any(map(_OF_A_PERSON.fullmatch, beside)) or _PERSON.fullmatch(parent)
        return "name" if personal else None
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(field)), None)


def proves(field: str) -> bool:
    """Whether a field of a request is a password, a signature or the like; `field` is normalised."""
    return bool(_PROOF.fullmatch(field))


def is_issued(field: str, text: str) -> bool:
    """Whether a parameter of an address holds a key or a code for one: in `?code=…` they are short."""
    sorts = {"0" if c.isdecimal() else "a" for c in text if c.isalnum()}
    return field in {"key", "code"} and len(text) >= _SHORTEST_ISSUED and len(sorts) > 1


def is_vocabulary(field: str) -> bool:
    """Whether a field's values are words of the service; `field` is normalised."""
    return bool(_VOCABULARY.fullmatch(field))


def looks_drawn(token: str) -> bool:
    """Whether a word of letters and digits looks drawn at random, as keys, tokens, hashes and GUIDs do."""
    core = [c for c in token if c.isalnum()]
    if len(core) < _SHORTEST_SECRET or len({c.lower() for c in core}) < _DISTINCT:
        return False
    if len(core) >= _HASH and is_hexadecimal("".join(core)):
        return any(map(str.isalpha, core))
    sorts = ["0" if c.isdecimal() else "a" if c.islower() else "A" for c in core]
    changes = sum(one != other for one, other in itertools.pairwise(sorts))
    return sorts.count("0") > 1 and len(set(sorts)) > 1 and changes >= _CHANGES * len(core)
