"""What MLflow has been told of each training, and so what it has not: an outbox that the database fills by itself.

Triggers count the changes of every training, trials of tunings too, in the transaction that makes them. Whoever tells MLflow
reads the count with the training and writes it here afterwards: what changed meanwhile is told next, and what was told without
being recorded is told again. A row outlives its training until MLflow has been told of the deletion.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.store import metric_points
from easymaker_local.store.metric_points import Point


@dataclass(frozen=True)
class Entry:
    """How a training stands: it has changed ``changes`` times, ``told`` of which MLflow knows. 0: it knows nothing.

    ``points``: metric -> the step before which MLflow has its values.
    """

    training_id: str
    changes: int
    told: int
    points: Mapping[str, int]


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(row["training_id"], row["changes"], row["told"], json.loads(row["points"]))


def untold(db: sqlite3.Connection, count: int) -> list[Entry]:
    """Return up to ``count`` trainings of which MLflow does not know all, the newest first: those are looked at."""
    rows = db.execute("SELECT * FROM tracking WHERE told != changes ORDER BY id DESC LIMIT ?", (count,))
    return [_entry(row) for row in rows]


def find(db: sqlite3.Connection, training_id: str) -> Entry | None:
    """Return how a training stands; None if there never was one, or its deletion has been told."""
    row = db.execute("SELECT * FROM tracking WHERE training_id = ?", (training_id,)).fetchone()
    return None if row is None else _entry(row)


def untold_points(db: sqlite3.Connection, entry: Entry, count: int) -> list[Point]:
    """Return up to ``count`` values that MLflow does not have, of each metric in their order."""
    found: list[Point] = []
    for name in _metrics(db, entry.training_id):
        found += metric_points.after(db, entry.training_id, name, entry.points.get(name, 0), count - len(found))
        if len(found) == count:
            break
    return found


def record_points(db: sqlite3.Connection, entry: Entry, points: Sequence[Point]) -> None:
    """Write down that MLflow has these values as well."""
    known = {**entry.points, **{point.name: point.step + 1 for point in points}}
    db.execute("UPDATE tracking SET points = ? WHERE training_id = ?", (json.dumps(known), entry.training_id))


def record(db: sqlite3.Connection, entry: Entry) -> None:
    """Write down that MLflow knows the training as it was when ``entry`` was read."""
    db.execute("UPDATE tracking SET told = ? WHERE training_id = ?", (entry.changes, entry.training_id))


def forget(db: sqlite3.Connection, training_id: str) -> None:
    """MLflow knows that the training is deleted."""
    db.execute("DELETE FROM tracking WHERE training_id = ?", (training_id,))


def begin_anew(db: sqlite3.Connection) -> None:
    """MLflow knows nothing: everything is to be told again."""
    db.execute("UPDATE tracking SET told = 0, points = '{}'")


def _metrics(db: sqlite3.Connection, training_id: str) -> list[str]:
    """Return the names of a training's metrics, jumping from one to the next: it may have very many values."""
    query = """WITH RECURSIVE names (name) AS (
            SELECT min(name) FROM metric_points WHERE training_id = :id
            UNION ALL SELECT (SELECT min(name) FROM metric_points WHERE training_id = :id AND name > names.name)
                FROM names WHERE name IS NOT NULL)
        SELECT name FROM names WHERE name IS NOT NULL"""
    return [row["name"] for row in db.execute(query, {"id": training_id})]
