"""Endpoints (rest-api §6.10), the change of their default stage, and their API keys (ours)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from easymaker_local.api.deps import After, Appkey, ServicesDep
from easymaker_local.api.endpoint_models import (
    ApiKeyAnswer,
    ApiKeyView,
    CreatedEndpointAnswer,
    EndpointAnswer,
    EndpointListAnswer,
    EndpointView,
    endpoint_view,
)
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.listing import IdPrefix, InOrder, answer_list
from easymaker_local.api.models import EventListAnswer, EventView
from easymaker_local.api.stage_models import DefaultStagePreviewAnswer, DefaultStagePreviewView
from easymaker_local.domain.endpoint import EndpointStatus
from easymaker_local.domain.endpoint_spec import ApiKeyChange, DefaultStageChange, EndpointChange, EndpointSpec
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.store.endpoints import Wanted

router = APIRouter(tags=["endpoints"])


@router.post("/endpoints")
async def create_endpoint(appkey: Appkey, body: EndpointSpec, services: ServicesDep) -> CreatedEndpointAnswer:
    """Ask for an endpoint with its default stage. Every field at fault is named; nothing is created then."""
    made = await services.endpoints.create(body)
    return CreatedEndpointAnswer(endpoint=EndpointView.of(made.shown, services.context.settings), api_key=made.api_key)


@router.post("/endpoints/check")
async def check_endpoint(appkey: Appkey, body: EndpointSpec, services: ServicesDep) -> Envelope:
    """Say whether an endpoint could be created so, as its creation would; nothing is created."""
    await services.endpoints.check(body)
    return Envelope()


@router.get("/endpoints", response_model=EndpointListAnswer)
async def list_endpoints(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrder,
    name: Annotated[str | None, Query(alias="endpointName", description="Only the one of exactly this name.")] = None,
    statuses: Annotated[list[EndpointStatus] | None, Query(alias="endpointStatusCodeList")] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="endpointIdPrefix")] = None,
) -> Response:
    """List endpoints, newest first unless asked otherwise, all or those that meet every condition; in pages by a limit."""
    wanted, settings = Wanted(name, statuses, id_prefix), services.context.settings

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.endpoints.page(wanted, request)
        return page.with_rows([endpoint_view(row, settings).model_dump_json(by_alias=True).encode() for row in page.rows])

    return await answer_list("endpointList", read, asked)


@router.get("/endpoints/{endpoint_id}")
async def get_endpoint(appkey: Appkey, endpoint_id: str, services: ServicesDep) -> EndpointAnswer:
    """Show one endpoint with its stages; of one whose record is broken, what is known of it."""
    return EndpointAnswer(endpoint=endpoint_view(await services.endpoints.find(endpoint_id), services.context.settings))


@router.patch("/endpoints/{endpoint_id}")
async def change_endpoint(appkey: Appkey, endpoint_id: str, body: EndpointChange, services: ServicesDep) -> EndpointAnswer:
    """Change description or tags; what is absent stays. The name is a part of URLs and stays."""
    shown = await services.endpoints.change(endpoint_id, body)
    return EndpointAnswer(endpoint=EndpointView.of(shown, services.context.settings))


@router.delete("/endpoints/{endpoint_id}")
async def delete_endpoint(appkey: Appkey, endpoint_id: str, services: ServicesDep) -> Envelope:
    """Delete an endpoint with its default stage: its APIs stop answering. Refused while it has other stages."""
    await services.endpoints.delete(endpoint_id)
    return Envelope()


@router.put("/endpoints/{endpoint_id}/retry")
async def retry_endpoint_deletion(appkey: Appkey, endpoint_id: str, services: ServicesDep) -> EndpointAnswer:
    """Try a deletion again that hangs (EP-31). Refused if none was asked for."""
    await services.endpoints.retry_deletion(endpoint_id)
    return EndpointAnswer(endpoint=endpoint_view(await services.endpoints.find(endpoint_id), services.context.settings))


@router.put("/endpoints/{endpoint_id}/default-stage")
async def change_default_stage(
    appkey: Appkey, endpoint_id: str, body: DefaultStageChange, services: ServicesDep
) -> EndpointAnswer:
    """Make another stage the default one, without a failed request; the former one is deleted. Cannot be cancelled."""
    shown = await services.endpoints.change_default(endpoint_id, body.endpoint_stage_id, stop_first=body.stop_first)
    return EndpointAnswer(endpoint=EndpointView.of(shown, services.context.settings))


@router.get("/endpoints/{endpoint_id}/default-stage/preview")
async def preview_default_stage(
    appkey: Appkey,
    endpoint_id: str,
    services: ServicesDep,
    stage_id: Annotated[str, Query(alias="endpointStageId", min_length=1, max_length=36, description="The new one.")],
) -> DefaultStagePreviewAnswer:
    """Show what a change of the default stage would do, and what is in its way; changes nothing."""
    found = await services.stage_previews.default_change(endpoint_id, stage_id)
    return DefaultStagePreviewAnswer(default_stage_preview=DefaultStagePreviewView.of(found))


@router.get("/endpoints/{endpoint_id}/api-key")
async def get_api_key(appkey: Appkey, endpoint_id: str, services: ServicesDep) -> ApiKeyAnswer:
    """Show the key that calls need in the header ``x-nhn-apikey``; null: they need none."""
    return ApiKeyAnswer(endpoint_api_key=ApiKeyView(api_key=await services.endpoints.api_key(endpoint_id)))


@router.put("/endpoints/{endpoint_id}/api-key")
async def change_api_key(appkey: Appkey, endpoint_id: str, body: ApiKeyChange, services: ServicesDep) -> ApiKeyAnswer:
    """Make a new key, with which the former one ends, or let calls need none."""
    key = await services.endpoints.set_api_key(endpoint_id, enable=body.api_key_enable)
    return ApiKeyAnswer(endpoint_api_key=ApiKeyView(api_key=key))


@router.get("/endpoints/{endpoint_id}/events")
async def list_endpoint_events(appkey: Appkey, endpoint_id: str, services: ServicesDep, after: After = 0) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.endpoints.events(endpoint_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])
