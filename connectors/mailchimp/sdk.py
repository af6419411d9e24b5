"""Mailchimp's own Python SDK, with the hub's door in place of its transport.

`mailchimp-marketing` 3.0.80 is the vendor's last release. Its API classes know every path and parameter, and are kept;
its client is replaced, because it would report an erasure that never happened: it returns 4xx answers without a body
as if they were successes, rewrites the word "server" wherever it stands in an address, lets a slash in an id choose
another route, hands errors over as text, dict or exception, and opens a connection for each call without a time-out
worth the name. docs: `README.md`, "The SDK".

Importing this module takes 0.2 s, so only a processor that is being made imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailchimp_marketing.api.ecommerce_api import EcommerceApi
from mailchimp_marketing.api.lists_api import ListsApi
from mailchimp_marketing.api.root_api import RootApi
from mailchimp_marketing.api_client import ApiClient

from connectors.mailchimp.problems import NotThere, Problem
from hub import ContractError, OutcomeUnknown, Services

_SUCCESS = {"GET": 200, "PATCH": 200, "PUT": 200, "DELETE": 204, "POST": 204}  # of the calls this connector makes
_REFUSALS = (400, 404, 405)  # that mean something to an act; anything else is judged by the hub's own table


class Client(ApiClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client as far as its API classes use it: `call_api`, through the door."""

    def __init__(self, hub: Services, base: str) -> None:
        super().__init__({"server": ""})  # an empty server switches the rewriting of addresses off
        self.host = base
        self._hub = hub

    def call_api(  # noqa: PLR0917  # the SDK's signature
        self,
        resource_path: str,
        method: str,
        path_params: Mapping[str, str] | None = None,
        query_params: list[tuple[str, Any]] | None = None,
        header_params: Mapping[str, str] | None = None,  # noqa: ARG002  # the door sets what is needed
        body: Any = None,
        collection_formats: Mapping[str, str] | None = None,
        **_: Any,  # options of the SDK's transport, which is not used
    ) -> Any:
        """Make the call and return exactly what the vendor documents: the JSON object, or None for 204.

        Every call is idempotent at Mailchimp: deleting and archiving twice changes nothing, fields are set to values.

        Raises:
            NotThere: Mailchimp says in its own words that there is no such thing.
            Problem: it refused (400, 405), likewise.
            ConnectorError: whatever else the door and its table say.
        """
        reply = self._hub.wire.call(
            method,
            f"{self.host}{resource_path}",
            path=path_params,
            query=dict(self.parameters_to_tuples(query_params or [], collection_formats or {})),
            json=body,
            expect={_SUCCESS[method], *_REFUSALS},
            idempotent=True,
        )
        if reply.status == 204 and not reply.body:  # noqa: PLR2004  # No Content
            return None
        answer = reply.json
        if reply.status == 200 and isinstance(answer, dict):  # noqa: PLR2004  # OK
            return answer
        if isinstance(answer, dict) and answer.get("status") == reply.status and isinstance(answer.get("title"), str):
            cls = NotThere if (reply.status, answer["title"]) == NotThere.SAID else Problem
            raise cls(reply.status, answer["title"], f"{method} {resource_path}", self._hub.instance)
        raise self._unfit(method, resource_path)

    def _unfit(self, method: str, resource_path: str) -> ContractError | OutcomeUnknown:
        """A status Mailchimp documents, with a body it does not: somebody else answered."""
        said = f"{method} {resource_path} was answered by something that does not speak as Mailchimp does"
        hint = "Look for a proxy or firewall between the hub and *.api.mailchimp.com."
        if method == "GET":
            return ContractError(said, instance=self._hub.instance, hint=hint)
        return OutcomeUnknown(said, repeatable=True, instance=self._hub.instance, hint=hint)


class Sdk:
    """The SDK's API classes, on the hub's door."""

    def __init__(self, hub: Services, base: str) -> None:
        client = Client(hub, base)
        self.root = RootApi(client)
        self.lists = ListsApi(client)
        self.ecommerce = EcommerceApi(client)
