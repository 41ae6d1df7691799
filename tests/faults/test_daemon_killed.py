"""The daemon dies with SIGKILL, again and again, and everything ends as if nothing had happened (architecture 7, GN-L02).

Under one mixed load, of trainings and tunings of every kind, a queue, and objects being uploaded, it is killed at every named
point (see ``crash_points.py``) and at random moments. In between and at the end ``invariants.py`` looks at what is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.faults import crash_points, invariants
from tests.faults.fault_jobs import (
    COUNTED,
    FAILS,
    GANG,
    INSTANT,
    KINDS,
    LOGGED,
    STOPPED,
    SUCCEEDS,
    Kind,
    history,
    select,
)
from tests.faults.fault_models import Models
from tests.faults.fault_tunings import (
    GIVES_UP,
    GOAL,
    LIMITED,
    STOPPED_TUNING,
    TRIAL,
    TUNING_KINDS,
    TuningKind,
    tuning_is_gone,
)
from tests.faults.invariants import Accepted, Bystander, Uploader

MakeAppliance = Callable[..., Appliance]

# Fewer than the load wants: something always waits.
VCPUS = 3
RANDOM_KILLS = 8
SEED = 20_240_501

# What leads to a point soonest; everything else meets it sooner or later.
LEADS_TO: dict[str, Kind | TuningKind] = {
    "driver open_network": GANG, "driver close_network": GANG, "engine create_network": GANG, "log lines": LOGGED,
    "end of log lines": LOGGED, "FAIL_TRAIN_IN_PROGRESS": FAILS, "FAIL_TRAIN": FAILS, "files collect": SUCCEEDS,
    "stop asked": STOPPED, "STOP_IN_PROGRESS": STOPPED, "STOPPED": STOPPED, "driver stop": STOPPED,
    **dict.fromkeys((*crash_points.VOLUME_ACTS, "volume settle"), SUCCEEDS),
    **dict.fromkeys(crash_points.TUNING_COMMITS, LIMITED),
    "trial asked to end": GOAL, "tuning FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS": GIVES_UP,
    "tuning FAIL_HYPERPARAMETER_TUNING": GIVES_UP, "tuning stop asked": STOPPED_TUNING,
    "tuning STOP_IN_PROGRESS": STOPPED_TUNING, "tuning STOPPED": STOPPED_TUNING,
}  # fmt: skip


class Load:
    """A client that asks for all sorts of things and is calm when the daemon dies before it answers."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self.accepted = Accepted[Kind]()
        self.tunings = Accepted[TuningKind]()
        self.models = Models(appliance)
        self.trials_of_deleted: dict[str, list[str]] = {}
        self._experiment = appliance.experiment()

    def post(self, kind: Kind | TuningKind) -> None:
        """Ask for a training or a tuning."""
        label = f"{kind.name}-{len(self.accepted.kinds) + len(self.tunings.kinds)}"
        body = {**kind.body(self.appliance, label), "experimentId": self._experiment}
        if isinstance(kind, TuningKind):
            self.tunings.kinds[label] = kind
            with _calm():
                self.tunings.ids[label] = self.appliance.tuning(**body)["hyperparameterTuningId"]
        else:
            self.accepted.kinds[label] = kind
            with _calm():
                self.accepted.ids[label] = self.appliance.training(**body)["trainingId"]

    def keep_busy(self, kind: Kind | TuningKind | None = None) -> None:
        """Ask for more if little is left to do: of ``kind``, or of that of which fewest were accepted."""
        self.stop()
        asked = self.accepted.kinds | self.tunings.kinds
        unfinished = select(
            self.appliance,
            """SELECT name FROM trainings WHERE is_finished = 0 AND tuning_id IS NULL
               UNION SELECT name FROM tunings WHERE is_finished = 0""",
        )
        kinds = [asked[row["name"]] for row in unfinished]
        if len(kinds) < 4 or (kind is not None and kind not in kinds):
            counts = Counter(kind.name for kind in asked.values())
            self.post(kind or min((*KINDS, *TUNING_KINDS), key=lambda kind: counts[kind.name]))

    def stop(self) -> None:
        """Stop what is to be stopped and runs."""
        asked = self.accepted.kinds | self.tunings.kinds
        for table, path in (("trainings", "trainings"), ("tunings", "hyperparameter-tunings")):
            for row in select(self.appliance, f"SELECT * FROM {table} WHERE status = 'RUNNING' AND desired = 'RUN'"):
                # Trials are none of those that were asked for.
                if row["name"] in asked and asked[row["name"]].is_stopped:
                    with _calm():
                        self.appliance.call("PUT", f"/{path}/{row['id']}/stop")

    def delete(self) -> None:
        """Delete the oldest that has succeeded and has no logs to be looked at."""
        query = "SELECT id, name FROM trainings WHERE status = 'COMPLETE' AND name LIKE 'instant%' ORDER BY created_at LIMIT 1"
        for row in select(self.appliance, query):
            self.accepted.deletion_asked.add(row["name"])
            self.accepted.ids[row["name"]] = row["id"]
            with _calm():
                if self.appliance.call("DELETE", f"/trainings/{row['id']}")["header"]["isSuccessful"]:
                    self.accepted.deleted.add(row["name"])

    def delete_tuning(self) -> None:
        """Delete the oldest tuning of a kind that has ended."""
        query = (
            "SELECT id, name FROM tunings WHERE status = 'COMPLETE' AND name LIKE 'tuning-limited%' ORDER BY created_at LIMIT 1"
        )
        for row in select(self.appliance, query):
            trials = select(self.appliance, "SELECT id FROM trials WHERE tuning_id = ?", row["id"])
            self.trials_of_deleted.setdefault(row["id"], [trial["id"] for trial in trials])
            self.tunings.deletion_asked.add(row["name"])
            self.tunings.ids[row["name"]] = row["id"]
            with _calm():
                if self.appliance.call("DELETE", f"/hyperparameter-tunings/{row['id']}")["header"]["isSuccessful"]:
                    self.tunings.deleted.add(row["name"])

    def change_access(self) -> None:
        """Say what is so already."""
        with _calm():
            self.appliance.call("PUT", "/storage/containers/models/access", json={"read": True, "write": True})

    def rotate(self) -> None:
        """Ask for another token."""
        with _calm():
            self.appliance.call("PUT", "/system/token")

    def lead_to(self, point: str) -> None:
        """Do what brings the daemon to a point."""
        name = point.partition("commit of ")[2] or point.partition(" ")[2]
        match name:
            case "token file" | "end of sessions":
                self.rotate()
            case "access list":
                self.change_access()
            case "deletion" | "trash" | "volume drop":
                self.delete()
                self.keep_busy(INSTANT)
            case "tuning deletion":
                self.delete_tuning()
                self.keep_busy(LIMITED)
            case name if name in crash_points.MODEL_COMMITS:
                self.models.lead_to(name)
            case _:
                self.keep_busy(LEADS_TO.get(name))

    def await_all(self) -> None:
        """Wait for the end of all, and until the log store has everything."""

        def ended() -> bool:
            self.stop()
            left = """SELECT id FROM trainings WHERE is_finished = 0 UNION SELECT id FROM tunings WHERE is_finished = 0
                      UNION SELECT resource_id FROM log_shipping"""
            return not select(self.appliance, left)

        until(ended, "the end of all trainings and tunings")
        self.models.await_all()


def _calm() -> contextlib.AbstractContextManager[None]:
    return contextlib.suppress(httpx.TransportError, json.JSONDecodeError)


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    overcommit = VCPUS / len(os.sched_getaffinity(0)) + 1e-6
    made = make_appliance(stop_grace_seconds="5", cpu_overcommit=f"{overcommit}", resync_seconds="2")
    made.put("code", {"train.py": COUNTED, "trial.py": TRIAL})
    (made.home / "storage" / invariants.OBJECTS).mkdir()
    made.start()  # the environment is prepared, tables are made: from here on the load is what happens
    return made


@pytest.fixture
def bystander(make_appliance: MakeAppliance) -> Bystander:
    """Another installation whose daemon does not run and whose job does."""
    made = make_appliance("bystander")
    made.put("code", {"train.py": COUNTED})
    made.start()
    training = made.training(**STOPPED.body(made, "bystander"))["trainingId"]
    until(lambda: "line 3" in made.log(training), "its first lines")
    made.kill()
    return Bystander(made)


# A daemon that dies between accepting an upload's connection and shaking hands resets it. CPython 3.11's ssl then raises out of
# SSLSocket._create and leaves the socket that nobody else knows to the collector: not ours to close.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_killed_at_every_named_point_and_at_random(
    appliance: Appliance, bystander: Bystander, monkeypatch: pytest.MonkeyPatch, kills: Counter[str], checks: Counter[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    load, met = Load(appliance), tmp_path / "met"
    with Uploader(appliance) as uploader:
        appliance.kill()
        for point in crash_points.known(appliance.driver):
            crash_points.start_armed(appliance, point, met, monkeypatch)

            def died(point: str = point) -> bool:
                if not appliance.has_ended:
                    load.lead_to(point)
                return appliance.has_ended

            until(died, f"the death {point}")
            kills[point] += 1
            invariants.while_dead(appliance, VCPUS * 1000, checks)
        _kill_at_random(load, kills, checks)
        appliance.start()
        load.await_all()
    _check_points(appliance.driver, set(met.read_text().split("\n")) - {""}, kills)
    invariants.at_the_end(appliance, load.accepted, load.tunings, uploader, checks)
    load.models.at_the_end(checks)
    left = {row["id"] for row in select(appliance, "SELECT id FROM tunings")}
    for tuning_id in load.trials_of_deleted.keys() - left:
        checks["what was deleted is gone"] += 1
        tuning_is_gone(appliance, tuning_id, load.trials_of_deleted[tuning_id])
    bystander.check(checks)
    ways = {tuple(history(appliance, row["id"])) for row in select(appliance, "SELECT id FROM trainings")}
    assert {way[-1] for way in ways} == {"COMPLETE", "FAIL_TRAIN", "STOPPED"}


def _kill_at_random(load: Load, kills: Counter[str], checks: Counter[str]) -> None:
    appliance, chance = load.appliance, random.Random(SEED)
    for number in range(RANDOM_KILLS):
        if number == RANDOM_KILLS - 1:
            appliance.start()
            load.delete()
            appliance.kill()
            kills["after a deletion"] += 1
        # A moment is what is tested here; any will do, and the next run of the same seed takes the same.
        appliance.start(wait=number % 3 != 0)
        moment = "while it starts" if number % 3 == 0 else "at a random moment"
        deadline = time.monotonic() + chance.uniform(0, 1.0)
        while time.monotonic() < deadline:
            if number % 3:
                load.keep_busy()
            time.sleep(0.02)
        appliance.kill()
        kills[moment] += 1
        invariants.while_dead(appliance, VCPUS * 1000, checks)


def _check_points(driver: str, met: set[str], kills: Counter[str]) -> None:
    assert met - crash_points.names(driver) == set(), "acts and records that no point is named after"
    assert crash_points.names(driver) - met == set(), "points that the load never comes to"
    assert [point for point in crash_points.known(driver) if not kills[point]] == []
