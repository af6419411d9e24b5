"""The Reporting & Admin API: one method for each command this connector sends. All of them only read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.sagepay.answers import Fields, Meaning, Reading, error, every, read, text
from connectors.sagepay.config import SagePayConfig
from connectors.sagepay.signing import document, element
from hub import ContractError, Services

PAGE_ROWS = 50  # the most the service lists at once (error 0099)


@dataclass(frozen=True, slots=True)
class Reporting:
    """The commands, signed as the configured user."""

    config: SagePayConfig
    hub: Services

    def version(self) -> None:
        """Ask for the API's version: succeeds for every user of the account from a registered address."""
        self._ask("version")

    def token_count(self) -> int | None:
        """How many tokens the account has; None when the user may not know. Needs an administrator."""
        reading = self._read("getTokenCount")
        if reading.meaning is Meaning.PERMISSION:
            return None
        number = text(self._fields(reading, "getTokenCount"), "totalnumber")
        if not number.isdecimal():
            raise ContractError("Sage Pay answered getTokenCount without a number", instance=self.hub.instance)
        return int(number)

    def token(self, token: str) -> Fields | None:
        """The card behind a token; None when there is no such token. Needs an administrator.

        No source says which code stands for a removed token. An error without a known meaning counts as *no such
        token* only if the service gives the same one for a token that cannot exist, and answers about tokens at all.
        """
        reading = self._read("getTokenDetails", token=token)
        if reading.meaning is Meaning.UNKNOWN and self.token_count() is not None:
            control = self._read("getTokenDetails", token=f"{{{uuid.uuid4()}}}".upper())
            if (control.meaning, control.code) == (Meaning.UNKNOWN, reading.code):
                return None
        return self._found(reading, "getTokenDetails")

    def detail(self, locator: Mapping[str, str]) -> Fields | None:
        """Everything about a transaction; None when there is none.

        Args:
            locator: `{"vpstxid": …}` or `{"vendortxcode": …}`.
        """
        detail = self._about("getTransactionDetail", locator)
        if detail is not None and not (text(detail, "vpstxid") or text(detail, "vendortxcode")):
            raise ContractError(
                "Sage Pay answered getTransactionDetail without the transaction's id", instance=self.hub.instance
            )
        return detail

    def card(self, locator: Mapping[str, str]) -> Fields | None:
        """The card of a transaction, its number but for four digits excepted."""
        return self._about("getTransactionCardDetails", locator)

    def network(self, locator: Mapping[str, str]) -> Fields | None:
        """The IP address a transaction came from, and its country."""
        return self._about("getTransactionIPDetails", locator)

    def fraud_screen(self, locator: Mapping[str, str]) -> Fields | None:
        """The fraud screening of a transaction: profiling data."""
        return self._about("getFraudScreenDetail", locator)

    def fraud_rules(self, t3mtxid: str) -> Fields | None:
        """The rules by which The 3rd Man scored a transaction."""
        return self._about("getT3MDetail", {"t3mtxid": t3mtxid})

    def related(self, locator: Mapping[str, str]) -> Iterator[Fields]:
        """Refunds, repeats and releases of a transaction; what exactly is listed, the caller must not rely on."""
        yield from every(self._about("getRelatedTransactions", locator) or {}, "transaction")

    def page(self, parameters: str) -> Fields:
        """One page of `getTransactionList`, its parameters already serialised."""
        return self._ask("getTransactionList", parameters)

    def _about(self, command: str, locator: Mapping[str, str]) -> Fields | None:
        return self._found(self._read(command, **locator), command)

    def _ask(self, command: str, parameters: str = "") -> Fields:
        return self._fields(self._send(command, parameters), command)

    def _found(self, reading: Reading, command: str) -> Fields | None:
        return None if reading.meaning is Meaning.ABSENT else self._fields(reading, command)

    def _fields(self, reading: Reading, command: str) -> Fields:
        if reading.meaning is not Meaning.SUCCESS:
            raise error(reading, command, self.hub.instance)
        return reading.fields

    def _read(self, command: str, **parameters: str) -> Reading:
        return self._send(command, "".join(element(name, value) for name, value in parameters.items()))

    def _send(self, command: str, parameters: str) -> Reading:
        xml = document(
            command,
            parameters,
            vendor=self.config.vendor,
            user=self.config.user,
            password=self.config.password.get_secret_value(),
            algorithm=self.config.hash_algorithm,
        )
        reply = self.hub.wire.call(
            "POST", f"{self.config.base_url}/access/access.htm", form={"XML": xml}, reads=True, idempotent=True
        )
        return read(reply.body, self.hub.instance)
