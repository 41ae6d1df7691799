"""What has failed of all kinds, newest first: for whoever looks at everything at once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from easymaker_local.domain.resource import Reference, ResourceKind


@dataclass(frozen=True)
class Failure:
    """A resource in a failed status, since when, and why. ``reason`` is a code, None where a kind has none."""

    resource: Reference
    status: str
    at: float
    reason: str | None
    message: str | None
    parent: Reference | None


# Columns: id, name, status, at, reason, message, and of a parent kind, id and name.
# A failed trial is no news: tunings are made to try what may fail. The words are those of the index of failed trainings.
_QUERIES = {
    ResourceKind.EXPERIMENT: """
        SELECT id, name, status, coalesce((
            SELECT max(at) FROM events WHERE kind = 'experiment' AND resource_id = experiments.id AND type = 'STATUS'
        ), created_at) AS at, NULL, message, NULL, NULL, NULL
        FROM experiments WHERE deleted_at IS NULL AND status = 'CREATE_FAILED'""",
    ResourceKind.TRAINING: """
        SELECT id, name, status, finished_at AS at, reason, message, NULL, NULL, NULL
        FROM trainings INDEXED BY trainings_failed WHERE tuning_id IS NULL AND status IN ('FAIL_TRAIN', 'CREATE_FAILED')""",
    ResourceKind.HYPERPARAMETER_TUNING: """
        SELECT id, name, status, finished_at AS at, reason, message, NULL, NULL, NULL
        FROM tunings WHERE status IN ('FAIL_HYPERPARAMETER_TUNING', 'CREATE_FAILED')""",
    ResourceKind.MODEL: """
        SELECT id, name, status, finished_at AS at, reason, message, NULL, NULL, NULL
        FROM models WHERE status IN ('CREATE_FAILED', 'DELETE_FAILED')""",
    ResourceKind.ENDPOINT: """
        SELECT id, name, status, finished_at AS at, reason, message, NULL, NULL, NULL
        FROM endpoints WHERE status IN ('CREATE_FAILED', 'UPDATE_FAILED')""",
    ResourceKind.ENDPOINT_STAGE: """
        SELECT s.id, s.name, s.status, s.finished_at AS at, s.reason, s.message, 'endpoint', e.id, e.name
        FROM stages s JOIN endpoints e ON e.id = s.endpoint_id WHERE s.status IN ('CREATE_FAILED', 'DEPLOY_FAILED')""",
    ResourceKind.ENDPOINT_MODEL: """
        SELECT r.id, coalesce(m.name, r.id), r.status, r.finished_at AS at, r.reason, r.message,
        'endpoint-stage', s.id, e.name || '/' || s.name
        FROM stage_resources r JOIN stages s ON s.id = r.stage_id JOIN endpoints e ON e.id = s.endpoint_id
        LEFT JOIN models m ON m.id = r.model_id WHERE r.status = 'CREATE_FAILED'""",
}


def newest(db: sqlite3.Connection, count: int) -> list[Failure]:
    """Return what failed last of all kinds, ``count`` at most."""
    found = [
        _failure(kind, row)
        for kind, query in _QUERIES.items()
        for row in db.execute(f"{query} ORDER BY at DESC LIMIT ?", (count,))
    ]
    return sorted(found, key=lambda failure: -failure.at)[:count]


def _failure(kind: ResourceKind, row: sqlite3.Row) -> Failure:
    id_, name, status, at, reason, message, parent_kind, parent_id, parent_name = row
    parent = None if parent_id is None else Reference(ResourceKind(parent_kind), parent_id, parent_name)
    return Failure(Reference(kind, id_, name), status, at or 0.0, reason, message, parent)
