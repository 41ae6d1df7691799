"""What trainings log for TensorBoard and MLflow, to be drawn without them (TR-34, TB-04)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from easymaker_local.api.deps import Appkey, ServicesDep
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.api.listing import answer_built
from easymaker_local.domain.training_metric import Metric
from easymaker_local.kit.clock import to_iso

router = APIRouter(tags=["trainings"])


class TrainingMetricPointView(Wire):
    """A value at a step, null if it is no finite number; ``datetime`` is when it was logged."""

    step: int
    value: float | None
    datetime: str


class TrainingMetricView(Wire):
    """A metric by step. ``pointCount``: how many points there are, of which ``pointList`` may be a part."""

    metric_name: str
    point_list: list[TrainingMetricPointView]
    point_count: int

    @classmethod
    def of(cls, metric: Metric) -> TrainingMetricView:
        """Show one."""
        points = metric.points
        views = [
            TrainingMetricPointView(step=step, value=value if math.isfinite(value) else None, datetime=to_iso(at))
            for step, value, at in zip(points.steps, points.values, points.times, strict=True)
        ]
        return cls(metric_name=metric.name, point_list=views, point_count=metric.count)


class TrainingMetricListAnswer(Envelope):
    """Metrics by name."""

    metric_list: list[TrainingMetricView]

    @classmethod
    def of(cls, metrics: Sequence[Metric]) -> TrainingMetricListAnswer:
        """Show what a training has logged."""
        return cls(metric_list=[TrainingMetricView.of(metric) for metric in metrics])


@router.get("/trainings/{training_id}/metrics", response_model=TrainingMetricListAnswer)
async def list_training_metrics(
    appkey: Appkey,
    training_id: str,
    services: ServicesDep,
    max_points: Annotated[int, Query(alias="maxPoints", ge=2, le=10_000, description="Points of a metric at most.")] = 1_000,
) -> Response:
    """Show what a training has logged for TensorBoard and MLflow so far, by metric and step, also while it runs.

    Of a metric with more points than asked for, the first, the last, and the lowest and highest in between are shown.
    """
    found = await services.training_metrics.of(training_id, max_points)
    return await answer_built(lambda: TrainingMetricListAnswer.of(found))
