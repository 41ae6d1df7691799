"""The GPUs of this machine as NVIDIA's management library (NVML) tells them; the only place that knows it.

No library means no GPUs: found out without loading anything else. All trouble of the driver is an answer, never an exception:
a device that cannot be asked is unavailable with its reason, one that was there and no longer is stays in the list as
unavailable, and a driver that cannot be asked at all makes every known device so.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from easymaker_local.domain.gpu import Gpu, GpuProcess, Inventory

log = logging.getLogger(__name__)

LIBRARY = "libnvidia-ml.so.1"
# A card that fell off its bus can block the driver for good.
_ANSWER_SECONDS = 5.0
_SILENT = "the driver does not answer"
_GONE = "the driver no longer lists it; see dmesg, and restart the machine if it does not come back"


class Gpus:
    """``look`` asks the driver, ``last`` is what it said last. ``idle_mib``: memory that an idle device may show as used."""

    def __init__(self, idle_mib: int = 1024) -> None:
        self._idle_mib = idle_mib
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gpus")
        self._asking: asyncio.Future[Inventory] | None = None
        self._known: dict[str, Gpu] = {}
        self._is_open = False
        self.last = Inventory()

    async def look(self) -> Inventory:
        """Ask the driver about every device. Callers at the same time share an answer; takes a few seconds at most."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().run_in_executor(self._thread, self.read)
        try:
            self.last = await asyncio.wait_for(asyncio.shield(self._asking), _ANSWER_SECONDS)
        except TimeoutError:
            self.last = self._unavailable(_SILENT)
        return self.last

    def read(self) -> Inventory:
        """Ask the driver, blocking."""
        if not self._is_open and not _has_library():
            return self._unavailable(f"{LIBRARY} is gone") if self._known else Inventory()
        import pynvml

        try:
            if not self._is_open:
                pynvml.nvmlInit()
                self._is_open = True
            seen = list(self._devices(pynvml))
        except pynvml.NVMLError as error:
            self._shut(pynvml)
            if isinstance(error, pynvml.NVMLError_LibraryNotFound) and not self._known:
                return Inventory()
            return self._unavailable(str(error))
        except Exception as error:  # whatever it is, jobs without GPUs go on
            log.exception("asking the GPUs' driver failed")
            return self._unavailable(f"asking it failed: {error}")
        found = {gpu.uuid: gpu for gpu in seen}
        missing = [replace(gpu, unavailable=_GONE, processes=(), unseen_mib=0) for gpu in self._known.values()]
        # A new one each time: ``look`` may read the old one meanwhile.
        self._known = {**self._known, **{gpu.uuid: gpu for gpu in seen if gpu.unavailable is None}}
        return Inventory((*seen, *(gpu for gpu in missing if gpu.uuid not in found)))

    def close(self) -> None:
        """Let go of the driver. Does not wait for one that does not answer."""
        self._thread.shutdown(wait=False)

    def _devices(self, nvml: ModuleType) -> Iterator[Gpu]:
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                instances = _instances(nvml, handle)
                if instances is None:
                    yield self._device(nvml, handle, str(index))
                    continue
                for number, instance in instances:
                    yield self._device(nvml, instance, f"{index}:{number}", is_mig=True)
            except nvml.NVMLError as error:
                # By its index, for it cannot say its name: what is known to be there stays in the list.
                known = [gpu for gpu in self._known.values() if gpu.index.split(":")[0] == str(index)]
                for gpu in known or [Gpu(f"unknown-{index}", str(index), "unknown", 0)]:
                    yield replace(gpu, unavailable=str(error), processes=(), unseen_mib=0)

    def _device(self, nvml: ModuleType, handle: Any, index: str, *, is_mig: bool = False) -> Gpu:
        uuid, model = _text(nvml.nvmlDeviceGetUUID(handle)), _text(nvml.nvmlDeviceGetName(handle))
        total, used = _memory(nvml, handle)
        computing = _processes(nvml, "nvmlDeviceGetComputeRunningProcesses", handle)
        # A desktop draws on the GPU and leaves it to jobs all the same; what it takes is explained.
        drawing = _processes(nvml, "nvmlDeviceGetGraphicsRunningProcesses", handle)
        explained = sum(process.memory_mib or 0 for process in drawing)
        unseen = used - explained
        return Gpu(
            uuid=uuid, index=index, model=model, memory_mib=total, used_mib=used, processes=computing,
            unseen_mib=unseen if not computing and unseen > self._idle_mib else 0, is_mig=is_mig,
            utilization=_utilization(nvml, handle),
        )  # fmt: skip

    def _unavailable(self, why: str) -> Inventory:
        gpus = (replace(gpu, unavailable=why, processes=(), unseen_mib=0) for gpu in self._known.values())
        return Inventory(tuple(gpus), error=why)

    def _shut(self, nvml: ModuleType) -> None:
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(nvml.NVMLError):  # it is broken: that is why it is closed
                nvml.nvmlShutdown()


def _has_library() -> bool:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def _instances(nvml: ModuleType, handle: Any) -> Sequence[tuple[int, Any]] | None:
    """Return the MIG instances of a device that is split, None of one that is not."""
    try:
        if nvml.nvmlDeviceGetMigMode(handle)[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return None
        most = nvml.nvmlDeviceGetMaxMigDeviceCount(handle)
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound):
        return None
    found = []
    for number in range(most):
        try:
            found.append((number, nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)))
        except nvml.NVMLError_NotFound:  # places that are not taken
            continue
    return found


def _memory(nvml: ModuleType, handle: Any) -> tuple[int, int]:
    """Return total and used MiB; what the driver keeps for itself does not count as used where it says so."""
    try:
        found = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    except (nvml.NVMLError_FunctionNotFound, nvml.NVMLError_NotSupported, nvml.NVMLError_InvalidArgument):
        found = nvml.nvmlDeviceGetMemoryInfo(handle)
    return found.total >> 20, found.used >> 20


def _utilization(nvml: ModuleType, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound, nvml.NVMLError_InvalidArgument):
        return None


def _processes(nvml: ModuleType, function: str, handle: Any) -> tuple[GpuProcess, ...]:
    found: Sequence[Any] = ()
    for version in ("_v3", "_v2"):  # the older one for drivers before 510
        try:
            found = getattr(nvml, function + version)(handle)
            break
        except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound):
            continue
    return tuple(
        GpuProcess(one.pid, _process_name(one.pid), None if one.usedGpuMemory is None else one.usedGpuMemory >> 20)
        for one in found
    )


def _process_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "name unknown"


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
