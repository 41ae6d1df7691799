"""The daemon dies while it brings the gateway's access log into the log store: every request is there once (LG-L04)."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

from easymaker_local.testing.appliance import Appliance, until
from tests.conftest import MakeAppliance
from tests.domain.test_access_log import line

LINES = 40_000
KILLS = 10


def _write(path: Path) -> None:
    """Write as a gateway does: in bursts, some of which end within a line."""
    with path.open("ab", buffering=0) as file:
        for burst in range(0, LINES, 500):
            data = b"".join(line(id=str(number), path="/x" * (number % 50)) + b"\n" for number in range(burst, burst + 500))
            file.write(data[:-7])
            time.sleep(0.03)
            file.write(data[-7:])


def _found(appliance: Appliance) -> list[str]:
    with contextlib.closing(sqlite3.connect(appliance.home / "logs.db", timeout=10)) as db:
        query = "SELECT inferenceId FROM entries WHERE inferenceId IS NOT NULL ORDER BY id"
        return [row[0] for row in db.execute(query)]


def test_every_request_once_and_in_order(make_appliance: MakeAppliance, kills: Counter[str]) -> None:
    appliance = make_appliance(resync_seconds="0.05")
    path = appliance.home / "logs" / "gateway" / "access.log"
    path.parent.mkdir(parents=True)
    appliance.start()
    writer = threading.Thread(target=_write, args=(path,))
    writer.start()
    chance = random.Random(20_261_129)
    for _ in range(KILLS):
        # A moment is what is tested here; any will do.
        time.sleep(chance.uniform(0, 0.5))
        appliance.kill()
        kills["while requests are brought in"] += 1
        appliance.start(wait=chance.random() < 0.7)
    writer.join()
    appliance.kill()
    appliance.start()
    until(lambda: len(_found(appliance)) >= LINES, what="the last request")
    assert _found(appliance) == [str(number) for number in range(LINES)]
    found = appliance.call("GET", "/logs", params={"query": 'category:"easymaker.inference"', "limit": 1})["logList"]
    assert [entry["inferenceId"] for entry in found] == [str(LINES - 1)]
