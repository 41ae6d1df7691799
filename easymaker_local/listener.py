"""The daemon's servers: one that rests until it is needed, and one in a thread for what Envoy passes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

_TICK_SECONDS = 1.0


class CalmServer(uvicorn.Server):
    """Looks up once a second, and at once when it is to end.

    Its base looks up ten times a second, which for two servers is half of what an idle daemon does. ``on_end`` ends answers
    that would not end by themselves: the server waits for those that it has begun.
    """

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._on_end = on_end
        self._awake: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def main_loop(self) -> None:
        """Replace the base's."""
        event = asyncio.Event()
        self._awake = (asyncio.get_running_loop(), event)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await event.wait()
        self._awake = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Do as the base does."""
        self._on_end()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Do as the base does, at once."""
        super().handle_exit(sig, frame)
        self._wake()

    def end(self) -> None:
        """Take no more requests and let those that run end soon; from any thread."""
        self.should_exit = True
        self._wake()

    def _wake(self) -> None:
        if self._awake is not None:  # otherwise it is not at its loop, and looks before it begins
            loop, event = self._awake
            loop.call_soon_threadsafe(event.set)


class _Server(CalmServer):
    """Beside the API's server, which alone minds the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class AppsListener:
    """Serves, until it is stopped, what the daemon itself has behind the gateway's port; Envoy alone reaches it."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        # Whoever reaches the socket file is Envoy: it says how the client came to it.
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2, server_header=False,
            proxy_headers=True, forwarded_allow_ips="*",
        )  # fmt: skip
        self._server = _Server(config)

    async def serve(self) -> None:
        """Answer requests until ``stop``.

        In a thread with a loop of its own: checksums of what eight clients upload would make every other request wait.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="apps") as thread:
            await asyncio.get_running_loop().run_in_executor(thread, asyncio.run, self._server.serve(sockets=[self._listener]))

    def stop(self) -> None:
        """Take no more requests and let those that run end soon."""
        self._server.end()
