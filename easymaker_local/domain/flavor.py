"""Flavors: what an instance may use (IT-04, IT-L01)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

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
    """A size of instance. ``memory_mib`` in MiB; ``gpu_count`` whole devices per instance."""

    model_config = ConfigDict(frozen=True)

    name: str
    vcpus: int
    memory_mib: int
    gpu_count: int = 0

    @property
    def id(self) -> str:
        """The name: unique, readable, at most 36 characters."""
        return self.name

    @property
    def core_type(self) -> CoreType:
        """CPU or GPU, to be matched with the image's (IT-07)."""
        return CoreType.GPU if self.gpu_count else CoreType.CPU


def generate_flavors(cpus: int, memory_mib: int, own: tuple[Flavor, ...] = ()) -> tuple[Flavor, ...]:
    """Return the vendor's names, one flavor with the whole machine, and the user's own; unique by name, smallest first.

    ``cpus`` and ``memory_mib`` are what may be promised to jobs.
    """
    flavors = {name: Flavor(name=name, vcpus=c, memory_mib=g * MIB_PER_GIB) for name, (c, g) in VENDOR_FLAVORS.items()}
    whole_gib = max(1, memory_mib // MIB_PER_GIB)
    whole = Flavor(name=f"m2.c{cpus}m{whole_gib}", vcpus=cpus, memory_mib=whole_gib * MIB_PER_GIB)
    flavors.setdefault(whole.name, whole)
    flavors |= {flavor.name: flavor for flavor in own}
    return tuple(sorted(flavors.values(), key=lambda f: (f.gpu_count, f.vcpus, f.memory_mib, f.name)))
