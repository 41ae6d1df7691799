"""The rows of a new stage and its resources, as endpoint and stage creation insert them."""

from __future__ import annotations

import sqlite3

from easymaker_local.domain.endpoint import ResourceStatus, Stage, StageResource, StageStatus, Wish
from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.ledger import Amount
from easymaker_local.errors import Conflict
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import Context
from easymaker_local.services.stage_checks import StagePlan
from easymaker_local.store import runtime_versions, stages

# Rows of one request are listed in its order.
_APART_SECONDS = 1e-5


def check_gateway(context: Context) -> None:
    """Raise Conflict without a gateway: endpoints exist through it only (EP-02)."""
    if context.gateway is None:
        raise Conflict(
            "The API gateway is not activated, and endpoints exist through it only.",
            hint="Give it a port, gateway_port, and restart the daemon.",
        )


def add_stage(
    context: Context, db: sqlite3.Connection, plan: StagePlan, endpoint_id: str, stage_id: str, name: str, now: float
) -> Stage:
    """Insert a stage with its resources, on the newest runtime version (UP-09)."""
    settings, version = plan.settings, context.catalogue.runtime_version
    runtime_versions.note(db, version, now)
    only = StageSettings(**{field: getattr(settings, field) for field in StageSettings.model_fields})
    stage = Stage(
        stage_id, endpoint_id, name, only, plan.flavor, StageStatus.CREATE_REQUESTED, Wish.SERVE, None, settings.node_count,
        version, 1, 0, now,
    )  # fmt: skip
    stages.add(db, stage)
    for place, planned in enumerate(plan.resources):
        add_resource(db, stage, planned.spec, planned.demand, now + place * _APART_SECONDS)
    return stage


def add_resource(db: sqlite3.Connection, stage: Stage, spec: ResourceSpec, demand: Amount, now: float) -> StageResource:
    """Insert a stage resource."""
    only = ResourceSpec(**{field: getattr(spec, field) for field in ResourceSpec.model_fields})
    resource = StageResource(
        new_id(), stage.id, stage.endpoint_id, spec.model_id, only, demand, ResourceStatus.CREATE_REQUESTED, Wish.SERVE, None,
        spec.pod_count, now,
    )  # fmt: skip
    stages.add_resource(db, resource)
    return resource
