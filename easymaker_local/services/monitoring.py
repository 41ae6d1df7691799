"""What was used when: ranges of samples, of resources and of the machine (GN-19)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.domain.ledger import Key
from easymaker_local.errors import FieldError, InvalidRequest
from easymaker_local.services.context import Context
from easymaker_local.store import ledger, metrics, peaks, trainings
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
