"""Endpoints: create, list, change, delete, change of the default stage, API keys (EP). Controllers do the rest."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from easymaker_local.domain.endpoint import DefaultChange, Endpoint, EndpointStatus, Stage, StageStatus, Wish
from easymaker_local.domain.endpoint_spec import EndpointChange, EndpointSpec
from easymaker_local.domain.gateway import DEFAULT_STAGE_NAME
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Reason
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.kit.ids import new_id
from easymaker_local.services.api_keys import api_key_of, make_api_key, seal_api_key
from easymaker_local.services.broken_endpoints import discard_broken, discard_endpoint
from easymaker_local.services.context import Context
from easymaker_local.services.endpoint_views import ShownEndpoint, look_at_gateway, read_endpoint, told
from easymaker_local.services.stage_checks import plan_stage
from easymaker_local.services.stage_rows import add_stage, check_gateway
from easymaker_local.store import endpoints, events, stages
from easymaker_local.store.database import Work
from easymaker_local.store.endpoints import Wanted

_WAITS_HINT = (
    "It waits for room: with --stop-first (REST: stopFirst) the present default stage is deleted first, and requests wait "
    "meanwhile."
)


@dataclass(frozen=True)
class Created:
    """A new endpoint, with its API key if it was to have one."""

    shown: ShownEndpoint
    api_key: str | None


class Endpoints:
    """REST, and later pipelines, all create endpoints here and obey the same rules."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, spec: EndpointSpec) -> Created:
        """Ask for an endpoint with its default stage; raises InvalidRequest with every field at fault, Conflict without a
        gateway (EP-02)."""
        endpoint_id, stage_id = new_id(), new_id()
        key = make_api_key() if spec.api_key_enable else None
        sealed = None if key is None else seal_api_key(self._context, endpoint_id, key)
        shown = await self._context.store.write(self._creation(spec, endpoint_id, stage_id, sealed))
        self._hint(endpoint_id, stage_id)
        return Created(await self._told(shown), key)

    async def check(self, spec: EndpointSpec) -> None:
        """Raise what ``create`` would raise; nothing is created."""
        await self._context.store.rehearse(self._creation(spec, new_id(), new_id(), None))

    def _creation(self, spec: EndpointSpec, endpoint_id: str, stage_id: str, sealed_key: str | None) -> Work[ShownEndpoint]:
        """Return what checks all that is asked for and inserts the endpoint; raises Conflict without a gateway."""
        context = self._context
        check_gateway(context)
        now = context.clock.now()
        tags = tuple({"tagKey": tag.tag_key, "tagValue": tag.tag_value} for tag in spec.tag_list)

        def insert(db: sqlite3.Connection) -> ShownEndpoint:
            # Models are looked at in the transaction that deploys them, so that a deletion cannot slip between (DP-20).
            faults = _name_faults(db, spec.endpoint_name)
            try:
                plan = plan_stage(context, db, spec, [DEFAULT_STAGE_NAME])
            except InvalidRequest as error:
                raise InvalidRequest([*faults, *error.fields]) from None
            if faults:
                raise InvalidRequest(faults)
            endpoint = Endpoint(
                endpoint_id, spec.endpoint_name, spec.description, tags, sealed_key, EndpointStatus.CREATE_REQUESTED,
                Wish.SERVE, None, stage_id, None, now,
            )  # fmt: skip
            endpoints.add(db, endpoint)
            add_stage(context, db, plan, endpoint_id, stage_id, DEFAULT_STAGE_NAME, now)
            return read_endpoint(context, db, endpoint)

        return insert

    async def find(self, endpoint_id: str) -> ShownEndpoint | Quarantined:
        """Return one, to be shown, whether its row can be read or not; raises NotFound."""
        context = self._context

        def read(db: sqlite3.Connection) -> ShownEndpoint | Quarantined:
            found = endpoints.find(db, endpoint_id)
            return found if isinstance(found, Quarantined) else read_endpoint(context, db, found)

        found = await context.store.read(read)
        return found if isinstance(found, Quarantined) else await self._told(found)

    async def page(self, wanted: Wanted, request: PageRequest) -> Page[ShownEndpoint | Quarantined]:
        """Return a page of those wanted."""
        context = self._context

        def read(db: sqlite3.Connection) -> Page[ShownEndpoint | Quarantined]:
            page = endpoints.page(db, wanted, request)
            return page.with_rows(
                [found if isinstance(found, Quarantined) else read_endpoint(context, db, found) for found in page.rows]
            )

        page = await context.store.read(read)
        return page.with_rows([row if isinstance(row, Quarantined) else await self._told(row) for row in page.rows])

    async def events(self, endpoint_id: str, after: int) -> list[events.Event]:
        """Return the history after event id ``after``."""

        def read(db: sqlite3.Connection) -> list[events.Event]:
            endpoints.find(db, endpoint_id)
            return events.of_resource(db, endpoints.KIND, endpoint_id, after)

        return await self._context.store.read(read)

    async def change(self, endpoint_id: str, change: EndpointChange) -> ShownEndpoint:
        """Change description or tags (GN-13); what is absent stays. The name is a part of URLs and stays."""
        context = self._context
        if not change.model_fields_set:
            raise InvalidRequest([FieldError("description", "give a description or tags")])

        def apply(db: sqlite3.Connection) -> ShownEndpoint:
            endpoint = endpoints.get(db, endpoint_id)
            if "description" in change.model_fields_set:
                endpoint = replace(endpoint, description=change.description)
            if change.tag_list is not None:
                tags = tuple({"tagKey": tag.tag_key, "tagValue": tag.tag_value} for tag in change.tag_list)
                endpoint = replace(endpoint, tags=tags)
            endpoints.change(db, endpoint, endpoint.description, endpoint.tags, context.clock.now())
            return read_endpoint(context, db, endpoint)

        return await self._told(await context.store.write(apply))

    async def delete(self, endpoint_id: str) -> None:
        """Ask for the deletion (EP-36, EP-37); models are released at once. Calm if it was asked for before.

        What cannot be read, of which no controller knows what to do, is removed here and now.
        """
        context = self._context

        def check(db: sqlite3.Connection) -> tuple[Endpoint | Quarantined, list[str]]:
            endpoint = endpoints.find(db, endpoint_id)
            if isinstance(endpoint, Endpoint) and endpoint.wish is not Wish.DELETE:
                refuse_while_changing(endpoint)
                _check_only_default(db, endpoint)
            return endpoint, stages.ids_of(db, endpoint_id)

        found, stage_ids = await context.store.read(check)
        if isinstance(found, Quarantined):
            await discard_endpoint(context, found)
            return
        for stage_id in stage_ids:
            await discard_broken(context, stage_id)

        def want(db: sqlite3.Connection) -> None:
            endpoint, _ = check(db)
            if isinstance(endpoint, Endpoint) and endpoint.wish is not Wish.DELETE:
                endpoints.want(db, endpoint_id, Wish.DELETE, context.clock.now(), "Its deletion was asked for.")

        await context.store.write(want)
        self._hint(endpoint_id)

    async def retry_deletion(self, endpoint_id: str) -> None:
        """Let a deletion that hangs be tried again now (EP-31); raises Conflict if none was asked for."""
        now = self._context.clock.now()

        def want(db: sqlite3.Connection) -> None:
            endpoint = endpoints.get(db, endpoint_id)
            if endpoint.wish is not Wish.DELETE:
                raise Conflict(f"Endpoint {endpoint_id} is {endpoint.status}, and nobody has asked for its deletion.")
            endpoints.want(db, endpoint_id, Wish.DELETE, now, "Its deletion shall be tried again.")

        await self._context.store.write(want)
        self._hint(endpoint_id)

    async def change_default(self, endpoint_id: str, stage_id: str, *, stop_first: bool) -> ShownEndpoint:
        """Ask that another stage becomes the default one (EP-32…EP-34); the former one is deleted afterwards.

        ``stop_first`` is for one that only waits for the room of the present one: that is deleted first, and requests wait.
        """
        context = self._context

        def begin(db: sqlite3.Connection) -> ShownEndpoint:
            endpoint = endpoints.get(db, endpoint_id)
            target = target_of(db, endpoint, stage_id)
            check_change(endpoint, target, stop_first=stop_first)
            change = DefaultChange(target.id, stop_first and target.status is not StageStatus.ACTIVE)
            message = f"Stage {target.name!r} ({target.id}) shall become the default stage."
            endpoints.set_change(db, endpoint_id, change, context.clock.now(), message)
            return read_endpoint(context, db, replace(endpoint, change=change))

        shown = await context.store.write(begin)
        self._hint(endpoint_id, stage_id)
        return await self._told(shown)

    async def api_key(self, endpoint_id: str) -> str | None:
        """Return the key that calls need (GW-L05); None: they need none."""
        return api_key_of(self._context, await self._context.store.read(lambda db: endpoints.get(db, endpoint_id)))

    async def set_api_key(self, endpoint_id: str, *, enable: bool) -> str | None:
        """Make a new key, with which the former one ends, or let calls need none; returns the key."""
        context = self._context
        key = make_api_key() if enable else None
        sealed = None if key is None else seal_api_key(context, endpoint_id, key)

        def write(db: sqlite3.Connection) -> list[str]:
            endpoint = endpoints.get(db, endpoint_id)
            refuse_deleted(endpoint)
            words = "Calls need a new API key now." if enable else "Calls need no API key any more."
            endpoints.set_api_key(db, endpoint_id, sealed, context.clock.now(), words)
            ids = [stage.id for stage in stages.of_endpoint(db, endpoint_id)]
            for stage_id in ids:
                stages.touch(db, stage_id)
            return ids

        self._hint(endpoint_id, *await context.store.write(write))
        return key

    async def _told(self, shown: ShownEndpoint) -> ShownEndpoint:
        deployed = await look_at_gateway(self._context, [stage.stage.id for stage in shown.stages])
        return replace(shown, stages=tuple(told(stage, deployed) for stage in shown.stages))

    def _hint(self, endpoint_id: str, *stage_ids: str) -> None:
        self._context.hinter.hint(endpoints.KIND, endpoint_id)
        for stage_id in stage_ids:
            self._context.hinter.hint(stages.KIND, stage_id)


def refuse_deleted(endpoint: Endpoint) -> None:
    """Raise Conflict if the endpoint is to be deleted."""
    if endpoint.wish is Wish.DELETE:
        raise Conflict(f"Endpoint {endpoint.id} is being deleted.")


def refuse_while_changing(endpoint: Endpoint) -> None:
    """Raise Conflict if the default stage is just being changed, which cannot be cancelled (EP-32)."""
    if endpoint.change is not None:
        raise Conflict(
            f"The default stage of endpoint {endpoint.id} is being changed to {endpoint.change.stage_id}.",
            hint="Wait until it has.",
        )


def target_of(db: sqlite3.Connection, endpoint: Endpoint, stage_id: str) -> Stage:
    """Return a stage of the endpoint; raises InvalidRequest if it is none."""
    try:
        stage = stages.get(db, stage_id)
    except NotFound as error:
        raise InvalidRequest([FieldError("endpointStageId", error.message)]) from None
    if stage.endpoint_id != endpoint.id:
        raise InvalidRequest([FieldError("endpointStageId", f"endpoint {endpoint.name!r} has no stage {stage_id!r}")])
    return stage


def waits_for_room(stage: Stage) -> bool:
    """True if nothing but room on the machine is missing."""
    is_waiting = stage.cause is not None and stage.cause.reason is Reason.WAITING_FOR_RESOURCES
    return stage.status is StageStatus.CREATE_REQUESTED and is_waiting


def check_change(endpoint: Endpoint, target: Stage, *, stop_first: bool) -> None:
    """Raise Conflict if the stage cannot become the default one now (EP-34)."""
    refuse_deleted(endpoint)
    refuse_while_changing(endpoint)
    if target.id == endpoint.default_stage_id:
        raise Conflict(f"Stage {target.name!r} is the default stage already.")
    if target.wish is Wish.DELETE:
        raise Conflict(f"Stage {target.name!r} is being deleted.")
    if target.status is StageStatus.ACTIVE or (stop_first and waits_for_room(target)):
        return
    raise Conflict(
        f"Stage {target.name!r} is {target.status}; it can become the default stage in {StageStatus.ACTIVE}.",
        hint=_WAITS_HINT if waits_for_room(target) else None,
    )


def _name_faults(db: sqlite3.Connection, name: str) -> list[FieldError]:
    """EP-04."""
    taken = endpoints.of_name(db, name)
    if taken is None:
        return []
    is_leaving = isinstance(taken, Endpoint) and taken.wish is Wish.DELETE
    more = ", which is just being deleted" if is_leaving else ""
    return [FieldError("endpointName", f"is taken by endpoint {taken.id}{more}")]


def _check_only_default(db: sqlite3.Connection, endpoint: Endpoint) -> None:
    """EP-36."""
    others = [
        stage
        for stage in stages.newest(db, endpoint_id=endpoint.id)
        if stage.id != endpoint.default_stage_id and not (isinstance(stage, Stage) and stage.wish is Wish.DELETE)
    ]
    if others:
        names = ", ".join(f"{stage.name!r} ({stage.id}, {stage.status})" for stage in others)
        paths = [f"{endpoint.name}/{stage.name}" for stage in others]
        raise Conflict(
            f"Endpoint {endpoint.id} has other stages than the default one: {names}.",
            hint=f"Delete them first: easymaker-local stage delete {' '.join(paths)}",
        )
