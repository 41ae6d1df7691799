"""Trainings (rest-api §6.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from easymaker_local.api.deps import After, Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.event_stream import EventStream
from easymaker_local.api.listing import IdPrefix, InOrder, answer_list
from easymaker_local.api.log_download import LOG_FILE, download_log
from easymaker_local.api.log_events import LOG_EVENTS, MAXIMUM_LOG_BYTES, LastEventId, LogOffset, log_events
from easymaker_local.api.models import (
    CopySourceAnswer,
    EventListAnswer,
    EventView,
    LogAnswer,
    LogView,
    RunListAnswer,
    RunView,
    TrainingAnswer,
    TrainingListAnswer,
    TrainingView,
)
from easymaker_local.domain.experiment import Experiment
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingChange, TrainingSpec
from easymaker_local.services.services import Services
from easymaker_local.store.trainings import Wanted

router = APIRouter(tags=["trainings"])

Node = Annotated[int, Query(ge=0, le=9)]


def _view(
    services: Services, training: Training | Quarantined, experiment: Experiment | None, models: Sequence[Model]
) -> TrainingView:
    context = services.context
    if isinstance(training, Quarantined):
        return TrainingView.of_broken(training, context.settings.appkey)
    image = services.trainings.image(training)
    return TrainingView.of(training, image=image, experiment=experiment, models=models, context=context)


async def _answer(services: Services, training: Training) -> TrainingAnswer:
    experiments = await services.experiments.referred([training.spec.experiment_id])
    models = await services.models.of_trainings([training.id])
    return TrainingAnswer(training=_view(services, training, experiments.get(training.spec.experiment_id), models[training.id]))


@router.post("/trainings")
async def create_training(appkey: Appkey, body: TrainingSpec, services: ServicesDep) -> TrainingAnswer:
    """Ask for a training. Every field at fault is named; nothing is created or booked then."""
    return await _answer(services, await services.trainings.create(body))


@router.post("/trainings/check")
async def check_training(appkey: Appkey, body: TrainingSpec, services: ServicesDep) -> Envelope:
    """Say whether a training could be created so, as its creation would; nothing is created."""
    await services.trainings.check(body)
    return Envelope()


@router.get("/trainings", response_model=TrainingListAnswer)
async def list_trainings(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrder,
    experiment_id: Annotated[str | None, Query(alias="experimentId")] = None,
    name: Annotated[str | None, Query(alias="trainingName", description="Only those of exactly this name.")] = None,
    statuses: Annotated[list[TrainingStatus] | None, Query(alias="trainingStatusCodeList")] = None,
    id_prefix: Annotated[
        IdPrefix | None, Query(alias="trainingIdPrefix", description="Only those whose id begins so, trials of tunings too.")
    ] = None,
) -> Response:
    """List trainings, newest first unless asked otherwise, all or those that meet every condition; in pages by a limit."""
    wanted = Wanted(experiment_id, name, statuses, id_prefix)

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.trainings.page(wanted, request)
        ids = {training.id: training.spec.experiment_id for training in page.rows if isinstance(training, Training)}
        experiments = await services.experiments.referred(set(ids.values()))
        models = await services.models.of_trainings(ids)

        def show() -> list[bytes]:
            views = (
                _view(services, training, experiments.get(ids.get(training.id)), models.get(training.id, []))
                for training in page.rows
            )
            return [view.model_dump_json(by_alias=True).encode() for view in views]

        return page.with_rows(await asyncio.to_thread(show))

    return await answer_list("trainingList", read, asked)


@router.get("/trainings/{training_id}")
async def get_training(appkey: Appkey, training_id: str, services: ServicesDep) -> TrainingAnswer:
    """Show one training; of one whose record is broken, what is known of it."""
    found = await services.trainings.find(training_id)
    if isinstance(found, Quarantined):
        return TrainingAnswer(training=_view(services, found, None, []))
    return await _answer(services, found)


@router.patch("/trainings/{training_id}")
async def change_training(appkey: Appkey, training_id: str, body: TrainingChange, services: ServicesDep) -> TrainingAnswer:
    """Change name, description or tags; what is absent stays."""
    return await _answer(services, await services.trainings.change(training_id, body))


@router.put("/trainings/{training_id}/stop")
async def stop_training(appkey: Appkey, training_id: str, services: ServicesDep) -> Envelope:
    """Ask a training to end; checkpoints written so far are kept."""
    await services.trainings.stop(training_id)
    return Envelope()


@router.delete("/trainings/{training_id}")
async def delete_training(appkey: Appkey, training_id: str, services: ServicesDep) -> Envelope:
    """Delete an ended training with its logs, never what it stored."""
    await services.trainings.delete(training_id)
    return Envelope()


@router.get("/trainings/{training_id}/copy-source")
async def get_training_copy_source(appkey: Appkey, training_id: str, services: ServicesDep) -> CopySourceAnswer:
    """Return the settings of a training as a creation body, to be changed and posted."""
    training = await services.trainings.get(training_id)
    return CopySourceAnswer(copy_source=training.spec.model_dump(mode="json", by_alias=True, exclude_none=True))


@router.get("/trainings/{training_id}/events")
async def list_training_events(appkey: Appkey, training_id: str, services: ServicesDep, after: After = 0) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.trainings.events(training_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])


@router.get("/trainings/{training_id}/runs")
async def list_training_runs(appkey: Appkey, training_id: str, services: ServicesDep) -> RunListAnswer:
    """Show with which command and environment each node was started."""
    found = await services.trainings.runs(training_id)
    views = [
        RunView(
            node=run.node, working_directory=run.working_directory, command=run.command, environment=run.environment
        )
        for run in found
    ]  # fmt: skip
    return RunListAnswer(run_list=views)


@router.get("/trainings/{training_id}/logs")
async def read_training_log(
    appkey: Appkey,
    training_id: str,
    services: ServicesDep,
    node: Node = 0,
    offset: LogOffset = 0,
    limit: Annotated[int, Query(ge=4, le=MAXIMUM_LOG_BYTES, description="Bytes at most.")] = 1 << 18,
    wait_seconds: Annotated[float, Query(alias="waitSeconds", ge=0, le=60, description="Wait so long for more.")] = 0,
) -> LogAnswer:
    """Read a node's output from a byte offset on; ``waitSeconds`` lets a follower ask without polling."""
    piece = await (await services.trainings.growing_log(training_id, node)).read(offset, limit, wait_seconds)
    view = LogView(
        node=node, offset=offset, next_offset=piece.next_offset, content=piece.content, is_complete=piece.is_complete
    )  # fmt: skip
    return LogAnswer(log=view)


@router.get("/trainings/{training_id}/logs/stream", **LOG_EVENTS)
async def stream_training_log(
    appkey: Appkey, training_id: str, services: ServicesDep, request: Request, node: Node = 0, offset: LogOffset = 0,
    last_event_id: LastEventId = None,
) -> Response:  # fmt: skip
    """Send a node's output as it is written, as server-sent events.

    ``log`` with each block, ``end`` with the last offset after the training has ended and all of its output was sent.
    """
    return EventStream.of(request, log_events(await services.trainings.growing_log(training_id, node), offset, last_event_id))


@router.get("/trainings/{training_id}/logs/raw", **LOG_FILE)
async def download_training_log(
    appkey: Appkey, training_id: str, services: ServicesDep, request: Request, node: Node = 0
) -> Response:
    """Download a node's whole output as it was written, or with a Range header a part of it."""
    path = await services.trainings.log(training_id, node)
    return download_log(request, path, f"{training_id}-node-{node}.log", f"Node {node} of training {training_id}")
