"""Long lists: in pages where the client asks for them, otherwise whole as the SDK wants them (rest-api §1.6).

A whole list is read, built and sent in pieces, each in a thread, so that a hundred thousand rows take neither the memory of
a hundred thousand rows nor everybody else's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response, StreamingResponse

from easymaker_local.api.envelope import Envelope, Header
from easymaker_local.domain.page import Cursor, Page
from easymaker_local.errors import FieldError, InvalidRequest

MAXIMUM_LIMIT = 1000
_PIECE_ROWS = 100
_JSON = "application/json"

Limit = Annotated[int | None, Query(ge=1, le=MAXIMUM_LIMIT, description="Rows at most; all of them unless given.")]
CursorText = Annotated[str | None, Query(alias="cursor", max_length=200, description="The nextCursor of the page before.")]
IdPrefix = Annotated[str, Query(min_length=1, max_length=36, description="Only those whose id begins so.")]

Read = Callable[[Cursor | None, int], Awaitable[Page[bytes]]]
"""Returns rows after a cursor, each as JSON."""


async def answer_list(key: str, read: Read, cursor: str | None, limit: int | None) -> Response:
    """Answer with a page of ``limit`` rows; None: with all. What ``read`` refuses is refused before anything is sent."""
    page = await read(_parse(cursor), _PIECE_ROWS if limit is None else limit)
    if limit is not None or page.after is None:
        return Response(_head(key) + b",".join(page.rows) + _tail(page.after), media_type=_JSON)
    return StreamingResponse(_all(key, page, read), media_type=_JSON)


async def answer_built(build: Callable[[], Envelope]) -> Response:
    """Answer with what may be long, built and written in a thread."""
    return Response(await asyncio.to_thread(lambda: build().model_dump_json(by_alias=True)), media_type=_JSON)


async def _all(key: str, page: Page[Any], read: Read) -> AsyncIterator[bytes]:
    yield _head(key) + b",".join(page.rows)
    while page.after is not None:
        page = await read(page.after, _PIECE_ROWS)
        if page.rows:
            yield b"," + b",".join(page.rows)
    yield _tail(None)


def _head(key: str) -> bytes:
    return b'{"header":%b,"%b":[' % (Header().model_dump_json(by_alias=True).encode(), key.encode())


def _tail(after: Cursor | None) -> bytes:
    # Of a row, so a number, an underscore and an id: nothing in it needs an escape.
    return b'],"nextCursor":%b}' % (b"null" if after is None else f'"{after}"'.encode())


def _parse(text: str | None) -> Cursor | None:
    try:
        return None if text is None else Cursor.parse(text)
    except ValueError:
        raise InvalidRequest([FieldError("cursor", "is none that an answer gave as nextCursor")]) from None
