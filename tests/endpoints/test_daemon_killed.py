"""The daemon dies with SIGKILL while models are changed under load, and nobody who asks them notices (architecture 7, 9)."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.endpoints import load
from tests.endpoints.live import SAYS, no_failures

pytestmark = pytest.mark.environment
SEED = 20_261_129
SMALL = {"cpu": "0.2", "memory": "300Mi"}


@pytest.fixture
def asking(appliance: Appliance) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Return what begins to ask the default URL of the endpoint ``shop``."""
    begun: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        authority = str(appliance.home / "tls" / "bundle.pem")
        arguments = ["127.0.0.1", str(appliance.gateway_port), "/shop/v1/models/iris/predict", authority, "3"]
        begun.append(
            subprocess.Popen(
                [sys.executable, str(Path(load.__file__)), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def model(appliance: Appliance, says: str) -> str:
    """Make a model called iris that answers ``says``; returns its id."""
    code = SAYS.format(load="pass", predict=f"return [{says!r} for _ in rows]")
    appliance.put("models", {f"{says}/predict.py": code})
    found = appliance.model(modelName="iris", modelUploadUri=appliance.uri("models", says))
    assert found["modelStatusCode"] == "ACTIVE", found
    return str(found["modelId"])


def settings(model_id: str) -> dict[str, Any]:
    return {
        "flavorId": "m2.c1m2",
        "endpointModelResourceList": [{"modelId": model_id, "resourceOptionDetail": SMALL}],
    }


def test_killed_while_the_default_stage_changes(
    appliance: Appliance, asking: Callable[[], subprocess.Popen[str]], kills: Counter[str]
) -> None:
    """EP-32…EP-35: at random moments of a stage's creation, of the change and of the deletion of the old stage."""
    chance = random.Random(SEED)
    body = {"endpointName": "shop", **settings(model(appliance, "say0"))}
    created = appliance.call("POST", "/endpoints", json=body)
    assert created["header"]["isSuccessful"], created
    endpoint_id = created["endpoint"]["endpointId"]

    def endpoint() -> dict[str, Any]:
        found: dict[str, Any] = appliance.call("GET", f"/endpoints/{endpoint_id}")["endpoint"]
        return found

    until(lambda: endpoint()["endpointStatusCode"] == "ACTIVE", "the endpoint")
    client = asking()

    def kill(moment: str) -> None:
        time.sleep(chance.uniform(0, 1.5))
        appliance.kill()
        appliance.start()
        kills[moment] += 1

    for number in range(1, 4):
        model_id = model(appliance, f"say{number}")
        body = {"endpointId": endpoint_id, "apigwStageName": f"stage{number}", **settings(model_id)}
        made = appliance.call("POST", "/endpoint-stages", json=body)
        assert made["header"]["isSuccessful"], made
        stage_id = made["endpointStage"]["endpointStageId"]
        kill("while a stage is created")

        def stage(stage_id: str = stage_id) -> dict[str, Any]:
            found: dict[str, Any] = appliance.call("GET", f"/endpoint-stages/{stage_id}")["endpointStage"]
            return found

        until(lambda: stage()["endpointStageStatusCode"] == "ACTIVE", "the stage")
        changed = appliance.call("PUT", f"/endpoints/{endpoint_id}/default-stage", json={"endpointStageId": stage_id})
        assert changed["header"]["isSuccessful"], changed
        kill("while the default stage changes")
        until(lambda: endpoint()["endpointStatusCode"] == "ACTIVE", "the change")
        there = appliance.call("GET", f"/endpoint-stages?endpointIdList={endpoint_id}")["endpointStageList"]
        assert [found["endpointStageId"] for found in there if found["endpointId"] == endpoint_id] == [stage_id]
    output, _ = client.communicate("")
    counts = json.loads(output)
    no_failures(counts)
    assert {key for key in counts if key.startswith("said ")} == {f"said say{number}" for number in range(4)}
