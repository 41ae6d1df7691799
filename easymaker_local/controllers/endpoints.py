"""Carries endpoints: their status follows from their stages (EP-29, EP-30), deletion, and the change of the default stage.

A change of the default stage (EP-32…EP-35) goes one way: the gateway sends the default URL's requests to the new stage, that is
recorded together with the wish to delete the old one, and the old stage drains and goes by its own controller. A daemon that
dies in between tells the gateway the old way again and begins anew; both stages serve all the while.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable

from easymaker_local.controllers.default_change import DefaultChanges, Ready
from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.domain.endpoint import Endpoint, EndpointStatus, Stage, Wish
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.stage import decide_endpoint
from easymaker_local.errors import (
    BrokenRecord,
    Conflict,
    DatabaseUnavailable,
    NotFound,
    PermanentError,
    StaleRecord,
    TransientError,
)
from easymaker_local.services.context import Context
from easymaker_local.store import endpoints, events, stages

log = logging.getLogger(__name__)

E = EndpointStatus
_STEPS_PER_PASS = 20
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 10.0


class EndpointController:
    """One ``reconcile`` per id at a time (the loop sees to it); nothing that matters is remembered between passes."""

    def __init__(self, context: Context, routes: EndpointRoutes, is_ready: Ready) -> None:
        self._context = context
        self._routes = routes
        self._changes = DefaultChanges(context, routes, is_ready)
        self._told_broken: set[str] = set()

    async def unfinished(self) -> Iterable[str]:
        """Return the ids of all endpoints: what their stages came to while nobody looked has to be told."""
        return await self._context.store.read(lambda db: [endpoint.id for endpoint in endpoints.newest(db)])

    async def reconcile(self, endpoint_id: str) -> float | None:
        """Move the endpoint on as far as it goes; return when to look again, None: when a stage has moved."""
        for _ in range(_STEPS_PER_PASS):
            try:
                endpoint, there = await self._context.store.read(lambda db: _read(db, endpoint_id))
            except NotFound:
                return None
            except BrokenRecord as problem:
                if endpoint_id not in self._told_broken:
                    self._told_broken.add(endpoint_id)
                    log.warning("%s", problem)
                return None
            try:
                pause = await self._step(endpoint, there)
            except StaleRecord:
                continue
            except DatabaseUnavailable:
                raise
            except (TransientError, PermanentError, Conflict, OSError) as problem:
                if endpoint.status is not E.DELETE_IN_PROGRESS:
                    raise
                await self._explain(endpoint, Cause(Reason.NOT_REMOVED, f"{problem} It is tried again (EP-31)."))
                return _RETRY_SECONDS
            if pause != 0:
                return pause
        return _LOOK_SECONDS

    async def _step(self, endpoint: Endpoint, there: list[Stage]) -> float | None:
        """Take one step; 0: look again at once."""
        if endpoint.status is E.DELETE_IN_PROGRESS:
            return await self._delete(endpoint, there)
        pause: float | None = None
        if endpoint.change is not None and endpoint.wish is Wish.SERVE and endpoint.status is E.UPDATE_IN_PROGRESS:
            pause = await self._changes.step(endpoint, there)
            if pause == 0:
                return 0
        step = decide_endpoint(endpoint, there)
        if step.to is None:
            if endpoint.change is None:
                await self._explain(endpoint, step.cause)
            return pause
        to, now = E(step.to), self._context.clock.now()
        await self._context.store.write(lambda db: endpoints.transition(db, endpoint, to, step.cause, now))
        return 0

    async def _delete(self, endpoint: Endpoint, there: list[Stage]) -> float | None:
        """Stages first, each by its own controller; then the gateway's service, then the row (EP-37)."""
        context, now = self._context, self._context.clock.now()
        if there:
            asked = [stage for stage in there if stage.wish is not Wish.DELETE]

            def ask(db: sqlite3.Connection) -> None:
                for stage in asked:
                    stages.want(db, stage.id, Wish.DELETE, now, "Its endpoint is deleted.")

            if asked:
                await context.store.write(ask)
            for stage in there:
                context.hinter.hint(stages.KIND, stage.id)
            return None
        if await context.store.read(lambda db: stages.newest(db, endpoint_id=endpoint.id)):
            raise PermanentError("A stage of it cannot be read, and what that runs is left alone.")
        await self._routes.remove_service(endpoint.id)

        def forget(db: sqlite3.Connection) -> None:
            endpoints.delete(db, endpoint)
            events.forget(db, endpoints.KIND, endpoint.id)

        await context.store.write(forget)
        return None

    async def _explain(self, endpoint: Endpoint, cause: Cause | None) -> None:
        if cause != endpoint.cause:
            now = self._context.clock.now()
            await self._context.store.write(lambda db: endpoints.explain(db, endpoint, cause, now))


def _read(db: sqlite3.Connection, endpoint_id: str) -> tuple[Endpoint, list[Stage]]:
    return endpoints.get(db, endpoint_id), stages.of_endpoint(db, endpoint_id)
