"""What the gateway is told of endpoints: whole services, made of the rows as they are at that moment (GW-01, EP-17, EP-L01).

Stages of one endpoint are carried by passes of their own, and each may change the one service that they share. So a service
is always read, told and recorded under the endpoint's lock: who comes later has the newer rows.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakValueDictionary

from easymaker_local.domain.endpoint import (
    Endpoint,
    EndpointStatus,
    Pod,
    ResourceStatus,
    Stage,
    StageResource,
    StageStatus,
    Wish,
)
from easymaker_local.domain.gateway import Backend, Deployed, GatewayService, GatewayStage, GatewayStatus, RoutedModel
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.pods import is_held
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.errors import NotFound, TransientError
from easymaker_local.gateway.base import Gateway
from easymaker_local.services.api_keys import api_key_of
from easymaker_local.services.context import Context
from easymaker_local.store import endpoints, models, stages

AGAIN_SECONDS = 5.0
"""What could not be deployed is deployed again after so long, then after longer; "deploy stage" may come before (GW-04)."""

LONGEST_PAUSE_SECONDS = 60.0

_ModelKey = tuple[str, str]
"""Stage id and model id."""

_UNMADE = {StageStatus.CREATE_REQUESTED, StageStatus.CREATE_FAILED, StageStatus.DELETE_IN_PROGRESS}


@dataclass
class EndpointRoutes:
    """Tells the gateway what is new, and nothing twice; what was told is only remembered to save calls."""

    context: Context
    gateway: Gateway
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _told: dict[str, GatewayService] = field(default_factory=dict)
    _again_at: dict[str, float] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _deployed: dict[str, Deployed] = field(default_factory=dict)
    _backends: dict[_ModelKey, tuple[Backend, ...]] = field(default_factory=dict)
    _held: dict[_ModelKey, bool] = field(default_factory=dict)

    async def put(
        self, endpoint_id: str, *, let_go: str | None = None, default_stage_id: str | None = None,
        then: Callable[[sqlite3.Connection], None] | None = None,
    ) -> Mapping[str, Deployed]:  # fmt: skip
        """Bring the endpoint's service into force; return how its stages stand, as far as they were told.

        What is held stays so but on the stage ``let_go``, whose pods were told. ``default_stage_id``: with this default stage;
        ``then`` records that in the same hold of the lock. Raises Conflict beyond a quota, TransientError if the gateway does
        not answer.
        """
        async with self._lock(endpoint_id):
            rows, sleepers = await self.context.store.read(lambda db: self._service(db, endpoint_id, default_stage_id))
            wanted, before = self._keeping_held(rows, sleepers, let_go), self._told.get(endpoint_id)
            if wanted != before or self._is_due(wanted):
                await self._put(wanted, is_known=wanted == before)
            if then is not None:
                self._check_in_force(default_stage_id)
                await self.context.store.write(then)
            return {stage.id: self._deployed[stage.id] for stage in wanted.stages if stage.id in self._deployed}

    async def set_backends(self, stage_id: str, wanted: Mapping[str, Sequence[Backend]]) -> None:
        """Let these pods answer, by model; those that are told of already stay untouched."""
        for model_id, backends in wanted.items():
            told = tuple(sorted(backends, key=lambda backend: backend.name))
            if self._backends.get((stage_id, model_id)) != told:
                await self.gateway.set_backends(stage_id, model_id, told)
                self._backends[stage_id, model_id] = told

    async def remove_stage(self, endpoint_id: str, stage_id: str) -> None:
        """Take a stage off the gateway; what is under way there goes on (ST-L02)."""
        async with self._lock(endpoint_id):
            self._told.pop(endpoint_id, None)
            await self.gateway.remove_stage(stage_id)
            self._deployed.pop(stage_id, None)
            for known in (self._backends, self._held):
                for key in [key for key in known if key[0] == stage_id]:
                    del known[key]

    async def remove_service(self, endpoint_id: str) -> None:
        """Take an endpoint off the gateway with all that is left of it (EP-37)."""
        async with self._lock(endpoint_id):
            self._told.pop(endpoint_id, None)
            await self.gateway.remove_service(endpoint_id)

    def _lock(self, endpoint_id: str) -> asyncio.Lock:
        return self._locks.setdefault(endpoint_id, asyncio.Lock())

    async def _put(self, wanted: GatewayService, *, is_known: bool) -> None:
        """Tell it; what failed before and is the same still is deployed once more, with growing pauses."""
        self._told.pop(wanted.id, None)
        tries = self._tries.get(wanted.id, 0) + 1 if is_known else 0
        self._tries[wanted.id] = tries
        self._again_at[wanted.id] = self.context.clock.now() + min(LONGEST_PAUSE_SECONDS, AGAIN_SECONDS * 2 ** min(tries, 8))
        self._deployed.update(await self.gateway.put_service(wanted))
        for stage in wanted.stages if is_known else ():
            if self._deployed[stage.id].status is GatewayStatus.STAGE_DEPLOY_FAIL:
                self._deployed[stage.id] = await self.gateway.deploy_stage(stage.id)
        self._told[wanted.id] = wanted
        self._held.update({(stage.id, m.model_id): m.held for stage in wanted.stages for m in stage.models})

    def _keeping_held(self, wanted: GatewayService, sleepers: Collection[_ModelKey], let_go: str | None) -> GatewayService:
        """Hold on to what is held until its pods are told, but on the stage ``let_go``.

        What an earlier daemon told of a model that may sleep is not known: it counts as held.
        """

        def is_kept(key: _ModelKey) -> bool:
            return key[0] != let_go and not self._backends.get(key) and self._held.get(key, key in sleepers)

        kept = tuple(
            replace(stage, models=tuple(replace(m, held=m.held or is_kept((stage.id, m.model_id))) for m in stage.models))
            for stage in wanted.stages
        )
        return replace(wanted, stages=kept)

    def _check_in_force(self, stage_id: str | None) -> None:
        deployed = None if stage_id is None else self._deployed.get(stage_id)
        if deployed is None or deployed.status is not GatewayStatus.ACTIVE:
            words = "nothing" if deployed is None else f"{deployed.status}. {deployed.message or ''}".strip()
            raise TransientError(f"The API gateway has not taken the change of the default stage: {words}")

    def _is_due(self, service: GatewayService) -> bool:
        """True if something of what was told is not in force, and it is time to tell it again."""
        is_old = self.context.clock.now() >= self._again_at.get(service.id, 0.0)
        found = [self._deployed.get(stage.id) for stage in service.stages]
        return is_old and any(deployed is None or deployed.status is not GatewayStatus.ACTIVE for deployed in found)

    def _service(
        self, db: sqlite3.Connection, endpoint_id: str, default_stage_id: str | None
    ) -> tuple[GatewayService, set[_ModelKey]]:
        endpoint = endpoints.get(db, endpoint_id)
        if default_stage_id is not None:
            endpoint = replace(endpoint, default_stage_id=default_stage_id)
        carriers = (r for r in stages.newest_resources(db, endpoint_id=endpoint_id) if isinstance(r, StageResource))
        sleepers = {(r.stage_id, r.model_id) for r in carriers if r.spec.scale_to_zero_idle_minutes}
        return service_of(db, endpoint, api_key_of(self.context, endpoint)), sleepers


def service_of(db: sqlite3.Connection, endpoint: Endpoint, key: str | None) -> GatewayService:
    """Return what the gateway has to have of an endpoint now."""
    there = stages.of_endpoint(db, endpoint.id)
    found = tuple(_stage(db, endpoint, stage) for stage in there if is_routed(endpoint, stage))
    # A stage whose row cannot be read is left as the gateway has it, and as what the gateway has it.
    unread = [stage.id for stage in stages.newest(db, endpoint_id=endpoint.id) if isinstance(stage, Quarantined)]
    has_default = endpoint.default_stage_id in {*(stage.id for stage in found), *unread}
    return GatewayService(
        endpoint.id, endpoint.name, found, endpoint.default_stage_id if has_default else None, key
    )  # fmt: skip


def is_routed(endpoint: Endpoint, stage: Stage) -> bool:
    """A stage is told once it has nodes; the default stage of a created endpoint as long as it exists, with or without pods."""
    if stage.status not in _UNMADE:
        return True
    is_created = endpoint.status not in {EndpointStatus.CREATE_REQUESTED, EndpointStatus.CREATE_IN_PROGRESS}
    is_default = stage.id == endpoint.default_stage_id and endpoint.wish is Wish.SERVE and stage.wish is Wish.SERVE
    return is_created and is_default and endpoint.status is not EndpointStatus.CREATE_FAILED


def _stage(db: sqlite3.Connection, endpoint: Endpoint, stage: Stage) -> GatewayStage:
    resources = [
        resource
        for resource in stages.resources_of(db, stage.id)
        if resource.wish is Wish.SERVE and resource.status is not ResourceStatus.DELETE_IN_PROGRESS
    ]
    pods = stages.pods_of(db, stage.id)
    change = endpoint.change
    waits = change is not None and change.stop_first and change.stage_id == stage.id
    by_model: dict[str, list[StageResource]] = {}
    for resource in resources:
        by_model.setdefault(resource.model_id, []).append(resource)
    found = [_model(db, model_id, carriers, pods, waits) for model_id, carriers in by_model.items()]
    return GatewayStage(stage.id, stage.name, tuple(filter(None, found)), log=stage.spec.use_log)


def _model(
    db: sqlite3.Connection, model_id: str, carriers: Sequence[StageResource], pods: Sequence[Pod], waits: bool
) -> RoutedModel | None:
    try:
        model = models.find(db, model_id)
    except NotFound:
        return None
    if not isinstance(model, Model):
        return None
    ids = {resource.id for resource in carriers}
    held = is_held(carriers, [pod for pod in pods if pod.resource_id in ids], waits=waits)
    path = next((resource.spec.apigw_resource_uri for resource in carriers if resource.spec.apigw_resource_uri), "")
    return RoutedModel(model_id, model.name, path, held)
