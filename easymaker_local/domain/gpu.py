"""GPUs of this machine: what the driver tells of each, and whether somebody who is not ours has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU, by its pid on this machine."""

    pid: int
    name: str
    memory_mib: int | None = None

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.name})"


@dataclass(frozen=True)
class Gpu:
    """A device that can be booked: a whole GPU, or an instance of one that is split by MIG (the split one itself cannot).

    ``index`` is what people know from nvidia-smi ("0", and "0:1" for an instance); everything else goes by ``uuid``.
    ``unseen_mib`` is memory in use that no process explains, beyond what an idle GPU shows: a process in another name
    space, or one that is just being taken down. ``unavailable`` says why the device cannot be used at all.
    """

    uuid: str
    index: str
    model: str
    memory_mib: int
    used_mib: int = 0
    processes: tuple[GpuProcess, ...] = ()
    unseen_mib: int = 0
    unavailable: str | None = None
    is_mig: bool = False
    utilization: float | None = None
    """Share of the last moments in which it computed, from 0 to 1; the driver does not tell it of MIG instances."""

    @property
    def label(self) -> str:
        """Both names."""
        return f"GPU {self.index} ({self.uuid})"

    @property
    def is_idle(self) -> bool:
        """True if nobody computes on it."""
        return self.unavailable is None and not self.processes and not self.unseen_mib

    @property
    def obstacle(self) -> str | None:
        """Say why it cannot be given to a job although it is not booked: a sentence, None if nothing is in the way.

        Who is on a device that is not booked is not ours: jobs of ours hold their booking until the driver has seen them go.
        """
        if self.unavailable is not None:
            return f"{self.label} is not available: {self.unavailable}."
        if self.processes:
            more = f" and {len(self.processes) - 3} more" if len(self.processes) > 3 else ""
            users = ", ".join(map(str, self.processes[:3]))
            whose = "which is not ours" if len(self.processes) == 1 else "which are not ours"
            return f"{self.label} is used by {users}{more}, {whose}."
        if self.unseen_mib:
            return f"{self.label} has {self.unseen_mib / 1024:.1f} GiB in use by something that cannot be seen."
        return None


@dataclass(frozen=True)
class Inventory:
    """All devices that can be booked; ``error`` says why the driver could not be asked (no driver at all is no error)."""

    gpus: tuple[Gpu, ...] = ()
    error: str | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """The models, each once, in the order of the devices."""
        return tuple(dict.fromkeys(gpu.model for gpu in self.gpus))

    def count(self, model: str | None) -> int:
        """Return how many devices of the model there are; None means any."""
        return sum(model in {None, gpu.model} for gpu in self.gpus)


def find_model(models: Iterable[str], wanted: str) -> str:
    """Return the one model whose name is, or contains, what a user wrote ("a100"); the user's words if that is not one."""
    words = wanted.casefold()
    exact = [model for model in models if model.casefold() == words]
    similar = exact or [model for model in models if words in model.casefold()]
    return similar[0] if len(similar) == 1 else wanted
