"""What workloads and the machine use: the facts of monitoring (GN-19, GN-L09)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Usage:
    """What a driver, or the machine, has counted since the workload began. Counters only grow; None: cannot be told here.

    ``memory_bytes`` and ``processes`` are of this moment. Memory is what cannot be given up: caches of files do not count.
    """

    cpu_seconds: float
    memory_bytes: int
    processes: int | None = None
    disk_read_bytes: int | None = None
    disk_written_bytes: int | None = None
    network_received_bytes: int | None = None
    network_sent_bytes: int | None = None
    gpu_utilization: float | None = None
    gpu_memory_bytes: int | None = None


@dataclass(frozen=True)
class Sample:
    """Use in one step of time: cores and bytes per second on average, memory and processes at their highest.

    None: not known, for example the rates of a workload that was seen for the first time.
    """

    cpu: float | None = None
    memory_bytes: float | None = None
    processes: float | None = None
    disk_read: float | None = None
    disk_written: float | None = None
    network_received: float | None = None
    network_sent: float | None = None
    gpu: float | None = None
    gpu_memory_bytes: float | None = None


MEASURES = tuple(field.name for field in fields(Sample))
HIGHEST = frozenset({"memory_bytes", "processes", "gpu_memory_bytes"})
"""Kept as the highest of a step; the others as the average."""


def sample(now: Usage, before: Usage | None, seconds: float) -> Sample:
    """Return the use between two looks that lie ``seconds`` apart."""

    def rate(name: str) -> float | None:
        newer, older = getattr(now, name), None if before is None else getattr(before, name)
        if newer is None or older is None or seconds <= 0:
            return None
        # A process that ended uncounted takes its share with it.
        return float(max(0.0, newer - older) / seconds)

    return Sample(
        cpu=rate("cpu_seconds"), memory_bytes=now.memory_bytes, processes=now.processes,
        disk_read=rate("disk_read_bytes"), disk_written=rate("disk_written_bytes"),
        network_received=rate("network_received_bytes"), network_sent=rate("network_sent_bytes"),
        gpu=now.gpu_utilization, gpu_memory_bytes=now.gpu_memory_bytes,
    )  # fmt: skip


def total(samples: Iterable[Sample]) -> Sample:
    """Return what several have used together; the use of GPUs is their mean. None where nobody knows."""
    found = list(samples)

    def sum_of(name: str) -> float | None:
        known = [value for sample in found if (value := getattr(sample, name)) is not None]
        if not known:
            return None
        return float(sum(known)) / (len(known) if name == "gpu" else 1)

    return Sample(**{name: sum_of(name) for name in MEASURES})
