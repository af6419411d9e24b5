"""The processor: what the hub calls, sent on to the part that knows the kind of holding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import httpx

from connectors.mailchimp.config import MailchimpConfig
from hub import (
    Account,
    Act,
    Changes,
    Confirmation,
    Coverage,
    File,
    Holding,
    Learned,
    Limits,
    Outcome,
    Processor,
    Record,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    Unsupported,
    Unverifiable,
)

_CONCURRENCY = 5  # Mailchimp allows 10 connections for a user across all apps, and others want theirs
_WRITERS = frozenset({"owner", "admin", "manager"})
_NOT_HELD = Unsupported(
    "Mailchimp keeps no list of objections: to remember one for somebody it does not hold, it would first have to add "
    "them to an audience. The hub's own ledger remembers it."
)


class Mailchimp(Processor[MailchimpConfig]):
    """One Mailchimp Marketing account: its audiences and the shops connected to them."""

    name = "mailchimp"
    title = "Mailchimp Marketing"
    searches: ClassVar = {"email": Search.EXACT, "mailchimp.unique_email": Search.EXACT, "phone": Search.SCAN}
    kinds: ClassVar = {
        "member": "contact in an audience",
        "customer": "customer of a connected shop",
        "order": "order in a connected shop",
        "cart": "cart in a connected shop",
    }

    @classmethod
    def searched_by(cls, config: MailchimpConfig) -> Mapping[str, Search]:
        """By telephone only where the settings name the merge tags that hold one."""
        return {label: how for label, how in cls.searches.items() if label != "phone" or config.phone_tags}

    def __init__(self, config: MailchimpConfig, hub: Services) -> None:
        # The SDK and all that is built on it take 0.2 s to load, which no other command should pay for.
        from connectors.mailchimp.api import Api  # noqa: PLC0415
        from connectors.mailchimp.correcting import Correction  # noqa: PLC0415
        from connectors.mailchimp.members import Members  # noqa: PLC0415
        from connectors.mailchimp.records import Records  # noqa: PLC0415

        super().__init__(config, hub)
        hub.wire.auth = httpx.BasicAuth("hub", config.api_key.get_secret_value())
        self._api = Api(hub, config.dc)
        self._members = Members(self._api, Correction(config))
        self._records = Records(self._api)

    @classmethod
    def limits(cls, config: MailchimpConfig) -> Limits:
        """The account's own data centre and no other host; half of the connections Mailchimp allows."""
        return Limits(hosts=(f"{config.dc}.api.mailchimp.com",), concurrency=_CONCURRENCY)

    def check(self) -> Account:
        """Who the key belongs to, and whether that user may change contacts."""
        found = self._api.account()
        role = str(found.get("role") or "unknown")
        return Account(
            id=self._api.text(found, "account_id"),
            label=self._api.text(found, "account_name"),
            region=self.config.dc,
            permissions=(role,),
            missing=() if role in _WRITERS else ("a role that may change contacts: owner, admin or manager",),
        )

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        """Carts, orders and customers of every shop, then members of every audience whatever their status."""
        from connectors.mailchimp.finding import Finder  # noqa: PLC0415  # see __init__

        return Finder(self._api, self.config, self.hub, subject).run()

    def export(self, holding: Holding, step: Step) -> Iterator[Record | File]:
        """A member with all it left behind, or one record of a shop."""
        from connectors.mailchimp.exporting import export_member  # noqa: PLC0415  # see __init__

        if holding.kind != "member":
            return self._records.export(holding, step)
        audience = holding.locator["audience"]
        return export_member(self._api, audience, lambda: self._members.read(holding), step.cursor)

    def rectify(self, holding: Holding, changes: Changes, step: Step) -> Outcome:  # noqa: ARG002  # calls are few
        """Merge fields and address of a member; name, company and address of a customer."""
        part = self._members if holding.kind == "member" else self._records
        return part.rectify(holding, changes)

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:  # noqa: ARG002  # as above
        """Unsubscribe, take permissions and opt-ins away; archive when all processing is to stop."""
        if isinstance(target, Subject):
            return _NOT_HELD
        part = self._members if target.kind == "member" else self._records
        return part.suppress(target, scope)

    def lift(self, holding: Holding, scope: Scope, step: Step) -> Outcome:  # noqa: ARG002  # as above
        """Bring an archived member back, unsubscribed; records of a shop were never restricted."""
        part = self._members if holding.kind == "member" else self._records
        return part.lift(holding, scope)

    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # as above
        """Delete for good; a member's address cannot be imported again afterwards."""
        part = self._members if holding.kind == "member" else self._records
        return part.erase(holding)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # as above
        """Read the very member or record back, in the audience or shop where it was found."""
        if isinstance(act.target, Subject):
            return Unverifiable("nothing_recorded")
        part = self._members if act.target.kind == "member" else self._records
        return part.confirm(act, act.target)
