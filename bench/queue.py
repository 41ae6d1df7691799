"""The ledger under load: passes over a long queue, and how soon what was freed is used again."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from itertools import pairwise
from pathlib import Path

from easymaker_local.domain.gpu import Gpu, Inventory
from easymaker_local.domain.ledger import Amount, Machine, Waiting, plan
from easymaker_local.store import Store, ledger
from easymaker_local.testing.appliance import Appliance

ENDINGS = 100
MODEL = "NVIDIA A100-SXM4-40GB"
MACHINE = Machine(Amount(128_000, 1 << 20), Inventory(tuple(Gpu(f"GPU-{n}", str(n), MODEL, 40960) for n in range(8))))


def _queue(queued: int) -> list[Waiting]:
    return [
        Waiting(
            "training", f"t{n}", (Amount(4000, 16384, 1 << n % 4),), MODEL, limit_seconds=3600.0 * (1 + n % 24),
            created_at=float(n),
        )
        for n in range(queued)
    ]  # fmt: skip


def seconds_per_pass(queued: int) -> float:
    """Return the median time of a pass, without any database: a running job ends, the queue is served."""
    waiting, now, times = _queue(queued), 0.0, []
    found = plan(waiting, MACHINE, (), now=now, backfill_seconds=600.0)
    for _ in range(ENDINGS):
        now += 60.0
        began = time.perf_counter()
        found = plan(found.waiting, MACHINE, found.booked[1:], now=now, backfill_seconds=600.0)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def seconds_per_stored_pass(store: Store, queued: int) -> float:
    """Return the median time of the transaction that serves the queue in the database."""

    def fill(db: sqlite3.Connection) -> None:
        for request in _queue(queued):
            ledger.enqueue(db, request)

    def end_and_serve(db: sqlite3.Connection, now: float) -> float:
        began = time.perf_counter()
        oldest = ledger.booked(db)[:1]
        for booking in oldest:
            ledger.release(db, booking.kind, booking.resource_id, now)
        ledger.settle(db, {gpu.uuid for gpu in MACHINE.inventory.gpus}, 0.0)
        ledger.admit(db, MACHINE, now=now, backfill_seconds=600.0)
        return time.perf_counter() - began

    async def run() -> float:
        await store.write(fill)
        times = [await store.write(lambda db, n=n: end_and_serve(db, 60.0 * n)) for n in range(ENDINGS)]
        return statistics.median(times)

    return asyncio.run(run())


def open_store(folder: Path) -> Store:
    """Return an empty database."""
    store = Store(folder / "state.db")
    store.open()
    return store


# Each tells when it ran; all of them want the whole machine.
SCRIPT = "import time; print(time.time(), flush=True); time.sleep(0.05); print(time.time(), flush=True)\n"


def seconds_to_next(appliance: Appliance, jobs: int) -> float:
    """Return the median time from the last line of a job to the first of the next one in the queue."""
    appliance.put("code", {"whole.py": SCRIPT})
    machine = appliance.call("GET", "/machine")["machine"]
    flavors = appliance.call("GET", "/flavors")["flavorList"]
    fitting = [f for f in flavors if f["vcpus"] <= machine["vcpus"] and f["ram"] <= machine["memoryMib"]]
    whole = max(fitting, key=lambda f: (f["ram"], f["vcpus"]))["id"]
    ids = [
        appliance.training(trainingName=f"next-{n}", flavorId=whole, entryPoint="whole.py")["trainingId"] for n in range(jobs)
    ]
    spans = []
    for training in ids:
        ended = appliance.await_status(training)
        assert ended["trainingStatusCode"] == "COMPLETE", ended
        first, last = map(float, appliance.log(training).split())
        spans.append((first, last))
    spans.sort()
    return statistics.median(after[0] - before[1] for before, after in pairwise(spans))
