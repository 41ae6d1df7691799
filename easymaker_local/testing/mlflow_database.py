"""Writes MLflow's table of metrics without MLflow, as its server has it; ``tests/tracking`` has the real one."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS metrics (
    key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, run_uuid VARCHAR(32) NOT NULL,
    step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,
    CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan)
)
"""
_LARGEST = 1.7976931348623157e308


def log(database: Path, run: str, name: str, points: Iterable[tuple[int, float]], *, at: float = 1.0) -> None:
    """Log values with their steps, a millisecond apart from ``at`` (epoch seconds) on."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(_TABLE)
        rows = [
            (name, _stored(value), round(at * 1000) + place, run, step, math.isnan(value))
            for place, (step, value) in enumerate(points)
        ]
        db.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)


def _stored(value: float) -> float:
    if math.isnan(value):
        return 0.0
    return math.copysign(_LARGEST, value) if math.isinf(value) else value
