"""OAuth 2.0 as vendors' back ends have it (RFC 6749, RFC 9700): access tokens end, refresh tokens rotate."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from hub.testing.messages import Refuse, Request, Result
from hub.testing.sandbox.access import Access, bearer
from hub.timepiece import Timepiece

_NO_STORE = {"Cache-Control": "no-store"}


class OAuth(Access):
    """A client, its tokens, and the endpoint that renews them.

    The sandbox declares the route and hands the call over::

        @route("POST", "/oauth/token")
        def token(self, request: Request) -> Result:
            return self.access.token(request)

    Args:
        clock: by which tokens end; the sandbox's.
        client: id and secret, sent as HTTP Basic or in the form.
        refresh_token: the one that is valid at first; None: the client logs in with `client_credentials` alone.
        lasts: how long an access token is good.
        path: of the endpoint, which is let in without a token.
        grace: how long a refresh token that was used is good once more: its answer may have been lost.

    Attributes:
        refresh_token: the one that is valid now.
    """

    challenge = "Bearer"

    def __init__(
        self,
        clock: Timepiece,
        client: tuple[str, str],
        *,
        refresh_token: str | None = None,
        lasts: timedelta = timedelta(minutes=30),
        path: str = "/oauth/token",
        grace: timedelta = timedelta(0),
    ) -> None:
        super().__init__()
        self.refresh_token = refresh_token
        self._clock, self._client, self._lasts, self._path = clock, client, lasts, path
        self._grace = grace
        self._used: dict[str, datetime] = {}  # refresh token → when
        self._ends: dict[str, datetime] = {}
        self._numbers = count(1)

    def admit(self, request: Request) -> None:
        """Let the endpoint's own calls in; else as every access."""
        if request.path != self._path:
            super().admit(request)

    def knows(self, request: Request) -> bool:
        """Whether it carries an access token that has not ended."""
        ends = self._ends.get(bearer(request))
        return ends is not None and self._clock.now() < ends

    def token(self, request: Request) -> Result:
        """Answer the token endpoint.

        A refresh token is good once: the answer brings the next. One that comes a second time, its grace over, ends
        every token, since nobody can tell which of the two was the thief (RFC 9700, 4.14.2).
        """
        form = request.form()
        if (request.basic_auth() or (form.get("client_id"), form.get("client_secret"))) != self._client:
            raise Refuse(401, {"error": "invalid_client"}, _NO_STORE)
        match form.get("grant_type"):
            case "client_credentials" if self.refresh_token is None and not self._used:
                return self._issue()
            case "refresh_token":
                self._spend(form.get("refresh_token", ""))
                self.refresh_token = f"refresh-{next(self._numbers)}"
                return self._issue({"refresh_token": self.refresh_token})
            case _:
                raise Refuse(400, {"error": "unsupported_grant_type"}, _NO_STORE)

    def _spend(self, offered: str) -> None:
        now, used = self._clock.now(), self._used.get(offered)
        if used is not None and now - used < self._grace:
            return
        if used is not None:
            self._ends.clear()
            self.refresh_token = None
        if self.refresh_token is None or offered != self.refresh_token:
            raise Refuse(400, {"error": "invalid_grant"}, _NO_STORE)
        self._used[offered] = now

    def _issue(self, more: dict[str, str] | None = None) -> Result:
        token = f"access-{next(self._numbers)}"
        self._ends[token] = self._clock.now() + self._lasts
        seconds = int(self._lasts.total_seconds())
        scope = " ".join(self.scopes)
        return {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope, **(more or {})}
