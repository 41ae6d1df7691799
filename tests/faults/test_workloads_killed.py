"""Workloads end in ways that nobody asked for, or refuse to end: the training tells the true reason and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.faults.fault_jobs import (
    COUNTED,
    assert_history,
    assert_nothing_left,
    containers,
    files_below,
    install_id,
    marked_processes,
)

MakeAppliance = Callable[..., Appliance]

LONG = {"hyperparameterList": [{"parameterName": "lines", "parameterValue": 100_000}]}

STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(600)\n"
SAVES = """\
import os, signal, sys, time
def save(*_):
    print("saving", flush=True)
    with open(os.environ["EM_CHECKPOINT_DIR"] + "/last.ckpt", "w") as file:
        file.write("state at the end")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
os.makedirs(os.environ["EM_CHECKPOINT_DIR"] + "/early")
with open(os.environ["EM_CHECKPOINT_DIR"] + "/early/1.ckpt", "w") as file:
    file.write("state at the beginning")
print("ready", flush=True)
time.sleep(600)
"""
FORKS = """\
import subprocess, sys
for _ in range(3):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("left three behind", flush=True)
"""
FULL = "held = []\nwhile True: held.append(bytearray(b'x' * (8 << 20)))\n"
LOUD = "import sys\nblock = b'x' * (1 << 20)\nfor _ in range(200): sys.stdout.buffer.write(block)\n"


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    made = make_appliance(stop_grace_seconds="1", flavors=json.dumps([{"name": "small", "vcpus": 1, "memory_gib": 1}]))
    jobs = {"stubborn": STUBBORN, "saves": SAVES, "forks": FORKS, "full": FULL, "loud": LOUD}
    made.put("code", {"train.py": COUNTED, **{f"{name}.py": text for name, text in jobs.items()}})
    made.start()
    return made


def _await_line(appliance: Appliance, training: dict[str, Any], line: str) -> None:
    until(lambda: line in appliance.log(training["trainingId"]), f"the line {line!r}")


def _ended(appliance: Appliance, training: dict[str, Any], status: str, reason: str | None) -> dict[str, Any]:
    ended = appliance.await_status(training["trainingId"])
    found = ended["statusReason"]
    assert (ended["trainingStatusCode"], found and found["code"]) == (status, reason), ended
    assert_history(appliance, training["trainingId"])
    assert_nothing_left(appliance)
    return ended


def _container(appliance: Appliance) -> Any:
    client = docker.from_env()
    [name] = containers(install_id(appliance))
    return client.containers.get(name), client


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_supervisor_is_killed(appliance: Appliance) -> None:
    training = appliance.training(**LONG)
    _await_line(appliance, training, "line 3")
    [record] = (appliance.home / "workloads" / install_id(appliance)).rglob("supervisor.json")
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    ended = _ended(appliance, training, "FAIL_TRAIN", "WORKLOAD_LOST")
    assert "supervisor was killed from outside" in ended["statusReason"]["message"]


@pytest.mark.parametrize("driver_name", ["process"], indirect=True)
def test_job_is_killed(appliance: Appliance) -> None:
    """TO-05: killed, and not for lack of memory."""
    training = appliance.training(**LONG)
    _await_line(appliance, training, "line 3")
    for pid in marked_processes(install_id(appliance)):
        os.kill(pid, signal.SIGKILL)
    ended = _ended(appliance, training, "FAIL_TRAIN", "KILLED_BY_SIGNAL")
    assert "signal 9" in ended["statusReason"]["message"]


@pytest.mark.docker
@pytest.mark.parametrize("driver_name", ["docker"], indirect=True)
@pytest.mark.parametrize(
    ("verb", "is_alive", "reason"),
    [
        ("kill", True, "KILLED_BY_SIGNAL"), ("kill", False, "KILLED_BY_SIGNAL"), ("remove", False, "WORKLOAD_LOST"),
        # The engine kills before it removes: the daemon may look in between, and either answer is true.
        ("remove", True, "KILLED_BY_SIGNAL or WORKLOAD_LOST"),
    ],
)  # fmt: skip
def test_container_is_killed_or_removed(appliance: Appliance, verb: str, is_alive: bool, reason: str) -> None:
    training = appliance.training(**LONG, checkPointUploadUri=appliance.uri("models", "checkpoint"))
    _await_line(appliance, training, "line 3")
    if not is_alive:
        appliance.kill()
    container, client = _container(appliance)
    container.kill() if verb == "kill" else container.remove(force=True)
    client.close()
    if not is_alive:
        appliance.start()
    ended = appliance.await_status(training["trainingId"], "FAIL_TRAIN")["statusReason"]
    assert ended["code"] in reason.split(" or ")
    assert {"KILLED_BY_SIGNAL": "signal 9", "WORKLOAD_LOST": "vanished"}[ended["code"]] in ended["message"]
    assert_history(appliance, training["trainingId"])
    assert_nothing_left(appliance)
    stored = appliance.home / "storage/models/checkpoint"
    assert list(files_below(stored)) == ["runs"], "TR-30: what was written is brought out"


def test_one_node_of_a_gang_is_lost(appliance: Appliance) -> None:
    """DT-06: the others are stopped, and the training fails for the first one's reason."""
    training = appliance.training(**LONG, instanceCount=2)
    until(lambda: "line 3" in appliance.log(training["trainingId"], 1), "the line of node 1")
    name = f"training-{training['trainingId']}-1-node-1"
    if appliance.driver == "docker":
        client = docker.from_env()
        client.containers.get(f"easymaker-{install_id(appliance)}-{name}").kill()
        client.close()
    else:
        for pid in marked_processes(f"{install_id(appliance)}"):
            if name.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)
    ended = _ended(appliance, training, "FAIL_TRAIN", "KILLED_BY_SIGNAL")
    assert ended["statusReason"]["message"].startswith("Node 1: ")


def test_stubborn_job_is_killed_after_the_grace(appliance: Appliance) -> None:
    """TR-L05, TR-50."""
    training = appliance.training(entryPoint="stubborn.py")
    _await_line(appliance, training, "ready")
    assert appliance.call("PUT", f"/trainings/{training['trainingId']}/stop")["header"]["isSuccessful"]
    _ended(appliance, training, "STOPPED", "STOPPED_BY_USER")


def test_stopped_job_saves_a_checkpoint(appliance: Appliance) -> None:
    """TR-30."""
    training = appliance.training(entryPoint="saves.py", checkPointUploadUri=appliance.uri("models", "checkpoint"))
    _await_line(appliance, training, "ready")
    appliance.call("PUT", f"/trainings/{training['trainingId']}/stop")
    _ended(appliance, training, "STOPPED", "STOPPED_BY_USER")
    stored = appliance.home / "storage/models/checkpoint"
    assert (stored / "last.ckpt").read_text() == "state at the end"
    assert (stored / "early" / "1.ckpt").read_text() == "state at the beginning"
    assert appliance.log(training["trainingId"]).splitlines() == ["ready", "saving"]
    assert not (appliance.home / "storage/models/model").exists(), "a model that was not finished is not stored"


def test_what_a_job_leaves_behind_ends_with_it(appliance: Appliance) -> None:
    training = appliance.training(entryPoint="forks.py")
    _ended(appliance, training, "COMPLETE", None)
    assert appliance.log(training["trainingId"]) == "left three behind\n"


def test_job_that_ends_at_once(appliance: Appliance) -> None:
    """TR-29: its only line and its exit code arrive, however quick it was."""
    appliance.put("code", {"quick.py": "print('only line'); raise SystemExit(3)"})
    trainings = [appliance.training(entryPoint="quick.py", modelUploadUri=appliance.uri("models", f"{n}")) for n in range(5)]
    for training in trainings:
        ended = appliance.await_status(training["trainingId"])
        assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == ("FAIL_TRAIN", "EXIT_CODE")
        assert "exit code 3" in ended["statusReason"]["message"]
        assert appliance.log(training["trainingId"]) == "only line\n"
    assert_nothing_left(appliance)


def test_job_that_fills_its_memory(appliance: Appliance) -> None:
    """TO-05, IT-L02: the reason names memory, because the limit was met and nothing else was."""
    training = appliance.training(entryPoint="full.py", flavorId="small")
    _ended(appliance, training, "FAIL_TRAIN", "OUT_OF_MEMORY")


def test_200_mb_without_a_newline(appliance: Appliance) -> None:
    """Read by offset to the last byte; the daemon's memory does not grow with the log."""
    daemon = psutil.Process(appliance.pid)
    training = appliance.training(entryPoint="loud.py")
    _ended(appliance, training, "COMPLETE", None)
    path, offset, peak, wanted = f"/trainings/{training['trainingId']}/logs", 0, 0, 200 << 20
    before = daemon.memory_info().rss
    with appliance.client() as client:
        while True:
            piece = client.get(path, params={"offset": offset, "limit": 4 << 20}).json()["log"]
            peak = max(peak, daemon.memory_info().rss)
            if piece["isComplete"]:
                break
            assert set(piece["content"]) == {"x"}
            offset = piece["nextOffset"]
        assert offset == wanted
        with client.stream("GET", f"{path}/raw") as raw:
            assert sum(len(block) for block in raw.iter_bytes()) == wanted
    peak = max(peak, daemon.memory_info().rss)
    assert peak - before < 100 << 20, f"{before >> 20} MiB before, {peak >> 20} MiB at most"
