"""One consistent look at a stage and everything around it, for one step of its controller."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from easymaker_local.domain.allocation import usable_of
from easymaker_local.domain.endpoint import Endpoint, Pod, Stage, StageResource, StageStatus
from easymaker_local.domain.image import Image
from easymaker_local.domain.ledger import Amount, Waiting
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.placement import Node, Placed
from easymaker_local.domain.pods import node_number, placed_of, wanted_of
from easymaker_local.domain.serving import serving_image
from easymaker_local.errors import NotFound
from easymaker_local.services.context import Context
from easymaker_local.services.stage_checks import base_of
from easymaker_local.settings import Settings
from easymaker_local.store import endpoints, ledger, models, stages


@dataclass(frozen=True)
class View:
    """Rows as they are now. ``models`` has no entry for one that is gone or cannot be read; ``queued``: see the ledger.

    ``strays``: pods of stage resources whose rows cannot be read. They run where they are, and nobody decides about them.
    """

    endpoint: Endpoint
    stage: Stage
    resources: tuple[StageResource, ...]
    pods: tuple[Pod, ...]
    holdings: Mapping[str, tuple[str, ...]]
    queued: Waiting | None
    models: Mapping[str, Model]
    strays: tuple[Pod, ...] = ()

    @cached_property
    def demands(self) -> dict[str, Amount]:
        """What each pod takes, by stage resource."""
        return {resource.id: resource.demand for resource in self.resources}

    def pods_of(self, resource: StageResource) -> list[Pod]:
        """Return the pods of one resource."""
        return [pod for pod in self.pods if pod.resource_id == resource.id]

    def resource_of(self, pod: Pod) -> StageResource:
        """Return whose a pod is."""
        return next(resource for resource in self.resources if resource.id == pod.resource_id)

    def placed(self, settings: Settings) -> list[Placed]:
        """Return the pods that have a place. What a stray takes is not known: nothing else goes onto its node."""
        whole = self._usable(settings)
        strays = [Placed(pod.id, whole, pod.node, pod.devices) for pod in self.strays if pod.node is not None]
        return [*(placed_of(pod, self.demands) for pod in self.pods if pod.node is not None), *strays]

    def nodes(self, settings: Settings) -> list[Node]:
        """Return the nodes that are booked, in their order, with what pods may use."""
        usable = self._usable(settings)
        return [Node(name, usable, self.holdings[name]) for name in sorted(self.holdings, key=node_number)]

    def _usable(self, settings: Settings) -> Amount:
        return usable_of(self.stage.flavor, base_of(settings))

    @property
    def is_idle(self) -> bool:
        """True if nothing of a created stage runs or is wanted to: it needs no node (scale to zero, or all has failed)."""
        is_created = self.stage.status in {StageStatus.ACTIVE, StageStatus.DEPLOY_FAILED}
        return is_created and not (self.pods or self.strays) and all(wanted_of(resource) == 0 for resource in self.resources)


def view(db: sqlite3.Connection, stage_id: str) -> View:
    """Read it; raises NotFound, and BrokenRecord if endpoint or stage cannot be read."""
    stage = stages.get(db, stage_id)
    resources = tuple(stages.resources_of(db, stage_id))
    found: dict[str, Model] = {}
    for model_id in {resource.model_id for resource in resources}:
        try:
            model = models.find(db, model_id)
        except NotFound:
            continue
        if isinstance(model, Model):
            found[model_id] = model
    ids = {resource.id for resource in resources}
    pods = stages.pods_of(db, stage_id)
    return View(
        endpoints.get(db, stage.endpoint_id), stage, resources, tuple(pod for pod in pods if pod.resource_id in ids),
        ledger.holdings(db, stages.KIND, stage_id), ledger.queued(db, stages.KIND, stage_id), found,
        tuple(pod for pod in pods if pod.resource_id not in ids),
    )  # fmt: skip


def image_of(context: Context, model: Model, stage: Stage) -> Image | None:
    """Return the image that serves a model on the nodes of a stage; None: the catalogue has it no longer."""
    return context.catalogue.by_id(serving_image(model.format, stage.flavor.core_type))


def work_folder(settings: Settings, stage_id: str) -> Path:
    """Return where the pods of a stage have their folders."""
    return settings.work / stages.KIND / stage_id
