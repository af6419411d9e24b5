"""Reads from a source what in it could open a connection, or hide one: everything that goes past the one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# Modules that open connections, and what may not be used of libraries that are needed for their types and seams.
_FORBIDDEN = frozenset(
    [
        "socket",
        "http.client",
        "urllib.request",
        "ftplib",
        "smtplib",
        "poplib",
        "imaplib",
        "telnetlib",
        "xmlrpc.client",
        "aiohttp",
        "websocket",
        "websockets",
        "pycurl",
        "paramiko",
        "subprocess",
        "multiprocessing",
        "ctypes",
        "pty",
        "runpy",
    ]
)
_VERBS = frozenset(["get", "post", "put", "patch", "delete", "head", "options", "request", "stream"])
_UNSEEN = frozenset(["__import__", "eval", "exec"])
_PROGRAMS = {
    *(f"exec{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(f"spawn{how}" for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *("posix_spawn", "posix_spawnp"),
}
_WAYS_OUT = {
    "httpx": _VERBS | {"Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport"},
    "requests": _VERBS | {"Session", "session", "adapters", "api", "sessions"},
    "urllib3": {
        "request",
        "PoolManager",
        "ProxyManager",
        "HTTPConnectionPool",
        "HTTPSConnectionPool",
        "connectionpool",
    },
    "httpcore": {"*"},
    "asyncio": {"open_connection", "create_connection", "create_subprocess_exec", "create_subprocess_shell"},
    # A program of its own, and modules that nobody sees imported.
    "os": {"system", "popen", "fork", "forkpty", *_PROGRAMS},
    "importlib": {"import_module", "__import__"},
    "builtins": _UNSEEN,
    "sys": {"modules"},
}


def ways_out(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Each import or use that could open a connection, with its name: `requests.Session`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = alias.name.partition(".")[0]
                if _opens(alias.name):
                    yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            taken = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((node, name) for name in taken if _opens(node.module) or _opens(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{names.get(node.value.id, '')}.{node.attr}"
            if _opens(name):
                yield node, name
        elif isinstance(node, ast.Name) and node.id in _UNSEEN:
            yield node, node.id


def _opens(name: str) -> bool:
    library, _, rest = name.partition(".")
    ways = _WAYS_OUT.get(library, frozenset())
    forbidden = any(name == module or name.startswith(f"{module}.") for module in _FORBIDDEN)
    return forbidden or rest.partition(".")[0] in ways or "*" in ways
