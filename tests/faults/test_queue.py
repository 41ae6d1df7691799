"""Waiting for resources: who goes first, what is shown meanwhile, and what happens when the machine or the wish changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.faults.fault_jobs import assert_history, assert_nothing_left, select

MakeAppliance = Callable[..., Appliance]

# Ends when a file of the training's name lies in the bucket that it sees as a data set.
WAITS = """\
import os, sys, time
print("began", flush=True)
while not os.path.exists(os.environ["EM_DATASET_SIGNALS"] + "/" + sys.argv[2]): time.sleep(0.02)
"""
FLAVORS = json.dumps([{"name": f"cpu{count}", "vcpus": count, "memory_gib": 1} for count in (1, 2, 3, 4)])


def settings(vcpus: int) -> dict[str, str]:
    """Settings of an appliance that promises so many vCPUs, whatever the machine has."""
    overcommit = vcpus / len(os.sched_getaffinity(0)) + 1e-6
    return {
        "cpu_overcommit": f"{overcommit}", "reserved_memory_gib": "0", "flavors": FLAVORS, "stop_grace_seconds": "1",
        "backfill_seconds": "0",
    }  # fmt: skip


class Queue:
    """Trainings by name on an appliance with four vCPUs."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self.ids: dict[str, str] = {}

    def post(self, name: str, flavor: str, nodes: int = 1, **more: Any) -> None:
        data = {"datasetName": "signals", "dataUri": self.appliance.uri("signals")}
        body = {"datasetList": [data, *more.pop("datasetList", [])], **more}
        training = self.appliance.training(
            trainingName=name, flavorId=flavor, instanceCount=nodes, entryPoint="waits.py",
            modelUploadUri=self.appliance.uri("models", name),
            hyperparameterList=[{"parameterName": "end", "parameterValue": name}], **body,
        )  # fmt: skip
        self.ids[name] = training["trainingId"]

    def finish(self, name: str) -> None:
        self.appliance.put("signals", {name: ""})

    def status(self, name: str) -> str:
        return str(self.appliance.shown(self.ids[name])["trainingStatusCode"])

    def await_status(self, name: str, *statuses: str) -> dict[str, Any]:
        return self.appliance.await_status(self.ids[name], *statuses)

    def await_reason(self, name: str, *words: str) -> None:
        """Wait until the training stands in the queue with a reason that holds all words."""

        def stands() -> bool:
            shown = self.appliance.shown(self.ids[name])
            reason = shown["statusReason"] or {"code": "", "message": ""}
            is_waiting = (shown["trainingStatusCode"], reason["code"]) == ("CREATE_REQUESTED", "WAITING_FOR_RESOURCES")
            return is_waiting and all(word in reason["message"] for word in words)

        until(stands, f"{name} waiting with {words}")

    def began(self, name: str) -> bool:
        return "began" in self.appliance.log(self.ids[name])


@pytest.fixture
def queue(make_appliance: MakeAppliance) -> Queue:
    appliance = make_appliance(**settings(4))
    appliance.put("code", {"waits.py": WAITS})
    appliance.put("signals", {"none": ""})
    appliance.start()
    return Queue(appliance)


def test_first_come_first_served(queue: Queue) -> None:
    """IT-L03, IT-L04, GN-26, TR-50: order, words, all nodes or none, stop while queued."""
    queue.post("holder", "cpu3")
    queue.await_status("holder", "RUNNING")
    queue.post("gang", "cpu1", nodes=2)
    queue.await_reason("gang", "2 vCPU", "1 vCPU", "held by training " + queue.ids["holder"], "Position 1")
    queue.post("small", "cpu1")
    queue.await_reason("small", "Position 2", "behind training " + queue.ids["gang"])
    queue.post("last", "cpu4")
    queue.await_reason("last", "Position 3")
    booked = {row["resource_id"] for row in select(queue.appliance, "SELECT * FROM bookings")}
    assert booked == {queue.ids["holder"]}, "of the gang no node, although one would fit"

    queue.appliance.call("PUT", f"/trainings/{queue.ids['gang']}/stop")
    stopped = queue.await_status("gang")
    assert (stopped["trainingStatusCode"], stopped["startedDatetime"]) == ("STOPPED", None)
    assert queue.appliance.log(queue.ids["gang"]) == ""
    queue.await_status("small", "RUNNING")
    queue.await_reason("last", "Position 1", queue.ids["holder"], queue.ids["small"])

    queue.finish("holder")
    queue.await_status("holder", "COMPLETE")
    assert queue.status("last") == "CREATE_REQUESTED"
    queue.finish("small")
    queue.await_status("last", "RUNNING")
    queue.finish("last")
    queue.await_status("last", "COMPLETE")
    for training in queue.ids.values():
        assert_history(queue.appliance, training)
    assert_nothing_left(queue.appliance)


def test_gang_starts_when_all_of_it_fits(queue: Queue) -> None:
    """IT-L04; the queue outlives the daemon."""
    for name in ("one", "two"):
        queue.post(name, "cpu2")
        queue.await_status(name, "RUNNING")
    queue.post("gang", "cpu2", nodes=2)
    queue.await_reason("gang", "Position 1")
    queue.finish("one")
    queue.await_status("one", "COMPLETE")
    queue.appliance.kill()
    queue.appliance.start()
    queue.await_reason("gang", "Position 1", "held by training " + queue.ids["two"])
    queue.finish("two")
    queue.await_status("gang", "RUNNING")
    until(lambda: "began" in queue.appliance.log(queue.ids["gang"], 1), "node 1")
    queue.finish("gang")
    queue.await_status("gang", "COMPLETE")
    assert_nothing_left(queue.appliance)


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_the_machine_shrinks(queue: Queue) -> None:
    """IT-L03: what never fits any more fails with its reason and keeps nobody waiting."""
    queue.post("holder", "cpu4")
    queue.await_status("holder", "RUNNING")
    queue.post("large", "cpu3")
    queue.await_reason("large", "Position 1")
    queue.post("small", "cpu1")
    queue.await_reason("small", "Position 2")
    queue.appliance.kill()
    smaller = Appliance(queue.appliance.home, queue.appliance.driver, port=queue.appliance.port, **settings(2))
    try:
        smaller.start()
        failed = queue.await_status("large")
        assert (failed["trainingStatusCode"], failed["statusReason"]["code"]) == ("CREATE_FAILED", "NEVER_FITS")
        assert "3 vCPU" in failed["statusReason"]["message"]
        queue.finish("holder")
        queue.await_status("small", "RUNNING")
        queue.finish("small")
        queue.await_status("small", "COMPLETE")
    finally:
        smaller.discard()


def _without_data(queue: Queue) -> None:
    (queue.appliance.home / "storage/data/rows/1.csv").unlink()
    (queue.appliance.home / "storage/data/rows").rmdir()


def _without_source(queue: Queue) -> None:
    (queue.appliance.home / "storage/code/waits.py").unlink()


def _without_container(queue: Queue) -> None:
    (queue.appliance.home / "storage/data").rename(queue.appliance.home / "elsewhere")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_without_data, "data/rows"), (_without_source, "waits.py"), (_without_container, "container 'data'")],
    ids=["data set", "entry point", "container"],
)
def test_inputs_that_are_gone_when_the_turn_comes(queue: Queue, spoil: Callable[[Queue], None], words: str) -> None:
    """GN-11, TR-26, TR-10: it ends in its failure status with what is missing, and holds nothing."""
    queue.appliance.put("data", {"rows/1.csv": "1"})
    queue.post("holder", "cpu4")
    queue.await_status("holder", "RUNNING")
    rows = {"datasetName": "rows", "dataUri": queue.appliance.uri("data", "rows")}
    queue.post("unlucky", "cpu1", nodes=2, datasetList=[rows])
    queue.await_reason("unlucky", "Position 1")
    spoil(queue)
    queue.finish("holder")
    failed = queue.await_status("unlucky")
    assert (failed["trainingStatusCode"], failed["statusReason"]["code"]) == ("CREATE_FAILED", "INPUT_MISSING")
    assert words in failed["statusReason"]["message"]
    queue.await_status("holder", "COMPLETE")
    assert_history(queue.appliance, queue.ids["unlucky"])
    assert_nothing_left(queue.appliance)


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_small_ones_use_the_gap_for_a_set_time(make_appliance: MakeAppliance) -> None:
    """IT-L04: what stands behind the first may start before it, until that has been passed for long enough."""
    appliance = make_appliance(**{**settings(4), "backfill_seconds": "600"})
    appliance.put("code", {"waits.py": WAITS})
    appliance.put("signals", {"none": ""})
    appliance.start()
    queue = Queue(appliance)
    queue.post("holder", "cpu2")
    queue.await_status("holder", "RUNNING")
    queue.post("large", "cpu4")
    queue.await_reason("large", "Position 1")
    queue.post("small", "cpu1")
    queue.await_status("small", "RUNNING")
    appliance.kill()
    strict = Appliance(appliance.home, appliance.driver, port=appliance.port, **settings(4))
    try:
        strict.start()
        queue.appliance = strict
        queue.post("late", "cpu1")
        queue.await_reason("late", "1 vCPU and", "are free", "Position 2", "behind training " + queue.ids["large"])
        for name in ("holder", "small"):
            queue.finish(name)
        queue.await_status("large", "RUNNING")
        assert queue.status("late") == "CREATE_REQUESTED"
        queue.finish("large")
        queue.await_status("late", "RUNNING")
        queue.finish("late")
        queue.await_status("late", "COMPLETE")
    finally:
        strict.discard()
