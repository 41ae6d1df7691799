"""What the fields of a stage or stage resource alone cannot tell: models, flavors, the machine. All faults are collected."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from easymaker_local.domain.allocation import Ask, allot, usable_of
from easymaker_local.domain.endpoint import Pod, PodState, Stage, StageResource
from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.endpoint_urls import NOT_FOR_MODELS, name_clash
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import Amount, Waiting, amount_of, never_fits
from easymaker_local.domain.model_record import Model, ModelStatus
from easymaker_local.domain.serving import uses_gpu
from easymaker_local.errors import BrokenRecord, Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.services.context import Context
from easymaker_local.services.runtime_expiry import refused_by_expiry
from easymaker_local.settings import Settings
from easymaker_local.store import models, stages

_RESOURCES = "endpointModelResourceList"


@dataclass(frozen=True)
class PlannedResource:
    """A stage resource that could be made: its model, what each pod takes, and what its user should know beforehand."""

    spec: ResourceSpec
    model: Model
    demand: Amount
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class StagePlan:
    """A stage that could be made. ``usable`` is what pods may have of each node (RI-L01)."""

    settings: StageSettings
    flavor: Flavor
    usable: Amount
    resources: tuple[PlannedResource, ...]

    @property
    def request(self) -> Waiting:
        """What it asks of the ledger."""
        return request_of(self.flavor, self.settings.node_count)


def base_of(settings: Settings) -> Amount:
    """Return what no pod gets of each node (RI-L01)."""
    return Amount(round(settings.serving_base_cpus * 1000), settings.serving_base_memory_mib)


def request_of(flavor: Flavor, nodes: int, stage_id: str = "") -> Waiting:
    """Return what so many nodes ask of the ledger."""
    return Waiting(stages.KIND, stage_id, (amount_of(flavor),) * nodes, gpu_model=flavor.gpu_model)


def plan_stage(
    context: Context, db: sqlite3.Connection, settings: StageSettings, stage_names: Iterable[str] = (),
    other_models: Iterable[str] = (),
) -> StagePlan:  # fmt: skip
    """Return how a stage would be made; raises InvalidRequest with every field at fault.

    ``stage_names`` are those of the endpoint with the new one, ``other_models`` the names of models on its other stages.
    """
    faults: list[FieldError] = []
    flavor = _flavor(context, settings, faults)
    specs = settings.endpoint_model_resource_list
    found = [_model(db, spec, f"{_RESOURCES}.{i}.modelId", faults) for i, spec in enumerate(specs)]
    known = [model for model in found if model is not None]
    _check_names(specs, found, known, stage_names, other_models, faults)
    demands: list[Amount] = []
    if flavor is not None and len(known) == len(specs):
        usable = usable_of(flavor, base_of(context.settings))
        asks = [
            Ask(spec.resource_option_detail, spec.pod_count, uses_gpu(model.format), f"{_RESOURCES}.{i}.resourceOptionDetail")
            for i, (spec, model) in enumerate(zip(specs, known, strict=True))
        ]
        demands, more = allot(asks, usable, [usable] * settings.node_count, _gpu_advice(context))
        faults += more
    if faults or flavor is None:
        raise InvalidRequest(faults)
    resources = tuple(
        PlannedResource(spec, model, demand, warnings_of(context, flavor, model, demand))
        for spec, model, demand in zip(specs, known, demands, strict=True)
    )
    return StagePlan(settings, flavor, usable_of(flavor, base_of(context.settings)), resources)


def plan_resource(
    context: Context, db: sqlite3.Connection, stage: Stage, spec: ResourceSpec, stage_names: Iterable[str]
) -> PlannedResource:
    """Return how one more resource of a stage would be made; raises InvalidRequest with every field at fault.

    Raises Conflict if the stage runs on an expired runtime version (UP-L03).
    """
    pods = stages.pods_of(db, stage.id)
    expired = refused_by_expiry(db, pods, context.settings, context.clock.now())
    if expired is not None:
        raise Conflict(f"Stage {stage.name!r} gets no more models: {expired}.")
    faults: list[FieldError] = []
    model = _model(db, spec, "modelId", faults)
    if model is None:
        raise InvalidRequest(faults)
    others = stages.resources_of(db, stage.id)
    specs = [*(other.spec for other in others), spec]
    found = [*(_known_model(db, other.model_id) for other in others), model]
    _check_names(specs, found, [one for one in found if one is not None], stage_names, (), faults, last_only=True)
    usable = usable_of(stage.flavor, base_of(context.settings))
    ask = Ask(spec.resource_option_detail, spec.pod_count, uses_gpu(model.format), "resourceOptionDetail")
    demands, more = allot([ask], usable, free_of(stage, usable, others, pods), _gpu_advice(context))
    if faults + more:
        raise InvalidRequest(faults + more)
    return PlannedResource(spec, model, demands[0], warnings_of(context, stage.flavor, model, demands[0]))


def free_of(stage: Stage, usable: Amount, resources: Sequence[StageResource], pods: Sequence[Pod]) -> list[Amount]:
    """Return what is left of each node of a stage, with all pods that are wanted; those without a node are put where it is."""
    demand = {resource.id: resource.demand for resource in resources}
    nodes: dict[str, Amount] = {}
    placed: dict[str, int] = {}
    for pod in pods:
        if pod.node is not None and pod.state is not PodState.LEAVING and pod.resource_id in demand:
            nodes[pod.node] = nodes.get(pod.node, usable) - demand[pod.resource_id]
            placed[pod.resource_id] = placed.get(pod.resource_id, 0) + 1
    free = [*nodes.values(), *[usable] * max(0, stage.wanted_nodes - len(nodes))]
    for resource in resources:
        missing = max(resource.wanted_pods, resource.spec.pod_count) - placed.get(resource.id, 0)
        for _ in range(missing):
            node = next((i for i, room in enumerate(free) if resource.demand.fits_into(room)), 0)
            free[node] -= resource.demand
    return free


def warnings_of(context: Context, flavor: Flavor, model: Model, demand: Amount) -> tuple[str, ...]:
    """Return what is allowed but may not go well (RI-05, RI-L02)."""
    found = []
    least = context.settings.serving_minimum_memory_mib.get(model.format, 0)
    if demand.memory_mib < least:
        found.append(
            f"{demand.memory_mib} MiB is less than the {least} MiB that {_framework(model.format)} usually needs: "
            "it may not start."
        )
    if flavor.gpu_count and not demand.gpus and uses_gpu(model.format):
        found.append(f"It gets no GPU of {flavor.name} and computes on the CPU: its share is less than one device.")
    return tuple(found)


def _framework(model_format: str) -> str:
    """Return a framework as users write it: ``hugging-face``."""
    return model_format.lower().replace("_", "-")


def _flavor(context: Context, settings: StageSettings, faults: list[FieldError]) -> Flavor | None:
    try:
        flavor = context.flavor(settings.flavor_id)
    except NotFound as error:
        faults.append(FieldError("flavorId", error.message))
        return None
    never = never_fits(request_of(flavor, settings.node_count), context.machine)
    if never is not None:
        nodes = f" times {settings.node_count} nodes" if settings.node_count > 1 else ""
        advice = "Choose a smaller flavor or fewer nodes." if nodes else "Choose a smaller flavor."
        faults.append(FieldError("flavorId", f"{flavor.name}{nodes} can never run here: {never.message} {advice}"))
    return flavor


def _model(db: sqlite3.Connection, spec: ResourceSpec, field: str, faults: list[FieldError]) -> Model | None:
    try:
        model = models.get(db, spec.model_id)
    except (NotFound, BrokenRecord) as error:
        faults.append(FieldError(field, error.message))
        return None
    if model.status is not ModelStatus.ACTIVE:  # SR-01
        faults.append(FieldError(field, f"model {model.name!r} is {model.status}, not ACTIVE"))
    if model.name in NOT_FOR_MODELS:
        faults.append(FieldError(field, f"a model named {model.name!r} has no path of its own below a stage"))
    return model


def _known_model(db: sqlite3.Connection, model_id: str) -> Model | None:
    try:
        return models.get(db, model_id)
    except (NotFound, BrokenRecord):
        return None


def _check_names(
    specs: Sequence[ResourceSpec], found: Sequence[Model | None], known: Sequence[Model], stage_names: Iterable[str],
    other_models: Iterable[str], faults: list[FieldError], *, last_only: bool = False,
) -> None:  # fmt: skip
    """Name what would share a path: models of one name, resource paths of two models, a stage and a model."""
    by_name: dict[str, Model] = {}
    paths: dict[str, str] = {}
    of_model: dict[str, str] = {}
    for i, (spec, model) in enumerate(zip(specs, found, strict=True)):
        if model is None:
            continue
        prefix = "" if last_only else f"{_RESOURCES}.{i}."
        is_told = not last_only or i == len(specs) - 1
        if by_name.setdefault(model.name, model).id != model.id and is_told:
            words = f"two models named {model.name!r} on one stage would have the same path"
            faults.append(FieldError(f"{prefix}modelId", words))
        path = spec.apigw_resource_uri
        is_taken = bool(path) and paths.setdefault(path, model.id) != model.id
        if (is_taken or of_model.setdefault(model.id, path) != path) and is_told:
            words = "one path for each model, and no two models with the same"
            faults.append(FieldError(f"{prefix}apigwResourceUri", words))
    clash = name_clash(stage_names, [*(model.name for model in known), *other_models])
    if clash is not None:
        words = f"a model and a stage of the endpoint are both named {clash!r}, which would mean either in URLs"
        faults.append(FieldError("modelId" if last_only else _RESOURCES, words))


def _gpu_advice(context: Context) -> str:
    """Return what there is on this machine for somebody who wants a part of a GPU (SR-L02)."""
    instances = {gpu.model for gpu in context.gpus.last.gpus if gpu.is_mig}
    names = [flavor.name for flavor in context.flavors if flavor.gpu_model in instances]
    if names:
        return f"the GPUs of this machine that are split by MIG are flavors of their own: {', '.join(names)}"
    return "a GPU that its administrator splits by MIG is offered here in parts"
