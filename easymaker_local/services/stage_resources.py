"""Stage resources: add one to a stage, list, delete (SR)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from easymaker_local.domain.endpoint import Stage, StageResource, StageStatus, Wish
from easymaker_local.domain.endpoint_spec import MAXIMUM_RESOURCES, StageResourceSpec
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.errors import BrokenRecord, Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.services.broken_endpoints import discard_resources
from easymaker_local.services.context import Context
from easymaker_local.services.endpoint_views import ShownResource, look_at_gateway, read_resource
from easymaker_local.services.endpoints import refuse_deleted, refuse_while_changing
from easymaker_local.services.stage_checks import plan_resource
from easymaker_local.services.stage_rows import add_resource, check_gateway
from easymaker_local.store import endpoints, events, stages
from easymaker_local.store.stages import WantedResources

_TAKES_RESOURCES = (StageStatus.ACTIVE, StageStatus.DEPLOY_IN_PROGRESS)
# From a stage with a model that could not be deployed, that one can be taken (SR-23); the stage stays as it is (ST-22).
_GIVES_RESOURCES = (*_TAKES_RESOURCES, StageStatus.DEPLOY_FAILED)


class StageResources:
    """Writes wishes; the controller of stages acts."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: StageResourceSpec) -> ShownResource:
        """Ask that one more model is deployed on a stage (SR-25); the others go on serving."""
        context = self._context
        check_gateway(context)

        def insert(db: sqlite3.Connection) -> ShownResource:
            try:
                stage = stages.get(db, spec.endpoint_stage_id)
            except NotFound as error:
                raise InvalidRequest([FieldError("endpointStageId", error.message)]) from None
            _check_stage(db, stage, "added", _TAKES_RESOURCES)
            others = stages.resources_of(db, stage.id)
            if len(others) >= MAXIMUM_RESOURCES:  # EP-10
                raise Conflict(f"Stage {stage.id} has {len(others)} stage resources, the most that it can have.")
            names = [other.name for other in stages.newest(db, endpoint_id=stage.endpoint_id)]
            planned = plan_resource(context, db, stage, spec, names)
            resource = add_resource(db, stage, spec, planned.demand, context.clock.now())
            stages.touch(db, stage.id)
            return read_resource(context, db, resource)

        shown = await context.store.write(insert)
        self._hint(shown.resource)
        return await self._told(shown)

    async def find(self, resource_id: str) -> ShownResource | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        found = await self._context.store.read(lambda db: self._shown(db, stages.find_resource(db, resource_id)))
        return found if isinstance(found, Quarantined) else await self._told(found)

    async def page(self, wanted: WantedResources, request: PageRequest) -> Page[ShownResource | Quarantined]:
        """Return a page of those wanted."""

        def read(db: sqlite3.Connection) -> Page[ShownResource | Quarantined]:
            page = stages.page_of_resources(db, wanted, request)
            return page.with_rows([self._shown(db, row) for row in page.rows])

        page = await self._context.store.read(read)
        ids = list(dict.fromkeys(row.stage.id for row in page.rows if isinstance(row, ShownResource)))
        said = await look_at_gateway(self._context, ids)
        rows = [row if isinstance(row, Quarantined) else replace(row, deployed=said.get(row.stage.id)) for row in page.rows]
        return page.with_rows(rows)

    async def events(self, resource_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""

        def read(db: sqlite3.Connection) -> list[events.Event]:
            stages.find_resource(db, resource_id)
            return events.of_resource(db, stages.RESOURCE_KIND, resource_id, after)

        return await self._context.store.read(read)

    async def delete(self, resource_id: str) -> None:
        """Ask that the model is taken off the stage (SR-23…SR-26); the model is released at once. Calm if it was before.

        One that cannot be read, of which no controller knows what to do, is removed here and now.
        """
        context = self._context

        def want(db: sqlite3.Connection) -> StageResource | Quarantined:
            resource = stages.find_resource(db, resource_id)
            if isinstance(resource, Quarantined) or resource.wish is Wish.DELETE:
                return resource
            stage = stages.get(db, resource.stage_id)
            _check_stage(db, stage, "deleted", _GIVES_RESOURCES)
            others = (r for r in stages.resources_of(db, stage.id) if r.id != resource_id)
            if all(other.wish is Wish.DELETE for other in others):  # SR-26
                raise Conflict(
                    f"Stage resource {resource_id} is the last one of stage {stage.name!r}.",
                    hint=f"Delete the stage: easymaker-local stage delete {stage.id}",
                )
            stages.touch(db, stage.id)
            stages.want_resource(db, resource_id, Wish.DELETE, context.clock.now(), "Its deletion was asked for.")
            return resource

        resource = await context.store.write(want)
        if isinstance(resource, StageResource):
            self._hint(resource)
        else:
            stage_id = await context.store.read(lambda db: stages.stage_of(db, resource_id))
            await discard_resources(context, stage_id, resource_id)

    def _shown(self, db: sqlite3.Connection, found: StageResource | Quarantined) -> ShownResource | Quarantined:
        if isinstance(found, Quarantined):
            return found
        try:
            return read_resource(self._context, db, found)
        except BrokenRecord as error:
            # Of the stage: without it hardly anything is known of what belongs to it.
            return Quarantined(
                stages.RESOURCE_KIND, found.id, found.id, found.status, found.status.is_finished, 1, found.created_at,
                error.message,
            )  # fmt: skip

    async def _told(self, shown: ShownResource) -> ShownResource:
        said = await look_at_gateway(self._context, [shown.stage.id])
        return replace(shown, deployed=said.get(shown.stage.id))

    def _hint(self, resource: StageResource) -> None:
        self._context.hinter.hint(stages.KIND, resource.stage_id)
        self._context.hinter.hint(endpoints.KIND, resource.endpoint_id)


def _check_stage(db: sqlite3.Connection, stage: Stage, done: str, permitted: Sequence[StageStatus]) -> None:
    """Raise Conflict if no resource of the stage can be ``done``, added or deleted, now (SR-25, GN-27)."""
    endpoint = endpoints.find(db, stage.endpoint_id)
    if isinstance(endpoint, Quarantined):
        raise endpoint.error
    refuse_deleted(endpoint)
    refuse_while_changing(endpoint)
    if stage.wish is Wish.DELETE:
        raise Conflict(f"Stage {stage.id} is being deleted.")
    if stage.status not in permitted:
        raise Conflict(f"Stage {stage.id} is {stage.status}; resources can be {done} in {', '.join(permitted)}.")
