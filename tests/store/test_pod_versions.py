"""Pods of before the runtime version was kept with each of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from easymaker_local.store.migrations import migrations


def test_pods_of_before_run_on_the_version_of_their_stage(tmp_path: Path) -> None:
    """UP-L02; one that was never started runs on none."""
    connection = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    database = Database(connection)
    migrations.apply(database, stop_before="pod_runtime_versions")
    connection.execute(
        """INSERT INTO stages (id, endpoint_id, name, spec, flavor, status, wish, is_finished, wanted_nodes, runtime_version,
           generation, deployed, created_at)
           VALUES ('s', 'e', 'default', '{}', '{}', 'ACTIVE', 'SERVE', 0, 1, 'old', 1, 1, 0)"""
    )
    for number, (pod_id, attempt) in enumerate((("started", 1), ("placed", 0))):
        connection.execute(
            """INSERT INTO pods (id, stage_id, resource_id, number, state, created_at, devices, attempt, failures, restarts,
               not_before) VALUES (?, 's', 'r', ?, 'READY', 0, '[]', ?, 0, 0, 0)""",
            (pod_id, number, attempt),
        )
    migrations.apply(database)
    found = {row["id"]: row["runtime_version"] for row in connection.execute("SELECT id, runtime_version FROM pods")}
    assert found == {"started": "old", "placed": None}
    connection.close()
