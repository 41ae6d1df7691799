"""MLflow itself behind the gateway, with its own client in jobs: what is recorded, whoever dies when."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from easymaker_local.domain.mlflow import SERVER, run_id
from easymaker_local.testing.appliance import Appliance, until
from easymaker_local.testing.engine import containers, docker_host
from tests.tracking.runs import (
    CLIENT,
    OLD_CLIENT,
    PREPARATION_SECONDS,
    complete,
    measure,
    mlflow_of,
    new_appliance,
    run,
    server_pid,
)

pytestmark = [pytest.mark.environment, pytest.mark.timeout(2 * PREPARATION_SECONDS)]

LOGS = """
import argparse, json, os, mlflow
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--depth", type=int)
parser.add_argument("--kept")
given = parser.parse_args()
with mlflow.start_run() as run:
    # What the daemon has told of them is text, and not what code makes of it; MLflow's own refusal comes with the next change.
    mlflow.log_param("lr", given.lr * 2)
    mlflow.log_params({"depth": given.depth, "mine": "yes"})
    changes = 0
    for name in ("lr", "depth", "mine"):
        try:
            mlflow.log_param(name, "another")
            changes += 1
        except mlflow.exceptions.MlflowException:
            pass
    for step in range(3):
        mlflow.log_metric("accuracy", step / 4, step=step)
    mlflow.set_tag("colour", "blue")
    mlflow.log_text("hello", "notes/hello.txt")
    Path("large.bin").write_bytes(bytes(24 << 20))
    mlflow.log_artifact("large.bin")
    with mlflow.start_run(nested=True) as child:
        mlflow.log_metric("inner", 1)
client = mlflow.MlflowClient()
found = {
    "changes": changes, "version": mlflow.__version__, "run": run.info.run_id, "child": child.info.run_id,
    "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
    "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/hello.txt"),
    "experiments": [run.info.experiment_id, child.info.experiment_id],
}
Path(os.environ["EM_MODEL_DIR"], "found.json").write_text(json.dumps(found))
"""

AUTOLOG = """
import mlflow
from sklearn.linear_model import LogisticRegression
mlflow.sklearn.autolog(log_models=False, log_datasets=False)
LogisticRegression(C=0.5).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
"""

HELD = """
import os, time
from pathlib import Path
print("runs")
while not Path(os.environ["EM_MODEL_DIR"], "go").exists():
    time.sleep(0.02)
"""


TOGETHER = pytest.mark.xdist_group("tracking")
"""For tests of the shared appliance, so that one process of the test run starts its server once."""


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    made = new_appliance(tmp_path_factory.mktemp("tracking") / "home", "process")
    made.start()
    yield made
    made.discard()


def found_by(appliance: Appliance, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((appliance.home / "storage" / "models" / name / "found.json").read_text())
    return found


def drawn(appliance: Appliance, training_id: str) -> dict[str, list[tuple[int, float]]]:
    """What the daemon itself reads of a run (TR-34)."""
    found = appliance.call("GET", f"/trainings/{training_id}/metrics")["metricList"]
    return {one["metricName"]: [(point["step"], point["value"]) for point in one["pointList"]] for one in found}


def release(appliance: Appliance, training_id: str) -> None:
    (appliance.home / "work/training" / training_id / "node-0/model/go").touch()


PARAMETERS = [
    {"parameterName": "lr", "parameterValue": "1e-3"}, {"parameterName": "depth", "parameterValue": "007"},
    {"parameterName": "kept", "parameterValue": "as given"},
]  # fmt: skip
LOGGED = {"lr": "0.002", "depth": "7", "kept": "as given", "mine": "yes"}


def stand_in(code: int = 0) -> str:
    return f"raise SystemExit({code})\n"


def test_what_ended_long_before_is_there(tmp_path: Path) -> None:
    """EX-01, TR-12, TR-39…TR-47, HP-39: nothing is lost while no server runs, also in the life of another daemon."""
    appliance = new_appliance(tmp_path / "home", "process")
    try:
        appliance.start()
        listed = [{"parameterName": "lr", "parameterValue": "0.1"}, {"parameterName": "odd=name", "parameterValue": ""}]
        good = run(appliance, "good", stand_in(), "plain", hyperparameterList=listed, description="words")
        bad = run(appliance, "bad", stand_in(3), "plain", tagList=[{"tagKey": "team", "tagValue": "a"}])
        stopped = run(appliance, "stopped", HELD, "plain")
        appliance.await_status(stopped, "RUNNING")
        appliance.call("PUT", f"/trainings/{stopped}/stop")
        for training in (good, bad, stopped):
            appliance.await_status(training)
        measure(appliance, good, "val/loss", [0.5, float("inf"), 0.25])
        measure(appliance, good, "many", [0.0] * 2500)
        gone = run(appliance, "gone", stand_in(), "plain")
        complete(appliance, gone)
        appliance.put("code", {"tuned/train.py": "for loss in (0.5, 0.125): print(f'{loss=}')\n"})
        tuning = appliance.tuning(sourceDirUri=appliance.uri("code", "tuned"), maxTrialCount=1)["hyperparameterTuningId"]
        appliance.await_tuning(tuning)
        (trial,) = appliance.trials(tuning)
        assert server_pid(appliance) is None
        appliance.call("DELETE", f"/trainings/{gone}")
        appliance.stop()
        appliance.start()
        with mlflow_of(appliance) as mlflow:
            shown = mlflow.run(good)
            training = appliance.shown(good)
            assert (shown["run_name"], shown["status"]) == ("good", "FINISHED")
            assert (shown["end_time"] - shown["start_time"]) // 1000 == pytest.approx(training["elapsedTimeSeconds"], abs=1)
            assert shown["params"] == {"lr": "0.1", "odd_name": ""}
            assert shown["tags"]["easymaker.trainingId"] == good
            assert shown["tags"]["mlflow.note.content"] == "words"
            assert shown["artifact_uri"].endswith(f"/{run_id(good)}/artifacts")
            assert shown["experiment_id"] == mlflow.experiment("experiment")["experiment_id"]
            assert [(step, time) for step, _, time in mlflow.history(good, "val/loss")] == [
                (step, 1_700_000_000_000 + 1000 * step) for step in range(3)
            ]
            assert mlflow.history(good, "val/loss")[2][1] == 0.25
            assert len(mlflow.history(good, "many")) == 2500
            assert mlflow.run(bad)["status"] == "FAILED"
            assert mlflow.run(bad)["tags"]["team"] == "a"
            assert "exit code 3" in mlflow.run(bad)["tags"]["easymaker.reason"]
            assert mlflow.run(stopped)["status"] == "KILLED"
            tried = mlflow.run(trial["trialId"])
            assert (tried["run_name"], tried["status"]) == (trial["trialName"], "FINISHED")
            assert tried["params"] == {"lr": trial["hyperparameterList"][0]["parameterValue"]}
            assert tried["tags"]["easymaker.hyperparameterTuningId"] == tuning
            assert [value for _, value, _ in mlflow.history(trial["trialId"], "loss")] == [0.5, 0.125]
            missing = {"run_id": run_id(gone)}
            assert mlflow.http.get(f"{SERVER.path}api/2.0/mlflow/runs/get", params=missing).status_code == 404
            # Later changes follow while it runs (GN-13, EX-09, TR-53).
            appliance.call("PATCH", f"/trainings/{good}", json={"trainingName": "better"})
            mlflow.until_run(good, run_name="better")
            appliance.call("PATCH", f"/experiments/{appliance.experiment()}", json={"experimentName": "renamed"})
            until(lambda: mlflow.ask("GET", "experiments/get", params={"experiment_id": shown["experiment_id"]})
                  ["experiment"]["name"] == "renamed", "the new name")  # fmt: skip
            appliance.call("DELETE", f"/trainings/{bad}")
            mlflow.until_run(bad, lifecycle_stage="deleted")
    finally:
        appliance.discard()


@TOGETHER
@pytest.mark.parametrize("image", [None, OLD_CLIENT], ids=["client of today", "old client"])
def test_code_logs_into_the_run_of_its_training(appliance: Appliance, image: str | None) -> None:
    """The server starts for it; whatever the client's version, its calls land in the same run."""
    name = "logs" if image is None else "logs-old"
    training = run(appliance, name, LOGS, image or CLIENT, hyperparameterList=PARAMETERS)
    complete(appliance, training)
    found = found_by(appliance, name)
    assert found["run"] == run_id(training)
    assert (found["files"], found["text"]) == (["large.bin", "notes"], "hello")
    assert found["changes"] == 0
    assert str(found["version"]).startswith("2." if image else "3.")
    with mlflow_of(appliance) as mlflow:
        shown = mlflow.until_run(training, status="FINISHED")
        assert shown["params"] == LOGGED
        assert (shown["metrics"], shown["tags"]["colour"]) == ({"accuracy": 0.5}, "blue")
        assert [step for step, _, _ in mlflow.history(training, "accuracy")] == [0, 1, 2]
        mlflow.until_run(training, status="FINISHED", tags=shown["tags"] | {"easymaker.status": "COMPLETE"})
        experiment = mlflow.experiment("experiment")["experiment_id"]
        assert found["experiments"] == [experiment, experiment]
    assert drawn(appliance, training) == {"accuracy": [(0, 0.0), (1, 0.25), (2, 0.5)]}
    folder = appliance.home / "mlflow" / "artifacts" / experiment / run_id(training) / "artifacts"
    assert (folder / "large.bin").stat().st_size == 24 << 20
    (entry,) = [e for e in appliance.call("GET", "/disk")["diskUsage"]["entryList"] if e["kind"] == "MLFLOW"]
    assert entry["bytes"] >= 24 << 20
    assert "MLFLOW_TRACKING_TOKEN" in appliance.call("GET", f"/trainings/{training}/runs")["runList"][0]["environment"]


@TOGETHER
def test_autolog_lands_in_the_run_of_its_training(appliance: Appliance) -> None:
    training = run(appliance, "autolog", AUTOLOG)
    complete(appliance, training)
    with mlflow_of(appliance) as mlflow:
        shown = mlflow.until_run(training, status="FINISHED")
        assert shown["params"]["C"] == "0.5"
        assert "training_accuracy_score" in shown["metrics"]
    assert drawn(appliance, training).keys() == shown["metrics"].keys()


@TOGETHER
def test_who_reaches_it(appliance: Appliance) -> None:
    """GN-20, GN-L04, architecture 12: the user, and jobs while they run; nobody goes around the gateway."""
    training = run(appliance, "held", HELD, "plain")
    appliance.await_status(training, "RUNNING")
    environ = next(
        dict(item.split("=", 1) for item in file.read_bytes().decode(errors="replace").split("\0") if "=" in item)
        for file in Path("/proc").glob("[0-9]*/environ")
        if _mentions(file, f"MLFLOW_RUN_ID={run_id(training)}")
    )
    job = {"Authorization": f"Bearer {environ['MLFLOW_TRACKING_TOKEN']}"}
    with mlflow_of(appliance, job) as mine:
        assert mine.run(training)["status"] == "RUNNING"
        for path in ("", "graphql", "ajax-api/2.0/mlflow/experiments/search", "api/2.0/mlflow/webhooks/list"):
            assert mine.http.get(SERVER.path + path).status_code == 403, path
    with mlflow_of(appliance, {}) as stranger:
        assert stranger.http.get(f"{SERVER.path}version").status_code == 401
    link = appliance.call("POST", "/mlflow/login", params={"trainingId": training})["mlflowLogin"]
    assert link["accessUri"].endswith(f"/mlflow/#/runs/{run_id(training)}")
    with mlflow_of(appliance, {}) as browser:
        signed_in = browser.http.get(link["loginUri"])
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, SERVER.path)
        page = browser.http.get(SERVER.path, headers={"Accept": "text/html"})
        assert "MLflow" in page.text
        # All that the page loads is relative, and there.
        script = page.text.partition('src="')[2].partition('"')[0]
        assert browser.http.get(SERVER.path + script).status_code == 200
        (cookie,) = browser.http.cookies.jar
        assert (cookie.path, cookie.secure, cookie.has_nonstandard_attr("HttpOnly")) == ("/mlflow/", True, True)
    (network,) = appliance.home.glob(f"workloads/*/networks/{SERVER.network}.json")
    (port,) = [int(word) for word in network.read_text().replace("}", " ").split() if word.isdigit()]
    direct = f"http://127.0.0.1:{port}/mlflow/version"
    assert httpx.get(direct, headers={"X-EasyMaker-Token": appliance.token}, trust_env=False).status_code == 403
    release(appliance, training)
    complete(appliance, training)
    with mlflow_of(appliance, job) as mine:
        assert mine.http.get(f"{SERVER.path}api/2.0/mlflow/runs/get").status_code == 401
    assert appliance.call("POST", "/mlflow/login", params={"trainingId": "nothing"})["header"]["resultCode"] != 0


def _mentions(file: Path, text: str) -> bool:
    try:
        return text.encode() in file.read_bytes()
    except OSError:
        return False


DIES = """
import asyncio, os, signal
from easymaker_local.daemon import serve
from easymaker_local.settings import load_settings
from easymaker_local.store import tracking

def dies(db, *arguments):
    os.kill(os.getpid(), signal.SIGKILL)

tracking.{act} = dies
asyncio.run(serve(load_settings()))
"""


@pytest.mark.parametrize("act", ["record_points", "record", "forget"])
def test_a_daemon_that_dies_between_telling_and_recording_tells_again(tmp_path: Path, act: str) -> None:
    """Architecture 7: nothing is lost and nothing is there twice. Fault: SIGKILL."""
    appliance = new_appliance(tmp_path / "home", "process")
    try:
        appliance.start()
        training, gone = run(appliance, "one", stand_in(), "plain"), run(appliance, "gone", stand_in(), "plain")
        complete(appliance, training)
        complete(appliance, gone)
        measure(appliance, training, "loss", [0.5, 0.25])
        if act == "forget":
            with mlflow_of(appliance) as mlflow:
                mlflow.until_run(gone, status="FINISHED")
        usual = appliance.command
        appliance.stop()
        appliance.command = [sys.executable, "-c", DIES.format(act=act)]
        appliance.start()
        appliance.call("DELETE", f"/trainings/{gone}")
        with mlflow_of(appliance) as mlflow:

            def ask() -> bool:
                # The gateway outlives the daemon, and answers in its place.
                mlflow.http.get(f"{SERVER.path}version")
                return appliance.has_ended

            until(ask, "the daemon's death", PREPARATION_SECONDS)
        appliance.command = usual
        appliance.start()
        with mlflow_of(appliance) as mlflow:
            assert mlflow.until_run(training, status="FINISHED")["run_name"] == "one"
            assert [(step, value) for step, value, _ in mlflow.history(training, "loss")] == [(0, 0.5), (1, 0.25)]
            if act == "forget":
                mlflow.until_run(gone, lifecycle_stage="deleted")
            experiment = mlflow.experiment("experiment")["experiment_id"]
            query = {"experiment_ids": [experiment], "run_view_type": "ALL"}
            ids = [found["info"]["run_id"] for found in mlflow.ask("POST", "runs/search", json=query)["runs"]]
            assert sorted(ids) == sorted([run_id(training), *([run_id(gone)] if act == "forget" else [])])
    finally:
        appliance.discard()


def test_a_server_that_nobody_asks_ends_and_comes_back_for_a_job(tmp_path: Path) -> None:
    """What the daemon tells it keeps it up for nobody."""
    appliance = new_appliance(tmp_path / "home", "process", mlflow_idle_minutes="0.05")
    try:
        appliance.start()
        held = run(appliance, "held", HELD, "plain")
        appliance.await_status(held, "RUNNING")
        with mlflow_of(appliance) as mlflow:
            assert mlflow.run(held)["status"] == "RUNNING"
        first, told = server_pid(appliance), 0

        def ends() -> bool:
            nonlocal told
            told += 1
            measure(appliance, held, f"loss{told}", [float(told)])
            return server_pid(appliance) is None

        until(ends, "the end of an idle server")
        release(appliance, held)
        complete(appliance, held)
        training = run(appliance, "logs", LOGS, hyperparameterList=PARAMETERS)
        complete(appliance, training)
        assert server_pid(appliance) != first
        with mlflow_of(appliance) as mlflow:
            assert mlflow.run(training)["metrics"] == {"accuracy": 0.5}
            assert mlflow.until_run(held, status="FINISHED")["metrics"][f"loss{told}"] == told
    finally:
        appliance.discard()


@pytest.mark.docker
def test_containers(tmp_path: Path) -> None:
    """GN-L04: jobs and server in containers, limited, without a published port; found again by the next daemon."""
    docker_host()
    appliance = new_appliance(tmp_path / "home", "docker")
    try:
        appliance.start()
        training = run(appliance, "contained", LOGS, hyperparameterList=PARAMETERS)
        complete(appliance, training)
        found = found_by(appliance, "contained")
        assert (found["run"], found["text"]) == (run_id(training), "hello")
        install = str(appliance.home)
        (server,) = [c for c in containers("mlflow") if any(install in mount["Source"] for mount in c["Mounts"])]
        assert not server["HostConfig"]["PortBindings"]
        assert server["HostConfig"]["Memory"] == 2 << 30
        writable = {mount["Destination"] for mount in server["Mounts"] if mount["RW"]}
        assert writable == {"/easymaker/mlflow", "/easymaker-log"}
        assert appliance.token not in str(server)
        appliance.kill()
        appliance.start()
        with mlflow_of(appliance) as mlflow:
            shown = mlflow.until_run(training, status="FINISHED")
            assert shown["params"] == LOGGED
            assert shown["metrics"] == {"accuracy": 0.5}
        assert drawn(appliance, training) == {"accuracy": [(0, 0.0), (1, 0.25), (2, 0.5)]}
        (again,) = [c for c in containers("mlflow") if any(install in mount["Source"] for mount in c["Mounts"])]
        assert again["Id"] == server["Id"]
    finally:
        appliance.discard()
