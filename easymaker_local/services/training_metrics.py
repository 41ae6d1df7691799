"""What trainings log for TensorBoard, read by the daemon itself: no container is started to see a loss (TR-34, TB-04)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from easymaker_local.artifacts.run_metrics import RunMetrics
from easymaker_local.domain.training_metric import Metric
from easymaker_local.services.context import Context
from easymaker_local.store import trainings

KEPT_RUNS = 16
"""So many runs are kept as far as they were read: those that were asked for last. Each takes some megabytes at most."""


@dataclass
class _Kept:
    """A run. Whoever waits for another reading of it waits here: a thread that waits would be missed elsewhere."""

    metrics: RunMetrics = field(default_factory=RunMetrics)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TrainingMetrics:
    """Reads only; trainings write."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def of(self, training_id: str, most: int) -> Sequence[Metric]:
        """Return what a training has logged so far, by name, at most so many points of each; raises NotFound."""
        experiment_id = await self._context.store.read(lambda db: trainings.experiment_of(db, training_id))
        kept = self._kept.setdefault(training_id, _Kept())
        self._kept.move_to_end(training_id)
        if len(self._kept) > KEPT_RUNS:
            self._kept.popitem(last=False)

        def read() -> Sequence[Metric]:
            run = self._context.tensorboard_logs.find(experiment_id, training_id)
            return [] if run is None else kept.metrics.read(run, most)

        async with kept.lock:
            return await asyncio.to_thread(read)
