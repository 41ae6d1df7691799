"""Rows of hyperparameter tunings."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause
from easymaker_local.domain.training import Desired
from easymaker_local.domain.tuning import TRANSITIONS, Decision, Detail, Tuning, TuningStatus
from easymaker_local.domain.tuning_spec import TuningSpec
from easymaker_local.kit.clock import Uptime
from easymaker_local.store.events import EventType, record
from easymaker_local.store.jobs import Jobs, beginning, cause_of, sound
from easymaker_local.store.paging import Condition, Selection, begins, everything, named

KIND = "tuning"
_JOBS = Jobs(KIND, "tunings", "Hyperparameter tuning")


@dataclass(frozen=True)
class Wanted:
    """Which tunings a list is of: all that meet everything that is given."""

    experiment_id: str | None = None
    name: str | None = None
    statuses: Sequence[TuningStatus] | None = None
    id_prefix: str | None = None


def _read(row: sqlite3.Row) -> Tuning | Quarantined:
    try:
        return _tuning(row)
    except ValueError as error:
        return _JOBS.broken(row, error)


def _tuning(row: sqlite3.Row) -> Tuning:
    return Tuning(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        spec=TuningSpec.model_validate_json(row["spec"]),
        flavor=Flavor.model_validate_json(row["flavor"]),
        seed=row["seed"],
        status=TuningStatus(row["status"]),
        desired=Desired(row["desired"]),
        detail=None if row["detail"] is None else Detail(row["detail"]),
        cause=cause_of(row),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        started_uptime=None if row["started_boot"] is None else Uptime(row["started_boot"], row["started_uptime"]),
    )


def add(db: sqlite3.Connection, tuning: Tuning) -> None:
    """Insert a new tuning with its first event."""
    assert tuning.spec.experiment_id is not None
    db.execute(
        """INSERT INTO tunings (id, experiment_id, name, description, spec, flavor, seed, status, desired, is_finished,
           created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)""",
        (
            tuning.id,
            tuning.spec.experiment_id,
            tuning.name,
            tuning.description,
            tuning.spec.model_dump_json(by_alias=True),
            tuning.flavor.model_dump_json(),
            tuning.seed,
            tuning.status,
            tuning.desired,
            tuning.created_at,
        ),
    )
    record(db, KIND, tuning.id, tuning.created_at, EventType.STATUS, status=tuning.status)


def get(db: sqlite3.Connection, tuning_id: str) -> Tuning:
    """Return a tuning; raises NotFound, and BrokenRecord if its row cannot be read."""
    return sound(find(db, tuning_id))


def find(db: sqlite3.Connection, tuning_id: str) -> Tuning | Quarantined:
    """Return a tuning, or what is known of one whose row cannot be read; raises NotFound."""
    return _JOBS.find(db, tuning_id, _read)


def experiment_of(db: sqlite3.Connection, tuning_id: str) -> str:
    """Return the id of a tuning's experiment, also of one whose row cannot be read as a whole; raises NotFound."""
    return _JOBS.experiment_of(db, tuning_id)


def page(db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING) -> Page[Tuning | Quarantined]:
    """Return a page of those wanted."""
    where: list[Condition] = []
    if wanted.experiment_id is not None:
        where.append(("experiment_id = ?", [wanted.experiment_id]))
    if wanted.name is not None:
        where.append(named(wanted.name))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("tunings", where, wanted.statuses, wanted.id_prefix is not None).page(db, request, _read)


def quarantined(db: sqlite3.Connection) -> list[Quarantined]:
    """Return the rows that cannot be read; looks at all there are."""
    return [found for found in everything(db, "tunings", _read) if isinstance(found, Quarantined)]


def unfinished(db: sqlite3.Connection, experiment_id: str) -> list[Tuning | Quarantined]:
    """Return the tunings of an experiment that have not reached a final status, oldest first."""
    query = "SELECT * FROM tunings WHERE is_finished = 0 AND experiment_id = ? ORDER BY created_at"
    return [_read(row) for row in db.execute(query, (experiment_id,))]


def unfinished_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of tunings that still have a way to go, oldest first."""
    return [row["id"] for row in db.execute("SELECT id FROM tunings WHERE is_finished = 0 ORDER BY created_at")]


def count_by_status(db: sqlite3.Connection) -> Counter[str]:
    """Return how many tunings have each status; all statuses are there, also those that none has."""
    counts = Counter({str(status): 0 for status in TuningStatus})
    counts.update(dict(db.execute("SELECT status, count(*) FROM tunings GROUP BY status").fetchall()))
    return counts


def transition(db: sqlite3.Connection, tuning: Tuning, decision: Decision, *, now: float, uptime: Uptime) -> None:
    """Change the status as decided, if it is still the one of ``tuning``, with its event; raises StaleRecord otherwise."""
    to = decision.to
    assert to is not None
    more: dict[str, Any] = {"detail": decision.detail}
    if to is TuningStatus.RUNNING:
        more |= beginning(now, uptime)
    _JOBS.transition(db, tuning, to, TRANSITIONS[tuning.status], decision.cause, now, more, decision.detail)


def explain(db: sqlite3.Connection, tuning: Tuning, cause: Cause | None, now: float) -> None:
    """Replace the reason beside an unchanged status; None: there is none any more. A new reason is an event."""
    _JOBS.explain(db, tuning, cause, now)


def want(db: sqlite3.Connection, tuning: Tuning, desired: Desired, now: float, message: str) -> None:
    """Write the user's wish, if the status is still the one that permitted it; raises StaleRecord otherwise."""
    _JOBS.want(db, tuning, desired, now, message)


def change(db: sqlite3.Connection, tuning: Tuning, spec: TuningSpec, now: float) -> None:
    """Replace name, description and tags (GN-13)."""
    name, text = spec.hyperparameter_tuning_name, spec.model_dump_json(by_alias=True)
    _JOBS.change(db, tuning, name, spec.description, text, now)


def delete(db: sqlite3.Connection, tuning: Tuning | Quarantined) -> None:
    """Remove the row, whose trials went before; raises StaleRecord if the status changed."""
    _JOBS.delete(db, tuning)
