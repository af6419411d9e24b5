"""Everything an audience keeps about a member, page by page, with names where Mailchimp keeps ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.mailchimp.api import Api, Json
from connectors.mailchimp.problems import NotThere
from hub import Record

_PARTS = ("tags", "notes", "activity", "goals", "events")
_HIDDEN = frozenset(
    {
        "_links",  # addresses of the service's own
        "last_note",  # comes again among the notes
        "created_by",  # who wrote a note is about somebody else
    }
)


def export_member(api: Api, audience: str, read: Callable[[], Json | None], cursor: str | None) -> Iterator[Record]:
    """The member, then tags, notes, activity, goals and events.

    Args:
        api: the account.
        audience: where the member is.
        read: reads the member; it is read again after a restart, since its hash may have changed.
        cursor: `PART:ROW`, the next row to read. New activity pushes older rows down: after a restart a row may come
            twice, none is left out.
    """
    member = read()
    if member is None:
        return
    part, _, row = (cursor or "member:0").partition(":")
    if part == "member":
        labels, interests = api.merge_fields(audience), api.interests(audience)
        yield Record("member", _readable(member, labels, interests), f"{_PARTS[0]}:0")
        part, row = _PARTS[0], "0"
    start = int(row)
    for name in _PARTS[_PARTS.index(part) :]:
        yield from _part(api, audience, api.text(member, "id"), name, start)
        start = 0


def _part(api: Api, audience: str, key: str, name: str, start: int) -> Iterator[Record]:
    try:
        for number, found in enumerate(api.part(audience, key, name, start), start + 1):
            yield Record(name, {k: v for k, v in found.items() if k not in _HIDDEN}, f"{name}:{number}")
    except NotThere:
        # Mailchimp documents these for every member. One that it says is not there is named, not passed over.
        yield Record("not_available", {"part": name, "reason": "Mailchimp says that it has none for this contact."})


def _readable(member: Json, labels: Mapping[str, str], interests: Mapping[str, str]) -> dict[str, Any]:
    """The member with labels for merge tags and names for interests; what has no name keeps its id."""
    shown = {name: value for name, value in member.items() if name not in _HIDDEN}
    merge, chosen = member.get("merge_fields"), member.get("interests")
    if isinstance(merge, dict):
        shown["merge_fields"] = {labels.get(tag, tag): value for tag, value in merge.items()}
    if isinstance(chosen, dict):
        shown["interests"] = {interests.get(id_, id_): value for id_, value in chosen.items()}
    return shown
