"""queue: what a person sees of the ledger, and what a program gets."""

from __future__ import annotations

import json
from pathlib import Path

from easymaker_local.testing.appliance import Appliance, until
from tests.cli.cli_runner import Cli, in_this_process

WAITS = "import os, sys, time\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.02)\n"


def test_an_empty_queue(cli: Cli) -> None:
    done = cli("queue")
    assert done.code == 0, done.err
    assert "free" in done.out
    assert "Nothing waits." in done.err
    assert set(cli("queue", "--json").json) == {"machine", "runningList", "waitingList", "waitingCount"}


def test_what_waits_for_whom(daemon: Appliance, cli: Cli, tmp_path: Path) -> None:
    """IT-L03, GN-26."""
    daemon.put("code", {"wait.py": WAITS})
    (daemon.home / "storage" / "models").mkdir(exist_ok=True)
    machine = cli("queue", "--json").json["machine"]
    # Of the largest flavor that fits, no second one does.
    flavors = [
        f for f in cli("flavor", "list", "--json").json if f["vcpus"] <= machine["vcpus"] and f["ram"] <= machine["memoryMib"]
    ]
    largest = max(flavors, key=lambda f: f["ram"])
    ids = []
    for name in ("holder", "waiter"):
        end = [{"parameterName": "end", "parameterValue": str(tmp_path / "end")}]
        made = daemon.training(trainingName=name, flavorId=largest["id"], entryPoint="wait.py", hyperparameterList=end)
        ids.append(made["trainingId"])
        if name == "holder":
            daemon.await_status(ids[0], "RUNNING")
    try:
        until(lambda: cli("queue", "--json").json["waitingList"], "the queue")
        (waiting,) = until(lambda: [w for w in cli("queue", "--json").json["waitingList"] if w["reason"]], "its reason")
        assert (waiting["id"], waiting["position"], waiting["name"]) == (ids[1], 1, "waiter")
        assert waiting["heldByList"] == [{"kind": "training", "id": ids[0], "name": "holder"}]
        out = cli("queue").out
        assert "holder" in out
        assert f"held by training {ids[0]}" in " ".join(out.split())
        assert "Waits for " in cli("training", "list").out
    finally:
        (tmp_path / "end").touch()
        for training in ids:
            daemon.await_status(training, "COMPLETE")


def test_watching_is_for_people(cli: Cli) -> None:
    assert cli("queue", "--watch", "--json").code == 2


def test_settings_of_gpus_are_checked(fresh: Appliance) -> None:
    flavors = json.dumps([{"name": "x", "vcpus": 1, "memory_gib": 1, "gpus": -1}])
    done = in_this_process(fresh.environment)("config", EASYMAKER_LOCAL_FLAVORS=flavors)
    assert done.code != 0
    assert "gpus" in done.err
