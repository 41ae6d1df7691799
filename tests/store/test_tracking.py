"""The outbox for MLflow: nothing that changes is missed, whoever changes it, and nothing is recorded that was not told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.store import experiments, tracking, trainings
from easymaker_local.store.migrations import migrations
from easymaker_local.testing.factories import make_training

S = TrainingStatus


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrations.apply(Database(connection))
    experiments.add(connection, Experiment("e1", "experiment", None, ExperimentStatus.ACTIVE, None, 1.0))
    yield connection
    connection.close()


def add(db: sqlite3.Connection, training_id: str = "t1", **fields: object) -> Training:
    training = make_training(training_id=training_id, **fields)  # type: ignore[arg-type]
    trainings.add(db, training)
    return training


def untold(db: sqlite3.Connection) -> list[str]:
    return [entry.training_id for entry in tracking.untold(db, 100)]


def tell(db: sqlite3.Connection) -> None:
    for entry in tracking.untold(db, 100):
        tracking.record(db, entry)
    assert untold(db) == []


def measure(db: sqlite3.Connection, name: str, steps: range, training_id: str = "t1") -> None:
    rows = [(training_id, name, step, step / 2, 5.0 + step) for step in steps]
    db.executemany("INSERT INTO metric_points VALUES (?, ?, ?, ?, ?)", rows)


def test_whatever_changes_is_told(db: sqlite3.Connection) -> None:
    training = add(db)
    assert untold(db) == ["t1"]
    tell(db)
    trainings.transition(db, training, to=S.CREATE_IN_PROGRESS, cause=None, now=2.0)
    assert untold(db) == ["t1"]
    tell(db)
    trainings.change(db, training, training.spec.model_copy(update={"training_name": "renamed"}), 3.0)
    assert untold(db) == ["t1"]
    tell(db)
    measure(db, "loss", range(1))
    assert untold(db) == ["t1"]
    tell(db)
    experiments.change(db, experiments.get(db, "e1"), "another name", None, 4.0)
    assert untold(db) == ["t1"]
    tell(db)
    experiments.change(db, experiments.get(db, "e1"), "another name", "words", 5.0)
    assert untold(db) == []


def test_words_of_progress_are_not_told(db: sqlite3.Connection) -> None:
    """They change every second."""
    training = add(db)
    tell(db)
    trainings.explain(db, training, Cause(Reason.PREPARING_ENVIRONMENT, "Downloading numpy."), 2.0)
    assert untold(db) == []


def test_what_changes_while_it_is_told_is_told_again(db: sqlite3.Connection) -> None:
    training = add(db)
    (read,) = tracking.untold(db, 100)
    trainings.transition(db, training, to=S.CREATE_IN_PROGRESS, cause=None, now=2.0)
    tracking.record(db, read)
    assert untold(db) == ["t1"]
    assert (entry := tracking.find(db, "t1")) is not None
    assert 0 < entry.told < entry.changes


def test_a_deletion_is_told_even_if_nobody_had_heard_of_the_training(db: sqlite3.Connection) -> None:
    """MLflow may have heard of it just before a crash."""
    training = add(db)
    trainings.delete(db, training)
    assert untold(db) == ["t1"]
    tracking.forget(db, "t1")
    assert tracking.find(db, "t1") is None


def test_the_newest_come_first(db: sqlite3.Connection) -> None:
    for number in range(3):
        add(db, f"t{number}")
    assert untold(db) == ["t2", "t1", "t0"]
    assert [entry.training_id for entry in tracking.untold(db, 2)] == ["t2", "t1"]
    plan = " ".join(
        row["detail"]
        for row in db.execute("EXPLAIN QUERY PLAN SELECT * FROM tracking WHERE told != changes ORDER BY id DESC LIMIT 9")
    )
    assert "tracking_untold" in plan, "a hundred thousand trainings of which all is known cost nothing"


def test_values_are_told_in_pieces_each_once(db: sqlite3.Connection) -> None:
    add(db)
    measure(db, "loss", range(5))
    measure(db, "accuracy", range(3))
    measure(db, "loss", range(9), "another")
    found: list[tuple[str, int]] = []
    for _ in range(3):
        entry = tracking.find(db, "t1")
        assert entry is not None
        points = tracking.untold_points(db, entry, 3)
        found += [(point.name, point.step) for point in points]
        tracking.record_points(db, entry, points)
    assert found == [*(("accuracy", step) for step in range(3)), *(("loss", step) for step in range(5))]
    measure(db, "loss", range(5, 6))
    entry = tracking.find(db, "t1")
    assert entry is not None
    (point,) = tracking.untold_points(db, entry, 3)
    assert (point.name, point.step, point.value, point.at) == ("loss", 5, 2.5, 10.0)
    tracking.begin_anew(db)
    entry = tracking.find(db, "t1")
    assert entry is not None
    assert (len(tracking.untold_points(db, entry, 100)), entry.told) == (9, 0)


def test_trainings_of_before_are_told_too(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    database = Database(connection)
    migrations.apply(database, stop_before="metric_points")
    experiments.add(connection, Experiment("e1", "experiment", None, ExperimentStatus.ACTIVE, None, 1.0))
    for number, created_at in enumerate((5.0, 3.0)):
        # As the version of then wrote them.
        connection.execute(
            """INSERT INTO trainings (id, experiment_id, name, spec, flavor, status, desired, is_finished, attempt, created_at)
               VALUES (?, 'e1', 'training', '{}', '{}', 'COMPLETE', 'RUN', 1, 1, ?)""",
            (f"t{number}", created_at),
        )
    migrations.apply(database)
    assert untold(connection) == ["t0", "t1"]
    connection.close()
