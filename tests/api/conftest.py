"""One daemon for all of the contract: nothing here depends on the driver, and no test leaves anything unfinished."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.testing.appliance import PLAIN_IMAGE, Appliance, plain_image
from tests.api.envelope_check import assert_envelope

Call = Callable[..., httpx.Response]

GPU_IMAGE, TENSORFLOW_IMAGE = "plain-gpu", "plain-tensorflow"
WAITS = "import pathlib, os, sys, time\nend = pathlib.Path(sys.argv[2])\nwhile not end.exists(): time.sleep(0.02)\n"


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    folder = tmp_path_factory.mktemp("api")
    home = folder / "home"
    plain_image(home)
    toml = (home / "images" / PLAIN_IMAGE / "image.toml").read_text()
    for image, old, new in (
        (GPU_IMAGE, 'core_type = "CPU"', 'core_type = "GPU"'),
        (TENSORFLOW_IMAGE, 'framework = "PYTORCH"', 'framework = "TENSORFLOW"'),
    ):
        other = home / "images" / image
        other.mkdir()
        (other / "requirements.txt").write_text("")
        (other / "image.toml").write_text(toml.replace("Plain Python", image).replace(old, new))
    for name in ("team", "archive", "outside"):
        (folder / name).mkdir()
    nas = {"team": {"path": str(folder / "team")}, "archive": {"path": str(folder / "archive"), "read_only": True}}
    made = Appliance(home, "process", nas=json.dumps(nas), cpu_overcommit="8", reserved_memory_gib="0", stop_grace_seconds="5")
    (home / "storage" / "models").mkdir(parents=True)
    made.put("code", {"train.py": "print('done')\n", "wait.py": WAITS})
    made.put("data", {"one/rows.csv": "1\n", "file.csv": "1\n"})
    (home / "storage" / "data" / "escape").symlink_to(folder / "outside")
    made.start()
    yield made
    made.discard()


@pytest.fixture
def call(appliance: Appliance) -> Iterator[Call]:
    """Call a path below ``/appkeys/{appkey}``; the answer has been checked to be an envelope that agrees with its status."""
    with appliance.client() as client:

        def send(method: str, path: str, **arguments: Any) -> httpx.Response:
            answer = client.request(method, path, **arguments)
            assert_envelope(answer)
            return answer

        yield send


@pytest.fixture(scope="session")
def experiment_id(appliance: Appliance) -> str:
    return appliance.experiment("contract")


@pytest.fixture
def body(appliance: Appliance, experiment_id: str) -> dict[str, Any]:
    """A training that would be created: each test spoils one thing."""
    return {
        "trainingName": "refused", "experimentId": experiment_id, "imageId": PLAIN_IMAGE, "flavorId": "m2.c1m2",
        "sourceDirUri": appliance.uri("code"), "entryPoint": "train.py", "modelUploadUri": appliance.uri("models", "m"),
        "timeoutMinutes": 60,
    }  # fmt: skip


@pytest.fixture
def running(appliance: Appliance, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A training that runs until the test is over."""
    end = tmp_path / "end"
    experiment = appliance.experiment("busy")
    parameters = [{"parameterName": "end", "parameterValue": str(end)}]
    training = appliance.training(entryPoint="wait.py", experimentId=experiment, hyperparameterList=parameters)
    yield appliance.await_status(training["trainingId"], "RUNNING")
    end.touch()
    appliance.await_status(training["trainingId"])


@pytest.fixture(scope="session")
def ended(appliance: Appliance, experiment_id: str) -> dict[str, Any]:
    """A training that is COMPLETE."""
    training = appliance.training(trainingName="ended", experimentId=experiment_id)
    return appliance.await_status(training["trainingId"], "COMPLETE")
