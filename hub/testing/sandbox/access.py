"""Who may call: the ways in which services ask for credentials, refusals included."""

from __future__ import annotations

from typing import ClassVar

from hub.testing.messages import Refuse, Request

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access:
    """Lets everyone in; its subclasses ask for credentials.

    A stranger is refused with 401 before anyone looks at the route. Credentials that were restricted may read and
    nothing else: every other call is refused with 403.

    Attributes:
        scopes: what the credentials may do now; a service that shows them lets a connector say what is missing.
    """

    challenge: ClassVar[str] = ""  # the scheme that `WWW-Authenticate` names

    def __init__(self) -> None:
        self.scopes: tuple[str, ...] = ("read", "write")

    def admit(self, request: Request) -> None:
        """Let a call in, or raise `Refuse`."""
        if not self.knows(request):
            headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
            raise Refuse(401, {"error": "invalid_credentials"}, headers)
        if "write" not in self.scopes and request.method not in _READS:
            raise Refuse(403, {"error": "insufficient_scope"})

    def knows(self, request: Request) -> bool:  # noqa: ARG002  # subclasses look at it
        """Whether the call's credentials are valid."""
        return True

    def restrict(self) -> None:
        """Let the credentials read and nothing else. Raises `NotImplementedError` where everyone may call."""
        if type(self) is Access:
            raise NotImplementedError("This sandbox asks for no credentials, so none can do less")
        self.scopes = ("read",)


class Bearer(Access):
    """`Authorization: Bearer TOKEN`."""

    challenge = "Bearer"

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def knows(self, request: Request) -> bool:
        """Whether it carries the token."""
        return bearer(request) == self._token


class ApiKey(Access):
    """A key in a header of its own.

    Args:
        key: the key.
        header: the header's name, whatever its case.
    """

    def __init__(self, key: str, header: str = "X-Api-Key") -> None:
        super().__init__()
        self._key, self._header = key, header.lower()

    def knows(self, request: Request) -> bool:
        """Whether it carries the key."""
        return request.headers.get(self._header) == self._key


class Basic(Access):
    """HTTP Basic: user and password."""

    challenge = "Basic"

    def __init__(self, user: str, password: str) -> None:
        super().__init__()
        self._pair = (user, password)

    def knows(self, request: Request) -> bool:
        """Whether it carries both."""
        return request.basic_auth() == self._pair


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer …`; empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
