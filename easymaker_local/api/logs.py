"""The log store (LG; rest-api §9): search, and the path to which the SDK's logger posts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.log_models import LogEntryView, LogSearchAnswer
from easymaker_local.domain.log_query import parse_time
from easymaker_local.errors import FieldError, InvalidRequest

router = APIRouter(tags=["logs"])
root_router = APIRouter(tags=["logs"])

MAXIMUM_LIMIT = 1000
MAXIMUM_CURSOR = 1 << 62


@router.get("/logs")
async def search_logs(
    appkey: Appkey,
    services: ServicesDep,
    query: Annotated[str, Query(description='Such as category:"easymaker.training" AND loss; nothing: everything.')] = "",
    first: Annotated[str | None, Query(alias="from", description="ISO 8601; UTC if it has no offset.")] = None,
    last: Annotated[str | None, Query(alias="to", description="ISO 8601; UTC if it has no offset.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT)] = 100,
    before: Annotated[int | None, Query(ge=0, lt=MAXIMUM_CURSOR, description="Newest first, older than this.")] = None,
    after: Annotated[int | None, Query(ge=0, lt=MAXIMUM_CURSOR, description="Oldest first, newer than this.")] = None,
    wait_seconds: Annotated[
        float, Query(alias="waitSeconds", ge=0, le=60, description="With after: wait so long for a match.")
    ] = 0,
) -> LogSearchAnswer:
    """Search the log store, newest first or, with ``after``, oldest first.

    Order is that of arrival. A page may hold less than ``limit`` although more follows: ``hasMore`` says so, and ``nextCursor``
    where to go on in the same direction. ``latestCursor`` as ``after`` gives what arrives from now on.
    """
    if before is not None and after is not None:
        raise InvalidRequest([FieldError("before", "cannot be given together with after")])
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    # Asked before the search: what arrives meanwhile comes after it.
    latest = await services.logs.latest()
    while True:
        page = await services.logs.search(
            query, first=_seconds("from", first), last=_seconds("to", last), before=before, after=after, limit=limit
        )
        if after is None or page.entries or page.has_more:
            break
        after = page.cursor
        if not await services.logs.wait_for_more(after, deadline - loop.time()):
            break
    return LogSearchAnswer(
        log_list=[LogEntryView.of(stored) for stored in page.entries],
        next_cursor=page.cursor if page.has_more or after is not None else None,
        has_more=page.has_more, latest_cursor=latest,
    )  # fmt: skip


@root_router.post("/v2/log")
async def send_logs(services: ServicesDep, body: Annotated[Any, Body()]) -> Envelope:
    """Store entries of a user: an object, or an array of them. Known fields by their names, all others beside them."""
    await services.logs.send(body)
    return Envelope()


def _seconds(field: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise InvalidRequest([FieldError(field, f"{text!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z")]) from error
