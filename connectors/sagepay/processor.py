"""The processor: what the hub asks of Sage Pay, and which answers it can honestly give.

The service keeps transactions and tokens. A token can be removed, for good: an erasure does that, a restriction never.
A transaction cannot be changed or deleted by any call, so an erasure answers why it is kept and until when, or that a
person must ask the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from connectors.sagepay import exporting, tokens
from connectors.sagepay.answers import Fields
from connectors.sagepay.config import TEST_HOSTS, SagePayConfig
from connectors.sagepay.finding import TOKEN, TRANSACTION_CODE, TRANSACTION_ID, Inquiry, searched_by
from connectors.sagepay.reporting import Reporting
from connectors.sagepay.states import Phase, ended, phase, years_after
from hub import (
    Absent,
    Account,
    Act,
    Confirmation,
    ContractError,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Learned,
    Limits,
    Manual,
    Method,
    Outcome,
    Processor,
    Purpose,
    Rate,
    Record,
    Refused,
    Retained,
    Scope,
    Search,
    Services,
    Step,
    Subject,
    TransientError,
    Unsupported,
    Unverifiable,
    unsupported,
)

_ADMIN = "administrator (getTokenDetails, getTokenCount)"
_OPEN = Refused(
    "transaction_open",
    "A payment awaits its release or authorisation. Release, abort or cancel it in MySagePay; the hub then goes on.",
)
_UNDERWAY = Refused("transaction_underway", "A payment is being made at this moment; the hub looks again later.")
_ASK_ELAVON = Manual(
    "ask_service_to_delete",
    "No ground to keep this transaction is left, and the service has no call that deletes one. Ask Elavon's support to "
    "delete it, and record their answer.",
)
_STOP_BY_HAND = Manual(
    "stop_stored_card",
    "Sage Pay cannot restrict a stored card, only remove it, and a removal cannot be undone. Decide at the shop: take "
    "the card off recurring use there, or ask for its erasure.",
)
_NO_MARKETING = Unsupported("Sage Pay only carries out and records payments: there is no marketing or sharing to stop.")
_NO_FLAG = Unsupported("A past transaction is only kept: the service neither uses it further nor has a flag for it.")
_NO_CUSTOMER = Unsupported("Sage Pay has no customers, only payments: nothing there records an objection in advance.")


class SagePay(Processor[SagePayConfig]):
    """One vendor account at Sage Pay."""

    name: ClassVar[str] = "sagepay"
    title: ClassVar[str] = "Sage Pay (Opayo)"
    searches: ClassVar[Mapping[str, Search]] = {
        TRANSACTION_CODE: Search.EXACT,
        TRANSACTION_ID: Search.EXACT,
        TOKEN: Search.EXACT,
        "name": Search.SCAN,
        "address": Search.SCAN,
        "email": Search.SCAN,
        "phone": Search.SCAN,
    }
    stops_before_erase: ClassVar[bool] = False  # only a person can stop a card: no task for what is erased anyway
    kinds: ClassVar[Mapping[str, str]] = {"token": "stored card", "transaction": "card transaction"}

    @classmethod
    def searched_by(cls, config: SagePayConfig) -> Mapping[str, Search]:
        """Names and addresses through a search that may miss; with `sweep` by everything, every payment read."""
        return searched_by(config)

    def __init__(self, config: SagePayConfig, hub: Services) -> None:
        super().__init__(config, hub)
        self._reporting = Reporting(config, hub)

    @classmethod
    def limits(cls, config: SagePayConfig) -> Limits:
        """The configured host alone, four calls at once, and the configured rate where there is one."""
        rates = (Rate(config.calls_per_second, timedelta(seconds=1)),) if config.calls_per_second else ()
        return Limits(hosts=(urlsplit(config.base_url).netloc,), rates=rates)

    def check(self) -> Account:
        """Ask for the API's version and the number of tokens. Raises `AuthError`.

        The payment services, which remove tokens, keep a list of addresses of their own: it cannot be tried without
        removing something.
        """
        self._reporting.version()
        missing = (_ADMIN,) if self._reporting.token_count() is None else ()
        return Account(
            id=self.config.vendor,
            label=self.config.vendor,
            permissions=("reports", *(() if missing else (_ADMIN,))),
            missing=missing,
            sandbox=urlsplit(self.config.base_url).hostname in TEST_HOSTS,
        )

    def find(self, subject: Subject) -> Iterator[Holding | Learned | Coverage]:
        """Look codes up, list by surname and postcode (or everything, with `sweep`), add refunds and repeats."""
        yield from Inquiry(self._reporting, subject).run()

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:
        """What the service holds, without what authorises refunds or charges the card."""
        if holding.kind == "token":
            yield from exporting.token(self._reporting, holding.locator["token"])
        else:
            yield from exporting.transaction(self._reporting, holding.locator, step.cursor)

    rectify = unsupported("A card transaction records what happened; the service has no customer to correct.")

    def suppress(self, target: Holding | Subject, scope: Scope, step: Step) -> Outcome:  # noqa: ARG002  # it calls nobody
        """For processing of a stored card, a person decides at the shop: a mere restriction destroys nothing."""
        if Purpose.PROCESSING not in scope.purposes:
            return _NO_MARKETING
        if isinstance(target, Subject):
            return _NO_CUSTOMER
        return _STOP_BY_HAND if target.kind == "token" else _NO_FLAG

    lift = unsupported(
        "Sage Pay restricts neither cards nor payments, so nothing is restricted here. What was stopped at the shop is "
        "resumed there."
    )

    def erase(self, holding: Holding, step: Step) -> Outcome:
        """Remove a token; say of a transaction why and until when it is kept."""
        if holding.kind == "token":
            return self._remove(holding, step)
        detail = self._reporting.detail(holding.locator)
        return Absent() if detail is None else self._kept(detail, step.now.date())

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # nothing here depends on the attempt
        """Read back by token or transaction id. A token is gone when an administrator is told that there is none."""
        if isinstance(act.target, Subject):
            return Unverifiable("nothing_recorded")
        locator = act.target.locator
        if act.target.kind == "transaction":
            return Gone() if self._reporting.detail(locator) is None else Differs(("transaction",))
        if not self.config.admin or self._reporting.token_count() is None:
            return Unverifiable("needs_administrator")
        if self._reporting.token(locator["token"]) is not None:
            return Differs(("token",))
        return Gone()

    def _remove(self, holding: Holding, step: Step) -> Outcome:
        """Remove a token unless a payment on it is unsettled: without its token it could not be completed."""
        for guard in holding.locator["guards"]:
            detail = self._reporting.detail(guard)
            refusal = _unsettled(self._phase(detail)) if detail is not None else None
            if refusal:
                return refusal
        step.still_mine()
        token = holding.locator["token"]
        removal = tokens.remove(self.config, self.hub, token)
        if removal.status == "OK":
            return Done(Method.DELETED)
        if self.config.admin and self._reporting.token(token) is None:
            return Absent()
        said = f"Sage Pay did not remove a token: it answered {removal.said}"
        if not self.config.admin:
            hint = "Only an administrator may ask whether the token still exists. Look it up in MySagePay."
            raise ContractError(said, instance=self.hub.instance, hint=hint)
        error = TransientError if removal.status == "ERROR" else ContractError
        raise error(said, instance=self.hub.instance, hint="The token still exists. Look it up in MySagePay.")

    def _kept(self, detail: Fields, today: date) -> Outcome:
        """Why and until when a transaction is kept."""
        config = self.config
        match self._phase(detail):
            case Phase.TRADED:
                years, ground, what = config.retention_years, config.retention_ground, "card transaction"
            case Phase.ATTEMPTED:
                years, ground = config.attempt_retention_years, config.attempt_retention_ground
                what = "attempted card transaction"
            case unsettled:
                return _unsettled(unsettled) or _UNDERWAY
        end = ended(detail)
        until = years_after(end, years) if end else None
        return _ASK_ELAVON if until and until < today else Retained(ground, until, what)

    def _phase(self, detail: Fields) -> Phase:
        known = phase(detail)
        if known is None:
            raise ContractError(
                "Sage Pay reports a transaction in a state this version does not know",
                instance=self.hub.instance,
                hint="Look at its state in MySagePay; nothing was done with it or with a token behind it.",
            )
        return known


def _unsettled(state: Phase) -> Refused | None:
    return {Phase.OPEN: _OPEN, Phase.UNDERWAY: _UNDERWAY}.get(state)
