"""The end of endpoints, stages and stage resources whose rows cannot be read: no controller touches them or what they run."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from functools import partial

from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.store import endpoints, events, ledger, stages


async def discard_endpoint(context: Context, broken: Quarantined) -> None:
    """Remove an endpoint with its stages and all that these run. May be called again after a crash in the middle."""
    ids = await context.store.read(lambda db: stages.ids_of(db, broken.id))
    for stage_id in ids:
        await discard_stage(context, stage_id)
    if context.gateway is not None:
        await context.gateway.remove_service(broken.id)

    def forget(db: sqlite3.Connection) -> None:
        endpoints.delete(db, broken)
        events.forget(db, endpoints.KIND, broken.id)

    await context.store.write(forget)


async def discard_stage(context: Context, stage_id: str) -> None:
    """Remove a stage with its resources and all that it runs."""
    if context.gateway is not None:
        await context.gateway.remove_stage(stage_id)
    pods = await context.store.read(lambda db: stages.pod_ids(db, stage_id))
    await _end_pods(context, stage_id, pods)

    def forget(db: sqlite3.Connection) -> None:
        for resource in stages.newest_resources(db, stage_id=stage_id):
            _forget_resource(db, resource.id)
        ledger.release(db, stages.KIND, stage_id, context.clock.now())
        stages.delete(db, stages.find(db, stage_id))
        events.forget(db, stages.KIND, stage_id)

    await context.store.write(forget)
    context.hinter.hint(*QUEUE)


async def discard_broken(context: Context, stage_id: str) -> None:
    """Remove a stage if it cannot be read, otherwise those of its resources that cannot."""
    if isinstance(await context.store.read(lambda db: stages.find(db, stage_id)), Quarantined):
        await discard_stage(context, stage_id)
    else:
        await discard_resources(context, stage_id)


async def discard_resources(context: Context, stage_id: str, resource_id: str | None = None) -> None:
    """Remove the resources of a stage that cannot be read, or one of them, with their pods."""

    def find(db: sqlite3.Connection) -> dict[str, list[str]]:
        found = stages.newest_resources(db, stage_id=stage_id)
        broken = [r.id for r in found if isinstance(r, Quarantined) and resource_id in {None, r.id}]
        return {id_: stages.pod_ids(db, stage_id, id_) for id_ in broken}

    for id_, pods in (await context.store.read(find)).items():
        await _end_pods(context, stage_id, pods)
        await context.store.write(partial(_forget_resource, resource_id=id_))


async def _end_pods(context: Context, stage_id: str, pods: Collection[str]) -> None:
    for name in await context.driver.owned():
        # {kind}-{id}-{attempt}-{pod}
        kind, owner, *rest = name.split("-", 3)
        if (kind, owner) == (stages.KIND, stage_id) and rest[-1:] and rest[-1] in pods:
            await context.driver.remove(name)
    for pod_id in pods:
        await context.driver.close_network(f"{stages.KIND}-{stage_id}-{pod_id}")


def _forget_resource(db: sqlite3.Connection, resource_id: str) -> None:
    db.execute("DELETE FROM pods WHERE resource_id = ?", (resource_id,))
    stages.delete_resource(db, stages.find_resource(db, resource_id))
    events.forget(db, stages.RESOURCE_KIND, resource_id)
