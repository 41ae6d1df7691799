"""SDK 1.1.6: another header, explicit nulls, older names, and one fixed address (rest-api §13)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.errors import EnvironmentFailed
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.testing.appliance import Appliance, clean_environment, until
from easymaker_local.testing.engine import REQUIRED_VARIABLE
from easymaker_local.testing.sdk import OLD_SDK, old_sdk_python, run_sdk
from easymaker_local.testing.shared import cache_directory, running_appliance
from tests.artifacts.models.made import STATE, meta_graph, saved_model

PORT = 10090
"""Fixed in the SDK's profile ``local``."""


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter of the environment that has the old SDK."""
    try:
        return old_sdk_python(cache_directory())
    except EnvironmentFailed as error:
        if os.environ.get(REQUIRED_VARIABLE) == "1":
            raise
        pytest.skip(f"SDK {OLD_SDK} cannot be installed here: {error}")


@pytest.fixture(scope="module")
def on_10090(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """An appliance on the SDK's own port; one test process at a time has it. The driver makes no difference on the wire."""
    lock = ProcessLock(cache_directory() / f"port-{PORT}.lock")
    until(lock.acquire, f"the turn to use port {PORT}")
    try:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                pytest.skip(f"another program has port {PORT}, the only one that SDK {OLD_SDK} can reach")
        home = tmp_path_factory.mktemp("home")
        with running_appliance(home, "process", port=PORT) as made:
            made.put("code", {"train.py": "import os, sys\nprint(sys.argv[1:], os.environ['EM_HP_EPOCHS'])\n"})
            made.put("data", {"train/rows.csv": "1\n"})
            yield made
    finally:
        lock.release()


SCRIPT = """
import easymaker

token, code, models, data = sys.argv[2:]
easymaker.init(appkey="local", region="kr1", secret_key=token, profile="local")
experiment = easymaker.Experiment().create("old", experiment_description="an old client's")
again = easymaker.Experiment().create("old")
training = easymaker.Training()
answer(experiment=experiment, again=again, algorithms=training.algorithm_list)
finished = training.run(
    experiment_id=experiment, training_name="old", train_image_name="Plain Python", train_instance_name="m2.c1m2",
    source_dir_uri=code, entry_point="train.py", model_upload_uri=models,
    hyperparameter_list=[{"hyperparameterKey": "epochs", "hyperparameterValue": "3"}],
    dataset_list=[{"datasetName": "train", "dataUri": data}],
    tag_list=[{"tagKey": "team", "tagValue": "blue"}],
)
answer(training=finished)
unwaited = training.run(
    experiment_id=experiment, training_name="unwaited", train_image_name="Plain Python", train_instance_name="m2.c1m2",
    source_dir_uri=code, entry_point="train.py", model_upload_uri=models + "2",
    hyperparameter_list=[{"parameterKey": "epochs", "parameterValue": "4"}], wait=False,
)
answer(unwaited=unwaited)
training.delete(finished)
try:
    training.run(experiment_id=experiment, training_name="bad", train_image_name="Plain Python",
        train_instance_name="m2.c1m2", source_dir_uri=code, entry_point="none.py", model_upload_uri=models)
except Exception as error:
    answer(refusal=str(error), kind=type(error).__name__)
"""


TUNING = """
import easymaker

token, code, models, data = sys.argv[2:]
easymaker.init(appkey="local", region="kr1", secret_key=token, profile="local")
tuning = easymaker.HyperparameterTuning()
def run(name, **more):
    return tuning.run(**{**dict(
        experiment_id=easymaker.Experiment().create("old tunings"), hyperparameter_tuning_name=name, image_name="Plain Python",
        instance_name="m2.c1m2", source_dir_uri=code, entry_point="tuned.py", model_upload_uri=models, wait=False,
        dataset_list=[{"datasetName": "train", "dataUri": data}], tag_list=[{"tagKey": "team", "tagValue": "blue"}],
        hyperparameter_spec_list=[{
            "hyperparameterName": "lr", "hyperparameterTypeCode": easymaker.HYPERPARAMETER_TYPE_CODE.DOUBLE,
            "hyperparameterMinValue": "0.01", "hyperparameterMaxValue": "0.05", "hyperparameterStep": "0.01",
        }],
        metric_list=["loss"], objective_metric_name="loss", objective_type_code=easymaker.OBJECTIVE_TYPE_CODE.MINIMIZE,
        tuning_strategy_name=easymaker.TUNING_STRATEGY.GRID, max_trial_count=2,
    ), **more})
answer(deleted=run("ends"), kept=run("stays", parallel_trial_count=2))
try:
    run("bad", metric_regex="(loss")
except Exception as error:
    answer(refusal=str(error), kind=type(error).__name__)
"""
DELETE = """
import easymaker
easymaker.init(appkey="local", region="kr1", secret_key=sys.argv[2], profile="local")
easymaker.HyperparameterTuning().delete(sys.argv[3])
answer(listed=[row["id"] for row in easymaker.easymaker_config.api_sender.get_hyperparameter_tuning_list()])
"""


def test_tuning(on_10090: Appliance, python: str, tmp_path: Path) -> None:
    """HP-01: with explicit nulls for what is not given, and specifications as plain dictionaries."""
    appliance = on_10090
    appliance.put("code", {"tuned.py": "import sys\nprint('loss =', sys.argv[2])\n"})
    places = appliance.uri("code"), appliance.uri("models", "tuned"), appliance.uri("data", "train")
    environment = clean_environment(NO_PROXY="127.0.0.1,localhost")
    seen = run_sdk(TUNING, environment, tmp_path, appliance.token, *places, python=python)
    assert (seen["kind"], "metricRegex" in seen["refusal"]) == ("EasyMakerError", True)
    for tuning in (seen["deleted"], seen["kept"]):
        ended = appliance.await_tuning(tuning)
        assert (ended["hyperparameterTuningStatusCode"], ended["hyperparameterTuningStatusReason"]) == (
            "COMPLETE", "MaxTrialsReached",
        )  # fmt: skip
        assert ended["optimalTrial"]["hyperparameterList"] == [{"parameterName": "lr", "parameterValue": "0.01"}]
    left = run_sdk(DELETE, environment, tmp_path, appliance.token, seen["deleted"], python=python)["listed"]
    assert left == [seen["kept"]]


MODELS = """
import easymaker

token, training, tuning, saved = sys.argv[2:]
easymaker.init(appkey="local", region="kr1", secret_key=token, profile="local")
model = easymaker.Model()
tags = [{"tagKey": "team", "tagValue": "blue"}]
made = dict(
    by_training=model.create("of training", training_id=training, model_description="words", tag_list=tags),
    by_tuning=model.create("of tuning", hyperparameter_tuning_id=tuning),
    by_uri=model.create_by_model_uri("saved", easymaker.TENSORFLOW, saved, tag_list=tags),
)
sender = easymaker.easymaker_config.api_sender
answer(**made, listed={row["id"]: row["name"] for row in sender.get_model_list()})
try:
    model.create("no origin")
except Exception as error:
    answer(refusal=str(error), kind=type(error).__name__)
"""
DELETE_MODEL = """
import easymaker
easymaker.init(appkey="local", region="kr1", secret_key=sys.argv[2], profile="local")
easymaker.Model().delete(sys.argv[3])
answer(left=[row["id"] for row in easymaker.easymaker_config.api_sender.get_model_list()])
"""


def test_models(on_10090: Appliance, python: str, tmp_path: Path) -> None:
    """MD-01, TR-52, HP-80, rest-api §13.1: the framework is that of the training's image, or stands in an older key."""
    appliance = on_10090
    weights = "import os\nfor name in ('model.py', 'handler.py'): open(os.environ['EM_MODEL_DIR'] + '/' + name, 'w')\n"
    weights += f"open(os.environ['EM_MODEL_DIR'] + '/model.pt', 'wb').write({STATE!r})\nprint('loss = 1')\n"
    appliance.put("code", {"stores.py": weights})
    appliance.put("models", {"saved/saved_model.pb": saved_model(meta_graph(variables=False))})
    training = appliance.training(entryPoint="stores.py", modelUploadUri=appliance.uri("models", "stored"))["trainingId"]
    tuning = appliance.tuning(entryPoint="stores.py", maxTrialCount=1)["hyperparameterTuningId"]
    appliance.await_status(training, "COMPLETE")
    appliance.await_tuning(tuning, "COMPLETE")
    environment = clean_environment(NO_PROXY="127.0.0.1,localhost")
    places = training, tuning, appliance.uri("models", "saved")
    seen = run_sdk(MODELS, environment, tmp_path, appliance.token, *places, python=python)
    ids = {name: seen[name] for name in ("by_training", "by_tuning", "by_uri")}
    assert seen["listed"] == dict(zip(ids.values(), ("of training", "of tuning", "saved"), strict=True))
    assert (seen["kind"], "the origin is missing" in seen["refusal"]) == ("EasyMakerError", True)
    shown = {name: until(lambda id_=id_: _examined(appliance, id_), "the examination") for name, id_ in ids.items()}
    assert {name: model["modelStatusCode"] for name, model in shown.items()} == dict.fromkeys(ids, "ACTIVE"), shown
    assert [shown[name]["frameworkCode"] for name in ids] == ["PYTORCH", "PYTORCH", "TENSORFLOW"]
    assert (shown["by_training"]["description"], shown["by_uri"]["tagList"]) == (
        "words", [{"tagKey": "team", "tagValue": "blue"}],
    )  # fmt: skip
    left = run_sdk(DELETE_MODEL, environment, tmp_path, appliance.token, ids["by_uri"], python=python)["left"]
    assert set(left) == {ids["by_training"], ids["by_tuning"]}


def _examined(appliance: Appliance, model_id: str) -> dict[str, Any] | None:
    model: dict[str, Any] = appliance.call("GET", f"/models/{model_id}")["model"]
    return model if model["isFinished"] else None


def test_experiment_and_training(on_10090: Appliance, python: str, tmp_path: Path) -> None:
    """Slow, because this SDK waits ten seconds between its looks, and cannot be told otherwise."""
    appliance = on_10090
    places = appliance.uri("code"), appliance.uri("models", "old"), appliance.uri("data", "train")
    environment = clean_environment(NO_PROXY="127.0.0.1,localhost")
    started = time.monotonic()
    seen = run_sdk(SCRIPT, environment, tmp_path, appliance.token, *places, python=python)
    assert seen["again"] == seen["experiment"]
    assert seen["algorithms"] == []
    # It came back, so it saw COMPLETE, after one look.
    assert "Training create complete" in seen["printed"]
    assert time.monotonic() - started < 20
    assert (appliance.home / "storage/models/old").is_dir()
    ended = appliance.await_status(seen["unwaited"])
    assert ended["trainingStatusCode"] == "COMPLETE"
    # TR-12, HY-02, HY-03: parameterKey is the older name of parameterName.
    assert ended["hyperparameterList"] == [{"parameterName": "epochs", "parameterValue": "4"}]
    assert appliance.log(seen["unwaited"]) == "['--epochs', '4'] 4\n"
    assert (seen["kind"], "entryPoint" in seen["refusal"]) == ("EasyMakerError", True)
    assert appliance.call("GET", f"/trainings/{seen['training']}")["header"]["isSuccessful"] is False


ENDPOINT = """
import easymaker

token, model = sys.argv[2:]
easymaker.init(appkey="local", region="kr1", secret_key=token, profile="local")
endpoint = easymaker.Endpoint()
answer(endpoint_id=endpoint.create(
    endpoint_name="old", endpoint_instance_name="m2.c1m2", endpoint_instance_count=1,
    endpoint_model_resource_list=[{"modelId": model, "apigwResourceUri": "/inference"}],
))
stage = endpoint.get_default_endpoint_stage()
answer(said=endpoint.predict(stage, model_id=model, json={"instances": [1, 2]}))
# A model without a path of its own: at the root of its stage.
stage["endpointModelList"][0]["apigwResourceUri"] = ""
answer(at_root=endpoint.predict(stage, model_id=model, json={"instances": [3]}))
endpoint.delete_endpoint(endpoint.endpoint_id)
"""


def test_an_endpoint_of_an_old_client(on_10090: Appliance, python: str, tmp_path: Path) -> None:
    """rest-api §13.2, §13.5, VX-06: the stage is there at once; requests go to the path that was given."""
    on_10090.put(
        "models", {"doubles/predict.py": "class Model:\n    def predict(self, rows):\n        return [2 * r for r in rows]\n"}
    )
    model = on_10090.model(modelName="doubles", modelUploadUri=on_10090.uri("models", "doubles"), parameterList=[])["modelId"]
    variables = {name: value for name, value in on_10090.sdk_environment.items() if not name.startswith("EM_")}
    seen = run_sdk(ENDPOINT, variables, tmp_path, on_10090.token, model, python=python)
    assert (seen["said"], seen["at_root"]) == ({"predictions": [2, 4]}, {"predictions": [6]})
