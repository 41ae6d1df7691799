"""The dashboard (DB): how much there is of what, who uses the machine most, what failed last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.domain.endpoint import EndpointStatus, Stage, StageResource
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.resource import Reference, ResourceKind
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.domain.tuning import TuningStatus
from easymaker_local.errors import NotFound
from easymaker_local.services.context import Context
from easymaker_local.store import endpoints, failures, metrics, models, peaks, stages, trainings, tunings
from easymaker_local.store.failures import Failure
from easymaker_local.store.metrics import Point, Series
from easymaker_local.store.peaks import Peak

TOP = 3
FAILURES = 10


@dataclass(frozen=True)
class ServiceUsage:
    """Trainings and tunings that are COMPLETE, endpoints that are ACTIVE; any other status does not count (DB-03…DB-06)."""

    trainings: int
    tunings: int
    endpoints: int


@dataclass(frozen=True)
class ResourceUse:
    """What runs, and how much it uses of what it has: 1 is all of that (DB-L02). ``peak`` None: never seen.

    ``owner`` is whose page shows it; ``endpoint`` the one that a pod belongs to.
    """

    resource: Reference
    flavor: Flavor
    current: float
    peak: float | None
    owner: Reference
    endpoint: Reference | None


@dataclass(frozen=True)
class Overview:
    """What the dashboard shows beside the calls of endpoints and the machine. Both tops begin with the highest."""

    usage: ServiceUsage
    top_cpu: Sequence[ResourceUse]
    top_gpu: Sequence[ResourceUse]
    failures: Sequence[Failure]


@dataclass(frozen=True)
class _Running:
    """What runs, the cores that it may use, and what is measured of it."""

    resource: Reference
    flavor: Flavor
    cores: float
    series: Sequence[Series]
    peaks: Sequence[Peak]
    owner: Reference
    endpoint: Reference | None = None

    def by_cpu(self, latest: Mapping[Series, Point]) -> ResourceUse | None:
        """Return its use of CPU, None if that is not known."""
        cores = [latest[one].sample.cpu for one in self.series if one in latest]
        known = [one for one in cores if one is not None]
        if not known or not self.cores:
            return None
        highest = [peak.cpu for peak in self.peaks if peak.cpu is not None]
        return self._use(sum(known) / self.cores, sum(highest) / self.cores if highest else None)

    def by_gpu(self, latest: Mapping[Series, Point]) -> ResourceUse | None:
        """Return the mean utilization of its GPUs, None if it has none or that is not known."""
        rates = [latest[one].sample.gpu for one in self.series if one in latest]
        known = [one for one in rates if one is not None]
        highest = [peak.gpu for peak in self.peaks if peak.gpu is not None]
        return self._use(_mean(known), _mean(highest) if highest else None) if known else None

    def _use(self, current: float, peak: float | None) -> ResourceUse:
        # A sample may be newer than the highest that was written.
        highest = None if peak is None else max(peak, current)
        return ResourceUse(self.resource, self.flavor, current, highest, self.owner, self.endpoint)


class Dashboard:
    """Only looks."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def overview(self) -> Overview:
        """Return how everything stands."""
        context = self._context
        now = context.clock.now()
        usage, running, failed = await context.store.read(
            lambda db: (_usage(db), [*_trainings(db), *_pods(db)], failures.newest(db, FAILURES))
        )
        latest = await context.metrics.read(lambda db: metrics.latest(db, now))
        by_cpu = [use for one in running if (use := one.by_cpu(latest)) is not None]
        by_gpu = [use for one in running if (use := one.by_gpu(latest)) is not None]
        return Overview(usage, _top(by_cpu), _top(by_gpu), failed)


def _usage(db: sqlite3.Connection) -> ServiceUsage:
    return ServiceUsage(
        trainings.count_by_status(db)[TrainingStatus.COMPLETE], tunings.count_by_status(db)[TuningStatus.COMPLETE],
        endpoints.count_by_status(db)[EndpointStatus.ACTIVE],
    )  # fmt: skip


def _trainings(db: sqlite3.Connection) -> Iterator[_Running]:
    for training in trainings.started(db):
        kind, owner = ResourceKind.TRAINING, Reference(ResourceKind.TRAINING, training.id, training.name)
        if training.tuning_id is not None:
            kind, owner = ResourceKind.TRIAL, _tuning(db, training, training.tuning_id)
        count = training.spec.instance_count
        yield _Running(
            Reference(kind, training.id, training.name), training.flavor, training.flavor.vcpus * count,
            [(trainings.KIND, training.id, f"node-{node}") for node in range(count)],
            peaks.of_resource(db, trainings.KIND, training.id), owner,
        )  # fmt: skip


def _tuning(db: sqlite3.Connection, trial: Training, tuning_id: str) -> Reference:
    try:
        name = tunings.find(db, tuning_id).name
    except NotFound:
        name = trial.name
    return Reference(ResourceKind.HYPERPARAMETER_TUNING, tuning_id, name)


def _pods(db: sqlite3.Connection) -> Iterator[_Running]:
    for pod in stages.started_pods(db):
        stage, resource = stages.find(db, pod.stage_id), stages.find_resource(db, pod.resource_id)
        if not isinstance(stage, Stage) or not isinstance(resource, StageResource):
            continue
        endpoint = Reference(ResourceKind.ENDPOINT, stage.endpoint_id, endpoints.find(db, stage.endpoint_id).name)
        model = models.names(db, [resource.model_id]).get(resource.model_id, resource.id)
        highest = [peak for peak in peaks.of_resource(db, stages.KIND, stage.id) if peak.member == pod.member]
        yield _Running(
            Reference(ResourceKind.POD, pod.id, f"{model}-{pod.number}"), stage.flavor, resource.demand.cpu_milli / 1000,
            [(stages.KIND, stage.id, pod.member)], highest,
            Reference(ResourceKind.ENDPOINT_STAGE, stage.id, stage.name), endpoint,
        )  # fmt: skip


def _top(uses: Sequence[ResourceUse]) -> list[ResourceUse]:
    return sorted(uses, key=lambda use: (-use.current, use.resource.name, use.resource.id))[:TOP]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
