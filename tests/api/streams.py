"""Servers and clients of streams: real sockets, since the in-process client waits for the end of an answer."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import uvicorn

from easymaker_local.api import create_app
from easymaker_local.listener import CalmServer, _Server
from easymaker_local.testing.appliance import NO_TRUST
from easymaker_local.testing.context import Bench

BASE = "/v1.0/appkeys/a"
TOKEN = {"X-EasyMaker-Token": "token"}
PATIENCE_SECONDS = 180.0


class _Quiet(CalmServer):
    """Leaves the signals of the tests alone."""

    capture_signals = _Server.capture_signals


class Received(NamedTuple):
    """An event as a browser has it."""

    name: str
    data: Any
    id: str | None


@dataclass
class Reader:
    """An open stream. ``comments`` counts the lines that are no events."""

    lines: AsyncIterator[str]
    comments: int = 0

    async def next(self) -> Received | None:
        """Return the next event; None: the stream has ended."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            fields: dict[str, str] = {}
            async for line in self.lines:
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    return Received(fields["event"], json.loads(fields["data"]), fields.get("id"))
            return None

    async def all(self) -> list[Received]:
        """Return what comes until the end."""
        found = []
        while (event := await self.next()) is not None:
            found.append(event)
        return found


async def _lines(answer: httpx.Response) -> AsyncIterator[str]:
    """As browsers cut lines; httpx also cuts at what logs may well contain, such as U+2028."""
    rest = b""
    async for block in answer.aiter_bytes():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.decode()


@dataclass
class Served:
    """An application on a port. Its server waits for streams without a limit, so that one that does not end is seen."""

    bench: Bench
    app: Any
    server: CalmServer
    serving: asyncio.Task[None]
    port: int

    def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        """Return a client; with the user's token unless told otherwise."""
        url = f"http://127.0.0.1:{self.port}"
        sent = TOKEN if headers is None else headers
        return httpx.AsyncClient(base_url=url, headers=sent, verify=NO_TRUST, trust_env=False, timeout=PATIENCE_SECONDS)

    @asynccontextmanager
    async def stream(
        self, path: str, last: str | None = None, client: httpx.AsyncClient | None = None, body: Any = None, **query: Any
    ) -> AsyncIterator[Reader]:
        """Open a stream below ``/appkeys/{appkey}``; ``last``: the id of the event that came last; ``body``: what is posted."""
        more: dict[str, Any] = {"params": query, "headers": {} if last is None else {"Last-Event-ID": last}, "json": body}
        method = "GET" if body is None else "POST"
        async with client or self.client() as used, used.stream(method, BASE + path, **more) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Reader(_lines(answer))

    async def end(self) -> None:
        """End the server and wait for it."""
        self.server.end()
        await asyncio.wait_for(self.serving, PATIENCE_SECONDS)


@asynccontextmanager
async def serve(bench: Bench, send_buffer_bytes: int | None = None) -> AsyncIterator[Served]:
    """Serve a bench."""
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    server = _Quiet(uvicorn.Config(app, log_level="warning", lifespan="off"), app.state.streams.end)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if send_buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        made = Served(bench, app, server, asyncio.create_task(server.serve(sockets=[listener])), listener.getsockname()[1])
        yield made
        await made.end()
