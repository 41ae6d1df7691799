"""What answers show of the metrics that a training logs, read without TensorBoard and MLflow (TR-34, TB-04, TB-L01)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.domain.metric_lines import Found
from easymaker_local.domain.mlflow import run_id
from easymaker_local.domain.training import Training
from easymaker_local.services import training_metrics
from easymaker_local.store import metric_points
from easymaker_local.testing import mlflow_database
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.event_writer import log

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.services, bench.preparation, "token", started_at=bench.clock.now(), stop=lambda: None)
    url = "http://127.0.0.1/v1.0/appkeys/key"
    headers = {"X-EasyMaker-Token": "token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=url, headers=headers) as made:
        yield made


def run_of(bench: Bench, training: Training, tuning: Path | None = None) -> Path:
    return bench.context.tensorboard_logs.make(bench.experiment.id, training.id, training.name, tuning)


async def metrics(client: httpx.AsyncClient, training: Training, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"/trainings/{training.id}/metrics", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["metricList"]
    return found


async def test_metrics_by_name_and_points_by_step(bench: Bench, client: httpx.AsyncClient) -> None:
    training = await bench.create()
    assert await metrics(client, training) == [], "nothing was started yet"
    run = run_of(bench, training)
    assert await metrics(client, training) == [], "nothing was logged yet"
    log(run / "train", "loss", [1.5, math.nan, math.inf, 0.25], at=1000.0)
    log(run, "accuracy", [0.5])
    accuracy, loss = await metrics(client, training)
    assert (accuracy["metricName"], loss["metricName"], loss["pointCount"]) == ("accuracy", "train/loss", 4)
    assert [point["value"] for point in loss["pointList"]] == [1.5, None, None, 0.25]
    assert [point["step"] for point in loss["pointList"]] == [0, 1, 2, 3]
    assert datetime.fromisoformat(loss["pointList"][1]["datetime"]).timestamp() == 1001.0
    log(run / "train", "loss", [0.125], first=4)
    assert (await metrics(client, training))[1]["pointList"][-1]["value"] == 0.125


async def test_many_points_are_thinned_as_far_as_it_was_asked_for(bench: Bench, client: httpx.AsyncClient) -> None:
    training = await bench.create()
    log(run_of(bench, training), "loss", [float(i == 777) for i in range(3000)])
    for query, most in (({}, 1000), ({"maxPoints": 10}, 10), ({"maxPoints": 2}, 2), ({"maxPoints": 10_000}, 3000)):
        (loss,) = await metrics(client, training, **query)
        points = loss["pointList"]
        assert loss["pointCount"] == 3000
        assert len(points) <= most
        assert (points[0]["step"], points[-1]["step"]) == (0, 2999)
        assert (777 in [point["step"] for point in points]) == (most > 2)
    for wrong in (1, 10_001, "all"):
        assert (await client.get(f"/trainings/{training.id}/metrics", params={"maxPoints": wrong})).status_code == 422


async def test_whose_metrics(bench: Bench, client: httpx.AsyncClient) -> None:
    """TB-05: of a trial its own, which lie below its tuning's; of what is not there or was deleted none."""
    assert (await client.get("/trainings/none/metrics")).status_code == 404
    training, trial = await bench.create(), await bench.create()
    log(run_of(bench, training), "mine", [1])
    log(run_of(bench, trial, bench.context.tensorboard_logs.make_tuning(bench.experiment.id, "f" * 16, "tuning")), "its", [1])
    assert [found["metricName"] for found in await metrics(client, training)] == ["mine"]
    assert [found["metricName"] for found in await metrics(client, trial)] == ["its"]
    await bench.services.trainings.stop(training.id)
    await bench.pass_(training)
    await bench.services.trainings.delete(training.id)
    assert (await client.get(f"/trainings/{training.id}/metrics")).status_code == 404


async def test_more_runs_than_are_kept_and_at_once(
    bench: Bench, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_metrics, "KEPT_RUNS", 2)
    trainings = [await bench.create() for _ in range(4)]
    for number, training in enumerate(trainings):
        log(run_of(bench, training), "number", [number])
    found = await asyncio.gather(*(metrics(client, training) for training in trainings * 3))
    assert [one[0]["pointList"][0]["value"] for one in found] == [0, 1, 2, 3] * 3


async def test_what_it_logs_into_mlflow_stands_beside_that(bench: Bench, client: httpx.AsyncClient) -> None:
    """Of a name in both, TensorBoard's is shown; what a trial printed is told to MLflow by the daemon, and is the trial's."""
    training, other = await bench.create(), await bench.create()
    database = bench.context.settings.mlflow / "mlflow.db"
    log(run_of(bench, training), "loss", [1])
    mlflow_database.log(database, run_id(training.id), "loss", [(0, 7), (1, 8)])
    mlflow_database.log(database, run_id(training.id), "accuracy", [(5, 0.5), (6, math.nan)])
    mlflow_database.log(database, run_id(training.id), "a_name", [(0, 1)])
    printed = [Found("a=name", 1.0)]
    await bench.context.store.write(lambda db: metric_points.add(db, training.id, printed, 1.0, 0))
    accuracy, loss = await metrics(client, training)
    assert (accuracy["metricName"], [(point["step"], point["value"]) for point in accuracy["pointList"]]) == (
        "accuracy", [(5, 0.5), (6, None)],
    )  # fmt: skip
    assert (loss["metricName"], [point["value"] for point in loss["pointList"]]) == ("loss", [1])
    assert await metrics(client, other) == []
    mlflow_database.log(database, run_id(training.id), "accuracy", [(7, 0.75)], at=2.0)
    assert (await metrics(client, training))[0]["pointList"][-1]["value"] == 0.75


async def test_a_database_of_mlflow_that_cannot_be_read_is_told(bench: Bench, client: httpx.AsyncClient) -> None:
    training = await bench.create()
    bench.context.settings.mlflow.mkdir()
    (bench.context.settings.mlflow / "mlflow.db").write_text("nothing that SQLite knows" * 100)
    answer = await client.get(f"/trainings/{training.id}/metrics")
    assert answer.json()["errorCode"] == "DATABASE_UNAVAILABLE"
    assert "MLflow's database" in answer.json()["header"]["resultMessage"]
