"""Hyperparameter tunings (rest-api §6.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from easymaker_local.api.deps import After, Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.listing import IdPrefix, InOrder, answer_built, answer_list
from easymaker_local.api.models import CopySourceAnswer, EventListAnswer, EventView
from easymaker_local.api.tuning_models import (
    AnalysisAnswer,
    PointListAnswer,
    TrialAnswer,
    TrialListAnswer,
    TrialView,
    TuningAnswer,
    TuningListAnswer,
    TuningView,
)
from easymaker_local.domain.experiment import Experiment
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.tuning import TuningStatus
from easymaker_local.domain.tuning_spec import TuningChange, TuningSpec
from easymaker_local.services.analysis import analyse
from easymaker_local.services.services import Services
from easymaker_local.services.tunings import Overview
from easymaker_local.store.tunings import Wanted

router = APIRouter(tags=["hyperparameter tunings"])

MAXIMUM_POINTS = 10_000


def _view(
    services: Services, found: Overview | Quarantined, experiment: Experiment | None, models: Sequence[Model]
) -> TuningView:
    context = services.context
    if isinstance(found, Quarantined):
        return TuningView.of_broken(found, context.settings.appkey)
    image = services.tunings.image(found.tuning)
    return TuningView.of(found, image=image, experiment=experiment, models=models, context=context)


async def _answer(services: Services, found: Overview | Quarantined) -> TuningAnswer:
    experiment_id = None if isinstance(found, Quarantined) else found.tuning.spec.experiment_id
    experiments = await services.experiments.referred([experiment_id])
    models = [] if isinstance(found, Quarantined) else await _models(services, found.tuning.id)
    return TuningAnswer(hyperparameter_tuning=_view(services, found, experiments.get(experiment_id), models))


async def _models(services: Services, tuning_id: str) -> Sequence[Model]:
    return (await services.models.of_tunings([tuning_id]))[tuning_id]


@router.post("/hyperparameter-tunings")
async def create_tuning(appkey: Appkey, body: TuningSpec, services: ServicesDep) -> TuningAnswer:
    """Ask for a tuning. Every field at fault is named; nothing is created then. A grid is as large as ``gridSize`` says."""
    tuning = await services.tunings.create(body)
    return await _answer(services, await services.tunings.overview(tuning.id))


@router.post("/hyperparameter-tunings/check")
async def check_tuning(appkey: Appkey, body: TuningSpec, services: ServicesDep) -> Envelope:
    """Say whether a tuning could be created so, as its creation would; nothing is created."""
    await services.tunings.check(body)
    return Envelope()


@router.get("/hyperparameter-tunings", response_model=TuningListAnswer)
async def list_tunings(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrder,
    experiment_id: Annotated[str | None, Query(alias="experimentId")] = None,
    name: Annotated[str | None, Query(alias="hyperparameterTuningName", description="Only those of exactly this name.")] = None,
    statuses: Annotated[list[TuningStatus] | None, Query(alias="hyperparameterTuningStatusCodeList")] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="hyperparameterTuningIdPrefix")] = None,
) -> Response:
    """List tunings, newest first unless asked otherwise, all or those that meet every condition; in pages by a limit."""
    wanted = Wanted(experiment_id, name, statuses, id_prefix)

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.tunings.page(wanted, request)
        ids = [None if isinstance(found, Quarantined) else found.tuning.spec.experiment_id for found in page.rows]
        experiments = await services.experiments.referred(set(ids))
        made = await services.models.of_tunings([found.tuning.id for found in page.rows if isinstance(found, Overview)])

        def show() -> list[bytes]:
            pairs = zip(page.rows, ids, strict=True)
            views = (
                _view(services, found, experiments.get(id_), made[found.tuning.id] if isinstance(found, Overview) else [])
                for found, id_ in pairs
            )
            return [view.model_dump_json(by_alias=True).encode() for view in views]

        return page.with_rows(await asyncio.to_thread(show))

    return await answer_list("hyperparameterTuningList", read, asked)


@router.get("/hyperparameter-tunings/{tuning_id}")
async def get_tuning(appkey: Appkey, tuning_id: str, services: ServicesDep) -> TuningAnswer:
    """Show one tuning with its best trial; of one whose record is broken, what is known of it."""
    return await _answer(services, await services.tunings.find(tuning_id))


@router.patch("/hyperparameter-tunings/{tuning_id}")
async def change_tuning(appkey: Appkey, tuning_id: str, body: TuningChange, services: ServicesDep) -> TuningAnswer:
    """Change name, description or tags; what is absent stays."""
    return await _answer(services, await services.tunings.change(tuning_id, body))


@router.put("/hyperparameter-tunings/{tuning_id}/stop")
async def stop_tuning(appkey: Appkey, tuning_id: str, services: ServicesDep) -> Envelope:
    """Ask a tuning to end; trials that run are ended with it."""
    await services.tunings.stop(tuning_id)
    return Envelope()


@router.delete("/hyperparameter-tunings/{tuning_id}")
async def delete_tuning(appkey: Appkey, tuning_id: str, services: ServicesDep) -> Envelope:
    """Delete an ended tuning with its trials and their logs, never what they stored."""
    await services.tunings.delete(tuning_id)
    return Envelope()


@router.get("/hyperparameter-tunings/{tuning_id}/copy-source")
async def get_tuning_copy_source(appkey: Appkey, tuning_id: str, services: ServicesDep) -> CopySourceAnswer:
    """Return the settings of a tuning as a creation body, to be changed and posted."""
    tuning = await services.tunings.get(tuning_id)
    return CopySourceAnswer(copy_source=tuning.spec.model_dump(mode="json", by_alias=True, exclude_none=True))


@router.get("/hyperparameter-tunings/{tuning_id}/events")
async def list_tuning_events(appkey: Appkey, tuning_id: str, services: ServicesDep, after: After = 0) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.tunings.events(tuning_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])


@router.get("/hyperparameter-tunings/{tuning_id}/trials", response_model=TrialListAnswer)
async def list_trials(appkey: Appkey, tuning_id: str, services: ServicesDep) -> Response:
    """List all trials of a tuning, in the order in which they were made, with what their metrics came to."""
    found, now = await services.tunings.trials(tuning_id), services.context.clock.now()
    spec, models = await services.tunings.spec(tuning_id), await _models(services, tuning_id)
    return await answer_built(
        lambda: TrialListAnswer(trial_list=[TrialView.of(trial, tuning_id, spec, models, now) for trial in found])
    )


@router.get("/hyperparameter-tunings/{tuning_id}/trials/{trial_id}")
async def get_trial(appkey: Appkey, tuning_id: str, trial_id: str, services: ServicesDep) -> TrialAnswer:
    """Show one trial. Its logs, monitoring and how it was started are those of the training of the same id."""
    trial = await services.tunings.trial(tuning_id, trial_id)
    spec, models = await services.tunings.spec(tuning_id), await _models(services, tuning_id)
    return TrialAnswer(trial=TrialView.of(trial, tuning_id, spec, models, services.context.clock.now()))


@router.get("/hyperparameter-tunings/{tuning_id}/trials/{trial_id}/metrics", response_model=PointListAnswer)
async def list_trial_points(
    appkey: Appkey,
    tuning_id: str,
    trial_id: str,
    services: ServicesDep,
    name: Annotated[str, Query(alias="metricName", max_length=36)],
    step: Annotated[int, Query(ge=0, lt=1 << 63, description="Step to begin with.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_POINTS, description="Values at most.")] = MAXIMUM_POINTS,
) -> Response:
    """Show the values of a trial's metric in their order: the first 100,000, which are kept one by one. All of them count."""
    found = await services.tunings.points(tuning_id, trial_id, name, step, limit)
    return await answer_built(lambda: PointListAnswer.of(found, limit))


@router.get("/hyperparameter-tunings/{tuning_id}/analysis", response_model=AnalysisAnswer)
async def analyse_tuning(appkey: Appkey, tuning_id: str, services: ServicesDep) -> Response:
    """Show history, best value so far, importance of hyperparameters, and the lines of a parallel-coordinates diagram."""
    tuning = await services.tunings.get(tuning_id)
    found = await services.tunings.trials(tuning_id)
    return await answer_built(lambda: AnalysisAnswer.of(analyse(tuning.spec, found)))
