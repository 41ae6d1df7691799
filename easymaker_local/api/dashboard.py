"""The dashboard (DB). Its other parts are calls of their own: ``api-statistics/top``, ``machine`` and ``queue``."""

from __future__ import annotations

from fastapi import APIRouter

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.resource import Reference, ResourceKind
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.dashboard import Overview, ResourceUse
from easymaker_local.store.failures import Failure

router = APIRouter(tags=["dashboard"])


class ReferenceView(Wire):
    """A resource of any kind, by the name of its kind in paths."""

    kind: ResourceKind
    resource_id: str
    name: str

    @classmethod
    def of(cls, reference: Reference) -> ReferenceView:
        """Show one."""
        return cls(kind=reference.kind, resource_id=reference.id, name=reference.name)


class ServiceUsageView(Wire):
    """Trainings and tunings that are COMPLETE, endpoints that are ACTIVE; any other status does not count (DB-03…DB-06)."""

    training_count: int
    hyperparameter_tuning_count: int
    endpoint_count: int


class ResourceUseView(ReferenceView):
    """What runs, and how much it uses of what it has: 1 is all of it. ``peak`` is the highest that was seen, null if none was.

    ``owner`` is whose page shows it: the training itself, the tuning of a trial, the stage of a pod, which also has its
    ``endpoint``.
    """

    flavor_id: str
    flavor_name: str
    current: float
    peak: float | None
    owner: ReferenceView
    endpoint: ReferenceView | None

    @classmethod
    def of_use(cls, use: ResourceUse) -> ResourceUseView:
        """Show one."""
        return cls(
            kind=use.resource.kind, resource_id=use.resource.id, name=use.resource.name, flavor_id=use.flavor.id,
            flavor_name=use.flavor.name, current=use.current, peak=use.peak, owner=ReferenceView.of(use.owner),
            endpoint=None if use.endpoint is None else ReferenceView.of(use.endpoint),
        )  # fmt: skip


class FailureView(ReferenceView):
    """A resource in a failed status, since when, and why; ``parent`` of a stage its endpoint, of a stage resource its stage."""

    status_code: str
    datetime: str
    reason_code: str | None
    message: str | None
    parent: ReferenceView | None

    @classmethod
    def of_failure(cls, failure: Failure) -> FailureView:
        """Show one."""
        return cls(
            kind=failure.resource.kind, resource_id=failure.resource.id, name=failure.resource.name,
            status_code=failure.status, datetime=to_iso(failure.at), reason_code=failure.reason, message=failure.message,
            parent=None if failure.parent is None else ReferenceView.of(failure.parent),
        )  # fmt: skip


class DashboardView(Wire):
    """How everything stands: figures, the three that use most of their CPU and of their GPUs, the ten newest failures."""

    service_usage: ServiceUsageView
    top_cpu_list: list[ResourceUseView]
    top_gpu_list: list[ResourceUseView]
    failure_list: list[FailureView]

    @classmethod
    def of(cls, found: Overview) -> DashboardView:
        """Show it."""
        usage = found.usage
        return cls(
            service_usage=ServiceUsageView(
                training_count=usage.trainings, hyperparameter_tuning_count=usage.tunings, endpoint_count=usage.endpoints
            ),
            top_cpu_list=[ResourceUseView.of_use(use) for use in found.top_cpu],
            top_gpu_list=[ResourceUseView.of_use(use) for use in found.top_gpu],
            failure_list=[FailureView.of_failure(failure) for failure in found.failures],
        )  # fmt: skip


class DashboardAnswer(Envelope):
    """How everything stands."""

    dashboard: DashboardView


@router.get("/dashboard")
async def get_dashboard(appkey: Appkey, services: ServicesDep) -> DashboardAnswer:
    """Show how much there is of what, who uses most of what it has, and what failed last."""
    return DashboardAnswer(dashboard=DashboardView.of(await services.dashboard.overview()))
