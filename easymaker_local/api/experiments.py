"""Experiments (rest-api §6.4)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from easymaker_local.api.deps import After, Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.listing import IdPrefix, InOrder, answer_list
from easymaker_local.api.models import (
    EventListAnswer,
    EventView,
    ExperimentAnswer,
    ExperimentListAnswer,
    ExperimentView,
)
from easymaker_local.domain.experiment import Experiment, ExperimentChange, ExperimentSpec
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.services.services import Services
from easymaker_local.store.experiments import Wanted

router = APIRouter(tags=["experiments"])


def _view(services: Services, experiment: Experiment) -> ExperimentView:
    settings = services.context.settings
    return ExperimentView.of(experiment, settings.appkey, settings.gateway_url)


def _answer(services: Services, experiment: Experiment) -> ExperimentAnswer:
    return ExperimentAnswer(experiment=_view(services, experiment))


def _wanted(values: list[str] | None) -> list[str] | None:
    """Accept repeated keys and older SDKs' comma-joined value; a name may itself hold a comma (rest-api §1.6)."""
    if values is None:
        return None
    return list(dict.fromkeys(piece for value in values for piece in (value, *value.split(","))))


@router.post("/experiments")
async def create_experiment(appkey: Appkey, body: ExperimentSpec, services: ServicesDep) -> ExperimentAnswer:
    """Create an experiment; it is ACTIVE in the answer."""
    return _answer(services, await services.experiments.create(body))


@router.post("/experiments/check")
async def check_experiment(appkey: Appkey, body: ExperimentSpec, services: ServicesDep) -> Envelope:
    """Say whether an experiment could be created so, as its creation would; nothing is created."""
    await services.experiments.check(body)
    return Envelope()


@router.get("/experiments", response_model=ExperimentListAnswer)
async def list_experiments(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrder,
    ids: Annotated[list[str] | None, Query(alias="experimentIdList")] = None,
    names: Annotated[list[str] | None, Query(alias="experimentNameList")] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="experimentIdPrefix")] = None,
) -> Response:
    """List experiments, newest first unless asked otherwise; names are compared exactly. In pages if a limit is given."""
    wanted = Wanted(_wanted(ids), _wanted(names), id_prefix)

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.experiments.page(wanted, request)
        views = (_view(services, experiment) for experiment in page.rows)
        return page.with_rows([view.model_dump_json(by_alias=True).encode() for view in views])

    return await answer_list("experimentList", read, asked)


@router.get("/experiments/{experiment_id}")
async def get_experiment(appkey: Appkey, experiment_id: str, services: ServicesDep) -> ExperimentAnswer:
    """Show one experiment."""
    return _answer(services, await services.experiments.get(experiment_id))


@router.patch("/experiments/{experiment_id}")
async def change_experiment(
    appkey: Appkey, experiment_id: str, body: ExperimentChange, services: ServicesDep
) -> ExperimentAnswer:
    """Change name or description; what is absent stays."""
    return _answer(services, await services.experiments.change(experiment_id, body))


@router.put("/experiments/{experiment_id}/retry")
async def retry_experiment(appkey: Appkey, experiment_id: str, services: ServicesDep) -> ExperimentAnswer:
    """Repair an experiment whose creation failed."""
    return _answer(services, await services.experiments.retry(experiment_id))


@router.delete("/experiments/{experiment_id}")
async def delete_experiment(appkey: Appkey, experiment_id: str, services: ServicesDep) -> Envelope:
    """Delete an experiment that nothing unfinished belongs to; what ended in it is kept."""
    await services.experiments.delete(experiment_id)
    return Envelope()


@router.get("/experiments/{experiment_id}/events")
async def list_experiment_events(
    appkey: Appkey, experiment_id: str, services: ServicesDep, after: After = 0
) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.experiments.events(experiment_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])
