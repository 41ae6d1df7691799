"""Metrics that jobs printed: every value in its order (HP-39, HP-40)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


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
