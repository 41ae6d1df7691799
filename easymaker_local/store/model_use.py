"""Who serves a model, and what it needed when it was served last."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from easymaker_local.domain.endpoint import Wish


@dataclass(frozen=True)
class ModelUse:
    """A stage that a model is deployed on, with its endpoint."""

    endpoint_id: str
    endpoint_name: str
    endpoint_status: str
    stage_id: str
    stage_name: str

    def __str__(self) -> str:
        return f"endpoint {self.endpoint_name!r} ({self.endpoint_id}, {self.endpoint_status}), stage {self.stage_name!r}"


@dataclass(frozen=True)
class MeasuredLoad:
    """How long a model took until it answered, and the most memory that it had; ``memory_bytes`` None: not measured."""

    load_seconds: float
    memory_bytes: int | None


def users_of(db: sqlite3.Connection, model_id: str) -> list[ModelUse]:
    """Return where a model is deployed (MD-37, DP-05), oldest first; what is to be deleted has let it go already."""
    query = """SELECT DISTINCT e.id AS endpoint_id, e.name AS endpoint_name, e.status AS endpoint_status, s.id AS stage_id,
               s.name AS stage_name FROM stage_resources r JOIN stages s ON s.id = r.stage_id
               JOIN endpoints e ON e.id = s.endpoint_id
               WHERE r.model_id = :id AND r.wish != :gone AND s.wish != :gone AND e.wish != :gone ORDER BY s.created_at"""
    return [ModelUse(**dict(row)) for row in db.execute(query, {"id": model_id, "gone": Wish.DELETE})]


def is_served(db: sqlite3.Connection, model_id: str) -> bool:
    """True if there is a stage resource of the model, if only one that is on its way out: its pods may read the copy."""
    return db.execute("SELECT 1 FROM stage_resources WHERE model_id = ?", (model_id,)).fetchone() is not None


def loads(db: sqlite3.Connection, model_ids: Collection[str]) -> dict[str, MeasuredLoad]:
    """Return what was measured of those models that were served before."""
    marks = ", ".join("?" * len(model_ids))
    query = f"SELECT model_id, load_seconds, memory_bytes FROM model_loads WHERE model_id IN ({marks})"  # noqa: S608 only marks
    return {row["model_id"]: MeasuredLoad(row["load_seconds"], row["memory_bytes"]) for row in db.execute(query, [*model_ids])}
