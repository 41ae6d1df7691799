"""Calls of APIs in ``statistics.db``: one row per counter and step of time, in minutes, hours, and since ever (GW-L04).

An increase is added to all resolutions at once, in the transaction that notes the totals from which it was made: a daemon that
dies anywhere neither loses nor doubles a call. Endpoints, stages and models are kept with their names, so that what was
counted for a stage or a model that is deleted stays readable; it goes with its endpoint, or when it is too old.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from easymaker_local.domain.api_statistics import Bucket, Calls, increase
from easymaker_local.domain.gateway import Api, ApiCount, ApiKey
from easymaker_local.store.serving_names import Names

DAY_SECONDS = 86_400
MINUTE, HOUR, EVER = 60, 3600, 0
"""Seconds of a step. ``EVER`` is one step for all time."""
MINUTES_KEPT_SECONDS = 2 * DAY_SECONDS
"""For how long calls are known by minute: longer than a day, so that "the last 24 hours" are."""

migrations = Migrations("easymaker_local_statistics")


@migrations()
def statistics(db: Database) -> None:
    """Counters with their names and last totals, and what came to them by step."""
    for statement in (
        """CREATE TABLE counters (
            id INTEGER PRIMARY KEY, stage_id TEXT NOT NULL, model_id TEXT NOT NULL, api TEXT NOT NULL,
            endpoint_id TEXT NOT NULL, endpoint_name TEXT NOT NULL, stage_name TEXT NOT NULL, model_name TEXT NOT NULL,
            process TEXT NOT NULL, totals TEXT NOT NULL, UNIQUE (stage_id, model_id, api)) STRICT""",
        """CREATE INDEX counters_endpoint ON counters (endpoint_id)""",
        """CREATE TABLE calls (
            counter INTEGER NOT NULL REFERENCES counters (id) ON DELETE CASCADE, step INTEGER NOT NULL, at INTEGER NOT NULL,
            class TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (counter, step, at, class)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE durations (
            counter INTEGER NOT NULL REFERENCES counters (id) ON DELETE CASCADE, step INTEGER NOT NULL, at INTEGER NOT NULL,
            total_ms REAL NOT NULL, PRIMARY KEY (counter, step, at)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE buckets (
            counter INTEGER NOT NULL REFERENCES counters (id) ON DELETE CASCADE, step INTEGER NOT NULL, at INTEGER NOT NULL,
            upper REAL NOT NULL, lower REAL NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (counter, step, at, upper, lower)) STRICT, WITHOUT ROWID""",
        """CREATE INDEX calls_age ON calls (step, at)""",
        """CREATE INDEX durations_age ON durations (step, at)""",
        """CREATE INDEX buckets_age ON buckets (step, at)""",
    ):
        db.execute(statement)


@dataclass(frozen=True)
class Counter:
    """What is counted apart, with the names that it has or had. ``model_id`` and ``model_name`` are "" where none is meant."""

    endpoint_id: str
    endpoint_name: str
    stage_id: str
    stage_name: str
    model_id: str
    model_name: str
    api: Api


@dataclass(frozen=True)
class Scope:
    """Which counters: of an endpoint, of a stage, or all; and from when on, in steps of which length."""

    step: int
    begin: float
    end: float | None = None
    endpoint_id: str | None = None
    stage_id: str | None = None

    def condition(self) -> tuple[str, list[object]]:
        """Return the condition on ``counters c`` and a table of steps ``t``, with its values."""
        parts = ["t.step = ?", "t.at >= ?"]
        values: list[object] = [self.step, self.first]
        for text, value in (
            ("t.at < ?", self.end), ("c.endpoint_id = ?", self.endpoint_id), ("c.stage_id = ?", self.stage_id),
        ):  # fmt: skip
            if value is not None:
                parts.append(text)
                values.append(value)
        return " AND ".join(parts), values

    @property
    def first(self) -> int:
        """Beginning of the first step."""
        return int(self.begin // self.step * self.step) if self.step else 0


def record(db: sqlite3.Connection, at: float, process: str, counts: Mapping[ApiKey, ApiCount], names: Names) -> int:
    """Add what came to the counters until ``at``; returns how many calls. ``process``: see ``Gateway.epoch``.

    A counter of a stage that is not known any more, and was never seen before, is of no endpoint, and left out.
    """
    known = {(row["stage_id"], row["model_id"], row["api"]): row for row in db.execute("SELECT * FROM counters")}
    added = 0
    for key, now in counts.items():
        row = known.get((key.stage_id, key.model_id, key.api))
        if row is None and key.stage_id not in names.stages:
            continue
        before = _totals(row["totals"]) if row is not None and row["process"] == process else None
        came = increase(before, now)
        if came or (row is not None and now != before):
            _add(db, _note(db, row, key, process, now, names), at, came)
            added += came.count
    return added


def _note(db: sqlite3.Connection, row: sqlite3.Row | None, key: ApiKey, process: str, now: ApiCount, names: Names) -> int:
    """Write the totals of a counter, and what everything is called; returns its id."""
    totals = json.dumps({"classes": now.classes, "ms": now.total_ms, "buckets": sorted(now.buckets.items())})
    known = names.models.get(key.model_id)
    model = known.name if known is not None else row["model_name"] if row is not None else ""
    if row is not None:
        stage = names.stages.get(key.stage_id)
        called = (stage.endpoint_name, stage.name) if stage is not None else (row["endpoint_name"], row["stage_name"])
        db.execute(
            "UPDATE counters SET process = ?, totals = ?, endpoint_name = ?, stage_name = ?, model_name = ? WHERE id = ?",
            (process, totals, *called, model, row["id"]),
        )
        return int(row["id"])
    stage = names.stages[key.stage_id]
    made = db.execute(
        "INSERT INTO counters (stage_id, model_id, api, endpoint_id, endpoint_name, stage_name, model_name, process, totals)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (key.stage_id, key.model_id, key.api, stage.endpoint_id, stage.endpoint_name, stage.name, model, process, totals),
    )
    assert made.lastrowid is not None
    return made.lastrowid


def _totals(text: str) -> ApiCount:
    found = json.loads(text)
    return ApiCount(found["classes"], found["ms"], dict(found["buckets"]))


def _add(db: sqlite3.Connection, counter: int, at: float, came: Calls) -> None:
    if not came:
        return
    for step in (MINUTE, HOUR, EVER):
        place = (counter, step, int(at // step * step) if step else 0)
        db.executemany(
            "INSERT INTO calls VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(*place, name, count) for name, count in came.classes.items()],
        )
        db.execute(
            "INSERT INTO durations VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET total_ms = total_ms + excluded.total_ms",
            (*place, came.total_ms),
        )
        db.executemany(
            "INSERT INTO buckets VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(*place, bucket.upper, bucket.lower, count) for bucket, count in came.buckets.items()],
        )


def step_for(begin: float, now: float) -> int:
    """Return the finest step that still has ``begin``."""
    return MINUTE if begin >= now - MINUTES_KEPT_SECONDS else HOUR


def by_counter(db: sqlite3.Connection, scope: Scope) -> dict[Counter, Calls]:
    """Return the calls of each counter that had any, most calls first."""
    counters = {row["id"]: _counter(row) for row in db.execute("SELECT * FROM counters")}
    found = {counters[counter]: calls for counter, calls in _gathered(db, scope, "counter").items()}
    return dict(sorted(found.items(), key=lambda item: -item[1].count))


def course(db: sqlite3.Connection, scope: Scope) -> dict[int, Calls]:
    """Return the calls of each step that had any, by its beginning in epoch seconds, oldest first."""
    return dict(sorted(_gathered(db, scope, "at").items()))


def _gathered(db: sqlite3.Connection, scope: Scope, by: str) -> dict[int, Calls]:
    where, values = scope.condition()
    classes: dict[int, dict[str, int]] = {}
    buckets: dict[int, dict[Bucket, int]] = {}

    def rows(table: str, columns: str, sums: str) -> Iterable[sqlite3.Row]:
        # Of this module's own words; what comes from outside is bound.
        query = f"""SELECT t.{by}, {columns} SUM({sums}) FROM {table} t JOIN counters c ON c.id = t.counter
            WHERE {where} GROUP BY {columns} t.{by}"""  # noqa: S608
        return db.execute(query, values)

    for group, name, count in rows("calls", "t.class,", "t.count"):
        classes.setdefault(group, {})[name] = count
    for group, upper, lower, count in rows("buckets", "t.upper, t.lower,", "t.count"):
        buckets.setdefault(group, {})[Bucket(lower, upper)] = count
    found = {}
    for group, total_ms in rows("durations", "", "t.total_ms"):
        calls = Calls(classes.get(group, {}), total_ms, buckets.get(group, {}))
        if calls:
            found[group] = calls
    return found


def _counter(row: sqlite3.Row) -> Counter:
    return Counter(
        row["endpoint_id"], row["endpoint_name"], row["stage_id"], row["stage_name"], row["model_id"], row["model_name"],
        Api(row["api"]),
    )  # fmt: skip


def endpoint_ids(db: sqlite3.Connection) -> set[str]:
    """Return the endpoints of which something is kept."""
    return {row[0] for row in db.execute("SELECT DISTINCT endpoint_id FROM counters")}


def endpoint_of(db: sqlite3.Connection, stage_id: str) -> str | None:
    """Return the endpoint of a stage, which may be deleted; None if nothing was ever counted for it."""
    row = db.execute("SELECT endpoint_id FROM counters WHERE stage_id = ? LIMIT 1", (stage_id,)).fetchone()
    return None if row is None else str(row[0])


def forget(db: sqlite3.Connection, endpoint_ids: Sequence[str]) -> None:
    """Delete what was counted for endpoints that are deleted."""
    db.executemany("DELETE FROM counters WHERE endpoint_id = ?", [(endpoint_id,) for endpoint_id in endpoint_ids])


def expire(db: sqlite3.Connection, now: float, days: float, stages: Collection[str]) -> None:
    """Delete minutes and hours that are too old, and counters of which nothing is left and whose stages are gone."""
    for step, kept in ((MINUTE, MINUTES_KEPT_SECONDS), (HOUR, days * DAY_SECONDS)):
        for table in ("calls", "durations", "buckets"):
            db.execute(f"DELETE FROM {table} WHERE step = ? AND at < ?", (step, now - kept - step))  # noqa: S608
    idle = db.execute(
        "SELECT id, stage_id FROM counters c WHERE NOT EXISTS (SELECT 1 FROM durations WHERE counter = c.id AND step != ?)",
        (EVER,),
    )
    # The totals of a stage that goes on are what the next increase is counted from.
    db.executemany(
        "DELETE FROM counters WHERE id = ?", [(row["id"],) for row in idle.fetchall() if row["stage_id"] not in stages]
    )
