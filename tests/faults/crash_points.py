"""The named places at which the fault test kills the daemon, and the daemon that dies there.

The product carries no hooks for this: a daemon is started with its acts and records wrapped from outside. Every wrapped act
has a name; a daemon notes each name that it meets, so a place that the product has and this list lacks fails the test, as
does one that is listed and was never met.
"""

from __future__ import annotations

COMMITS = (
    "training accepted", "stop asked", "deletion", "queue entry", "booking", "CREATE_IN_PROGRESS", "RUNNING",
    "COMPLETE_IN_PROGRESS", "COMPLETE", "FAIL_TRAIN_IN_PROGRESS", "FAIL_TRAIN", "STOP_IN_PROGRESS", "STOPPED",
    "log lines", "log statuses", "end of log lines", "samples", "object row", "access list", "end of sessions",
)  # fmt: skip
"""What a transaction is about. A daemon that dies ``in`` it has done all of its work and not committed."""

ACTS = (
    "driver start", "driver stop", "driver remove", "driver open_network", "driver close_network", "files prepare",
    "files collect", "files clean", "outputs rename", "outputs record", "object temporary", "object rename", "token file",
    "trash",
)  # fmt: skip
DRIVER_ACTS = {
    "process": ("supervisor launch",),
    "docker": ("engine create_container", "engine start", "engine remove_container", "engine create_network"),
}

# Where dying in the middle leaves something else than dying after the act before.
IN_COMMITS = ("training accepted", "booking", "RUNNING", "COMPLETE", "log lines", "object row", "samples")
BEFORE_ACTS = ("driver start", "files collect", "outputs rename", "object rename", "token file", "trash")
BEFORE_DRIVER_ACTS = {"process": ("supervisor launch",), "docker": ("engine start",)}


def known(driver: str) -> tuple[str, ...]:
    """Return the points at which a daemon of this driver is killed."""
    return (
        *(f"after the commit of {name}" for name in COMMITS), *(f"in the commit of {name}" for name in IN_COMMITS),
        *(f"after {name}" for name in (*ACTS, *DRIVER_ACTS[driver]) if name != "outputs rename"),
        *(f"before {name}" for name in (*BEFORE_ACTS, *BEFORE_DRIVER_ACTS[driver])),
    )  # fmt: skip


def names(driver: str) -> set[str]:
    """Return what a daemon of this driver may note as met."""
    return {*COMMITS, *ACTS, *DRIVER_ACTS[driver]}


ARMED = """import functools, os, signal, threading
import docker
from easymaker_local.artifacts import objects as object_files, publish, storage
from easymaker_local.controllers import training_files
from easymaker_local.drivers import docker as docker_driver, process
from easymaker_local.kit import secret_files
from easymaker_local.services.context import Context
from easymaker_local.store import Store, bucket_access, ledger, log_shipping, logs, metrics, objects, sessions, trainings

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

def transaction(store, work):
    local.subject = None
    def watched(db):
        result = work(db)
        if local.subject:
            meet(local.subject)
            point(f"in the commit of {local.subject}")
        return result
    result = transact(store, watched)
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
about(trainings, "want", "stop asked")
about(trainings, "delete", "deletion")
about(trainings, "transition", None)
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

import asyncio, logging
from easymaker_local.daemon import serve
from easymaker_local.settings import load_settings
logging.basicConfig(level=logging.INFO)
asyncio.run(serve(load_settings()))
"""
