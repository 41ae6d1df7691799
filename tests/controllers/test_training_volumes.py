"""Trainings whose data storage is a volume: nothing is lost or held back for it, whatever cannot be mounted or copied."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from easymaker_local.artifacts import volumes
from easymaker_local.artifacts.volumes import Volumes
from easymaker_local.controllers.sweep import sweep_files
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.errors import VolumeError
from easymaker_local.store import ledger
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.volumes import why_not_mountable

pytestmark = pytest.mark.anyio
S = TrainingStatus


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    why_not = why_not_mountable()
    if why_not is not None:
        pytest.skip(f"nothing can be mounted here: {why_not}")
    async with open_bench(tmp_path / "home", enforce_data_storage=True) as made:
        yield made
        made.context.volumes.sweep(known=())


@pytest.fixture
def no_mounts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what lets every mount fail; another call ends that."""
    real = volumes._mount

    def fail(*_: object) -> None:
        raise VolumeError("mount failed: no free loop device")

    def switch() -> None:
        monkeypatch.setattr(volumes, "_mount", fail if volumes._mount is real else real)

    return switch


def is_mounted(bench: Bench, training_id: str) -> bool:
    return (bench.context.work_directory(training_id) / "node-0").is_mount()


async def test_what_is_shown_is_what_holds(bench: Bench) -> None:
    """GN-L10: it never pretends."""
    training = await bench.create(dataStorageSize=1)
    assert training.storage_enforced is None
    training = await bench.pass_(training)
    assert (training.status, training.storage_enforced, is_mounted(bench, training.id)) == (S.RUNNING, True, True)
    bench.node(training, "model/weights").write_text("w")
    bench.driver.end(training.workload(0), 0)
    training = await bench.pass_(training)
    assert (training.status, training.storage_enforced, is_mounted(bench, training.id)) == (S.COMPLETE, True, False)
    assert bench.stored("models/model/weights").read_text() == "w"
    plain = await bench.pass_(await bench.create())
    assert (plain.storage_enforced, is_mounted(bench, plain.id)) == (False, False)


async def test_the_algorithm_is_charged_once(bench: Bench) -> None:
    """GN-23: inputs are seen where they are, the algorithm is copied into the volume."""
    bench.stored("code/library").write_bytes(bytes(600 << 20))
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    assert training.status is S.RUNNING, training.cause


async def test_an_algorithm_for_which_there_is_no_room_says_so(bench: Bench) -> None:
    bench.stored("code/library").write_bytes(bytes(980_000_000))
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    assert training.status is S.CREATE_FAILED
    assert training.cause is not None
    assert training.cause.reason is Reason.STORAGE_FULL
    assert "no room for the algorithm" in training.cause.message


async def test_a_mount_that_fails_fails_the_start(bench: Bench, no_mounts: Callable[[], None]) -> None:
    """TR-46: and nothing is held."""
    assert bench.context.volumes.problem() is None
    no_mounts()
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    assert training.status is S.CREATE_FAILED
    assert training.cause is not None
    assert (training.cause.reason, training.cause.message) == (Reason.START_FAILED, "mount failed: no free loop device")
    assert await bench.context.store.read(ledger.booked) == []


@pytest.mark.parametrize("code", [0, 1])
async def test_what_cannot_be_copied_holds_nothing_back(bench: Bench, code: int) -> None:
    """TR-29, TR-49: a pipe in the model's place is no model; the training ends."""
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    os.mkfifo(bench.node(training, "model/pipe"))
    bench.driver.end(training.workload(0), code)
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert await bench.context.store.read(ledger.booked) == []


async def test_outputs_in_a_volume_that_cannot_be_mounted_are_no_success(bench: Bench, no_mounts: Callable[[], None]) -> None:
    """TR-49: after a restart of the machine; what was written is still there, and whoever can mount it has it again."""
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    bench.node(training, "model/weights").write_text("w")
    bench.driver.end(training.workload(0), 0)
    volumes._unmount(bench.node(training, "."))
    no_mounts()
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert training.cause is not None
    assert training.cause.reason is Reason.OUTPUT_NOT_STORED
    assert "is still in " in training.cause.message
    no_mounts()
    bench.context.volumes.sweep(known={training.id})
    assert bench.node(training, "model/weights").read_text() == "w"
    await bench.services.trainings.delete(training.id)
    assert not bench.context.work_directory(training.id).exists()
    assert list(bench.context.settings.volumes.iterdir()) == []


async def test_outputs_in_a_volume_that_was_unmounted_are_stored(bench: Bench) -> None:
    """GN-L02: a restart of the machine in between."""
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    bench.node(training, "model/weights").write_text("w")
    bench.driver.end(training.workload(0), 0)
    volumes._unmount(bench.node(training, "."))
    training = await bench.pass_(training)
    assert training.status is S.COMPLETE
    assert bench.stored("models/model/weights").read_text() == "w"


async def test_outputs_that_the_disk_below_could_not_take_are_no_success(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """TR-49: writing them had succeeded."""
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    bench.node(training, "model/weights").write_text("w")
    bench.driver.end(training.workload(0), 0)
    monkeypatch.setattr(Volumes, "is_lost", lambda *_: True)
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert training.cause is not None
    assert training.cause.reason is Reason.OUTPUT_NOT_STORED
    assert training.cause.message.endswith("the disk below the data storage is full or broken.")
    assert not bench.stored("models/model").exists()


async def test_a_job_that_fails_with_the_disk_below_is_told_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    bench.driver.end(training.workload(0), 1)
    monkeypatch.setattr(Volumes, "is_lost", lambda *_: True)
    training = await bench.pass_(training)
    assert training.cause is not None
    assert training.cause.reason is Reason.STORAGE_FULL
    assert "The disk below the data storage is full or broken." in training.cause.message


async def test_a_volume_that_cannot_be_unmounted_keeps_its_place_until_it_can(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TR-53: the deletion succeeds, and the next start removes the rest."""
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    with (bench.node(training, "model/weights")).open("wb") as file:
        file.truncate(1 << 30)
    bench.driver.end(training.workload(0), 1)
    training = await bench.pass_(training)
    assert is_mounted(bench, training.id)
    with monkeypatch.context() as patch:
        patch.setattr(volumes, "_unmount", lambda _: (_ for _ in ()).throw(VolumeError("umount failed: busy")))
        await bench.services.trainings.delete(training.id)
    assert is_mounted(bench, training.id)
    await sweep_files(bench.context)
    assert not bench.context.work_directory(training.id).exists()
    assert list(bench.context.settings.volumes.iterdir()) == []
