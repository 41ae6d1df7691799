"""What the fault tests share: jobs whose every act can be counted afterwards, and the look from outside at what is left."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import docker

from easymaker_local.domain.training import TRANSITIONS, TrainingStatus
from easymaker_local.testing.appliance import Appliance

MODEL_BYTES = 300_000

# Numbered lines, one checkpoint file that counts the runs, a model whose content can be told from half of it, and the code
# with which it is about to end: whatever is told of it later is compared with that.
COUNTED = f"""\
import argparse, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lines", type=int, default=20)
parser.add_argument("--pause", type=float, default=0.05)
parser.add_argument("--code", type=int, default=0)
options = parser.parse_args()
with open(os.environ["EM_CHECKPOINT_DIR"] + "/runs", "a") as runs:
    runs.write(f"{{os.getpid()}}\\n")
for number in range(options.lines):
    print(f"line {{number}}", flush=True)
    time.sleep(options.pause)
with open(os.environ["EM_MODEL_DIR"] + "/model.bin", "wb") as model:
    model.write(b"m" * {MODEL_BYTES})
with open(os.environ["EM_CHECKPOINT_DIR"] + "/exit", "w") as ended:
    ended.write(str(options.code))
sys.exit(options.code)
"""


@dataclass(frozen=True)
class Kind:
    """A training to be posted, and how it has to end whatever happens to the daemon."""

    name: str
    status: str
    reason: str | None = None
    lines: int = 20
    code: int = 0
    nodes: int = 1
    is_stopped: bool = False
    use_log: bool = False
    data_storage_gb: int | None = None

    def body(self, appliance: Appliance, label: str) -> dict[str, object]:
        """Return what is to be posted; ``label`` makes name and places unique."""
        return {
            "trainingName": label,
            "instanceCount": self.nodes,
            "useLog": self.use_log,
            "dataStorageSize": self.data_storage_gb,
            "modelUploadUri": appliance.uri("models", f"{label}/model"),
            "checkPointUploadUri": appliance.uri("models", f"{label}/checkpoint"),
            "hyperparameterList": [
                {"parameterName": "lines", "parameterValue": self.lines},
                {"parameterName": "code", "parameterValue": self.code},
            ],
        }


SUCCEEDS = Kind("succeeds", "COMPLETE", data_storage_gb=1)
FAILS = Kind("fails", "FAIL_TRAIN", "EXIT_CODE", lines=12, code=3)
STOPPED = Kind("stopped", "STOPPED", "STOPPED_BY_USER", lines=100_000, is_stopped=True)
GANG = Kind("gang", "COMPLETE", lines=16, nodes=2, data_storage_gb=2)
INSTANT = Kind("instant", "COMPLETE", lines=1)
LOGGED = Kind("logged", "COMPLETE", lines=30, nodes=2, use_log=True)
KINDS = (SUCCEEDS, FAILS, STOPPED, GANG, INSTANT, LOGGED)


def select(appliance: Appliance, query: str, *values: object) -> list[sqlite3.Row]:
    """Read the database from outside, also while no daemon lives."""
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db", timeout=10)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(query, values).fetchall()


def install_id(appliance: Appliance) -> str:
    """Return the id by which everything of this installation is known outside."""
    return str(select(appliance, "SELECT value FROM installation WHERE key = 'id'")[0]["value"])


def history(appliance: Appliance, resource_id: str, kind: str = "training") -> list[str]:
    """Return the statuses that a training or something else went through, as its events tell."""
    query = "SELECT status FROM events WHERE kind = ? AND resource_id = ? AND type = 'STATUS' ORDER BY id"
    return [row["status"] for row in select(appliance, query, kind, resource_id)]


def files_below(folder: Path) -> dict[str, int]:
    """Return every file below a folder, hidden ones too, with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def marked_processes(install: str) -> list[int]:
    """Return the processes whose environment carries the mark of an installation's workloads."""
    marker = f"EASYMAKER_WORKLOAD={install}/".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(piece.startswith(marker) for piece in (entry / "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
    return found


def containers(install: str) -> list[str]:
    """Return the names of an installation's containers, running or not."""
    client = docker.from_env()
    try:
        labels = {"label": f"easymaker.install={install}"}
        # Not ``client.containers.list``, which looks at each once more: one may be gone by then.
        return [found["Names"][0].removeprefix("/") for found in client.api.containers(all=True, filters=labels)]
    finally:
        client.close()


def networks(install: str) -> list[str]:
    """Return the names of an installation's networks."""
    client = docker.from_env()
    try:
        return [network.name for network in client.networks.list(filters={"label": f"easymaker.install={install}"})]
    finally:
        client.close()


def assert_nothing_left(appliance: Appliance) -> None:
    """Nothing of ended trainings runs, is booked or waits to be removed."""
    install = install_id(appliance)
    assert select(appliance, "SELECT * FROM bookings") == []
    assert marked_processes(install) == []
    records = appliance.home / "workloads" / install
    assert [str(path) for path in records.glob("*/*") if path.name != "lock"] == []
    if appliance.driver == "docker":
        assert containers(install) == []
        assert set(networks(install)) <= {f"easymaker-{install}"}  # the one that trainings without peers share
    assert [str(path) for path in (appliance.home / "storage").rglob(".easymaker-*") if path.is_file()] == []
    assert list((appliance.home / "volumes").glob("*")) == []
    assert str(appliance.home / "work") not in Path("/proc/self/mounts").read_text()
    for training in (appliance.home / "work" / "training").glob("*"):
        left = {path.name for node in training.glob("node-*") for path in node.iterdir()}
        assert not left & {"work", "source", "source.partial"}, training


def assert_history(appliance: Appliance, training_id: str) -> None:
    """TR-48: the events tell one unbroken way through the diagram."""
    way = [TrainingStatus(status) for status in history(appliance, training_id)]
    assert way[0] is TrainingStatus.CREATE_REQUESTED
    for before, after in pairwise(way):
        assert after in TRANSITIONS[before], way
    assert way[-1].is_finished, way


def assert_ended_as(appliance: Appliance, training_id: str, kind: Kind, label: str) -> None:
    """The training ended as if the daemon had lived all the time."""
    shown = appliance.shown(training_id)
    reason = shown["statusReason"]
    assert (shown["trainingStatusCode"], reason and reason["code"]) == (kind.status, kind.reason), shown
    if kind.code:
        assert f"exit code {kind.code}" in reason["message"]
    assert_history(appliance, training_id)
    for node in range(kind.nodes):
        lines = appliance.log(training_id, node).splitlines()
        expected = [f"line {number}" for number in range(len(lines) if kind.is_stopped else kind.lines)]
        assert lines == expected, f"{label} node {node}: every line once and in order"
    outputs = appliance.home / "storage" / "models" / label
    runs = outputs / "checkpoint" / "runs"
    written = runs.read_text() if runs.exists() else ""
    if kind.is_stopped and not written:
        assert appliance.log(training_id) == ""  # stopped before its first line
    else:
        assert re.fullmatch(r"\d+\n", written), f"{label}: exactly one run, not {written!r}"
    model = {"model/model.bin": MODEL_BYTES} if kind.status == "COMPLETE" else {}
    found = files_below(outputs)
    assert {name: size for name, size in found.items() if name not in {"checkpoint/runs", "checkpoint/exit"}} == model


def kill_quietly(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
