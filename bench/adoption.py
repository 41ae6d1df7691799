"""A daemon that was killed finds what it had started: what runs on, and what ended while it was away."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.row import Row
from easymaker_local.testing.appliance import Appliance, plain_image, until

_BUDGET_SECONDS = 2.0
_WAITS = """\
import os, pathlib, time
end = pathlib.Path(os.environ["EM_DATASET_END"], "now")
while not end.exists():
    time.sleep(0.2)
"""

# The machine is thought larger than it is, so that as many jobs run on it; they only sleep.
_ROOMY = """\
from easymaker_local import daemon
from easymaker_local.cli import main
from easymaker_local.domain.ledger import Amount
daemon.capacity_of = lambda settings: Amount(1_000_000, 1_000_000)
main()
"""


def rows(home: Path, driver: str, jobs: int, environments: Path | None = None) -> list[Row]:
    """Kill a daemon with so many jobs and start it again, twice; ``environments`` of another home save building them."""
    plain_image(home)
    if environments is not None:
        (home / "environments").symlink_to(environments)
    # A daemon takes a sample when it starts and then not for an hour: samples of the jobs are the second daemon's.
    appliance = Appliance(home, driver, sample_seconds="3600")
    appliance.command = [sys.executable, "-c", _ROOMY, "serve"]
    end = home / "storage" / "end"
    (home / "storage" / "models").mkdir(parents=True)
    end.mkdir()
    appliance.put("code", {"train.py": "", "wait.py": _WAITS})
    try:
        appliance.start()
        appliance.await_status(appliance.training()["trainingId"])  # prepares the environment
        ids = _started(appliance, jobs)
        name = f"adopt {jobs} ({driver})"
        ready, seen = _seen_again(appliance, ids)
        over = _ended_meanwhile(appliance, ids, end)
    finally:
        (end / "now").touch()
        appliance.discard()
    return [
        Row(f"{name}: ready", ready, None, "s", "≤ 2 s", ready <= _BUDGET_SECONDS),
        Row(f"{name}: ready → all seen", seen, None, "s", "≤ 2 s", seen <= _BUDGET_SECONDS),
        Row(f"{name}: ready → all ended collected", over, None, "s", "≤ 2 s", over <= _BUDGET_SECONDS),
    ]


def _started(appliance: Appliance, jobs: int) -> set[str]:
    body = {"entryPoint": "wait.py", "datasetList": [{"datasetName": "end", "dataUri": appliance.uri("end")}]}
    ids = {str(appliance.training(**body)["trainingId"]) for _ in range(jobs)}
    until(lambda: _count(appliance, "RUNNING") == jobs, "the start of all jobs", 600)
    return ids


def _seen_again(appliance: Appliance, ids: set[str]) -> tuple[float, float]:
    """Return seconds from the start of the daemon to its first answer, and from there until it has seen every job."""
    appliance.kill()
    began = time.perf_counter()
    appliance.start()
    ready = time.perf_counter() - began
    with appliance.client() as client:

        def are_seen() -> bool:
            current = client.get("/monitoring/current").json()["currentList"]
            return ids <= {one["resourceId"] for one in current}

        until(are_seen, "a look at all jobs", 60)
    seen = time.perf_counter() - began - ready
    assert _count(appliance, "RUNNING") == len(ids), "a job was lost"
    return ready, seen


def _ended_meanwhile(appliance: Appliance, ids: set[str], end: Path) -> float:
    """Return seconds from the daemon's first answer until all that ended without it are COMPLETE, their outputs stored."""
    appliance.kill()
    (end / "now").touch()
    time.sleep(2.0)  # nobody is there who could tell that they have ended; each looks five times a second
    appliance.start()
    began = time.perf_counter()
    until(lambda: _count(appliance, "COMPLETE") == len(ids) + 1, "the end of all jobs", 300)
    return time.perf_counter() - began


def _count(appliance: Appliance, status: str) -> int:
    return len(appliance.call("GET", "/trainings", params={"trainingStatusCodeList": status})["trainingList"])
