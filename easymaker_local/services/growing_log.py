"""A log file that may still grow: read in pieces, by people who wait for more and by streams that send it as it comes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.errors import NotFound
from easymaker_local.kit.textfile import read_text
from easymaker_local.store.changes import Changes

BLOCK_BYTES = 1 << 18
# How often the size of a followed log is looked at: only while somebody waits, so that nothing is watched for nobody.
TICK_SECONDS = 0.1


@dataclass(frozen=True)
class LogPiece:
    """A piece of a log; go on at ``next_offset``. ``is_complete``: all was read, and nothing more is written."""

    offset: int
    content: str
    next_offset: int
    is_complete: bool


@dataclass(frozen=True)
class GrowingLog:
    """``is_over``: whoever writes the file has ended; it may raise NotFound. It is asked again only after ``changes``."""

    path: Path
    is_over: Callable[[], Awaitable[bool]]
    changes: Changes

    async def read(self, offset: int, limit: int, wait_seconds: float = 0.0) -> LogPiece:
        """Return at most ``limit`` bytes from byte ``offset`` on, having waited for some. A missing file is empty."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            seen = await self._state()
            # Asked before the file is read: what was written until the end is all there.
            is_over = await self.is_over()
            content, next_offset = await asyncio.to_thread(read_text, self.path, offset, limit, final=is_over)
            if content or is_over or loop.time() >= deadline:
                return LogPiece(offset, content, next_offset, is_over and not content)
            await self._until_changed(seen, deadline)

    async def follow(self, offset: int) -> AsyncIterator[LogPiece]:
        """Give all of it from byte ``offset`` on as it is written; the last piece is complete. It may be deleted meanwhile."""
        while True:
            try:
                piece = await self.read(offset, BLOCK_BYTES, math.inf)
            except NotFound:
                piece = LogPiece(offset, "", offset, is_complete=True)
            yield piece
            if piece.is_complete:
                return
            offset = piece.next_offset

    async def _until_changed(self, seen: tuple[int, int], deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while (left := deadline - loop.time()) > 0:
            await asyncio.sleep(min(TICK_SECONDS, left))
            if await self._state() != seen:
                return

    async def _state(self) -> tuple[int, int]:
        """Return what changes whenever there may be more to read, or nothing more to come."""
        return self.changes.number, await asyncio.to_thread(self._size)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0
