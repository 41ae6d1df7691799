"""Who may talk to the daemon, and how much they may send: checked before any route, as plain ASGI (architecture 12)."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from easymaker_local.api.envelope import failure

# The largest body that is read into memory; uploads to storage are streamed and have no limit but the disk.
MAXIMUM_BODY_BYTES = 16 << 20
# What the vendor's own log service takes at once; the SDK's logger sends up to 40 million characters (rest-api §9).
MAXIMUM_LOG_BYTES = 52 << 20

# What the SDK asks before it has a token (rest-api §1.2), and what a supervisor asks.
OPEN_PATHS = frozenset({"/nhn-api-gateway", "/health"})

TokenCheck = Callable[[str], bool]


def presented_token(headers: Headers) -> str | None:
    """Return the token in any of the ways in which clients send it (rest-api §1.3, §13.5)."""
    for name in ("x-easymaker-token", "x-secret-key"):
        if headers.get(name):
            return headers[name]
    for name in ("x-nhn-authorization", "authorization"):
        scheme, _, value = headers.get(name, "").partition(" ")
        if scheme.lower() == "bearer" and value:
            return value.strip()
    return None


def is_local_host(host: str | None) -> bool:
    """True for a loopback address or ``localhost``: a page that rebinds its own name to 127.0.0.1 sends another one."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Access:
    """Refuses foreign hosts and origins, wrong tokens and oversized bodies; tolerates doubled slashes (rest-api §13.4)."""

    def __init__(self, app: ASGIApp, token: str, *, any_host: bool = False) -> None:
        self._app = app
        self._token = token.encode()
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        while "//" in scope["path"]:
            scope["path"] = scope["path"].replace("//", "/")
        refusal = self._refuse(scope, headers)
        if refusal is not None:
            status, code, message, hint = refusal
            await failure(status, code, message, hint=hint)(scope, receive, send)
            return
        await self._app(scope, receive if _is_upload(scope) else _Limited(receive, _limit(scope)), send)

    def _refuse(self, scope: Scope, headers: Headers) -> tuple[int, str, str, str | None] | None:
        if not self._any_host and not is_local_host(headers.get("host")):
            return 403, "FOREIGN_HOST", "The Host header does not name this machine.", None
        origin = headers.get("origin")
        if origin is not None and not is_local_host(origin.partition("://")[2]):
            return 403, "FOREIGN_ORIGIN", "Requests from other web pages are refused.", None
        if scope["path"] not in OPEN_PATHS:
            token = presented_token(headers)
            if token is None or not hmac.compare_digest(token.encode(), self._token):
                said = "No token was sent." if token is None else "The token is wrong."
                return 401, "UNAUTHORIZED", said, 'Set it with: eval "$(easymaker-local env)"'
        length = headers.get("content-length", "0")
        if not _is_upload(scope) and (not length.isdigit() or int(length) > _limit(scope)):
            return 400, "BODY_TOO_LARGE", f"The body is larger than {_limit(scope) >> 20} MiB.", None
        return None


def _is_upload(scope: Scope) -> bool:
    return scope["method"] == "PUT" and "/storage/" in scope["path"]


def _limit(scope: Scope) -> int:
    return MAXIMUM_LOG_BYTES if scope["path"] == "/v2/log" else MAXIMUM_BODY_BYTES


class _Limited:
    """A body without a length is counted as it comes; what is over the limit looks like a client that went away."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self._left < 0 else message
