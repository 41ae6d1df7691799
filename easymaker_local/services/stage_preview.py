"""What a stage would take, and whether it fits, before anything is asked for (RI-02, RI-09, EP-L02)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from easymaker_local.domain.allocation import usable_of
from easymaker_local.domain.endpoint import Stage
from easymaker_local.domain.endpoint_spec import StagePreview
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.gateway import DEFAULT_STAGE_NAME
from easymaker_local.domain.ledger import NOTHING, Amount, Key, Waiting, never_fits, plan
from easymaker_local.errors import Conflict, FieldError, InvalidRequest, NotFound
from easymaker_local.services.context import Context
from easymaker_local.services.endpoints import check_change, target_of, waits_for_room
from easymaker_local.services.stage_checks import StagePlan, base_of, plan_stage, request_of
from easymaker_local.services.stages import model_names
from easymaker_local.store import endpoints, ledger, model_use, stages
from easymaker_local.store.model_use import MeasuredLoad


@dataclass(frozen=True)
class Fit:
    """Whether something fits now beside all that runs; ``missing`` what is not free, ``holders`` who has it."""

    is_now: bool
    missing: Amount
    holders: tuple[Key, ...]
    names: Mapping[Key, str]
    words: str | None


@dataclass(frozen=True)
class PreviewedStage:
    """What a stage would take. ``fits_beside``: the machine is large enough for it and the endpoint's default stage at once;
    None: there is no such stage."""

    plan: StagePlan
    base: Amount
    fit: Fit
    fits_beside: bool | None
    loads: Mapping[str, MeasuredLoad]


@dataclass(frozen=True)
class PreviewedChange:
    """What a change of the default stage would do. ``refusal``: why it cannot begin now, None if it can.

    ``needs_stop_first``: it begins with "stop first" only, since the new stage waits for room beside the present one; requests
    would wait for about ``wait_seconds``, None: never measured. ``fits_beside``: the new stage has its room, or would have it
    now. ``fit`` None: it holds its nodes.
    """

    present: Stage | None
    target: Stage
    refusal: str | None
    needs_stop_first: bool
    fit: Fit | None
    fits_beside: bool
    wait_seconds: float | None


@dataclass(frozen=True)
class Usable:
    """What pods may use of an instance (RI-01, RI-02)."""

    flavor: Flavor
    base: Amount
    usable: Amount


class StagePreviews:
    """Only looks."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def usable(self, flavor_id: str) -> Usable:
        """Return what pods may use of an instance of a flavor; raises NotFound."""
        flavor, base = self._context.flavor(flavor_id), base_of(self._context.settings)
        return Usable(flavor, base, usable_of(flavor, base))

    async def stage(self, spec: StagePreview) -> PreviewedStage:
        """Return what a stage would take; raises InvalidRequest with every field at fault, as its creation would."""
        context = self._context

        def read(db: sqlite3.Connection) -> PreviewedStage:
            default, names, others = _beside(db, spec)
            plan_ = plan_stage(context, db, spec, names, others)
            return PreviewedStage(
                plan_, base_of(context.settings), _fit(context, db, plan_.request),
                None if default is None else _fits_beside(context, plan_.request, default),
                model_use.loads(db, [resource.model.id for resource in plan_.resources]),
            )  # fmt: skip

        return await context.store.read(read)

    async def default_change(self, endpoint_id: str, stage_id: str) -> PreviewedChange:
        """Return what it would mean to make a stage the default one."""
        context = self._context

        def read(db: sqlite3.Connection) -> PreviewedChange:
            endpoint = endpoints.get(db, endpoint_id)
            target = target_of(db, endpoint, stage_id)
            present = _find(db, endpoint.default_stage_id)
            is_waiting = waits_for_room(target)
            holds = any(b.ended_at is None and (b.kind, b.resource_id) == (stages.KIND, target.id) for b in ledger.booked(db))
            fit = None if holds else _fit(context, db, request_of(target.flavor, target.wanted_nodes, target.id))
            refusal = None
            try:
                check_change(endpoint, target, stop_first=is_waiting)
            except Conflict as error:
                refusal = str(error)
            measured = model_use.loads(db, [resource.model_id for resource in stages.resources_of(db, target.id)])
            return PreviewedChange(
                present, target, refusal, is_waiting, fit, fit is None or (fit.is_now and not is_waiting),
                max((load.load_seconds for load in measured.values()), default=None),
            )  # fmt: skip

        return await context.store.read(read)


def _beside(db: sqlite3.Connection, spec: StagePreview) -> tuple[Stage | None, list[str], list[str]]:
    """Return the default stage beside which the new one would stand, and the names that are taken on the endpoint."""
    if spec.endpoint_id is None:
        return None, [DEFAULT_STAGE_NAME], []
    try:
        endpoint = endpoints.get(db, spec.endpoint_id)
    except NotFound as error:
        raise InvalidRequest([FieldError("endpointId", error.message)]) from None
    names = [stage.name for stage in stages.newest(db, endpoint_id=endpoint.id)]
    if spec.apigw_stage_name is not None:
        if spec.apigw_stage_name in names:
            raise InvalidRequest([FieldError("apigwStageName", "is taken")])  # EP-05
        names.append(spec.apigw_stage_name)
    return _find(db, endpoint.default_stage_id), names, model_names(db, endpoint.id)


def _find(db: sqlite3.Connection, stage_id: str) -> Stage | None:
    try:
        found = stages.find(db, stage_id)
    except NotFound:
        return None
    return found if isinstance(found, Stage) else None


def _fit(context: Context, db: sqlite3.Connection, request: Waiting) -> Fit:
    machine, booked = context.machine, ledger.booked(db)
    alone = plan([request], machine, booked, now=context.clock.now(), backfill_seconds=context.settings.backfill_seconds)
    if alone.grants:
        return Fit(True, NOTHING, (), {}, None)
    held = sum((booking.amount for booking in booked), NOTHING)
    taken = {uuid for booking in booked for uuid in booking.devices}
    free_gpus = sum(request.accepts(g) and g.uuid not in taken and g.is_idle for g in machine.inventory.gpus)
    free = machine.capacity - held
    total = request.total
    missing = Amount(
        max(0, total.cpu_milli - free.cpu_milli), max(0, total.memory_mib - free.memory_mib), max(0, total.gpus - free_gpus)
    )
    holders = alone.holders(request)
    cause = alone.cause(request.key)
    return Fit(False, missing, holders, ledger.names(db, holders), None if cause is None else cause.message)


def _fits_beside(context: Context, request: Waiting, present: Stage) -> bool:
    """True if the machine is large enough for both, whatever else runs."""
    beside = request_of(present.flavor, present.wanted_nodes)
    model = request.gpu_model if request.total.gpus else beside.gpu_model
    both = Waiting(stages.KIND, "", request.members + beside.members, gpu_model=model)
    return never_fits(both, context.machine) is None
