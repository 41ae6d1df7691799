"""Tries a metric format on pasted lines: what it would collect, and which lines it just misses (HP-L04)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from easymaker_local.domain.metric_lines import MAXIMUM_SHOWN, MetricRegex, number

MAXIMUM_LINES = 1000
"""Lines of an answer; all lines are counted."""


@dataclass(frozen=True)
class Match:
    """One match in a line: ``value`` is None if the text is no number, ``is_collected`` if a tuning would take it."""

    name: str
    text: str
    value: float | None
    is_collected: bool


@dataclass(frozen=True)
class Line:
    """A line with matches, counted from 1; or one that names a metric and has no value of it (``is_almost``)."""

    number: int
    text: str
    matches: tuple[Match, ...]
    is_almost: bool


@dataclass
class Collected:
    """A metric over all lines."""

    name: str
    count: int
    minimum: float
    maximum: float
    latest: float


@dataclass(frozen=True)
class MetricCheck:
    """What was found; ``missing`` are metrics that were asked for and never seen."""

    metrics: tuple[Collected, ...]
    lines: tuple[Line, ...]
    missing: tuple[str, ...]
    line_count: int


def check(log: str, regex: MetricRegex, names: Collection[str]) -> MetricCheck:
    """Run the expression over a log. Without ``names`` every name that it finds counts as asked for."""
    metrics: dict[str, Collected] = {}
    shown: list[Line] = []
    texts = log.splitlines()
    for index, text in enumerate(texts, start=1):
        matches = tuple(_match(name, value, names) for name, value in regex.matches(text))
        for match in matches:
            if match.is_collected and match.value is not None:
                _count(metrics, match.name, match.value)
        collected = {match.name for match in matches if match.is_collected}
        is_almost = any(name in text and name not in collected for name in names)
        if (matches or is_almost) and len(shown) < MAXIMUM_LINES:
            shown.append(Line(index, text[:MAXIMUM_SHOWN], matches, is_almost))
    missing = tuple(name for name in names if name not in metrics)
    return MetricCheck(tuple(metrics.values()), tuple(shown), missing, len(texts))


def _match(name: str, text: str, names: Collection[str]) -> Match:
    value = number(text)
    return Match(name, text, value, value is not None and (not names or name in names))


def _count(metrics: dict[str, Collected], name: str, value: float) -> None:
    found = metrics.get(name)
    if found is None:
        metrics[name] = Collected(name, 1, value, value, value)
        return
    found.count += 1
    found.minimum, found.maximum, found.latest = min(found.minimum, value), max(found.maximum, value), value
