"""The box in which a metric format is tried on lines of a log (HP-L04)."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from easymaker_local.api.deps import Appkey
from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.domain.metric_check import MetricCheck, check
from easymaker_local.domain.metric_lines import DEFAULT_REGEX, MetricRegex
from easymaker_local.domain.tuning_spec import MAXIMUM_METRICS, MetricFormat, MetricName
from easymaker_local.domain.wire import Body

router = APIRouter(tags=["hyperparameter tunings"])


class MetricCheckRequest(Body):
    """A metric format, the metrics that it is to find, and lines of a log. Without metrics every name counts."""

    metric_regex: MetricFormat = DEFAULT_REGEX
    metric_list: Annotated[tuple[MetricName, ...], Field(max_length=MAXIMUM_METRICS)] = ()
    log: Annotated[str, StringConstraints(max_length=1 << 20)]


class CheckedMetricView(Wire):
    """A metric over all lines."""

    name: str
    count: int
    minimum: float
    maximum: float
    latest: float


class MatchView(Wire):
    """A match: ``value`` is null if the text of group 2 is no number; ``isCollected`` if a tuning would take it."""

    name: str
    text: str
    value: float | None
    is_collected: bool


class CheckedLineView(Wire):
    """A line with matches; ``isAlmost``: it names a metric and has no value of it."""

    line_number: int
    text: str
    match_list: list[MatchView]
    is_almost: bool


class MetricCheckView(Wire):
    """What the format finds; at most 1000 lines are shown, all are counted."""

    metric_list: list[CheckedMetricView]
    missing_metric_list: list[str]
    line_list: list[CheckedLineView]
    line_count: int

    @classmethod
    def of(cls, found: MetricCheck) -> MetricCheckView:
        """Show it."""
        return cls(
            metric_list=[
                CheckedMetricView(name=m.name, count=m.count, minimum=m.minimum, maximum=m.maximum, latest=m.latest)
                for m in found.metrics
            ],
            missing_metric_list=list(found.missing),
            line_list=[
                CheckedLineView(
                    line_number=line.number, text=line.text, is_almost=line.is_almost,
                    match_list=[
                        MatchView(name=m.name, text=m.text, value=m.value, is_collected=m.is_collected) for m in line.matches
                    ],
                )
                for line in found.lines
            ],
            line_count=found.line_count,
        )  # fmt: skip


class MetricCheckAnswer(Envelope):
    """What a metric format finds."""

    metric_check: MetricCheckView


@router.post("/hyperparameter-tunings/check-metrics")
async def check_metrics(appkey: Appkey, body: MetricCheckRequest) -> MetricCheckAnswer:
    """Try a metric format on lines of a log before a tuning depends on it. Nothing is kept."""
    names = [metric.name for metric in body.metric_list]
    found = await asyncio.to_thread(check, body.log, MetricRegex(body.metric_regex), names)
    return MetricCheckAnswer(metric_check=MetricCheckView.of(found))
