"""Writes and signs a command for the Reporting & Admin API.

The service recomputes the signature over the very text it receives, so a document is serialised once, here, and that
string is both hashed and sent. Every character outside ASCII becomes a numeric reference: the bytes are then the same
in UTF-8 and in ISO-8859-1, and no disagreement about the encoding can break a signature or change a search.

The rule (Elavon, Reporting & Admin API): hash everything inside `<vspaccess>` followed by a `password` element that is
never sent; the `algorithm` element, where used, stands inside the signed text, directly before it.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


class Algorithm(StrEnum):
    """Hash of the signature. The service takes MD5 unless the command names SHA-256."""

    SHA256 = "sha256"
    MD5 = "md5"


def element(name: str, text: str) -> str:
    """One XML element, its text escaped and in ASCII."""
    escaped = text.translate(_ESCAPES).encode("ascii", "xmlcharrefreplace").decode("ascii")
    return f"<{name}>{escaped}</{name}>"


def signature(signed: str, password: str, algorithm: Algorithm) -> str:
    """Lower-case hex digest of `signed` followed by the password element."""
    text = (signed + element("password", password)).encode()
    if algorithm is Algorithm.SHA256:
        return hashlib.sha256(text).hexdigest()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()  # the service's older signature; settings choose it


def document(command: str, parameters: str, *, vendor: str, user: str, password: str, algorithm: Algorithm) -> str:
    """The whole signed command.

    `parameters` are the command's own elements, already serialised by `element`, in the order they are sent.
    """
    signed = element("command", command) + element("vendor", vendor) + element("user", user) + parameters
    if algorithm is Algorithm.SHA256:
        signed += element("algorithm", algorithm.value)
    return f"<vspaccess>{signed}{element('signature', signature(signed, password, algorithm))}</vspaccess>"
