"""An answer as a connector sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Self

import httpx
from typing_extensions import TypeVar

from hub.errors import ConnectorError
from hub.wire.recorder import told
from hub.wire.status import Call

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T", default=Any)

_JSON = re.compile(r"(application|text)/([a-z0-9.+-]+\+)?json\b", re.IGNORECASE)
_MARK = b"\xef\xbb\xbf"  # a byte order mark, which some services put before their JSON


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An expected answer.

    Args:
        status: one of those expected.
        headers: by name, whatever its case.
        body: the bytes, content encoding undone.
        value: the body as the `model` of the call; None without one.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    value: T = field(repr=False)
    _parsed: Any = field(repr=False)
    _unfit: ConnectorError | None = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `ContractError` (`OutcomeUnknown` after an act) when it is none."""
        if self._unfit:
            raise told(self._unfit)
        return self._parsed

    @classmethod
    def of(cls, answer: httpx.Response, call: Call, model: type[T] | None) -> Self:
        """Read the answer. A body that says it is JSON must be, whether anyone asks for it or not."""
        parsed, unfit = _parse(answer.content, call)
        says_json = bool(answer.content) and bool(_JSON.match(answer.headers.get("content-type", "")))
        if unfit and (says_json or model is not None):
            raise told(unfit)
        value: Any = None if model is None else _validate(parsed, model, call)
        return cls(answer.status_code, answer.headers, answer.content, value, parsed, unfit)


def _parse(body: bytes, call: Call) -> tuple[Any, ConnectorError | None]:
    from pydantic_core import from_json  # noqa: PLC0415  # bounds its depth, where json recurses without

    try:
        return from_json(body.removeprefix(_MARK), allow_inf_nan=False), None
    except ValueError:
        return None, call.unfit("the answer is not JSON")


def _validate(parsed: Any, model: type[T], call: Call) -> T:
    from pydantic import ValidationError  # noqa: PLC0415  # as heavy as all the rest of the door

    faults = ""
    shape: Any = model  # mypy does not see that types are hashable
    try:
        value: T = _adapter(shape).validate_python(parsed)
    except ValidationError as error:
        # Its text quotes the values, and its places can be keys of the data; the kinds of fault are a fixed list.
        faults = ", ".join(sorted({fault["type"] for fault in error.errors(include_input=False, include_url=False)}))
    else:
        return value
    raise told(call.unfit(f"the answer does not fit the shape the service documents ({faults})"))


@lru_cache(maxsize=256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415  # see _validate

    return TypeAdapter(model)
