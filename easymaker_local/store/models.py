"""Rows of models, and the documents of their examinations, which may be long."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from easymaker_local.domain.model import Examination, ModelFormat
from easymaker_local.domain.model_record import TRANSITIONS, Model, ModelStatus
from easymaker_local.domain.model_spec import ModelSpec
from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.reason import Cause
from easymaker_local.errors import BrokenRecord
from easymaker_local.store.broken import problem_of
from easymaker_local.store.events import EventType, record
from easymaker_local.store.jobs import Jobs, cause_of, sound
from easymaker_local.store.paging import Condition, Selection, begins, everything, named

KIND = "model"
_JOBS = Jobs(KIND, "models", "Model")
_EXAMINATION = TypeAdapter(Examination)
# A broken row may have anything there; this becomes the name of a directory.
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_ORIGIN = """SELECT models.training_id, trainings.name AS training_name, trainings.status AS training_status,
             models.tuning_id, tunings.name AS tuning_name, tunings.status AS tuning_status, trials.status AS trial_status
             FROM models LEFT JOIN trainings ON trainings.id = models.training_id
             LEFT JOIN tunings ON tunings.id = models.tuning_id LEFT JOIN trials ON trials.id = models.training_id
             WHERE models.id = ?"""


@dataclass(frozen=True)
class Wanted:
    """Which models a list is of: all that meet everything that is given."""

    name: str | None = None
    statuses: Sequence[ModelStatus] | None = None
    training_id: str | None = None
    tuning_id: str | None = None
    id_prefix: str | None = None


@dataclass(frozen=True)
class Reference:
    """A job that a model came from: name and status as they are now."""

    id: str
    name: str
    status: str


@dataclass(frozen=True)
class Origin:
    """Of a tuning's trial, tuning and trial; of another training, that; of neither, nothing (MD-20)."""

    training: Reference | None = None
    tuning: Reference | None = None
    trial: Reference | None = None


def _read(row: sqlite3.Row) -> Model | Quarantined:
    try:
        return _model(row)
    except ValueError as error:
        return _JOBS.broken(row, error)


def _model(row: sqlite3.Row) -> Model:
    return Model(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        spec=ModelSpec.model_validate_json(row["spec"]),
        format=ModelFormat(row["format"]),
        uri=row["uri"],
        training_id=row["training_id"],
        tuning_id=row["tuning_id"],
        sealed=row["sealed"],
        status=ModelStatus(row["status"]),
        cause=cause_of(row),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        checksum=row["checksum"],
        bytes=row["bytes"],
        file_count=row["file_count"],
        revision=row["revision"],
    )


def add(db: sqlite3.Connection, model: Model) -> None:
    """Insert a new model with its first event."""
    db.execute(
        """INSERT INTO models (id, name, description, spec, format, uri, training_id, tuning_id, sealed, status, is_finished,
           created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)""",
        (
            model.id,
            model.name,
            model.description,
            model.spec.model_dump_json(by_alias=True),
            model.format,
            model.uri,
            model.training_id,
            model.tuning_id,
            model.sealed,
            model.status,
            model.created_at,
        ),
    )
    record(db, KIND, model.id, model.created_at, EventType.STATUS, status=model.status)


def get(db: sqlite3.Connection, model_id: str) -> Model:
    """Return a model; raises NotFound, and BrokenRecord if its row cannot be read."""
    return sound(find(db, model_id))


def find(db: sqlite3.Connection, model_id: str) -> Model | Quarantined:
    """Return a model, or what is known of one whose row cannot be read; raises NotFound."""
    return _JOBS.find(db, model_id, _read)


def page(db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING) -> Page[Model | Quarantined]:
    """Return a page of those wanted."""
    where: list[Condition] = [] if wanted.name is None else [named(wanted.name)]
    for column, value in (("training_id", wanted.training_id), ("tuning_id", wanted.tuning_id)):
        if value is not None:
            where.append((f"{column} = ?", [value]))
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("models", where, wanted.statuses, wanted.id_prefix is not None).page(db, request, _read)


def made_from(db: sqlite3.Connection, column: str, ids: Collection[str]) -> list[Model | Quarantined]:
    """Return the models of these ids in ``training_id`` or ``tuning_id``, newest first (MD-20, TR-53, HP-81)."""
    marks = ", ".join("?" * len(ids))
    query = f"SELECT * FROM models WHERE {column} IN ({marks}) ORDER BY created_at DESC, id"  # noqa: S608 fixed words
    return [_read(row) for row in db.execute(query, [*ids])]


def origin(db: sqlite3.Connection, model_id: str) -> Origin:
    """Return what a model came from, also where the rows of that cannot be read as a whole."""
    row = db.execute(_ORIGIN, (model_id,)).fetchone()
    if row is None:
        return Origin()
    training = _reference(row["training_id"], row["training_name"], row["training_status"])
    tuning = _reference(row["tuning_id"], row["tuning_name"], row["tuning_status"])
    if tuning is None or training is None:
        return Origin(training, tuning)
    return Origin(None, tuning, Reference(training.id, training.name, row["trial_status"] or training.status))


def _reference(id_: str | None, name: str | None, status: str | None) -> Reference | None:
    return None if id_ is None or name is None or status is None else Reference(id_, name, status)


def quarantined(db: sqlite3.Connection) -> list[Quarantined]:
    """Return the rows that cannot be read; looks at all there are."""
    return [found for found in everything(db, "models", _read) if isinstance(found, Quarantined)]


def unfinished_ids(db: sqlite3.Connection) -> list[str]:
    """Return the ids of models that still have a way to go, oldest first."""
    return [row["id"] for row in db.execute("SELECT id FROM models WHERE is_finished = 0 ORDER BY created_at")]


def checksums(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Return what local copies models need: checksum -> names of models."""
    found: dict[str, list[str]] = {}
    for row in db.execute("SELECT checksum, name FROM models WHERE checksum IS NOT NULL ORDER BY created_at"):
        found.setdefault(row["checksum"], []).append(row["name"])
    return found


def is_needed(db: sqlite3.Connection, checksum: str) -> bool:
    """True if a model has these contents that is not just being deleted, or is still served (DP-05)."""
    query = """SELECT 1 FROM models WHERE checksum = ?
               AND (status != ? OR EXISTS (SELECT 1 FROM stage_resources WHERE model_id = models.id))"""
    return db.execute(query, (checksum, ModelStatus.DELETE_IN_PROGRESS)).fetchone() is not None


def checksum(db: sqlite3.Connection, model_id: str) -> str | None:
    """Return what local copy a model needs, also one whose row cannot be read as a whole; None: none."""
    row = db.execute("SELECT checksum FROM models WHERE id = ?", (model_id,)).fetchone()
    return row["checksum"] if row is not None and _CHECKSUM.fullmatch(str(row["checksum"])) else None


def count_by_status(db: sqlite3.Connection) -> Counter[str]:
    """Return how many models have each status; all statuses are there, also those that none has."""
    counts = Counter({str(status): 0 for status in ModelStatus})
    counts.update(dict(db.execute("SELECT status, count(*) FROM models GROUP BY status").fetchall()))
    return counts


def transition(db: sqlite3.Connection, model: Model, to: ModelStatus, cause: Cause | None, now: float) -> None:
    """Change the status if it is still the one of ``model``, with its event; raises StaleRecord otherwise."""
    _JOBS.transition(db, model, to, TRANSITIONS[model.status], cause, now, {})


def explain(db: sqlite3.Connection, model: Model, cause: Cause, now: float) -> None:
    """Say beside an unchanged status what is being done."""
    _JOBS.explain(db, model, cause, now)


def settle(
    db: sqlite3.Connection, model: Model, to: ModelStatus, cause: Cause | None, now: float, examination: Examination | None,
    revision: str | None,
) -> None:  # fmt: skip
    """End the creation, with what the examination found; raises StaleRecord if it has ended already."""
    more: dict[str, object] = {"revision": revision}
    if examination is not None and examination.files:
        more |= {
            "checksum": examination.checksum, "bytes": examination.bytes, "file_count": len(examination.files),
        }  # fmt: skip
    _JOBS.transition(db, model, to, TRANSITIONS[model.status], cause, now, more)
    if examination is not None:
        document = _EXAMINATION.dump_json(examination).decode()
        db.execute("INSERT OR REPLACE INTO model_examinations (model_id, document) VALUES (?, ?)", (model.id, document))


def examination(db: sqlite3.Connection, model_id: str) -> Examination | None:
    """Return what the examination found; None if there has been none. Raises BrokenRecord if it cannot be read."""
    row = db.execute("SELECT document FROM model_examinations WHERE model_id = ?", (model_id,)).fetchone()
    if row is None:
        return None
    try:
        return _EXAMINATION.validate_json(row["document"])
    except ValueError as error:
        raise BrokenRecord(f"What was found of model {model_id} cannot be read: {problem_of(error)}.") from error


def change(db: sqlite3.Connection, model: Model, spec: ModelSpec, now: float) -> None:
    """Replace name, description and tags (MD-17, MD-23)."""
    _JOBS.change(db, model, spec.model_name, spec.description, spec.model_dump_json(by_alias=True), now)


def delete(db: sqlite3.Connection, model: Model | Quarantined) -> None:
    """Remove the row with what its examination found; raises StaleRecord if the status changed."""
    _JOBS.delete(db, model)


def names(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of those of the models that exist, by their ids."""
    rows = db.execute("SELECT id, name FROM models WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([*ids]),))
    return {row["id"]: row["name"] for row in rows}
