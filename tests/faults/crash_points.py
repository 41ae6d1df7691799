"""The named places at which the fault test kills the daemon, and the daemon that dies there.

The product carries no hooks for this: a daemon is started with its acts and records wrapped from outside. Every wrapped act
has a name; a daemon notes each name that it meets, so a place that the product has and this list lacks fails the test, as
does one that is listed and was never met.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.volumes import why_not_mountable

COMMITS = (
    "training accepted", "stop asked", "deletion", "queue entry", "booking", "CREATE_IN_PROGRESS", "RUNNING",
    "COMPLETE_IN_PROGRESS", "COMPLETE", "FAIL_TRAIN_IN_PROGRESS", "FAIL_TRAIN", "STOP_IN_PROGRESS", "STOPPED",
    "log lines", "log statuses", "end of log lines", "samples", "object row", "access list", "end of sessions",
)  # fmt: skip
"""What a transaction is about. A daemon that dies ``in`` it has done all of its work and not committed."""

TUNING_COMMITS = (
    "tuning accepted", "tuning stop asked", "tuning deletion", "trial made", "trial settled", "trial asked to end",
    "metric values", "tuning CREATE_IN_PROGRESS", "tuning RUNNING", "tuning COMPLETE_IN_PROGRESS", "tuning COMPLETE",
    "tuning FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS", "tuning FAIL_HYPERPARAMETER_TUNING", "tuning STOP_IN_PROGRESS",
    "tuning STOPPED",
)  # fmt: skip

MODEL_COMMITS = (
    "model accepted", "model CREATE_IN_PROGRESS", "model ACTIVE", "model CREATE_FAILED", "model DELETE_IN_PROGRESS",
    "model deletion",
)  # fmt: skip

ACTS = (
    "driver start", "driver stop", "driver remove", "driver open_network", "driver close_network", "files prepare",
    "files collect", "files clean", "outputs rename", "outputs record", "object temporary", "object rename", "token file",
    "trash", "volume settle", "volume drop",
)  # fmt: skip
VOLUME_ACTS = ("volume made", "volume mount", "volume unmount")
"""Only where this machine lets volumes be mounted."""
DRIVER_ACTS = {
    "process": ("supervisor launch",),
    "docker": ("engine create_container", "engine start", "engine remove_container", "engine create_network"),
}

# Where dying in the middle leaves something else than dying after the act before.
IN_COMMITS = ("training accepted", "booking", "RUNNING", "COMPLETE", "log lines", "object row", "samples")
IN_TUNING_COMMITS = ("trial made", "trial settled", "trial asked to end", "metric values")
# A tuning starts nothing itself: what its records are worth does not depend on the driver, which is asked at some of them.
TUNING_POINTS = {
    "process": (
        *(f"after the commit of {name}" for name in TUNING_COMMITS),
        *(f"in the commit of {name}" for name in IN_TUNING_COMMITS),
    ),
    "docker": (
        "after the commit of trial made", "in the commit of metric values", "after the commit of tuning STOPPED",
        "after the commit of tuning FAIL_HYPERPARAMETER_TUNING", "after the commit of tuning deletion",
    ),
}  # fmt: skip
# What is examined is no business of a driver's, but a commit costs little more than a start.
MODEL_POINTS = (*(f"after the commit of {name}" for name in MODEL_COMMITS), "in the commit of model ACTIVE")
BEFORE_ACTS = ("driver start", "files collect", "outputs rename", "object rename", "token file", "trash")
BEFORE_DRIVER_ACTS = {"process": ("supervisor launch",), "docker": ("engine start",)}


def known(driver: str) -> tuple[str, ...]:
    """Return the points at which a daemon of this driver is killed."""
    return (
        *(f"after the commit of {name}" for name in COMMITS), *(f"in the commit of {name}" for name in IN_COMMITS),
        *(f"after {name}" for name in (*ACTS, *DRIVER_ACTS[driver]) if name != "outputs rename"),
        *(f"before {name}" for name in (*BEFORE_ACTS, *BEFORE_DRIVER_ACTS[driver])), *TUNING_POINTS[driver], *MODEL_POINTS,
        *(f"after {name}" for name in VOLUME_ACTS if why_not_mountable() is None),
    )  # fmt: skip


def names(driver: str) -> set[str]:
    """Return what a daemon of this driver may note as met."""
    return {
        *COMMITS,
        *TUNING_COMMITS,
        *MODEL_COMMITS,
        *ACTS,
        *DRIVER_ACTS[driver],
        *(VOLUME_ACTS if why_not_mountable() is None else ()),
    }


def start_armed(appliance: Appliance, point: str, met: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a daemon that dies at a point, and notes in ``met`` what it comes to; it may die before it answers."""
    with monkeypatch.context() as patch:
        patch.setenv("KILL_AT", point)
        patch.setenv("MET", str(met))
        patch.setattr(appliance, "command", [sys.executable, "-c", ARMED])
        try:
            appliance.start()
        except AssertionError as error:
            assert "ended with -9" in str(error), error


ARMED = """import functools, os, signal, threading
import docker
from easymaker_local.artifacts import objects as object_files, publish, storage, volumes
from easymaker_local.controllers import training_files
from easymaker_local.drivers import docker as docker_driver, process
from easymaker_local.kit import secret_files
from easymaker_local.services.context import Context
from easymaker_local.store import (
    Store, bucket_access, ledger, log_shipping, logs, metric_points, metrics, models, objects, sessions, trainings, trials,
    tunings,
)

wanted, notes = os.environ["KILL_AT"], os.open(os.environ["MET"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
met, local = set(), threading.local()

def meet(name):
    if name not in met:
        met.add(name)
        os.write(notes, name.encode() + b"\\n")

def point(moment):
    if moment == wanted:
        os.kill(os.getpid(), signal.SIGKILL)

def around(owner, call, name):
    original = getattr(owner, call)
    @functools.wraps(original)
    def synchronous(*arguments, **keywords):
        meet(name)
        point(f"before {name}")
        result = original(*arguments, **keywords)
        point(f"after {name}")
        return result
    @functools.wraps(original)
    async def asynchronous(*arguments, **keywords):
        meet(name)
        point(f"before {name}")
        result = await original(*arguments, **keywords)
        point(f"after {name}")
        return result
    setattr(owner, call, asynchronous if original.__code__.co_flags & 0x80 else synchronous)

transact = Store._transaction

def transaction(store, work, end):
    local.subject = None
    def watched(db):
        result = work(db)
        if local.subject:
            meet(local.subject)
            point(f"in the commit of {local.subject}")
        return result
    result = transact(store, watched, end)
    point(f"after the commit of {local.subject}")
    return result

Store._transaction = transaction

def about(owner, call, name, applies=lambda result: True):
    original = getattr(owner, call)
    @functools.wraps(original)
    def noted(*arguments, **keywords):
        result = original(*arguments, **keywords)
        if applies(result):
            local.subject = str(keywords["to"]) if name is None else name
        return result
    setattr(owner, call, noted)

about(trainings, "add", "training accepted")
# Of a trial by its tuning: that it was asked for is recorded before.
about(trainings, "want", "stop asked", lambda _: local.subject is None)
about(trainings, "delete", "deletion")
about(trainings, "transition", None)
about(tunings, "add", "tuning accepted")
about(tunings, "want", "tuning stop asked")
about(tunings, "delete", "tuning deletion")
about(trials, "add", "trial made")
about(trials, "transition", "trial settled")
about(trials, "end", "trial asked to end")
about(metric_points, "add", "metric values")
go_on = tunings.transition

def went_on(db, tuning, decision, **keywords):
    go_on(db, tuning, decision, **keywords)
    local.subject = f"tuning {decision.to}"

tunings.transition = went_on
about(models, "add", "model accepted")
about(models, "delete", "model deletion")

def moving(call):
    move = getattr(models, call)
    def moved(db, model, to, *arguments, **keywords):
        move(db, model, to, *arguments, **keywords)
        local.subject = f"model {to}"
    setattr(models, call, moved)

moving("transition")
moving("settle")
about(ledger, "enqueue", "queue entry", bool)
about(ledger, "admit", "booking", lambda plan: plan.grants)
# Of their own name each: statuses always come first, and the first is where a daemon dies.
append = logs.append

def appended(db, entries, now):
    append(db, entries, now)
    if entries:
        local.subject = "log statuses" if entries[0].source.node is None else "log lines"

logs.append = appended
about(log_shipping, "end", "end of log lines")
about(metrics, "add", "samples")
about(objects, "put", "object row")
about(bucket_access, "put", "access list")
about(sessions, "end_all", "end of sessions")

for driver in (process.ProcessDriver, docker_driver.DockerDriver):
    for verb in ("start", "stop", "remove", "open_network", "close_network"):
        around(driver, verb, f"driver {verb}")
around(process, "launch", "supervisor launch")
for call in ("create_container", "start", "remove_container", "create_network"):
    around(docker.APIClient, call, f"engine {call}")
for step in ("prepare", "collect", "clean"):
    around(training_files.TrainingFiles, step, f"files {step}")

def step(name):
    meet(f"outputs {name}") if name in ("rename",) else None
    point(f"before outputs {name}")

move = publish.publish
training_files.publish = lambda *arguments, **keywords: move(*arguments, **keywords, step=step)
around(publish, "_save", "outputs record")
around(object_files.ObjectFiles, "begin", "object temporary")
around(storage.Upload, "finish", "object rename")
around(secret_files, "write_atomically", "token file")
around(Context, "discard", "trash")
around(volumes.Volumes, "_make", "volume made")
around(volumes, "_mount", "volume mount")
around(volumes, "_unmount", "volume unmount")
around(volumes.Volumes, "settle", "volume settle")
around(volumes.Volumes, "drop", "volume drop")

import asyncio, logging
from easymaker_local.daemon import serve
from easymaker_local.settings import load_settings
logging.basicConfig(level=logging.INFO)
asyncio.run(serve(load_settings()))
"""
