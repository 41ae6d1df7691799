"""What the driver's library tells becomes devices, and its troubles become reasons."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from easymaker_local.drivers import gpus
from easymaker_local.drivers.gpus import Gpus
from easymaker_local.testing.gpus import (
    A100,
    DRIVER_NOT_LOADED,
    L4,
    LOST,
    UNKNOWN_ERROR,
    VERSION_MISMATCH,
    StubDriver,
    StubGpu,
)

pytestmark = pytest.mark.anyio

ONE, TWO = StubGpu("GPU-1"), StubGpu("GPU-2", L4, 23034)


@pytest.fixture
async def inventory(here: StubDriver) -> AsyncIterator[Gpus]:
    made = Gpus()
    yield made
    made.close()


async def test_devices_with_their_models_and_memory(here: StubDriver, inventory: Gpus) -> None:
    here.tell([ONE, TWO])
    found = await inventory.look()
    assert found.error is None
    assert [(g.uuid, g.index, g.model, g.memory_mib, g.is_idle) for g in found.gpus] == [
        ("GPU-1", "0", A100, 40960, True), ("GPU-2", "1", L4, 23034, True),
    ]  # fmt: skip
    assert inventory.last == found


async def test_how_busy_they_are(here: StubDriver, inventory: Gpus) -> None:
    """GN-L09; a driver that does not tell is no trouble."""
    here.tell([StubGpu("GPU-1", busy_percent=75), StubGpu("GPU-2", busy_percent=0), StubGpu("GPU-3")])
    assert [gpu.utilization for gpu in (await inventory.look()).gpus] == [0.75, 0.0, None]


async def test_processes_that_compute_are_seen_and_a_desktop_is_none(here: StubDriver, inventory: Gpus) -> None:
    """Architecture 6: what others use is not free."""
    pid = os.getpid()
    here.tell(
        [StubGpu("GPU-1", used_mib=900, processes=((pid, 800),)), StubGpu("GPU-2", used_mib=2500, drawing=((pid, 2000),))]
    )
    used, desktop = (await inventory.look()).gpus
    (process,) = used.processes
    assert (process.pid, process.memory_mib) == (pid, 800)
    assert process.name in sys.executable or process.name.startswith(("py", "python"))
    assert used.obstacle == f"GPU 0 (GPU-1) is used by pid {pid} ({process.name}), which is not ours."
    assert (desktop.is_idle, desktop.used_mib) == (True, 2500)


async def test_memory_that_no_process_explains(here: StubDriver, inventory: Gpus) -> None:
    here.tell([StubGpu("GPU-1", used_mib=1024), StubGpu("GPU-2", used_mib=3072)])
    idle, used = (await inventory.look()).gpus
    assert idle.is_idle
    assert used.obstacle == "GPU 1 (GPU-2) has 3.0 GiB in use by something that cannot be seen."


async def test_instances_of_a_split_device_stand_for_it(here: StubDriver, inventory: Gpus) -> None:
    slices = [StubGpu(f"MIG-{n}", f"{A100} MIG 1g.5gb", 4864, parent="GPU-1") for n in range(2)]
    here.tell([ONE, *slices, TWO])
    found = (await inventory.look()).gpus
    assert [(g.uuid, g.index, g.is_mig) for g in found] == [
        ("MIG-0", "0:0", True),
        ("MIG-1", "0:1", True),
        ("GPU-2", "1", False),
    ]


async def test_a_lost_device_is_unavailable_until_it_is_back(here: StubDriver, inventory: Gpus) -> None:
    here.tell([ONE, TWO])
    await inventory.look()
    here.change("GPU-1", lost=LOST)
    lost, fine = (await inventory.look()).gpus
    assert (lost.uuid, lost.obstacle) == ("GPU-1", "GPU 0 (GPU-1) is not available: GPU is lost.")
    assert fine.is_idle
    here.change("GPU-1", lost=None)
    assert all(gpu.is_idle for gpu in (await inventory.look()).gpus)


async def test_a_device_that_is_no_longer_listed_stays_with_its_reason(here: StubDriver, inventory: Gpus) -> None:
    here.tell([ONE, TWO])
    await inventory.look()
    here.tell([TWO])
    states = {gpu.uuid: gpu.unavailable for gpu in (await inventory.look()).gpus}
    assert states["GPU-2"] is None
    assert "no longer lists it" in (states["GPU-1"] or "")


@pytest.mark.parametrize(
    ("code", "words"),
    [(VERSION_MISMATCH, "version mismatch"), (DRIVER_NOT_LOADED, "Driver Not Loaded"), (UNKNOWN_ERROR, "Unknown")],
)
async def test_a_driver_that_fails_is_a_reason_and_is_asked_again(
    here: StubDriver, inventory: Gpus, code: int, words: str
) -> None:
    here.tell([ONE], f"error {code}")
    first = await inventory.look()
    assert (first.gpus, words in (first.error or "")) == ((), True)
    here.tell()
    assert [gpu.is_idle for gpu in (await inventory.look()).gpus] == [True]
    here.tell(None, f"error {code}")
    broken = await inventory.look()
    assert words in (broken.error or "")
    assert [gpu.is_idle for gpu in broken.gpus] == [False]


async def test_a_driver_that_hangs_does_not_hang_the_queue(
    here: StubDriver, inventory: Gpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.tell([ONE])
    await inventory.look()
    monkeypatch.setattr(gpus, "_ANSWER_SECONDS", 0.05)
    here.tell(None, "hang 1")
    silent = await inventory.look()
    assert silent.error == "the driver does not answer"
    assert [gpu.unavailable for gpu in silent.gpus] == [silent.error]
    here.tell()
    monkeypatch.setattr(gpus, "_ANSWER_SECONDS", 60)
    await inventory.look()
    assert (await inventory.look()).gpus[0].is_idle


def test_without_the_library_nothing_is_loaded() -> None:
    """No GPU costs nothing: no error, and the binding is not even imported."""
    code = (
        "import sys; from easymaker_local.drivers import gpus; gpus.LIBRARY = 'libnone.so.1'; found = gpus.Gpus().read();"
        "assert found.gpus == () and found.error is None, found; assert 'pynvml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_a_device_that_is_lost_from_the_start_is_shown(here: StubDriver, inventory: Gpus) -> None:
    here.tell([StubGpu("GPU-1", lost=LOST), TWO])
    lost, _ = (await inventory.look()).gpus
    assert (lost.index, lost.unavailable) == ("0", "GPU is lost")
    here.change("GPU-1", lost=None)
    assert [gpu.uuid for gpu in (await inventory.look()).gpus] == ["GPU-1", "GPU-2"]
