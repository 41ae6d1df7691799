"""Carries the stage resources of a stage, and the rows of their pods, to what is wanted (SR-20…SR-25, EP-13, AS-10)."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field

from easymaker_local.controllers.stage_view import View, image_of, view
from easymaker_local.domain.endpoint import Pod, PodState, ResourceStatus, StageResource, StageStatus
from easymaker_local.domain.placement import Node, Placement, Unplaced, could_ever_fit, place
from easymaker_local.domain.pods import changes, live, wanted_of
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.stage import ResourceFacts, decide_resource
from easymaker_local.errors import PermanentError
from easymaker_local.kit.ids import new_id
from easymaker_local.services.context import Context
from easymaker_local.services.preparation import Preparation
from easymaker_local.settings import Settings
from easymaker_local.store import events, models, stages

R = ResourceStatus


@dataclass(frozen=True)
class Environments:
    """What became of the environments that resources need, by resource: those being prepared, and those that never will be."""

    preparing: dict[str, Cause] = field(default_factory=dict)
    failed: dict[str, Cause] = field(default_factory=dict)


async def prepare(context: Context, preparation: Preparation, seen: View) -> Environments:
    """Prepare what resources need that are being created: before anything is booked for them (architecture 6)."""
    found = Environments()
    for resource in seen.resources:
        if resource.status is not R.CREATE_REQUESTED:
            continue
        model = seen.models.get(resource.model_id)
        image = None if model is None else image_of(context, model, seen.stage)
        if model is None:
            found.failed[resource.id] = Cause(Reason.INPUT_MISSING, f"Model {resource.model_id} is gone.")
        elif image is None:
            words = f"The catalogue has no image that serves {model.format}."
            found.failed[resource.id] = Cause(Reason.ENVIRONMENT_FAILED, words)
        elif (failure := preparation.failure(image, resource.created_at, seen.stage.id)) is not None:
            found.failed[resource.id] = Cause(Reason.ENVIRONMENT_FAILED, failure)
        else:
            try:
                environment = await preparation.ready(image)
            except (PermanentError, OSError) as error:
                words = f"The files of the image {image.name!r} cannot be used: {error}"
                found.failed[resource.id] = Cause(Reason.ENVIRONMENT_FAILED, words)
                continue
            if environment is None:
                preparation.start(image, seen.stage.id)
                words = preparation.progress(image) or "The environment is being prepared."
                found.preparing[resource.id] = Cause(Reason.PREPARING_ENVIRONMENT, words)
    return found


@dataclass(frozen=True)
class Arrangement:
    """What is to be written: new pods by resource, pods that leave, places; ``unplaceable``: why, by pod."""

    add: dict[str, int]
    leave: tuple[str, ...]
    placement: Placement

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be written."""
        return not (any(self.add.values()) or self.leave or self.placement.spots)


NOTHING = Arrangement({}, (), Placement())
"""Nothing is arranged yet."""


def arrange(seen: View, settings: Settings, closed: str | None, idle: Collection[str] = ()) -> Arrangement:
    """Return what brings pods to what is wanted. Pure. ``idle``: resources that get no pods; ``closed``: see ``changes``."""
    add: dict[str, int] = {}
    leave: list[str] = []
    for resource in seen.resources:
        wanted = 0 if resource.id in idle else wanted_of(resource)
        found = changes(wanted, seen.pods_of(resource), closed)
        add[resource.id] = found.add
        leave += found.leave
    nodes = seen.nodes(settings)
    names = {node.name for node in nodes}
    placed = [pod for pod in seen.placed(settings) if pod.node in names]
    looking = [
        Unplaced(pod.id, seen.demands[pod.resource_id])
        for pod in live(seen.pods)
        if pod.node not in names and pod.id not in leave and pod.state is PodState.PENDING
    ]
    return Arrangement(add, tuple(leave), place(nodes, placed, looking, () if closed is None else {closed}))


async def arrange_pods(
    context: Context, seen: View, closed: str | None, idle: Collection[str] = ()
) -> tuple[bool, Arrangement]:
    """Write the rows of pods; return whether any changed, and what was found."""
    found = arrange(seen, context.settings, closed, idle)
    if found.is_empty:
        return False, found

    def write(db: sqlite3.Connection) -> None:
        # Once more, by the rows of this transaction: what is wanted is written by others at any time.
        now_seen = view(db, seen.stage.id)
        _apply(db, now_seen, arrange(now_seen, context.settings, closed, idle), context.clock.now())

    await context.store.write(write)
    return True, found


def _apply(db: sqlite3.Connection, seen: View, found: Arrangement, now: float) -> None:
    for resource in seen.resources:
        taken = {pod.number for pod in seen.pods_of(resource)}
        for _ in range(found.add[resource.id]):
            number = next(number for number in range(len(taken) + 1) if number not in taken)
            taken.add(number)
            stages.add_pod(db, Pod(new_id(), seen.stage.id, resource.id, number, PodState.PENDING, now))
    for pod_id in found.leave:
        stages.set_pod(db, pod_id, state=PodState.LEAVING)
    for pod_id, spot in found.placement.spots.items():
        stages.set_pod(db, pod_id, node=spot.node, devices=spot.devices)


async def settle(context: Context, seen: View, found: Arrangement, environments: Environments) -> bool:
    """Move the statuses of the resources on; True if one moved."""
    has_moved = False
    nodes = seen.nodes(context.settings)
    for resource in seen.resources:
        facts = _facts(seen, resource, nodes, found, environments)
        has_moved |= await _settle(context, seen, resource, facts)
    return has_moved


def _facts(
    seen: View, resource: StageResource, nodes: list[Node], found: Arrangement, environments: Environments
) -> ResourceFacts:
    unplaceable = [found.placement.unplaceable[p.id] for p in seen.pods_of(resource) if p.id in found.placement.unplaceable]
    is_hopeless = bool(nodes) and not any(could_ever_fit(resource.demand, node) for node in nodes)
    return ResourceFacts(
        failed=environments.failed.get(resource.id),
        preparing=environments.preparing.get(resource.id),
        unplaceable=Cause(Reason.WAITING_FOR_RESOURCES, unplaceable[0]) if unplaceable else None,
        is_hopeless=is_hopeless,
        is_unwanted=seen.stage.status is StageStatus.DELETE_IN_PROGRESS,
    )


async def _settle(context: Context, seen: View, resource: StageResource, facts: ResourceFacts) -> bool:
    now, pods = context.clock.now(), seen.pods_of(resource)
    if resource.status is R.DELETE_IN_PROGRESS:
        if pods:
            return False
        await context.store.write(lambda db: _delete(db, resource))
        context.hinter.hint(models.KIND, resource.model_id)  # its deletion may have waited for this
        return True
    step = decide_resource(resource, pods, facts, now)
    if step.to is None:
        if resource.status is R.CREATE_REQUESTED and facts.unplaceable is not None and nodes_are_there(seen):
            await _set_deadline(context, resource, now)
        if step.cause != resource.cause:
            await context.store.write(lambda db: stages.explain_resource(db, resource, step.cause, now))
        return False
    to, deadline = R(step.to), now + context.settings.serving_start_seconds

    def write(db: sqlite3.Connection) -> None:
        stages.transition_resource(db, resource, to, step.cause, now)
        if to is R.CREATE_IN_PROGRESS:
            stages.set_deadline(db, resource.id, deadline)

    await context.store.write(write)
    return True


def nodes_are_there(seen: View) -> bool:
    """True if the stage waits for no node: what has no place now waits for other pods to go."""
    return len(seen.holdings) >= seen.stage.wanted_nodes


async def _set_deadline(context: Context, resource: StageResource, now: float) -> None:
    if resource.deadline is None:
        deadline = now + context.settings.serving_start_seconds
        await context.store.write(lambda db: stages.set_deadline(db, resource.id, deadline))


def _delete(db: sqlite3.Connection, resource: StageResource) -> None:
    stages.delete_resource(db, resource)
    events.forget(db, stages.RESOURCE_KIND, resource.id)
