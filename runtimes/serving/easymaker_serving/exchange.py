"""One request and its answer, as HTTP/1.1 has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import unquote

from easymaker_serving.model import Request, Response, Stream

if TYPE_CHECKING:
    from easymaker_serving.connection import Connection

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_JOINED = 64 * 1024
"""Bytes up to which one copy is cheaper than one more piece to send."""


class Exchange:
    """A request that was read whole. It is answered once, in whatever order; its connection keeps the order."""

    __slots__ = (
        "body", "connection", "headers", "is_answered", "is_kept_alive", "method", "on_gone", "parts", "path", "route", "since",
        "turn", "version",
    )  # fmt: skip

    def __init__(self, connection: Connection, method: bytes, url: bytes, headers: dict[bytes, bytes], version: str) -> None:
        self.connection = connection
        self.method = method
        self.path = url.partition(b"?")[0]
        self.headers = headers
        self.version = version
        self.body: bytes | memoryview = b""
        self.is_kept_alive = True
        self.is_answered = False
        self.on_gone: Callable[[], object] | None = None
        """Called when the client goes away before it has its answer."""
        self.parts: list[bytes | memoryview] | None = None
        self.turn: asyncio.Future[None] | None = None
        self.route = connection.other_route
        self.since = perf_counter()

    def request(self) -> Request:
        """Return it as handlers of models get it."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}
        return Request(self.method.decode(), unquote(self.path.decode("latin-1")), headers, bytes(self.body))

    def answer_json(self, body: bytes) -> None:
        """Answer with status 200: the way that most answers go."""
        if self.is_kept_alive and self.method != b"HEAD" and self.version != "1.0" and not self.connection.is_closing:
            self._send(200, [_JSON % len(body) + body])
        else:
            self.answer(200, [body], "application/json")

    def answer(
        self, status: int, body: Sequence[bytes | memoryview], content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with a whole body."""
        length = sum(map(len, body))
        head = self._head(status, content_type, {"Content-Length": str(length), **(headers or {})})
        content = [] if self.method == b"HEAD" else body
        self._send(status, [b"".join((head, *content))] if length <= _JOINED else [head, *content])

    def respond(self, response: Response) -> None:
        """Answer."""
        self.answer(response.status, [response.body], response.content_type, response.headers)

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> bytes:
        if self.connection.is_last(self):
            self.is_kept_alive = False
        lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"")), b"Content-Type: " + content_type.encode("latin-1")]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in headers.items()]
        if not self.is_kept_alive:
            lines.append(b"Connection: close")
        elif self.version == "1.0":
            lines.append(b"Connection: keep-alive")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _send(self, status: int, parts: list[bytes | memoryview]) -> None:
        if self.is_answered:
            return
        self.is_answered = True
        self.on_gone = None
        self.route.answered(status, perf_counter() - self.since)
        self.parts = parts
        self.connection.flush()

    async def stream(self, stream: Stream) -> None:
        """Answer in pieces, each once the client has taken most of those before. ``chunks`` is closed whatever happens."""
        chunks = stream.chunks
        try:
            await self._wait_for_turn()
            is_chunked = self.version != "1.0"
            self.is_kept_alive = self.is_kept_alive and is_chunked
            extra = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            head = self._head(200, stream.content_type, {**extra, **({"Transfer-Encoding": "chunked"} if is_chunked else {})})
            self.connection.write(head)
            async for chunk in chunks:
                if chunk:
                    self.connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
                    await self.connection.drained()
            self._send(200, [b"0\r\n\r\n"] if is_chunked else [])
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    async def _wait_for_turn(self) -> None:
        if not self.connection.is_first(self):
            self.turn = asyncio.get_running_loop().create_future()
            await self.turn

    def abort(self) -> None:
        """End an answer that has begun and cannot go on: the client sees that it is cut off."""
        self.is_answered = True
        self.route.answered("aborted", perf_counter() - self.since)
        self.connection.abort()

    def gone(self) -> None:
        """The client went away."""
        if not self.is_answered:
            self.is_answered = True
            self.route.answered("gone", perf_counter() - self.since)
            if self.on_gone:
                self.on_gone()
