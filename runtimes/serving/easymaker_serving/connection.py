"""HTTP/1.1 on one connection: parsing by httptools, limits, order of answers, backpressure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httptools
import numpy as np

from easymaker_serving.answers import error
from easymaker_serving.connections import Connections
from easymaker_serving.exchange import Exchange
from easymaker_serving.metrics import Metrics


@dataclass(frozen=True)
class Limits:
    """What one client may ask for. Sizes in bytes, times in seconds."""

    body: int = 256 * 1024 * 1024
    head: int = 64 * 1024
    head_seconds: float = 30
    body_seconds: float = 60
    """How long nothing may come of a body. On average it has to come at a kilobyte a second at least."""
    idle_seconds: float = 120
    write_seconds: float = 120
    """How long a client may read nothing of an answer."""
    linger_seconds: float = 5
    """How long what a refused client still sends is read, so that it gets to see the refusal."""
    pipelined: int = 64
    """Requests of a connection that are worked on at a time."""
    headers: int = 128
    sweep_seconds: float = 1
    """How often it is looked who took too long."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a request that came whole in one piece. Clients that keep a connection send the same one again and again."""

    text: bytes
    size: int
    """Bytes of the request."""
    method: bytes
    url: bytes
    headers: dict[bytes, bytes]
    version: str


_BUFFERED = 128 * 1024
"""Bytes of a body from which it is put where it will stay."""
_ALIGNMENT = 64


def _buffer(length: int, json_length: bytes) -> memoryview:
    """Return room for a body, such that binary tensors after its JSON lie aligned and need not be copied once more."""
    skipped = -int(json_length) % _ALIGNMENT if json_length.isdigit() and len(json_length) < _MAX_DIGITS else 0
    return np.empty(skipped + length, np.uint8).data[skipped:]


_MAX_DIGITS = 19
_NOT_REPEATED = (b"transfer-encoding", b"expect", b"upgrade")
"""Headers whose requests are always parsed."""


class Connection(asyncio.Protocol):
    """One client. ``handle`` gets each request when its last byte is there."""

    def __init__(self, handle: Callable[[Exchange], None], limits: Limits, metrics: Metrics, others: Connections) -> None:
        self._handle = handle
        self._limits = limits
        self.other_route = metrics.route("other")
        """Counts what is for no route."""
        self._others = others
        self._loop = asyncio.get_running_loop()
        self._pending: deque[Exchange] = deque()
        self._transport: Any = None
        self._is_reading = True
        self._writable: asyncio.Future[None] | None = None
        self._is_stuck = False
        """The client has more to read than is good; nothing more is read from it."""
        self._unread = 0
        """Bytes that the client had not read at the last sweep, and since when it has read none of them."""
        self._unread_since = 0.0
        self._lingers_since: float | None = None
        self.is_closing = False
        """The connection ends after the answer to the last request that was read."""
        self._is_deaf = False
        """What still comes is not looked at: a request was refused, or said that it is the last."""
        self._is_refused = False
        self._heard = others.now
        self._head: _Head | None = None
        self._piece = b""
        self._fresh()

    def _fresh(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: bytes | bytearray = b""
        self._buffer: memoryview | None = None
        self._size = 0
        self._header_count = 0
        self._overhead = 0
        self._began: float | None = None
        self._exchange: Exchange | None = None
        self._is_awaited = False
        """The client sends the body once it is told to, which comes after the answers before it."""
        self._head_again = b""

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what the client will not read."""
        self._others.remove(self)
        pending, self._pending = self._pending, deque()
        for exchange in pending:
            exchange.gone()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._heard = self._others.now
        head = self._head
        is_between = self._began is None and not self._is_deaf
        if head is not None and is_between and len(data) == head.size and data.startswith(head.text):
            # What has been parsed before, byte by byte the same, between two messages: it means the same.
            exchange = Exchange(self, head.method, head.url, head.headers, head.version)
            exchange.body = data[len(head.text) :]
            self._take(exchange)
            return
        self._piece = data if is_between else b""
        self._overhead += len(data)
        while not self._is_deaf:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as exc:
                # The other protocol is not spoken here; what follows is HTTP/1.1 as before, or the body.
                data = self._head_again + data[exc.args[0] :]
                self._fresh()
            except httptools.HttpParserCallbackError:
                raise
            except httptools.HttpParserError:
                if not self._is_deaf:
                    self._refuse(400, "the request is not HTTP/1.1")
        # Chunks of a body may be as small as a byte, with five or more around it.
        if self._overhead > self._limits.head + 8 * self._size and not self._is_deaf:
            self._refuse(431, f"the head of the request is longer than {self._limits.head} bytes")

    def pause_writing(self) -> None:
        """The client reads slowly: nothing more is read from it."""
        self._is_stuck = True
        self._update_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_stuck = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        self._update_reading()

    # httptools

    def on_message_begin(self) -> None:
        """A request begins."""
        self._began = self._heard

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; the same one again is added after a comma."""
        self._header_count += 1
        if self._exchange is not None or self._header_count > self._limits.headers:
            return  # what follows a chunked body, or far too many
        name = name.lower()
        self._headers[name] = self._headers[name] + b", " + value if name in self._headers else value

    def on_headers_complete(self) -> None:
        """Decide whether the body may come."""
        if self._is_deaf:
            return
        parser, headers = self._parser, self._headers
        exchange = self._exchange = Exchange(self, parser.get_method(), self._url, headers, parser.get_http_version())
        exchange.is_kept_alive = parser.should_keep_alive()
        self._overhead = 0
        if self._header_count > self._limits.headers:
            self._refuse(431, f"the request has more than {self._limits.headers} headers")
            return
        length = int(headers.get(b"content-length", b"0"))
        if length > self._limits.body:
            self._refuse_body()
        elif b"transfer-encoding" in headers and headers[b"transfer-encoding"].strip().lower() != b"chunked":
            self._refuse(501, "the only transfer encoding that is known is 'chunked'")
        elif parser.should_upgrade():
            self._stay(exchange)
        else:
            if length >= _BUFFERED:
                self._buffer = _buffer(length, headers.get(b"inference-header-content-length", b""))
            if b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and exchange.version != "1.0":
                self._is_awaited = True
                if not self._pending:
                    self._rest()

    def _stay(self, exchange: Exchange) -> None:
        """Go on with HTTP/1.1 where another protocol is asked for.

        The parser takes what follows for the other protocol's. So where it is a body, the parser gets the head again,
        without that wish.
        """
        if exchange.method == b"CONNECT":
            exchange.is_kept_alive = False
        elif exchange.headers.get(b"content-length", b"0").strip(b"0") or b"transfer-encoding" in exchange.headers:
            lines = [b"%b %b HTTP/%b" % (exchange.method, self._url, exchange.version.encode())]
            lines += [b"%b: %b" % header for header in exchange.headers.items() if header[0] != b"upgrade"]
            self._head_again = b"\r\n".join([*lines, b"", b""])

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        if self._is_deaf:
            return
        begin = self._size
        self._size += len(part)
        self._overhead -= len(part)
        if self._buffer is not None:
            self._buffer[begin : self._size] = part
            return
        if not begin:
            self._body = part  # the whole body, mostly
        else:
            # Chunks may be as small as a byte; as objects of their own they would take many times the memory.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        if self._size > self._limits.body:
            self._refuse_body()

    def on_message_complete(self) -> None:
        """Hand the request over."""
        exchange = self._exchange
        if self._is_deaf or exchange is None or self._head_again:
            return
        if self._buffer is not None:
            exchange.body = self._buffer
        else:
            body = self._body
            exchange.body = body if isinstance(body, bytes) else memoryview(body)
        self._remember(exchange)
        self._reset()
        if not exchange.is_kept_alive:
            self._is_deaf = True
        self._take(exchange)

    def _remember(self, exchange: Exchange) -> None:
        """Keep the head of a request that was all of the last piece."""
        piece, headers = self._piece, self._headers
        end = piece.find(b"\r\n\r\n") + 4
        if len(piece) - end == self._size and exchange.is_kept_alive and not any(name in headers for name in _NOT_REPEATED):
            self._head = _Head(piece[:end], len(piece), exchange.method, self._url, headers, exchange.version)

    def _take(self, exchange: Exchange) -> None:
        self._pending.append(exchange)
        self._handle(exchange)
        if len(self._pending) >= self._limits.pipelined:
            self._update_reading()

    # answers

    def is_last(self, exchange: Exchange) -> bool:
        """Whether the connection ends after this one's answer."""
        return self.is_closing and self._began is None and bool(self._pending) and self._pending[-1] is exchange

    def is_first(self, exchange: Exchange) -> bool:
        """Whether it is this one's turn to be answered."""
        return bool(self._pending) and self._pending[0] is exchange

    def flush(self) -> None:
        """Send the answers that are there, in the order of their requests."""
        pending = self._pending
        while pending and (parts := pending[0].parts) is not None:
            exchange = pending.popleft()
            if len(parts) == 1:
                self._transport.write(parts[0])
            elif parts:
                self._transport.writelines(parts)
            if not exchange.is_kept_alive:
                self._end()
                return
        if not pending:
            if self._is_awaited or self.is_closing:
                self._rest()
        elif (turn := pending[0].turn) is not None and not turn.done():
            turn.set_result(None)
        if not self._is_reading:
            self._update_reading()

    def write(self, data: bytes) -> None:
        """Send a piece of the answer whose turn it is."""
        self._transport.write(data)

    async def drained(self) -> None:
        """Wait while the client has too much to read."""
        if self._is_stuck:
            if self._writable is None:
                self._writable = self._loop.create_future()
            await self._writable

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()

    def _update_reading(self) -> None:
        wanted = not self._is_stuck and len(self._pending) < self._limits.pipelined
        if wanted != self._is_reading and not self._transport.is_closing():
            self._is_reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # ends

    def _refuse_body(self) -> None:
        self._refuse(413, f"the body is larger than {self._limits.body} bytes")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what cannot be read to its end, after the answers before it."""
        exchange = self._exchange or Exchange(self, b"GET", b"", {}, "1.1")
        exchange.is_kept_alive = False
        self._reset()
        self._is_deaf = self._is_refused = True
        self._pending.append(exchange)
        exchange.respond(error(status, message))

    def _end(self) -> None:
        """Close; who was refused may still be sending, and a reset now could cost it the answer that says why."""
        self._is_deaf = True
        if self._is_refused:
            if self._lingers_since is None:
                self._lingers_since = self._others.now
                self._transport.write_eof()
        else:
            self._transport.close()

    def _rest(self) -> None:
        """Do what has to wait until all that was asked is answered."""
        if self._is_awaited:
            self._is_awaited = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self.is_closing and self._began is None:
            self._end()

    def drain(self) -> None:
        """End when what has begun is answered, at once if nothing has."""
        self.is_closing = True
        if not self._pending:
            self._rest()

    def sweep(self, now: float) -> None:
        """End a connection whose client takes too long."""
        limits = self._limits
        unread = self._transport.get_write_buffer_size()
        if not self._unread or unread < self._unread:
            self._unread_since = now
        self._unread = unread
        if self._lingers_since is not None:
            if now - self._lingers_since > limits.linger_seconds:
                self._transport.abort()
        elif unread:
            if now - self._unread_since > limits.write_seconds:
                self._transport.abort()
        elif self._pending:
            return
        elif self._began is None:
            if now - self._heard > limits.idle_seconds:
                self._transport.close()
        elif self._exchange is None:
            if now - self._began > limits.head_seconds:
                self._refuse(408, "the head of the request took too long")
        elif now - self._heard > limits.body_seconds or now - self._began > limits.body_seconds + self._size / 1024:
            self._refuse(408, "the body took too long")
