"""Looks now and then at what the gateway has counted, so that its end costs a few seconds of counts at most (GW-L04)."""

from __future__ import annotations

import asyncio
import logging

from easymaker_local.services.api_statistics import ApiStatistics
from easymaker_local.services.context import Context
from easymaker_local.store import stages

log = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
_CLEAN_SECONDS = 3600.0


async def look(context: Context, statistics: ApiStatistics) -> None:
    """Collect once, unless there are no stages: then the gateway is left in peace."""
    if await context.store.read(stages.ids):
        await statistics.collect_calmly()


async def keep_collected(context: Context, statistics: ApiStatistics) -> None:
    """Collect until cancelled."""
    if context.gateway is None:
        return
    loop = asyncio.get_running_loop()
    next_clean = loop.time()
    while True:
        try:
            await look(context, statistics)
            if loop.time() >= next_clean:
                await statistics.clean()
                next_clean = loop.time() + _CLEAN_SECONDS
        except Exception:
            log.exception("API statistics could not be kept; the next turn tries again")
        await asyncio.sleep(EVERY_SECONDS)
