"""Makes another stage of an endpoint the default one without a failed request (EP-32…EP-35, EP-L02)."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.domain.endpoint import DefaultChange, Endpoint, Stage, StageStatus, Wish
from easymaker_local.domain.gateway import GatewayStatus
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.services.context import Context
from easymaker_local.store import endpoints, stages

S = StageStatus
_LOOK_SECONDS = 0.5

Ready = Callable[[str], Awaitable[Cause | None]]
"""Asks the pods of a stage now; returns why it cannot answer for all of its models, None: it can."""


@dataclass
class DefaultChanges:
    """``is_ready`` asks the pods of a stage themselves, right before the change."""

    context: Context
    routes: EndpointRoutes
    is_ready: Ready

    async def step(self, endpoint: Endpoint, there: Sequence[Stage]) -> float | None:
        """Go on with a change; 0: something was recorded, otherwise when to look again. Raises what the gateway raises."""
        change = endpoint.change
        assert change is not None
        target = next((stage for stage in there if stage.id == change.stage_id), None)
        if target is None or target.wish is Wish.DELETE:
            return await self._end(endpoint, f"Stage {change.stage_id} is gone: the default stage stays.")
        if target.id == endpoint.default_stage_id:
            return await self._after(endpoint, target)
        if target.status in {S.CREATE_FAILED, S.DEPLOY_FAILED}:
            words = f"Stage {target.name!r} is {target.status}: the default stage stays."
            return await self._end(endpoint, words)
        if change.stop_first:
            return await self._switch(endpoint, target, change)
        obstacle = await self._obstacle(target)
        if obstacle is not None:
            await self._explain(endpoint, obstacle)
            return _LOOK_SECONDS
        return await self._switch(endpoint, target, None)

    async def _obstacle(self, target: Stage) -> Cause | None:
        """Return why the stage cannot take over yet (EP-34)."""
        if target.status is not S.ACTIVE:
            return Cause(Reason.NOT_READY, f"Stage {target.name!r} is {target.status}; it can be the default stage in ACTIVE.")
        deployed = await self.routes.gateway.status(target.id)
        if deployed.status is not GatewayStatus.ACTIVE:
            return Cause(Reason.GATEWAY_FAILED, f"The API gateway has stage {target.name!r} as {deployed.status}.")
        return await self.is_ready(target.id)

    async def _switch(self, endpoint: Endpoint, target: Stage, left: DefaultChange | None) -> float:
        """Send the default URL's requests to ``target``, then record it; ``left`` is what is left of the change then."""
        now, old = self.context.clock.now(), endpoint.default_stage_id

        def record(db: sqlite3.Connection) -> None:
            current = endpoints.get(db, endpoint.id)
            if current.change != endpoint.change or current.wish is not Wish.SERVE:
                return  # given up, or the endpoint is to go: the next pass sees it
            endpoints.set_default(db, endpoint.id, target.id, now, f"The default stage is {target.name!r} ({target.id}) now.")
            if left is None:
                endpoints.clear_change(db, endpoint.id)
            if any(stage.id == old for stage in stages.of_endpoint(db, endpoint.id)):
                stages.want(db, old, Wish.DELETE, now, f"Stage {target.name!r} is the default stage now.")

        await self.routes.put(endpoint.id, default_stage_id=target.id, then=record)
        for stage_id in (old, target.id):
            self.context.hinter.hint(stages.KIND, stage_id)
        return 0

    async def _after(self, endpoint: Endpoint, target: Stage) -> float | None:
        """The old stage is stopped first: requests wait for the new one until it serves, or has failed."""
        if target.status is S.ACTIVE:
            return await self._end(endpoint, f"The default stage {target.name!r} serves.")
        if target.status in {S.CREATE_FAILED, S.DEPLOY_FAILED}:
            words = target.cause.message if target.cause else ""
            return await self._end(endpoint, f"The default stage {target.name!r} is {target.status}. {words}".strip())
        words = f"Requests wait for stage {target.name!r}: {target.status}."
        await self._explain(endpoint, Cause(Reason.NOT_READY, words))
        return None

    async def _end(self, endpoint: Endpoint, words: str) -> float:
        now = self.context.clock.now()
        await self.context.store.write(lambda db: endpoints.set_change(db, endpoint.id, None, now, words))
        target = endpoint.change.stage_id if endpoint.change is not None else endpoint.default_stage_id
        self.context.hinter.hint(stages.KIND, target)
        return 0

    async def _explain(self, endpoint: Endpoint, cause: Cause) -> None:
        if cause != endpoint.cause:
            now = self.context.clock.now()
            await self.context.store.write(lambda db: endpoints.explain(db, endpoint, cause, now))
