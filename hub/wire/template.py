"""URL templates: what evidence and messages may show of an address, and the address itself.

`https://{dc}.api.mailchimp.com/3.0/lists/{list_id}` is shown; what stands for `{list_id}` never is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from hub.errors import ConnectorBug, ContractError

# An SDK hands over finished addresses; these say of its method and path what a connector says of its own calls.
TemplateOf = Callable[[str, str], str]
Reads = Callable[[str, str], bool]

_PARAMETER = re.compile(r"\{([a-z_][a-z0-9_]*)\}", re.IGNORECASE)
_ABSOLUTE = re.compile(r"https://([^/?#@\s]+)(/[^?#\s]*)?")
_ROUTE = re.compile(r"/[A-Za-z0-9._~:/{},*!$&'()+;=-]{0,400}", re.ASCII)  # as hub.evidence.events has it
_LONG_NUMBER = re.compile(r"(\d[ .()/-]?){7,}")
_IN_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?")


def expand(template: str, values: Mapping[str, str], instance: str) -> str:
    """Put `values` into an absolute https `template`; each stays within its own path segment.

    A value is percent-encoded with nothing spared, so that no id can reach another route. An empty one, `.` and `..`
    cannot be encoded away and are refused. In the host only names and a port may stand; the allow-list judges the
    result afterwards.

    Raises:
        ConnectorBug: the template is not absolute https, has a query, or its parameters are not those given.
        ContractError: a value cannot stand where it is to go.
    """
    absolute = _ABSOLUTE.fullmatch(template)
    if absolute is None:
        raise ConnectorBug(
            f"The URL template {template!r} is not an absolute https address without a query",
            instance=instance,
            hint="Write https://HOST/PATH with {parameters}; pass the query as query=.",
        )
    host, path = absolute[1], absolute[2] or "/"
    if not _ROUTE.fullmatch(path) or _LONG_NUMBER.search(path):
        # Before anything is sent: what evidence cannot name must not happen.
        raise ConnectorBug(
            "A URL template's path is not one that evidence can name",
            instance=instance,
            hint="Use letters, digits and ._~:/,*!$&'()+;=- with {parameters}, and no long number: values go in path=.",
        )
    named = set(_PARAMETER.findall(template))
    if named != set(values):
        raise ConnectorBug(
            f"The parameters of {template} and of the call differ",
            instance=instance,
            hint=f"The template names: {', '.join(sorted(named)) or 'none'}.",
        )
    for name in _PARAMETER.findall(host):
        if not _IN_HOST.fullmatch(values[name]):
            raise _unfit(name, template, instance)
    for name in _PARAMETER.findall(path):
        if not values[name]:
            raise _unfit(name, template, instance)
    # UTF-16 halves that JSON can carry have no UTF-8 form: "replace" would reach another record, so they are refused.
    try:
        route = _PARAMETER.sub(lambda found: quote(values[found[1]], safe=""), path)
    except UnicodeEncodeError:
        route = ".."
    if {".", ".."} & set(route.split("/")):
        raise _unfit("path", template, instance)
    return f"https://{_PARAMETER.sub(lambda found: values[found[1]], host)}{route}"


def route_of(template: str) -> str:
    """The path of a template, without scheme, host and query: the `url_template` of evidence."""
    absolute = re.match(r"https?://[^/?#]*", template)
    path = template[absolute.end() :] if absolute else template
    return re.split(r"[?#]", path, maxsplit=1)[0] or "/"


def _unfit(name: str, template: str, instance: str) -> ContractError:
    return ContractError(
        f"The value for {{{name}}} cannot stand in {template}",
        instance=instance,
        hint="An id that is empty, `.`, `..` or not text would reach another record; look at it at the service.",
    )
