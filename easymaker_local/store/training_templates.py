"""Rows of training templates: a document each, and beside it what lists are ordered and selected by."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from easymaker_local.domain.page import EVERYTHING, Page, PageRequest
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training_template import TrainingTemplate, TrainingTemplateSpec
from easymaker_local.errors import NotFound
from easymaker_local.store.broken import problem_of
from easymaker_local.store.paging import Condition, Selection, begins, everything, named

KIND = "training template"


@dataclass(frozen=True)
class Wanted:
    """Which templates a list is of: all that meet everything that is given."""

    name: str | None = None
    id_prefix: str | None = None


def _read(row: sqlite3.Row) -> TrainingTemplate | Quarantined:
    try:
        spec = TrainingTemplateSpec.model_validate_json(row["document"])
    except ValueError as error:
        return Quarantined(
            kind=KIND, id=row["id"], name=row["name"], status="", is_finished=True, attempt=0, created_at=row["created_at"],
            problem=problem_of(error),
        )  # fmt: skip
    return TrainingTemplate(row["id"], spec, row["created_at"], row["changed_at"])


def add(db: sqlite3.Connection, template: TrainingTemplate) -> None:
    """Insert a new template."""
    db.execute(
        "INSERT INTO training_templates (id, name, document, created_at, changed_at) VALUES (?, ?, ?, ?, ?)",
        (template.id, template.name, _document(template.spec), template.created_at, template.changed_at),
    )


def get(db: sqlite3.Connection, template_id: str) -> TrainingTemplate:
    """Return a template; raises NotFound, and BrokenRecord if its row cannot be read."""
    found = find(db, template_id)
    if isinstance(found, Quarantined):
        raise found.error
    return found


def find(db: sqlite3.Connection, template_id: str) -> TrainingTemplate | Quarantined:
    """Return a template, or what is known of one whose row cannot be read; raises NotFound."""
    row = db.execute("SELECT * FROM training_templates WHERE id = ?", (template_id,)).fetchone()
    if row is None:
        raise _absent(template_id)
    return _read(row)


def page(
    db: sqlite3.Connection, wanted: Wanted = Wanted(), request: PageRequest = EVERYTHING
) -> Page[TrainingTemplate | Quarantined]:
    """Return a page of those wanted."""
    where: list[Condition] = [] if wanted.name is None else [named(wanted.name)]
    if wanted.id_prefix is not None:
        where.append(begins("id", wanted.id_prefix))
    return Selection("training_templates", where, selective=wanted.id_prefix is not None).page(db, request, _read)


def quarantined(db: sqlite3.Connection) -> list[Quarantined]:
    """Return the rows that cannot be read; looks at all there are."""
    return [found for found in everything(db, "training_templates", _read) if isinstance(found, Quarantined)]


def change(db: sqlite3.Connection, template_id: str, spec: TrainingTemplateSpec, now: float) -> None:
    """Replace what a template holds."""
    db.execute(
        "UPDATE training_templates SET name = ?, document = ?, changed_at = ? WHERE id = ?",
        (spec.training_template_name, _document(spec), now, template_id),
    )


def delete(db: sqlite3.Connection, template_id: str) -> None:
    """Remove the row, whether it can be read or not (DP-04); raises NotFound."""
    if not db.execute("DELETE FROM training_templates WHERE id = ?", (template_id,)).rowcount:
        raise _absent(template_id)


def _document(spec: TrainingTemplateSpec) -> str:
    return json.dumps(spec.document(), ensure_ascii=False)


def _absent(template_id: str) -> NotFound:
    return NotFound(f"There is no training template {template_id!r}.")
