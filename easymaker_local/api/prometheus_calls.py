"""Calls of the APIs of endpoints as Prometheus' counters and histograms (GW-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import isinf

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from easymaker_local.domain.api_statistics import Calls
from easymaker_local.store.api_statistics import Counter

_LABELS = ("endpoint", "stage", "stage_id", "model", "model_id", "api")


class ApiCalls(Collector):
    """All calls that are kept, since ever. Ids beside names: another stage may get the name of one that is deleted."""

    def __init__(self, calls: Mapping[Counter, Calls]) -> None:
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        """Yield both families."""
        counter = CounterMetricFamily(
            "easymaker_api_calls", "Calls of APIs of endpoints by class of status.", labels=(*_LABELS, "class")
        )
        histogram = HistogramMetricFamily("easymaker_api_duration_seconds", "How long these calls took.", labels=_LABELS)
        for of, calls in self._calls.items():
            labels = (of.endpoint_name, of.stage_name, of.stage_id, of.model_name, of.model_id, of.api)
            for name, count in sorted(calls.classes.items()):
                counter.add_metric((*labels, name), count)
            histogram.add_metric(labels, _cumulative(calls), calls.total_ms / 1000)
        yield counter
        yield histogram


def _cumulative(calls: Calls) -> list[tuple[str, float]]:
    """Return counts up to the upper bounds in seconds that any call fell below, and the count of all."""
    found = [(bucket.upper, count) for bucket, count in sorted(calls.buckets.items()) if not isinf(bucket.upper)]
    counts = accumulate(count for _, count in found)
    return [*((str(upper / 1000), count) for (upper, _), count in zip(found, counts, strict=True)), ("+Inf", calls.count)]
