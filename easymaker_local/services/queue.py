"""The ledger as people look at it: what runs and holds what, what waits for what, how the machine is."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from easymaker_local.domain.gpu import Gpu
from easymaker_local.domain.ledger import NOTHING, Amount, Booking, Key, Waiting
from easymaker_local.domain.reason import Cause
from easymaker_local.services.context import Context
from easymaker_local.store import ledger


class GpuState(StrEnum):
    """What a device is to the ledger."""

    FREE = "FREE"
    BOOKED = "BOOKED"
    IN_USE = "IN_USE"
    """Somebody who is not ours has it."""
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True)
class Entry:
    """Something that waits, with its place, why, and who holds what it waits for."""

    request: Waiting
    position: int
    cause: Cause | None
    holders: tuple[Key, ...]


@dataclass(frozen=True)
class QueueState:
    """Bookings, oldest first, and the queue in its order or the beginning of it; ``length`` is that of all.

    ``names`` of the resources, as far as they still exist.
    """

    running: list[Booking]
    waiting: list[Entry]
    length: int
    names: Mapping[Key, str]


@dataclass(frozen=True)
class GpuOnMachine:
    """A device and what the ledger has to say of it."""

    gpu: Gpu
    state: GpuState
    booking: Booking | None


@dataclass(frozen=True)
class MachineState:
    """Amounts and devices, the disk of the home in bytes."""

    capacity: Amount
    booked: Amount
    gpus: list[GpuOnMachine]
    gpu_error: str | None
    queue_length: int
    disk_bytes: int
    free_disk_bytes: int
    names: Mapping[Key, str]


class Queue:
    """Only looks."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def state(self, limit: int | None = None) -> QueueState:
        """Return what runs and what waits; of what waits the first ``limit``, None: all."""
        plan = self._context.board.plan

        def read(db: sqlite3.Connection) -> QueueState:
            running, waiting = ledger.booked(db), ledger.queue(db)
            # What came since the last pass has no place of its own yet.
            waiting.sort(key=lambda request: plan.places.get(request.key, len(plan.places) + 1))
            entries = [
                Entry(request, position, plan.cause(request.key), plan.holders(request))
                for position, request in enumerate(waiting[:limit], 1)
            ]
            keys = {booking.key for booking in running}
            keys.update(entry.request.key for entry in entries)
            keys.update(*(entry.holders for entry in entries))
            return QueueState(running, entries, len(waiting), ledger.names(db, keys))

        # All of it in the reader's thread: ten thousand entries take their time.
        return await self._context.store.read(read)

    async def machine(self) -> MachineState:
        """Return the machine, its devices as the driver sees them now."""
        context = self._context
        inventory = await context.gpus.look()

        def read(db: sqlite3.Connection) -> tuple[list[Booking], int, dict[Key, str]]:
            booked = ledger.booked(db)
            return booked, ledger.length(db), ledger.names(db, (booking.key for booking in booked))

        booked, queue_length, names = await context.store.read(read)
        held = {uuid: booking for booking in booked for uuid in booking.devices}
        disk = await asyncio.to_thread(shutil.disk_usage, context.settings.home)
        return MachineState(
            capacity=context.capacity, booked=sum((b.amount for b in booked), NOTHING),
            gpus=[GpuOnMachine(gpu, _state(gpu, held.get(gpu.uuid)), held.get(gpu.uuid)) for gpu in inventory.gpus],
            gpu_error=inventory.error, queue_length=queue_length, disk_bytes=disk.total, free_disk_bytes=disk.free,
            names=names,
        )  # fmt: skip


def _state(gpu: Gpu, booking: Booking | None) -> GpuState:
    if gpu.unavailable is not None:
        return GpuState.UNAVAILABLE
    if booking is not None:
        return GpuState.BOOKED
    return GpuState.FREE if gpu.is_idle else GpuState.IN_USE
