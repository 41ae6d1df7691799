"""The data storage of a job, enforced by a volume of its size where this machine can (GN-23, GN-L10)."""

from __future__ import annotations

import subprocess

import pytest

from easymaker_local.testing.appliance import Appliance
from easymaker_local.testing.volumes import why_not_mountable

WRITES = """
import json, os, sys
size = int(sys.argv[2])
room = os.statvfs(os.environ["EM_MODEL_DIR"])
print("room", room.f_blocks * room.f_frsize)
with open(os.path.join(os.environ["EM_MODEL_DIR"], "weights"), "wb") as file:
    for _ in range(size):
        file.write(bytes(1 << 20))
print("written")
"""


@pytest.fixture(autouse=True)
def _volumes() -> None:
    why_not = why_not_mountable()
    if why_not is not None:
        pytest.skip(f"sizes are watched here, not enforced: {why_not}")


def run(appliance: Appliance, name: str, mebibytes: int) -> str:
    """Run a training that writes so much; returns its id."""
    appliance.put("code", {"writes/train.py": WRITES})
    return str(
        appliance.training(
            trainingName=name, sourceDirUri=appliance.uri("code", "writes"), modelUploadUri=appliance.uri("models", name),
            dataStorageSize=1, hyperparameterList=[{"parameterName": "size", "parameterValue": str(mebibytes)}],
        )["trainingId"]
    )  # fmt: skip


def test_a_job_sees_a_disk_of_its_size_and_stores_what_it_wrote(appliance: Appliance) -> None:
    training_id = run(appliance, "fits", 100)
    appliance.complete(training_id, 120)
    assert appliance.shown(training_id)["dataStorageEnforcement"] == "ENFORCED"
    size = int(appliance.log(training_id).split()[1])
    assert 0.8e9 < size < 1e9
    stored = appliance.home / "storage" / "models" / "fits" / "weights"
    assert stored.stat().st_size == 100 << 20
    runs = appliance.call("GET", f"/trainings/{training_id}/runs")["runList"]
    assert runs[0]["command"], "how it was started is still known"
    _nothing_is_left(appliance)


def test_a_job_cannot_write_more_and_is_told_why_it_failed(appliance: Appliance) -> None:
    training_id = run(appliance, "larger", 1200)
    ended = appliance.await_status(training_id)
    assert ended["trainingStatusCode"] == "FAIL_TRAIN"
    assert ended["statusReason"]["code"] == "STORAGE_FULL"
    assert "The data storage of 1 GB is full." in ended["statusReason"]["message"]
    assert "No space left on device" in appliance.log(training_id)
    # What it wrote was no model: it goes with the training.
    assert appliance.call("DELETE", f"/trainings/{training_id}")["header"]["isSuccessful"]
    _nothing_is_left(appliance)


def test_without_a_size_there_is_no_volume(appliance: Appliance) -> None:
    appliance.put("code", {"plain/train.py": "print('hello')\n"})
    training = appliance.training(trainingName="plain", sourceDirUri=appliance.uri("code", "plain"))
    appliance.complete(training["trainingId"], 120)
    assert appliance.shown(training["trainingId"])["dataStorageEnforcement"] == "WATCHED"
    _nothing_is_left(appliance)


def _nothing_is_left(appliance: Appliance) -> None:
    mounts = subprocess.run(["findmnt", "-rno", "TARGET"], capture_output=True, text=True, check=True).stdout
    assert str(appliance.home) not in mounts
    assert list((appliance.home / "volumes").glob("*")) == []
