"""Autoscaling with everything real, on the command line and over https: requests make pods, idleness lets a model sleep."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.cli.cli_runner import Cli, in_this_process
from tests.conftest import MakeAppliance
from tests.serving.environments import interpreter

pytestmark = pytest.mark.environment

SLOW = """
import time

class Model:
    def load(self, path, parameters):
        time.sleep(0.5)

    def predict(self, rows):
        time.sleep(0.2)
        return rows
"""
BODY = {"instances": [1, 2]}
URL = "/shop/slow/v1/models/slow/predict"


@pytest.fixture
def driver_name() -> str:
    """What is scaled is told apart by no driver; processes need no image."""
    return "process"


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    """A daemon whose autoscalers look every second and remember five."""
    interpreter("python-serving-3.11-cpu")
    made = make_appliance(autoscaler_seconds="1", autoscaler_stabilisation_seconds="5", drain_seconds="5")
    made.put("models", {"slow/predict.py": SLOW})
    made.start()
    made.model(modelName="slow", modelUploadUri=made.uri("models", "slow"))
    return made


@pytest.fixture
def cli(appliance: Appliance) -> Cli:
    return in_this_process(appliance.environment)


@contextmanager
def asked(appliance: Appliance, clients: int) -> Iterator[Counter[int]]:
    """Let clients ask one after the other without a pause; yields how often they were answered how."""
    found: Counter[int] = Counter()
    ended = threading.Event()

    def ask() -> None:
        with appliance.gateway_client({}) as client:
            while not ended.is_set():
                found[status_of(client)] += 1

    with ThreadPoolExecutor(clients) as pool:
        working = [pool.submit(ask) for _ in range(clients)]
        try:
            yield found
        finally:
            ended.set()
    for one in working:
        one.result()


def status_of(client: httpx.Client) -> int:
    answer = client.post(URL, json=BODY)
    assert answer.status_code != 200 or answer.json()["predictions"] == [1, 2]
    return answer.status_code


def stage_of(cli: Cli) -> dict[str, Any]:
    found: dict[str, Any] = cli("stage", "show", "shop/default", "--json").json
    return found


def running(cli: Cli) -> int:
    """Return how many pods answer."""
    return int(stage_of(cli)["runningPodCount"])


def test_pods_follow_requests_and_an_idle_model_sleeps_until_it_is_asked(appliance: Appliance, cli: Cli) -> None:
    """SR-08, AS-12…AS-16, AS-L02, scale to zero: no request fails while pods come, go, sleep and wake, daemon killed or not."""
    made = cli(
        "endpoint", "create", "shop", "--model", "slow", "--flavor", "m2.c1m2", "--cpu", "0.2", "--memory", "300Mi",
        "--autoscale", "requests:2", "--scale-to-zero", "0.2",
    )  # fmt: skip
    assert made.code == 0, made.err
    with asked(appliance, 8) as answers:
        until(lambda: running(cli) >= 3, "three pods")
    assert set(answers) == {200}, answers
    until(lambda: running(cli) == 0, "sleep")
    until(lambda: stage_of(cli)["nodeCount"] == 0, "the node's end")
    appliance.kill()
    appliance.start()
    with asked(appliance, 5) as answers:
        until(lambda: answers[200] > 5, "an answer after sleep")
    assert set(answers) == {200}, answers
    events = [event["message"] for event in stage_of(cli)["eventList"] if event["message"]]
    decided = [words for words in events if "Pods " in words]
    assert decided[0].startswith("slow: Pods 1 → ")
    assert "requests under way per pod" in decided[0]
    assert any("→ 0: no request for 0.2 minutes" in words for words in decided)
    assert "slow: A request waits: pods 0 → 1." in events
    used = cli("stage", "usage", "shop/default", "--json").json
    assert {pod["modelName"] for pod in used["podList"]} == {"slow"}
    # A sample is taken now and then: the third may have come after one, and gone before the next.
    assert max(total["podCount"] for total in used["totalList"]) >= 2
    assert "slow 0" in cli("stage", "usage", "shop/default").out
