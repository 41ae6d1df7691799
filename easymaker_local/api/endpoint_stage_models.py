"""What answers about stages and stage resources carry (rest-api §6.11, §13.5), and our additions.

Every id has its status beside it, also nested (§2.2). ``apigwStageUrl`` has no scheme: the SDK puts ``https://`` before it
(§6.13).
"""

from __future__ import annotations

from typing import Any

from easymaker_local.api.envelope import Envelope, ListAnswer, Wire
from easymaker_local.api.models import BROKEN, FlavorView, ModelReference, StatusReason, TagView, iso
from easymaker_local.domain import quantity
from easymaker_local.domain.endpoint_spec import StageSettings
from easymaker_local.domain.endpoint_urls import endpoint_path, resource_path, stage_path
from easymaker_local.domain.gateway import Deployed
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.wire import Tag
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.endpoint_views import ShownResource, ShownStage
from easymaker_local.settings import Settings

DELETED = "DELETED"
_NO_FLAVOR = FlavorView(id="", name="", vcpus=0, ram=0, gpu_flavor=False, gpu_count=0, core_type_code="")


def site_of(settings: Settings) -> str:
    """Return where the gateway is reached, without a scheme; "" without one."""
    return (settings.gateway_url or "").removeprefix("https://")


class AmountView(Wire):
    """Amounts as quantities: vCPUs, memory with its unit, GPUs (§6.10)."""

    cpu: str
    memory: str
    gpu: str

    @classmethod
    def of(cls, amount: Amount) -> AmountView:
        """Show an amount."""
        return cls(
            cpu=quantity.cpu_text(amount.cpu_milli), memory=quantity.memory_text(amount.memory_mib), gpu=str(amount.gpus)
        )  # fmt: skip


class AutoScalerView(Wire):
    """AutoScaler (§4)."""

    enable: bool
    min_node_count: int
    max_node_count: int
    scale_down_enable: bool
    scale_down_util_thresh_percentage: int
    scale_down_unneeded_minute: int
    scale_down_delay_after_add_minute: int

    @classmethod
    def of(cls, settings: StageSettings) -> AutoScalerView:
        """Show the node autoscaler of a stage (AS-02…AS-08)."""
        return cls(
            enable=settings.ca_enable, min_node_count=settings.ca_min_node_count, max_node_count=settings.ca_max_node_count,
            scale_down_enable=settings.ca_scale_down_enable,
            scale_down_util_thresh_percentage=settings.ca_scale_down_util_thresh,
            scale_down_unneeded_minute=settings.ca_scale_down_unneeded_time,
            scale_down_delay_after_add_minute=settings.ca_scale_down_delay_after_add,
        )  # fmt: skip


class PodAutoScalerView(Wire):
    """The pod autoscaler of a stage resource (AS-13…AS-15), and after how many idle minutes it sleeps, 0: never (ours)."""

    pod_auto_scale_enable: bool
    scale_metric_code: str
    scale_metric_target: int
    scale_to_zero_idle_minutes: float


class ApigwStageView(Wire):
    """ApigwStage (§4)."""

    stage_id: str
    deploy_status: str | None
    stage_url: str


class EndpointModelView(Wire):
    """EndpointModel (§6.11), a stage resource. ``podCount`` counts all its pods, ``runningPodCount`` those that answer (SR-14).

    ``apigwResourceUri`` is "" unless its user gave one (§13.5); ``apigwEndpointUri`` is where people send requests (SR-13).
    ``resourceOptionDetail`` is what each pod has; ``requestedResource`` what was asked for.
    """

    endpoint_model_id: str
    endpoint_model_status_code: str
    status_reason: StatusReason | None
    description: str | None
    app_key: str
    created_datetime: str | None
    endpoint_id: str
    endpoint_name: str
    endpoint_status_code: str
    endpoint_stage_id: str
    endpoint_stage_status_code: str
    model_id: str
    model_status_code: str
    image_id: str | None = None
    stage: ApigwStageView
    model: ModelReference
    pod_count: int
    running_pod_count: int
    is_asleep: bool
    resource_option_detail: AmountView | None
    requested_resource: dict[str, Any]
    pod_auto_scaler: PodAutoScalerView | None
    apigw_resource_uri: str
    apigw_endpoint_uri: str
    warning_list: list[str]
    is_finished: bool

    @classmethod
    def of(cls, shown: ShownResource, settings: Settings) -> EndpointModelView:
        """Show a stage resource."""
        resource, stage, spec = shown.resource, shown.stage, shown.resource.spec
        model = _model_reference(shown)
        url = site_of(settings) + stage_path(shown.endpoint_name, stage.name)
        return cls(
            endpoint_model_id=resource.id, endpoint_model_status_code=resource.status,
            status_reason=StatusReason.of(resource.cause), description=spec.description, app_key=settings.appkey,
            created_datetime=to_iso(resource.created_at), endpoint_id=resource.endpoint_id, endpoint_name=shown.endpoint_name,
            endpoint_status_code=shown.endpoint_status, endpoint_stage_id=stage.id, endpoint_stage_status_code=stage.status,
            model_id=resource.model_id, model_status_code=model.model_status_code,
            stage=ApigwStageView(stage_id=stage.id, deploy_status=deploy_status_of(shown.deployed), stage_url=url), model=model,
            pod_count=shown.pod_count, running_pod_count=shown.ready_count, is_asleep=resource.wanted_pods == 0,
            resource_option_detail=AmountView.of(resource.demand),
            requested_resource=spec.resource_option_detail.model_dump(by_alias=True, exclude_none=True),
            pod_auto_scaler=PodAutoScalerView(
                pod_auto_scale_enable=spec.pod_auto_scale_enable, scale_metric_code=spec.scale_metric_code,
                scale_metric_target=spec.scale_metric_target, scale_to_zero_idle_minutes=spec.scale_to_zero_idle_minutes,
            ),
            apigw_resource_uri=spec.apigw_resource_uri,
            apigw_endpoint_uri=url + resource_path(model.model_name, spec.apigw_resource_uri),
            warning_list=list(shown.warnings), is_finished=resource.status.is_finished,
        )  # fmt: skip

    @classmethod
    def of_broken(cls, broken: Quarantined, settings: Settings) -> EndpointModelView:
        """Show what is known of a stage resource whose record cannot be read."""
        none = _reference("", DELETED)
        return cls(
            endpoint_model_id=broken.id, endpoint_model_status_code=BROKEN, status_reason=broken_reason(broken),
            description=None, app_key=settings.appkey, created_datetime=iso(broken.created_at), endpoint_id="",
            endpoint_name="", endpoint_status_code=BROKEN, endpoint_stage_id="", endpoint_stage_status_code=BROKEN, model_id="",
            model_status_code=BROKEN, stage=ApigwStageView(stage_id="", deploy_status=None, stage_url=""), model=none,
            pod_count=0, running_pod_count=0, is_asleep=False, resource_option_detail=None, requested_resource={},
            pod_auto_scaler=None, apigw_resource_uri="", apigw_endpoint_uri="", warning_list=[],
            is_finished=broken.is_finished,
        )  # fmt: skip


class EndpointStageView(Wire):
    """EndpointStage (§6.11). ``nodeCount`` counts nodes that it has, ``wantedNodeCount`` those that it is to have (ST-11).

    ``apigwDefaultStageUrl`` is where it answers beside ``apigwStageUrl`` as the default stage; null for others.
    ``expiredDatetime``: until when it may stay on images that are not the newest (UP-06), null if they are.
    ``isDefaultStageCandidate``: it is just becoming the default stage.
    """

    endpoint_stage_id: str
    endpoint_stage_name: str
    endpoint_stage_status_code: str
    status_reason: StatusReason | None
    description: str | None
    app_key: str
    created_datetime: str | None
    endpoint_id: str
    endpoint_name: str
    endpoint_status_code: str
    apigw_stage_id: str
    apigw_stage_name: str
    apigw_stage_url: str
    apigw_default_stage_url: str | None
    deploy_status: str | None
    deploy_message: str | None
    log_and_crash_app_key: str | None
    use_log: bool
    flavor: FlavorView
    auto_scaler: AutoScalerView | None
    node_count: int
    wanted_node_count: int
    is_active_node_group_status: bool
    runtime_version: str | None
    is_cluster_latest: bool
    expired_datetime: str | None
    is_default_stage: bool
    default_stage: bool
    is_default_stage_candidate: bool
    pod_count: int
    running_pod_count: int
    endpoint_model_list: list[EndpointModelView]
    tag_list: list[TagView]
    is_finished: bool

    @classmethod
    def of(cls, shown: ShownStage, settings: Settings) -> EndpointStageView:
        """Show a stage."""
        stage, spec, site = shown.stage, shown.stage.spec, site_of(settings)
        views = [EndpointModelView.of(resource, settings) for resource in shown.resources]
        views += [EndpointModelView.of_broken(broken, settings) for broken in shown.broken_resources]
        default_url = site + endpoint_path(shown.endpoint_name) if shown.is_default else None
        return cls(
            endpoint_stage_id=stage.id, endpoint_stage_name=stage.name, endpoint_stage_status_code=stage.status,
            status_reason=StatusReason.of(stage.cause), description=spec.description, app_key=settings.appkey,
            created_datetime=to_iso(stage.created_at), endpoint_id=stage.endpoint_id, endpoint_name=shown.endpoint_name,
            endpoint_status_code=shown.endpoint_status, apigw_stage_id=stage.id, apigw_stage_name=stage.name,
            apigw_stage_url=site + stage_path(shown.endpoint_name, stage.name), apigw_default_stage_url=default_url,
            deploy_status=deploy_status_of(shown.deployed), deploy_message=shown.deployed and shown.deployed.message,
            log_and_crash_app_key=settings.appkey if spec.use_log else None, use_log=spec.use_log,
            flavor=FlavorView.of(stage.flavor), auto_scaler=AutoScalerView.of(spec), node_count=shown.node_count,
            wanted_node_count=stage.wanted_nodes, is_active_node_group_status=shown.node_count >= stage.wanted_nodes,
            runtime_version=stage.runtime_version, is_cluster_latest=shown.is_latest, expired_datetime=iso(shown.expires_at),
            is_default_stage=shown.is_default, default_stage=shown.is_default, is_default_stage_candidate=shown.is_changing,
            pod_count=sum(view.pod_count for view in views), running_pod_count=sum(view.running_pod_count for view in views),
            endpoint_model_list=views, tag_list=_tags(spec.tag_list), is_finished=stage.status.is_finished,
        )  # fmt: skip

    @classmethod
    def of_broken(cls, broken: Quarantined, settings: Settings) -> EndpointStageView:
        """Show what is known of a stage whose record cannot be read."""
        return cls(
            endpoint_stage_id=broken.id, endpoint_stage_name=broken.name, endpoint_stage_status_code=BROKEN,
            status_reason=broken_reason(broken), description=None, app_key=settings.appkey,
            created_datetime=iso(broken.created_at), endpoint_id="", endpoint_name="", endpoint_status_code=BROKEN,
            apigw_stage_id=broken.id, apigw_stage_name=broken.name, apigw_stage_url="", apigw_default_stage_url=None,
            deploy_status=None, deploy_message=None, log_and_crash_app_key=None, use_log=False, flavor=_NO_FLAVOR,
            auto_scaler=None, node_count=0, wanted_node_count=0, is_active_node_group_status=False, runtime_version=None,
            is_cluster_latest=True, expired_datetime=None, is_default_stage=False, default_stage=False,
            is_default_stage_candidate=False, pod_count=0, running_pod_count=0, endpoint_model_list=[], tag_list=[],
            is_finished=broken.is_finished,
        )  # fmt: skip


class EndpointStageAnswer(Envelope):
    """One stage."""

    endpoint_stage: EndpointStageView


class EndpointStageListAnswer(ListAnswer):
    """Stages."""

    endpoint_stage_list: list[EndpointStageView]


class EndpointModelAnswer(Envelope):
    """One stage resource."""

    endpoint_model: EndpointModelView


class EndpointModelListAnswer(ListAnswer):
    """Stage resources."""

    endpoint_model_list: list[EndpointModelView]


def stage_view(found: ShownStage | Quarantined, settings: Settings) -> EndpointStageView:
    """Show a stage, or what is known of one whose record cannot be read."""
    if isinstance(found, Quarantined):
        return EndpointStageView.of_broken(found, settings)
    return EndpointStageView.of(found, settings)


def resource_view(found: ShownResource | Quarantined, settings: Settings) -> EndpointModelView:
    """Show a stage resource, or what is known of one whose record cannot be read."""
    if isinstance(found, Quarantined):
        return EndpointModelView.of_broken(found, settings)
    return EndpointModelView.of(found, settings)


def deploy_status_of(deployed: Deployed | None) -> str | None:
    """Return the API Gateway status of a stage (ST-05)."""
    return None if deployed is None else str(deployed.status)


def broken_reason(broken: Quarantined) -> StatusReason:
    """Return why a record is shown as broken."""
    return StatusReason(code=broken.error.code, message=str(broken.error))


def _tags(tags: tuple[Tag, ...]) -> list[TagView]:
    return [TagView(tag_key=tag.tag_key, tag_value=tag.tag_value) for tag in tags]


def _model_reference(shown: ShownResource) -> ModelReference:
    model = shown.model
    if isinstance(model, Model):
        return ModelReference.of(model)
    if model is None:
        return _reference(shown.resource.model_id, DELETED)
    return _reference(model.id, BROKEN, model.name)


def _reference(model_id: str, status: str, name: str | None = None) -> ModelReference:
    return ModelReference(
        model_id=model_id, model_name=name or model_id, model_status_code=status, model_format_code=None, model_type_code=None,
        framework_code=None, format_code=None,
    )  # fmt: skip
