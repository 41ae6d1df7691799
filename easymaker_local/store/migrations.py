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
def peaks(db: Database) -> None:
    """The highest use of each node (GN-19)."""
    db.execute(
        """CREATE TABLE peaks (
            kind TEXT NOT NULL, resource_id TEXT NOT NULL, member TEXT NOT NULL, memory_bytes INTEGER, cpu REAL,
            PRIMARY KEY (kind, resource_id, member)) STRICT, WITHOUT ROWID"""
    )


@migrations()
def sessions(db: Database) -> None:
    """Browser sessions (architecture 12)."""
    db.execute(
        """CREATE TABLE sessions (
            digest TEXT PRIMARY KEY, created_at REAL NOT NULL, expires_at REAL NOT NULL) STRICT"""
    )


@migrations()
def queue(db: Database) -> None:
    """The queue of every kind of resource; bookings know how long they may last and whether only their devices are left."""
    for statement in (
        """CREATE TABLE queue (
            kind TEXT NOT NULL, resource_id TEXT NOT NULL, members TEXT NOT NULL, gpus INTEGER NOT NULL, gpu_model TEXT,
            priority INTEGER NOT NULL, limit_seconds REAL, created_at REAL NOT NULL, queued_at REAL NOT NULL,
            blocked_since REAL, PRIMARY KEY (kind, resource_id)) STRICT""",
        """CREATE INDEX queue_order ON queue (priority, created_at)""",
        """ALTER TABLE bookings ADD COLUMN limit_seconds REAL""",
        """ALTER TABLE bookings ADD COLUMN ended_at REAL""",
        # Trainings that waited enter the queue again as soon as the next daemon looks at them.
        """ALTER TABLE trainings DROP COLUMN queued_at""",
    ):
        db.execute(statement)


@migrations()
def log_shipping(db: Database) -> None:
    """What still has logs to bring into the log store. A row comes with its resource and goes when all of it is there."""
    db.execute(
        """CREATE TABLE log_shipping (
            kind TEXT NOT NULL, resource_id TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (kind, resource_id)) STRICT"""
    )


@migrations()
def bucket_access(db: Database) -> None:
    """Access lists of buckets."""
    db.execute("CREATE TABLE bucket_access (container TEXT PRIMARY KEY, read TEXT, write TEXT) STRICT")


@migrations()
def pages(db: Database) -> None:
    """Indexes for lists in pages, and for what is asked again and again: nothing of it depends on how many rows there are."""
    for statement in (
        """DROP INDEX trainings_created""",
        """DROP INDEX trainings_experiment""",
        """CREATE INDEX trainings_created ON trainings (created_at DESC, id)""",
        """CREATE INDEX trainings_experiment ON trainings (experiment_id, created_at DESC, id)""",
        """CREATE INDEX trainings_status ON trainings (status, created_at DESC, id)""",
        """CREATE INDEX trainings_experiment_status ON trainings (experiment_id, status, created_at DESC, id)""",
        """CREATE INDEX trainings_name ON trainings (name, created_at DESC, id)""",
        """CREATE INDEX trainings_started ON trainings (created_at) WHERE is_finished = 0 AND status != 'CREATE_REQUESTED'""",
        """CREATE INDEX experiments_created ON experiments (created_at DESC, id) WHERE deleted_at IS NULL""",
        """CREATE INDEX experiments_status ON experiments (status, created_at) WHERE deleted_at IS NULL""",
    ):
        db.execute(statement)


@migrations()
def uptimes(db: Database) -> None:
    """When trainings began by a clock that does not jump, for their time limits."""
    db.execute("ALTER TABLE trainings ADD COLUMN started_boot TEXT")
    db.execute("ALTER TABLE trainings ADD COLUMN started_uptime REAL")


@migrations()
def training_templates(db: Database) -> None:
    """Training templates: documents with a schema version of their own (TT-L01)."""
    for statement in (
        """CREATE TABLE training_templates (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL, created_at REAL NOT NULL,
            changed_at REAL NOT NULL) STRICT""",
        """CREATE INDEX training_templates_created ON training_templates (created_at DESC, id)""",
        """CREATE INDEX training_templates_name ON training_templates (name, created_at DESC, id)""",
    ):
        db.execute(statement)


@migrations()
def metric_points(db: Database) -> None:
    """Values that were collected from what trainings print."""
    db.execute(
        """CREATE TABLE metric_points (
            training_id TEXT NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (training_id, name, step)) STRICT, WITHOUT ROWID"""
    )


@migrations()
def tracking(db: Database) -> None:
    """What MLflow has been told of each training. The database itself counts changes, so that nobody forgets to."""
    for statement in (
        """CREATE TABLE tracking (
            id INTEGER PRIMARY KEY, training_id TEXT NOT NULL UNIQUE, changes INTEGER NOT NULL DEFAULT 1,
            told INTEGER NOT NULL DEFAULT 0, points TEXT NOT NULL DEFAULT '{}') STRICT""",
        """CREATE INDEX tracking_untold ON tracking (id) WHERE told != changes""",
        """CREATE TRIGGER tracking_added AFTER INSERT ON trainings BEGIN
            INSERT INTO tracking (training_id) VALUES (NEW.id)
                ON CONFLICT (training_id) DO UPDATE SET changes = changes + 1; END""",
        """CREATE TRIGGER tracking_changed AFTER UPDATE OF name, description, spec, status ON trainings BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id = NEW.id; END""",
        """CREATE TRIGGER tracking_deleted AFTER DELETE ON trainings BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id = OLD.id; END""",
        """CREATE TRIGGER tracking_measured AFTER INSERT ON metric_points BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id = NEW.training_id; END""",
        # One of its trainings is told again, and with it the name of the experiment.
        """CREATE TRIGGER tracking_renamed AFTER UPDATE OF name ON experiments WHEN NEW.name != OLD.name BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id =
                (SELECT id FROM trainings WHERE experiment_id = NEW.id ORDER BY created_at DESC, id LIMIT 1); END""",
        """INSERT INTO tracking (training_id) SELECT id FROM trainings ORDER BY created_at""",
    ):
        db.execute(statement)
