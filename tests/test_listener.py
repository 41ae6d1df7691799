"""Servers that rest until they are needed."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from easymaker_local import listener
from easymaker_local.listener import CalmServer

pytestmark = pytest.mark.anyio


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("nobody asks")


class _Quiet(CalmServer):
    """Leaves the signals of the tests alone, and tells when it begins to rest."""

    capture_signals = listener._Server.capture_signals

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None] = lambda: None) -> None:
        super().__init__(config, on_end)
        self.looked = asyncio.Event()

    async def on_tick(self, counter: int) -> bool:
        self.looked.set()
        return await super().on_tick(counter)


@pytest.mark.parametrize(
    "end",
    [
        lambda server: server.end(),
        lambda server: server.handle_exit(signal.SIGTERM, None),
        lambda server: threading.Thread(target=server.end).start(),
    ],
    ids=["asked", "by a signal", "from a thread"],
)
async def test_it_ends_at_once_however_long_it_rests(
    end: Callable[[CalmServer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_TICK_SECONDS", 3600.0)
    server = _Quiet(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        await server.looked.wait()
        end(server)
        await asyncio.wait_for(serving, 60)


async def test_what_is_to_end_before_it_rests_does_not_begin() -> None:
    server = _Quiet(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server.end()
        await asyncio.wait_for(server.serve(sockets=[taken]), 60)


async def test_answers_without_an_end_are_told_to_end_before_it_waits_for_them() -> None:
    """Without a limit to its patience it would wait for ever."""
    ending, begun = asyncio.Event(), asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        await ending.wait()
        await send({"type": "http.response.body", "body": b""})

    server = _Quiet(uvicorn.Config(endless, log_level="warning", lifespan="off"), ending.set)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.wait_for(begun.wait(), 60)
        server.end()
        await asyncio.wait_for(serving, 60)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
