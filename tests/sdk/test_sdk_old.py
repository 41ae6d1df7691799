"""SDK 1.1.6: another header, explicit nulls, older names, and one fixed address (rest-api §13)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.errors import EnvironmentFailed
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.testing.appliance import Appliance, clean_environment, until
from easymaker_local.testing.engine import REQUIRED_VARIABLE
from easymaker_local.testing.sdk import OLD_SDK, old_sdk_python, run_sdk
from easymaker_local.testing.shared import cache_directory, running_appliance

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
    until(lock.acquire, 300, f"the turn to use port {PORT}")
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
