"""Who may use what: one ledger for everything that runs (architecture 6, IT-L03, IT-L04).

CPU is counted in thousandths of a vCPU and memory in MiB, so that sums are exact. GPUs are booked by UUID; until the
inventory of devices exists, a request that asks for one never fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.reason import Cause, Reason


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
        text = f"{self.cpu_milli / 1000:g} vCPU and {self.memory_mib / 1024:g} GiB"
        return f"{text} and {self.gpus} GPU" if self.gpus else text


NOTHING = Amount(0, 0, 0)


def amount_of(flavor: Flavor) -> Amount:
    """Return what one instance of the flavor takes."""
    return Amount(flavor.vcpus * 1000, flavor.memory_mib, flavor.gpu_count)


@dataclass(frozen=True)
class Booking:
    """What one member (node) of a resource holds; ``devices`` are GPU UUIDs."""

    kind: str
    resource_id: str
    member: str
    amount: Amount
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A resource in the queue; its members are admitted together or not at all (IT-L04)."""

    kind: str
    resource_id: str
    members: tuple[Amount, ...]

    @property
    def total(self) -> Amount:
        """What all members take."""
        return sum(self.members, NOTHING)


def admit(request: Waiting, capacity: Amount, booked: Sequence[Booking], ahead: Sequence[Waiting]) -> Cause | None:
    """Return None if ``request`` may be booked now, otherwise why not.

    First come, first served: what stands ahead in the queue goes first, even if this request would fit beside it.
    """
    if not request.total.fits_into(capacity):
        return Cause(Reason.NEVER_FITS, f"Needs {request.total}, but this machine offers {capacity} to jobs.")
    free = capacity - sum((b.amount for b in booked), NOTHING)
    if ahead:
        place = f"position {len(ahead) + 1} in the queue, behind {ahead[0].kind} {ahead[0].resource_id}"
        return Cause(Reason.WAITING_FOR_RESOURCES, f"Waits for {request.total}: {place}.")
    if not request.total.fits_into(free):
        holders = sorted({f"{b.kind} {b.resource_id}" for b in booked})
        more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
        held = f", held by {', '.join(holders[:3])}{more}" if holders else ""
        message = f"Waits for {request.total}: {free} are free{held}. Position 1 in the queue."
        return Cause(Reason.WAITING_FOR_RESOURCES, message)
    return None
