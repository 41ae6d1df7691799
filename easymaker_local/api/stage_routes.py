"""Stages and stage resources (rest-api §6.11); previews, pods and the gateway's settings are ours."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from easymaker_local.api.deps import After, Appkey, ServicesDep
from easymaker_local.api.endpoint_stage_models import (
    EndpointModelAnswer,
    EndpointModelListAnswer,
    EndpointModelView,
    EndpointStageAnswer,
    EndpointStageListAnswer,
    EndpointStageView,
    resource_view,
    stage_view,
)
from easymaker_local.api.envelope import Envelope
from easymaker_local.api.event_stream import EventStream
from easymaker_local.api.listing import IdPrefix, InOrder, InPages, answer_list
from easymaker_local.api.log_download import LOG_FILE, download_log
from easymaker_local.api.log_events import LOG_EVENTS, MAXIMUM_LOG_BYTES, LastEventId, LogOffset, log_events
from easymaker_local.api.models import EventListAnswer, EventView
from easymaker_local.api.stage_models import (
    DeploymentAnswer,
    DeploymentView,
    GatewaySettingsAnswer,
    GatewaySettingsView,
    PodListAnswer,
    PodLogAnswer,
    PodLogListAnswer,
    PodLogPieceView,
    PodLogView,
    StagePreviewAnswer,
    StagePreviewView,
    UsableAnswer,
    UsableView,
    pod_list,
)
from easymaker_local.domain.endpoint_spec import EndpointChange, StagePreview, StageResourceSpec, StageSpec
from easymaker_local.domain.page import Page, PageRequest
from easymaker_local.store.stages import Wanted, WantedResources

router = APIRouter(tags=["endpoints"])

EndpointId = Annotated[str | None, Query(alias="endpointId", description="Only those of this endpoint.")]


@router.post("/endpoint-stages")
async def create_endpoint_stage(appkey: Appkey, body: StageSpec, services: ServicesDep) -> EndpointStageAnswer:
    """Ask for one more stage of an endpoint. Every field at fault is named; nothing is created then."""
    shown = await services.stages.create(body)
    return EndpointStageAnswer(endpoint_stage=EndpointStageView.of(shown, services.context.settings))


@router.post("/endpoint-stages/check")
async def check_endpoint_stage(appkey: Appkey, body: StageSpec, services: ServicesDep) -> Envelope:
    """Say whether a stage could be created so, as its creation would; nothing is created."""
    await services.stages.check(body)
    return Envelope()


@router.post("/endpoint-stages/preview")
async def preview_endpoint_stage(appkey: Appkey, body: StagePreview, services: ServicesDep) -> StagePreviewAnswer:
    """Show what a stage would take and whether it fits, by the body of its creation or its endpoint's; creates nothing."""
    return StagePreviewAnswer(endpoint_stage_preview=StagePreviewView.of(await services.stage_previews.stage(body)))


@router.get("/endpoint-stages", response_model=EndpointStageListAnswer)
async def list_endpoint_stages(
    appkey: Appkey,
    services: ServicesDep,
    asked: InOrder,
    endpoint_id: EndpointId = None,
    name: Annotated[str | None, Query(alias="apigwStageName", description="Only those of exactly this name.")] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="endpointStageIdPrefix")] = None,
) -> Response:
    """List stages, newest first unless asked otherwise, all or those of an endpoint; in pages if a limit is given."""
    wanted, settings = Wanted(endpoint_id, name, id_prefix), services.context.settings

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.stages.page(wanted, request)
        return page.with_rows([stage_view(row, settings).model_dump_json(by_alias=True).encode() for row in page.rows])

    return await answer_list("endpointStageList", read, asked)


@router.get("/endpoint-stages/{endpoint_stage_id}")
async def get_endpoint_stage(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> EndpointStageAnswer:
    """Show one stage with its resources; of one whose record is broken, what is known of it."""
    found = await services.stages.find(endpoint_stage_id)
    return EndpointStageAnswer(endpoint_stage=stage_view(found, services.context.settings))


@router.patch("/endpoint-stages/{endpoint_stage_id}")
async def change_endpoint_stage(
    appkey: Appkey, endpoint_stage_id: str, body: EndpointChange, services: ServicesDep
) -> EndpointStageAnswer:
    """Change description or tags; what is absent stays. The name is a part of URLs and stays."""
    shown = await services.stages.change(endpoint_stage_id, body)
    return EndpointStageAnswer(endpoint_stage=EndpointStageView.of(shown, services.context.settings))


@router.delete("/endpoint-stages/{endpoint_stage_id}")
async def delete_endpoint_stage(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> Envelope:
    """Delete a stage: its APIs stop answering. The default stage cannot be deleted."""
    await services.stages.delete(endpoint_stage_id)
    return Envelope()


@router.get("/endpoint-stages/{endpoint_stage_id}/events")
async def list_endpoint_stage_events(
    appkey: Appkey, endpoint_stage_id: str, services: ServicesDep, after: After = 0
) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.stages.events(endpoint_stage_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])


@router.get("/endpoint-stages/{endpoint_stage_id}/pods")
async def list_endpoint_stage_pods(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> PodListAnswer:
    """List the pods of a stage, oldest first, also those that leave."""
    return PodListAnswer(pod_list=pod_list(await services.stages.pods(endpoint_stage_id)))


@router.get("/endpoint-stages/{endpoint_stage_id}/pod-logs")
async def list_endpoint_stage_pod_logs(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> PodLogListAnswer:
    """List what logs of model servers there are, those of pods that are gone too; written to last at the end."""
    return PodLogListAnswer(pod_log_list=[PodLogView.of(log) for log in await services.pod_logs.of_stage(endpoint_stage_id)])


@router.get("/endpoint-stages/{endpoint_stage_id}/pods/{pod_id}/log")
async def read_endpoint_stage_pod_log(
    appkey: Appkey,
    endpoint_stage_id: str,
    pod_id: str,
    services: ServicesDep,
    offset: LogOffset = 0,
    limit: Annotated[int, Query(ge=4, le=MAXIMUM_LOG_BYTES, description="Bytes at most.")] = 1 << 18,
    wait_seconds: Annotated[float, Query(alias="waitSeconds", ge=0, le=60, description="Wait so long for more.")] = 0,
) -> PodLogAnswer:
    """Read what a model server has written from a byte offset on; ``waitSeconds`` lets a follower ask without polling."""
    piece = await (await services.pod_logs.growing(endpoint_stage_id, pod_id)).read(offset, limit, wait_seconds)
    view = PodLogPieceView(
        offset=offset, next_offset=piece.next_offset, content=piece.content, is_complete=piece.is_complete
    )  # fmt: skip
    return PodLogAnswer(log=view)


@router.get("/endpoint-stages/{endpoint_stage_id}/pods/{pod_id}/log/stream", **LOG_EVENTS)
async def stream_endpoint_stage_pod_log(
    appkey: Appkey, endpoint_stage_id: str, pod_id: str, services: ServicesDep, request: Request, offset: LogOffset = 0,
    last_event_id: LastEventId = None,
) -> Response:  # fmt: skip
    """Send what a model server writes, as server-sent events.

    ``log`` with each block, ``end`` with the last offset when the pod is gone and all of its output was sent.
    """
    growing = await services.pod_logs.growing(endpoint_stage_id, pod_id)
    return EventStream.of(request, log_events(growing, offset, last_event_id))


@router.get("/endpoint-stages/{endpoint_stage_id}/pods/{pod_id}/log/raw", **LOG_FILE)
async def download_endpoint_stage_pod_log(
    appkey: Appkey, endpoint_stage_id: str, pod_id: str, services: ServicesDep, request: Request
) -> Response:
    """Download all that a model server has written, or with a Range header a part of it."""
    growing = await services.pod_logs.growing(endpoint_stage_id, pod_id)
    return download_log(request, growing.path, f"{pod_id}.log", f"Pod {pod_id}")


@router.get("/endpoint-stages/{endpoint_stage_id}/gateway")
async def get_gateway_settings(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> GatewaySettingsAnswer:
    """Show what was deployed to the gateway for a stage: paths, methods, the pods behind them."""
    found = await services.stages.gateway_settings(endpoint_stage_id)
    return GatewaySettingsAnswer(gateway_settings=GatewaySettingsView.of(found, services.context.settings))


@router.put("/endpoint-stages/{endpoint_stage_id}/deploy")
async def deploy_endpoint_stage(appkey: Appkey, endpoint_stage_id: str, services: ServicesDep) -> DeploymentAnswer:
    """Deploy a stage to the gateway by hand, the recovery from STAGE DEPLOY FAIL."""
    return DeploymentAnswer(deployment=DeploymentView.of(await services.stages.deploy(endpoint_stage_id)))


@router.post("/endpoint-models")
async def create_endpoint_model(appkey: Appkey, body: StageResourceSpec, services: ServicesDep) -> EndpointModelAnswer:
    """Deploy one more model on a stage, whose other models go on serving. Every field at fault is named."""
    shown = await services.stage_resources.create(body)
    return EndpointModelAnswer(endpoint_model=EndpointModelView.of(shown, services.context.settings))


@router.get("/endpoint-models", response_model=EndpointModelListAnswer)
async def list_endpoint_models(
    appkey: Appkey,
    services: ServicesDep,
    asked: InPages,
    stage_id: Annotated[str | None, Query(alias="endpointStageId", description="Only those of this stage.")] = None,
    endpoint_id: EndpointId = None,
    model_id: Annotated[str | None, Query(alias="modelId", description="Only those of this model.")] = None,
    id_prefix: Annotated[IdPrefix | None, Query(alias="endpointModelIdPrefix")] = None,
) -> Response:
    """List stage resources, newest first, all or those that meet every condition; in pages if a limit is given."""
    wanted, settings = WantedResources(stage_id, endpoint_id, model_id, id_prefix), services.context.settings

    async def read(request: PageRequest) -> Page[bytes]:
        page = await services.stage_resources.page(wanted, request)
        return page.with_rows([resource_view(row, settings).model_dump_json(by_alias=True).encode() for row in page.rows])

    return await answer_list("endpointModelList", read, asked)


@router.get("/endpoint-models/{endpoint_model_id}")
async def get_endpoint_model(appkey: Appkey, endpoint_model_id: str, services: ServicesDep) -> EndpointModelAnswer:
    """Show one stage resource; of one whose record is broken, what is known of it."""
    found = await services.stage_resources.find(endpoint_model_id)
    return EndpointModelAnswer(endpoint_model=resource_view(found, services.context.settings))


@router.delete("/endpoint-models/{endpoint_model_id}")
async def delete_endpoint_model(appkey: Appkey, endpoint_model_id: str, services: ServicesDep) -> Envelope:
    """Take a model off a stage, whose other models go on serving. The last one of a stage cannot be deleted."""
    await services.stage_resources.delete(endpoint_model_id)
    return Envelope()


@router.get("/endpoint-models/{endpoint_model_id}/events")
async def list_endpoint_model_events(
    appkey: Appkey, endpoint_model_id: str, services: ServicesDep, after: After = 0
) -> EventListAnswer:
    """Show the history after event id ``after``, oldest first."""
    found = await services.stage_resources.events(endpoint_model_id, after)
    return EventListAnswer(event_list=[EventView.of(event) for event in found])


@router.get("/flavors/{flavor_id}/usable")
async def get_usable_resource(appkey: Appkey, flavor_id: str, services: ServicesDep) -> UsableAnswer:
    """Show what pods may use of an instance: flavor - base = usable (RI-01, SR-09)."""
    return UsableAnswer(usable_resource=UsableView.of(services.stage_previews.usable(flavor_id)))
