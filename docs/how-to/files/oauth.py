"""A connector to an invented membership service that is logged in to by OAuth 2.0, with refresh tokens that rotate."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, Field, SecretStr

from hub import (
    Absent,
    Account,
    Act,
    AuthError,
    Confirmation,
    Coverage,
    Differs,
    Done,
    Gone,
    Holding,
    Identifier,
    InstanceConfig,
    Limits,
    Method,
    Outcome,
    Processor,
    Record,
    Reply,
    Search,
    Services,
    Step,
    Subject,
    Token,
    hookimpl,
    unsupported,
)

HOST = "api.clubhouse.example"
BASE = f"https://{HOST}"


# --8<-- [start:settings]
class ClubConfig(InstanceConfig):
    """One club."""

    client_id: str = Field(description="Id of the application that was registered for the hub.")
    client_secret: SecretStr = Field(description="Its secret.")
    refresh_token: SecretStr = Field(
        description="The refresh token of the last log-in by a person. It is used once; the hub keeps its successors."
    )


# --8<-- [end:settings]


class Me(BaseModel):
    """Whose token it is, and what it may do."""

    id: str
    name: str
    scopes: tuple[str, ...]


class Member(BaseModel):
    """One member; what the record has besides is exported too."""

    id: str
    email: str


class Unknown(BaseModel):
    """There is no such record, in the service's own words: a proxy says 404 too, and knows nothing."""

    error: Literal["no_such_member"]


class Granted(BaseModel):
    """What the token endpoint gives."""

    access_token: SecretStr
    refresh_token: SecretStr
    expires_in: int


class Denied(BaseModel):
    """Why it gives nothing (RFC 6749, 5.2)."""

    error: Literal["invalid_grant"]


# --8<-- [start:auth]
class Signed(httpx.Auth):
    """Signs every call with the access token; after a 401, once more with another."""

    def __init__(self, config: ClubConfig, hub: Services) -> None:
        self._config, self._hub = config, hub
        log_in = config.refresh_token.get_secret_value().encode()
        self._name = f"access-{hashlib.sha256(log_in).hexdigest()[:8]}"  # a new log-in does not meet the old one's

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Sign, send, and repeat where the service says that the token is not good."""
        token = self._token()
        request.headers["Authorization"] = f"Bearer {token.secret.get_secret_value()}"
        answer = yield request
        if answer.status_code == HTTPStatus.UNAUTHORIZED:  # refused before it was looked at: repeating is safe
            self._hub.tokens.invalidate(self._name, token)
            request.headers["Authorization"] = f"Bearer {self._token().secret.get_secret_value()}"
            yield request

    def _token(self) -> Token:
        return self._hub.tokens.get(self._name, self._renew)

    # --8<-- [end:auth]

    # --8<-- [start:renew]
    def _renew(self, last: Token | None) -> Token:
        """The next token; the refresh token it is got with is used up by that."""
        refresh = last.refresh if last and last.refresh else self._config.refresh_token
        found: Granted | Denied = self._hub.wire.call(
            "POST",
            f"{BASE}/oauth/token",
            form={"grant_type": "refresh_token", "refresh_token": refresh.get_secret_value(), **self._client()},
            expect={200: Granted, 400: Denied},
            anonymous=True,  # it is how one logs in, so it cannot be signed with what it brings
            reads=True,  # nothing of anybody's data changes: a lost answer is asked for again
        ).value
        if isinstance(found, Denied):
            raise AuthError(
                "The club does not accept the refresh token any more",
                instance=self._hub.instance,
                hint="Let a person log in again, put the new refresh token into the environment, then `hub resume`.",
            )
        ends = self._hub.clock.now() + timedelta(seconds=found.expires_in)
        return Token(found.access_token, found.refresh_token, ends)

    def _client(self) -> dict[str, str]:
        secret = self._config.client_secret.get_secret_value()
        return {"client_id": self._config.client_id, "client_secret": secret}

    # --8<-- [end:renew]


# --8<-- [start:processor]
class Club(Processor[ClubConfig]):
    """One club and its members."""

    name = "club"
    title = "Clubhouse"
    searches: ClassVar = {"email": Search.EXACT}
    kinds: ClassVar = {"member": "member of the club"}
    rectify = unsupported("Members correct their own data in the club's app.")
    suppress = unsupported("The club sends its members nothing.")

    def __init__(self, config: ClubConfig, hub: Services) -> None:
        super().__init__(config, hub)
        hub.wire.auth = Signed(config, hub)

    # --8<-- [end:processor]

    @classmethod
    def limits(cls, config: ClubConfig) -> Limits:  # noqa: ARG003  # the same for every club
        """One host; the token endpoint is on it."""
        return Limits(hosts=(HOST,))

    def check(self) -> Account:
        """Whose token it is."""
        found = self.hub.wire.call("GET", f"{BASE}/me", model=Me).value
        lacks = {"read", "write"} - set(found.scopes)
        return Account(id=found.id, label=found.name, missing=tuple(sorted(lacks)))

    def find(self, subject: Subject) -> Iterator[Holding | Coverage]:
        """Members by e-mail address; the club has one of each."""
        for email in subject.emails:
            rows = self.hub.wire.call("GET", f"{BASE}/members", query={"email": email}, model=list[Member])
            for row in rows.value:
                if Identifier.email(email).matches(row.email):
                    yield Holding(f"member/{row.id}", "member", ("contact",), {"id": row.id})
        yield Coverage(self.searches)

    def export(self, holding: Holding, step: Step) -> Iterator[Record]:  # noqa: ARG002  # one record, no cursor
        """The member."""
        reply = self._about("GET", holding)
        if not isinstance(reply.value, Unknown):
            yield Record("member", reply.json)

    def erase(self, holding: Holding, step: Step) -> Outcome:  # noqa: ARG002  # the interface
        """Delete the member."""
        gone = isinstance(self._about("DELETE", holding).value, Unknown)
        return Absent() if gone else Done(Method.DELETED)

    def confirm(self, act: Act, step: Step) -> Confirmation:  # noqa: ARG002  # the interface
        """Read it back."""
        assert isinstance(act.target, Holding)
        gone = isinstance(self._about("GET", act.target).value, Unknown)
        return Gone() if gone else Differs(("id",))

    def _about(self, method: str, holding: Holding) -> Reply[Any]:
        """A call about one member."""
        expect = {200: Member, 404: Unknown} if method == "GET" else {204: None, 404: Unknown}
        return self.hub.wire.call(method, f"{BASE}/members/{{id}}", path=holding.locator, expect=expect)


@hookimpl
def hub_processors() -> list[type[Processor[Any]]]:
    """Bring the processor."""
    return [Club]
