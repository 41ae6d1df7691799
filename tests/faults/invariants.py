"""What must be true whatever was killed when, each looked at from outside: files, database, engine, processes, clients.

``while_dead`` is asked right after a kill: rows stand still then, and what they say is compared with what there is.
``at_the_end`` is asked when everything has ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import httpx

from easymaker_local.testing.appliance import Appliance
from tests.faults.fault_jobs import (
    Kind,
    assert_ended_as,
    assert_nothing_left,
    containers,
    history,
    install_id,
    marked_processes,
    select,
)
from tests.faults.fault_tunings import TuningKind, tuning_ended_as, tunings_while_dead
from tests.swift.conftest import storage_client

K = TypeVar("K")

BOOKED = {"CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "FAIL_TRAIN_IN_PROGRESS"}
OBJECTS = "objects"
# What a client meets whose daemon dies, starts or has a new token: it comes again.
_AWAY = (httpx.TransportError, OSError, ValueError, KeyError)


@dataclass
class Accepted(Generic[K]):
    """What clients asked for and were told: id by label, the labels whose deletion was asked and acknowledged."""

    kinds: dict[str, K] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    deletion_asked: set[str] = field(default_factory=set)


class Uploader:
    """Puts objects one after the other, each third time the same one, and keeps which were acknowledged."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.tried: dict[str, list[bytes]] = {}
        # How many of ``tried`` there were when the last one was acknowledged.
        self.acknowledged: dict[str, int] = {}

    def __enter__(self) -> Uploader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            with contextlib.suppress(*_AWAY), storage_client(self._appliance) as http:
                while not self._ended.is_set():
                    number += 1
                    name = "again" if number % 3 == 0 else f"folder-{number % 4}/{number}"
                    content = f"{number} ".encode() * (1 + number * 7919 % 60_000)
                    tried = self.tried.setdefault(name, [])
                    tried.append(content)
                    answer = http.put(f"/v1/AUTH_local/{OBJECTS}/{name}", content=content)
                    # 503: the gateway goes on while the daemon is away.
                    if answer.status_code in {401, 503}:
                        break
                    assert answer.status_code == 201, answer.text
                    self.acknowledged[name] = len(tried)
                    time.sleep(0.02)
            time.sleep(0.02)

    def allowed(self, name: str) -> list[bytes]:
        """Return the contents that an object may have: the last that was acknowledged, or any that was sent since."""
        known = self.acknowledged.get(name, 0)
        return self.tried[name][max(0, known - 1) :]


class Bystander:
    """An installation of its own, with a job and no daemon, on the same engine and machine."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._install = install_id(appliance)
        self.workloads = self._running()
        self.files = self._fingerprints()
        assert self.workloads

    def _running(self) -> set[object]:
        found: set[object] = set(marked_processes(self._install))
        return found | set(containers(self._install)) if self._appliance.driver == "docker" else found

    def _fingerprints(self) -> Mapping[str, str]:
        return {
            str(path): hashlib.md5(path.read_bytes()).hexdigest()
            for path in sorted(self._appliance.home.rglob("*"))
            if path.is_file() and not path.is_symlink() and "environments" not in path.parts and path.suffix != ".log"
        }

    def check(self, checks: Counter[str]) -> None:
        """Nothing of another install id was touched."""
        checks["another installation is untouched"] += 1
        assert self._running() == self.workloads
        assert self._fingerprints() == self.files


def while_dead(appliance: Appliance, capacity_milli: int, checks: Counter[str]) -> None:
    """Compare rows, ledger and workloads while no daemon lives."""
    present = _workloads(appliance)
    rows = {row["id"]: row for row in select(appliance, "SELECT * FROM trainings")}
    bookings = select(appliance, "SELECT * FROM bookings")
    held: dict[str, set[str]] = {}
    for booking in bookings:
        held.setdefault(booking["resource_id"], set()).add(booking["member"])

    checks["every workload belongs to a row"] += 1
    for name in present:
        _, training_id, _, *role = name.split("-")
        assert training_id in rows, f"{name} belongs to nothing"
        row = rows[training_id]
        assert not row["is_finished"], f"{name} is still there, and its training is {row['status']}"
        assert row["status"] != "CREATE_REQUESTED", name
        assert "-".join(role) in held.get(training_id, set()), f"{name} runs and is not booked"

    checks["the ledger equals what runs"] += 1
    assert set(held) <= set(rows)
    assert sum(booking["cpu_milli"] for booking in bookings) <= capacity_milli
    for training_id, row in rows.items():
        nodes = int(select(appliance, "SELECT json_extract(?, '$.instanceCount')", row["spec"])[0][0])
        everything = {f"node-{node}" for node in range(nodes)}
        if row["status"] in BOOKED:
            assert held.get(training_id) == everything, f"{training_id} is {row['status']} and holds {held.get(training_id)}"
        elif row["is_finished"]:
            assert training_id not in held, f"{training_id} is {row['status']} and holds {held[training_id]}"
        else:
            assert held.get(training_id, everything) == everything, f"{training_id} holds a part of what it needs"
        if row["status"] == "RUNNING":
            gone = {f"training-{training_id}-{row['attempt']}-{member}" for member in everything} - present
            assert not gone, f"{training_id} is RUNNING without {gone}"
    checks["nothing stands twice in the ledger"] += 1
    waiting = {row["resource_id"] for row in select(appliance, "SELECT resource_id FROM queue")}
    assert not waiting & set(held)
    tunings_while_dead(appliance, checks)


def _workloads(appliance: Appliance) -> set[str]:
    install = install_id(appliance)
    if appliance.driver == "docker":
        return {name.removeprefix(f"easymaker-{install}-") for name in containers(install)}
    folder = appliance.home / "workloads" / install / "workloads"
    return {path.name for path in folder.glob("training-*")}


def at_the_end(
    appliance: Appliance, accepted: Accepted[Kind], tunings: Accepted[TuningKind], uploader: Uploader, checks: Counter[str]
) -> None:
    """Look at every training, tuning, line and object."""
    rows = select(appliance, "SELECT * FROM trainings WHERE tuning_id IS NULL")
    accepted_requests_exist_once(accepted, rows, checks)
    for row in rows:
        kind = accepted.kinds[row["name"]]
        checks["a training ended as it had to, by an unbroken history"] += 1
        checks["output lines are there once and in order"] += kind.nodes
        assert_ended_as(appliance, row["id"], kind, row["name"])
        exit_codes_are_those_of_the_jobs(appliance, row, kind, checks)
        if kind.use_log:
            log_store_has_every_line_once(appliance, row["id"], kind, checks)
    rows = select(appliance, "SELECT * FROM tunings")
    accepted_requests_exist_once(tunings, rows, checks)
    tunings_while_dead(appliance, checks)
    for row in rows:
        tuning_ended_as(appliance, row["id"], tunings.kinds[row["name"]], checks)
    acknowledged_objects_are_whole(appliance, uploader, checks)
    checks["nothing runs, is booked or lies about"] += 1
    assert_nothing_left(appliance)
    deletions_are_complete(appliance, accepted, checks)


def accepted_requests_exist_once(accepted: Accepted[K], rows: list[sqlite3.Row], checks: Counter[str]) -> None:
    """One row per request that was answered, one at most per request whose answer was lost."""
    found = Counter(row["name"] for row in rows)
    ids = {row["name"]: row["id"] for row in rows}
    assert set(found) <= set(accepted.kinds)
    for label in accepted.kinds:
        checks["an accepted request exists once"] += 1
        if label in accepted.deletion_asked:
            assert found[label] <= (label not in accepted.deleted), f"{label} was deleted and is there"
        elif label in accepted.ids:
            assert (found[label], ids.get(label)) == (1, accepted.ids[label]), label
        else:
            assert found[label] <= 1, label


def exit_codes_are_those_of_the_jobs(appliance: Appliance, row: sqlite3.Row, kind: Kind, checks: Counter[str]) -> None:
    """What is told of a job's end is what the job itself wrote down before it ended."""
    written = []
    for node in range(kind.nodes):
        places = [appliance.home / "storage" / "models" / row["name"] / "checkpoint" / "exit"] if node == 0 else []
        places.append(appliance.home / "work" / "training" / row["id"] / f"node-{node}" / "checkpoint" / "exit")
        written += [place.read_text() for place in places if place.exists()]
    checks["no exit code is lost or invented"] += 1
    assert row["reason"] != "WORKLOAD_LOST", row["message"]
    told = re.search(r"exit code (\d+)", row["message"] or "")
    if row["status"] == "COMPLETE":
        assert written == ["0"] * kind.nodes, row["id"]
    elif row["status"] == "FAIL_TRAIN":
        assert told is not None
        assert written == [told[1]]
    else:
        assert (row["status"], written, told) == ("STOPPED", [], None)


def log_store_has_every_line_once(appliance: Appliance, training_id: str, kind: Kind, checks: Counter[str]) -> None:
    """Each line of each node, and each status, once and in order."""
    query = """SELECT e.body, s.node FROM entries e JOIN sources s ON s.id = e.source_id
               WHERE s.trainingId = ? ORDER BY e.id"""
    with contextlib.closing(sqlite3.connect(appliance.home / "logs.db", timeout=10)) as db:
        found = db.execute(query, (training_id,)).fetchall()
    for node in range(kind.nodes):
        checks["the log store has every line once and in order"] += 1
        assert [body for body, at in found if at == str(node)] == [f"line {number}" for number in range(kind.lines)]
    told = [match[1] for body, at in found if at is None and (match := re.search(r"\) is ([A-Z_]+)", body))]
    assert told == history(appliance, training_id)


def acknowledged_objects_are_whole(appliance: Appliance, uploader: Uploader, checks: Counter[str]) -> None:
    """Every object that was acknowledged is there with its checksum; one whose answer was lost is whole or absent."""
    with storage_client(appliance) as http:
        listed = set(http.get(f"/v1/AUTH_local/{OBJECTS}").text.split("\n")) - {""}
        assert listed <= set(uploader.tried)
        assert set(uploader.acknowledged) <= listed
        for name in listed:
            checks["an object is whole and the one that was sent"] += 1
            answer = http.get(f"/v1/AUTH_local/{OBJECTS}/{name}")
            assert answer.content in uploader.allowed(name), name
            assert answer.headers["etag"] == hashlib.md5(answer.content).hexdigest()
            assert (appliance.home / "storage" / OBJECTS / name).read_bytes() == answer.content
    checks["no object is half there"] += 1
    assert not list((appliance.home / "storage" / ".easymaker-tmp").glob("*"))


def deletions_are_complete(appliance: Appliance, accepted: Accepted[Kind], checks: Counter[str]) -> None:
    """What was deleted, acknowledged or not, has neither files nor history."""
    names = {row["name"] for row in select(appliance, "SELECT name FROM trainings")}
    for label in accepted.deletion_asked - names:
        checks["what was deleted is gone"] += 1
        for folder in ("work", "logs"):
            assert not (appliance.home / folder / "training" / accepted.ids[label]).exists(), label
        assert history(appliance, accepted.ids[label]) == []
    assert not Path(appliance.home / "trash").exists() or not list((appliance.home / "trash").iterdir())
