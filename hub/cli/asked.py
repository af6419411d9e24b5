"""The options that describe a request, and the submission they make."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.errors import InvalidIdentifier, UsageError
from hub.subject import Identifier, Subject

if TYPE_CHECKING:
    from datetime import datetime

    from hub.coordinator.intake import Submission
    from hub.processor import Changes, Scope
    from hub.rights import Right

RIGHTS = (
    "access",
    "portability",
    "rectification",
    "restriction",
    "lift",
    "objection",
    "consent_withdrawal",
    "erasure",
)
Function = Callable[..., Any]
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")

right_option = click.option(
    "--right",
    "rights",
    type=click.Choice(RIGHTS),
    multiple=True,
    required=True,
    metavar="RIGHT",
    help=f"What is asked for, repeatable: {', '.join(RIGHTS)}.",
)

person_options = (
    click.option(
        "--subject",
        metavar="FILE",
        help="The person as JSON (docs/cli.md), `-` for standard input. Preferred: arguments show in process lists.",
    ),
    click.option("--email", "emails", multiple=True, help="An e-mail address; repeatable, like the next three."),
    click.option("--phone", "phones", multiple=True, help="A telephone number."),
    click.option("--name", "names", multiple=True, help="A full name."),
    click.option("--id", "ids", multiple=True, metavar="NAMESPACE=VALUE", help="An id that a system gave."),
)
what_options = (
    click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="A rectification's new value."),
    click.option(
        "--purpose",
        "purposes",
        type=click.Choice(["marketing", "processing", "sharing"]),
        multiple=True,
        help="What is to stop, for an objection, restriction or withdrawal; repeatable. Marketing else.",
    ),
    click.option(
        "--marketing-channel",
        "channels",
        type=click.Choice(["email", "sms", "phone", "post", "push"]),
        multiple=True,
        help="Stop marketing by this channel alone; repeatable. All channels else.",
    ),
)
_CIRCUMSTANCES = (
    click.option("--received", metavar="WHEN", help="When it was received: 2026-03-02 or 2026-03-02T09:30Z. Now else."),
    click.option("--channel", default="cli", show_default=True, help="How it came: email, letter, telephone, portal …"),
    click.option("--verified-by", metavar="METHOD", help="How identity was verified, a code: id_document. Required."),
    click.option("--on-behalf-of", metavar="WHO", help="Who acts for the person; kept encrypted."),
    click.option("--reference", help="Your own reference; kept encrypted."),
)


def asks(function: Function) -> Function:
    """Add every option that describes a request; the function gets them as keywords, for `Asked`."""
    return with_options(right_option, *person_options, *_CIRCUMSTANCES, *what_options)(function)


def with_options(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Decorate with these options, which the help shows in this order."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@dataclass(frozen=True, slots=True)
class Described:
    """The person as typed, unread. Nothing of it is shown by `repr`."""

    subject: str | None = field(repr=False)
    emails: tuple[str, ...] = field(repr=False)
    phones: tuple[str, ...] = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)

    @property
    def anybody(self) -> bool:
        """Whether somebody is described at all."""
        return self.subject is not None or any((self.emails, self.phones, self.names, self.ids))

    def person(self, region: str | None) -> Subject:
        """The person, from the file and the options together. Raises `InvalidIdentifier`, `UsageError`."""
        found = list(_document(self.subject, region)) if self.subject is not None else []
        found += [Identifier.email(text) for text in self.emails]
        found += [Identifier.phone(text, region) for text in self.phones]
        found += [Identifier.name(text) for text in self.names]
        found += [Identifier.external(*_pair(text, "--id", "NAMESPACE=VALUE")) for text in self.ids]
        if not found:
            raise InvalidIdentifier(
                "The request names nobody", hint="Give --subject FILE, or --email, --phone, --name or --id."
            )
        return Subject(tuple(found))


@dataclass(frozen=True, slots=True)
class Asked(Described):
    """What was typed, unread. None of it is shown by `repr`: most of it is the person's."""

    rights: tuple[str, ...]
    received: str | None
    channel: str
    verified_by: str | None
    on_behalf_of: str | None = field(repr=False)
    reference: str | None = field(repr=False)
    changes: tuple[str, ...] = field(repr=False)
    purposes: tuple[str, ...]
    channels: tuple[str, ...]

    def submission(self, region: str | None, now: datetime) -> Submission:
        """Read it. `region` is the country of national telephone numbers. Raises `UsageError`; quotes nothing."""
        from hub.coordinator.intake import Submission, received_or_now  # noqa: PLC0415  # heavy
        from hub.rights import Right  # noqa: PLC0415  # heavy

        if self.verified_by is None or not _CODE.fullmatch(self.verified_by):
            raise UsageError(
                "How the person's identity was verified is missing, or is no code",
                hint="Give --verified-by METHOD in lower-case letters and underscores, such as id_document or portal.",
            )
        rights = tuple(map(Right, dict.fromkeys(self.rights)))
        return Submission(
            rights=rights,
            subject=self.person(region),
            channel=self.channel,
            received=received_or_now(self.received, now.timestamp()),
            verified_by=self.verified_by,
            changes=read_changes(self.changes),
            scope=self._scope(rights),
            on_behalf_of=self.on_behalf_of,
            reference=self.reference,
        )

    def _scope(self, rights: tuple[Right, ...]) -> Scope | None:
        from hub.processor import Operation  # noqa: PLC0415  # heavy
        from hub.rights import operations  # noqa: PLC0415  # heavy

        scope = read_scope(self.purposes, self.channels)
        if scope and not {Operation.SUPPRESS, Operation.LIFT} & set(operations(rights)):
            raise UsageError(
                "--purpose and --marketing-channel say what is to stop, and nothing is to stop",
                hint="They go with objection, restriction, lift and consent_withdrawal.",
            )
        return scope


def read_changes(texts: Sequence[str]) -> Changes | None:
    """What `--set` asks for; None where it asks for nothing. Raises `UsageError`; quotes nothing."""
    from hub.coordinator.intake import OWN_FIELD  # noqa: PLC0415  # heavy
    from hub.processor import STANDARD_FIELDS, Changes  # noqa: PLC0415  # heavy

    fields = dict(_pair(text, "--set", "FIELD=VALUE") for text in texts)
    if any(name not in STANDARD_FIELDS and not OWN_FIELD.fullmatch(name) for name in fields):
        raise UsageError(
            "--set names a field that does not exist",
            hint=f"Fields: {', '.join(sorted(STANDARD_FIELDS))}; or CONNECTOR.FIELD for a field of one service.",
        )
    return Changes(fields) if fields else None


def read_scope(purposes: Sequence[str], channels: Sequence[str]) -> Scope | None:
    """What is to stop; None where nothing was said."""
    from hub.processor import Channel, Purpose, Scope  # noqa: PLC0415  # heavy

    if not (purposes or channels):
        return None
    return Scope(frozenset(map(Purpose, purposes)) or frozenset({Purpose.MARKETING}), frozenset(map(Channel, channels)))


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"{option} needs {form}", hint="What was given has no equals sign, or nothing before it.")
    return key, value


def _document(source: str, region: str | None) -> tuple[Identifier, ...]:
    """The person in a file, or in what comes by standard input."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The file --subject names cannot be read: {error.strerror}", hint="Check its path.") from None
    except UnicodeDecodeError:
        raise UsageError("The file --subject names is no text in UTF-8", hint="Save it as UTF-8.") from None
    try:
        document = json.loads(text)
    except RecursionError:
        raise UsageError("The subject is nested too deeply", hint="Lists within one object are enough.") from None
    except ValueError as error:  # its text could quote the person: the place alone
        line = getattr(error, "lineno", 1)
        hint = 'Write {"email": ["…"], "name": ["…"]}; docs/cli.md shows all keys.'
        raise UsageError(f"The subject is no JSON: something is wrong on line {line}", hint=hint) from None
    if not isinstance(document, Mapping):
        raise UsageError("The subject is no JSON object", hint='Write {"email": ["…"], "name": ["…"]}.')
    return Subject.from_document(document, region=region).identifiers
