"""All of a server's connections: their clock, their limits in time, their end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easymaker_serving.connection import Connection


class Connections:
    """All that are open."""

    def __init__(self) -> None:
        self.now = asyncio.get_running_loop().time()
        """The loop's time at the last sweep: near enough for limits of seconds, and free to read."""
        self._open: set[Connection] = set()
        self._none = asyncio.Event()
        self._none.set()

    def add(self, connection: Connection) -> None:
        """One more."""
        self._open.add(connection)
        self._none.clear()

    def remove(self, connection: Connection) -> None:
        """One less."""
        self._open.discard(connection)
        if not self._open:
            self._none.set()

    def sweep(self, now: float) -> None:
        """End those whose clients take too long; ``now`` is the loop's time.

        What happened since the last sweep bears that one's time, so that is what it is compared with: nobody has less time
        than the limits say, and some have up to one sweep more.
        """
        for connection in tuple(self._open):
            connection.sweep(self.now)
        self.now = now

    async def drain(self) -> None:
        """Return when each is answered what it has begun to ask, and closed."""
        for connection in tuple(self._open):
            connection.drain()
        await self._none.wait()
