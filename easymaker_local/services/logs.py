"""The log store: search it, send to it (LG). What jobs write comes in by ``controllers/log_ingest.py``."""

from __future__ import annotations

import asyncio
from typing import Any

from easymaker_local.domain.log_intake import entries_of
from easymaker_local.domain.log_query import And, LogQueryError, Node, TimeRange, parse
from easymaker_local.errors import FieldError, InvalidRequest
from easymaker_local.services.context import Context
from easymaker_local.store import log_search, logs

# How often a follower's question is looked at again: only while somebody waits.
TICK_SECONDS = 0.2


def parsed(query: str) -> Node:
    """Return the tree of a query; raises InvalidRequest with the position, counted from 1."""
    try:
        return parse(query)
    except LogQueryError as error:
        raise InvalidRequest([FieldError("query", f"position {error.position + 1}: {error.message}")]) from error


class Logs:
    """Search and sending."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def search(
        self, query: str, *, first: float | None, last: float | None, before: int | None, after: int | None, limit: int
    ) -> log_search.Page:
        """Return entries before a cursor, newest first, or with ``after`` those after it, oldest first.

        ``first`` and ``last`` bound the time in epoch seconds. Raises InvalidRequest if the query cannot be understood.
        """
        node = And((parsed(query), TimeRange(first, last))) if (first, last) != (None, None) else parsed(query)
        newest_first = after is None
        return await self._context.log_store.read(
            lambda db: log_search.search(
                db, node, newest_first=newest_first, cursor=before if newest_first else after, limit=limit
            )
        )

    async def latest(self) -> int:
        """Return the cursor after which everything that comes from now on will be."""
        return await self._context.log_store.read(logs.last_id)

    async def wait_for_more(self, after: int, seconds: float) -> bool:
        """Wait until an entry after ``after`` is there; False if none came in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while await self.latest() <= after:
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(TICK_SECONDS)
        return True

    async def send(self, body: Any) -> int:
        """Store what a user sent (LG-21); returns how many entries it became. Raises InvalidRequest, then nothing is kept."""
        now = self._context.clock.now()
        entries = await asyncio.to_thread(entries_of, body, self._context.settings.appkey, now)
        await self._context.log_store.write(lambda db: logs.append(db, entries, now))
        return len(entries)
