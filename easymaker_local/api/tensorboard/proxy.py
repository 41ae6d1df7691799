"""Passing a request on to a server of ours, and its answer back as it comes.

httpx as the client is slow for a proxy and fast enough for one person's TensorBoard. Only headers on a list are passed on,
so nothing that says who the user is reaches a workload: no cookie, no token, no storage key.
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from easymaker_local.domain.contract import TENSORBOARD_KEY_HEADER

if TYPE_CHECKING:
    import httpx

    from easymaker_local.controllers.tensorboard import Ready

MAXIMUM_BODY_BYTES = 16 << 20
# Reading large logs for the first time takes a while.
_READ_SECONDS = 300.0
_CONNECT_SECONDS = 5.0

_PASSED_ON = (
    "accept", "accept-language", "cache-control", "content-type", "if-modified-since", "if-none-match", "range", "user-agent",
)  # fmt: skip
_PASSED_BACK = (
    "cache-control", "content-disposition", "content-encoding", "content-length", "content-range", "content-security-policy",
    "content-type", "etag", "expires", "last-modified", "location", "vary", "x-content-type-options",
)  # fmt: skip


class Unreachable(Exception):
    """The server did not answer; nothing has been sent to the asker."""


class TooLarge(Exception):
    """The body is larger than any that TensorBoard's page sends."""


async def read_body(receive: Receive) -> bytes:
    """Return the whole body; raises TooLarge."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAXIMUM_BODY_BYTES:
            raise TooLarge
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)


class Proxy:
    """Keeps connections; belongs to the event loop that uses it first."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def forward(self, to: Ready, scope: Scope, body: bytes, send: Send) -> None:
        """Ask the server and answer with its answer; raises Unreachable."""
        # Not at the start of every daemon: most never show a TensorBoard.
        import httpx

        if self._client is None:
            # It would tell the daemon's log of every picture on the page.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            self._client = httpx.AsyncClient(
                trust_env=False, timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
                verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            )  # fmt: skip
        asked = Headers(scope=scope)
        headers = {name: asked[name] for name in _PASSED_ON if name in asked}
        headers |= {"accept-encoding": asked.get("accept-encoding", "identity"), TENSORBOARD_KEY_HEADER: to.key}
        # As it was sent: what is escaped in it stays so.
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = httpx.URL(scheme="http", host=to.address.host, port=to.address.port, raw_path=target)
        request = self._client.build_request(scope["method"], url, headers=headers, content=body or None)
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
