"""API statistics of endpoints and stages, and the endpoints that are called most (GW-05, ST-09, ST-14, DB-07…DB-09)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from easymaker_local.api.api_statistics_models import ApiStatisticsAnswer, ApiStatisticsView, TopAnswer, TopView
from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.monitoring import From, To, seconds_of
from easymaker_local.errors import FieldError, InvalidRequest
from easymaker_local.services.api_statistics import Period
from easymaker_local.services.services import Services

router = APIRouter(tags=["api statistics"])

_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_LAST = re.compile(r"([1-9][0-9]{0,3})([mhd])")

Last = Annotated[
    str | None,
    Query(pattern=f"^{_LAST.pattern}$", description="Up to `to`, instead of `from`: 90m, 24h (default), 7d.", examples=["24h"]),
]
Count = Annotated[int, Query(ge=1, le=1000, description="Endpoints at most.")]


def _period(begin: datetime | None, end: datetime | None, last: str | None, services: Services) -> Period:
    if last is None:
        return Period(seconds_of(begin), seconds_of(end))
    if begin is not None:
        raise InvalidRequest([FieldError("last", "excludes from")])
    match = _LAST.fullmatch(last)
    assert match is not None  # the route's pattern
    finish = seconds_of(end)
    now = services.context.clock.now()
    return Period((now if finish is None else finish) - int(match[1]) * _UNIT_SECONDS[match[2]], finish)


@router.get("/endpoints/{endpoint_id}/api-statistics")
async def get_endpoint_api_statistics(
    appkey: Appkey, endpoint_id: str, services: ServicesDep, begin: From = None, end: To = None, last: Last = None
) -> ApiStatisticsAnswer:
    """Show the calls of an endpoint, of the last 24 hours unless told otherwise; those of deleted stages are in it."""
    period = _period(begin, end, last, services)
    return ApiStatisticsAnswer(api_statistics=ApiStatisticsView.of(await services.api_statistics.endpoint(endpoint_id, period)))


@router.get("/endpoint-stages/{endpoint_stage_id}/api-statistics")
async def get_stage_api_statistics(
    appkey: Appkey, endpoint_stage_id: str, services: ServicesDep, begin: From = None, end: To = None, last: Last = None
) -> ApiStatisticsAnswer:
    """Show the calls of a stage, of the last 24 hours unless told otherwise."""
    period = _period(begin, end, last, services)
    found = await services.api_statistics.stage(endpoint_stage_id, period)
    return ApiStatisticsAnswer(api_statistics=ApiStatisticsView.of(found))


@router.get("/api-statistics/top")
async def list_most_called_endpoints(
    appkey: Appkey, services: ServicesDep, count: Count = 3, begin: From = None, end: To = None, last: Last = None
) -> TopAnswer:
    """Show the endpoints with the most calls; all of them where there are fewer than asked for, ties by name."""
    period = _period(begin, end, last, services)
    return TopAnswer(api_statistics=TopView.of(await services.api_statistics.top(count, period)))
