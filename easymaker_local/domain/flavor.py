"""Flavors: what an instance may use (IT-04, IT-L01)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from easymaker_local.domain.gpu import Gpu
from easymaker_local.domain.image import CoreType

MIB_PER_GIB = 1024

# The names that the vendor's SDK samples and guides use (rest-api §14): they exist on every machine, so that a script
# written for the cloud gets a clear answer here. (vCPUs, GiB)
VENDOR_FLAVORS = {
    "m2.c1m2": (1, 2),
    "m2.c2m4": (2, 4),
    "m2.c4m8": (4, 8),
    "m2.c8m16": (8, 16),
    "r2.c2m8": (2, 8),
    "r2.c4m16": (4, 16),
    "r2.c8m32": (8, 32),
    "c2.c16m16": (16, 16),
}


class Flavor(BaseModel):
    """A size of instance. ``memory_mib`` in MiB; ``gpu_count`` whole devices per instance, of ``gpu_model`` or, None, of any.

    ``gpu_memory_mib`` of one device.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    vcpus: int
    memory_mib: int
    gpu_count: int = 0
    gpu_model: str | None = None
    gpu_memory_mib: int = 0

    @property
    def id(self) -> str:
        """The name: unique, readable, at most 36 characters."""
        return self.name

    @property
    def core_type(self) -> CoreType:
        """CPU or GPU, to be matched with the image's (IT-07)."""
        return CoreType.GPU if self.gpu_count else CoreType.CPU


def generate_flavors(cpus: int, memory_mib: int, own: tuple[Flavor, ...] = (), gpus: Sequence[Gpu] = ()) -> tuple[Flavor, ...]:
    """Return the vendor's names, one flavor with the whole machine, those of its GPUs and the user's own; unique by name.

    Smallest first. ``cpus`` and ``memory_mib`` are what may be promised to jobs.
    """
    flavors = {name: Flavor(name=name, vcpus=c, memory_mib=g * MIB_PER_GIB) for name, (c, g) in VENDOR_FLAVORS.items()}
    whole_gib = max(1, memory_mib // MIB_PER_GIB)
    whole = Flavor(name=f"m2.c{cpus}m{whole_gib}", vcpus=cpus, memory_mib=whole_gib * MIB_PER_GIB)
    flavors.setdefault(whole.name, whole)
    usable = [gpu for gpu in gpus if gpu.unavailable is None]
    flavors |= {flavor.name: flavor for flavor in (*_gpu_flavors(cpus, whole_gib, usable), *own)}
    return tuple(sorted(flavors.values(), key=lambda f: (f.gpu_count, f.vcpus, f.memory_mib, f.name)))


def _gpu_flavors(cpus: int, memory_gib: int, gpus: Sequence[Gpu]) -> Iterable[Flavor]:
    """Offer 1, 2, 4, … and all devices of each model, each device with its share of CPU and memory.

    CUDA uses one MIG instance per process, so these come one at a time.
    """
    models = {gpu.model: gpu for gpu in gpus}
    for model, gpu in models.items():
        count = sum(other.model == model for other in gpus)
        sizes = {1} if gpu.is_mig else {*(1 << n for n in range(count.bit_length())), count}
        for size in sorted(sizes):
            vcpus, gib = max(1, cpus * size // len(gpus)), max(1, memory_gib * size // len(gpus))
            yield Flavor(
                name=f"g2.c{vcpus}m{gib}g{size}-{_short_name(model, models)}", vcpus=vcpus, memory_mib=gib * MIB_PER_GIB,
                gpu_count=size, gpu_model=model, gpu_memory_mib=gpu.memory_mib,
            )  # fmt: skip


def _short_name(model: str, models: Iterable[str]) -> str:
    """Return "a100" for "NVIDIA A100-SXM4-80GB": up to the first word with a number, all words where two would be alike."""

    def words(name: str) -> list[str]:
        found = re.findall(r"[a-z0-9.]+", name.casefold())
        return [word for word in found if word not in {"nvidia", "tesla", "quadro", "geforce", "graphics"}] or found

    def short(name: str) -> str:
        parts = words(name)
        number = next((i for i, word in enumerate(parts) if re.search(r"\d", word)), len(parts) - 1)
        slice_ = f"-{parts[-1]}" if "mig" in parts else ""
        return "".join(parts[: number + 1]) + slice_

    is_alone = [short(other) for other in models].count(short(model)) == 1
    return short(model) if is_alone else "-".join(words(model))
