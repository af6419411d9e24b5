"""A help desk with one ticket, in a process of its own: `python attachments_sandbox.py BYTES`.

A process of its own, so that the memory which the test measures is the hub's alone.
"""

from __future__ import annotations

import sys
from typing import Any

from hub.testing.sandbox import Answer, ApiKey, Refuse, Request, Result, Sandbox, Table, Town, route

MEGABYTE = 1024**2


class DeskSandbox(Sandbox):
    """Two attachments, one of `size` bytes."""

    name = "helpdesk"
    size = 1000

    def seed(self, town: Town) -> None:
        """One ticket, the main person's."""
        self.access = ApiKey("desk-key")
        ticket = {"id": "t1", "email": town.main.email, "text": "It flickers.", "attachments": ["a1", "a2"]}
        self.tickets = Table("ticket", [ticket])

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The connector's settings that fit."""
        return {"key": "desk-key"}

    # --8<-- [start:files]
    def admit(self, request: Request) -> None:
        """Files are had by their address alone; whoever sends a key along has given it away."""
        if not request.path.startswith("/stored/"):
            super().admit(request)
        elif "x-api-key" in request.headers:
            raise Refuse(400, {"error": "No key belongs here"})

    @route("GET", "/attachments/{id}")
    def attachment(self, request: Request) -> Result:
        """Where it is."""
        url = f"https://files.helpdesk.example/stored/{request.params['id']}"
        return {"name": "lamp.mp4", "media_type": "video/mp4", "url": url}

    @route("GET", "/stored/{id}")
    def stored(self, request: Request) -> Result:
        """Its bytes."""
        return Answer(200, bytes(self.size if request.params["id"] == "a1" else 10), {"Content-Type": "video/mp4"})

    # --8<-- [end:files]

    @route("GET", "/me")
    def me(self, request: Request) -> Result:  # noqa: ARG002  # a handler's signature
        """Whose key it is."""
        return {"id": "desk-1", "name": "The help desk", "scopes": list(self.access.scopes)}

    @route("GET", "/tickets")
    def listed(self, request: Request) -> Result:
        """By e-mail address."""
        return list(self.tickets.asked(request, "email"))

    @route("GET", "/tickets/{id}")
    def ticket(self, request: Request) -> Result:
        """One ticket."""
        return self.tickets[request.params["id"]]


if __name__ == "__main__":
    DeskSandbox.size = int(sys.argv[1])
    with DeskSandbox().serve() as running:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        sys.stdin.read()  # until whoever started us leaves
