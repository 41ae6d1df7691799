"""State that somebody has spoilt: what can be used is used, what cannot is shown and left alone, and doctor finds it."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.cli.checks import check_disk
from easymaker_local.cli.state_checks import check_databases, check_leftovers, check_records, check_workloads
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import Appliance, until
from tests.cli.cli_runner import in_this_process
from tests.faults.fault_jobs import (
    COUNTED,
    FAILS,
    INSTANT,
    LOGGED,
    SUCCEEDS,
    Kind,
    assert_ended_as,
    assert_nothing_left,
    install_id,
    marked_processes,
    select,
)
from tests.swift.conftest import storage_client

MakeAppliance = Callable[..., Appliance]

LONG = Kind("long", "STOPPED", lines=100_000, is_stopped=True)
# So that nobody waits ten seconds for a lock that will not go away.
IMPATIENT = """import sys
from easymaker_local.cli import main
from easymaker_local.store import database
database._BUSY_SECONDS = 1.0
sys.argv = ["easymaker-local", "serve"]
main()
"""


@pytest.fixture(params=["process"])
def driver_name(request: pytest.FixtureRequest) -> str:
    """What is spoilt here is the same for all drivers."""
    return str(request.param)


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    made = make_appliance(stop_grace_seconds="1", resync_seconds="1")
    made.put("code", {"train.py": COUNTED})
    made.command = [sys.executable, "-c", IMPATIENT]
    made.start()
    return made


def post(appliance: Appliance, kind: Kind, label: str) -> str:
    return str(appliance.training(**kind.body(appliance, label))["trainingId"])


def spoil(appliance: Appliance, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(appliance.home / "state.db")) as db:
        changed = db.execute(statement, values).rowcount
        db.commit()
    assert changed == 1


def diagnosis(appliance: Appliance, check: str) -> tuple[str, str]:
    """Ask one of doctor's checks; all of them together take seconds."""
    settings = Settings(home=appliance.home, driver=appliance.driver, port=appliance.port)
    found = {"disk": check_disk, "databases": check_databases, "records": check_records, "workloads": check_workloads,
             "leftovers": check_leftovers}[check](settings)  # fmt: skip
    return found.level, found.message


def is_shipped(appliance: Appliance) -> bool:
    return not select(appliance, "SELECT * FROM log_shipping")


SPOILT = [
    ("UPDATE trainings SET spec = '{secret' WHERE id = ?", "Invalid JSON"),
    ("UPDATE trainings SET status = 'DREAMING' WHERE id = ?", "'DREAMING' is not a valid TrainingStatus"),
    ("UPDATE trainings SET flavor = '[]' WHERE id = ?", "Flavor"),
    ("UPDATE trainings SET reason = 'MOOD', message = '' WHERE id = ?", "'MOOD' is not a valid Reason"),
]


@pytest.mark.parametrize(("statement", "words"), SPOILT, ids=["spec", "status", "flavor", "reason"])
def test_a_broken_row_is_quarantined(appliance: Appliance, statement: str, words: str) -> None:
    """GN-L02: it is shown with what is wrong, what it runs goes on, all others are as ever."""
    broken = post(appliance, LONG, "broken")
    until(lambda: "line 1" in appliance.log(broken), what="its first lines")
    ended = post(appliance, INSTANT, "ended")
    appliance.await_status(ended, "COMPLETE")
    appliance.kill()
    spoil(appliance, statement, broken)
    appliance.start()

    shown = {row["trainingId"]: row for row in appliance.call("GET", "/trainings")["trainingList"]}
    assert (shown[ended]["trainingStatusCode"], shown[broken]["trainingStatusCode"]) == ("COMPLETE", "BROKEN")
    assert appliance.shown(broken) == shown[broken]
    assert shown[broken]["statusReason"]["code"] == "BROKEN_RECORD"
    assert words in shown[broken]["statusReason"]["message"]
    assert "secret" not in shown[broken]["statusReason"]["message"], "what stands in the row is not repeated"
    refused = appliance.call("PUT", f"/trainings/{broken}/stop")
    assert (refused["header"]["resultCode"], refused["errorCode"]) == (409, "BROKEN_RECORD")
    later = post(appliance, SUCCEEDS, "later")
    appliance.await_status(later)
    assert_ended_as(appliance, later, SUCCEEDS, "later")
    level, message = diagnosis(appliance, "records")
    assert level == "problem"
    assert broken in message
    assert words in message
    assert diagnosis(appliance, "workloads")[0] == "ok"
    for command in ("list", f"show {broken}"):
        assert "BROKEN" in in_this_process(appliance.environment)("training", *command.split()).out
    assert len(select(appliance, "SELECT * FROM bookings")) == 1
    assert marked_processes(install_id(appliance)), "its job goes on"
    log = appliance.home / "logs" / "training" / broken / "node-0.log"
    size = log.stat().st_size
    until(lambda: log.stat().st_size > size, what="more output")

    assert appliance.call("DELETE", f"/trainings/{broken}")["header"]["isSuccessful"]
    assert [row["trainingId"] for row in appliance.call("GET", "/trainings")["trainingList"]] == [later, ended]
    assert_nothing_left(appliance)
    assert diagnosis(appliance, "records")[0] == "ok"


SPOILT_MODELS = [
    ("UPDATE models SET spec = '{secret' WHERE id = ?", "Invalid JSON"),
    ("UPDATE models SET status = 'DREAMING' WHERE id = ?", "'DREAMING' is not a valid ModelStatus"),
    ("UPDATE models SET format = 'CARVED' WHERE id = ?", "'CARVED' is not a valid ModelFormat"),
]


@pytest.mark.parametrize(("statement", "words"), SPOILT_MODELS, ids=["spec", "status", "format"])
def test_a_broken_model_is_quarantined(appliance: Appliance, statement: str, words: str) -> None:
    """GN-L02, MD-19: shown with what is wrong, and nothing but its deletion is possible; others are as ever."""
    appliance.put("models", {"python/predict.py": ""})
    broken, whole = appliance.model(modelName="broken"), appliance.model(modelName="whole")
    appliance.kill()
    spoil(appliance, statement, broken["modelId"])
    half = appliance.home / "models" / ".easymaker-half"
    half.mkdir(parents=True)
    assert str(half) in diagnosis(appliance, "leftovers")[1]
    appliance.start()
    assert not half.exists()
    shown = {row["modelId"]: row for row in appliance.call("GET", "/models")["modelList"]}
    assert shown[whole["modelId"]] == whole
    found = shown[broken["modelId"]]
    assert (found["modelStatusCode"], found["statusReason"]["code"]) == ("BROKEN", "BROKEN_RECORD")
    assert words in found["statusReason"]["message"]
    assert "secret" not in found["statusReason"]["message"], "what stands in the row is not repeated"
    refused = appliance.call("PATCH", f"/models/{broken['modelId']}", json={"description": "x"})
    assert refused["errorCode"] == "BROKEN_RECORD"
    level, message = diagnosis(appliance, "records")
    assert (level, broken["modelId"] in message) == ("problem", True)
    for command in ("list", f"show {broken['modelId']}"):
        assert "BROKEN" in in_this_process(appliance.environment)("model", *command.split()).out
    assert appliance.call("DELETE", f"/models/{broken['modelId']}")["header"]["isSuccessful"]
    assert diagnosis(appliance, "records")[0] == "ok"


def test_a_broken_experiment_is_shown_and_can_be_deleted(appliance: Appliance) -> None:
    good, broken = appliance.experiment(), appliance.experiment("broken")
    appliance.kill()
    spoil(appliance, "UPDATE experiments SET status = 'DREAMING' WHERE id = ?", broken)
    appliance.start()
    shown = {row["experimentId"]: row for row in appliance.call("GET", "/experiments")["experimentList"]}
    assert (shown[good]["experimentStatusCode"], shown[broken]["experimentStatusCode"]) == ("ACTIVE", "BROKEN")
    assert "'DREAMING' is no status" in shown[broken]["statusMessage"]
    assert broken in diagnosis(appliance, "records")[1]
    assert appliance.call("DELETE", f"/experiments/{broken}")["header"]["isSuccessful"]
    assert diagnosis(appliance, "records")[0] == "ok"


def test_a_broken_place_in_the_queue_is_taken_anew(make_appliance: MakeAppliance) -> None:
    made = make_appliance(
        cpu_overcommit=f"{1 / len(os.sched_getaffinity(0)) + 1e-6}", resync_seconds="1", stop_grace_seconds="1"
    )
    made.put("code", {"train.py": COUNTED})
    made.start()
    first, second = post(made, LONG, "first"), post(made, SUCCEEDS, "second")
    until(lambda: select(made, "SELECT * FROM queue WHERE resource_id = ?", second), what="the queue")
    made.kill()
    spoil(made, "UPDATE queue SET members = 'zzz'")
    assert second in diagnosis(made, "records")[1]
    made.start()
    made.await_status(first, "RUNNING")  # while it is created it cannot be stopped
    assert made.call("PUT", f"/trainings/{first}/stop")["header"]["isSuccessful"]
    made.await_status(second)
    assert_ended_as(made, second, SUCCEEDS, "second")
    assert_nothing_left(made)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no database": lambda _: b"this is somebody's letter\n" * 400,
    "pages overwritten": lambda content: content[:4096] + b"\xa5" * (len(content) - 4096),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_databases_that_can_be_made_again(appliance: Appliance, damage: str) -> None:
    """The log store is filled again, monitoring begins anew, objects are whole; the daemon starts and says so."""
    logged = post(appliance, LOGGED, "logged")
    appliance.await_status(logged, "COMPLETE")
    with storage_client(appliance) as http:
        assert http.put("/v1/AUTH_local/models/object", content=b"content").status_code == 201
    until(lambda: is_shipped(appliance), what="the end of ingest")
    appliance.stop()
    for name in ("logs.db", "metrics.db", "objects.db", "statistics.db"):
        file = appliance.home / name
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    level, message = diagnosis(appliance, "databases")
    assert level == "warning"
    assert all(name in message for name in ("logs.db", "metrics.db", "objects.db", "statistics.db"))
    appliance.start()
    until(lambda: is_shipped(appliance), what="the end of ingest")
    with contextlib.closing(sqlite3.connect(appliance.home / "logs.db")) as db:
        query = (
            "SELECT body FROM entries e JOIN sources s ON s.id = e.source_id WHERE trainingId = ? AND node = ? ORDER BY e.id"
        )
        for node in range(LOGGED.nodes):
            found = [row[0] for row in db.execute(query, (logged, str(node)))]
            assert found == [f"line {number}" for number in range(LOGGED.lines)]
    with storage_client(appliance) as http:
        assert http.get("/v1/AUTH_local/models/object").content == b"content"
    assert appliance.call("GET", "/machine")["header"]["isSuccessful"]
    said = (appliance.home / "serve.log").read_text()
    for name in ("logs.db", "metrics.db", "objects.db", "statistics.db"):
        assert f"It is put aside as {name}.broken." in said
    level, message = diagnosis(appliance, "databases")
    assert level == "warning"
    assert "logs.db was damaged and put aside" in message


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield


def test_a_database_that_somebody_locks_meanwhile(appliance: Appliance) -> None:
    """Requests are refused with the reason, jobs and controllers wait, and nothing is lost."""
    fails = replace(FAILS, lines=100)
    ends = post(appliance, fails, "ends")
    until(lambda: "line 1" in appliance.log(ends), what="its first lines")
    body = {"experimentName": "refused"}
    with locked(appliance.home / "state.db"):
        until(lambda: f"line {fails.lines - 1}" in appliance.log(ends), what="its last line")
        refused: Any = appliance.call("POST", "/experiments", json=body)
        assert (refused["header"]["resultCode"], refused["errorCode"]) == (500, "DATABASE_UNAVAILABLE")
        assert "locked by another program" in refused["header"]["resultMessage"]
        assert appliance.shown(ends)["trainingStatusCode"] == "RUNNING", "reading goes on"
        level, message = diagnosis(appliance, "databases")
        assert (level, "locked" in message) == ("problem", True)
        until(lambda: "Trying again" in (appliance.home / "serve.log").read_text(), what="a pass in vain")
    assert appliance.call("POST", "/experiments", json=body)["header"]["isSuccessful"]
    appliance.await_status(ends)
    assert_ended_as(appliance, ends, fails, "ends")
    assert_nothing_left(appliance)
    assert "Traceback" not in (appliance.home / "serve.log").read_text()


def test_the_index_of_objects_is_locked(appliance: Appliance) -> None:
    """A client that is told to come again does so; what it reads meanwhile is never a half."""
    with storage_client(appliance) as http:
        assert http.put("/v1/AUTH_local/models/object", content=b"old").status_code == 201
        with locked(appliance.home / "objects.db"):
            refused = http.put("/v1/AUTH_local/models/object", content=b"new")
            assert refused.status_code == 503
            assert "locked by another program" in refused.text
            assert http.get("/v1/AUTH_local/models/object").content in {b"old", b"new"}
        assert http.put("/v1/AUTH_local/models/object", content=b"new").status_code == 201
        assert http.get("/v1/AUTH_local/models/object").content == b"new"


def test_strays_and_leftovers_are_diagnosed(appliance: Appliance) -> None:
    """Workloads without a row, files without one, half an upload: found while no daemon works, gone when it has started."""
    stray = post(appliance, LONG, "stray")
    until(lambda: "line 1" in appliance.log(stray), what="its first lines")
    appliance.kill()
    assert diagnosis(appliance, "workloads")[0] == diagnosis(appliance, "leftovers")[0] == "ok"
    spoil(appliance, "DELETE FROM trainings WHERE id = ?", stray)
    spoil(appliance, "DELETE FROM bookings WHERE resource_id = ?", stray)
    upload = appliance.home / "storage" / ".easymaker-tmp" / ".easymaker-1"
    upload.parent.mkdir(exist_ok=True)
    upload.write_text("half")
    level, message = diagnosis(appliance, "workloads")
    assert level == "warning"
    assert f"training-{stray}-1-node-0" in message
    level, message = diagnosis(appliance, "leftovers")
    assert level == "warning"
    assert str(upload) in message
    said = {row["check"]: row["level"] for row in in_this_process(appliance.environment)("doctor", "--json").json}
    assert {said[check] for check in ("workloads", "leftovers")} == {"warning"}
    assert {said[check] for check in ("databases", "records")} == {"ok"}
    appliance.start()
    until(lambda: not marked_processes(install_id(appliance)), what="the sweep")
    appliance.stop()
    assert diagnosis(appliance, "workloads")[0] == diagnosis(appliance, "leftovers")[0] == "ok"


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Path]:
    """A home on a file system of 24 MiB."""
    folder = tmp_path / "home"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=False).returncode:
        pytest.skip("no file system can be mounted here: that needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no block free."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for block in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * block):
                    pass
    return filler


@pytest.mark.parametrize("driver_name", ["process", pytest.param("docker", marks=pytest.mark.docker)], indirect=True)
def test_the_disk_of_the_home_is_full(small_home: Path, appliance: Appliance) -> None:
    """Jobs end with the reason, requests are refused with it, and all that was accepted goes on once there is space."""
    # They print into a page that they have; the model needs room, and a volume would tell of the disk below it only later.
    plain = replace(SUCCEEDS, data_storage_gb=None)
    job, quiet = post(appliance, replace(plain, lines=60), "job"), Kind("quiet", "COMPLETE", lines=1)
    until(lambda: "line 1" in appliance.log(job), what="its first lines")
    filler = fill(small_home)
    accepted: list[tuple[str, str]] = []

    def refusal() -> str | None:
        label = f"late-{len(accepted)}"
        body = {
            "trainingName": label, "experimentId": appliance.experiment(), "imageId": "plain", "flavorId": "m2.c1m2",
            "sourceDirUri": appliance.uri("code"), "entryPoint": "train.py", "timeoutMinutes": 60,
            **quiet.body(appliance, label),
        }  # fmt: skip
        answer: Any = appliance.call("POST", "/trainings", json=body)
        if answer["header"]["isSuccessful"]:
            accepted.append((label, answer["training"]["trainingId"]))
            return None
        assert answer["errorCode"] == "DATABASE_UNAVAILABLE", answer
        return str(answer["header"]["resultMessage"])

    assert "its disk is full" in until(refusal, "a refusal")
    level, _ = diagnosis(appliance, "disk")
    assert level == "problem"
    assert appliance.call("GET", "/trainings")["header"]["isSuccessful"]
    until(lambda: "No space left on device" in appliance.log(job), what="the job's own words")
    assert not appliance.has_ended
    assert appliance.shown(job)["trainingStatusCode"] == "RUNNING", "its end can be kept nowhere yet"
    filler.unlink()
    ended = appliance.await_status(job)
    assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == ("FAIL_TRAIN", "EXIT_CODE")
    assert "exit code 1" in ended["statusReason"]["message"]
    for label, training in accepted:
        ended = appliance.await_status(training)
        if ended["trainingStatusCode"] == "COMPLETE":
            assert_ended_as(appliance, training, quiet, label)
        else:
            assert re.search("space|full", ended["statusReason"]["message"]), ended
    after = post(appliance, plain, "after")
    appliance.await_status(after)
    assert_ended_as(appliance, after, plain, "after")
    assert_nothing_left(appliance)
