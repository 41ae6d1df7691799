"""What answers about the ledger carry (DB-L03, IT-L03): all of it is ours, in the vendor's manner."""

from __future__ import annotations

from collections.abc import Mapping

from easymaker_local.api.envelope import Envelope, Wire
from easymaker_local.api.models import StatusReason
from easymaker_local.domain.ledger import Booking, Key
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.queue import Entry, GpuOnMachine, GpuState, MachineState, QueueState


class HoldingView(Wire):
    """What one node of a resource holds. ``isEnding``: it has ended, and its GPUs are kept until they are idle."""

    kind: str
    id: str
    name: str
    node: str
    vcpus: float
    memory_mib: int
    gpu_uuid_list: list[str]
    since_datetime: str
    is_ending: bool

    @classmethod
    def of(cls, booking: Booking, names: Mapping[Key, str]) -> HoldingView:
        """Show a booking."""
        return cls(
            kind=booking.kind, id=booking.resource_id, name=names.get(booking.key, booking.resource_id), node=booking.member,
            vcpus=booking.amount.cpu_milli / 1000, memory_mib=booking.amount.memory_mib, gpu_uuid_list=list(booking.devices),
            since_datetime=to_iso(booking.since), is_ending=booking.ended_at is not None,
        )  # fmt: skip


class HolderView(Wire):
    """Who holds what another one waits for."""

    kind: str
    id: str
    name: str


class WaitingView(Wire):
    """What waits: amounts of all nodes, place, reason, and who holds what it waits for."""

    position: int
    kind: str
    id: str
    name: str
    vcpus: float
    memory_mib: int
    gpu_count: int
    gpu_model: str | None
    instance_count: int
    since_datetime: str
    reason: StatusReason | None
    held_by_list: list[HolderView]

    @classmethod
    def of(cls, entry: Entry, names: Mapping[Key, str]) -> WaitingView:
        """Show an entry of the queue."""
        request = entry.request
        return cls(
            position=entry.position, kind=request.kind, id=request.resource_id,
            name=names.get(request.key, request.resource_id), vcpus=request.total.cpu_milli / 1000,
            memory_mib=request.total.memory_mib, gpu_count=request.total.gpus, gpu_model=request.gpu_model,
            instance_count=len(request.members), since_datetime=to_iso(request.queued_at), reason=StatusReason.of(entry.cause),
            held_by_list=[HolderView(kind=k[0], id=k[1], name=names.get(k, k[1])) for k in entry.holders],
        )  # fmt: skip


class QueueView(Wire):
    """What runs, oldest first, and what waits, in the order in which it is served; ``waitingCount`` counts all of it."""

    running_list: list[HoldingView]
    waiting_list: list[WaitingView]
    waiting_count: int

    @classmethod
    def of(cls, state: QueueState) -> QueueView:
        """Show the ledger."""
        return cls(
            running_list=[HoldingView.of(booking, state.names) for booking in state.running],
            waiting_list=[WaitingView.of(entry, state.names) for entry in state.waiting],
            waiting_count=state.length,
        )


class QueueAnswer(Envelope):
    """The queue."""

    queue: QueueView


class GpuProcessView(Wire):
    """A process that computes on a GPU."""

    pid: int
    name: str
    memory_mib: int | None


class GpuView(Wire):
    """A GPU, or a MIG instance of one. ``message`` says why it cannot be given to a job although nothing of ours has it."""

    uuid: str
    index: str
    model: str
    memory_mib: int
    used_memory_mib: int
    is_mig: bool
    state_code: GpuState
    message: str | None
    booked_by: HoldingView | None
    process_list: list[GpuProcessView]

    @classmethod
    def of(cls, found: GpuOnMachine, names: Mapping[Key, str]) -> GpuView:
        """Show a device."""
        gpu = found.gpu
        return cls(
            uuid=gpu.uuid, index=gpu.index, model=gpu.model, memory_mib=gpu.memory_mib, used_memory_mib=gpu.used_mib,
            is_mig=gpu.is_mig, state_code=found.state,
            message=gpu.obstacle if found.state in {GpuState.IN_USE, GpuState.UNAVAILABLE} else None,
            booked_by=None if found.booking is None else HoldingView.of(found.booking, names),
            process_list=[GpuProcessView(pid=p.pid, name=p.name, memory_mib=p.memory_mib) for p in gpu.processes],
        )  # fmt: skip


class MachineView(Wire):
    """What there is to give: totals, what is booked, what is left (DB-L03). Disk of the data directory in bytes."""

    vcpus: float
    booked_vcpus: float
    free_vcpus: float
    memory_mib: int
    booked_memory_mib: int
    free_memory_mib: int
    disk_bytes: int
    free_disk_bytes: int
    gpu_list: list[GpuView]
    gpu_error: str | None
    queue_length: int

    @classmethod
    def of(cls, state: MachineState) -> MachineView:
        """Show the machine."""
        free = state.capacity - state.booked
        return cls(
            vcpus=state.capacity.cpu_milli / 1000, booked_vcpus=state.booked.cpu_milli / 1000, free_vcpus=free.cpu_milli / 1000,
            memory_mib=state.capacity.memory_mib, booked_memory_mib=state.booked.memory_mib, free_memory_mib=free.memory_mib,
            disk_bytes=state.disk_bytes, free_disk_bytes=state.free_disk_bytes,
            gpu_list=[GpuView.of(gpu, state.names) for gpu in state.gpus], gpu_error=state.gpu_error,
            queue_length=state.queue_length,
        )  # fmt: skip


class MachineAnswer(Envelope):
    """The machine."""

    machine: MachineView
