"""What the stand-in's account holds: two audiences, one of them asking for permissions, and two shops.

The shapes are Mailchimp's own (Marketing API 3.0); `seed` peoples them from the town.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hub.testing.town import Mailbox, Person, Town

NEWS, FAIR = "a1b2c3d4e5", "f6a7b8c9d0"  # audiences
SHOP, OUTLET = "my-server-store", "eu/outlet"  # stores: one id holds "server", the other a slash

Json = dict[str, Any]


@dataclass(slots=True)
class Audience:
    """A list with its members; `forgotten` are the hashes that were permanently deleted."""

    id: str
    name: str
    permissions: dict[str, str] = field(default_factory=dict)  # marketing permission id → text
    interests: dict[str, dict[str, str]] = field(default_factory=dict)  # category title → interest id → name
    tags: tuple[tuple[str, str, str], ...] = (
        ("FNAME", "First Name", "text"),
        ("LNAME", "Last Name", "text"),
        ("ADDRESS", "Address", "address"),
        ("PHONE", "Phone Number", "phone"),
        ("COMPANY", "Company", "text"),
    )
    members: dict[str, Json] = field(default_factory=dict)  # by hash
    parts: dict[tuple[str, str], list[Json]] = field(default_factory=dict)  # (hash, notes|activity|goals|events|tags)
    forgotten: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Store:
    """A connected shop; ids are free text."""

    id: str
    name: str
    list_id: str
    customers: dict[str, Json] = field(default_factory=dict)
    carts: dict[str, Json] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """Everything."""

    audiences: dict[str, Audience]
    stores: dict[str, Store]


def hash_of(email: str) -> str:
    """Mailchimp's id of a member: MD5 of the lower-cased address."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def member(audience: Audience, email: str, status: str, merge_fields: Json, number: int) -> Json:
    """A member as `GET` shows it. A contact keeps its `contact_id` when its address changes."""
    return {
        "id": hash_of(email),
        "email_address": email,
        "unique_email_id": f"{number:010x}",
        "contact_id": hashlib.sha256(f"{audience.id}{number}".encode()).hexdigest()[:32],
        "full_name": f"{merge_fields.get('FNAME', '')} {merge_fields.get('LNAME', '')}".strip(),
        "web_id": 100_000 + number,
        "email_type": "html",
        "status": status,
        "consents_to_one_to_one_messaging": True,
        "sms_phone_number": "",
        "sms_subscription_status": "",
        "merge_fields": {tag: merge_fields.get(tag, "") for tag, _, _ in audience.tags},
        "interests": {id_: id_ == "int01" for interests in audience.interests.values() for id_ in interests},
        "stats": {"avg_open_rate": 0.4, "avg_click_rate": 0.1},
        "ip_signup": "192.0.2.17",
        "timestamp_signup": "2024-05-02T10:00:00+00:00",
        "ip_opt": "192.0.2.17",
        "timestamp_opt": "2024-05-02T10:04:00+00:00",
        "member_rating": 3,
        "last_changed": "2025-11-20T08:30:00+00:00",
        "language": "en",
        "vip": False,
        "email_client": "Thunderbird",
        "location": {"latitude": 51.5, "longitude": -2.1, "gmtoff": 0, "dstoff": 1, "country_code": "GB"},
        "marketing_permissions": [
            {"marketing_permission_id": id_, "text": text, "enabled": status == "subscribed"}
            for id_, text in audience.permissions.items()
        ],
        "source": "API - Generic",
        "tags_count": 0,
        "tags": [],
        "list_id": audience.id,
        "_links": [{"rel": "self", "href": "https://us21.api.mailchimp.com/3.0/lists/…", "method": "GET"}],
    }


def seed(town: Town) -> Account:
    """The account as the town's people left it."""
    news = Audience(
        NEWS,
        "Larkspur News",
        {"perm01": "Email", "perm02": "Direct Mail", "perm03": "Customized Online Advertising"},
        {"Topics": {"int01": "New products", "int02": "Trade shows"}},
    )
    fair = Audience(FAIR, "Trade fair visitors", interests={"Halls": {"int03": "Hall 7"}})
    shop, outlet = Store(SHOP, "Larkspur Shop", NEWS), Store(OUTLET, "Outlet", FAIR)
    numbers = itertools.count(1)
    statuses = {"p09": "unsubscribed", "p10": "cleaned", "p11": "pending", "p12": "transactional"}
    for person in town:
        _join(news, person, person.email, statuses.get(person.id, "subscribed"), next(numbers))
    second = town.main.emails[1]
    _join(fair, town.main, second, "archived", next(numbers))
    _join(fair, town.person("p05"), town.person("p05").email, "subscribed", next(numbers))
    for mailbox in town.mailboxes:
        _join(news, mailbox, mailbox.email, "subscribed", next(numbers))
    # A guest checkout makes a customer each time: one address, two customers; the outlet knows the other address.
    buyers = ((shop, "cust/01?x", town.main.email), (shop, "guest#17", town.main.email), (outlet, "7", second))
    for store, id_, email in buyers:
        _buy(store, id_, town.main, email)
    _buy(shop, "cust/02", town.person("p02"), town.person("p02").email)
    _buy(outlet, "8", town.person("p05"), town.person("p05").email)
    return Account({NEWS: news, FAIR: fair}, {SHOP: shop, OUTLET: outlet})


def _join(audience: Audience, who: Person | Mailbox, email: str, status: str, number: int) -> None:
    merge: Json = {"COMPANY": who.company}
    if isinstance(who, Person):
        merge |= {"FNAME": who.given, "LNAME": who.family, "PHONE": who.phones[0] if who.phones else ""}
        if who.address:
            merge["ADDRESS"] = {
                "addr1": who.address.line1,
                "addr2": who.address.line2,
                "city": who.address.city,
                "state": "",
                "zip": who.address.postcode,
                "country": who.address.country,
            }
    found = member(audience, email, status, merge, number)
    audience.members[found["id"]] = found
    audience.parts |= {(found["id"], part): rows for part, rows in _life(found, number)}


def _life(of: Json, number: int) -> Iterator[tuple[str, list[Json]]]:
    """What a member leaves behind: a few of each kind; the activity feed of the first one needs three pages."""
    many = 2_500 if number == 1 else 3
    yield (
        "activity",
        [
            {
                "activity_type": "open",
                "created_at_timestamp": f"2025-{1 + i % 12:02}-01T0{i % 10}:00:00+00:00",
                "campaign_id": f"camp{i:06}",
                "campaign_title": f"Newsletter {i}",
            }
            for i in range(many)
        ],
    )
    yield (
        "notes",
        [
            {
                "id": 10 * number + i,
                "created_at": "2025-03-01T09:00:00+00:00",
                "created_by": "Mabel Clerk",
                "updated_at": "2025-03-01T09:00:00+00:00",
                "note": f"Asked at the stand about lamp {i}.",
                "list_id": of["list_id"],
                "email_id": of["id"],
                "contact_id": of["contact_id"],
            }
            for i in range(2)
        ],
    )
    yield (
        "goals",
        [
            {
                "goal_id": number,
                "event": "https://larkspur.example.org/lamps",
                "last_visited_at": "2025-10-01T12:00:00+00:00",
                "data": "visited",
            }
        ],
    )
    yield "events", [{"occurred_at": "2025-10-01T12:01:00+00:00", "name": "brochure", "properties": {"page": "lamps"}}]
    yield "tags", [{"id": 501, "name": "Trade show 2025", "date_added": "2025-05-05T10:00:00+00:00"}]


def _buy(store: Store, id_: str, person: Person, email: str) -> None:
    address = {
        "address1": person.address.line1 if person.address else "",
        "address2": "",
        "city": person.address.city if person.address else "",
        "province": "",
        "postal_code": person.address.postcode if person.address else "",
        "country": "United Kingdom",
    }
    customer: Json = {
        "id": id_,
        "email_address": email,
        "sms_phone_number": "",
        "opt_in_status": True,
        "company": person.company,
        "first_name": person.given,
        "last_name": person.family,
        "orders_count": 1,
        "total_spent": 49.5,
        "address": address,
        "created_at": "2025-06-01T10:00:00+00:00",
        "updated_at": "2025-06-01T10:00:00+00:00",
        "_links": [],
    }
    store.customers[id_] = customer
    line = {"id": "1", "product_id": "lamp", "product_title": "Desk lamp", "quantity": 1, "price": 49.5}
    common: Json = {"customer": customer, "currency_code": "GBP", "order_total": 49.5, "lines": [line], "_links": []}
    order_id, cart_id = f"order of {id_}", f"cart/{id_}"
    store.orders[order_id] = {
        "id": order_id,
        **common,
        "store_id": store.id,
        "financial_status": "paid",
        "billing_address": {"name": person.name, "phone": person.phones[0] if person.phones else "", **address},
        "shipping_address": {"name": person.name, **address},
    }
    store.carts[cart_id] = {"id": cart_id, **common, "checkout_url": "https://larkspur.example.org/checkout"}
