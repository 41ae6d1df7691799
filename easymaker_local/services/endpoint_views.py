"""Endpoints, stages and stage resources with all that belongs to them, as it stands now: for whoever shows them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from easymaker_local.domain.endpoint import Endpoint, Pod, PodState, Stage, StageResource
from easymaker_local.domain.gateway import Deployed
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.errors import NotFound, TransientError
from easymaker_local.services.context import Context
from easymaker_local.services.runtime_expiry import expiry_of
from easymaker_local.services.stage_checks import warnings_of
from easymaker_local.store import endpoints, ledger, models, stages


@dataclass(frozen=True)
class ShownResource:
    """A stage resource. ``model`` None: it was deleted while this is on its way out; ``pods`` without those that leave."""

    resource: StageResource
    stage: Stage
    endpoint_name: str
    endpoint_status: str
    model: Model | Quarantined | None
    pods: tuple[Pod, ...]
    warnings: tuple[str, ...] = ()
    deployed: Deployed | None = None

    @property
    def ready_count(self) -> int:
        """Pods that answer (SR-14)."""
        return sum(pod.state is PodState.READY for pod in self.pods)

    @property
    def pod_count(self) -> int:
        """Pods that there are or that are to be."""
        return max(len(self.pods), self.resource.wanted_pods)


@dataclass(frozen=True)
class ShownStage:
    """A stage. ``node_count``: nodes that it has; ``deployed`` None: the gateway does not tell.

    ``is_latest``: none of its pods runs on serving images that are not the newest; else ``expires_at`` (UP-06, UP-10).
    """

    stage: Stage
    endpoint_name: str
    endpoint_status: str
    is_default: bool
    is_changing: bool
    resources: tuple[ShownResource, ...]
    broken_resources: tuple[Quarantined, ...]
    node_count: int
    is_latest: bool
    expires_at: float | None
    deployed: Deployed | None = None


@dataclass(frozen=True)
class ShownEndpoint:
    """An endpoint with those of its stages that can be read, oldest first; ``is_latest``: see ``ShownStage``."""

    endpoint: Endpoint
    stages: tuple[ShownStage, ...]

    @property
    def default_stage(self) -> ShownStage | None:
        """The one in real service."""
        return next((shown for shown in self.stages if shown.is_default), None)

    @property
    def is_latest(self) -> bool:
        """False if a stage runs on an outdated runtime version (EP-21, UP-06, UP-10)."""
        return all(shown.is_latest for shown in self.stages)


@dataclass(frozen=True)
class _Line:
    """What is known of an endpoint, also of one whose row cannot be read as a whole."""

    name: str
    status: str
    default_stage_id: str | None
    changes_to: str | None


def read_endpoint(context: Context, db: sqlite3.Connection, endpoint: Endpoint) -> ShownEndpoint:
    """Return an endpoint with its stages; what the gateway says of them is not there yet."""
    line = _line(endpoint)
    found = [_read_stage(context, db, stage, line) for stage in stages.of_endpoint(db, endpoint.id)]
    return ShownEndpoint(endpoint, tuple(found))


def read_stage(context: Context, db: sqlite3.Connection, stage: Stage) -> ShownStage:
    """Return a stage with its resources; what the gateway says of it is not there yet."""
    return _read_stage(context, db, stage, _line(endpoints.find(db, stage.endpoint_id)))


def read_resource(context: Context, db: sqlite3.Connection, resource: StageResource) -> ShownResource:
    """Return a stage resource with its model; what the gateway says of its stage is not there yet."""
    stage = stages.get(db, resource.stage_id)
    line = _line(endpoints.find(db, stage.endpoint_id))
    return _read_resource(context, db, resource, stage, line, stages.pods_of(db, stage.id))


async def look_at_gateway(context: Context, stage_ids: Sequence[str]) -> dict[str, Deployed]:
    """Return what the gateway says of stages now (GW-18); of none where it does not answer."""
    if context.gateway is None:
        return {}
    found = await asyncio.gather(*(partial(_status, context)(stage_id) for stage_id in stage_ids))
    return {stage_id: deployed for stage_id, deployed in zip(stage_ids, found, strict=True) if deployed is not None}


async def with_gateway(context: Context, shown: ShownStage) -> ShownStage:
    """Return a stage with what the gateway says of it."""
    return told(shown, await look_at_gateway(context, [shown.stage.id]))


def told(shown: ShownStage, deployed: dict[str, Deployed]) -> ShownStage:
    """Return a stage with what the gateway said of it."""
    said = deployed.get(shown.stage.id)
    resources = tuple(replace(resource, deployed=said) for resource in shown.resources)
    return replace(shown, deployed=said, resources=resources)


async def _status(context: Context, stage_id: str) -> Deployed | None:
    assert context.gateway is not None
    try:
        return await context.gateway.status(stage_id)
    except TransientError:
        return None


def _line(endpoint: Endpoint | Quarantined) -> _Line:
    if isinstance(endpoint, Quarantined):
        return _Line(endpoint.name, endpoint.status, None, None)
    changes_to = None if endpoint.change is None else endpoint.change.stage_id
    return _Line(endpoint.name, endpoint.status, endpoint.default_stage_id, changes_to)


def _read_stage(context: Context, db: sqlite3.Connection, stage: Stage, line: _Line) -> ShownStage:
    pods = stages.pods_of(db, stage.id)
    found = list(reversed(stages.newest_resources(db, stage_id=stage.id)))
    expiry = expiry_of(db, pods, context.settings)
    return ShownStage(
        stage, line.name, line.status, stage.id == line.default_stage_id, stage.id == line.changes_to,
        tuple(_read_resource(context, db, r, stage, line, pods) for r in found if isinstance(r, StageResource)),
        tuple(r for r in found if isinstance(r, Quarantined)),
        len(ledger.holdings(db, stages.KIND, stage.id)), expiry is None, None if expiry is None else expiry.at,
    )  # fmt: skip


def _read_resource(
    context: Context, db: sqlite3.Connection, resource: StageResource, stage: Stage, line: _Line, pods: Sequence[Pod]
) -> ShownResource:
    try:
        model: Model | Quarantined | None = models.find(db, resource.model_id)
    except NotFound:
        model = None
    own = tuple(pod for pod in pods if pod.resource_id == resource.id and pod.state is not PodState.LEAVING)
    warnings = warnings_of(context, stage.flavor, model, resource.demand) if isinstance(model, Model) else ()
    return ShownResource(resource, stage, line.name, line.status, model, own, warnings)
