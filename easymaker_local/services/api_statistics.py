"""Calls of the APIs of endpoints: asked of the gateway, told by endpoint, stage, model and API (GW-05, ST-09, ST-14)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from easymaker_local.domain.api_statistics import Calls, total
from easymaker_local.domain.gateway import ApiCount, ApiKey
from easymaker_local.errors import EasyMakerError, FieldError, InvalidRequest
from easymaker_local.services.context import Context
from easymaker_local.store import api_statistics as store
from easymaker_local.store import endpoints, serving_names, stages
from easymaker_local.store.api_statistics import EVER, Counter, Scope
from easymaker_local.store.serving_names import Names

log = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0
# In epoch seconds: what is later cannot be shown as a date everywhere.
_LATEST = 1e11


@dataclass(frozen=True)
class Period:
    """From when to when, in epoch seconds. Without an end up to now, without a beginning the day before the end."""

    begin: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Statistics:
    """Calls in a period, which begins with a step of ``step_seconds``. ``names``: what exists now.

    ``course`` has the steps with any calls by their beginnings. ``collected_at``: when the gateway was asked last, None if it
    did not answer since the daemon's start.
    """

    begin: float
    end: float
    step_seconds: int
    collected_at: float | None
    counters: Mapping[Counter, Calls]
    course: Mapping[int, Calls]
    names: Names

    @property
    def total(self) -> Calls:
        """All of them."""
        return total(self.counters.values())


@dataclass(frozen=True)
class EndpointCalls:
    """An endpoint with its calls, summed over all of its stages (DB-08)."""

    endpoint_id: str
    name: str
    status: str
    calls: Calls


@dataclass(frozen=True)
class Top:
    """Endpoints with the most calls first."""

    begin: float
    end: float
    collected_at: float | None
    endpoints: Sequence[EndpointCalls]


class ApiStatistics:
    """Asks the gateway before each answer, so that what was called a moment ago is in it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = asyncio.Lock()
        self._begun = 0
        self._collected_at: float | None = None
        self._is_replaced_told = False

    async def collect(self) -> int:
        """Take over what the gateway has counted; returns how many calls came. Raises TransientError, DatabaseUnavailable.

        One at a time: totals that were read later must not be written earlier. Who waits shares the next one.
        """
        context = self._context
        gateway, asked = context.gateway, self._begun
        if gateway is None:
            return 0
        async with self._lock:
            if self._begun > asked:
                return 0
            self._begun += 1
            process = gateway.epoch
            counts: Mapping[ApiKey, ApiCount] = await gateway.counts()
            if not process or gateway.epoch != process:
                return 0  # one process ends and another one begins: whose totals these are is not known
            looks = [(process, counts)]
            if gateway.replaced is not None and not self._is_replaced_told:
                looks.insert(0, gateway.replaced)
            models = {key.model_id for _, counts in looks for key in counts}
            # Names after the counts: what was counted existed then.
            names = await context.store.read(lambda db: serving_names.find(db, models))
            now = context.clock.now()
            added = await context.statistics.write(lambda db: sum(store.record(db, now, *look, names) for look in looks))
            self._is_replaced_told = True
            self._collected_at = now
            return added

    async def collect_calmly(self) -> None:
        """Collect; say it in the log if that is not possible now."""
        try:
            await self.collect()
        except EasyMakerError as error:
            log.warning("API statistics: %s", error)

    async def clean(self) -> None:
        """Forget what was counted for endpoints that are deleted, and what is too old."""
        context = self._context
        kept = await context.statistics.read(store.endpoint_ids)
        existing = {found.id for found in await context.store.read(endpoints.newest)}
        stage_ids = set(await context.store.read(stages.ids))
        now, days = context.clock.now(), context.settings.statistics_days
        gone = sorted(kept - existing)
        await context.statistics.write(partial(store.forget, endpoint_ids=gone))
        await context.statistics.write(partial(store.expire, now=now, days=days, stages=stage_ids))

    async def endpoint(self, endpoint_id: str, period: Period) -> Statistics:
        """Return the calls of an endpoint, those of deleted stages included; raises NotFound, InvalidRequest."""
        await self._context.store.read(lambda db: endpoints.find(db, endpoint_id))
        return await self._statistics(replace(self._scope(period), endpoint_id=endpoint_id), period)

    async def stage(self, stage_id: str, period: Period) -> Statistics:
        """Return the calls of a stage; raises NotFound, InvalidRequest."""
        await self._context.store.read(lambda db: stages.find(db, stage_id))
        return await self._statistics(replace(self._scope(period), stage_id=stage_id), period)

    async def top(self, count: int, period: Period) -> Top:
        """Return the endpoints with the most calls, at most ``count``; as many calls: by name (DB-07, DB-09)."""
        scope = self._scope(period)
        await self.collect_calmly()
        existing = await self._context.store.read(endpoints.newest)
        counters = await self._context.statistics.read(lambda db: store.by_counter(db, scope))
        found = [
            EndpointCalls(
                endpoint.id, endpoint.name, endpoint.status,
                total(calls for counter, calls in counters.items() if counter.endpoint_id == endpoint.id),
            )
            for endpoint in existing
        ]  # fmt: skip
        found.sort(key=lambda each: (-each.calls.count, each.name))
        return Top(scope.first, self._end(period), self._collected_at, found[:count])

    async def ever(self) -> Mapping[Counter, Calls]:
        """Return all calls of each counter that is kept, however old: these only grow."""
        await self.collect_calmly()
        return await self._context.statistics.read(lambda db: store.by_counter(db, Scope(EVER, 0)))

    def _end(self, period: Period) -> float:
        return self._context.clock.now() if period.end is None else min(period.end, _LATEST)

    def _scope(self, period: Period) -> Scope:
        end = self._end(period)
        begin = max(0.0, end - DAY_SECONDS if period.begin is None else period.begin)
        if end < begin:
            raise InvalidRequest([FieldError("to", "must not be before from")])
        # Without an end there is none: what was counted before the clock was set back belongs to "until now".
        return Scope(store.step_for(begin, self._context.clock.now()), begin, period.end)

    async def _statistics(self, scope: Scope, period: Period) -> Statistics:
        await self.collect_calmly()
        counters, course = await self._context.statistics.read(
            lambda db: (store.by_counter(db, scope), store.course(db, scope))
        )  # fmt: skip
        models = {counter.model_id for counter in counters}
        names = await self._context.store.read(lambda db: serving_names.find(db, models))
        return Statistics(scope.first, self._end(period), scope.step, self._collected_at, counters, course, names)
