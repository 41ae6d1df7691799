"""What a training logs for TensorBoard, as people read it (TR-34)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from easymaker_local.cli import output
from easymaker_local.cli.drawing import Drawing
from easymaker_local.cli.trial_views import course, number
from easymaker_local.errors import NotFound

if TYPE_CHECKING:
    from easymaker_local.client.shapes import TrainingMetric

_COLUMNS = 80
_NAMES = 10


def find_metric(metrics: Sequence[TrainingMetric], name: str) -> TrainingMetric:
    """Return the metric of a name; raises NotFound."""
    for metric in metrics:
        if metric["metricName"] == name:
            return metric
    names = [output.clean(metric["metricName"]) for metric in metrics[:_NAMES]] + ["…"] * (len(metrics) > _NAMES)
    has = f"It has {', '.join(names)}." if names else "It has logged none."
    raise NotFound(f"The training has logged no metric {name!r}.", hint=has)


def print_metrics(metrics: Sequence[TrainingMetric]) -> None:
    """Print one line each: how many values, which, and their course."""
    rows = []
    for metric in metrics:
        points, finite = metric["pointList"], _finite(metric)
        rows.append([
            metric["metricName"], str(metric["pointCount"]), _shown(points[0]["value"]), _shown(points[-1]["value"]),
            number(min(finite, default=None)), number(max(finite, default=None)), course(finite),
        ])  # fmt: skip
    output.table(["METRIC", "VALUES", "FIRST", "LATEST", "MIN", "MAX", "COURSE"], rows)


def print_metric(metric: TrainingMetric) -> None:
    """Print one, and draw it by its steps."""
    print_metrics([metric])
    finite = [(point["step"], point["value"]) for point in metric["pointList"] if point["value"] is not None]
    if not finite:
        return
    console = output.out()
    drawing = Drawing(_finite(metric), finite[0][0], finite[-1][0], min(console.width, _COLUMNS))
    for step, value in finite:
        drawing.put(drawing.column(step), value, "•")
    title = f"\n{output.clean(metric['metricName'])}{', by powers of ten' if drawing.is_wide else ''}, by step\n"
    console.print(drawing.append_to(Text(title, style="bold")))


def _finite(metric: TrainingMetric) -> list[float]:
    return [point["value"] for point in metric["pointList"] if point["value"] is not None]


def _shown(value: float | None) -> str:
    return "no number" if value is None else number(value)
