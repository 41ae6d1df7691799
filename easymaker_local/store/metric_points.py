"""Metrics that jobs printed: every value in its order, and what all of them come to (HP-39, HP-40)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.domain.metric_lines import Found
from easymaker_local.domain.trial import Metric, extended

MOST_POINTS = 100_000
"""So many values of a metric are kept one by one; all of them count."""


@dataclass(frozen=True)
class Point:
    """The value of a metric at a step, counted from 0 in the order of appearance; ``at``: seen at, in epoch seconds."""

    name: str
    step: int
    value: float
    at: float


def after(db: sqlite3.Connection, training_id: str, name: str, step: int, count: int) -> list[Point]:
    """Return up to ``count`` values of a metric from ``step`` on."""
    query = "SELECT * FROM metric_points WHERE training_id = ? AND name = ? AND step >= ? ORDER BY step LIMIT ?"
    rows = db.execute(query, (training_id, name, step, count))
    return [Point(row["name"], row["step"], row["value"], row["at"]) for row in rows]


def add(db: sqlite3.Connection, training_id: str, found: Sequence[Found], at: float, early: int) -> Mapping[str, Metric]:
    """Append values in the order of appearance; returns what the values of each metric come to with them.

    The first ``early`` ones of each metric count toward its early mean (HP-43).
    """
    metrics = dict(of_training(db, training_id))
    points = []
    for one in found:
        before = metrics.get(one.name)
        step = 0 if before is None else before.count
        if step < MOST_POINTS:
            points.append((training_id, one.name, step, one.value, at))
        metrics[one.name] = extended(before, one.value, early)
    db.executemany("INSERT INTO metric_points (training_id, name, step, value, at) VALUES (?, ?, ?, ?, ?)", points)
    db.executemany(
        "INSERT OR REPLACE INTO metric_summaries VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (training_id, name, m.count, m.minimum, m.maximum, m.latest, m.early_sum, m.early_count)
            for name in {one.name for one in found}
            for m in (metrics[name],)
        ],
    )
    return metrics


def of_training(db: sqlite3.Connection, training_id: str) -> Mapping[str, Metric]:
    """Return what the values of each metric of one training come to."""
    rows = db.execute("SELECT * FROM metric_summaries WHERE training_id = ?", (training_id,))
    return {row["name"]: _metric(row) for row in rows}


def of_tuning(db: sqlite3.Connection, tuning_id: str, after: int) -> Mapping[str, Mapping[str, Metric]]:
    """Return the same of the trials of a tuning whose number is above ``after``, by their ids."""
    query = "SELECT * FROM metric_summaries WHERE training_id IN (SELECT id FROM trials WHERE tuning_id = ? AND number > ?)"
    found: dict[str, dict[str, Metric]] = defaultdict(dict)
    for row in db.execute(query, (tuning_id, after)):
        found[row["training_id"]][row["name"]] = _metric(row)
    return found


def forget(db: sqlite3.Connection, training_id: str) -> None:
    """Delete everything of one training."""
    db.execute("DELETE FROM metric_points WHERE training_id = ?", (training_id,))
    db.execute("DELETE FROM metric_summaries WHERE training_id = ?", (training_id,))


def _metric(row: sqlite3.Row) -> Metric:
    return Metric(row["count"], row["minimum"], row["maximum"], row["latest"], row["early_sum"], row["early_count"])
