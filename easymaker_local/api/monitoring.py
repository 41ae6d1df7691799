"""Monitoring (GN-19): ranges of samples, the newest ones, and the same for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.monitoring import PodUse, Range, StageUse
from easymaker_local.services.services import Services
from easymaker_local.store.metrics import Point
from easymaker_local.store.peaks import Peak

router = APIRouter(tags=["monitoring"])

MOST_POINTS = 2000

_Moment = Annotated[datetime | None, Query(description="ISO 8601; without an offset: UTC.")]
From = Annotated[_Moment, Query(alias="from")]
To = Annotated[_Moment, Query(alias="to")]
Points = Annotated[int, Query(ge=1, le=MOST_POINTS, description="Points at most; the step of time follows from it.")]


class SampleView(Wire):
    """Use in one step: cores and bytes per second on average, memory and processes at their highest, ``gpu`` from 0 to 1."""

    datetime: str
    cpu: float | None
    memory_bytes: int | None
    processes: int | None
    disk_read_bytes_per_second: float | None
    disk_written_bytes_per_second: float | None
    network_received_bytes_per_second: float | None
    network_sent_bytes_per_second: float | None
    gpu: float | None
    gpu_memory_bytes: int | None

    @classmethod
    def of(cls, point: Point) -> SampleView:
        """Show a point."""
        sample = point.sample
        return cls(
            datetime=to_iso(point.at), cpu=sample.cpu, memory_bytes=_whole(sample.memory_bytes),
            processes=_whole(sample.processes), disk_read_bytes_per_second=sample.disk_read,
            disk_written_bytes_per_second=sample.disk_written, network_received_bytes_per_second=sample.network_received,
            network_sent_bytes_per_second=sample.network_sent, gpu=sample.gpu, gpu_memory_bytes=_whole(sample.gpu_memory_bytes),
        )  # fmt: skip


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


class MemberView(Wire):
    """Samples of one node, oldest first; the machine's member has no name."""

    member: str
    sample_list: list[SampleView]


class PeakView(Wire):
    """The highest use of one node; kept as long as the resource."""

    member: str
    memory_bytes: int | None
    cpu: float | None


class MonitoringView(Wire):
    """A range of samples, and the peaks of all time."""

    from_datetime: str
    to_datetime: str
    step_seconds: int
    member_list: list[MemberView]
    peak_list: list[PeakView]

    @classmethod
    def of(cls, found: Range, peaks: Sequence[Peak] = ()) -> MonitoringView:
        """Show a range."""
        return cls(
            from_datetime=to_iso(found.begin), to_datetime=to_iso(found.end), step_seconds=found.step_seconds,
            member_list=[
                MemberView(member=name, sample_list=[SampleView.of(point) for point in points])
                for name, points in found.members.items()
            ],
            peak_list=[PeakView(member=peak.member, memory_bytes=peak.memory_bytes, cpu=peak.cpu) for peak in peaks],
        )  # fmt: skip


class MonitoringAnswer(Envelope):
    """Use over time."""

    monitoring: MonitoringView


class PodUseView(Wire):
    """Samples of one pod of a stage resource (``resource_id``), oldest first, and its newest sample, null if it does not run.

    ``number`` is its place among the pods of the resource; a pod that takes the place of another one goes on with it.
    ``peak_*``: the highest that was ever seen there.
    """

    resource_id: str
    model_name: str | None
    number: int
    current: SampleView | None
    peak_memory_bytes: int | None
    peak_cpu: float | None
    sample_list: list[SampleView]

    @classmethod
    def of(cls, pod: PodUse) -> PodUseView:
        """Show a pod."""
        return cls(
            resource_id=pod.resource_id, model_name=pod.model_name, number=pod.number,
            current=None if pod.now is None else SampleView.of(pod.now),
            peak_memory_bytes=None if pod.peak is None else pod.peak.memory_bytes,
            peak_cpu=None if pod.peak is None else pod.peak.cpu,
            sample_list=[SampleView.of(point) for point in pod.points],
        )  # fmt: skip


class StageTotalView(Wire):
    """What the pods of a stage used together in one step, and how many there were."""

    pod_count: int
    sample: SampleView


class StageMonitoringView(Wire):
    """Use of a stage over time: of each pod, and of all together."""

    from_datetime: str
    to_datetime: str
    step_seconds: int
    pod_list: list[PodUseView]
    total_list: list[StageTotalView]

    @classmethod
    def of(cls, found: StageUse) -> StageMonitoringView:
        """Show it."""
        return cls(
            from_datetime=to_iso(found.range.begin), to_datetime=to_iso(found.range.end),
            step_seconds=found.range.step_seconds, pod_list=[PodUseView.of(pod) for pod in found.pods],
            total_list=[StageTotalView(pod_count=one.pods, sample=SampleView.of(one.point)) for one in found.totals],
        )  # fmt: skip


class StageMonitoringAnswer(Envelope):
    """Use over time."""

    monitoring: StageMonitoringView


class CurrentView(Wire):
    """The newest sample of one node of a resource, or of the machine (kind ``machine``, which has no name)."""

    kind: str
    resource_id: str
    name: str | None
    member: str
    sample: SampleView


class CurrentAnswer(Envelope):
    """What is used now."""

    current_list: list[CurrentView]


def seconds_of(moment: datetime | None) -> float | None:
    """Return epoch seconds; a time without an offset is UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


@router.get("/trainings/{training_id}/monitoring")
async def get_training_monitoring(
    appkey: Appkey, training_id: str, services: ServicesDep, begin: From = None, end: To = None, points: Points = 300
) -> MonitoringAnswer:
    """Show what each node of a training used over time; all of its time unless a range is given."""
    found = await services.monitoring.training(training_id, seconds_of(begin), seconds_of(end), points)
    peaks = await services.monitoring.peaks(training_id)
    return MonitoringAnswer(monitoring=MonitoringView.of(found, peaks))


@router.get("/endpoint-stages/{endpoint_stage_id}/monitoring")
async def get_stage_monitoring(
    appkey: Appkey, endpoint_stage_id: str, services: ServicesDep, begin: From = None, end: To = None, points: Points = 300
) -> StageMonitoringAnswer:
    """Show what the pods of a stage used over time, and use now (ST-13); all of its time unless a range is given."""
    found = await services.monitoring.stage(endpoint_stage_id, seconds_of(begin), seconds_of(end), points)
    return StageMonitoringAnswer(monitoring=StageMonitoringView.of(found))


@router.get("/monitoring")
async def get_machine_monitoring(
    appkey: Appkey, services: ServicesDep, begin: From = None, end: To = None, points: Points = 300
) -> MonitoringAnswer:
    """Show what the whole machine used over time; the last hour unless a range is given."""
    found = await services.monitoring.machine(seconds_of(begin), seconds_of(end), points)
    return MonitoringAnswer(monitoring=MonitoringView.of(found))


@router.get("/monitoring/current")
async def list_current_use(appkey: Appkey, services: ServicesDep) -> CurrentAnswer:
    """Show the newest sample of the machine and of everything that runs."""
    return CurrentAnswer(current_list=await current_views(services))


async def current_views(services: Services) -> list[CurrentView]:
    """Return the newest sample of each series that is still taken, with the names."""
    found = await services.monitoring.latest()
    names = await services.monitoring.names(found)
    return [
        CurrentView(
            kind=kind, resource_id=resource_id, name=names.get((kind, resource_id)), member=member, sample=SampleView.of(point)
        )
        for (kind, resource_id, member), point in found.items()
    ]  # fmt: skip


scrape_router = APIRouter(tags=["monitoring"])


@scrape_router.get(
    "/metrics", response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def scrape_metrics(services: ServicesDep) -> PlainTextResponse:
    """Answer Prometheus in its text format; the token goes as ``Authorization: Bearer``."""
    # Its library is loaded where somebody scrapes; most do not.
    from easymaker_local.api.prometheus import CONTENT_TYPE, exposition

    return PlainTextResponse(await exposition(services), media_type=CONTENT_TYPE)
