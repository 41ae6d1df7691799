"""Endpoints: from request to first answer, requests lost in changes of the default stage, and waking from zero.

The model answers by plain Python, so that what is measured is ours: booking, start, gateway. By hand is the same server,
started as ``serve-model`` starts it and asked until it answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.row import Row
from bench.serving import ENVIRONMENTS, prepared
from easymaker_local.domain.model import ModelFormat
from easymaker_local.kit.bundled import bundled
from easymaker_local.testing.appliance import Appliance, free_port, until

_MODEL = "class Model:\n    def predict(self, rows):\n        return rows\n"
_ASK = {"instances": [1]}
_CLIENTS = 4
# The machine is thought larger than it is: two stages are there at once during a change.
_FLAVOR = "m2.c1m2"


def rows(home: Path, rounds: int, changes: int) -> list[Row]:
    """Return the rows."""
    python = asyncio.run(prepared(ModelFormat.PYTHON))
    home.mkdir(parents=True)
    (home / "environments").symlink_to(ENVIRONMENTS)
    appliance = Appliance(home, "process", cpu_overcommit="4", autoscaler_seconds="1", drain_seconds="5")
    appliance.put("models", {"python/predict.py": _MODEL})
    try:
        appliance.start()
        model = appliance.model(modelName="echo")["modelId"]
        _deleted(appliance, _created(appliance, "warm", model))  # everything that happens once has happened
        by_hand = statistics.median(_by_hand(python, home / "storage" / "models" / "python") for _ in range(rounds))
        created = statistics.median(_first_answer(appliance, f"e{n}", model) for n in range(rounds))
        woken = statistics.median(_woken(appliance, model, rounds))
        failed, asked = _changes(appliance, model, changes)
    finally:
        appliance.discard()
    return [
        Row("endpoint: create → first answer (server by hand)", created, by_hand, "s", "≤ + 1 s", created <= by_hand + 1),
        Row("endpoint: wake from zero → answer (server by hand)", woken, by_hand, "s", "≤ + 1 s", woken <= by_hand + 1),
        Row(f"{changes} changes of the default stage: lost of {asked:,}", failed, None, "requests", "0", failed == 0),
    ]


def _by_hand(python: Path, artifact: Path) -> float:
    port = free_port()
    serve = bundled("runtimes") / "serving" / "serve.py"
    options = ["--name=echo", f"--model={artifact}", "--framework=python", f"--port={port}"]
    began = time.monotonic()
    process = subprocess.Popen([python, "-I", serve, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(trust_env=False) as client:
            _until_answered(client, f"http://127.0.0.1:{port}/v1/models/echo/predict")
        return time.monotonic() - began
    finally:
        process.kill()
        process.wait()


def _until_answered(client: httpx.Client, url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if client.post(url, json=_ASK).status_code == 200:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{url} did not answer.")


def _body(model: str, **more: Any) -> dict[str, Any]:
    return {"flavorId": _FLAVOR, "endpointModelResourceList": [{"modelId": model, **more}]}


def _created(appliance: Appliance, name: str, model: str, **more: Any) -> str:
    answer = appliance.call("POST", "/endpoints", json={"endpointName": name, **_body(model, **more)})
    assert answer["header"]["isSuccessful"], answer["header"]
    endpoint = str(answer["endpoint"]["endpointId"])
    with appliance.gateway_client({}) as client:
        _until_answered(client, f"/{name}/v1/models/echo/predict")
    return endpoint


def _first_answer(appliance: Appliance, name: str, model: str) -> float:
    began = time.monotonic()
    endpoint = _created(appliance, name, model)
    seconds = time.monotonic() - began
    _deleted(appliance, endpoint)
    return seconds


def _deleted(appliance: Appliance, endpoint: str) -> None:
    _settled(appliance, "/endpoint-stages", "endpointStageList", "endpointStageStatusCode", {"endpointId": endpoint})
    answer = appliance.call("DELETE", f"/endpoints/{endpoint}")
    assert answer["header"]["isSuccessful"], answer["header"]
    until(lambda: not appliance.call("GET", f"/endpoints/{endpoint}")["header"]["isSuccessful"], "the deletion", 60)


def _settled(appliance: Appliance, path: str, list_name: str, status: str, query: dict[str, str]) -> None:
    def all_active() -> bool:
        return all(one[status] == "ACTIVE" for one in appliance.call("GET", path, params=query)[list_name])

    until(all_active, f"ACTIVE of {path}", 120)


def _woken(appliance: Appliance, model: str, rounds: int) -> list[float]:
    """Let it sleep, then ask once, each time."""
    endpoint = _created(appliance, "sleeper", model, scaleToZeroIdleMinutes=0.02)
    found = []
    with appliance.gateway_client({}) as client:
        for _ in range(rounds):
            until(lambda: _pods(appliance, endpoint) == 0, "its sleep", 120)
            began = time.monotonic()
            answer = client.post("/sleeper/v1/models/echo/predict", json=_ASK)
            found.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text
    _deleted(appliance, endpoint)
    return found


def _pods(appliance: Appliance, endpoint: str) -> int:
    stage = appliance.call("GET", "/endpoint-stages", params={"endpointId": endpoint})["endpointStageList"][0]
    return len(appliance.call("GET", f"/endpoint-stages/{stage['endpointStageId']}/pods")["podList"])


def _changes(appliance: Appliance, model: str, changes: int) -> tuple[int, int]:
    """Change the default stage over and over under load; returns how many requests failed, and of how many."""
    endpoint = _created(appliance, "steady", model)
    with _load(appliance, "/steady/v1/models/echo/predict") as answers:
        for number in range(changes):
            body = {"endpointId": endpoint, "apigwStageName": f"s{number}", **_body(model)}
            answer = appliance.call("POST", "/endpoint-stages", json=body)
            assert answer["header"]["isSuccessful"], answer["header"]
            stage = answer["endpointStage"]["endpointStageId"]
            query = {"endpointId": endpoint}
            _settled(appliance, "/endpoint-stages", "endpointStageList", "endpointStageStatusCode", query)
            appliance.call("PUT", f"/endpoints/{endpoint}/default-stage", json={"endpointStageId": stage})
            until(lambda: _only(appliance, endpoint, stage), "the change of the default stage", 60)  # noqa: B023 at once
    _deleted(appliance, endpoint)
    return sum(not good for good in answers), len(answers)


def _only(appliance: Appliance, endpoint: str, stage: str) -> bool:
    found = appliance.call("GET", "/endpoint-stages", params={"endpointId": endpoint})["endpointStageList"]
    return [one["endpointStageId"] for one in found] == [stage]


@contextmanager
def _load(appliance: Appliance, path: str) -> Iterator[list[bool]]:
    """Ask from several clients, each with its own numbers, until the end of the block; yields whether each was answered."""
    answers: list[bool] = []
    ends = threading.Event()

    def ask(first: int) -> None:
        with appliance.gateway_client({}) as client:
            for number in itertools.count(first, _CLIENTS):
                if ends.is_set():
                    return
                try:
                    answer = client.post(path, json={"instances": [number]})
                    answers.append(answer.status_code == 200 and json.loads(answer.content) == {"predictions": [number]})
                except (httpx.HTTPError, ValueError):
                    answers.append(False)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ends.set()
        for thread in threads:
            thread.join()
