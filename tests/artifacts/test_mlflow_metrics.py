"""The metrics of a run in MLflow's database: read on from where they were, beside a server that writes (TR-34, EX-L02)."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from easymaker_local.artifacts import mlflow_metrics
from easymaker_local.artifacts.mlflow_metrics import MlflowMetrics
from easymaker_local.testing.mlflow_database import log

RUN, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "a home? with #signs" / "mlflow.db"


def read(metrics: MlflowMetrics, database: Path, run: str = RUN, most: int = 1000) -> dict[str, list[tuple[int, float]]]:
    found = metrics.read(database, run, most)
    assert [metric.name for metric in found] == sorted(metric.name for metric in found)
    return {one.name: [*zip(one.points.steps, one.points.values, strict=True)] for one in found}


def test_a_server_that_never_ran_has_none(database: Path) -> None:
    assert read(MlflowMetrics(), database) == {}
    assert not database.exists()
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    assert read(MlflowMetrics(), database) == {}, "its tables are being made"


def test_values_by_name_and_step_of_this_run_alone(database: Path) -> None:
    log(database, RUN, "loss", [(10, 4), (20, math.nan), (30, math.inf), (40, -math.inf), (50, 0.5)], at=1000.0)
    log(database, RUN, "accuracy", [(0, 1)])
    log(database, OTHER, "loss", [(1, 7)])
    (accuracy, loss) = MlflowMetrics().read(database, RUN, 1000)
    assert (accuracy.name, loss.name, loss.count) == ("accuracy", "loss", 5)
    assert [*loss.points.steps] == [10, 20, 30, 40, 50]
    assert [repr(value) for value in loss.points.values] == ["4.0", "nan", "inf", "-inf", "0.5"]
    assert loss.points.times[1] == pytest.approx(1000.001)
    assert read(MlflowMetrics(), database, OTHER) == {"loss": [(1, 7)]}


def test_of_a_step_that_was_logged_twice_the_later_counts(database: Path) -> None:
    log(database, RUN, "loss", [(1, 5), (2, 4), (1, 3)])
    assert read(MlflowMetrics(), database) == {"loss": [(1, 3), (2, 4)]}


def test_values_without_steps_are_numbered(database: Path) -> None:
    metrics = MlflowMetrics()
    log(database, RUN, "loss", [(0, 5), (0, 4)])
    assert read(metrics, database) == {"loss": [(0, 5), (1, 4)]}
    log(database, RUN, "loss", [(0, 3)], at=2.0)
    assert read(metrics, database) == {"loss": [(0, 5), (1, 4), (2, 3)]}
    log(database, RUN, "loss", [(7, 2)], at=3.0)
    assert read(metrics, database) == {"loss": [(0, 3), (7, 2)]}, "so they had steps, and all of these were 0"


def test_only_what_is_new_is_read(database: Path) -> None:
    """The database is opened to be read, also while its server has it open."""
    metrics = MlflowMetrics()
    log(database, RUN, "loss", [(1, 5), (2, 4)])
    read(metrics, database)
    with closing(sqlite3.connect(database)) as server:
        server.execute("UPDATE metrics SET value = 99")
        server.commit()
        log(database, RUN, "loss", [(3, 3)], at=2.0)
        assert read(metrics, database) == {"loss": [(1, 5), (2, 4), (3, 3)]}, "old rows are not read again"
        server.execute("BEGIN IMMEDIATE")
        assert read(metrics, database)["loss"][0] == (1, 5), "who writes lets others read"


def test_another_database_is_read_anew(database: Path) -> None:
    metrics = MlflowMetrics()
    log(database, RUN, "loss", [(1, 5), (2, 4)])
    read(metrics, database)
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("DELETE FROM metrics WHERE step = 2")
    assert read(metrics, database) == {"loss": [(1, 5)]}, "MLflow's own cleaning took rows away"
    database.rename(database.with_name("before"))
    assert read(metrics, database) == {}
    log(database, RUN, "other", [(1, 5), (2, 4), (3, 3)])
    assert read(metrics, database) == {"other": [(1, 5), (2, 4), (3, 3)]}


def test_more_than_is_kept_is_thinned(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_metrics, "MAXIMUM_POINTS", 100)
    monkeypatch.setattr(mlflow_metrics, "MAXIMUM_COURSES", 2)
    log(database, RUN, "long", [(step, float(step == 700)) for step in range(1, 1001)])
    log(database, RUN, "short", [(1, 1), (2, 2)])
    log(database, RUN, "third", [(1, 1)])
    long, short = MlflowMetrics().read(database, RUN, 50)
    assert (long.name, long.count, len(long.points) <= 50) == ("long", 1000, True)
    assert (long.points.steps[0], long.points.steps[-1], max(long.points.values)) == (1, 1000, 1.0)
    assert [*short.points.values] == [1, 2]


def test_what_is_no_database_is_an_error(database: Path) -> None:
    database.parent.mkdir()
    database.write_text("nothing that SQLite knows" * 100)
    with pytest.raises(sqlite3.Error):
        MlflowMetrics().read(database, RUN, 1000)
