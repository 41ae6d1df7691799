"""Paths of users' own at the gateway, below the URL of a stage, beside those that are generated (EP-15, GW-06)."""

from __future__ import annotations

from easymaker_local.domain.endpoint import Stage, Wish
from easymaker_local.domain.endpoint_spec import GatewayResourceSpec
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.gateway.base import Gateway
from easymaker_local.gateway.user_resources import UserResource
from easymaker_local.services.context import Context
from easymaker_local.services.stage_rows import check_gateway
from easymaker_local.store import events, stages

_WIRE = {
    "name": "resourceName", "path": "resourcePath", "methods": "methodList", "model_id": "modelId", "rewrite": "rewritePath"
}  # fmt: skip


class GatewayResources:
    """The gateway keeps them; they go with their stage."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def of_stage(self, stage_id: str) -> list[UserResource]:
        """Return those of a stage, by name; raises NotFound."""
        await self._stage(stage_id)
        found = [resource for resource in self._gateway().resources() if resource.stage_id == stage_id]
        return sorted(found, key=lambda resource: resource.name)

    async def create(self, stage_id: str, spec: GatewayResourceSpec) -> UserResource:
        """Make one, in force on return.

        Raises InvalidRequest, also for a path that is generated or below one (GW-09), and NotFound.
        """
        stage, gateway = await self._stage(stage_id), self._gateway()
        if stage.wish is Wish.DELETE:
            raise Conflict(f"Stage {stage.id} is being deleted.")
        taken = next((each for each in gateway.resources() if each.name == spec.resource_name), None)
        if taken is not None:
            owner = taken.stage_id or taken.service_id
            raise InvalidRequest([FieldError("resourceName", f"is taken by a path of {owner}; names are the gateway's")])
        made = UserResource(
            spec.resource_name, spec.resource_path, spec.method_list, stage_id, model_id=spec.model_id or "",
            rewrite=spec.rewrite_path,
        )  # fmt: skip
        try:
            await gateway.put_resource(made)
        except InvalidRequest as error:
            raise InvalidRequest([FieldError(_WIRE.get(f.field, f.field), f.message) for f in error.fields]) from None
        await self._record(stage, f"Path {made.path} was added to the gateway as {made.name!r}.")
        return made

    async def delete(self, stage_id: str, name: str) -> None:
        """Take one away, in force on return; raises NotFound."""
        stage = await self._stage(stage_id)
        if all(resource.name != name for resource in await self.of_stage(stage_id)):
            raise NotFound(f"Stage {stage.name!r} has no path named {name!r} of a user's own.")
        await self._gateway().remove_resource(name)
        await self._record(stage, f"The path named {name!r} was taken from the gateway.")

    def _gateway(self) -> Gateway:
        check_gateway(self._context)
        assert self._context.gateway is not None
        return self._context.gateway

    async def _stage(self, stage_id: str) -> Stage:
        return await self._context.store.read(lambda db: stages.get(db, stage_id))

    async def _record(self, stage: Stage, words: str) -> None:
        now = self._context.clock.now()
        await self._context.store.write(
            lambda db: events.record(db, stages.KIND, stage.id, now, events.EventType.REQUEST, message=words)
        )
