"""What the autoscaler sees of a stage, and how it writes what it has decided (AS)."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from easymaker_local.domain.allocation import usable_of
from easymaker_local.domain.autoscaling import Decision
from easymaker_local.domain.endpoint import Pod, PodState, ResourceStatus, Stage, StageResource, StageStatus, Wish
from easymaker_local.domain.endpoint_spec import ScaleMetric
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.node_scaling import Layout, room_for
from easymaker_local.domain.placement import Node, Placed, Unplaced
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.errors import BrokenRecord, NotFound
from easymaker_local.services.runtime_expiry import refused_by_expiry
from easymaker_local.services.stage_checks import base_of
from easymaker_local.settings import Settings
from easymaker_local.store import ledger, models, stages
from easymaker_local.store.events import EventType, record

log = logging.getLogger(__name__)

_SERVING = {StageStatus.ACTIVE, StageStatus.DEPLOY_IN_PROGRESS, StageStatus.DEPLOY_FAILED}


@dataclass
class ScaledStage:
    """Rows of a stage that serves, as they were at one moment. ``wanted``: pods by stage resource, with this pass's decisions.

    ``held`` are its bookings, each with its devices; ``waits``: one more waits in the queue. ``names`` are those of its models.
    ``refused``: why it is not scaled out, None if it may be (UP-L03).
    """

    stage: Stage
    resources: Sequence[StageResource]
    pods: Sequence[Pod]
    held: dict[str, tuple[str, ...]]
    waits: bool
    usable: Amount
    names: dict[str, str]
    refused: str | None = None
    wanted: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wanted = {resource.id: resource.wanted_pods for resource in self.resources}

    @property
    def id(self) -> str:
        """The stage's."""
        return self.stage.id

    @property
    def scaled(self) -> list[StageResource]:
        """Return the stage resources that are awake and whose pods are scaled, or put to sleep."""
        return [one for one in self.resources if _is_scaled(one) and one.status is ResourceStatus.ACTIVE and one.wanted_pods]

    @property
    def scaled_by_requests(self) -> list[StageResource]:
        """Return those that are scaled by the requests under way."""
        return [
            one for one in self.scaled
            if one.spec.pod_auto_scale_enable and one.spec.scale_metric_code is ScaleMetric.REQUESTS
        ]  # fmt: skip

    @property
    def needs_loads(self) -> bool:
        """True if the gateway has to be asked."""
        return bool(self.scaled_by_requests) or any(one.spec.scale_to_zero_idle_minutes for one in self.scaled)

    def measured_pods(self) -> Iterator[tuple[Pod, Amount]]:
        """Yield the pods whose use of CPU or memory counts, with their limits."""
        for one in self.scaled:
            if one.spec.pod_auto_scale_enable and one.spec.scale_metric_code is not ScaleMetric.REQUESTS:
                yield from ((pod, one.demand) for pod in self.ready_pods(one))

    def ready_pods(self, resource: StageResource) -> list[Pod]:
        """Return the pods of a stage resource that answer."""
        return [pod for pod in self.pods if pod.resource_id == resource.id and pod.state is PodState.READY]

    def ready_of_model(self, model_id: str) -> int:
        """Return how many pods answer for a model: those of all stage resources that carry it share its requests."""
        return sum(len(self.ready_pods(one)) for one in self.resources if one.model_id == model_id)

    def limit_of(self, resource: StageResource) -> tuple[int, str]:
        """Return how many pods of a stage resource the stage can have, beside those of the others, and that in words.

        Nodes count that it has been promised: those that are wanted, or as many as its autoscaler may add.
        """
        settings = self.stage.spec
        count = max(len(self.held), settings.ca_max_node_count if settings.ca_enable else self.stage.wanted_nodes)
        empty = [self._node(f"more-{number}") for number in range(count - len(self.held))]
        mine = sum(pod.resource_id == resource.id for pod in self._placed())
        limit = room_for(resource.demand, self.layout(without=resource), mine, empty)
        return limit, f"{count} node{'s have' if count > 1 else ' has'} room for {limit}"

    def layout(self, without: StageResource | None = None) -> Layout:
        """Return nodes, pods that have a place, and those that still need one, except those of ``without``.

        Pods that leave do not count: their place is free in a moment.
        """
        placed = self._placed()
        demands = {one.id: one.demand for one in self.resources}
        pending = [
            Unplaced(f"{one.id} {number}", one.demand)
            for one in self.resources
            if one is not without
            for number in range(self.wanted[one.id] - sum(pod.resource_id == one.id for pod in placed))
        ]
        nodes = [self._node(name, devices) for name, devices in self.held.items()]
        there = [Placed(pod.id, demands[pod.resource_id], pod.node or "", pod.devices) for pod in placed]
        return Layout(tuple(nodes), tuple(there), tuple(pending))

    def _placed(self) -> list[Pod]:
        ids = {one.id for one in self.resources}
        return [
            pod for pod in self.pods if pod.node in self.held and pod.state is not PodState.LEAVING and pod.resource_id in ids
        ]

    def _node(self, name: str, devices: tuple[str, ...] | None = None) -> Node:
        expected = tuple(f"{name} {number}" for number in range(self.usable.gpus))
        return Node(name, self.usable, expected if devices is None else devices)


def scaled_stages(db: sqlite3.Connection, settings: Settings, now: float) -> list[ScaledStage]:
    """Return the stages that serve and of which something is scaled; those that cannot be read are left as they are."""
    found = []
    for stage in stages.newest(db):
        if isinstance(stage, Stage) and stage.wish is Wish.SERVE and stage.status in _SERVING:
            try:
                scaled = _scaled_stage(db, stage, settings, now)
            except BrokenRecord as error:
                log.warning("autoscaler: stage %s: %s", stage.id, error)
                continue
            if scaled is not None:
                found.append(scaled)
    return found


def _scaled_stage(db: sqlite3.Connection, stage: Stage, settings: Settings, now: float) -> ScaledStage | None:
    there = [one for one in stages.resources_of(db, stage.id) if one.wish is Wish.SERVE]
    resources = [one for one in there if one.status is not ResourceStatus.CREATE_FAILED]
    if not stage.spec.ca_enable and not any(map(_is_scaled, resources)):
        return None
    key, pods = (stages.KIND, stage.id), stages.pods_of(db, stage.id)
    return ScaledStage(
        stage, resources, pods, dict(ledger.holdings(db, *key)), ledger.queued(db, *key) is not None,
        usable_of(stage.flavor, base_of(settings)), models.names(db, {one.model_id for one in resources}),
        refused_by_expiry(db, pods, settings, now),
    )  # fmt: skip


def _is_scaled(resource: StageResource) -> bool:
    return resource.spec.pod_auto_scale_enable or resource.spec.scale_to_zero_idle_minutes > 0


def write_pods(db: sqlite3.Connection, seen: StageResource, model_name: str, decision: Decision, now: float) -> bool:
    """Write what was decided, with its events on the stage resource and on the stage (AS-L02); False if the row has changed."""
    try:
        there = stages.find_resource(db, seen.id)
    except NotFound:
        return False
    expected = (seen.wish, seen.status, seen.wanted_pods)
    if isinstance(there, Quarantined) or (there.wish, there.status, there.wanted_pods) != expected:
        return False
    if decision.new != decision.old:
        stages.set_wanted_pods(db, seen.id, decision.new, now, decision.words)
    else:
        record(db, stages.RESOURCE_KIND, seen.id, now, EventType.NOTE, message=decision.words)
    record(db, stages.KIND, seen.stage_id, now, EventType.NOTE, message=f"{model_name}: {decision.words}")
    return True


def write_nodes(db: sqlite3.Connection, seen: Stage, decision: Decision, now: float) -> bool:
    """Write what was decided, with its event (AS-L02); False if the row has changed."""
    try:
        there = stages.find(db, seen.id)
    except NotFound:
        return False
    if isinstance(there, Quarantined) or (there.wish, there.wanted_nodes) != (seen.wish, seen.wanted_nodes):
        return False
    if decision.new != decision.old:
        stages.set_wanted_nodes(db, seen.id, decision.new, now, decision.words)
    else:
        record(db, stages.KIND, seen.id, now, EventType.NOTE, message=decision.words)
    return True
