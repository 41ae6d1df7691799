"""Inputs and outputs that fail while the training runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from easymaker_local.testing.appliance import Appliance, until
from tests.faults.fault_jobs import (
    COUNTED,
    FAILS,
    MODEL_BYTES,
    STOPPED,
    SUCCEEDS,
    Kind,
    assert_history,
    assert_nothing_left,
    history,
)

MakeAppliance = Callable[..., Appliance]

READS = """\
import os, time
print("began", flush=True)
while True:
    open(os.environ["EM_DATASET_ROWS"] + "/1.csv").read()
    time.sleep(0.02)
"""
JUNK = "import os; open(os.environ['EASYMAKER_CONTROL_DIR'] + '/failure.json', 'wb').write(b'\\xff{no'); raise SystemExit(125)"


@pytest.fixture
def appliance(make_appliance: MakeAppliance) -> Appliance:
    made = make_appliance(stop_grace_seconds="2")
    made.put("code", {"train.py": COUNTED, "reads.py": READS, "junk.py": JUNK})
    made.start()
    return made


# Lines of a job that is to be met while it runs, also on a slow machine.
LONG = 60


def _spoil_parent(storage: Path) -> None:
    (storage / "models" / "job").write_text("in the way")


def _spoil_container(storage: Path) -> None:
    shutil.rmtree(storage / "models")


@pytest.mark.parametrize("spoil", [_spoil_parent, _spoil_container], ids=["parent", "container"])
def test_model_that_cannot_be_stored(appliance: Appliance, spoil: Callable[[Path], None]) -> None:
    """TR-49: never COMPLETE, nothing is lost, and the message says where it is."""
    training = appliance.training(**replace(SUCCEEDS, lines=LONG).body(appliance, "job"))["trainingId"]
    until(lambda: "line 1" in appliance.log(training), "its first lines")
    spoil(appliance.home / "storage")
    ended = appliance.await_status(training)
    assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == ("FAIL_TRAIN", "OUTPUT_NOT_STORED")
    assert history(appliance, training)[-3:] == ["COMPLETE_IN_PROGRESS", "FAIL_TRAIN_IN_PROGRESS", "FAIL_TRAIN"]
    kept = appliance.home / "work" / "training" / training / "node-0"
    assert (kept / "model" / "model.bin").stat().st_size == MODEL_BYTES
    assert (kept / "checkpoint" / "runs").exists()
    assert str(kept) in ended["statusReason"]["message"]
    assert_nothing_left(appliance)


@pytest.mark.parametrize(("kind", "reason"), [(FAILS, "EXIT_CODE"), (STOPPED, "STOPPED_BY_USER")], ids=["fails", "stopped"])
def test_checkpoints_that_cannot_be_stored(appliance: Appliance, kind: Kind, reason: str) -> None:
    """The first reason stays, what could not be stored is told beside it."""
    training = appliance.training(**replace(kind, lines=max(kind.lines, LONG)).body(appliance, "job"))["trainingId"]
    until(lambda: "line 1" in appliance.log(training), "its first lines")
    _spoil_parent(appliance.home / "storage")
    if kind.is_stopped:
        appliance.call("PUT", f"/trainings/{training}/stop")
    ended = appliance.await_status(training)
    assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == (kind.status, reason)
    kept = appliance.home / "work" / "training" / training / "node-0"
    assert str(kept) in ended["statusReason"]["message"]
    assert (kept / "checkpoint" / "runs").exists()
    assert_history(appliance, training)
    assert_nothing_left(appliance)


def test_model_is_stored_beside_what_lies_there(appliance: Appliance) -> None:
    """Files of the same name are replaced, others stay, as in object storage."""
    appliance.put("models", {"job/model/model.bin": "old", "job/model/notes.txt": "mine"})
    training = appliance.training(**SUCCEEDS.body(appliance, "job"))["trainingId"]
    appliance.await_status(training, "COMPLETE")
    model = appliance.home / "storage/models/job/model"
    assert {path.name: path.stat().st_size for path in model.iterdir()} == {"model.bin": MODEL_BYTES, "notes.txt": 4}


def test_data_deleted_while_it_is_read(appliance: Appliance) -> None:
    """GN-11."""
    appliance.put("data", {"rows/1.csv": "1"})
    rows = {"datasetName": "rows", "dataUri": appliance.uri("data", "rows")}
    training = appliance.training(entryPoint="reads.py", datasetList=[rows])["trainingId"]
    until(lambda: "began" in appliance.log(training), "its first line")
    shutil.rmtree(appliance.home / "storage" / "data")
    ended = appliance.await_status(training)
    assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == ("FAIL_TRAIN", "EXIT_CODE")
    assert "FileNotFoundError" in appliance.log(training)
    assert_nothing_left(appliance)


def test_junk_where_the_launcher_reports(appliance: Appliance) -> None:
    """A job may write what it likes into the folders that it is given; its training ends all the same."""
    training = appliance.training(entryPoint="junk.py")["trainingId"]
    ended = appliance.await_status(training)
    assert (ended["trainingStatusCode"], ended["statusReason"]["code"]) == ("FAIL_TRAIN", "EXIT_CODE")
    assert_nothing_left(appliance)
