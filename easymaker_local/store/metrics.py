"""Monitoring samples in ``metrics.db``: one row per series and step of time, in three resolutions (GN-19).

A sample is added to its step in every resolution at once, as an average or a maximum, so that nothing has to be summed up
later and a crash loses the last sample at most. Each resolution is kept for its own time, which bounds the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from easymaker_local.domain.usage import HIGHEST, MEASURES, Sample

DAY_SECONDS = 86400
RESOLUTIONS: Mapping[int, int] = {10: DAY_SECONDS, 60: 14 * DAY_SECONDS, 900: 400 * DAY_SECONDS}
"""Seconds of a step -> seconds for which it is kept."""

MACHINE = ("machine", "", "")

migrations = Migrations("easymaker_local_metrics")


@migrations()
def samples(db: Database) -> None:
    """Series and their samples."""
    db.execute(
        """CREATE TABLE series (
            id INTEGER PRIMARY KEY, kind TEXT NOT NULL, resource_id TEXT NOT NULL, member TEXT NOT NULL,
            UNIQUE (kind, resource_id, member)) STRICT"""
    )
    measures = ", ".join(f"{name} REAL" for name in MEASURES)
    db.execute(
        f"""CREATE TABLE samples (
            series INTEGER NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL, {measures},
            PRIMARY KEY (series, step, at)) STRICT, WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX samples_age ON samples (step, at)")


Series = tuple[str, str, str]
"""Kind, resource id and member."""


@dataclass(frozen=True)
class Point:
    """A step: its beginning in epoch seconds, and the use in it."""

    at: int
    sample: Sample


def _merged(name: str) -> str:
    if name in HIGHEST:
        return f"{name} = CASE WHEN {name} IS NULL OR excluded.{name} > {name} THEN excluded.{name} ELSE {name} END"
    return f"{name} = coalesce(({name} * count + excluded.{name}) / (count + 1), {name}, excluded.{name})"


_COLUMNS = ", ".join(MEASURES)
_ADD = f"""INSERT INTO samples (series, step, at, count, {_COLUMNS}) VALUES (?, ?, ?, 1, {", ".join("?" * len(MEASURES))})
    ON CONFLICT DO UPDATE SET {", ".join(map(_merged, MEASURES))}, count = count + 1"""  # noqa: S608 names of our own


def add(db: sqlite3.Connection, at: float, found: Mapping[Series, Sample]) -> None:
    """Add samples taken at ``at``."""
    for key, sample in found.items():
        db.execute("INSERT OR IGNORE INTO series (kind, resource_id, member) VALUES (?, ?, ?)", key)
        query = "SELECT id FROM series WHERE kind = ? AND resource_id = ? AND member = ?"
        (series,) = db.execute(query, key).fetchone()
        values = tuple(getattr(sample, name) for name in MEASURES)
        db.executemany(_ADD, [(series, step, int(at // step * step), *values) for step in RESOLUTIONS])


def step_for(begin: float, end: float, points: int, now: float) -> int:
    """Return the finest step that still has ``begin`` and gives at most ``points`` points."""
    for step, kept in RESOLUTIONS.items():
        if begin >= now - kept and (end - begin) / step <= points:
            return step
    return max(RESOLUTIONS)


def in_range(
    db: sqlite3.Connection, kind: str, resource_id: str, step: int, begin: float, end: float
) -> dict[str, list[Point]]:
    """Return the points of every member of a resource, oldest first."""
    query = f"""SELECT member, at, {_COLUMNS} FROM samples JOIN series ON series.id = samples.series
        WHERE kind = ? AND resource_id = ? AND step = ? AND at >= ? AND at <= ? ORDER BY member, at"""  # noqa: S608
    found: dict[str, list[Point]] = {}
    for member, at, *values in db.execute(query, (kind, resource_id, step, int(begin // step * step), end)):
        found.setdefault(member, []).append(Point(at, Sample(*values)))
    return found


def latest(db: sqlite3.Connection, now: float) -> dict[Series, Point]:
    """Return the newest point of every series that is still being written."""
    step = min(RESOLUTIONS)
    query = f"""SELECT kind, resource_id, member, at, {_COLUMNS} FROM samples JOIN series ON series.id = samples.series
        WHERE step = ? AND at >= ? AND at <= ? ORDER BY at"""  # noqa: S608
    # What lies in the future was written before the clock was set back.
    rows = db.execute(query, (step, now - 3 * step, now))
    return {(kind, resource_id, member): Point(at, Sample(*values)) for kind, resource_id, member, at, *values in rows}


def forget(db: sqlite3.Connection, kind: str, resource_id: str) -> None:
    """Delete the samples of a resource that is deleted."""
    of_it = "SELECT id FROM series WHERE kind = ? AND resource_id = ?"
    db.execute(f"DELETE FROM samples WHERE series IN ({of_it})", (kind, resource_id))  # noqa: S608
    db.execute("DELETE FROM series WHERE kind = ? AND resource_id = ?", (kind, resource_id))


def expire(db: sqlite3.Connection, now: float) -> int:
    """Delete what is older than its resolution is kept; returns how many rows went."""
    gone = 0
    for step, kept in RESOLUTIONS.items():
        gone += db.execute("DELETE FROM samples WHERE step = ? AND at < ?", (step, now - kept)).rowcount
    db.execute("DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM samples WHERE samples.series = series.id)")
    return gone
