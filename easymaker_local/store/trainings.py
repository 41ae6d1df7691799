"""Rows of trainings. Requests write ``desired``; ``transition`` alone writes ``status``, by compare-and-set."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.page import Cursor
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import TRANSITIONS, Desired, Training, TrainingStatus
from easymaker_local.domain.training_spec import TrainingSpec
from easymaker_local.errors import NotFound, StaleRecord
from easymaker_local.kit.clock import Uptime
from easymaker_local.store.broken import problem_of
from easymaker_local.store.events import EventType, record
from easymaker_local.store.paging import begins, newest_first

KIND = "training"

_WORDY = {Reason.PREPARING_ENVIRONMENT, Reason.WAITING_FOR_RESOURCES}


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
        return Quarantined(
            KIND, row["id"], row["name"], row["status"], bool(row["is_finished"]), row["attempt"], row["created_at"],
            problem_of(error),
        )  # fmt: skip


def _training(row: sqlite3.Row) -> Training:
    cause = None if row["reason"] is None else Cause(Reason(row["reason"]), row["message"])
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
    )


def add(db: sqlite3.Connection, training: Training) -> None:
    """Insert a new training with its first event."""
    assert training.spec.experiment_id is not None
    db.execute(
        """INSERT INTO trainings (id, experiment_id, name, description, spec, flavor, status, desired, is_finished,
           attempt, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)""",
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
        ),
    )
    record(db, KIND, training.id, training.created_at, EventType.STATUS, status=training.status)


def get(db: sqlite3.Connection, training_id: str) -> Training:
    """Return a training; raises NotFound, and BrokenRecord if its row cannot be read."""
    found = find(db, training_id)
    if isinstance(found, Quarantined):
        raise found.error
    return found


def find(db: sqlite3.Connection, training_id: str) -> Training | Quarantined:
    """Return a training, or what is known of one whose row cannot be read; raises NotFound."""
    row = db.execute("SELECT * FROM trainings WHERE id = ?", (training_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no training {training_id!r}.")
    return _read(row)


def newest(
    db: sqlite3.Connection, wanted: Wanted = Wanted(), cursor: Cursor | None = None, count: int | None = None
) -> list[Training | Quarantined]:
    """Return up to ``count`` trainings after ``cursor``, newest first; None: all of them."""
    where: list[tuple[str, Sequence[object]]] = []
    if wanted.experiment_id is not None:
        where.append(("experiment_id = ?", [wanted.experiment_id]))
    if wanted.name is not None:
        where.append(("name = ?", [wanted.name]))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    by_created = wanted.id_prefix is None
    if wanted.statuses is None:
        rows = newest_first(db, "trainings", where, cursor, count, by_created=by_created)
    else:
        # One after the other: for several at once SQLite would read and sort all that have one of them.
        rows = [
            row
            for status in dict.fromkeys(wanted.statuses)
            for row in newest_first(db, "trainings", [*where, ("status = ?", [status])], cursor, count, by_created=by_created)
        ]
        rows.sort(key=lambda row: (-row["created_at"], row["id"]))
    return [_read(row) for row in rows[:count]]


def experiment_of(db: sqlite3.Connection, training_id: str) -> str:
    """Return the id of a training's experiment, also of one whose row cannot be read as a whole; raises NotFound."""
    row = db.execute("SELECT experiment_id FROM trainings WHERE id = ?", (training_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no training {training_id!r}.")
    return str(row["experiment_id"])


def quarantined(db: sqlite3.Connection) -> list[Quarantined]:
    """Return the rows that cannot be read; looks at all there are."""
    return [found for found in newest(db) if isinstance(found, Quarantined)]


def unfinished(db: sqlite3.Connection, experiment_id: str | None = None) -> list[Training | Quarantined]:
    """Return trainings that have not reached a final status, oldest first."""
    query = "SELECT * FROM trainings WHERE is_finished = 0 AND (? IS NULL OR experiment_id = ?) ORDER BY created_at"
    return [_read(row) for row in db.execute(query, (experiment_id, experiment_id))]


def unfinished_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of trainings that still have a way to go, oldest first."""
    return [row["id"] for row in db.execute("SELECT id FROM trainings WHERE is_finished = 0 ORDER BY created_at")]


def is_running(db: sqlite3.Connection, training_id: str, attempt: int) -> bool:
    """True until that attempt has reached a final status; a training that is not there does not run."""
    query = "SELECT 1 FROM trainings WHERE id = ? AND attempt = ? AND is_finished = 0"
    return db.execute(query, (training_id, attempt)).fetchone() is not None


def with_logs(db: sqlite3.Connection) -> list[str]:
    """Return the ids of trainings with log management."""
    wants = "CASE WHEN json_valid(spec) THEN json_extract(spec, '$.useLog') END"
    return [row["id"] for row in db.execute(f"SELECT id FROM trainings WHERE {wants} ORDER BY created_at")]  # noqa: S608


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
    """Return how many trainings have each status; all statuses are there, also those that none has."""
    counts = Counter({str(status): 0 for status in TrainingStatus})
    counts.update(dict(db.execute("SELECT status, count(*) FROM trainings GROUP BY status").fetchall()))
    return counts


def transition(
    db: sqlite3.Connection, training: Training, *, to: TrainingStatus, cause: Cause | None, now: float,
    uptime: Uptime | None = None,
) -> None:  # fmt: skip
    """Change the status if it is still the one of ``training``, with its event; raises StaleRecord otherwise.

    ``uptime`` is kept with the beginning of RUNNING, beside ``now``.
    """
    if to not in TRANSITIONS[training.status]:
        raise AssertionError(f"{training.status} never becomes {to}")
    columns: dict[str, Any] = {
        "status": to,
        "is_finished": int(to.is_finished),
        "reason": cause.reason if cause else None,
        "message": cause.message if cause else None,
    }
    if to is TrainingStatus.RUNNING:
        columns["started_at"] = now
        if uptime is not None:
            columns |= {"started_boot": uptime.boot, "started_uptime": uptime.seconds}
    if to.is_finished:
        columns["finished_at"] = now
    assignments = ", ".join(f"{column} = ?" for column in columns)
    changed = db.execute(
        f"UPDATE trainings SET {assignments} WHERE id = ? AND status = ?",  # noqa: S608 columns are literals above
        (*columns.values(), training.id, training.status),
    ).rowcount
    if not changed:
        raise StaleRecord(f"Training {training.id} is no longer {training.status}.")
    record(db, KIND, training.id, now, EventType.STATUS, status=to, cause=cause)


def explain(db: sqlite3.Connection, training: Training, cause: Cause | None, now: float) -> None:
    """Replace the reason beside an unchanged status; None: there is none any more. A new reason is an event."""
    db.execute(
        "UPDATE trainings SET reason = ?, message = ? WHERE id = ? AND status = ?",
        (cause and cause.reason, cause and cause.message, training.id, training.status),
    )
    # The words of a preparation change every second, those of the queue with every job: only their beginning is history.
    before = training.cause and training.cause.reason
    is_progress = cause is not None and cause.reason is before and before in _WORDY
    if cause is not None and not is_progress:
        record(db, KIND, training.id, now, EventType.NOTE, cause=cause)


def want(db: sqlite3.Connection, training: Training, desired: Desired, now: float, message: str) -> None:
    """Write the user's wish, if the status is still the one that permitted it; raises StaleRecord otherwise."""
    changed = db.execute(
        "UPDATE trainings SET desired = ? WHERE id = ? AND status = ?", (desired, training.id, training.status)
    ).rowcount
    if not changed:
        raise StaleRecord(f"Training {training.id} is no longer {training.status}.")
    record(db, KIND, training.id, now, EventType.REQUEST, message=message)


def change(db: sqlite3.Connection, training: Training, spec: TrainingSpec, now: float) -> None:
    """Replace name, description and tags (GN-13)."""
    db.execute(
        "UPDATE trainings SET name = ?, description = ?, spec = ? WHERE id = ?",
        (spec.training_name, spec.description, spec.model_dump_json(by_alias=True), training.id),
    )
    record(db, KIND, training.id, now, EventType.REQUEST, message="Name, description or tags were changed.")


def delete(db: sqlite3.Connection, training: Training | Quarantined) -> None:
    """Remove the row; raises StaleRecord if the status changed."""
    changed = db.execute("DELETE FROM trainings WHERE id = ? AND status = ?", (training.id, training.status)).rowcount
    if not changed:
        raise StaleRecord(f"Training {training.id} is no longer {training.status}.")


def exists(db: sqlite3.Connection, training_id: str) -> bool:
    """True until it is deleted."""
    return db.execute("SELECT 1 FROM trainings WHERE id = ?", (training_id,)).fetchone() is not None
