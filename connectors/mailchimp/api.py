"""The calls this connector makes, in its own words: whole collections, None for what is not there, shapes checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.mailchimp.problems import NotThere
from connectors.mailchimp.sdk import Sdk
from hub import ContractError, OutcomeUnknown, Services

PAGE = 1000  # the most Mailchimp gives at once; more is refused
Json = dict[str, Any]


def hash_of(email: str) -> str:
    """Mailchimp's name for a member of any audience: MD5 of the address in lower case."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


class Api:
    """One account. Reads return None for what Mailchimp says is not there; what could not be read raises."""

    def __init__(self, hub: Services, data_center: str) -> None:
        self._instance = hub.instance
        sdk = Sdk(hub, f"https://{data_center}.api.mailchimp.com/3.0")
        self._lists, self._shops = sdk.lists, sdk.ecommerce
        self._root = sdk.root

    def account(self) -> Json:
        """Who we are: `account_id`, `account_name`, `role`."""
        answer: Json = self._root.get_root()
        return answer

    # audiences

    def audiences(self) -> list[Json]:
        """Every audience, with `id` and `name`. `?email=` is not used: it leaves archived members out."""
        return list(self._rows(self._lists.get_all_lists, "lists"))

    def member(self, audience: str, key: str) -> Json | None:
        """A member by hash or contact id, whatever its status."""
        try:
            answer = self._lists.get_list_member(audience, key)
        except NotThere:
            return None
        return self._member(answer, key, acted=False)

    def members(self, audience: str, **filters: str) -> Iterator[Json]:
        """Members of an audience. Without `status` Mailchimp may leave the archived out."""
        return self._rows(self._lists.get_list_members_info, "members", audience, filters=filters)

    def part(self, audience: str, key: str, name: str, start: int = 0) -> Iterator[Json]:
        """What a member left behind, from row `start` on: `tags`, `notes`, `activity`, `goals`, `events`."""
        lists = self._lists
        if name == "goals":  # the last 50, without paging; the one method the SDK names in camel case
            return iter(self._list(lists.getListMemberGoals(audience, key), "goals")[start:])
        fetch = {
            "tags": lists.get_list_member_tags,
            "notes": lists.get_list_member_notes,
            "activity": lists.get_list_member_activity_feed,
            "events": lists.get_list_member_events,
        }[name]
        return self._rows(fetch, name, audience, key, start=start)

    def merge_fields(self, audience: str) -> dict[str, str]:
        """Merge tag → its label in that audience."""
        rows = self._rows(self._lists.get_list_merge_fields, "merge_fields", audience)
        return {self.text(row, "tag"): self.text(row, "name") for row in rows}

    def interests(self, audience: str) -> dict[str, str]:
        """Interest id → `category: name`."""
        return {
            self.text(interest, "id"): f"{self.text(category, 'title')}: {self.text(interest, 'name')}"
            for category in self._rows(self._lists.get_list_interest_categories, "categories", audience)
            for interest in self._rows(
                self._lists.list_interest_category_interests, "interests", audience, self.text(category, "id")
            )
        }

    def update_member(self, audience: str, key: str, body: Json) -> Json:
        """Set fields of a member; required merge fields that are missing do not stand in the way. Raises `NotThere`."""
        answer = self._lists.update_list_member(audience, key, body, skip_merge_validation=True)
        return self._member(answer, hash_of(body["email_address"]) if "email_address" in body else key, acted=True)

    def put_member(self, audience: str, key: str, body: Json) -> Json:
        """Bring a member back from the archive."""
        answer = self._lists.set_list_member(audience, key, body, skip_merge_validation=True)
        return self._member(answer, key, acted=True)

    def archive_member(self, audience: str, key: str) -> None:
        """Archive: nothing is deleted, nothing is sent any more. Raises `NotThere`, `Problem` 405 if it is archived."""
        self._lists.delete_list_member(audience, key)

    def delete_member(self, audience: str, key: str) -> None:
        """Delete for good, by hash alone. Raises `NotThere`."""
        self._lists.delete_list_member_permanent(audience, key)

    # shops

    def stores(self) -> list[Json]:
        """Every connected store, with `id` and `name`."""
        return list(self._rows(self._shops.stores, "stores"))

    def customers(self, store: str, email: str) -> Iterator[Json]:
        """Customers under that address; each guest checkout may have made one."""
        return self._rows(self._shops.get_all_store_customers, "customers", store, filters={"email_address": email})

    def orders(self, store: str, customer: str) -> Iterator[Json]:
        """A customer's orders."""
        return self._rows(self._shops.get_store_orders, "orders", store, filters={"customer_id": customer})

    def carts(self, store: str) -> Iterator[Json]:
        """Every cart of the store: there is no filter by customer."""
        return self._rows(self._shops.get_store_carts, "carts", store)

    def record(self, kind: str, store: str, key: str) -> Json | None:
        """One customer, cart or order."""
        shops = self._shops
        fetch = {"customer": shops.get_store_customer, "cart": shops.get_store_cart, "order": shops.get_order}[kind]
        try:
            answer = fetch(store, key)
        except NotThere:
            return None
        return self._record(answer, key, acted=False)

    def update_customer(self, store: str, customer: str, body: Json) -> Json:
        """Set fields of a customer. Raises `NotThere`."""
        return self._record(self._shops.update_store_customer(store, customer, body), customer, acted=True)

    def delete_record(self, kind: str, store: str, key: str) -> None:
        """Delete one customer, cart or order; what else belongs to the customer stays. Raises `NotThere`."""
        shops = self._shops
        {"customer": shops.delete_store_customer, "cart": shops.delete_store_cart, "order": shops.delete_order}[kind](
            store, key
        )

    # shapes

    def text(self, row: Json, name: str) -> str:
        """A text that Mailchimp always gives. Raises `ContractError`."""
        value = row.get(name)
        if not isinstance(value, str):
            raise self._unfit(f"lacks `{name}`")
        return value

    def _member(self, answer: Json, key: str, *, acted: bool) -> Json:
        """The answer, if it is the member asked for: `id`, `email_address` and `status`, by hash or contact id."""
        whole = all(isinstance(answer.get(name), str) for name in ("id", "email_address", "status"))
        if not whole or key not in {answer["id"], answer.get("contact_id")}:
            raise self._unfit("is not the member it was about", acted=acted)
        return answer

    def _record(self, answer: Json, key: str, *, acted: bool) -> Json:
        if answer.get("id") != key:
            raise self._unfit("is not the record it was about", acted=acted)
        return answer

    def _rows(
        self, fetch: Callable[..., Any], key: str, *where: str, start: int = 0, filters: Mapping[str, str] | None = None
    ) -> Iterator[Json]:
        """Every row of a collection, to its end: by `total_items` where there is one, else by the first short page."""
        offset, last = start, None
        while True:
            page = fetch(*where, count=PAGE, offset=offset, **(filters or {}))
            rows = self._list(page, key)
            if rows and rows == last:
                raise self._unfit("repeats a page for ever")
            yield from rows
            offset, last = offset + len(rows), rows
            total = page.get("total_items")
            if not isinstance(total, int):
                if len(rows) < PAGE:
                    return
            elif offset >= total:
                return
            elif not rows:
                raise self._unfit("ends before its own total")

    def _list(self, page: Json, key: str) -> list[Json]:
        rows = page.get(key)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._unfit(f"lacks the list `{key}`")
        return rows

    def _unfit(self, fault: str, *, acted: bool = False) -> ContractError | OutcomeUnknown:
        said = f"An answer of Mailchimp does not fit its documentation: it {fault}"
        if acted:
            hint = "What the call did is read back before anything is repeated."
            return OutcomeUnknown(said, repeatable=True, instance=self._instance, hint=hint)
        hint = "Nothing was concluded from it. Look for a proxy that caches answers; the connector may be too old."
        return ContractError(said, instance=self._instance, hint=hint)
