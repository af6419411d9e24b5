"""A vendor's SDK as vendors write them: built on requests, silent about failures, without a time-out.

It stands for a package from PyPI that nobody here may change.
"""

from __future__ import annotations

from typing import Any

import requests


class ApiError(Exception):
    """Whatever went wrong; its text is the service's answer, whoever it names."""


class CourierClient:
    """The vendor's client. What it is given as `session` it uses; it makes one of its own otherwise."""

    def __init__(self, key: str, session: requests.Session | None = None) -> None:
        self._session = session or requests.Session()
        self._session.headers["X-Api-Key"] = key

    def whoami(self) -> dict[str, Any]:
        """The account."""
        return self.request("GET", "/me")

    def search_customers(self, email: str) -> list[dict[str, Any]]:
        """Customers by e-mail address. The vendor made a search of it, so it is a POST."""
        found: list[dict[str, Any]] = self.request("POST", "/customers/search", {"email": email}).get("results", [])
        return found

    def get_customer(self, id_: str) -> dict[str, Any]:
        """One customer."""
        return self.request("GET", f"/customers/{id_}")

    def delete_customer(self, id_: str) -> dict[str, Any]:
        """Delete one."""
        return self.request("DELETE", f"/customers/{id_}")

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any call; what the others are made of."""
        answer = self._session.request(method, f"https://api.courier.example{path}", json=body)  # as it is
        if answer.status_code >= 400 and answer.content:  # noqa: PLR2004  # an empty refusal counts as success: as it is
            raise ApiError(answer.text)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found
