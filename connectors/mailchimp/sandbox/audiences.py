"""The audience side of the stand-in: members in every status, what they leave behind, and how they are let go."""

from __future__ import annotations

from connectors.mailchimp.sandbox.account import Account, Audience, Json, hash_of, member
from connectors.mailchimp.sandbox.problems import compliance, exists, forgotten, invalid, not_allowed, not_found
from connectors.mailchimp.sandbox.shop import page
from hub.testing.sandbox import Request, Result, Sandbox, route

_HASH_LENGTH = 32
_PATCHABLE = {"subscribed", "unsubscribed", "cleaned", "pending"}  # `archived` is reached by DELETE alone


class Audiences(Sandbox):
    """Routes under `/3.0/lists`."""

    account: Account

    @route("GET", "/3.0/lists")
    def lists(self, request: Request) -> Result:
        """Every audience; `email` narrows it to those where the address is no archived member."""
        email = request.one("email")
        rows: list[Json] = [
            {"id": a.id, "name": a.name, "marketing_permissions": bool(a.permissions), "stats": {}, "_links": []}
            for a in self.account.audiences.values()
            if not email or a.members.get(hash_of(email), {"status": "archived"})["status"] != "archived"
        ]
        return page(request, "lists", rows)

    @route("GET", "/3.0/lists/{list}/members")
    def members(self, request: Request) -> Result:
        """Members; without a status the archived are left out, with one only those of that status."""
        audience = self._audience(request)
        unique, status = request.one("unique_email_id"), request.one("status")
        rows = [
            m
            for m in audience.members.values()
            if (not unique or m["unique_email_id"] == unique)
            and (m["status"] == status if status else unique or m["status"] != "archived")
        ]
        return {"list_id": audience.id} | page(request, "members", rows)

    @route("GET", "/3.0/lists/{list}/members/{member}")
    def member(self, request: Request) -> Result:
        """One member, by hash, address or contact id, archived or not."""
        return self._member(request)[1]

    @route("PATCH", "/3.0/lists/{list}/members/{member}")
    def update_member(self, request: Request) -> Result:
        """Change some fields; another address is another hash, and the same contact."""
        audience, found = self._member(request)
        body = _object(request)
        self._check(audience, body, request, subscribing_from=found["status"])
        email = str(body.get("email_address", found["email_address"]))
        if hash_of(email) != found["id"]:
            if hash_of(email) in audience.members:
                raise exists(email)
            if hash_of(email) in audience.forgotten:
                raise forgotten(email)
            self._move(audience, found, email)
        return _apply(found, body)

    @route("PUT", "/3.0/lists/{list}/members/{member}")
    def set_member(self, request: Request) -> Result:
        """Add or update one; `email_address` and `status_if_new` are required."""
        audience, body = self._audience(request), _object(request)
        for name in ("email_address", "status_if_new"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise invalid(name, "This value should not be blank.")
        email: str = body["email_address"]
        found = audience.members.get(hash_of(email))
        status = str(body.get("status", found["status"] if found else body["status_if_new"]))
        if found is None and hash_of(email) in audience.forgotten:
            raise forgotten(email)
        self._check(audience, body | {"status": status}, request, subscribing_from=found["status"] if found else "")
        if found is None:
            number = 1 + sum(len(a.members) + len(a.forgotten) for a in self.account.audiences.values())
            found = audience.members[hash_of(email)] = member(audience, email, status, {}, number)
        return _apply(found, body | {"status": status})

    @route("DELETE", "/3.0/lists/{list}/members/{member}")
    def archive(self, request: Request) -> None:
        """Archive, which deletes nothing; a second time it is refused."""
        _, found = self._member(request)
        if found["status"] == "archived":
            raise not_allowed("This list member cannot be removed. Please contact support.")
        found["status"] = "archived"

    @route("POST", "/3.0/lists/{list}/members/{member}/actions/delete-permanent")
    def delete_permanent(self, request: Request) -> None:
        """Delete for good: takes the hash alone, and bars the address from being imported again."""
        audience, key = self._audience(request), request.params["member"]
        if key not in audience.members:
            raise not_found()
        del audience.members[key]
        audience.parts = {at: rows for at, rows in audience.parts.items() if at[0] != key}
        audience.forgotten.add(key)

    @route("GET", "/3.0/lists/{list}/members/{member}/activity-feed")
    def activity_feed(self, request: Request) -> Result:
        """Newest first, paged, and without `total_items`."""
        audience, found = self._member(request)
        full = page(request, "activity", audience.parts.get((found["id"], "activity"), []))
        return {"activity": full["activity"], "email_id": found["id"], "list_id": audience.id, "_links": []}

    @route("GET", "/3.0/lists/{list}/members/{member}/{part}")
    def part(self, request: Request) -> Result:
        """Notes, goals, events or tags."""
        audience, found = self._member(request)
        name = request.params["part"]
        if name not in {"notes", "goals", "events", "tags"}:
            raise not_found()
        rows = audience.parts.get((found["id"], name), [])
        if name == "goals":  # the last 50, and no paging
            return {"goals": rows[:50], "list_id": audience.id, "email_id": found["id"], "total_items": len(rows)}
        return {"list_id": audience.id, "email_id": found["id"]} | page(request, name, rows)

    @route("GET", "/3.0/lists/{list}/merge-fields")
    def merge_fields(self, request: Request) -> Result:
        """What the audience asks of its members."""
        rows: list[Json] = [
            {
                "merge_id": i,
                "tag": tag,
                "name": name,
                "type": kind,
                "required": False,
                "list_id": request.params["list"],
            }
            for i, (tag, name, kind) in enumerate(self._audience(request).tags, 1)
        ]
        return {"list_id": request.params["list"]} | page(request, "merge_fields", rows)

    @route("GET", "/3.0/lists/{list}/interest-categories")
    def interest_categories(self, request: Request) -> Result:
        """Groups of interests."""
        rows: list[Json] = [
            {"list_id": request.params["list"], "id": f"cat-{title}", "title": title, "type": "checkboxes"}
            for title in self._audience(request).interests
        ]
        return {"list_id": request.params["list"]} | page(request, "categories", rows)

    @route("GET", "/3.0/lists/{list}/interest-categories/{category}/interests")
    def interests(self, request: Request) -> Result:
        """The interests of a group."""
        category = request.params["category"].removeprefix("cat-")
        interests = self._audience(request).interests.get(category)
        if interests is None:
            raise not_found()
        rows: list[Json] = [{"category_id": category, "id": id_, "name": name} for id_, name in interests.items()]
        return page(request, "interests", rows)

    def _audience(self, request: Request) -> Audience:
        audience = self.account.audiences.get(request.params["list"])
        if audience is None:
            raise not_found()
        return audience

    def _member(self, request: Request) -> tuple[Audience, Json]:
        audience, key = self._audience(request), request.params["member"]
        found = audience.members.get(key if len(key) == _HASH_LENGTH else hash_of(key))
        if found is None:
            found = next((m for m in audience.members.values() if m["contact_id"] == key), None)
        if found is None:
            raise not_found()
        return audience, found

    def _check(self, audience: Audience, body: Json, request: Request, *, subscribing_from: str) -> None:
        status = body.get("status")
        if status is not None and status not in _PATCHABLE:
            raise invalid("status", "Value must be one of: subscribed, unsubscribed, cleaned, pending.")
        if status == "subscribed" and subscribing_from in {"unsubscribed", "cleaned", "archived"}:
            raise compliance("The address")
        tags = {tag for tag, _, _ in audience.tags}
        merge = body.get("merge_fields", {})
        if not isinstance(merge, dict):
            raise invalid("merge_fields", "Schema describes object")
        address = merge.get("ADDRESS")
        incomplete = isinstance(address, dict) and not (address.get("addr1") and address.get("city"))
        if incomplete and request.one("skip_merge_validation") != "true":
            raise invalid("ADDRESS", "Please enter a complete address")
        body["merge_fields"] = {tag: value for tag, value in merge.items() if tag in tags}  # others are ignored

    def _move(self, audience: Audience, found: Json, email: str) -> None:
        old, new = found["id"], hash_of(email)
        del audience.members[old]
        audience.members[new] = found
        audience.parts = {(new if at[0] == old else at[0], at[1]): rows for at, rows in audience.parts.items()}
        found |= {"id": new, "email_address": email}


def _apply(found: Json, body: Json) -> Json:
    found |= {k: body[k] for k in ("status", "language", "vip", "sms_subscription_status") if k in body}
    found["merge_fields"] = found["merge_fields"] | body.get("merge_fields", {})
    wanted = {p["marketing_permission_id"]: p["enabled"] for p in body.get("marketing_permissions", [])}
    for permission in found["marketing_permissions"]:
        permission["enabled"] = wanted.get(permission["marketing_permission_id"], permission["enabled"])
    return found


def _object(request: Request) -> Json:
    body = request.json()
    if not isinstance(body, dict):
        raise invalid("", "Schema describes object, NULL found instead")
    return body
