"""Rows of trainings, also of those that are trials of a tuning."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause
from easymaker_local.domain.training import TRANSITIONS, Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingSpec
from easymaker_local.kit.clock import Uptime
from easymaker_local.store.events import EventType, record
from easymaker_local.store.jobs import Jobs, beginning, cause_of, sound
from easymaker_local.store.paging import Condition, Selection, begins, everything, named

KIND = "training"
_JOBS = Jobs(KIND, "trainings", "Training")

# The words of the indexes for lists: a trial is listed with its tuning (HP-68).
_NO_TRIAL = "tuning_id IS NULL"

# The words of the index of the same name: with a parameter instead of the status SQLite could not use it.
_STARTED = "is_finished = 0 AND status != 'CREATE_REQUESTED'"


@dataclass(frozen=True)
class Wanted:
    """Which trainings a list is of: all that meet everything that is given."""

    experiment_id: str | None = None
    name: str | None = None
    statuses: Sequence[TrainingStatus] | None = None
    id_prefix: str | None = None


@lru_cache(maxsize=256)
def _flavor(text: str) -> Flavor:
    """One object per flavor: a hundred thousand rows have few."""
    return Flavor.model_validate_json(text)


def _read(row: sqlite3.Row) -> Training | Quarantined:
    try:
        return _training(row)
    except ValueError as error:
        return _JOBS.broken(row, error, row["attempt"])


def _training(row: sqlite3.Row) -> Training:
    cause = cause_of(row)
    return Training(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        spec=TrainingSpec.model_validate_json(row["spec"]),
        flavor=_flavor(row["flavor"]),
        status=TrainingStatus(row["status"]),
        desired=Desired(row["desired"]),
        cause=cause,
        attempt=row["attempt"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        started_uptime=None if row["started_boot"] is None else Uptime(row["started_boot"], row["started_uptime"]),
        tuning_id=row["tuning_id"],
        storage_enforced=None if row["storage_enforced"] is None else bool(row["storage_enforced"]),
    )


def add(db: sqlite3.Connection, training: Training) -> None:
    """Insert a new training with its first event."""
    assert training.spec.experiment_id is not None
    db.execute(
        """INSERT INTO trainings (id, experiment_id, name, description, spec, flavor, status, desired, is_finished,
           attempt, created_at, tuning_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)""",
        (
            training.id,
            training.spec.experiment_id,
            training.name,
            training.description,
            training.spec.model_dump_json(by_alias=True),
            training.flavor.model_dump_json(),
            training.status,
            training.desired,
            training.attempt,
            training.created_at,
            training.tuning_id,
        ),
    )
    record(db, KIND, training.id, training.created_at, EventType.STATUS, status=training.status)


def get(db: sqlite3.Connection, training_id: str) -> Training:
    """Return a training; raises NotFound, and BrokenRecord if its row cannot be read."""
    return sound(find(db, training_id))


def find(db: sqlite3.Connection, training_id: str) -> Training | Quarantined:
    """Return a training, or what is known of one whose row cannot be read; raises NotFound."""
    return _JOBS.find(db, training_id, _read)


def page(db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING) -> Page[Training | Quarantined]:
    """Return a page of those wanted. Trials only by the beginning of an id."""
    where: list[Condition] = [] if wanted.id_prefix is not None else [(_NO_TRIAL, [])]
    if wanted.experiment_id is not None:
        where.append(("experiment_id = ?", [wanted.experiment_id]))
    if wanted.name is not None:
        where.append(named(wanted.name))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("trainings", where, wanted.statuses, wanted.id_prefix is not None).page(db, request, _read)


def experiment_of(db: sqlite3.Connection, training_id: str) -> str:
    """Return the id of a training's experiment, also of one whose row cannot be read as a whole; raises NotFound."""
    return _JOBS.experiment_of(db, training_id)


def tuning_of(db: sqlite3.Connection, training_id: str) -> str | None:
    """Return the id of the tuning whose trial a training is, also of one whose row cannot be read as a whole."""
    row = db.execute("SELECT tuning_id FROM trainings WHERE id = ?", (training_id,)).fetchone()
    return None if row is None else row["tuning_id"]


def quarantined(db: sqlite3.Connection) -> list[Quarantined]:
    """Return the rows that cannot be read, trials too; looks at all there are."""
    return [found for found in everything(db, "trainings", _read) if isinstance(found, Quarantined)]


def unfinished(db: sqlite3.Connection, experiment_id: str | None = None) -> list[Training | Quarantined]:
    """Return trainings that are no trials and have not reached a final status, oldest first."""
    query = f"""SELECT * FROM trainings WHERE is_finished = 0 AND {_NO_TRIAL} AND (? IS NULL OR experiment_id = ?)
                ORDER BY created_at"""  # noqa: S608 fixed words
    return [_read(row) for row in db.execute(query, (experiment_id, experiment_id))]


def unfinished_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of trainings that still have a way to go, oldest first."""
    return [row["id"] for row in db.execute("SELECT id FROM trainings WHERE is_finished = 0 ORDER BY created_at")]


def is_running(db: sqlite3.Connection, training_id: str, attempt: int) -> bool:
    """True until that attempt has reached a final status; a training that is not there does not run."""
    query = "SELECT 1 FROM trainings WHERE id = ? AND attempt = ? AND is_finished = 0"
    return db.execute(query, (training_id, attempt)).fetchone() is not None


def with_logs(db: sqlite3.Connection) -> list[tuple[str, str | None]]:
    """Return the ids of trainings with log management, each with that of the tuning whose trial it is."""
    wants = "CASE WHEN json_valid(spec) THEN json_extract(spec, '$.useLog') END"
    rows = db.execute(f"SELECT id, tuning_id FROM trainings WHERE {wants} ORDER BY created_at")  # noqa: S608
    return [(row["id"], row["tuning_id"]) for row in rows]


def unqueued_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of unfinished trainings that do not just wait in the queue, oldest first."""
    query = """SELECT id FROM trainings WHERE is_finished = 0 AND (desired != 'RUN' OR NOT EXISTS
               (SELECT 1 FROM queue WHERE kind = 'training' AND resource_id = trainings.id)) ORDER BY created_at"""
    return [row["id"] for row in db.execute(query)]


def started_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of trainings that may have workloads: begun and not ended."""
    return [row["id"] for row in db.execute(f"SELECT id FROM trainings WHERE {_STARTED} ORDER BY created_at")]  # noqa: S608


def started(db: sqlite3.Connection) -> list[Training]:
    """Return the trainings that may have workloads, but for those whose rows cannot be read."""
    rows = db.execute(f"SELECT * FROM trainings WHERE {_STARTED} ORDER BY created_at")  # noqa: S608
    return [training for row in rows if isinstance(training := _read(row), Training)]


def count_by_status(db: sqlite3.Connection) -> Counter[str]:
    """Return how many trainings that are no trials have each status; those that none has are there, too."""
    counts = Counter({str(status): 0 for status in TrainingStatus})
    query = f"SELECT status, count(*) FROM trainings WHERE {_NO_TRIAL} GROUP BY status"  # noqa: S608 fixed words
    counts.update(dict(db.execute(query).fetchall()))
    return counts


def transition(
    db: sqlite3.Connection, training: Training, *, to: TrainingStatus, cause: Cause | None, now: float,
    uptime: Uptime | None = None, storage_enforced: bool = False,
) -> None:  # fmt: skip
    """Change the status if it is still the one of ``training``, with its event; raises StaleRecord otherwise.

    ``uptime`` and ``storage_enforced`` are kept with the beginning of RUNNING, beside ``now``.
    """
    more: dict[str, Any] = {}
    if to is TrainingStatus.RUNNING:
        more = {**beginning(now, uptime), "storage_enforced": int(storage_enforced)}
    _JOBS.transition(db, training, to, TRANSITIONS[training.status], cause, now, more)


def explain(db: sqlite3.Connection, training: Training, cause: Cause | None, now: float) -> None:
    """Replace the reason beside an unchanged status; None: there is none any more. A new reason is an event."""
    _JOBS.explain(db, training, cause, now)


def want(db: sqlite3.Connection, training: Training, desired: Desired, now: float, message: str) -> None:
    """Write a wish, if the status is still the one that permitted it; raises StaleRecord otherwise."""
    _JOBS.want(db, training, desired, now, message)


def change(db: sqlite3.Connection, training: Training, spec: TrainingSpec, now: float) -> None:
    """Replace name, description and tags (GN-13)."""
    _JOBS.change(db, training, spec.training_name, spec.description, spec.model_dump_json(by_alias=True), now)


def delete(db: sqlite3.Connection, training: Training | Quarantined) -> None:
    """Remove the row; raises StaleRecord if the status changed."""
    _JOBS.delete(db, training)


def exists(db: sqlite3.Connection, training_id: str) -> bool:
    """True until it is deleted."""
    return db.execute("SELECT 1 FROM trainings WHERE id = ?", (training_id,)).fetchone() is not None
