"""Logs as streams of events, and what routes that read them in pieces have in common with those."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query

from easymaker_local.api.envelope import Wire
from easymaker_local.api.event_stream import Event, described
from easymaker_local.services.growing_log import GrowingLog

MAXIMUM_LOG_BYTES = 4 << 20
# File systems refuse to seek beyond the largest file that they can hold; the smallest of those limits is ext4's 16 TiB.
MAXIMUM_LOG_OFFSET = 1 << 43

LogOffset = Annotated[int, Query(ge=0, lt=MAXIMUM_LOG_OFFSET, description="Byte to begin at.")]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="Id of the last event that came; the stream goes on after it.")
]  # fmt: skip


class LogBlock(Wire):
    """Data of a ``log`` event: whole characters from byte ``offset`` up to ``nextOffset``, which is the event's id."""

    offset: int
    next_offset: int
    content: str


class LogEnd(Wire):
    """Data of the ``end`` event: there is no more, and nothing to come back for."""

    next_offset: int


LOG_EVENTS = described(log=LogBlock, end=LogEnd)


async def log_events(log: GrowingLog, offset: int, last_event_id: str | None) -> AsyncIterator[Event]:
    """Give a log from ``offset`` on, or from where a client that came back had it; what is no offset counts for nothing."""
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        known = int(last_event_id) if len(last_event_id) < 20 else MAXIMUM_LOG_OFFSET
        offset = known if known < MAXIMUM_LOG_OFFSET else offset
    async for piece in log.follow(offset):
        place = str(piece.next_offset)
        if piece.is_complete:
            yield Event("end", LogEnd(next_offset=piece.next_offset), place)
        else:
            yield Event("log", LogBlock(offset=piece.offset, next_offset=piece.next_offset, content=piece.content), place)
