"""Rows of experiments."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from easymaker_local.domain.experiment import TRANSITIONS, Experiment, ExperimentStatus
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.errors import Conflict, NotFound, StaleRecord
from easymaker_local.store.events import EventType, record
from easymaker_local.store.paging import Condition, Selection, begins

KIND = "experiment"


def _experiment(row: sqlite3.Row) -> Experiment:
    if row["status"] in set(ExperimentStatus):
        return Experiment(**{**dict(row), "status": ExperimentStatus(row["status"])})
    message = f"Its record is broken: {row['status']!r} is no status. Delete it, or bring its row back from a copy."
    return Experiment(**{**dict(row), "status": ExperimentStatus.BROKEN, "message": message})


def add(db: sqlite3.Connection, experiment: Experiment) -> None:
    """Insert; raises Conflict if an experiment of that name exists."""
    try:
        db.execute(
            "INSERT INTO experiments (id, name, description, status, message, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                experiment.id,
                experiment.name,
                experiment.description,
                experiment.status,
                experiment.message,
                experiment.created_at,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(f"An experiment named {experiment.name!r} exists already.") from error
    record(db, KIND, experiment.id, experiment.created_at, EventType.STATUS, status=experiment.status)


def get(db: sqlite3.Connection, experiment_id: str) -> Experiment:
    """Return an experiment that exists; raises NotFound."""
    experiment = find(db, experiment_id)
    if experiment is None or experiment.deleted_at is not None:
        raise NotFound(f"There is no experiment {experiment_id!r}.")
    return experiment


def find(db: sqlite3.Connection, experiment_id: str) -> Experiment | None:
    """Return an experiment or its tombstone, for those that refer to it (EX-21)."""
    row = db.execute("SELECT * FROM experiments WHERE id = ?", (experiment_id,)).fetchone()
    return None if row is None else _experiment(row)


@dataclass(frozen=True)
class Wanted:
    """Which experiments a list is of: all that meet everything that is given (rest-api §6.4)."""

    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    id_prefix: str | None = None


def page(db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING) -> Page[Experiment]:
    """Return a page of those wanted."""
    where: list[Condition] = [("deleted_at IS NULL", [])]
    for column, values in (("id", wanted.ids), ("name", wanted.names)):
        if values is not None:
            where.append((f"{column} IN ({', '.join('?' * len(values))})", values))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("experiments", where, selective=wanted != Wanted()).page(db, request, _experiment)


def broken(db: sqlite3.Connection) -> list[Experiment]:
    """Return those whose rows say something that cannot be."""
    return [experiment for experiment in page(db).rows if experiment.status is ExperimentStatus.BROKEN]


def transition(
    db: sqlite3.Connection,
    experiment_id: str,
    *,
    seen: ExperimentStatus,
    to: ExperimentStatus,
    now: float,
    message: str | None = None,
) -> None:
    """Change the status if it is still ``seen``; raises StaleRecord otherwise."""
    if to not in TRANSITIONS[seen]:
        raise AssertionError(f"{seen} never becomes {to}")
    changed = db.execute(
        "UPDATE experiments SET status = ?, message = ? WHERE id = ? AND status = ? AND deleted_at IS NULL",
        (to, message, experiment_id, seen),
    ).rowcount
    if not changed:
        raise StaleRecord(f"Experiment {experiment_id} is no longer {seen}.")
    record(db, KIND, experiment_id, now, EventType.STATUS, status=to, message=message)


def change(db: sqlite3.Connection, experiment: Experiment, name: str, description: str | None, now: float) -> None:
    """Rename or describe (EX-09); raises Conflict if the name is taken."""
    try:
        db.execute("UPDATE experiments SET name = ?, description = ? WHERE id = ?", (name, description, experiment.id))
    except sqlite3.IntegrityError as error:
        raise Conflict(f"An experiment named {name!r} exists already.") from error
    if name != experiment.name:
        record(db, KIND, experiment.id, now, EventType.REQUEST, message=f"Renamed from {experiment.name!r} to {name!r}.")


def bury(db: sqlite3.Connection, experiment_id: str, now: float) -> None:
    """Delete: a tombstone stays for those that refer to it."""
    db.execute("UPDATE experiments SET deleted_at = ? WHERE id = ?", (now, experiment_id))
    record(db, KIND, experiment_id, now, EventType.REQUEST, message="Deleted.")


def in_status(db: sqlite3.Connection, statuses: Sequence[ExperimentStatus]) -> list[Experiment]:
    """Return experiments in any of the statuses, oldest first."""
    marks = ", ".join("?" * len(statuses))
    query = f"SELECT * FROM experiments WHERE deleted_at IS NULL AND status IN ({marks}) ORDER BY created_at"  # noqa: S608
    return [_experiment(row) for row in db.execute(query, list(statuses))]
