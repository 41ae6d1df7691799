"""Whether a model server answers for its model: one short request, as small as it gets (SR-L03)."""

from __future__ import annotations

import asyncio
from enum import Enum
from urllib.parse import quote

_LINE_BYTES = 1024


class Answer(Enum):
    """What came of asking. ``REFUSED``: nobody listens there. ``SILENT``: no answer in time."""

    READY = "ready"
    NOT_READY = "not ready"
    REFUSED = "refused"
    SILENT = "silent"


async def ask(host: str, port: int, model_name: str, timeout_seconds: float) -> Answer:
    """Ask ``GET /v2/models/{name}/ready``; never raises for what the server does."""
    try:
        return await asyncio.wait_for(_ask(host, port, model_name), timeout_seconds)
    except TimeoutError:
        return Answer.SILENT
    except OSError:
        return Answer.REFUSED


async def _ask(host: str, port: int, model_name: str) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        path = f"/v2/models/{quote(model_name, safe='')}/ready"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        line = await reader.read(_LINE_BYTES)
    finally:
        writer.close()
    if not line:
        return Answer.REFUSED
    return Answer.READY if line.split(b" ")[1:2] == [b"200"] else Answer.NOT_READY
