"""Who may call: the ways in which services ask for credentials, refusals included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from hub.testing.messages import Refuse, Request

_SCOPES: Final = ("read", "write")
_STRANGER: Final = {"error": "invalid_credentials"}
_WEAK: Final = {"error": "insufficient_scope"}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Access:
    """Lets everyone in; its subclasses ask for credentials.

    A stranger is refused with 401 before anyone looks at the route. Credentials that were restricted may read and
    nothing else: every other call is refused with 403.

    Args:
        scopes: what the service calls the rights; the first is to read, and all that restricted credentials have.
        stranger: the body of the 401, in the service's own words.
        weak: that of the 403.

    Attributes:
        scopes: what the credentials may do now; a service that shows them lets a connector say what is missing.
    """

    challenge: ClassVar[str] = ""  # the scheme that `WWW-Authenticate` names

    def __init__(self, *, scopes: Sequence[str] = _SCOPES, stranger: Any = _STRANGER, weak: Any = _WEAK) -> None:
        self.scopes: tuple[str, ...] = tuple(scopes)
        self._reading, self._acting = self.scopes[:1], self.scopes[1:]
        self._stranger, self._weak = stranger, weak

    def admit(self, request: Request) -> None:
        """Let a call in, or raise `Refuse`."""
        if not self.knows(request):
            headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
            raise Refuse(401, self._stranger, headers)
        if not set(self._acting) <= set(self.scopes) and request.method not in _READS:
            raise Refuse(403, self._weak)

    def knows(self, request: Request) -> bool:  # noqa: ARG002  # subclasses look at it
        """Whether the call's credentials are valid."""
        return True

    def restrict(self) -> None:
        """Let the credentials read and nothing else. Raises `NotImplementedError` where everyone may call."""
        if type(self) is Access:
            raise NotImplementedError("This sandbox asks for no credentials, so none can do less")
        self.scopes = self._reading


class Bearer(Access):
    """`Authorization: Bearer TOKEN`; the other arguments are those of `Access`."""

    challenge = "Bearer"

    def __init__(
        self, token: str, *, scopes: Sequence[str] = _SCOPES, stranger: Any = _STRANGER, weak: Any = _WEAK
    ) -> None:
        super().__init__(scopes=scopes, stranger=stranger, weak=weak)
        self._token = token

    def knows(self, request: Request) -> bool:
        """Whether it carries the token."""
        return bearer(request) == self._token


class ApiKey(Access):
    """A key in a header of its own.

    Args:
        key: the key.
        header: the header's name, whatever its case.
        scopes: as for `Access`.
        stranger: as above.
        weak: as above.
    """

    def __init__(
        self,
        key: str,
        header: str = "X-Api-Key",
        *,
        scopes: Sequence[str] = _SCOPES,
        stranger: Any = _STRANGER,
        weak: Any = _WEAK,
    ) -> None:
        super().__init__(scopes=scopes, stranger=stranger, weak=weak)
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
