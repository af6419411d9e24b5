"""The data subject: the identifiers a request came with, in one normal form, and the rules by which two are the same.

Nothing here ever shows a value: `repr` says the kind alone, and an error names the kind and the fault.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hub.errors import InvalidIdentifier
from hub.normal import MAX_TEXT, clean, normal_email, normal_phone, words

_NAMESPACE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class IdentifierKind(StrEnum):
    """The kinds of identifier a request can bring."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    ADDRESS = "address"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier in normal form.

    Args:
        kind: what it is.
        value: the normal form; never shown by `repr`.
        namespace: for an external id, whose it is (`salesforce.contact`); empty otherwise.
    """

    kind: IdentifierKind
    value: str = field(repr=False)
    namespace: str = ""

    @classmethod
    def email(cls, text: str) -> Identifier:
        """An e-mail address. Raises `InvalidIdentifier`."""
        return cls(IdentifierKind.EMAIL, normal_email(text))

    @classmethod
    def phone(cls, text: str, region: str | None = None) -> Identifier:
        """A telephone number; `region` (`GB`) reads national forms. Raises `InvalidIdentifier`."""
        return cls(IdentifierKind.PHONE, normal_phone(text, region))

    @classmethod
    def name(cls, text: str) -> Identifier:
        """A person's full name. Raises `InvalidIdentifier`."""
        return cls(IdentifierKind.NAME, clean(text, "name"))

    @classmethod
    def address(cls, address: PostalAddress) -> Identifier:
        """A postal address."""
        return cls(IdentifierKind.ADDRESS, "\n".join(address.parts()))

    @classmethod
    def external(cls, namespace: str, value: str) -> Identifier:
        """An id a system gave: `external("sagepay.vendortxcode", "ORDER-17")`. Raises `InvalidIdentifier`."""
        if not _NAMESPACE.fullmatch(namespace) or len(namespace) > MAX_TEXT:
            raise InvalidIdentifier(
                "An external id needs a namespace of lower-case words joined by dots",
                hint="Write it as SYSTEM.KIND=VALUE, for example salesforce.contact=003000000000001.",
            )
        return cls(IdentifierKind.EXTERNAL, clean(value, "external id", keep_spaces=True), namespace)

    @property
    def label(self) -> str:
        """What a plan and a coverage call this kind: the kind, or the namespace of an external id."""
        return self.namespace or self.kind.value

    @property
    def postal(self) -> PostalAddress:
        """The postal address this identifier is made of."""
        line1, line2, city, postcode, country = self.value.split("\n")
        return PostalAddress(line1=line1, line2=line2, city=city, postcode=postcode, country=country)

    def canonical(self) -> str:
        """The text that is hashed: casefolded for names and addresses, `namespace=value` for external ids."""
        if self.kind is IdentifierKind.EXTERNAL:
            return f"{self.namespace}={self.value}"
        if self.kind in {IdentifierKind.NAME, IdentifierKind.ADDRESS}:
            return self.value.casefold()
        return self.value

    def reference(self, key: bytes) -> str:
        """HMAC-SHA256 of `canonical()` under `key`, 64 hex digits: a subject reference."""
        return hmac.new(key, self.canonical().encode(), hashlib.sha256).hexdigest()

    def matches(self, text: str, *, region: str | None = None) -> bool:
        """Whether a service's own `text` is this very identifier; text that is no identifier at all is not.

        An address matches on the same words in the same order, however they are spread over lines and commas.
        """
        try:
            match self.kind:
                case IdentifierKind.EMAIL:
                    return normal_email(text) == self.value
                case IdentifierKind.PHONE:
                    return normal_phone(text, region) == self.value
                case IdentifierKind.EXTERNAL:
                    return text == self.value
                case IdentifierKind.NAME:
                    return clean(text, "name").casefold() == self.canonical()
                case IdentifierKind.ADDRESS:
                    return words(text) == words(self.value)
        except InvalidIdentifier:
            return False

    def as_dict(self) -> dict[str, str]:
        """For the vault: `kind`, `value`, and `namespace` where there is one."""
        base = {"kind": self.kind.value, "value": self.value}
        return base | ({"namespace": self.namespace} if self.namespace else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, str]) -> Identifier:
        """The inverse of `as_dict`; the value is taken as already normal."""
        return cls(IdentifierKind(data["kind"]), data["value"], data.get("namespace", ""))


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address. Every part is one line, without control characters; `postcode` is upper-cased."""

    line1: str = field(default="", repr=False)
    line2: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    postcode: str = field(default="", repr=False)
    country: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name in ("line1", "line2", "city", "postcode", "country"):
            object.__setattr__(self, name, clean(getattr(self, name), "address", may_be_empty=True))
        object.__setattr__(self, "postcode", self.postcode.upper())
        if not (self.line1 or self.postcode):
            raise InvalidIdentifier("An address needs at least its first line or its postcode")

    def parts(self) -> tuple[str, str, str, str, str]:
        """The five parts in order: line1, line2, city, postcode, country."""
        return self.line1, self.line2, self.city, self.postcode, self.country


@dataclass(frozen=True, slots=True)
class Subject:
    """The person a request is about: identifiers without repetition, in the order they came."""

    identifiers: tuple[Identifier, ...]

    def __post_init__(self) -> None:
        if not self.identifiers:
            raise InvalidIdentifier("A request needs at least one identifier of the person")
        object.__setattr__(self, "identifiers", tuple(dict.fromkeys(self.identifiers)))

    def of(self, kind: IdentifierKind) -> Iterator[Identifier]:
        """The identifiers of that kind."""
        return (i for i in self.identifiers if i.kind is kind)

    @property
    def emails(self) -> tuple[str, ...]:
        """Normalised e-mail addresses."""
        return tuple(i.value for i in self.of(IdentifierKind.EMAIL))

    @property
    def phones(self) -> tuple[str, ...]:
        """E.164 telephone numbers."""
        return tuple(i.value for i in self.of(IdentifierKind.PHONE))

    @property
    def names(self) -> tuple[str, ...]:
        """Full names."""
        return tuple(i.value for i in self.of(IdentifierKind.NAME))

    @property
    def addresses(self) -> tuple[PostalAddress, ...]:
        """Postal addresses."""
        return tuple(i.postal for i in self.of(IdentifierKind.ADDRESS))

    def external(self, namespace: str) -> tuple[str, ...]:
        """The ids of that namespace."""
        return tuple(i.value for i in self.identifiers if i.namespace == namespace)

    def widened(self, more: Iterable[Identifier]) -> Subject:
        """This subject with further identifiers."""
        return Subject((*self.identifiers, *more))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, region: str | None = None) -> Subject:
        """Read the JSON form a caller submits.

        Shape: `{"email": [...], "phone": [...], "name": [...], "address": [{line1, line2, city, postcode, country}],
        "external": {"NAMESPACE": [...]}}`; a single value may stand without its list. Raises `InvalidIdentifier`.
        """
        if not isinstance(document, Mapping):
            raise InvalidIdentifier("The subject is not a JSON object", hint='{"email": ["jane@example.org"]}')
        if set(document) - {"email", "phone", "name", "address", "external"}:
            raise InvalidIdentifier(
                "The subject has keys that mean nothing here",
                hint="Known keys: email, phone, name, address, external.",
            )
        found = [Identifier.email(v) for v in _texts(document.get("email"), "email")]
        found += [Identifier.phone(v, region) for v in _texts(document.get("phone"), "phone")]
        found += [Identifier.name(v) for v in _texts(document.get("name"), "name")]
        found += [Identifier.address(_postal(v)) for v in _listed(document.get("address"))]
        external = document.get("external") or {}
        if not isinstance(external, Mapping) or not all(isinstance(namespace, str) for namespace in external):
            raise InvalidIdentifier("`external` maps namespaces to ids", hint='{"external": {"shop.customer": ["17"]}}')
        found += [Identifier.external(ns, v) for ns, values in external.items() for v in _texts(values, "external")]
        return cls(tuple(found))


def _texts(value: Any, what: str) -> list[str]:
    values = _listed(value)
    if not all(isinstance(v, str) for v in values):
        raise InvalidIdentifier(f"Every {what} is a text", hint='Write numbers in quotes: "0170 …".')
    return values


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _postal(value: Any) -> PostalAddress:
    fields = {"line1", "line2", "city", "postcode", "country"}
    if not isinstance(value, Mapping) or set(value) - fields or not all(isinstance(v, str) for v in value.values()):
        raise InvalidIdentifier("An address is an object of texts", hint=f"Its keys: {', '.join(sorted(fields))}.")
    return PostalAddress(**value)
