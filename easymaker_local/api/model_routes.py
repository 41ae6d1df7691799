"""Models (rest-api §6.9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from easymaker_local.api.deps import After, Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.listing import IdPrefix, InOrder, answer_built, answer_list
from easymaker_local.api.model_models import (
    ExaminationAnswer,
    ExaminationView,
    ModelAnswer,
    ModelListAnswer,
    view_of,
)
from easymaker_local.api.models import EventListAnswer, EventView
from easymaker_local.domain.model_record import ModelStatus
from easymaker_local.domain.model_spec import ModelChange, ModelSpec
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.services.models import Shown
from easymaker_local.services.services import Services
from easymaker_local.store.models import Wanted

router = APIRouter(tags=["models"])


def _answer(services: Services, found: Shown | Quarantined) -> ModelAnswer:
    return ModelAnswer(model=view_of(found, services.context.settings.appkey))


@router.post("/models")
async def create_model(appkey: Appkey, body: ModelSpec, services: ServicesDep) -> ModelAnswer:
    """Ask for a model; its artifact is examined afterwards. Every field at fault is named; nothing is created then."""
    return _answer(services, await services.models.create(body))


@router.post("/models/check")
async def check_model(appkey: Appkey, body: ModelSpec, services: ServicesDep) -> Envelope:
    """Say whether a model could be created so, as its creation would; nothing is created."""
    await services.models.check(body)
    return Envelope()


@router.get("/models", response_model=ModelListAnswer)
async def list_models(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrder,
    name: Annotated[str | None, Query(alias="modelName", description="Only those of exactly this name.")] = None,
    statuses: Annotated[list[ModelStatus] | None, Query(alias="modelStatusCodeList")] = None,
    training_id: Annotated[str | None, Query(alias="trainingId", description="Made from this training or trial.")] = None,
    tuning_id: Annotated[
        str | None, Query(alias="hyperparameterTuningId", description="Made from a trial of this tuning.")
    ] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="modelIdPrefix")] = None,
) -> Response:
    """List models, newest first unless asked otherwise, all or those that meet every condition; in pages by a limit."""
    wanted = Wanted(name, statuses, training_id, tuning_id, id_prefix)
    own = services.context.settings.appkey

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.models.page(wanted, request)
        return page.with_rows([view_of(found, own).model_dump_json(by_alias=True).encode() for found in page.rows])

    return await answer_list("modelList", read, asked)


@router.get("/models/{model_id}")
async def get_model(appkey: Appkey, model_id: str, services: ServicesDep) -> ModelAnswer:
    """Show one model; of one whose record is broken, what is known of it."""
    return _answer(services, await services.models.find(model_id))


@router.patch("/models/{model_id}")
async def change_model(appkey: Appkey, model_id: str, body: ModelChange, services: ServicesDep) -> ModelAnswer:
    """Change name, description or tags; what is absent stays. A PyTorch archive has a name of its own, which stays."""
    return _answer(services, await services.models.change(model_id, body))


@router.delete("/models/{model_id}")
async def delete_model(appkey: Appkey, model_id: str, services: ServicesDep) -> Envelope:
    """Delete a model, never its artifact."""
    await services.models.delete(model_id)
    return Envelope()


@router.get("/models/{model_id}/examination", response_model=ExaminationAnswer)
async def get_model_examination(appkey: Appkey, model_id: str, services: ServicesDep) -> Response:
    """Show what was found in the artifact: files with checksums, signatures, problems and remarks."""
    found = await services.models.examination(model_id)
    return await answer_built(lambda: ExaminationAnswer(examination=None if found is None else ExaminationView.of(found)))


@router.get("/models/{model_id}/events")
async def list_model_events(appkey: Appkey, model_id: str, services: ServicesDep, after: After = 0) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.models.events(model_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])
