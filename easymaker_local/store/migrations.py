"""The schema, as steps that ran once and are never edited afterwards."""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("easymaker_local")


@migrations()
def resources(db: Database) -> None:
    """Experiments, trainings, their events, the ledger and what the installation knows of itself."""
    for statement in (
        """CREATE TABLE installation (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT""",
        """CREATE TABLE experiments (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, status TEXT NOT NULL, message TEXT,
            created_at REAL NOT NULL, deleted_at REAL) STRICT""",
        # Names are unique among experiments that exist; a tombstone keeps its name (EX-21).
        """CREATE UNIQUE INDEX experiments_name ON experiments (name) WHERE deleted_at IS NULL""",
        """CREATE TABLE trainings (
            id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL REFERENCES experiments (id),
            name TEXT NOT NULL, description TEXT, spec TEXT NOT NULL, flavor TEXT NOT NULL,
            status TEXT NOT NULL, desired TEXT NOT NULL, is_finished INTEGER NOT NULL,
            reason TEXT, message TEXT, attempt INTEGER NOT NULL,
            created_at REAL NOT NULL, queued_at REAL, started_at REAL, finished_at REAL) STRICT""",
        """CREATE INDEX trainings_created ON trainings (created_at DESC)""",
        """CREATE INDEX trainings_unfinished ON trainings (created_at) WHERE is_finished = 0""",
        """CREATE INDEX trainings_experiment ON trainings (experiment_id, created_at DESC)""",
        """CREATE TABLE bookings (
            kind TEXT NOT NULL, resource_id TEXT NOT NULL, member TEXT NOT NULL,
            cpu_milli INTEGER NOT NULL, memory_mib INTEGER NOT NULL, devices TEXT NOT NULL, booked_at REAL NOT NULL,
            PRIMARY KEY (kind, resource_id, member)) STRICT""",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY, kind TEXT NOT NULL, resource_id TEXT NOT NULL, at REAL NOT NULL,
            type TEXT NOT NULL, status TEXT, reason TEXT, message TEXT) STRICT""",
        """CREATE INDEX events_resource ON events (kind, resource_id, id)""",
    ):
        db.execute(statement)


@migrations()
def bucket_access(db: Database) -> None:
    """Access lists of buckets."""
    db.execute("CREATE TABLE bucket_access (container TEXT PRIMARY KEY, read TEXT, write TEXT) STRICT")
