"""From what a user asks for each pod to amounts: shares of a node's usable resources (SR-02…SR-05, SR-10, SR-11, RI-01…RI-05).

A node offers its flavor minus a base (``usable``, RI-L01). A percentage is one of that, for each pod; what has neither a
percentage nor an amount gets an equal share of what the others leave. GPUs go to pods as whole devices (SR-L02).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from easymaker_local.domain import quantity
from easymaker_local.domain.endpoint_spec import Allocation
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import NOTHING, Amount, amount_of
from easymaker_local.domain.placement import usable_of as usable_of_amount
from easymaker_local.errors import FieldError

# SR-L02
WHOLE_DEVICES = "GPUs go to pods as whole devices, since nothing here could enforce a part of one"
LEAST = Amount(10, 1)
"""What a pod has at least: less is no limit that an engine takes."""
_STEPS = 10_000
_Named = tuple[bool, bool, bool]


@dataclass(frozen=True)
class Ask:
    """What each of ``pods`` gets. ``uses_gpu``: its model computes on one; ``field``: the wire name of its allocation."""

    allocation: Allocation
    pods: int
    uses_gpu: bool
    field: str


def usable_of(flavor: Flavor, base: Amount) -> Amount:
    """Return what pods may use of one node (RI-01, RI-L01)."""
    return usable_of_amount(amount_of(flavor), base)


def place(demands: Iterable[Amount], free: Sequence[Amount]) -> list[Amount] | None:
    """Return what is free of each node with all demands placed, the largest first where it fits first; None: it cannot be."""
    left = list(free)
    for demand in sorted(demands, key=lambda d: (d.gpus, d.memory_mib, d.cpu_milli), reverse=True):
        node = next((index for index, room in enumerate(left) if demand.fits_into(room)), None)
        if node is None:
            return None
        left[node] -= demand
    return left


def allot(
    asks: Sequence[Ask], usable: Amount, free: Sequence[Amount], advice: str = ""
) -> tuple[list[Amount], list[FieldError]]:
    """Return what each pod of each ask gets, and every fault; with faults the amounts mean nothing.

    ``usable`` is that of an empty node, ``free`` what is left of each of the stage's nodes. ``advice`` names what there is to
    choose instead of a part of a GPU.
    """
    faults: list[FieldError] = []
    parts = [_parts(ask, usable, faults, advice) for ask in asks]
    if not faults:
        parts = _share_devices(asks, parts, free, faults)
    if faults:
        return [], faults
    demands = _share_rest(asks, parts, usable, free)
    _check(asks, parts, demands, usable, free, faults)
    return demands, faults


@dataclass(frozen=True)
class _Parts:
    """What is fixed of a demand; None: an equal share."""

    cpu_milli: int | None
    memory_mib: int | None
    gpus: int | None

    def demand(self, usable: Amount, share: int) -> Amount:
        """Return the demand where an equal share is ``share`` of ``_STEPS``."""
        cpu = usable.cpu_milli * share // _STEPS if self.cpu_milli is None else self.cpu_milli
        memory = usable.memory_mib * share // _STEPS if self.memory_mib is None else self.memory_mib
        return Amount(max(LEAST.cpu_milli, cpu), max(LEAST.memory_mib, memory), self.gpus or 0)


def _parts(ask: Ask, usable: Amount, faults: list[FieldError], advice: str) -> _Parts:
    wanted = ask.allocation

    def of_percentage(whole: int) -> int | None:
        return None if wanted.percentage is None else int(whole * wanted.percentage / 100)

    cpu = of_percentage(usable.cpu_milli) if wanted.cpu is None else quantity.cpu_milli(wanted.cpu)
    memory = of_percentage(usable.memory_mib) if wanted.memory is None else quantity.memory_mib(wanted.memory)
    if wanted.gpu is None:
        gpus = of_percentage(usable.gpus)
        return _Parts(cpu, memory, 0 if not usable.gpus or (gpus is None and not ask.uses_gpu) else gpus)
    devices = quantity.devices(wanted.gpu)
    if devices % 1:
        faults.append(FieldError(f"{ask.field}.gpu", f"{WHOLE_DEVICES}; {advice or 'give a whole number'}"))
    elif devices > usable.gpus:
        faults.append(FieldError(f"{ask.field}.gpu", f"{devices:f} GPU for each pod, but an instance has {usable.gpus}"))
    return _Parts(cpu, memory, int(devices))


def _share_devices(
    asks: Sequence[Ask], parts: Sequence[_Parts], free: Sequence[Amount], faults: list[FieldError]
) -> list[_Parts]:
    """Deal the devices that nobody asked for in numbers: to each pod the same number, and at least one."""
    taken = [Amount(0, 0, p.gpus) for ask, p in zip(asks, parts, strict=True) if p.gpus for _ in range(ask.pods)]
    left = place(taken, [Amount(0, 0, node.gpus) for node in free])
    sharers = sum(ask.pods for ask, p in zip(asks, parts, strict=True) if p.gpus is None)
    if not sharers or left is None:
        return [replace(p, gpus=p.gpus or 0) for p in parts]
    most = max((node.gpus for node in left), default=0)
    each = next((d for d in range(most, 0, -1) if sum(node.gpus // d for node in left) >= sharers), 0)
    if not each:
        devices = sum(node.gpus for node in left)
        words = f"{devices} GPU for {sharers} pods, but {WHOLE_DEVICES}; give gpu 0 to those that need none"
        faults += [
            FieldError(f"{ask.field}.gpu", words) for ask, p in zip(asks, parts, strict=True) if p.gpus is None
        ]  # fmt: skip
    return [replace(p, gpus=each) if p.gpus is None else p for p in parts]


def _share_rest(asks: Sequence[Ask], parts: Sequence[_Parts], usable: Amount, free: Sequence[Amount]) -> list[Amount]:
    """Return the demands with the largest equal share with which all pods find a place; with the least if there is none."""

    def demands(share: int) -> list[Amount]:
        return [p.demand(usable, share) for p in parts]

    if all(None not in (p.cpu_milli, p.memory_mib) for p in parts):
        return demands(0)
    good, bad = 0, _STEPS + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        if place(_pods(asks, demands(middle)), free) is None:
            bad = middle
        else:
            good = middle
    return demands(good)


def _check(
    asks: Sequence[Ask], parts: Sequence[_Parts], demands: Sequence[Amount], usable: Amount, free: Sequence[Amount],
    faults: list[FieldError],
) -> None:  # fmt: skip
    for ask, demand in zip(asks, demands, strict=True):
        if not demand.fits_into(usable):  # RI-04
            named = _beyond(demand, usable)
            words = f"each pod takes {_words(demand, named)}, but of an instance only {_words(usable, named)} can be used"
            faults.append(FieldError(ask.field, words))
    if faults:
        return
    pods = _pods(asks, demands)
    total, room = sum(pods, NOTHING), sum(free, NOTHING)
    last = asks[-1].field if len(asks) == 1 else "endpointModelResourceList"
    if not total.fits_into(room):  # SR-11, RI-04
        named = _beyond(total, room)
        words = (
            f"the pods take {_words(total, named)} altogether, but {_words(room, named)} can be used of the stage's instances"
        )
        faults.append(FieldError(last, words))
    elif place(pods, free) is None:
        named = (
            any(p.cpu_milli is not None for p in parts), any(p.memory_mib is not None for p in parts), total.gpus > 0
        )  # fmt: skip
        words = (
            f"the pods take {_words(total, named)} of {_words(room, named)}, but no pod can be parted among instances, and so "
            "they find no place"
        )
        faults.append(FieldError(last, words))


def _beyond(demand: Amount, room: Amount) -> _Named:
    return demand.cpu_milli > room.cpu_milli, demand.memory_mib > room.memory_mib, demand.gpus > room.gpus


def _words(amount: Amount, named: _Named) -> str:
    """Return the parts that are named; all that is not was never asked for, or is not what is too much."""
    texts = (f"{amount.cpu_milli / 1000:g} vCPU", f"{round(amount.memory_mib / 1024, 2):g} GiB", f"{amount.gpus} GPU")
    return " and ".join(text for text, is_named in zip(texts, named, strict=True) if is_named)


def _pods(asks: Sequence[Ask], demands: Sequence[Amount]) -> list[Amount]:
    return [demand for ask, demand in zip(asks, demands, strict=True) for _ in range(ask.pods)]
