"""What answers about pods, the gateway's settings and previews of stages carry; all of it is ours, in the vendor's manner."""

from __future__ import annotations

from collections.abc import Sequence

from easymaker_local.api.endpoint_stage_models import AmountView, site_of
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.api.models import FlavorView, iso
from easymaker_local.api.queue_models import HolderView
from easymaker_local.domain.endpoint import Pod, PodState, Stage
from easymaker_local.domain.endpoint_urls import stage_path
from easymaker_local.domain.gateway import Deployed
from easymaker_local.domain.ledger import Amount
from easymaker_local.services.endpoint_views import ShownResource
from easymaker_local.services.pod_logs import PodLog
from easymaker_local.services.stage_preview import Fit, PreviewedChange, PreviewedStage, Usable
from easymaker_local.services.stages import GatewaySettings
from easymaker_local.settings import Settings

CAUTIONS = [
    "Do not delete generated services and stages: the endpoint then cannot show what the gateway has, and its changes no "
    "longer reach it.",
    "Do not change or delete resources on a generated path: inference calls may fail.",
    "Do not add resources below a generated path: they may go when stages are added or changed.",
    "Do not disable or change the backend of a generated path: inference calls may fail.",
]
"""GW-07…GW-10."""


class PodView(Wire):
    """A pod: one model server on one node. ``restartCount`` counts its starts after the first."""

    pod_id: str
    pod_status_code: PodState
    number: int
    endpoint_model_id: str
    endpoint_model_status_code: str
    model_name: str | None
    node_name: str | None
    gpu_uuid_list: list[str]
    restart_count: int
    created_datetime: str
    started_datetime: str | None
    ready_datetime: str | None
    load_seconds: float | None
    reason_code: str | None
    message: str | None

    @classmethod
    def of(cls, pod: Pod, resource: ShownResource | None) -> PodView:
        """Show a pod."""
        return cls(
            pod_id=pod.id, pod_status_code=pod.state, number=pod.number, endpoint_model_id=pod.resource_id,
            endpoint_model_status_code="BROKEN" if resource is None else resource.resource.status,
            model_name=None if resource is None or resource.model is None else resource.model.name, node_name=pod.node,
            gpu_uuid_list=list(pod.devices), restart_count=pod.restarts, created_datetime=iso(pod.created_at) or "",
            started_datetime=iso(pod.started_at), ready_datetime=iso(pod.ready_at), load_seconds=pod.load_seconds,
            reason_code=pod.reason, message=pod.message,
        )  # fmt: skip


class PodListAnswer(Envelope):
    """Pods, oldest first."""

    pod_list: list[PodView]


class PodLogView(Wire):
    """The log of a pod; ``podStatusCode`` is GONE if the pod is no more. ``logSize`` in bytes."""

    pod_id: str
    pod_status_code: str
    model_name: str | None
    log_size: int
    written_datetime: str

    @classmethod
    def of(cls, log: PodLog) -> PodLogView:
        """Show it."""
        return cls(
            pod_id=log.pod_id, pod_status_code="GONE" if log.state is None else log.state, model_name=log.model_name,
            log_size=log.size, written_datetime=iso(log.written_at) or "",
        )  # fmt: skip


class PodLogListAnswer(Envelope):
    """The logs of a stage's pods, the one that was written to last at the end."""

    pod_log_list: list[PodLogView]


class PodLogPieceView(Wire):
    """A piece of a log: ``content`` from byte ``offset`` on; go on at ``nextOffset``. ``isComplete``: no more will come."""

    offset: int
    next_offset: int
    content: str
    is_complete: bool


class PodLogAnswer(Envelope):
    """A piece of the log of a pod."""

    log: PodLogPieceView


class GatewayRouteView(Wire):
    """A resource path below the stage's URL, and the pods that answer it. ``resourceName`` is set for the user's own."""

    resource_path: str
    method_list: list[str]
    api_code: str
    model_name: str | None
    resource_name: str | None
    backend_list: list[str]


class DeploymentView(Wire):
    """How the deployment of a stage stands; ``version`` in force, 0 for none, and why the last one failed."""

    deploy_status: str | None
    version: int
    message: str | None
    deployed_datetime: str | None

    @classmethod
    def of(cls, deployed: Deployed | None) -> DeploymentView:
        """Show a deployment."""
        if deployed is None:
            return cls(deploy_status=None, version=0, message=None, deployed_datetime=None)
        return cls(
            deploy_status=deployed.status, version=deployed.version, message=deployed.message,
            deployed_datetime=iso(deployed.deployed_at),
        )  # fmt: skip


class GatewaySettingsView(Wire):
    """What the service deployed to a gateway stage (GW-03), with the four cautions beside it."""

    apigw_stage_url: str
    deployment: DeploymentView
    route_list: list[GatewayRouteView]
    caution_list: list[str]

    @classmethod
    def of(cls, found: GatewaySettings, settings: Settings) -> GatewaySettingsView:
        """Show the settings."""
        names = {r.resource.model_id: r.model.name for r in found.shown.resources if r.model is not None}
        routes = [
            GatewayRouteView(
                resource_path=resource.path, method_list=list(resource.methods), api_code=resource.api,
                model_name=names.get(resource.model_id), resource_name=resource.resource_name,
                backend_list=list(resource.backends),
            )
            for resource in found.resources
        ]  # fmt: skip
        return cls(
            apigw_stage_url=site_of(settings) + stage_path(found.shown.endpoint_name, found.shown.stage.name),
            deployment=DeploymentView.of(found.shown.deployed), route_list=routes, caution_list=CAUTIONS,
        )  # fmt: skip


class GatewaySettingsAnswer(Envelope):
    """The settings of a gateway stage."""

    gateway_settings: GatewaySettingsView


class DeploymentAnswer(Envelope):
    """What came of a deployment by hand (GW-04)."""

    deployment: DeploymentView


class UsableView(Wire):
    """What an instance has, what is kept of it, and what pods may use: flavor - base = usable (RI-L01)."""

    flavor: FlavorView
    base: AmountView
    usable: AmountView

    @classmethod
    def of(cls, found: Usable) -> UsableView:
        """Show it."""
        return cls(flavor=FlavorView.of(found.flavor), base=AmountView.of(found.base), usable=AmountView.of(found.usable))


class UsableAnswer(Envelope):
    """What pods may use of an instance."""

    usable_resource: UsableView


class FitView(Wire):
    """Whether it fits now beside all that runs; else what is missing, who has it, and words for people."""

    is_fitting: bool
    missing: AmountView
    held_by_list: list[HolderView]
    message: str | None

    @classmethod
    def of(cls, fit: Fit) -> FitView:
        """Show it."""
        holders = [HolderView(kind=key[0], id=key[1], name=fit.names.get(key, key[1])) for key in fit.holders]
        return cls(is_fitting=fit.is_now, missing=AmountView.of(fit.missing), held_by_list=holders, message=fit.words)


class PreviewedModelView(Wire):
    """What each pod of a model would get. ``percentageOfUsable`` of an instance: the largest of its parts.

    ``loadSeconds`` and ``memoryBytes`` are what the model needed when it was served last, null: never measured.
    """

    model_id: str
    model_name: str
    model_status_code: str
    pod_count: int
    resource_option_detail: AmountView
    percentage_of_usable: float
    load_seconds: float | None
    memory_bytes: int | None
    warning_list: list[str]


class StagePreviewView(Wire):
    """What a stage would take (RI-02). ``fitsBesideDefault``: the machine has room for it and the default stage at once."""

    flavor: FlavorView
    node_count: int
    base: AmountView
    usable: AmountView
    demand: AmountView
    fit: FitView
    fits_beside_default: bool | None
    model_list: list[PreviewedModelView]

    @classmethod
    def of(cls, found: PreviewedStage) -> StagePreviewView:
        """Show it."""
        plan = found.plan
        models = []
        for planned in plan.resources:
            load = found.loads.get(planned.model.id)
            models.append(
                PreviewedModelView(
                    model_id=planned.model.id, model_name=planned.model.name, model_status_code=planned.model.status,
                    pod_count=planned.spec.pod_count, resource_option_detail=AmountView.of(planned.demand),
                    percentage_of_usable=round(_percentage(planned.demand, plan.usable), 1),
                    load_seconds=None if load is None else load.load_seconds,
                    memory_bytes=None if load is None else load.memory_bytes, warning_list=list(planned.warnings),
                )
            )  # fmt: skip
        return cls(
            flavor=FlavorView.of(plan.flavor), node_count=plan.settings.node_count, base=AmountView.of(found.base),
            usable=AmountView.of(plan.usable), demand=AmountView.of(plan.request.total), fit=FitView.of(found.fit),
            fits_beside_default=found.fits_beside, model_list=models,
        )  # fmt: skip


class StagePreviewAnswer(Envelope):
    """What a stage would take; nothing was created."""

    endpoint_stage_preview: StagePreviewView


class StageReference(Wire):
    """A stage where something else refers to it."""

    endpoint_stage_id: str
    endpoint_stage_name: str
    endpoint_stage_status_code: str

    @classmethod
    def of(cls, stage: Stage | None) -> StageReference | None:
        """Refer to a stage."""
        if stage is None:
            return None
        return cls(endpoint_stage_id=stage.id, endpoint_stage_name=stage.name, endpoint_stage_status_code=stage.status)


class DefaultStagePreviewView(Wire):
    """What a change of the default stage would do: ``deletedStage`` goes with its resources (EP-32).

    ``refusal``: why it cannot begin, null if it can, with ``needsStopFirst`` only by ``stopFirst``: then the new stage has no
    room beside the present one (``fit``), and requests would wait, the last time the models were loaded for ``waitSeconds``.
    ``fitsBesideDefault``: it has its room, or would have it now.
    """

    new_stage: StageReference | None
    deleted_stage: StageReference | None
    is_possible: bool
    refusal: str | None
    needs_stop_first: bool
    fits_beside_default: bool
    fit: FitView | None
    wait_seconds: float | None

    @classmethod
    def of(cls, found: PreviewedChange) -> DefaultStagePreviewView:
        """Show it."""
        return cls(
            new_stage=StageReference.of(found.target), deleted_stage=StageReference.of(found.present),
            is_possible=found.refusal is None, refusal=found.refusal, needs_stop_first=found.needs_stop_first,
            fits_beside_default=found.fits_beside, fit=None if found.fit is None else FitView.of(found.fit),
            wait_seconds=found.wait_seconds,
        )  # fmt: skip


class DefaultStagePreviewAnswer(Envelope):
    """What a change of the default stage would do; nothing was changed."""

    default_stage_preview: DefaultStagePreviewView


def pod_list(found: Sequence[tuple[Pod, ShownResource | None]]) -> list[PodView]:
    """Show pods."""
    return [PodView.of(pod, resource) for pod, resource in found]


def _percentage(demand: Amount, usable: Amount) -> float:
    pairs = (
        (demand.cpu_milli, usable.cpu_milli), (demand.memory_mib, usable.memory_mib), (demand.gpus, usable.gpus)
    )  # fmt: skip
    return max(100 * part / whole for part, whole in pairs if whole)
