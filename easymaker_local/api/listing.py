"""Long lists: in pages where the client asks for them, otherwise whole as the SDK wants them (rest-api §1.6).

A whole list is read, built and sent in pieces, each in a thread, so that a hundred thousand rows take neither the memory of
a hundred thousand rows nor everybody else's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from fastapi.responses import Response, StreamingResponse

from easymaker_local.api.envelope import Envelope, Header
from easymaker_local.domain.page import NEWEST_FIRST, Cursor, Order, Page, PageRequest, SortBy, SortOrder
from easymaker_local.errors import FieldError, InvalidRequest

MAXIMUM_LIMIT = 1000
MAXIMUM_KEYWORD = 100
_MAXIMUM_CURSOR = 600
_PIECE_ROWS = 100
_JSON = "application/json"

Limit = Annotated[int | None, Query(ge=1, le=MAXIMUM_LIMIT, description="Rows at most; all of them unless given.")]
CursorText = Annotated[
    str | None, Query(alias="cursor", max_length=_MAXIMUM_CURSOR, description="The nextCursor of the page before.")
]
IdPrefix = Annotated[str, Query(min_length=1, max_length=36, description="Only those whose id begins so.")]
Keyword = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=MAXIMUM_KEYWORD,
        description="Only those of which it is a part of the name, whatever the case, or the beginning of the id.",
    ),
]
Direction = Annotated[
    SortOrder | None,
    Query(alias="sortOrder", description="Unless given, DESC for dates and ASC for anything else. DESC turns all around."),
]
_BY = "What the list goes by; among equals the newest is first."


def _in_pages(limit: Limit = None, cursor: CursorText = None) -> PageRequest:
    return _request(None, NEWEST_FIRST, limit, cursor)


def _in_order(
    keyword: Keyword = None, by: Annotated[SortBy, Query(alias="sortBy", description=_BY)] = SortBy.CREATED,
    direction: Direction = None, limit: Limit = None, cursor: CursorText = None,
) -> PageRequest:  # fmt: skip
    return _request(keyword, Order.of(by, direction), limit, cursor)


def _in_order_without_status(
    keyword: Keyword = None,
    by: Annotated[Literal[SortBy.CREATED, SortBy.NAME], Query(alias="sortBy", description=_BY)] = SortBy.CREATED,
    direction: Direction = None, limit: Limit = None, cursor: CursorText = None,
) -> PageRequest:  # fmt: skip
    return _request(keyword, Order.of(by, direction), limit, cursor)


InPages = Annotated[PageRequest, Depends(_in_pages)]
"""The query parameters of a list that can be had in pages."""
InOrder = Annotated[PageRequest, Depends(_in_order)]
"""Those of a list that can be searched and sorted, too."""
InOrderWithoutStatus = Annotated[PageRequest, Depends(_in_order_without_status)]
"""The same of what has no status."""

Read = Callable[[PageRequest], Awaitable[Page[bytes]]]
"""Returns the rows of a page, each as JSON."""


async def answer_list(key: str, read: Read, asked: PageRequest) -> Response:
    """Answer with the page that was asked for; without a ``count`` with all. What ``read`` refuses is refused before
    anything is sent."""
    if asked.count is not None:
        page = await read(asked)
        return Response(_head(key) + b",".join(page.rows) + _tail(page.after, page.total), media_type=_JSON)
    asked = replace(asked, count=_PIECE_ROWS)
    page = await read(asked)
    if page.after is None:
        return Response(_head(key) + b",".join(page.rows) + _tail(None, None), media_type=_JSON)
    return StreamingResponse(_all(key, page, read, asked), media_type=_JSON)


async def answer_built(build: Callable[[], Envelope]) -> Response:
    """Answer with what may be long, built and written in a thread."""
    return Response(await asyncio.to_thread(lambda: build().model_dump_json(by_alias=True)), media_type=_JSON)


async def _all(key: str, page: Page[Any], read: Read, asked: PageRequest) -> AsyncIterator[bytes]:
    yield _head(key) + b",".join(page.rows)
    while page.after is not None:
        page = await read(replace(asked, after=page.after))
        if page.rows:
            yield b"," + b",".join(page.rows)
    yield _tail(None, None)


def _head(key: str) -> bytes:
    return b'{"header":%b,"%b":[' % (Header().model_dump_json(by_alias=True).encode(), key.encode())


def _tail(after: Cursor | None, total: int | None) -> bytes:
    # Of letters, digits and the signs of base64: nothing in it needs an escape.
    cursor = "null" if after is None else f'"{after}"'
    return f'],"nextCursor":{cursor},"totalCount":{"null" if total is None else total}}}'.encode()


def _request(keyword: str | None, order: Order, limit: int | None, cursor: str | None) -> PageRequest:
    return PageRequest(order, keyword, _parse(cursor, order), limit, with_total=limit is not None)


def _parse(text: str | None, order: Order) -> Cursor | None:
    if text is None:
        return None
    try:
        found = Cursor.parse(text)
    except ValueError:
        raise InvalidRequest([FieldError("cursor", "is none that an answer gave as nextCursor")]) from None
    if found.order != order:
        raise InvalidRequest([FieldError("cursor", f"belongs to a list with {found.order}, not {order}")])
    return found
