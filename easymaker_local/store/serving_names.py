"""What endpoints, stages and models are called: for records that say it after these are gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StageNames:
    """A stage with its endpoint."""

    name: str
    status: str
    endpoint_id: str
    endpoint_name: str


@dataclass(frozen=True)
class ModelNames:
    """A model."""

    name: str
    status: str


@dataclass(frozen=True)
class Names:
    """Stages and models by their ids, those included whose rows cannot be read otherwise."""

    stages: Mapping[str, StageNames]
    models: Mapping[str, ModelNames]


def find(db: sqlite3.Connection, model_ids: Collection[str]) -> Names:
    """Return the names of all stages that exist now, and of those of the models that do."""
    stages = db.execute(
        "SELECT s.id, s.name, s.status, e.id AS endpoint_id, e.name AS endpoint_name"
        " FROM stages s JOIN endpoints e ON e.id = s.endpoint_id"
    )
    marks = ", ".join("?" * len(model_ids))
    models = db.execute(f"SELECT id, name, status FROM models WHERE id IN ({marks})", [*model_ids])  # noqa: S608 marks only
    return Names(
        {row["id"]: StageNames(row["name"], row["status"], row["endpoint_id"], row["endpoint_name"]) for row in stages},
        {row["id"]: ModelNames(row["name"], row["status"]) for row in models},
    )
