"""Rows of trials: what the tuning makes of the training that each one is. That training's row has the same id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.domain.trial import TRIAL_TRANSITIONS, Ending, Metric, Trial, TrialStatus
from easymaker_local.errors import NotFound, StaleRecord
from easymaker_local.store import metric_points, trainings
from easymaker_local.store.broken import problem_of
from easymaker_local.store.jobs import sound

_QUERY = """SELECT trials.*, trainings.name, trainings.created_at, trainings.started_at, trainings.finished_at,
            trainings.status AS training_status, trainings.reason, trainings.message
            FROM trials LEFT JOIN trainings ON trainings.id = trials.id"""

_TRAINING_STATUSES, _REASONS = frozenset(TrainingStatus), frozenset(Reason)


def add(db: sqlite3.Connection, training: Training, number: int) -> None:
    """Insert a trial beside its training's new row; raises StaleRecord if there is one of that number."""
    assert training.tuning_id is not None
    parameters = {p.parameter_name: p.parameter_value for p in training.spec.hyperparameter_list}
    inserted = db.execute(
        "INSERT INTO trials (id, tuning_id, number, parameters, status) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (training.id, training.tuning_id, number, json.dumps(parameters, ensure_ascii=False), TrialStatus.CREATED),
    ).rowcount
    if not inserted:
        raise StaleRecord(f"Hyperparameter tuning {training.tuning_id} has a trial {number} already.")


def of_tuning(db: sqlite3.Connection, tuning_id: str, after: int = 0) -> list[Trial]:
    """Return the trials of a tuning by number, those above ``after``, with all that their metrics were.

    Raises BrokenRecord if the row of one cannot be read.
    """
    summaries = metric_points.of_tuning(db, tuning_id, after)
    where = "trials.tuning_id = ? AND trials.number > ?"
    rows = db.execute(f"{_QUERY} WHERE {where} ORDER BY trials.number", (tuning_id, after))
    return [sound(_read(db, row, summaries.get(row["id"], {}))) for row in rows.fetchall()]


def quarantined(db: sqlite3.Connection, tuning_id: str | None = None) -> list[Quarantined]:
    """Return the rows that cannot be read, of one tuning or of all; looks at all there are."""
    rows = db.execute(f"{_QUERY} WHERE ? IS NULL OR trials.tuning_id = ?", (tuning_id, tuning_id))
    return [found for row in rows.fetchall() if isinstance(found := _read(db, row, {}), Quarantined)]


def get(db: sqlite3.Connection, tuning_id: str, trial_id: str) -> Trial:
    """Return one; raises NotFound, and BrokenRecord if its row cannot be read."""
    row = db.execute(f"{_QUERY} WHERE trials.tuning_id = ? AND trials.id = ?", (tuning_id, trial_id)).fetchone()
    if row is None:
        raise NotFound(f"Hyperparameter tuning {tuning_id} has no trial {trial_id!r}.")
    return sound(_read(db, row, metric_points.of_training(db, trial_id)))


def ids_of_tuning(db: sqlite3.Connection, tuning_id: str) -> list[str]:
    """Return the ids of all trials of a tuning, by number."""
    return [row["id"] for row in db.execute("SELECT id FROM trials WHERE tuning_id = ? ORDER BY number", (tuning_id,))]


def transition(db: sqlite3.Connection, trial: Trial, to: TrialStatus) -> Trial:
    """Change the status if it is still the one of ``trial``, and return the trial; raises StaleRecord otherwise."""
    if to not in TRIAL_TRANSITIONS[trial.status]:
        raise AssertionError(f"{trial.status} never becomes {to}")
    changed = db.execute("UPDATE trials SET status = ? WHERE id = ? AND status = ?", (to, trial.id, trial.status)).rowcount
    if not changed:
        raise StaleRecord(f"Trial {trial.id} is no longer {trial.status}.")
    return replace(trial, status=to)


def end(db: sqlite3.Connection, trial: Trial, ending: Ending, why: str) -> None:
    """Write down that the tuning ends a trial, once; raises StaleRecord if it does already."""
    query = "UPDATE trials SET ending = ?, why = ? WHERE id = ? AND ending IS NULL"
    if not db.execute(query, (ending, why, trial.id)).rowcount:
        raise StaleRecord(f"Trial {trial.id} is being ended already.")


@dataclass(frozen=True)
class Progress:
    """How far what a trial prints has been read, in bytes, and the first line that named the objective without a value."""

    position: int
    almost: str | None


def progress(db: sqlite3.Connection, trial_id: str) -> Progress:
    """Return how far its output has been read; raises NotFound."""
    row = db.execute("SELECT position, almost FROM trials WHERE id = ?", (trial_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no trial {trial_id!r}.")
    return Progress(row["position"], row["almost"])


def advance(db: sqlite3.Connection, trial_id: str, seen: Progress, to: Progress) -> None:
    """Write down how far it was read; raises StaleRecord if somebody else has read on, or the trial is gone."""
    changed = db.execute(
        "UPDATE trials SET position = ?, almost = ? WHERE id = ? AND position = ?",
        (to.position, to.almost, trial_id, seen.position),
    ).rowcount
    if not changed:
        raise StaleRecord(f"The output of trial {trial_id} has been read further.")


def delete(db: sqlite3.Connection, trial_id: str) -> None:
    """Remove the row, with everything that was read of what the trial printed."""
    db.execute("DELETE FROM trials WHERE id = ?", (trial_id,))
    metric_points.forget(db, trial_id)


def _read(db: sqlite3.Connection, row: sqlite3.Row, metrics: Mapping[str, Metric]) -> Trial | Quarantined:
    try:
        return _trial(db, row, metrics)
    except ValueError as error:
        name, created_at = row["name"] or f"trial {row['number']}", row["created_at"] or 0.0
        return Quarantined("trial", row["id"], name, row["status"], False, 1, created_at, problem_of(error))


def _trial(db: sqlite3.Connection, row: sqlite3.Row, metrics: Mapping[str, Metric]) -> Trial:
    """A training's spec is looked at only while it matters: nobody else would notice that it cannot be read."""
    status = TrialStatus(row["status"])
    training_status = _training_status(row["training_status"])
    if not status.is_finished and training_status is not None and _is_broken(db, row["id"]):
        training_status = None
    return Trial(
        id=row["id"],
        number=row["number"],
        name=row["name"] if row["name"] is not None else f"trial {row['number']}",
        status=status,
        ending=None if row["ending"] is None else Ending(row["ending"]),
        why=row["why"],
        parameters=_parameters(row["parameters"]),
        created_at=row["created_at"] or 0.0,
        training_status=training_status,
        cause=_cause(row["reason"], row["message"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        metrics=metrics,
        almost=row["almost"],
    )


def _parameters(text: str) -> dict[str, str]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("its parameters are no object")  # noqa: TRY004 a row that cannot be read
    return found


def _training_status(text: str | None) -> TrainingStatus | None:
    return TrainingStatus(text) if text in _TRAINING_STATUSES else None


def _is_broken(db: sqlite3.Connection, training_id: str) -> bool:
    return isinstance(trainings.find(db, training_id), Quarantined)


def _cause(reason: str | None, message: str | None) -> Cause | None:
    return Cause(Reason(reason), message or "") if reason in _REASONS else None
