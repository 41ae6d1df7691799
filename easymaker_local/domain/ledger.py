"""Who may use what: one ledger for everything that runs (architecture 6, IT-L03, IT-L04). Pure; ``store/ledger.py`` keeps it.

CPU is counted in thousandths of a vCPU and memory in MiB, so that sums are exact. GPUs are whole devices, booked by UUID.

``plan`` serves the whole queue in one pass. The order is: class (``priority``, interactive work first), then time of creation.
The first that does not fit now is the *head*. It names what it waits for, and what stands behind it may pass it only if

- the head has stood there for less than ``backfill_seconds`` since it first did not fit, or
- what is left afterwards is as good for the head as before (it lacks memory, and memory is not touched beyond its share), or
- its own maximum time ends before the head could start if every running job took its maximum time.

So small requests use the gaps, and nobody waits for ever: after ``backfill_seconds`` the head goes before everything, classes
included, and waits only for what runs. A request that needs a device which is broken or used by somebody else holds up
nobody: nothing is kept for it, since no end of ours would help it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cached_property

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.gpu import Gpu, Inventory
from easymaker_local.domain.reason import Cause, Reason

Key = tuple[str, str]
"""Kind and id of a resource."""


class Priority(IntEnum):
    """Classes of the queue; the lower one goes first."""

    INTERACTIVE = 0
    BATCH = 1


@dataclass(frozen=True)
class Amount:
    """CPU in milli-vCPUs, memory in MiB, whole GPUs."""

    cpu_milli: int
    memory_mib: int
    gpus: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cpu_milli + other.cpu_milli, self.memory_mib + other.memory_mib, self.gpus + other.gpus)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.cpu_milli - other.cpu_milli, self.memory_mib - other.memory_mib, self.gpus - other.gpus)

    def fits_into(self, free: Amount) -> bool:
        """True if every part fits."""
        return self.cpu_milli <= free.cpu_milli and self.memory_mib <= free.memory_mib and self.gpus <= free.gpus

    def __str__(self) -> str:
        return self.words(self.gpus or None)

    def words(self, gpus: int | None) -> str:
        """Return it for people, with as many GPUs, None: not a word of them."""
        cpu, memory = f"{self.cpu_milli / 1000:g} vCPU", f"{round(self.memory_mib / 1024, 2):g} GiB"
        return f"{cpu} and {memory}" if gpus is None else f"{cpu}, {memory} and {gpus} GPU"


NOTHING = Amount(0, 0, 0)


def amount_of(flavor: Flavor) -> Amount:
    """Return what one instance of the flavor takes."""
    return Amount(flavor.vcpus * 1000, flavor.memory_mib, flavor.gpu_count)


@dataclass(frozen=True)
class Booking:
    """What one member (node) of a resource holds since ``since``; ``devices`` are GPU UUIDs.

    ``limit_seconds`` is the longest that it may run, None if it may for ever. With ``ended_at`` the workload is gone, and only
    its devices are kept until the driver has seen them idle.
    """

    kind: str
    resource_id: str
    member: str
    amount: Amount
    devices: tuple[str, ...] = ()
    since: float = 0.0
    limit_seconds: float | None = None
    ended_at: float | None = None

    @property
    def key(self) -> Key:
        """Whose it is."""
        return self.kind, self.resource_id


@dataclass(frozen=True)
class Waiting:
    """A resource in the queue; its members are admitted together or not at all (IT-L04).

    ``gpu_model`` None takes any model. ``blocked_since`` is when it first stood at the head and did not fit. ``first_member``
    is the number of the first, where the resource holds others already.
    """

    kind: str
    resource_id: str
    members: tuple[Amount, ...]
    gpu_model: str | None = None
    priority: int = Priority.BATCH
    limit_seconds: float | None = None
    created_at: float = 0.0
    queued_at: float = 0.0
    blocked_since: float | None = None
    first_member: int = 0

    @property
    def key(self) -> Key:
        """Whose it is."""
        return self.kind, self.resource_id

    @cached_property
    def total(self) -> Amount:
        """What all members take."""
        return sum(self.members, NOTHING)

    @property
    def need(self) -> str:
        """What it waits for, for people."""
        return f"{self.total} ({self.gpu_model})" if self.total.gpus and self.gpu_model else str(self.total)

    def accepts(self, gpu: Gpu) -> bool:
        """True if the device is of the wanted model."""
        return self.gpu_model is None or self.gpu_model == gpu.model


@dataclass(frozen=True)
class Machine:
    """What there is to give: CPU and memory for jobs, and the devices as the driver sees them now."""

    capacity: Amount
    inventory: Inventory = field(default_factory=Inventory)

    def __str__(self) -> str:
        models = ", ".join(f"{self.inventory.count(model)} GPU ({model})" for model in self.inventory.models)
        return f"{self.capacity}, {models}" if models else str(self.capacity)


def never_fits(request: Waiting, machine: Machine) -> Cause | None:
    """Return why the empty machine is too small for the request; None if it is large enough (IT-L03, DT-L02).

    A device that is broken still counts: it may come back. So does every device while the driver cannot be asked.
    """
    total = request.total
    fits = total.cpu_milli <= machine.capacity.cpu_milli and total.memory_mib <= machine.capacity.memory_mib
    enough = total.gpus <= machine.inventory.count(request.gpu_model) or machine.inventory.error is not None
    if fits and enough:
        return None
    return Cause(Reason.NEVER_FITS, f"Needs {request.need}, but this machine offers {machine} to jobs.")


@dataclass(frozen=True)
class Grant:
    """A request that may start now: the devices of each member."""

    request: Waiting
    devices: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Plan:
    """What one pass found: who starts, who never can, and who waits, in order, with the reasons."""

    machine: Machine
    booked: tuple[Booking, ...] = ()
    grants: tuple[Grant, ...] = ()
    hopeless: tuple[tuple[Waiting, Cause], ...] = ()
    waiting: tuple[Waiting, ...] = ()
    head: Waiting | None = None

    @cached_property
    def places(self) -> Mapping[Key, int]:
        """Position in the queue, from 1."""
        return {request.key: place for place, request in enumerate(self.waiting, 1)}

    def holders(self, request: Waiting) -> tuple[Key, ...]:
        """Return who holds what the request lacks, oldest first, each once."""
        return self._lack(request)[1]

    def cause(self, key: Key) -> Cause | None:
        """Return why the resource waits or never starts; None if it is not in the queue."""
        place = self.places.get(key)
        if place is None:
            return self._hopeless_causes.get(key)
        first, request = self.waiting[0], self.waiting[place - 1]
        behind = f", behind {first.kind} {first.resource_id}" if place > 1 else ""
        words = f"Waits for {request.need}: {self._lack(request)[0]} Position {place} in the queue{behind}."
        return Cause(Reason.WAITING_FOR_RESOURCES, words)

    @cached_property
    def _hopeless_causes(self) -> Mapping[Key, Cause]:
        return {request.key: cause for request, cause in self.hopeless}

    @cached_property
    def _lacks(self) -> dict[object, tuple[str, tuple[Key, ...]]]:
        return {}

    def _lack(self, request: Waiting) -> tuple[str, tuple[Key, ...]]:
        """Return what is free, who holds the rest and what else is in the way, found once for all of the same size."""
        size = (request.members, request.gpu_model)
        if size not in self._lacks:
            free = _Free.of(self.machine, self.booked)
            holders = self._holders(request, free)
            gpus = sum(request.accepts(gpu) for gpu in free.gpus) if request.total.gpus else None
            words = Amount(free.cpu_milli, free.memory_mib).words(gpus)
            sentences = [f"{words} are free{self._holder_words(holders)}."]
            if request.total.gpus:
                sentences += self._obstacles(request)
            self._lacks[size] = (" ".join(sentences), holders)
        return self._lacks[size]

    def _holders(self, request: Waiting, free: _Free) -> tuple[Key, ...]:
        lacks_size = request.total.cpu_milli > free.cpu_milli or request.total.memory_mib > free.memory_mib
        lacks_gpus = request.total.gpus > sum(request.accepts(gpu) for gpu in free.gpus)
        wanted = {gpu.uuid for gpu in self.machine.inventory.gpus if lacks_gpus and request.accepts(gpu)}
        found = (b for b in self.booked if (lacks_size and b.ended_at is None) or wanted.intersection(b.devices))
        return tuple(dict.fromkeys(booking.key for booking in found))

    def _holder_words(self, holders: tuple[Key, ...]) -> str:
        since = {booking.key: booking.since for booking in reversed(self.booked)}
        ended = {booking.key for booking in self.booked if booking.ended_at is not None}
        names = [
            f"{kind} {id_} "
            + ("(ended, its GPU is not idle yet)" if (kind, id_) in ended else f"(since {_clock(since[kind, id_])})")
            for kind, id_ in holders[:3]
        ]
        more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
        return f", held by {', '.join(names)}{more}" if names else ""

    def _obstacles(self, request: Waiting) -> list[str]:
        held = {uuid for booking in self.booked for uuid in booking.devices}
        wanted = [gpu for gpu in self.machine.inventory.gpus if request.accepts(gpu)]
        found = [gpu.obstacle for gpu in wanted if gpu.obstacle and (gpu.uuid not in held or gpu.unavailable)]
        if self.machine.inventory.error is not None:
            found.append(f"The GPUs cannot be seen: {self.machine.inventory.error}.")
        return found


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def plan(
    waiting: Sequence[Waiting], machine: Machine, booked: Sequence[Booking], *, now: float, backfill_seconds: float
) -> Plan:
    """Serve the queue once. ``waiting`` comes in the order of class and creation; see the module for the rules.

    Requests of one shape have one answer within a pass, since what is free only shrinks: each shape is looked at until it
    fails, so that a pass over ten thousand requests takes milliseconds.
    """
    free = _Free.of(machine, booked)
    running = list(booked)
    grants: list[Grant] = []
    hopeless: list[tuple[Waiting, Cause]] = []
    left: list[Waiting] = []
    head: Waiting | None = None
    latest_end = 0.0
    is_graceful = True
    refused: set[object] = set()
    impossible: dict[object, Cause] = {}
    for request in _order(waiting, now, backfill_seconds):
        shape = (request.members, request.gpu_model, request.limit_seconds)
        if shape in refused:
            left.append(request)
            continue
        if shape not in impossible and (never := never_fits(request, machine)) is not None:
            impossible[shape] = never
        if shape in impossible:
            hopeless.append((request, impossible[shape]))
            continue
        spare = head
        if head is not None and (is_graceful or now + (request.limit_seconds or math.inf) <= latest_end):
            spare = None
        chosen = free.find(request, spare)
        if chosen is not None:
            free.take(request, chosen)
            grant = Grant(request, _share(request, chosen))
            grants.append(grant)
            running += bookings_of(grant, now)
            continue
        left.append(request)
        refused.add(shape)
        if head is None and _offers(request, machine, booked):
            head = request
            since = now if request.blocked_since is None else request.blocked_since
            is_graceful = now - since < backfill_seconds
            # One that begins now must have ended by then: only known when nothing runs without a limit.
            latest_end = now if is_graceful else _earliest_start(request, machine, running, now)
    return Plan(machine, tuple(running), tuple(grants), tuple(hopeless), tuple(left), head)


def bookings_of(grant: Grant, now: float) -> list[Booking]:
    """Return what a grant books, one per member."""
    request = grant.request
    return [
        Booking(request.kind, request.resource_id, f"node-{index}", member, devices, now, request.limit_seconds)
        for index, (member, devices) in enumerate(zip(request.members, grant.devices, strict=True), request.first_member)
    ]


def _order(waiting: Sequence[Waiting], now: float, backfill_seconds: float) -> Sequence[Waiting]:
    """Move those that have been passed for long enough to the front."""
    overdue = [w for w in waiting if w.blocked_since is not None and now - w.blocked_since >= backfill_seconds]
    if not overdue:
        return waiting
    keys = {request.key for request in overdue}
    return [*overdue, *(w for w in waiting if w.key not in keys)]


def _offers(request: Waiting, machine: Machine, booked: Sequence[Booking]) -> bool:
    """True if the end of what is ours would be enough: no device that it needs is broken or somebody else's."""
    held = {uuid for booking in booked for uuid in booking.devices}
    usable = [gpu for gpu in machine.inventory.gpus if gpu.obstacle is None or (gpu.uuid in held and gpu.unavailable is None)]
    return request.total.gpus <= sum(request.accepts(gpu) for gpu in usable)


def _earliest_start(head: Waiting, machine: Machine, running: Sequence[Booking], now: float) -> float:
    """Return when the head fits if everything runs as long as it may. What has no limit may end at any moment: now."""

    def end(booking: Booking) -> float:
        return now if booking.limit_seconds is None else max(now, booking.since + booking.limit_seconds)

    left = sorted(running, key=end)
    while left:
        moment = end(left[0])
        left = [booking for booking in left if end(booking) > moment]
        # What stands on a device that we hold is ours and goes with the booking.
        later = _Free.of(machine, left, cleared={uuid for booking in running for uuid in booking.devices})
        if later.find(head) is not None:
            return moment
    return now


def _share(request: Waiting, chosen: Sequence[Gpu]) -> tuple[tuple[str, ...], ...]:
    """Deal the devices to the members."""
    rest = [gpu.uuid for gpu in chosen]
    dealt = []
    for member in request.members:
        dealt.append(tuple(rest[: member.gpus]))
        rest = rest[member.gpus :]
    return tuple(dealt)


@dataclass
class _Free:
    """What is free while a pass goes on."""

    cpu_milli: int
    memory_mib: int
    gpus: list[Gpu]

    @classmethod
    def of(cls, machine: Machine, booked: Sequence[Booking], cleared: set[str] | None = None) -> _Free:
        """Return what the bookings leave. ``cleared`` devices are taken as idle if the driver has them at all."""
        held = {uuid for booking in booked for uuid in booking.devices}
        return cls(
            machine.capacity.cpu_milli - sum(booking.amount.cpu_milli for booking in booked),
            machine.capacity.memory_mib - sum(booking.amount.memory_mib for booking in booked),
            [
                gpu
                for gpu in machine.inventory.gpus
                if gpu.uuid not in held
                and (gpu.is_idle or (cleared is not None and gpu.uuid in cleared and gpu.unavailable is None))
            ],
        )

    def find(self, request: Waiting, spare: Waiting | None = None) -> list[Gpu] | None:
        """Return the devices for the request, None if it does not fit; ``spare`` must be as well off afterwards as before."""
        total = request.total
        cpu_milli, memory_mib = self.cpu_milli, self.memory_mib
        if spare is not None:
            cpu_milli -= spare.total.cpu_milli
            memory_mib -= spare.total.memory_mib
        if total.cpu_milli > max(cpu_milli, 0) or total.memory_mib > max(memory_mib, 0):
            return None
        if not total.gpus:
            return []
        wanted = [gpu for gpu in self.gpus if request.accepts(gpu)]
        if spare is None or not spare.total.gpus:
            return wanted[: total.gpus] if len(wanted) >= total.gpus else None
        elsewhere = [gpu for gpu in wanted if not spare.accepts(gpu)]
        shared = [gpu for gpu in wanted if spare.accepts(gpu)]
        beyond = max(0, sum(spare.accepts(gpu) for gpu in self.gpus) - spare.total.gpus)
        found = [*elsewhere, *shared[:beyond]]
        return found[: total.gpus] if len(found) >= total.gpus else None

    def take(self, request: Waiting, chosen: Sequence[Gpu]) -> None:
        """Remove what the request gets."""
        self.cpu_milli -= request.total.cpu_milli
        self.memory_mib -= request.total.memory_mib
        if chosen:
            taken = {gpu.uuid for gpu in chosen}
            self.gpus = [gpu for gpu in self.gpus if gpu.uuid not in taken]
