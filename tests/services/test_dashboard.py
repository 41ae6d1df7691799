"""The dashboard: figures, who uses most, what failed last (DB)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.domain.endpoint import EndpointStatus, Pod, PodState, ResourceStatus, StageStatus
from easymaker_local.domain.experiment import Experiment, ExperimentStatus
from easymaker_local.domain.model_record import ModelStatus
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.domain.tuning import TuningStatus
from easymaker_local.domain.usage import Sample
from easymaker_local.store import experiments, failures, metrics, peaks, stages, trainings
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import make_training
from tests.api_statistics.records import add_endpoint
from tests.controllers.stage_rows import insert_stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


async def dashboard(bench: Bench) -> dict[str, Any]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    headers = {"X-EasyMaker-Token": "token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers) as client:
        found: dict[str, Any] = (await client.get("/v1.0/appkeys/a/dashboard")).raise_for_status().json()["dashboard"]
        return found


async def put(bench: Bench, **columns: object) -> str:
    """Insert a training; ``columns`` as they stand in its row."""
    name = str(columns.pop("name", "training"))
    training = make_training(training_id=name, experimentId=bench.experiment.id, trainingName=name)

    def write(db: sqlite3.Connection) -> None:
        trainings.add(db, training)
        for column, value in columns.items():
            db.execute(f"UPDATE trainings SET {column} = ? WHERE id = ?", (value, training.id))

    await bench.context.store.write(write)
    return training.id


async def run(bench: Bench, name: str, *samples: Sample, **columns: object) -> str:
    """Insert a training that runs, with the newest sample of each node."""
    training_id = await put(bench, name=name, status="RUNNING", **columns)
    found = {(trainings.KIND, training_id, f"node-{node}"): sample for node, sample in enumerate(samples)}
    await measure(bench, found)
    return training_id


async def measure(bench: Bench, found: Mapping[metrics.Series, Sample]) -> None:
    await bench.context.metrics.write(lambda db: metrics.add(db, bench.clock.now(), found))


async def test_only_what_is_complete_or_active_counts(bench: Bench) -> None:
    """DB-01…DB-06: every other status is not in the figures, nor are trials."""
    empty = {"trainingCount": 0, "hyperparameterTuningCount": 0, "endpointCount": 0}
    assert (await dashboard(bench))["serviceUsage"] == empty
    for number, status in enumerate([*TrainingStatus, TrainingStatus.COMPLETE]):
        await put(bench, name=f"t{number}", status=status)
    await put(bench, name="trial", status=TrainingStatus.COMPLETE, tuning_id="x")
    for status in TuningStatus:
        tuning = await bench.tune(hyperparameterTuningName=f"u-{status[:20]}")

        def settle(db: sqlite3.Connection, tuning_id: str = tuning.id, status: str = status) -> None:
            db.execute("UPDATE tunings SET status = ? WHERE id = ?", (status, tuning_id))

        await bench.context.store.write(settle)

    def endpoints(db: sqlite3.Connection) -> None:
        for status in EndpointStatus:
            add_endpoint(db, f"e-{status}", f"e-{status}")
            db.execute("UPDATE endpoints SET status = ? WHERE id = ?", (status, f"e-{status}"))

    await bench.context.store.write(endpoints)
    found = (await dashboard(bench))["serviceUsage"]
    assert found == {"trainingCount": 2, "hyperparameterTuningCount": 1, "endpointCount": 1}


async def test_the_three_that_use_most_of_their_cpus_and_of_their_gpus(bench: Bench) -> None:
    """DB-10, DB-11, DB-L02: by the share of what each has; two lists."""
    for name, cpu, gpu in (("a", 0.2, None), ("b", 0.9, 0.1), ("c", 0.5, 0.8), ("d", 0.7, None)):
        await run(bench, name, Sample(cpu=cpu, gpu=gpu))
    await run(bench, "unmeasured")
    await put(bench, name="waits", status="CREATE_REQUESTED")
    await bench.context.store.write(lambda db: peaks.raise_to(db, trainings.KIND, "b", "node-0", 1, 0.95, 0.5))
    found = await dashboard(bench)
    assert [use["name"] for use in found["topCpuList"]] == ["b", "d", "c"]
    assert [use["name"] for use in found["topGpuList"]] == ["c", "b"]
    itself = {"kind": "training", "resourceId": "b", "name": "b"}
    assert found["topCpuList"][0] == {
        **itself, "flavorId": "m2.c1m2", "flavorName": "m2.c1m2", "current": 0.9, "peak": 0.95, "owner": itself,
        "endpoint": None,
    }  # fmt: skip
    assert (found["topGpuList"][1]["current"], found["topGpuList"][1]["peak"]) == (0.1, 0.5)
    assert found["topGpuList"][0]["peak"] is None, "never written"


async def test_nodes_are_taken_together_and_equals_go_by_name(bench: Bench) -> None:
    """DB-L02: of all nodes, whichever were measured."""
    document = make_training(experimentId=bench.experiment.id, instanceCount=2).spec.model_dump_json(by_alias=True)
    await run(bench, "two", Sample(cpu=1.0, gpu=0.2), Sample(cpu=0.5, gpu=0.6), spec=document)
    await run(bench, "also", Sample(cpu=0.75))
    found = await dashboard(bench)
    assert [(use["name"], use["current"]) for use in found["topCpuList"]] == [("also", 0.75), ("two", 0.75)]
    assert found["topGpuList"][0]["current"] == pytest.approx(0.4)


async def test_a_trial_belongs_to_its_tuning(bench: Bench) -> None:
    """DB-11."""
    tuning = await bench.tune()
    await run(bench, "trial", Sample(cpu=0.5), tuning_id=tuning.id)
    (use,) = (await dashboard(bench))["topCpuList"]
    assert (use["kind"], use["owner"]["kind"], use["owner"]["resourceId"]) == ("trial", "hyperparameter-tuning", tuning.id)
    assert use["owner"]["name"] == tuning.name


async def test_a_pod_belongs_to_its_stage_and_endpoint(bench: Bench) -> None:
    """DB-11, DB-L02: of the CPU that the pod may use, not of the node's."""
    pod = Pod("p1", "s1", "r1", 0, PodState.READY, 1.0)

    def write(db: sqlite3.Connection) -> None:
        insert_stage(db, [{}])
        stages.add_pod(db, pod)
        db.execute("UPDATE pods SET attempt = 1")
        db.execute("UPDATE stage_resources SET demand = '[500, 512, 0]'")

    await bench.context.store.write(write)
    await measure(bench, {(stages.KIND, "s1", pod.member): Sample(cpu=0.25)})
    (use,) = (await dashboard(bench))["topCpuList"]
    assert (use["kind"], use["resourceId"], use["current"]) == ("pod", "p1", 0.5)
    assert use["owner"] == {"kind": "endpoint-stage", "resourceId": "s1", "name": "default"}
    assert use["endpoint"]["kind"] == "endpoint"


async def test_the_ten_newest_failures_of_all_kinds(bench: Bench) -> None:
    """Newest first, each with status, reason and words; a failed trial is none."""
    for number in range(12):
        await put(
            bench, name=f"t{number}", status="FAIL_TRAIN" if number % 2 else "CREATE_FAILED", is_finished=1,
            finished_at=1000.0 + number, reason=Reason.OUT_OF_MEMORY, message="It needed more.",
        )  # fmt: skip
    await put(bench, name="trial", status="FAIL_TRAIN", finished_at=9999.0, tuning_id="x")
    await put(bench, name="fine", status="COMPLETE", finished_at=9999.0)
    found = (await dashboard(bench))["failureList"]
    assert [failure["name"] for failure in found] == [f"t{number}" for number in range(11, 1, -1)]
    assert found[0] == {
        "kind": "training", "resourceId": "t11", "name": "t11", "statusCode": "FAIL_TRAIN", "datetime": found[0]["datetime"],
        "reasonCode": "OUT_OF_MEMORY", "message": "It needed more.", "parent": None,
    }  # fmt: skip


async def test_every_kind_is_among_the_failures(bench: Bench) -> None:
    tuning, model = await bench.tune(), await bench.model()

    def write(db: sqlite3.Connection) -> None:
        experiments.add(db, Experiment("x1", "x", None, ExperimentStatus.CREATE_FAILED, "No room.", 5.0))
        insert_stage(db, [{}])
        for table, status in (
            ("tunings", "FAIL_HYPERPARAMETER_TUNING"), ("models", "DELETE_FAILED"), ("endpoints", "UPDATE_FAILED"),
            ("stages", "DEPLOY_FAILED"), ("stage_resources", "CREATE_FAILED"),
        ):  # fmt: skip
            db.execute(f"UPDATE {table} SET status = ?, finished_at = 7.0", (status,))

    await bench.context.store.write(write)
    found = {failure["kind"]: failure for failure in (await dashboard(bench))["failureList"]}
    assert set(found) == {
        "experiment", "hyperparameter-tuning", "model", "endpoint", "endpoint-stage", "endpoint-model",
    }  # fmt: skip
    assert found["experiment"]["message"] == "No room."
    assert found["hyperparameter-tuning"]["resourceId"] == tuning.id
    assert model.id in {failure["resourceId"] for failure in (await dashboard(bench))["failureList"]}
    assert found["endpoint-stage"]["parent"]["kind"] == "endpoint"
    assert found["endpoint-model"]["parent"]["resourceId"] == "s1"


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [("training", TrainingStatus), ("hyperparameter-tuning", TuningStatus), ("model", ModelStatus),
     ("endpoint", EndpointStatus), ("endpoint-stage", StageStatus), ("endpoint-model", ResourceStatus),
     ("experiment", ExperimentStatus)],
)  # fmt: skip
def test_every_failed_status_is_looked_for(kind: str, statuses: Any) -> None:
    failed = [status for status in statuses if "FAIL" in status and "IN_PROGRESS" not in status]
    assert failed
    assert all(f"'{status}'" in failures._QUERIES[kind] for status in failed)
