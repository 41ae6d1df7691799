"""Stages of endpoints: create, list, change, delete, deploy by hand, look at what the gateway has (ST, GW-03, GW-04)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from easymaker_local.domain.endpoint import EndpointStatus, Pod, Stage, Wish
from easymaker_local.domain.endpoint_spec import EndpointChange, StageSpec
from easymaker_local.domain.gateway import Deployed, GatewayResource
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.kit.ids import new_id
from easymaker_local.services.broken_endpoints import discard_broken
from easymaker_local.services.context import Context
from easymaker_local.services.endpoint_views import ShownResource, ShownStage, look_at_gateway, read_stage, told, with_gateway
from easymaker_local.services.endpoints import refuse_deleted, refuse_while_changing
from easymaker_local.services.stage_checks import StagePlan, plan_stage
from easymaker_local.services.stage_rows import add_stage, check_gateway
from easymaker_local.store import endpoints, events, models, stages
from easymaker_local.store.database import Work
from easymaker_local.store.stages import Wanted

_TAKES_STAGES = (EndpointStatus.ACTIVE, EndpointStatus.UPDATE_IN_PROGRESS, EndpointStatus.UPDATE_FAILED)


@dataclass(frozen=True)
class GatewaySettings:
    """What was deployed for a stage (GW-03), and how that stands now (GW-18)."""

    shown: ShownStage
    resources: tuple[GatewayResource, ...]


class Stages:
    """Writes wishes; controllers act."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: StageSpec) -> ShownStage:
        """Ask for one more stage of an endpoint; raises InvalidRequest with every field at fault, Conflict if the endpoint
        takes none now."""
        shown = await self._context.store.write(self._creation(spec))
        self._hint(shown.stage)
        return await with_gateway(self._context, shown)

    async def check(self, spec: StageSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(self._creation(spec))

    def _creation(self, spec: StageSpec) -> Work[ShownStage]:
        """Return what checks all that is asked for and inserts the stage; raises Conflict without a gateway."""
        context, stage_id = self._context, new_id()
        check_gateway(context)
        now = context.clock.now()

        def insert(db: sqlite3.Connection) -> ShownStage:
            plan = plan_new_stage(context, db, spec)
            return read_stage(context, db, add_stage(context, db, plan, spec.endpoint_id, stage_id, spec.apigw_stage_name, now))

        return insert

    async def find(self, stage_id: str) -> ShownStage | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        context = self._context

        def read(db: sqlite3.Connection) -> ShownStage | Quarantined:
            found = stages.find(db, stage_id)
            return found if isinstance(found, Quarantined) else read_stage(context, db, found)

        found = await context.store.read(read)
        return found if isinstance(found, Quarantined) else await with_gateway(context, found)

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[ShownStage | Quarantined]:
        """Return a page of those wanted."""
        context = self._context

        def read(db: sqlite3.Connection) -> Page[ShownStage | Quarantined]:
            page = stages.page(db, wanted, request)
            return page.with_rows([row if isinstance(row, Quarantined) else read_stage(context, db, row) for row in page.rows])

        page = await context.store.read(read)
        deployed = await look_at_gateway(context, [row.stage.id for row in page.rows if isinstance(row, ShownStage)])
        return page.with_rows([row if isinstance(row, Quarantined) else told(row, deployed) for row in page.rows])

    async def events(self, stage_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""

        def read(db: sqlite3.Connection) -> list[events.Event]:
            stages.find(db, stage_id)
            return events.of_resource(db, stages.KIND, stage_id, after)

        return await self._context.store.read(read)

    async def pods(self, stage_id: str) -> Sequence[tuple[Pod, ShownResource | None]]:
        """Return the pods, also those that leave, oldest first, each with its stage resource."""
        context = self._context

        def read(db: sqlite3.Connection) -> list[tuple[Pod, ShownResource | None]]:
            shown = read_stage(context, db, stages.get(db, stage_id))
            by_id = {resource.resource.id: resource for resource in shown.resources}
            return [(pod, by_id.get(pod.resource_id)) for pod in stages.pods_of(db, stage_id)]

        return await context.store.read(read)

    async def change(self, stage_id: str, change: EndpointChange) -> ShownStage:
        """Change description or tags (GN-13); what is absent stays. The name is a part of URLs and stays."""
        context = self._context
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("description", "give a description or tags")])

        def apply(db: sqlite3.Connection) -> ShownStage:
            stage = stages.get(db, stage_id)
            spec = stage.spec.model_copy(update={field: getattr(change, field) for field in change.model_fields_set})
            stages.change(db, stage, spec, context.clock.now())
            return read_stage(context, db, replace(stage, spec=spec))

        return await with_gateway(context, await context.store.write(apply))

    async def delete(self, stage_id: str) -> None:
        """Ask for the deletion (ST-02, ST-03); models are released at once. Calm if it was asked for before.

        What cannot be read, of which no controller knows what to do, is removed here and now.
        """
        context = self._context

        def check(db: sqlite3.Connection) -> Stage | Quarantined:
            stage = stages.find(db, stage_id)
            if isinstance(stage, Quarantined) or stage.wish is not Wish.DELETE:
                _check_not_needed(db, stage)
            return stage

        found = await context.store.read(check)
        await discard_broken(context, stage_id)
        if isinstance(found, Quarantined):
            return

        def want(db: sqlite3.Connection) -> None:
            stage = check(db)
            if isinstance(stage, Stage) and stage.wish is not Wish.DELETE:
                stages.want(db, stage_id, Wish.DELETE, context.clock.now(), "Its deletion was asked for.")

        await context.store.write(want)
        self._hint(found)

    async def deploy(self, stage_id: str) -> Deployed:
        """Deploy by hand what the gateway was told last, the recovery from STAGE DEPLOY FAIL (GW-04)."""
        context = self._context
        check_gateway(context)
        assert context.gateway is not None
        stage = await context.store.read(lambda db: stages.get(db, stage_id))
        deployed = await context.gateway.deploy_stage(stage_id)
        words = f"Deployed by hand: {deployed.status}, version {deployed.version}."
        now = context.clock.now()
        await context.store.write(
            lambda db: events.record(db, stages.KIND, stage_id, now, events.EventType.REQUEST, message=words)
        )
        self._hint(stage)
        return deployed

    async def gateway_settings(self, stage_id: str) -> GatewaySettings:
        """Return what was deployed for a stage: paths, methods and the pods behind them (GW-03)."""
        context = self._context
        check_gateway(context)
        assert context.gateway is not None

        def read(db: sqlite3.Connection) -> ShownStage:
            return read_stage(context, db, stages.get(db, stage_id))

        shown = await with_gateway(context, await context.store.read(read))
        resources: Sequence[GatewayResource] = ()
        with suppress(NotFound):  # nothing is deployed yet, or it was removed there: its status says which
            resources = context.gateway.settings(stage_id)
        return GatewaySettings(shown, tuple(resources))

    def _hint(self, stage: Stage) -> None:
        self._context.hinter.hint(stages.KIND, stage.id)
        self._context.hinter.hint(endpoints.KIND, stage.endpoint_id)


def plan_new_stage(context: Context, db: sqlite3.Connection, spec: StageSpec) -> StagePlan:
    """Return how a stage of an endpoint would be made; raises InvalidRequest or Conflict."""
    try:
        endpoint = endpoints.get(db, spec.endpoint_id)
    except NotFound as error:
        raise InvalidRequest([FieldError("endpointId", error.message)]) from None
    refuse_deleted(endpoint)
    refuse_while_changing(endpoint)
    if endpoint.status not in _TAKES_STAGES:
        permitted = ", ".join(_TAKES_STAGES)
        raise Conflict(f"Endpoint {endpoint.id} is {endpoint.status}; stages can be added in {permitted}.")
    others = stages.newest(db, endpoint_id=endpoint.id)
    faults: list[FieldError] = []
    taken = next((other for other in others if other.name == spec.apigw_stage_name), None)
    if taken is not None:  # EP-05
        is_leaving = isinstance(taken, Stage) and taken.wish is Wish.DELETE
        more = ", which is just being deleted" if is_leaving else ""
        faults.append(FieldError("apigwStageName", f"is taken by stage {taken.id}{more}"))
    try:
        names = [*(other.name for other in others), spec.apigw_stage_name]
        plan = plan_stage(context, db, spec, names, model_names(db, endpoint.id))
    except InvalidRequest as error:
        raise InvalidRequest([*faults, *error.fields]) from None
    if faults:
        raise InvalidRequest(faults)
    return plan


def model_names(db: sqlite3.Connection, endpoint_id: str) -> list[str]:
    """Return the names of the models on all stages of an endpoint."""
    names = []
    for resource in stages.newest_resources(db, endpoint_id=endpoint_id):
        try:
            names.append(models.find(db, getattr(resource, "model_id", "")).name)
        except NotFound:
            continue  # it is on its way out, or its row is broken
    return names


def _check_not_needed(db: sqlite3.Connection, stage: Stage | Quarantined) -> None:
    endpoint = endpoints.find(db, stages.endpoint_of(db, stage.id))
    if isinstance(endpoint, Quarantined):
        raise endpoint.error
    if stage.id == endpoint.default_stage_id:  # ST-02
        raise Conflict(
            f"Stage {stage.name!r} is the default stage of endpoint {endpoint.name!r}, which cannot be deleted.",
            hint="Make another stage the default one, or delete the endpoint.",
        )
    if endpoint.change is not None and endpoint.change.stage_id == stage.id:  # EP-32
        raise Conflict(f"Stage {stage.name!r} is just becoming the default stage, which cannot be cancelled.")
