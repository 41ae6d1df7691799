"""What was used when: ranges of samples, of resources and of the machine (GN-19)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.domain.endpoint import StageResource
from easymaker_local.domain.ledger import Key
from easymaker_local.domain.usage import Sample, total
from easymaker_local.errors import FieldError, InvalidRequest
from easymaker_local.services.context import Context
from easymaker_local.store import ledger, metrics, models, peaks, stages, trainings
from easymaker_local.store.metrics import Point, Series
from easymaker_local.store.peaks import Peak

HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Range:
    """Points by member, each ``step_seconds`` long."""

    begin: float
    end: float
    step_seconds: int
    members: Mapping[str, Sequence[Point]]


@dataclass(frozen=True)
class PodUse:
    """Use of the pods that had one place, ``number`` of a stage resource, one after the other; ``now``: of one that runs."""

    resource_id: str
    model_name: str | None
    number: int
    points: Sequence[Point]
    now: Point | None
    peak: Peak | None


@dataclass(frozen=True)
class StageTotal:
    """What all pods of a stage used in one step, and how many there were."""

    point: Point
    pods: int


@dataclass(frozen=True)
class StageUse:
    """Use of a stage (ST-13): by pod, by stage resource and number, and of all together, oldest first."""

    range: Range
    pods: Sequence[PodUse]
    totals: Sequence[StageTotal]


class Monitoring:
    """Reads only; the sampler writes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def training(self, training_id: str, begin: float | None, end: float | None, points: int) -> Range:
        """Return the use of a training's nodes; all of its time unless told otherwise. Raises NotFound."""
        training = await self._context.store.read(lambda db: trainings.get(db, training_id))
        first = begin if begin is not None else training.started_at or training.created_at
        last = end if end is not None else training.finished_at
        return await self._range(trainings.KIND, training_id, first, last, points)

    async def stage(self, stage_id: str, begin: float | None, end: float | None, points: int) -> StageUse:
        """Return the use of a stage's pods (ST-13); all of its time unless told otherwise. Raises NotFound."""
        created_at, resources, highest = await self._context.store.read(lambda db: _stage_rows(db, stage_id))
        found = await self._range(stages.KIND, stage_id, created_at if begin is None else begin, end, points)
        latest = await self.latest()
        # Of a stage resource that is gone only samples are shown, as long as there are some.
        members = {*found.members, *(member for member in highest if member.rpartition("-")[0] in resources)}
        pods = [
            PodUse(
                resource_id, resources.get(resource_id), int(number), found.members.get(member, ()),
                latest.get((stages.KIND, stage_id, member)), highest.get(member),
            )
            for member in members
            for resource_id, _, number in [member.rpartition("-")]
        ]  # fmt: skip
        pods.sort(key=lambda pod: (pod.model_name or "", pod.resource_id, pod.number))
        return StageUse(found, pods, _totals(found.members.values()))

    async def machine(self, begin: float | None, end: float | None, points: int) -> Range:
        """Return the use of the whole machine; the last hour unless told otherwise."""
        first = begin if begin is not None else (end or self._context.clock.now()) - HOUR_SECONDS
        kind, resource_id, _ = metrics.MACHINE
        return await self._range(kind, resource_id, first, end, points)

    async def latest(self) -> Mapping[Series, Point]:
        """Return the newest sample of the machine and of everything that runs."""
        now = self._context.clock.now()
        return await self._context.metrics.read(lambda db: metrics.latest(db, now))

    async def names(self, found: Iterable[Series]) -> Mapping[Key, str]:
        """Return the names of what was sampled, as far as it still exists."""
        keys = [(kind, resource_id) for kind, resource_id, _ in found]
        return await self._context.store.read(lambda db: ledger.names(db, keys))

    async def peaks(self, training_id: str) -> list[Peak]:
        """Return the highest use of each node of a training that was seen at all."""
        return await self._context.store.read(lambda db: peaks.of_resource(db, trainings.KIND, training_id))

    async def _range(self, kind: str, resource_id: str, begin: float, end: float | None, points: int) -> Range:
        now = self._context.clock.now()
        last = now if end is None else end
        if last < begin:
            raise InvalidRequest([FieldError("to", "must not be before from")])
        step = metrics.step_for(begin, last, points, now)
        members = await self._context.metrics.read(
            lambda db: metrics.in_range(db, kind, resource_id, step, begin, last)
        )  # fmt: skip
        return Range(begin, last, step, members)


def _stage_rows(db: sqlite3.Connection, stage_id: str) -> tuple[float, Mapping[str, str | None], Mapping[str, Peak]]:
    """Return when a stage was created, the names of models by its stage resources, and its peaks; raises NotFound."""
    stage = stages.find(db, stage_id)
    resources = stages.newest_resources(db, stage_id=stage_id)
    ids = {one.id: one.model_id for one in resources if isinstance(one, StageResource)}
    names = models.names(db, ids.values())
    by_resource = {one: names.get(model) for one, model in ids.items()}
    return stage.created_at, by_resource, {peak.member: peak for peak in peaks.of_resource(db, stages.KIND, stage_id)}


def _totals(members: Iterable[Sequence[Point]]) -> list[StageTotal]:
    steps: dict[int, list[Sample]] = defaultdict(list)
    for points in members:
        for point in points:
            steps[point.at].append(point.sample)
    return [StageTotal(Point(at, total(samples)), len(samples)) for at, samples in sorted(steps.items())]
