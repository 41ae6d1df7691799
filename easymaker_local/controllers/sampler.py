"""Looks now and then at what runs, and keeps what it uses (GN-19, GN-L09)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from easymaker_local.domain.change import SAMPLES
from easymaker_local.domain.gpu import Gpu
from easymaker_local.domain.usage import Sample, Usage, sample
from easymaker_local.drivers.machine import machine_usage
from easymaker_local.errors import EasyMakerError
from easymaker_local.services.context import Context
from easymaker_local.store import ledger, metrics, peaks, stages, trainings
from easymaker_local.store.metrics import MACHINE, Series

log = logging.getLogger(__name__)

_EXPIRE_SECONDS = 3600.0
_Peak = tuple[float, float, float]
"""Bytes of memory, cores, utilization of GPUs."""


class Sampler:
    """Remembers the last counters of what runs, to tell rates, and the peaks that it has written, to write less."""

    def __init__(
        self, context: Context, *, machine: Callable[[], Usage] = machine_usage, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._machine = machine
        # Rates are over monotonic time: a clock that jumps must not make them up.
        self._ticks = ticks
        self._seen: dict[Series, tuple[float, Usage]] = {}
        self._peaks: dict[Series, _Peak] = {}
        self._next_expiry = 0.0

    async def run(self) -> None:
        """Sample until cancelled; what fails is logged and tried again at the next turn."""
        while True:
            try:
                await self.look()
            except EasyMakerError as error:
                log.warning("monitoring: %s", error)
            except Exception:
                log.exception("monitoring: taking samples failed")
            await asyncio.sleep(self._context.settings.sample_seconds)

    async def look(self) -> None:
        """Take one sample of the machine and of everything that runs."""
        context = self._context
        now, tick = context.clock.now(), self._ticks()
        series: dict[str, Series] = {
            training.workload(node): (trainings.KIND, training.id, f"node-{node}")
            for training in await context.store.read(trainings.started)
            for node in range(training.spec.instance_count)
        }
        pods = await context.store.read(stages.started_pods)
        series |= {pod.workload: (stages.KIND, pod.stage_id, pod.member) for pod in pods}
        used = await context.driver.usage(list(series)) if series else {}
        counted = {MACHINE: await asyncio.to_thread(self._machine)} | {series[name]: usage for name, usage in used.items()}
        # A pod has devices of its own out of those that are booked for its node.
        counted = await self._with_gpus(counted, {(stages.KIND, pod.stage_id, pod.member): pod.devices for pod in pods})
        found = {key: self._sample(key, usage, tick) for key, usage in counted.items()}
        self._seen = {key: (tick, usage) for key, usage in counted.items()}
        await context.metrics.write(partial(metrics.add, at=now, found=found))
        context.changes.publish([SAMPLES])
        await self._keep_peaks(found)
        if tick >= self._next_expiry:
            self._next_expiry = tick + _EXPIRE_SECONDS
            await context.metrics.write(partial(metrics.expire, now=now))

    async def _with_gpus(self, counted: dict[Series, Usage], of_pods: Mapping[Series, tuple[str, ...]]) -> dict[Series, Usage]:
        """Add what the driver tells of the devices: of all for the machine, of those that it holds for a node or pod."""
        context = self._context
        if not context.gpus.last.gpus:
            return counted
        gpus = {gpu.uuid: gpu for gpu in (await context.gpus.look()).gpus if gpu.unavailable is None}
        held = {(b.kind, b.resource_id, b.member): b.devices for b in await context.store.read(ledger.booked)}
        held.update(of_pods)
        return {
            key: _with_devices(usage, [gpus[uuid] for uuid in (gpus if key == MACHINE else held.get(key, ())) if uuid in gpus])
            for key, usage in counted.items()
        }

    def _sample(self, key: Series, usage: Usage, tick: float) -> Sample:
        seen = self._seen.get(key)
        return sample(usage, None, 0.0) if seen is None else sample(usage, seen[1], tick - seen[0])

    async def _keep_peaks(self, found: dict[Series, Sample]) -> None:
        higher: dict[Series, _Peak] = {}
        for key, taken in found.items():
            memory, cpu, gpu = before = self._peaks.get(key, (0.0, 0.0, 0.0))
            now = (max(memory, taken.memory_bytes or 0.0), max(cpu, taken.cpu or 0.0), max(gpu, taken.gpu or 0.0))
            if key != MACHINE and now != before:
                higher[key] = now
        self._peaks = {key: peak for key, peak in (self._peaks | higher).items() if key in found}
        if higher:
            await self._context.store.write(partial(_raise_all, higher=higher))


def _with_devices(usage: Usage, devices: Sequence[Gpu]) -> Usage:
    if not devices:
        return usage
    rates = [gpu.utilization for gpu in devices if gpu.utilization is not None]
    return replace(
        usage,
        gpu_utilization=sum(rates) / len(rates) if rates else None,
        gpu_memory_bytes=sum(gpu.used_mib for gpu in devices) << 20,
    )


def _raise_all(db: sqlite3.Connection, higher: dict[Series, _Peak]) -> None:
    for key, (memory, cpu, gpu) in higher.items():
        peaks.raise_to(db, *key, memory, cpu or None, gpu or None)
