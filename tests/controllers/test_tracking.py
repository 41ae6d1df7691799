"""Telling MLflow, which here is a stand-in with a memory: when, what, and what happens when it refuses or goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.controllers.mlflow import MlflowServers
from easymaker_local.controllers.mlflow_rest import BATCH
from easymaker_local.controllers.web_servers import Ready, Starting
from easymaker_local.domain.experiment import ExperimentChange, ExperimentSpec
from easymaker_local.domain.mlflow import EXPERIMENT_TAG, IMAGE, SERVER, run_id
from easymaker_local.domain.model_spec import ModelChange
from easymaker_local.domain.training import Training
from easymaker_local.domain.training_spec import TrainingChange
from easymaker_local.domain.workload import Phase
from easymaker_local.drivers.base import Address
from easymaker_local.errors import TransientError
from easymaker_local.store import tracking, trainings
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import make_spec

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 120.0
API = "/mlflow/api/2.0/mlflow/"


@dataclass
class Mlflow:
    """Keeps what it is told. ``away``: it does not answer; ``refuses``: paths that it says no to, so many times.

    ``fails``: runs at which it fails, with which status.
    """

    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)
    fails: dict[str, int] = field(default_factory=dict)
    away: bool = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("refused", request=request)
        path = request.url.path.removeprefix(API)
        self.asked.append(path)
        assert request.headers["x-easymaker-key"]
        assert request.headers["x-easymaker-quiet"]
        if (status := self.fails.get(request.headers.get("x-easymaker-run", ""))) is not None:
            return httpx.Response(status, text="<html>")
        if self.refuses.get(path, 0):
            self.refuses[path] -= 1
            return httpx.Response(400, json={"error_code": "INVALID_PARAMETER_VALUE", "message": "no"})
        body = json.loads(request.content or b"{}")
        said = getattr(self, path.replace("/", "_").replace("-", "_"))(body, request)
        if said is None:
            return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not there"})
        return httpx.Response(200, json=said)

    def experiments_search(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        wanted = body["filter"].split("'")[1]
        found = [e for e in self.experiments.values() if {"key": EXPERIMENT_TAG, "value": wanted} in e["tags"]]
        return {"experiments": found} if found else {}

    def experiments_get_by_name(self, _: dict[str, Any], request: httpx.Request) -> dict[str, Any] | None:
        found = [e for e in self.experiments.values() if e["name"] == request.url.params["experiment_name"]]
        return {"experiment": found[0]} if found else None

    def experiments_create(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        assert body["name"] not in {e["name"] for e in self.experiments.values()}
        made = str(len(self.experiments) + 1)
        self.experiments[made] = {"experiment_id": made, "lifecycle_stage": "active", **body}
        return {"experiment_id": made}

    def experiments_update(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        self.experiments[body["experiment_id"]]["name"] = body["new_name"]
        return {}

    def experiments_restore(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        self.experiments[body["experiment_id"]]["lifecycle_stage"] = "active"
        return {}

    def experiments_set_experiment_tag(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        self.experiments[body["experiment_id"]]["tags"].append({"key": body["key"], "value": body["value"]})
        return {}

    def runs_create(self, body: dict[str, Any], request: httpx.Request) -> dict[str, Any]:
        run = self.runs.setdefault(
            request.headers["x-easymaker-run"],
            {"stage": "active", "tags": {}, "params": {}, "points": [], "experiment": body["experiment_id"]},
        )
        if run["stage"] == "active":
            run |= {"name": body["run_name"], "start": body["start_time"]}
            run["tags"] |= {tag["key"]: tag["value"] for tag in body["tags"]}
        tags = [{"key": key, "value": value} for key, value in run["tags"].items()]
        return {"run": {"info": {"lifecycle_stage": run["stage"]}, "data": {"tags": tags}}}

    def runs_delete_tag(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        del self.runs[body["run_id"]]["tags"][body["key"]]
        return {}

    def runs_set_tag(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        self.runs[body["run_id"]]["tags"][body["key"]] = body["value"]
        return {}

    def runs_log_batch(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        run = self.runs[body["run_id"]]
        run["params"] |= {param["key"]: param["value"] for param in body.get("params", [])}
        assert len(body.get("metrics", [])) <= 1000
        run["points"] += [(m["key"], m["step"], m["value"], m["timestamp"]) for m in body.get("metrics", [])]
        return {}

    def runs_update(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any]:
        self.runs[body["run_id"]] |= {"status": body["status"], "end": body.get("end_time")}
        return {}

    def runs_delete(self, body: dict[str, Any], _: httpx.Request) -> dict[str, Any] | None:
        if body["run_id"] not in self.runs:
            return None
        self.runs[body["run_id"]]["stage"] = "deleted"
        return {}

    def of(self, training: Training) -> dict[str, Any]:
        return self.runs[run_id(training.id)]


@pytest.fixture
def mlflow() -> Mlflow:
    return Mlflow()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        made.environments.prepared.add(IMAGE)
        yield made


@pytest.fixture
async def servers(bench: Bench, mlflow: Mlflow, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MlflowServers]:
    """The server's port takes connections; what is said there comes to the stand-in."""
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    address = Address(*listener.sockets[0].getsockname()[:2])

    async def reach(name: str, port: int) -> Address | None:
        return address if (await bench.driver.observe(name)).phase is Phase.RUNNING else None

    monkeypatch.setattr(bench.driver, "reach", reach)
    made = MlflowServers(bench.context, bench.preparation)
    made._tracking._rest._client = httpx.AsyncClient(transport=httpx.MockTransport(mlflow.answer))
    async with listener:
        yield made
        await made.close()


async def ready(servers: MlflowServers) -> Ready:
    state = await servers.use(SERVER, PATIENCE_SECONDS)
    assert isinstance(state, Ready)
    return state


async def create_in(bench: Bench, experiment_id: str) -> Training:
    return await bench.services.trainings.create(make_spec(experimentId=experiment_id))


async def is_all_told(bench: Bench) -> bool:
    return not await bench.context.store.read(lambda db: tracking.untold(db, 1))


async def measure(bench: Bench, training: Training, name: str, values: list[float]) -> None:
    rows = [(training.id, name, step, value, 1_000_000.0 + step) for step, value in enumerate(values)]
    await bench.context.store.write(lambda db: db.executemany("INSERT INTO metric_points VALUES (?, ?, ?, ?, ?)", rows))


async def test_nothing_is_said_or_started_until_somebody_asks(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    await bench.pass_(await bench.create())
    assert await servers.untold() == []
    assert await servers.tell("all") is None
    assert mlflow.asked == []
    assert SERVER.workload not in bench.driver.workloads


async def test_a_server_is_told_of_everything_before_it_is_asked(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    """EX-01, TR-12, HP-39: parameters, values with step and time, status, under the experiment's name."""
    listed = [{"parameterName": "learning rate", "parameterValue": "0.1"}, {"parameterName": "empty"}]
    training = await bench.pass_(await bench.create(hyperparameterList=listed, tagList=[{"tagKey": "team", "tagValue": "a"}]))
    await measure(bench, training, "loss", [0.5, float("inf"), 0.25])
    waiting = await bench.create(trainingName="waiting")
    await ready(servers)
    assert [e["name"] for e in mlflow.experiments.values()] == ["experiment"]
    run = mlflow.of(training)
    assert (run["name"], run["status"], run["end"], run["experiment"]) == ("training", "RUNNING", None, "1")
    assert run["start"] == round((training.started_at or 0) * 1000)
    assert run["params"] == {"learning rate": "0.1", "empty": ""}
    assert run["tags"]["team"] == "a"
    assert run["tags"]["easymaker.image"] == "Plain Python"
    assert run["points"] == [
        ("loss", 0, 0.5, 1_000_000_000), ("loss", 1, "Infinity", 1_000_001_000), ("loss", 2, 0.25, 1_000_002_000)
    ]  # fmt: skip
    assert mlflow.of(waiting)["status"] == "SCHEDULED"
    assert await is_all_told(bench)


async def test_what_changes_later_is_told_while_it_runs(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    """EX-09, GN-13, TR-53."""
    training = await bench.create(tagList=[{"tagKey": "old"}])
    deleted = await bench.create(trainingName="deleted")
    await ready(servers)
    mlflow.of(training)["tags"]["made in mlflow"] = "x"
    training = await bench.pass_(training)
    change = TrainingChange.model_validate({"trainingName": "renamed", "tagList": [{"tagKey": "new"}]})
    await bench.services.trainings.change(training.id, change)
    await bench.services.trainings.stop(deleted.id)
    await bench.pass_(deleted)
    await bench.services.trainings.delete(deleted.id)
    await bench.services.experiments.change(bench.experiment.id, ExperimentChange(experiment_name="another name"))
    assert await servers.untold() == ["all"]
    assert await servers.tell("all") is not None, "it is looked at again as long as the server runs"
    run = mlflow.of(training)
    assert (run["name"], run["status"]) == ("renamed", "RUNNING")
    assert {"new", "made in mlflow"} <= set(run["tags"])
    assert "old" not in run["tags"]
    assert mlflow.of(deleted)["stage"] == "deleted"
    assert [e["name"] for e in mlflow.experiments.values()] == ["another name"]
    assert await bench.context.store.read(lambda db: tracking.find(db, deleted.id)) is None
    calls = len(mlflow.asked)
    await servers.tell("all")
    assert len(mlflow.asked) == calls, "what is known is not said again"


async def test_models_of_a_training_are_a_tag_of_its_run(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    """MD-20, TR-53: it comes and goes with them, whatever they are called by then."""
    training = await bench.pass_(await bench.create(tagList=[{"tagKey": "mine"}]))
    bench.node(training, "model/predict.py").write_text("")
    bench.driver.end(training.workload(0), 0)
    await bench.pass_(training)
    await ready(servers)
    assert "easymaker.models" not in mlflow.of(training)["tags"]
    secret = [{"parameterName": "hf_token", "parameterValue": "hf_abc"}]
    model = await bench.model(modelUploadUri=None, trainingId=training.id, parameterList=secret)
    await servers.tell("all")
    assert mlflow.of(training)["tags"]["easymaker.models"] == f"model ({model.id})"
    await bench.services.models.change(model.id, ModelChange(model_name="renamed"))
    await servers.tell("all")
    assert mlflow.of(training)["tags"]["easymaker.models"] == f"renamed ({model.id})"
    assert "hf_abc" not in str(mlflow.runs), "MD-L03"
    await bench.services.models.delete(model.id)
    await servers.tell("all")
    assert "easymaker.models" not in mlflow.of(training)["tags"]
    assert "mine" in mlflow.of(training)["tags"]
    assert await is_all_told(bench)


async def test_many_values_are_told_in_batches(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    training = await bench.create()
    await measure(bench, training, "loss", [0.5] * (2 * BATCH + 1))
    await ready(servers)
    assert await is_all_told(bench)
    assert [step for _, step, _, _ in mlflow.of(training)["points"]] == list(range(2 * BATCH + 1))


async def test_a_jobs_first_request_comes_after_its_run(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    """Even if the rest of what there is to tell takes long."""
    await ready(servers)
    training = await bench.create()
    other = await bench.create(trainingName="other")
    assert isinstance(await servers.use_for(training.id, PATIENCE_SECONDS), Ready)
    assert run_id(training.id) in mlflow.runs
    assert run_id(other.id) not in mlflow.runs
    calls = len(mlflow.asked)
    assert isinstance(await servers.use_for(training.id, PATIENCE_SECONDS), Ready)
    assert len(mlflow.asked) == calls, "once per job"


async def test_one_that_does_not_answer_is_told_later(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    await ready(servers)
    training = await bench.create()
    mlflow.away = True
    assert isinstance(await servers.use_for(training.id, PATIENCE_SECONDS), Starting), "the job's client tries again"
    await ready(servers)
    assert await servers.tell("all") is None
    assert await servers.untold() == []
    assert not await is_all_told(bench)
    mlflow.away = False
    await ready(servers)
    assert await is_all_told(bench)
    assert mlflow.of(training)["name"] == "training"


@pytest.mark.parametrize("status", [500, 404])
async def test_what_it_fails_at_holds_nothing_up(bench: Bench, servers: MlflowServers, mlflow: Mlflow, status: int) -> None:
    """What is no refusal is told again and again, ever more slowly: the loop sees to that."""
    await ready(servers)
    older, failing = await bench.create(trainingName="older"), await bench.create(trainingName="failing")
    mlflow.fails[run_id(failing.id)] = status
    with pytest.raises(TransientError, match=f"training {failing.id} yet: MLflow answers runs/create with {status}"):
        await servers.tell("all")
    assert mlflow.of(older)["name"] == "older"
    assert isinstance(await servers.use_for(failing.id, PATIENCE_SECONDS), Starting), "the job's client tries again"
    assert isinstance(await servers.use(SERVER, PATIENCE_SECONDS), Ready), "people see what there is"
    mlflow.fails.clear()
    await servers.tell("all")
    assert await is_all_told(bench)
    assert mlflow.of(failing)["name"] == "failing"


async def test_a_fault_of_ours_does_not_keep_people_from_it(
    bench: Bench, servers: MlflowServers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: object) -> bool:
        raise KeyError("run")

    monkeypatch.setattr(servers._tracking, "tell", breaks)
    await ready(servers)
    assert "KeyError" in caplog.text


async def test_what_is_refused_holds_nothing_up(
    bench: Bench, servers: MlflowServers, mlflow: Mlflow, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for whatever was remembered wrongly; what is refused again is said, and told again when it changes."""
    older = await bench.create(trainingName="older")
    refused = await bench.create(trainingName="refused")
    mlflow.refuses = {"runs/create": 2}
    await ready(servers)
    assert run_id(refused.id) not in mlflow.runs
    assert f"training {refused.id}: MLflow refuses runs/create: no" in caplog.text
    assert mlflow.of(older)["name"] == "older"
    assert await is_all_told(bench)
    await bench.pass_(refused)
    mlflow.refuses = {"runs/update": 1}
    await servers.tell("all")
    assert mlflow.of(refused)["status"] == "RUNNING"


async def test_what_the_user_deletes_in_mlflow_stays_deleted(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    training = await bench.create()
    await ready(servers)
    mlflow.of(training)["stage"] = "deleted"
    await bench.pass_(training)
    await servers.tell("all")
    assert (mlflow.of(training)["stage"], mlflow.of(training)["status"]) == ("deleted", "SCHEDULED")
    assert await is_all_told(bench)


async def test_an_experiment_that_is_there_already_is_taken(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    """EX-21: MLflow has each name once, also those of what is deleted."""
    mlflow.experiments["7"] = {"experiment_id": "7", "name": "experiment", "lifecycle_stage": "deleted", "tags": []}
    training = await bench.create()
    await ready(servers)
    assert mlflow.of(training)["experiment"] == "7"
    assert mlflow.experiments["7"]["lifecycle_stage"] == "active"
    await bench.services.trainings.stop(training.id)
    await bench.pass_(training)
    await bench.services.experiments.delete(bench.experiment.id)
    again = await bench.services.experiments.create(ExperimentSpec(experiment_name="experiment"))
    second = await create_in(bench, again.id)
    await servers.tell("all")
    assert mlflow.of(second)["experiment"] == "7"
    assert mlflow.of(second)["tags"][EXPERIMENT_TAG] == again.id
    # Renamed to what another one is called in MLflow: the runs stay where they are.
    mlflow.refuses = {"experiments/update": 1}
    other = await bench.services.experiments.create(ExperimentSpec(experiment_name="other"))
    third = await create_in(bench, other.id)
    await servers.tell("all")
    await bench.services.experiments.change(other.id, ExperimentChange(experiment_name="taken in mlflow"))
    await servers.tell("all")
    assert mlflow.experiments[mlflow.of(third)["experiment"]]["name"] == "other"
    assert await is_all_told(bench)


async def test_a_record_that_cannot_be_read_is_passed_over(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    training = await bench.create()
    await bench.context.store.write(lambda db: db.execute("UPDATE trainings SET spec = '{'"))
    await ready(servers)
    assert mlflow.runs == {}
    assert await is_all_told(bench)
    spec = training.spec.model_dump_json(by_alias=True)
    await bench.context.store.write(lambda db: db.execute("UPDATE trainings SET spec = ?", (spec,)))
    await servers.tell("all")
    assert mlflow.of(training)["name"] == "training"


async def test_a_database_that_is_gone_is_filled_again(bench: Bench, servers: MlflowServers, mlflow: Mlflow) -> None:
    training = await bench.create()
    await measure(bench, training, "loss", [0.5])
    state = await ready(servers)
    database = bench.context.settings.mlflow / "mlflow.db"
    database.touch()
    for is_there in (True, False):
        mlflow.runs.clear()
        mlflow.experiments.clear()
        bench.driver.end(SERVER.workload, 0)
        await servers.reconcile(SERVER.id)
        if not is_there:
            database.unlink()
        state = await ready(servers)
        assert (run_id(training.id) in mlflow.runs) == (not is_there)
    assert mlflow.of(training)["points"] == [("loss", 0, 0.5, 1_000_000_000)]
    assert state.address


async def test_the_workload(bench: Bench, servers: MlflowServers) -> None:
    await ready(servers)
    (workload,) = bench.driver.workloads.values()
    assert workload.name == SERVER.workload == "mlflow-home-1-server"
    assert workload.resources.memory_bytes == 2 << 30
    assert [m.source for m in workload.mounts if not m.read_only] == [bench.context.settings.mlflow]
    assert not await bench.context.store.read(lambda db: db.execute("SELECT 1 FROM bookings").fetchall())
    assert await servers.unfinished() == {"home"}


async def test_what_a_job_finds(bench: Bench) -> None:
    """HY-L01, architecture 12: where MLflow is, as whom, and its own run; the token is not shown."""
    training = await bench.pass_(await bench.create(instanceCount=2))
    environments = [bench.driver.workloads[name].env for name in training.workloads]
    for env in environments:
        assert env["MLFLOW_TRACKING_URI"] == "https://127.0.0.1:10443/mlflow"
        assert env["MLFLOW_TRACKING_TOKEN"] == env["EM_TOKEN"]
        assert (env["MLFLOW_RUN_ID"], env["MLFLOW_EXPERIMENT_NAME"]) == (run_id(training.id), "experiment")
        assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    (run, _) = await bench.services.trainings.runs(training.id)
    assert run.environment["MLFLOW_TRACKING_TOKEN"] == "********"


async def test_without_the_gateway_a_job_finds_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "home", gateway_port=0) as bench:
        training = await bench.pass_(await bench.create())
        assert not [name for name in bench.driver.workloads[training.workload(0)].env if name.startswith("MLFLOW")]


async def test_told_and_not_recorded_is_told_again_and_changes_nothing(
    bench: Bench, servers: MlflowServers, mlflow: Mlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Architecture 7: where a daemon may die."""
    training = await bench.create(hyperparameterList=[{"parameterName": "a", "parameterValue": "1"}])

    async def dies(_: object) -> None:
        raise TransientError("died")

    with monkeypatch.context() as patch:
        patch.setattr(servers._tracking, "_record", dies)
        await ready(servers)
    before = dict(mlflow.of(training))
    await servers.tell("all")
    assert mlflow.of(training) == before
    assert await is_all_told(bench)
    assert await bench.context.store.read(lambda db: trainings.exists(db, training.id))
