"""A whole appliance under traffic: it tells what the client has counted, whoever was killed (GW-05, GW-L04, LG-L04)."""

from __future__ import annotations

import os
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import INFERENCE_ID, Layout
from easymaker_local.testing.appliance import Appliance, until
from easymaker_local.testing.shared import running_appliance
from tests.cli.cli_runner import in_this_process

PREDICT = """
class Model:
    inputs = [("x", "FP64", [-1])]
    outputs = [("y", "FP64", [-1])]

    def predict(self, rows):
        return [float(row) + 1 for row in rows]
"""
V1 = {"instances": [1, 2]}
V2 = {"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 2]}]}
# Path, body -> what it is: API, whether it succeeds.
ASKED: list[tuple[str, Any, str, bool]] = [
    ("/shop/iris/v1/models/iris/predict", V1, "predict", True),
    ("/shop/default/v2/models/iris/infer", V2, "infer", True),
    ("/shop", V1, "custom", True),
    ("/shop/inference", V2, "custom", True),
    ("/shop/iris/v1/models/iris/predict", {"instances": "x"}, "predict", False),
    ("/shop/openai/v1/chat/completions", {"model": "iris", "messages": []}, "chat", False),
    ("/shop/v1/models/rose/predict", V1, "other", False),
]


class Traffic:
    """Asks over https, several at a time, and counts what comes back."""

    def __init__(self, appliance: Appliance) -> None:
        trust = ssl.create_default_context(cafile=str(appliance.home / "tls" / "bundle.pem"))
        self._url = f"https://127.0.0.1:{appliance.gateway_port}"
        self._client = httpx.Client(verify=trust, trust_env=False, timeout=60)
        self.count: Counter[tuple[str, bool]] = Counter()
        self.logged: set[str] = set()

    def ask(self, rounds: int) -> None:
        with ThreadPoolExecutor(6) as pool:
            for api, succeeds, id_ in pool.map(self._one, ASKED * rounds):
                self.count[api, succeeds] += 1
                self.logged.add(id_)

    def _one(self, what: tuple[str, Any, str, bool]) -> tuple[str, bool, str]:
        path, body, api, succeeds = what
        answer = self._client.post(self._url + path, json=body)
        assert (answer.status_code < 400) == succeeds, (path, answer.status_code, answer.text)
        if succeeds:
            found = answer.json()
            assert found.get("predictions", found.get("outputs", [{}])[0].get("data")) == [2.0, 3.0]
        return api, succeeds, answer.headers[INFERENCE_ID]

    def answers(self) -> bool:
        """True if the gateway is there; asks for something that counts for no stage."""
        try:
            return self._client.get(f"{self._url}/nobody/has/this").status_code == 404
        except httpx.TransportError:
            return False

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    with running_appliance(tmp_path_factory.mktemp("home"), "process") as made:
        made.put("models", {"iris/predict.py": PREDICT})
        yield made


@pytest.fixture(scope="module")
def endpoint_id(appliance: Appliance) -> str:
    model = appliance.model(modelName="iris", modelUploadUri=appliance.uri("models", "iris"), parameterList=[])
    resource = {
        "modelId": model["modelId"], "resourceOptionDetail": {"cpu": "0.5", "memory": "700Mi"}, "apigwResourceUri": "/inference"
    }  # fmt: skip
    body = {"endpointName": "shop", "flavorId": "m2.c1m2", "useLog": True, "endpointModelResourceList": [resource]}
    answer = appliance.call("POST", "/endpoints", json=body)
    assert answer["header"]["isSuccessful"], answer["header"]["resultMessage"]
    found: str = answer["endpoint"]["endpointId"]
    until(lambda: _status(appliance, found) == "ACTIVE", "the endpoint")
    return found


def _status(appliance: Appliance, endpoint_id: str) -> str:
    status: str = appliance.call("GET", f"/endpoints/{endpoint_id}")["endpoint"]["endpointStatusCode"]
    assert "FAILED" not in status
    return status


def _told(appliance: Appliance, endpoint_id: str) -> Counter[tuple[str, bool]]:
    found: Counter[tuple[str, bool]] = Counter()
    for api in appliance.call("GET", f"/endpoints/{endpoint_id}/api-statistics")["apiStatistics"]["apiList"]:
        found[api["api"], True] += api["calls"]["successCount"]
        found[api["api"], False] += api["calls"]["failureCount"]
    return +found


def _logged(appliance: Appliance, endpoint_id: str) -> list[str]:
    query = f'category:"easymaker.inference" AND endpointId:{endpoint_id} AND action:"Endpoint.Model"'
    rows = appliance.call("GET", "/logs", params={"query": query, "limit": 1000})["logList"]
    return [row["inferenceId"] for row in rows if row["inferenceId"]]


@pytest.mark.environment
def test_what_is_told_is_what_was_asked(appliance: Appliance, endpoint_id: str, kills: Counter[str]) -> None:
    traffic = Traffic(appliance)

    def agrees() -> None:
        told = lambda: _told(appliance, endpoint_id) == traffic.count  # noqa: E731 - asked again until it is so
        until(told, f"{traffic.count} instead of {_told(appliance, endpoint_id)}")
        until(lambda: set(_logged(appliance, endpoint_id)) >= traffic.logged, "the log of all requests")

    try:
        traffic.ask(20)
        agrees()
        # While there is no daemon the gateway goes on, and counts.
        appliance.kill()
        kills["the daemon"] += 1
        traffic.ask(20)
        appliance.start()
        traffic.ask(10)
        agrees()
        for running in EnvoyProcess(Layout(appliance.home), 1).find():
            os.kill(running.pid, 9)
            kills["the gateway"] += 1
        until(traffic.answers, "the gateway's return")
        traffic.ask(10)
        agrees()
        logged = _logged(appliance, endpoint_id)
        assert len(logged) == len(set(logged)) == len(traffic.logged)
        run = in_this_process(appliance.environment)
        total = run("endpoint", "statistics", "shop", "--json").json["total"]
        assert total["callCount"] == 60 * len(ASKED)
        assert total["successCount"] == 60 * 4
        assert run("stage", "statistics", "shop/default", "--json").json["total"] == total
        assert [each["endpointName"] for each in run("endpoint", "top", "--json").json["endpointList"]] == ["shop"]
        assert "Endpoint.Model" in run("logs", "query", 'category:"easymaker.inference"', "--json").out
        assert kills["the gateway"]
    finally:
        traffic.close()
