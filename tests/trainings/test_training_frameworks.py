"""The examples that ship, with the real frameworks. Slow: importing a framework takes seconds, and nothing else proves it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from easymaker_local.testing.wheels import make_wheel

# The first test on a machine prepares the environment.
PREPARATION_SECONDS = 1500
pytestmark = [pytest.mark.environment, pytest.mark.timeout(PREPARATION_SECONDS + 300)]

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PYTORCH = "pytorch-train-2.13.0-cpu"
TENSORFLOW = "tensorflow-train-2.21.0-cpu"


def put_example(appliance: Appliance, name: str) -> str:
    """Drop an example into the bucket ``code``; returns its address."""
    folder = EXAMPLES / name
    files = {f"{name}/{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}
    appliance.put("code", {file: path for file, path in files.items() if "__pycache__" not in file})
    appliance.put("data", {"iris/iris.csv": EXAMPLES / "iris" / "iris.csv"})
    return appliance.uri("code", name)


def start(appliance: Appliance, example: str, image: str, **body: Any) -> str:
    preset = {
        "trainingName": example, "imageId": image, "flavorId": "m2.c2m4", "sourceDirUri": put_example(appliance, example),
        "modelUploadUri": appliance.uri("models", example),
    }  # fmt: skip
    return str(appliance.training(**{**preset, **body})["trainingId"])


def complete(appliance: Appliance, training_id: str) -> dict[str, Any]:
    ended = appliance.await_status(training_id, seconds=PREPARATION_SECONDS)
    assert ended["trainingStatusCode"] == "COMPLETE", f"{ended['statusReason']}\n{appliance.log(training_id)}"
    return ended


def parameters(**values: object) -> list[dict[str, str]]:
    return [{"parameterName": name, "parameterValue": str(value)} for name, value in values.items()]


def events(appliance: Appliance, training_id: str) -> list[Path]:
    """Return TensorBoard's files of a training."""
    return sorted(appliance.home.glob(f"tensorboard/*/*-{training_id}/**/events.out.tfevents.*"))


IRIS = [
    pytest.param("iris-pytorch", PYTORCH, "checkpoint-*.pt", ["model.pt", "model.py", "handler.py"], id="pytorch"),
    pytest.param("iris-tensorflow", TENSORFLOW, "cp-*.ckpt", ["saved_model.pb", "variables"], id="tensorflow"),
]


@pytest.mark.parametrize(("example", "image", "checkpoints", "model"), IRIS)
def test_iris_is_stopped_and_resumed(
    appliance: Appliance, example: str, image: str, checkpoints: str, model: list[str]
) -> None:
    common = {"datasetList": [{"datasetName": "train", "dataUri": appliance.uri("data", "iris")}]}
    kept = appliance.home / "storage/models" / f"{example}-1"
    first = start(
        appliance, example, image, **common, hyperparameterList=parameters(epochs=100_000, checkpoint_epochs=5),
        checkPointUploadUri=appliance.uri("models", kept.name),
    )  # fmt: skip
    begun = appliance.await_status(first, "RUNNING", "FAIL_TRAIN", "CREATE_FAILED", seconds=PREPARATION_SECONDS)
    assert begun["trainingStatusCode"] == "RUNNING", begun["statusReason"]
    staged = appliance.home / "work" / "training" / first / "node-0" / "checkpoint"
    until(lambda: len(list(staged.glob(checkpoints))) >= 2, f"a checkpoint: {appliance.log(first)}")
    # TB-04, TB-L01: the logs are there while it runs.
    assert events(appliance, first)
    assert appliance.shown(first)["trainingStatusCode"] == "RUNNING"
    appliance.call("PUT", f"/trainings/{first}/stop")
    assert appliance.await_status(first)["trainingStatusCode"] == "STOPPED"
    # TR-30, EV-10: what was written so far is brought out; a model was not (TR-49).
    written = sorted(path.name for path in kept.glob(checkpoints))
    assert written
    assert not (appliance.home / "storage/models" / example).exists()

    values = parameters(epochs=4, batch_size=32, learning_rate=0.02, checkpoint_epochs=1, model_version="v7")
    second = start(
        appliance, example, image, **common, hyperparameterList=values,
        checkPointInputUri=appliance.uri("models", kept.name),
        checkPointUploadUri=appliance.uri("models", f"{example}-2"),
    )  # fmt: skip
    complete(appliance, second)
    log = appliance.log(second)
    # EV-09, EV-18, TR-19, TR-21: training goes on from an earlier one's checkpoint.
    assert re.search(r"resumed from (\S+)", log).group(1) in written  # type: ignore[union-attr]
    # HY-04: arguments and a variable in the same run.
    assert "model version v7" in log
    assert "batch_size=32" in log
    assert len(list((appliance.home / "storage/models" / f"{example}-2").glob(checkpoints))) == 4
    # EV-03, EV-08: the model is at the output path.
    stored = appliance.home / "storage/models" / example
    assert {name for name in model if (stored / name).exists()} == set(model)
    # TB-01, TB-03: the scalars are in the logs that stay.
    assert any(re.search(rb"loss", file.read_bytes()) for file in events(appliance, second))
    assert float(re.search(r"final accuracy=([\d.]+)", log).group(1)) > 0.6  # type: ignore[union-attr]


def test_torchrun_over_two_nodes(appliance: Appliance) -> None:
    training = start(
        appliance, "distributed-pytorch", PYTORCH, useTorchrun=True, instanceCount=2, nprocPerNode=2,
        modelUploadUri=appliance.uri("models", "torchrun"), hyperparameterList=parameters(epochs=30),
    )  # fmt: skip
    complete(appliance, training)
    logs = [appliance.log(training, node) for node in (0, 1)]
    # Without a line's end: two processes that write at once may share a line.
    ranks = [sorted(re.findall(r"rank (\d) of (\d), (gloo|nccl)", log)) for log in logs]
    # TO-01, TO-02: nodes times processes, in order of the nodes; DT-04: the code's choice of gloo works.
    assert ranks[0] == [("0", "4", "gloo"), ("1", "4", "gloo")]
    assert ranks[1] == [("2", "4", "gloo"), ("3", "4", "gloo")]
    losses = [float(loss) for loss in re.findall(r"loss=(\d+\.\d+)", logs[0])]
    assert losses[-1] < losses[0] / 10
    # DT-07
    assert "loss=" not in logs[1]
    assert (appliance.home / "storage/models/torchrun/model.pt").exists()


def test_pytorch_over_two_nodes_without_torchrun(appliance: Appliance) -> None:
    training = start(
        appliance, "distributed-pytorch", PYTORCH, instanceCount=2, modelUploadUri=appliance.uri("models", "env-init"),
    )  # fmt: skip
    complete(appliance, training)
    # DT-05: env:// initialisation finds MASTER_ADDR, MASTER_PORT, WORLD_SIZE and RANK.
    for node in (0, 1):
        assert f"rank {node} of 2, gloo" in appliance.log(training, node)
    assert (appliance.home / "storage/models/env-init/model.pt").exists()


def test_tensorflow_over_two_workers(appliance: Appliance) -> None:
    training = start(appliance, "distributed-tensorflow", TENSORFLOW, instanceCount=2, hyperparameterList=parameters(epochs=5))
    complete(appliance, training)
    logs = [appliance.log(training, node) for node in (0, 1)]
    # DT-02, DT-03: the strategy reads its place and its peers from TF_CONFIG, and the workers reach each other.
    for node, log in enumerate(logs):
        assert f"worker {node} of 2" in log
    losses = [re.search(r"final loss=([\d.]+)", log).group(1) for log in logs]  # type: ignore[union-attr]
    assert losses[0] == losses[1]
    first = float(re.search(r"- loss: ([\d.]+)", logs[0]).group(1))  # type: ignore[union-attr]
    assert float(losses[0]) < first / 10
    assert (appliance.home / "storage/models/distributed-tensorflow/saved_model.pb").exists()


def test_packages_of_the_user(appliance: Appliance, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny_package_of_ours", "1.2")
    script = """
import tiny_package_of_ours, torch
print("have", tiny_package_of_ours.VERSION, float(torch.ones(2).sum()))
"""
    files = {
        "train.py": script,
        "requirements.txt": "--no-index\n--find-links .\ntiny-package-of-ours==1.2\n",
        wheel.name: wheel,
    }
    appliance.put("code", {f"packages/{name}": content for name, content in files.items()})
    training = start(
        appliance, "distributed-pytorch", PYTORCH, sourceDirUri=appliance.uri("code", "packages"),
        modelUploadUri=appliance.uri("models", "packages"),
    )  # fmt: skip
    complete(appliance, training)
    # TR-11: installed before the entry point runs, beside what the image has.
    assert appliance.log(training).endswith("have 1.2 2.0\n")


def test_torchrun_out_of_memory(appliance: Appliance) -> None:
    script = """
import torch
held = []
for _ in range(128):
    held.append(torch.ones(16 << 20))
"""
    appliance.put("code", {"greedy-torchrun/train.py": script})
    training = start(
        appliance, "distributed-pytorch", PYTORCH, flavorId="m2.c1m2", useTorchrun=True, nprocPerNode=1,
        sourceDirUri=appliance.uri("code", "greedy-torchrun"), modelUploadUri=appliance.uri("models", "greedy-torchrun"),
    )  # fmt: skip
    ended = appliance.await_status(training, seconds=PREPARATION_SECONDS)
    # TO-03, TO-05: torchrun itself lives on and ends with 1; the reason is what the limit did to its process.
    assert ended["trainingStatusCode"] == "FAIL_TRAIN"
    assert ended["statusReason"]["code"] == "OUT_OF_MEMORY", (ended["statusReason"], appliance.log(training))
