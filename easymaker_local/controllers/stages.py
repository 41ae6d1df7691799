"""Carries stages through their lives: nodes, gateway stage, stage resources, pods (ST-22, ST-L01, ST-L02, EP-L02).

A pass looks at everything, acts and records, step after step, until nothing moves. The order within a step is what keeps
requests from being lost: rows say what is wanted, then the gateway hears of it, and only then is a model server stopped.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial

from easymaker_local.controllers import access_log, stage_nodes, stage_resources
from easymaker_local.controllers.endpoint_routes import AGAIN_SECONDS, EndpointRoutes, is_routed
from easymaker_local.controllers.pods import READY_LOOK_SECONDS, Ask, Pods
from easymaker_local.controllers.readiness import ask
from easymaker_local.controllers.stage_resources import Environments
from easymaker_local.controllers.stage_serving import StageServing
from easymaker_local.controllers.stage_view import View, view, work_folder
from easymaker_local.controllers.waking import Waking
from easymaker_local.domain.endpoint import PodState, ResourceStatus, StageStatus, Wish
from easymaker_local.domain.gateway import GatewayStatus
from easymaker_local.domain.log_entry import stage_source
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.stage import StageFacts, decide_stage
from easymaker_local.errors import (
    BrokenRecord,
    Conflict,
    DatabaseUnavailable,
    GatewayRejected,
    NotFound,
    PermanentError,
    StaleRecord,
    TransientError,
)
from easymaker_local.services.api_statistics import ApiStatistics
from easymaker_local.services.broken_endpoints import discard_resources
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.services.pod_logs import log_folder
from easymaker_local.services.preparation import Preparation
from easymaker_local.store import endpoints, events, ledger, log_shipping, metrics, peaks, stages

log = logging.getLogger(__name__)

S = StageStatus
# Enough for the way from request to end in one go; a bug that would circle for ever becomes a slow circle instead.
_STEPS_PER_PASS = 30
_PATIENCE_SECONDS = 1.0
_RETRY_SECONDS = 10.0


class StageController:
    """One ``reconcile`` per id at a time (the loop sees to it); nothing that matters is remembered between passes."""

    def __init__(
        self, context: Context, preparation: Preparation, routes: EndpointRoutes, parameters: Callable[[Model], dict[str, str]],
        statistics: ApiStatistics, ask: Ask = ask,
    ) -> None:  # fmt: skip
        self._context = context
        self._preparation = preparation
        self._routes = routes
        self._statistics = statistics
        self.pods = Pods(context, preparation, parameters, ask)
        self._told_broken: set[str] = set()
        self._removed: set[str] = set()
        self.serving = StageServing(context, routes, self.pods)
        self.waking = Waking(context, routes.gateway)

    async def close(self) -> None:
        """End what is under way beside the passes; the next daemon goes on with it."""
        await self.pods.close()
        await self.waking.close()

    async def unfinished(self) -> Iterable[str]:
        """Return the ids of all stages: each has something to look after as long as it exists."""
        return await self._context.store.read(stages.ids)

    async def reconcile(self, stage_id: str) -> float | None:
        """Move the stage on as far as it goes; return when to look again."""
        for _ in range(_STEPS_PER_PASS):
            try:
                seen = await self._context.store.read(lambda db: view(db, stage_id))
            except NotFound:
                return None
            except BrokenRecord as problem:
                # Whatever it is and runs is left alone until somebody has looked at it.
                if stage_id not in self._told_broken:
                    self._told_broken.add(stage_id)
                    log.warning("%s", problem)
                return None
            try:
                pause = await self._step(seen)
            except StaleRecord:
                continue  # somebody else moved it meanwhile
            except DatabaseUnavailable:
                raise
            except TransientError as problem:
                if seen.stage.status not in {S.CREATE_FAILED, S.DEPLOY_FAILED}:  # these say why they failed
                    await self._explain(seen, Cause(Reason.WAITING_FOR_ENGINE, str(problem)))
                raise
            except (PermanentError, OSError) as problem:
                if seen.stage.status is not S.DELETE_IN_PROGRESS:
                    raise
                await self._explain(seen, Cause(Reason.NOT_REMOVED, f"{problem} It is tried again (EP-31)."))
                return _RETRY_SECONDS
            if pause is None:
                return None
            if pause > 0:
                return pause
        return _PATIENCE_SECONDS

    # -- one step: 0: something moved, look again at once; None: nothing to look after

    async def _step(self, seen: View) -> float | None:
        match seen.stage.status:
            case S.CREATE_REQUESTED:
                return await self._request(seen)
            case S.CREATE_IN_PROGRESS:
                return await self._create(seen)
            case S.DEPLOY_IN_PROGRESS | S.ACTIVE | S.DEPLOY_FAILED:
                return await self._serve(seen)
            case S.CREATE_FAILED:
                return await self._rest(seen)
            case S.DELETE_IN_PROGRESS:
                return await self._delete(seen)

    async def _request(self, seen: View) -> float | None:
        if seen.stage.wish is Wish.DELETE:
            return await self._apply(seen, StageFacts())
        environments = await stage_resources.prepare(self._context, self._preparation, seen)
        if await stage_resources.settle(self._context, seen, stage_resources.NOTHING, environments):
            return 0
        failed = [resource.cause if resource.status is ResourceStatus.CREATE_FAILED else None for resource in seen.resources]
        facts = StageFacts(
            environment=next(iter(environments.preparing.values()), None),
            failed=next(filter(None, failed), None) if all(failed) else None,
        )
        if facts.environment is None and facts.failed is None:
            admission = await stage_nodes.book(self._context, seen)
            facts = StageFacts(is_booked=bool(seen.holdings), admission=admission)
        elif seen.holdings or seen.queued is not None:
            # It was prepared and has been removed while the stage waited: nothing is held meanwhile.
            now = self._context.clock.now()
            await self._context.store.write(lambda db: ledger.release(db, stages.KIND, seen.stage.id, now))
            self._context.hinter.hint(*QUEUE)
        return await self._apply(seen, facts)

    async def _create(self, seen: View) -> float | None:
        refused, deployed = None, None
        if seen.stage.wish is Wish.SERVE:
            try:
                deployed = (await self._routes.put(seen.endpoint.id)).get(seen.stage.id)
            except Conflict as error:
                refused = Cause(Reason.QUOTA_EXCEEDED, str(error))
            except GatewayRejected as error:
                refused = Cause(Reason.GATEWAY_FAILED, str(error))
        return await self._apply(seen, StageFacts(gateway=deployed, refused=refused))

    async def _serve(self, seen: View) -> float | None:
        context = self._context
        environments = await stage_resources.prepare(context, self._preparation, seen)
        nodes = await stage_nodes.keep(context, seen)
        if nodes.has_changed:
            return 0
        idle = {*environments.preparing, *environments.failed}
        has_arranged, found = await stage_resources.arrange_pods(context, seen, nodes.closed, idle)
        if has_arranged:
            return 0
        if await stage_resources.settle(context, seen, found, environments):
            return 0
        deployed, refused = await self.serving.tell(seen)
        # Whoever leaves may still be asked, as long as the gateway was not told.
        looked = await self.serving.tend(
            seen, [pod for pod in seen.pods if refused is None or pod.state is not PodState.LEAVING]
        )
        if deployed is not None and deployed.status is GatewayStatus.ACTIVE and seen.stage.deployed < seen.stage.generation:
            generation = seen.stage.generation
            await context.store.write(lambda db: stages.set_deployed(db, seen.stage.id, generation))
        names = {one.id: seen.models[one.model_id].name for one in seen.resources if one.model_id in seen.models}
        facts = StageFacts(gateway=deployed, refused=refused, remark=nodes.cause or refused, names=names)
        moved = await self._apply(seen, facts)
        if moved == 0 or looked.has_changed:
            return 0
        is_deployed = deployed is not None and deployed.status is GatewayStatus.ACTIVE
        if is_deployed and seen.is_idle and refused is None and not environments.preparing:
            return None  # it sleeps: who wakes it gives a hint
        pauses = [looked.pause, READY_LOOK_SECONDS, None if is_deployed else AGAIN_SECONDS]
        if environments.preparing:
            pauses.append(_PATIENCE_SECONDS)
        return min(pause for pause in pauses if pause is not None)

    async def _rest(self, seen: View) -> float | None:
        """What failed to be made holds nothing; requests for it get 503 if it is the default stage, 404 otherwise."""
        for resource in seen.resources:
            if not resource.status.is_finished:
                now = self._context.clock.now()
                move = partial(stages.transition_resource, resource=resource, to=ResourceStatus.CREATE_FAILED)
                await self._context.store.write(partial(move, cause=seen.stage.cause, now=now))
                return 0
        if is_routed(seen.endpoint, seen.stage):
            await self.serving.tell(seen)
        elif seen.stage.id not in self._removed:
            await self._routes.remove_stage(seen.endpoint.id, seen.stage.id)
            self._removed.add(seen.stage.id)
        moved = await self._apply(seen, StageFacts())
        return 0 if moved == 0 else None

    async def _delete(self, seen: View) -> float | None:
        """Routes first, then what runs, then rows with bookings (ST-L02)."""
        context, stage = self._context, seen.stage
        await self._routes.remove_stage(seen.endpoint.id, stage.id)
        if seen.strays:
            await discard_resources(context, stage.id)
            return 0
        environments = Environments()
        idle = {resource.id for resource in seen.resources}
        has_arranged, found = await stage_resources.arrange_pods(context, seen, None, idle)
        if has_arranged or await stage_resources.settle(context, seen, found, environments):
            return 0
        looked = await self.serving.tend(seen, seen.pods)
        if looked.has_changed:
            return 0
        if seen.pods or seen.resources:
            return looked.pause or _PATIENCE_SECONDS
        await asyncio.to_thread(context.discard, [work_folder(context.settings, stage.id)], stage.id)
        # What it answered last belongs to its endpoint (GW-L04), of which nobody knows when the row is gone.
        await self._statistics.collect_calmly()
        now = context.clock.now()

        def forget(db: sqlite3.Connection) -> bool:
            for broken in stages.newest_resources(db, stage_id=stage.id):
                stages.delete_resource(db, broken)
            ledger.release(db, stages.KIND, stage.id, now)
            stages.delete(db, stage)
            peaks.forget(db, stages.KIND, stage.id)
            is_shipping = log_shipping.is_unfinished(db, stages.KIND, stage.id)
            if not is_shipping:
                events.forget(db, stages.KIND, stage.id)
            words = f"Stage {stage.name!r} ({stage.id}) is deleted."
            events.record(db, endpoints.KIND, stage.endpoint_id, now, events.EventType.NOTE, message=words)
            return is_shipping

        is_shipping = await context.store.write(forget)
        await context.metrics.write(lambda db: metrics.forget(db, stages.KIND, stage.id))
        if is_shipping:
            context.hinter.hint(log_shipping.KIND, log_shipping.key(stages.KIND, stage.id))
        else:
            await asyncio.to_thread(context.discard, [log_folder(context.settings, stage.id)], stage.id)
        self._removed.discard(stage.id)
        context.hinter.hint(*QUEUE)
        context.hinter.hint(endpoints.KIND, stage.endpoint_id)
        return None

    # -- parts of a step

    async def _apply(self, seen: View, facts: StageFacts) -> float | None:
        """Write what is decided; 0: the status moved, otherwise the pause."""
        stage = seen.stage
        step = decide_stage(stage, seen.resources, facts)
        if step.to is None:
            await self._explain(seen, step.cause)
            return _PATIENCE_SECONDS
        to, now = S(step.to), self._context.clock.now()

        def write(db: sqlite3.Connection) -> None:
            stages.transition(db, stage, to, step.cause, now)
            if to is S.CREATE_IN_PROGRESS and stage.spec.use_log:
                source = stage_source(self._context.settings.appkey, stage.endpoint_id, stage.id)
                log_shipping.begin(db, stages.KIND, stage.id, source)
            if to is S.CREATE_FAILED:
                ledger.release(db, stages.KIND, stage.id, now)

        await self._context.store.write(write)
        if to is S.CREATE_FAILED:
            self._context.hinter.hint(*QUEUE)
        if stage.spec.use_log:
            self._context.hinter.hint(access_log.KIND, access_log.ALL)
            self._context.hinter.hint(log_shipping.KIND, log_shipping.key(stages.KIND, stage.id))
        self._context.hinter.hint(endpoints.KIND, stage.endpoint_id)
        return 0

    async def _explain(self, seen: View, cause: Cause | None) -> None:
        if cause != seen.stage.cause:
            now = self._context.clock.now()
            await self._context.store.write(lambda db: stages.explain(db, seen.stage, cause, now))
            self._context.hinter.hint(endpoints.KIND, seen.stage.endpoint_id)
