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


@migrations()
def tunings(db: Database) -> None:
    """Tunings, their trials beside the trainings that these are, and what was read of what each trial printed."""
    for statement in (
        """CREATE TABLE tunings (
            id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL REFERENCES experiments (id),
            name TEXT NOT NULL, description TEXT, spec TEXT NOT NULL, flavor TEXT NOT NULL, seed INTEGER NOT NULL,
            status TEXT NOT NULL, desired TEXT NOT NULL, is_finished INTEGER NOT NULL,
            detail TEXT, reason TEXT, message TEXT, created_at REAL NOT NULL, started_at REAL, finished_at REAL,
            started_boot TEXT, started_uptime REAL) STRICT""",
        """CREATE INDEX tunings_created ON tunings (created_at DESC, id)""",
        """CREATE INDEX tunings_experiment ON tunings (experiment_id, created_at DESC, id)""",
        """CREATE INDEX tunings_status ON tunings (status, created_at DESC, id)""",
        """CREATE INDEX tunings_name ON tunings (name, created_at DESC, id)""",
        """CREATE INDEX tunings_unfinished ON tunings (created_at) WHERE is_finished = 0""",
        """CREATE TABLE trials (
            id TEXT PRIMARY KEY, tuning_id TEXT NOT NULL REFERENCES tunings (id), number INTEGER NOT NULL,
            parameters TEXT NOT NULL, status TEXT NOT NULL, ending TEXT, why TEXT,
            position INTEGER NOT NULL DEFAULT 0, almost TEXT, UNIQUE (tuning_id, number)) STRICT""",
        """CREATE TABLE metric_summaries (
            training_id TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, minimum REAL NOT NULL,
            maximum REAL NOT NULL, latest REAL NOT NULL, early_sum REAL NOT NULL, early_count INTEGER NOT NULL,
            PRIMARY KEY (training_id, name)) STRICT, WITHOUT ROWID""",
        """ALTER TABLE trainings ADD COLUMN tuning_id TEXT""",
        # Lists of trainings are without trials, of which there may be many more.
        """DROP INDEX trainings_created""",
        """DROP INDEX trainings_experiment""",
        """DROP INDEX trainings_status""",
        """DROP INDEX trainings_experiment_status""",
        """DROP INDEX trainings_name""",
        """CREATE INDEX trainings_created ON trainings (created_at DESC, id) WHERE tuning_id IS NULL""",
        """CREATE INDEX trainings_experiment ON trainings (experiment_id, created_at DESC, id) WHERE tuning_id IS NULL""",
        # With the condition's column at its end: SQLite counts in the index alone only if it is there.
        """CREATE INDEX trainings_status ON trainings (status, created_at DESC, id, tuning_id) WHERE tuning_id IS NULL""",
        """CREATE INDEX trainings_experiment_status ON trainings (experiment_id, status, created_at DESC, id)
            WHERE tuning_id IS NULL""",
        """CREATE INDEX trainings_name ON trainings (name, created_at DESC, id) WHERE tuning_id IS NULL""",
    ):
        db.execute(statement)


@migrations()
def storage_enforced(db: Database) -> None:
    """Whether the data storage of a training was a volume of its size."""
    db.execute("ALTER TABLE trainings ADD COLUMN storage_enforced INTEGER")


@migrations()
def models(db: Database) -> None:
    """Models, and what their examinations found, which lists do not read. MLflow is told which models a training has."""
    for statement in (
        """CREATE TABLE models (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, spec TEXT NOT NULL, format TEXT NOT NULL, uri TEXT,
            training_id TEXT, tuning_id TEXT, sealed TEXT, status TEXT NOT NULL, is_finished INTEGER NOT NULL, reason TEXT,
            message TEXT, created_at REAL NOT NULL, finished_at REAL, checksum TEXT, bytes INTEGER, file_count INTEGER,
            revision TEXT) STRICT""",
        """CREATE INDEX models_created ON models (created_at DESC, id)""",
        """CREATE INDEX models_status ON models (status, created_at DESC, id)""",
        """CREATE INDEX models_name ON models (name, created_at DESC, id)""",
        """CREATE INDEX models_training ON models (training_id, created_at DESC, id) WHERE training_id IS NOT NULL""",
        """CREATE INDEX models_tuning ON models (tuning_id, created_at DESC, id) WHERE tuning_id IS NOT NULL""",
        """CREATE INDEX models_checksum ON models (checksum) WHERE checksum IS NOT NULL""",
        """CREATE INDEX models_unfinished ON models (created_at) WHERE is_finished = 0""",
        """CREATE TABLE model_examinations (
            model_id TEXT PRIMARY KEY REFERENCES models (id) ON DELETE CASCADE, document TEXT NOT NULL) STRICT""",
        """CREATE TRIGGER tracking_model_added AFTER INSERT ON models WHEN NEW.training_id IS NOT NULL BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id = NEW.training_id; END""",
        """CREATE TRIGGER tracking_model_renamed AFTER UPDATE OF name ON models WHEN NEW.name != OLD.name BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id = NEW.training_id; END""",
        """CREATE TRIGGER tracking_model_deleted AFTER DELETE ON models WHEN OLD.training_id IS NOT NULL BEGIN
            UPDATE tracking SET changes = changes + 1 WHERE training_id = OLD.training_id; END""",
    ):
        db.execute(statement)


@migrations()
def endpoints(db: Database) -> None:
    """Endpoints, their stages, stage resources and pods; queue places of more members beside those that are booked."""
    for statement in (
        """CREATE TABLE endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT, tags TEXT NOT NULL, sealed_api_key TEXT,
            status TEXT NOT NULL, wish TEXT NOT NULL, is_finished INTEGER NOT NULL, reason TEXT, message TEXT,
            default_stage_id TEXT NOT NULL, change TEXT, created_at REAL NOT NULL, finished_at REAL) STRICT""",
        """CREATE INDEX endpoints_created ON endpoints (created_at DESC, id)""",
        """CREATE INDEX endpoints_status ON endpoints (status, created_at DESC, id)""",
        """CREATE TABLE stages (
            id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL REFERENCES endpoints (id), name TEXT NOT NULL, spec TEXT NOT NULL,
            flavor TEXT NOT NULL, status TEXT NOT NULL, wish TEXT NOT NULL, is_finished INTEGER NOT NULL, reason TEXT,
            message TEXT, wanted_nodes INTEGER NOT NULL, runtime_version TEXT NOT NULL, generation INTEGER NOT NULL,
            deployed INTEGER NOT NULL, created_at REAL NOT NULL, finished_at REAL, UNIQUE (endpoint_id, name)) STRICT""",
        """CREATE INDEX stages_created ON stages (created_at DESC, id)""",
        """CREATE TABLE stage_resources (
            id TEXT PRIMARY KEY, stage_id TEXT NOT NULL REFERENCES stages (id), endpoint_id TEXT NOT NULL,
            model_id TEXT NOT NULL, spec TEXT NOT NULL, demand TEXT NOT NULL, status TEXT NOT NULL, wish TEXT NOT NULL,
            is_finished INTEGER NOT NULL, reason TEXT, message TEXT, wanted_pods INTEGER NOT NULL, created_at REAL NOT NULL,
            finished_at REAL, deadline REAL) STRICT""",
        """CREATE INDEX stage_resources_created ON stage_resources (created_at DESC, id)""",
        """CREATE INDEX stage_resources_stage ON stage_resources (stage_id, created_at DESC, id)""",
        """CREATE INDEX stage_resources_model ON stage_resources (model_id)""",
        """CREATE TABLE pods (
            id TEXT PRIMARY KEY, stage_id TEXT NOT NULL, resource_id TEXT NOT NULL REFERENCES stage_resources (id),
            number INTEGER NOT NULL, state TEXT NOT NULL, created_at REAL NOT NULL, node TEXT, devices TEXT NOT NULL,
            attempt INTEGER NOT NULL, failures INTEGER NOT NULL, restarts INTEGER NOT NULL, not_before REAL NOT NULL,
            started_at REAL, ready_at REAL, load_seconds REAL, message TEXT, UNIQUE (resource_id, number)) STRICT""",
        """CREATE INDEX pods_stage ON pods (stage_id)""",
        # What a model has needed when it was served last, for what is shown before another stage is made.
        """CREATE TABLE model_loads (
            model_id TEXT PRIMARY KEY, load_seconds REAL NOT NULL, memory_bytes INTEGER, measured_at REAL NOT NULL) STRICT""",
        """ALTER TABLE queue ADD COLUMN first_member INTEGER NOT NULL DEFAULT 0""",
    ):
        db.execute(statement)


@migrations()
def pod_reasons(db: Database) -> None:
    """Why a pod failed last, as a code beside the words."""
    db.execute("ALTER TABLE pods ADD COLUMN reason TEXT")


@migrations()
def runtime_versions(db: Database) -> None:
    """Which sets of serving images were the newest, in the order of time (UP-L01)."""
    db.execute("CREATE TABLE runtime_versions (id INTEGER PRIMARY KEY, version TEXT NOT NULL, since REAL NOT NULL) STRICT")


@migrations()
def pod_runtime_versions(db: Database) -> None:
    """Which set of serving images a pod was started on last; until now all were taken for that of their stage."""
    db.execute("ALTER TABLE pods ADD COLUMN runtime_version TEXT")
    db.execute(
        "UPDATE pods SET runtime_version = (SELECT runtime_version FROM stages WHERE stages.id = pods.stage_id)"
        " WHERE attempt > 0"
    )


@migrations()
def names(db: Database) -> None:
    """Lists by name go without regard to case. A keyword is looked for in indexes that have the name, not in the rows."""
    for statement in (
        *(f"DROP INDEX {table}_name" for table in ("trainings", "tunings", "models", "training_templates")),
        """CREATE INDEX tunings_name ON tunings (name COLLATE NOCASE, created_at DESC, id)""",
        """CREATE INDEX models_name ON models (name COLLATE NOCASE, created_at DESC, id)""",
        """CREATE INDEX training_templates_name ON training_templates (name COLLATE NOCASE, created_at DESC, id)""",
        """CREATE INDEX endpoints_name ON endpoints (name COLLATE NOCASE, created_at DESC, id)""",
        """CREATE INDEX stages_name ON stages (name COLLATE NOCASE, created_at DESC, id)""",
        """CREATE INDEX stages_status ON stages (status, created_at DESC, id)""",
        # Beside the unique index, which goes by the name as it is written.
        """CREATE INDEX experiments_by_name ON experiments (name COLLATE NOCASE, created_at DESC, id)
            WHERE deleted_at IS NULL""",
        """DROP INDEX experiments_status""",
        """CREATE INDEX experiments_status ON experiments (status, created_at DESC, id) WHERE deleted_at IS NULL""",
        """DROP INDEX trainings_created""",
        """DROP INDEX trainings_status""",
        """CREATE INDEX trainings_created ON trainings (created_at DESC, id, name, tuning_id) WHERE tuning_id IS NULL""",
        """CREATE INDEX trainings_status ON trainings (status, created_at DESC, id, name, tuning_id)
            WHERE tuning_id IS NULL""",
        """CREATE INDEX trainings_name ON trainings (name COLLATE NOCASE, created_at DESC, id, tuning_id)
            WHERE tuning_id IS NULL""",
    ):
        db.execute(statement)


@migrations()
def dashboard(db: Database) -> None:
    """The highest use of GPUs beside that of CPUs (DB-L02), and what failed last without a look at what did not."""
    db.execute("ALTER TABLE peaks ADD COLUMN gpu REAL")
    db.execute(
        """CREATE INDEX trainings_failed ON trainings (finished_at DESC)
            WHERE tuning_id IS NULL AND status IN ('FAIL_TRAIN', 'CREATE_FAILED')"""
    )


@migrations()
def search(db: Database) -> None:
    """Trainings by words of their descriptions and tags, without a look at those that have none."""
    db.execute(
        """CREATE INDEX trainings_described ON trainings (description, created_at DESC, id)
            WHERE tuning_id IS NULL AND description IS NOT NULL"""
    )
    db.execute(
        """CREATE INDEX trainings_tagged
            ON trainings (CASE WHEN json_valid(spec) THEN json_extract(spec, '$.tagList') END)
            WHERE tuning_id IS NULL AND CASE WHEN json_valid(spec) THEN json_extract(spec, '$.tagList') END != '[]'"""
    )
