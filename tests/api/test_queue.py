"""The queue and the machine, as the page and the command line get them."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Call


def test_what_runs_is_shown_with_what_it_holds(call: Call, running: dict[str, Any]) -> None:
    """IT-L03."""
    queue = call("GET", "/queue").json()["queue"]
    (mine,) = [one for one in queue["runningList"] if one["id"] == running["trainingId"]]
    assert (mine["kind"], mine["name"], mine["node"]) == ("training", running["trainingName"], "node-0")
    assert (mine["vcpus"], mine["memoryMib"], mine["gpuUuidList"], mine["isEnding"]) == (1, 2048, [], False)
    assert running["createdDatetime"] <= mine["sinceDatetime"]
    assert queue["waitingList"] == []


def test_the_machine_adds_up(call: Call, running: dict[str, Any]) -> None:
    """DB-L03."""
    machine = call("GET", "/machine").json()["machine"]
    assert machine["bookedVcpus"] + machine["freeVcpus"] == machine["vcpus"]
    assert machine["bookedMemoryMib"] + machine["freeMemoryMib"] == machine["memoryMib"]
    assert machine["bookedMemoryMib"] >= 2048
    assert 0 < machine["freeDiskBytes"] <= machine["diskBytes"]
    assert machine["queueLength"] == 0
    assert isinstance(machine["gpuList"], list)
