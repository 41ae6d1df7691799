"""The daemon dies while it brings lines into the log store; every line is there once and in order (LG-L01, GN-L02)."""

from __future__ import annotations

import contextlib
import random
import re
import sqlite3
import time
from collections import Counter
from typing import Any

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.conftest import MakeAppliance

NODES = 2
# Bursts and pauses, some lines in two pieces, the last one without its end.
PRINTS = """\
import os, sys, time
end = int(sys.argv[2])
for number in range(end):
    line = f"line {number}" + " filler" * (number % 40)
    if number % 1000 == 7:
        sys.stdout.write(line[:4]); sys.stdout.flush(); time.sleep(0.02); line = line[4:]
    sys.stdout.write(line + ("\\n" if number < end - 1 else ""))
    if number % 500 == 0:
        sys.stdout.flush(); time.sleep(0.03)
"""
LINES = 60_000
KILLS = 12

KILLED_IN_A_WRITE = """
import asyncio, os, random, signal
from easymaker_local.store import Store, logs
from easymaker_local.daemon import serve
from easymaker_local.settings import load_settings

chance = random.Random(int(os.environ["SEED"]))
left = chance.randrange(2, 12)

def maybe(where):
    global left
    left -= where == os.environ["WHERE"]
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

append, advance, transaction = logs.append, logs.advance, Store._transaction

def appended(*arguments):
    append(*arguments); maybe("between lines and position")

def advanced(*arguments):
    advance(*arguments); maybe("before the commit")

def committed(store, work, end):
    result = transaction(store, work, end)
    if "log" in store._path.name:
        maybe("after the commit")
    return result

logs.append, logs.advance, Store._transaction = appended, advanced, committed
asyncio.run(serve(load_settings()))
"""

BRINGS_NOTHING = """
import asyncio
from easymaker_local.controllers.log_ingest import LogIngest
from easymaker_local.daemon import serve
from easymaker_local.settings import load_settings

async def later(self, key):
    return 0.5

LogIngest.reconcile = later
asyncio.run(serve(load_settings()))
"""


def _entries(appliance: Appliance, training_id: str) -> list[sqlite3.Row]:
    query = """SELECT e.id, e.body, s.node FROM entries e JOIN sources s ON s.id = e.source_id
               WHERE s.trainingId = ? ORDER BY e.id"""
    with contextlib.closing(sqlite3.connect(appliance.home / "logs.db", timeout=10)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(query, (training_id,)).fetchall()


def _is_shipped(appliance: Appliance) -> bool:
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db", timeout=10)) as db:
        return not db.execute("SELECT 1 FROM log_shipping").fetchall()


def _check(appliance: Appliance, training_id: str, lines: int) -> None:
    expected = [f"line {number}" + " filler" * (number % 40) for number in range(lines)]
    found = _entries(appliance, training_id)
    for node in range(NODES):
        assert [row["body"] for row in found if row["node"] == str(node)] == expected, f"node {node}"
    statuses = [re.search(r"is ([A-Z_]+)", row["body"]) for row in found if row["node"] is None]
    assert [match[1] for match in statuses if match] == [
        "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "COMPLETE",
    ]  # fmt: skip
    with contextlib.closing(sqlite3.connect(appliance.home / "logs.db")) as db:
        assert db.execute("SELECT COUNT(*) FROM positions").fetchone()[0] == 0
        (first,) = db.execute("SELECT COUNT(*) FROM search WHERE search MATCH '\"line 0\"'").fetchone()
        assert first == NODES, "the index of words agrees with the entries"
        assert db.execute("SELECT SUM(lines) FROM sources").fetchone() == db.execute("SELECT COUNT(*) FROM entries").fetchone()


def _start(appliance: Appliance, lines: int, **body: Any) -> str:
    appliance.put("code", {"prints.py": PRINTS})
    parameters = [{"parameterName": "end", "parameterValue": lines}]
    made = appliance.training(
        entryPoint="prints.py", hyperparameterList=parameters, useLog=True, instanceCount=NODES, **body
    )  # fmt: skip
    return str(made["trainingId"])


def test_every_line_once_and_in_order(make_appliance: MakeAppliance, kills: Counter[str]) -> None:
    appliance = make_appliance()
    appliance.start()
    training_id = _start(appliance, LINES)
    appliance.await_status(training_id, "RUNNING")
    chance = random.Random(20_240_502)
    for _ in range(KILLS):
        # A moment is what is tested here; any will do.
        time.sleep(chance.uniform(0, 0.6))
        appliance.kill()
        kills["while lines are brought in"] += 1
        appliance.start(wait=chance.random() < 0.7)
    appliance.kill()
    appliance.start()
    appliance.await_status(training_id, "COMPLETE")
    until(lambda: _is_shipped(appliance), what="the end of ingest")
    _check(appliance, training_id, LINES)


@pytest.mark.parametrize("where", ["between lines and position", "before the commit", "after the commit"])
def test_killed_around_a_commit(
    make_appliance: MakeAppliance, where: str, kills: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    appliance = make_appliance()
    appliance.start()
    training_id = _start(appliance, LINES // 4)
    monkeypatch.setenv("WHERE", where)
    normal = appliance.command
    for seed in range(4):
        appliance.kill()
        monkeypatch.setenv("SEED", str(seed))
        appliance.command = [normal[0], "-c", KILLED_IN_A_WRITE]
        appliance.start(wait=False)
        # It dies at a write, or everything is brought in and nothing is left to die at.
        until(lambda: appliance.has_ended or _is_shipped(appliance), what="a death")
        kills[where] += appliance.has_ended
    assert kills[where]
    appliance.kill()
    appliance.command = normal
    appliance.start()
    appliance.await_status(training_id, "COMPLETE")
    until(lambda: _is_shipped(appliance), what="the end of ingest")
    _check(appliance, training_id, LINES // 4)


def test_deleted_while_lines_are_missing(make_appliance: MakeAppliance, kills: Counter[str]) -> None:
    """GN-12: a deletion, and a death right after it, lose no line that was not brought in yet."""
    appliance = make_appliance()
    normal = appliance.command
    appliance.command = [normal[0], "-c", BRINGS_NOTHING]
    appliance.start()
    training_id = _start(appliance, 3000)
    appliance.await_status(training_id, "COMPLETE")
    assert appliance.call("DELETE", f"/trainings/{training_id}")["header"]["isSuccessful"]
    appliance.kill()
    kills["after a deletion"] += 1
    assert (appliance.home / "logs" / "training" / training_id).exists()
    appliance.command = normal
    appliance.start()
    until(lambda: _is_shipped(appliance), what="the end of ingest")
    _check(appliance, training_id, 3000)
    for folder in ("logs", "work"):
        until(lambda folder=folder: not (appliance.home / folder / "training" / training_id).exists(), what="the removal")
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db", timeout=10)) as db:
        assert not db.execute("SELECT * FROM events WHERE resource_id = ?", (training_id,)).fetchall()
