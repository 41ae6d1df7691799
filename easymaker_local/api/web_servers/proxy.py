"""Passing a request on to a server of ours, and its answer back as it comes.

httpx as the client is slow for a proxy and fast enough for the servers of one person. Only headers on a list are passed on,
so nothing that says who the user is reaches a workload: no cookie, no token, no storage key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from easymaker_local.domain.contract import WEB_KEY_HEADER
from easymaker_local.kit.local_http import open_client

if TYPE_CHECKING:
    import httpx

    from easymaker_local.controllers.web_servers import Ready

# A body up to this size is kept, so that it can be sent again to a server that has just ended.
_WHOLE_BYTES = 1 << 20
# Reading large logs for the first time takes a while.
_READ_SECONDS = 300.0
_CONNECT_SECONDS = 5.0

_PASSED_ON = (
    "accept", "accept-language", "cache-control", "content-encoding", "content-length", "content-type", "if-modified-since",
    "if-none-match", "range", "user-agent",
)  # fmt: skip
_PASSED_BACK = (
    "cache-control", "content-disposition", "content-encoding", "content-length", "content-range", "content-security-policy",
    "content-type", "etag", "expires", "last-modified", "location", "vary", "x-content-type-options",
)  # fmt: skip


class Unreachable(Exception):
    """The server did not answer; nothing has been sent to the asker."""


class TooLarge(Exception):
    """The body is larger than any that the server's own page sends."""


class ClientGone(Exception):
    """The asker has gone before all of the body was there."""


class Body:
    """A request's body: kept if it is small (``is_whole``), otherwise passed on as it comes, once."""

    def __init__(self, receive: Receive, maximum_bytes: int | None) -> None:
        self._receive = receive
        self._maximum_bytes = maximum_bytes
        self._bytes = 0
        self._has_more = True
        self._begun = bytearray()
        self.is_whole = False

    @classmethod
    async def begin(cls, receive: Receive, maximum_bytes: int | None) -> Body:
        """Read the beginning, or all of a small one; raises TooLarge above ``maximum_bytes`` (None: any size will do)."""
        body = cls(receive, maximum_bytes)
        while body._has_more and len(body._begun) <= _WHOLE_BYTES:
            body._begun += await body._next()
        body.is_whole = not body._has_more
        return body

    @property
    def content(self) -> bytes | AsyncIterator[bytes] | None:
        """What httpx takes. Reading on raises TooLarge or ClientGone."""
        return (bytes(self._begun) or None) if self.is_whole else self._blocks()

    async def _blocks(self) -> AsyncIterator[bytes]:
        yield bytes(self._begun)
        while self._has_more:
            yield await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._has_more = bool(message.get("more_body"))
        block: bytes = message.get("body", b"")
        self._bytes += len(block)
        if self._maximum_bytes is not None and self._bytes > self._maximum_bytes:
            raise TooLarge
        return block


class Proxy:
    """Keeps connections; belongs to the event loop that uses it first."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def forward(self, to: Ready, scope: Scope, body: Body, send: Send) -> None:
        """Ask the server and answer with its answer; raises Unreachable, and what ``Body`` raises."""
        # Not at the start of every daemon: many never show such a page.
        import httpx

        if self._client is None:
            self._client = open_client(_READ_SECONDS, _CONNECT_SECONDS)
        asked = Headers(scope=scope)
        headers = {name: asked[name] for name in _PASSED_ON if name in asked}
        headers |= {"accept-encoding": asked.get("accept-encoding", "identity"), WEB_KEY_HEADER: to.key}
        # As it was sent: what is escaped in it stays so.
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = httpx.URL(scheme="http", host=to.address.host, port=to.address.port, raw_path=target)
        request = self._client.build_request(scope["method"], url, headers=headers, content=body.content)
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise Unreachable from error
        try:
            kept = [(name.encode(), answer.headers[name].encode("latin-1")) for name in _PASSED_BACK if name in answer.headers]
            kept.append((b"x-frame-options", b"SAMEORIGIN"))
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            async for block in answer.aiter_raw():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()
