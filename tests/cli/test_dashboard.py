"""``dashboard``: one screen of how everything stands (DB)."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any, cast

import pytest

from easymaker_local.cli.dashboard import print_dashboard
from easymaker_local.testing.appliance import Appliance
from tests.cli.cli_runner import Cli


def test_the_dashboard_of_a_daemon(cli: Cli, daemon: Appliance) -> None:
    """DB-01, DB-L03: figures, the machine, and what failed, whatever else there is."""
    with contextlib.closing(sqlite3.connect(daemon.home / "state.db", timeout=30)) as db, db:
        db.execute(
            "INSERT INTO experiments (id, name, status, message, created_at)"
            " VALUES ('f1', 'spoiled', 'CREATE_FAILED', 'No room.', 1)"
        )
    try:
        shown = cli("dashboard")
        assert shown.code == 0, shown.err
        for word in ("Trainings", "complete", "Endpoints", "active", "vCPUs", "Queue", "Failed last"):
            assert word in shown.out
        found = cli("dashboard", "--json").json
    finally:
        with contextlib.closing(sqlite3.connect(daemon.home / "state.db", timeout=30)) as db, db:
            db.execute("DELETE FROM experiments WHERE id = 'f1'")
    assert set(found) == {"serviceUsage", "topCpuList", "topGpuList", "failureList", "machine", "apiStatistics"}
    failed = {failure["name"]: failure for failure in found["failureList"]}
    assert failed["spoiled"]["message"] == "No room."


def reference(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "resourceId": f"{name}-0123456789", "name": name}


def use(kind: str, name: str, owner: dict[str, Any], endpoint: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        **reference(kind, name), "flavorId": "m2.c1m2", "flavorName": "m2.c1m2", "current": 0.5, "peak": 1.25, "owner": owner,
        "endpoint": endpoint,
    }  # fmt: skip


def test_what_runs_is_shown_with_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """DB-07, DB-08, DB-10, DB-11: use of what each has, and the endpoints that are called most."""
    stage, endpoint = reference("endpoint-stage", "default"), reference("endpoint", "iris")
    found = {
        "serviceUsage": {"trainingCount": 7, "hyperparameterTuningCount": 2, "endpointCount": 1},
        "topCpuList": [use("training", "alone", reference("training", "alone")), use("pod", "model-0", stage, endpoint)],
        "topGpuList": [use("trial", "try", reference("hyperparameter-tuning", "tune"))],
        "failureList": [{
            **reference("endpoint-stage", "second"), "statusCode": "DEPLOY_FAILED", "datetime": "2026-01-01T00:00:00+00:00",
            "reasonCode": "GATEWAY_FAILED", "message": "No answer.", "parent": endpoint,
        }],
    }  # fmt: skip
    machine = {
        "vcpus": 8, "freeVcpus": 7.5, "memoryMib": 16384, "freeMemoryMib": 8192, "diskBytes": 1 << 40, "freeDiskBytes": 1 << 30,
        "gpuList": [{"stateCode": "FREE"}, {"stateCode": "BOOKED"}], "queueLength": 3,
    }  # fmt: skip
    calls = {"callCount": 10, "successCount": 9, "failureCount": 1}
    top = {"endpointList": [{"endpointName": "iris", "calls": calls}]}
    print_dashboard(cast(Any, found), cast(Any, top), cast(Any, machine))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for line in (
        ["Trainings", "7", "complete"], ["vCPUs", "7.5", "of", "8", "free"], ["GPUs", "1", "of", "2", "free"],
        ["Queue", "3", "waiting"], ["iris", "10", "9", "1"],
        ["alone-01", "training", "alone", "m2.c1m2", "50", "%", "125", "%", "-"],
        ["model-0-", "pod", "model-0", "m2.c1m2", "50", "%", "125", "%", "iris/default"],
        ["try-0123", "trial", "try", "m2.c1m2", "50", "%", "125", "%", "tune"],
    ):  # fmt: skip
        assert line in lines
    assert ["second-0", "endpoint-stage", "iris/second", "DEPLOY_FAILED"] in [line[:4] for line in lines]
