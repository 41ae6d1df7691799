"""Appliances whose trainings log for TensorBoard, and what a client sees at the gateway's port."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from easymaker_local.domain.tensorboard import IMAGE
from easymaker_local.kit.bundled import bundled
from easymaker_local.testing.appliance import Appliance, add_image, until
from easymaker_local.testing.shared import furnish

# The first test on a machine prepares two environments.
PREPARATION_SECONDS = 600

WRITER = "tensorboard-writer"
SCRIPT = """
import argparse, os, time
from pathlib import Path
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

parser = argparse.ArgumentParser()
parser.add_argument("--folder", default=".")
parser.add_argument("--until")
known, _ = parser.parse_known_args()
writer = EventFileWriter(os.path.join(os.environ["EM_TENSORBOARD_LOG_DIR"], known.folder))
for step in range(10):
    value = Summary.Value(tag="loss", simple_value=1 / (step + 1))
    writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))
writer.flush()
while known.until and not Path(os.environ["EM_MODEL_DIR"], "go").exists():
    time.sleep(0.02)
writer.close()
"""


def new_appliance(home: Path, driver: str, **settings: str) -> Appliance:
    """Return an appliance with an image that has TensorBoard's package, for jobs, and the script in ``code``."""
    furnish(home)
    add_image(home, WRITER, "Writer", "writer", (bundled("images") / IMAGE / "requirements.txt").read_text())
    made = Appliance(home, driver, cpu_overcommit="8", reserved_memory_gib="0", **settings)
    made.put("code", {"train.py": SCRIPT})
    return made


def start(appliance: Appliance, name: str, experiment: str = "experiment", **parameters: str) -> str:
    """Ask for a training that logs ten steps; with ``until`` it goes on until ``release``. Returns its id."""
    listed = [{"parameterName": key, "parameterValue": value} for key, value in parameters.items()]
    made = appliance.training(
        trainingName=name, imageId=WRITER, hyperparameterList=listed, experimentId=appliance.experiment(experiment),
        modelUploadUri=appliance.uri("models", name.replace(" ", "-")),
    )  # fmt: skip
    return str(made["trainingId"])


def release(appliance: Appliance, training_id: str) -> None:
    """Let a training end."""
    (appliance.home / "work/training" / training_id / "node-0/model/go").touch()


def complete(appliance: Appliance, training_id: str) -> None:
    """Wait for its success."""
    appliance.complete(training_id, PREPARATION_SECONDS)


def gateway(appliance: Appliance, *, token: bool = True) -> httpx.Client:
    """Return a client of the gateway's port, with the user's token or as a stranger."""
    return appliance.gateway_client({"X-EasyMaker-Token": appliance.token} if token else {})


def runs(client: httpx.Client, path: str) -> list[str]:
    """Return the runs of a TensorBoard; waits for the server and its environment."""

    def ask() -> httpx.Response | None:
        answer = client.get(f"{path}data/runs")
        return None if answer.status_code == 503 else answer

    answer = until(ask, "TensorBoard's start", PREPARATION_SECONDS)
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json()
    return found


def await_runs(client: httpx.Client, path: str, expected: set[str]) -> None:
    """Wait until a TensorBoard shows these runs and no others; it looks for new files every few seconds."""
    until(lambda: set(runs(client, path)) == expected, f"{expected} in TensorBoard, not {runs(client, path)},")


def path_of(view: dict[str, Any], appliance: Appliance) -> str:
    """Return the path in a view's address, which leads to the gateway's port and holds no secret."""
    uri: str = view["tensorboardAccessUri"]
    prefix = f"https://127.0.0.1:{appliance.gateway_port}"
    assert uri.startswith(prefix)
    assert "?" not in uri
    return uri.removeprefix(prefix)


def supervisors(appliance: Appliance) -> dict[str, int]:
    """Return TensorBoard's workloads of the process driver and their supervisors' process ids."""
    found = appliance.home.glob("workloads/*/workloads/tensorboard-*/supervisor.json")
    return {file.parent.name: json.loads(file.read_text())["pid"] for file in found}
