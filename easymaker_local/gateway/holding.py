"""Requests for models of which nothing runs: Envoy holds them itself and asks here, by a socket file, whether they may go on.

The answer is always yes: because a pod is there, or because the model is held no more or the longest time has passed, and
then that there is none is Envoy's own finding. When nobody is here to be asked Envoy goes on as well. The data path never
leads through here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from easymaker_local.kit.unix_sockets import listen

ModelKey = tuple[str, str]
"""Stage id and model id."""

_GO_ON = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Holding:
    """The server that Envoy asks, and who waits there."""

    def __init__(self, is_open: Callable[[ModelKey], bool]) -> None:
        """``is_open`` tells whether requests for a model need not wait: it has pods, or it is held no more."""
        self._is_open = is_open
        self._waiting: dict[ModelKey, set[asyncio.Event]] = {}
        self._callbacks: list[Callable[[str, str], None]] = []
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def on_held(self, callback: Callable[[str, str], None]) -> None:
        """Have ``callback`` called with stage id and model id for each request that begins to wait."""
        self._callbacks.append(callback)

    def count(self) -> dict[ModelKey, int]:
        """Return how many wait for each model."""
        return {key: len(events) for key, events in self._waiting.items()}

    def release(self) -> None:
        """Let all go on that need not wait any more."""
        for key, events in self._waiting.items():
            if self._is_open(key):
                for event in events:
                    event.set()

    async def open(self, path: Path) -> None:
        """Take questions. Raises OSError."""
        self._server = await asyncio.start_unix_server(self._serve, sock=listen(path))

    async def close(self) -> None:
        """Take no more; who waits goes on."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while await self._answer_one(reader):
                writer.write(_GO_ON)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return  # Envoy has gone, or does not need the connection any more
        except asyncio.CancelledError:
            return  # only ``close`` does that, and the server would log it as an error
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader) -> bool:
        """Read one question and wait until it may be answered. False: who asked has given up."""
        head = await reader.readuntil(b"\r\n\r\n")
        _, stage_id, model_id, seconds = head.split(b" ", 2)[1].decode().split("/")
        key = unquote(stage_id), unquote(model_id)
        if self._is_open(key):
            return True
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        released, gone = asyncio.create_task(event.wait()), asyncio.create_task(reader.read(1))
        try:
            for callback in self._callbacks:
                callback(*key)
            await asyncio.wait({released, gone}, timeout=float(seconds), return_when=asyncio.FIRST_COMPLETED)
            return not gone.done()
        finally:
            self._waiting[key].discard(event)
            if not self._waiting[key]:
                del self._waiting[key]
            for waiting in (released, gone):
                waiting.cancel()
            await asyncio.gather(released, gone, return_exceptions=True)
