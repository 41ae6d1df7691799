"""Which pod goes onto which node of its stage (IT-L05, SR-L02, AS-10, AS-11). Pure.

A node is a booking of the stage; what pods may use of it is the flavor less the base usage (RI-L01). Pods that have a place
keep it. The others are placed in their order onto the first node with room, so that nodes fill one after the other and the
last ones can be given back; if that leaves some without a place, the largest are placed first. A pod has whole devices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from easymaker_local.domain.ledger import NOTHING, Amount


@dataclass(frozen=True)
class Node:
    """A booking of the stage, ``name`` its member; ``usable`` is what pods may take of it, its ``devices`` are GPU UUIDs."""

    name: str
    usable: Amount
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A pod that has a place."""

    pod_id: str
    demand: Amount
    node: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unplaced:
    """A pod that looks for a place."""

    pod_id: str
    demand: Amount


@dataclass(frozen=True)
class Spot:
    """A place: a node and the devices there."""

    node: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placement:
    """What was found. ``unplaceable``: why, for people, by pod."""

    spots: Mapping[str, Spot] = field(default_factory=dict)
    unplaceable: Mapping[str, str] = field(default_factory=dict)


def usable_of(booked: Amount, base: Amount) -> Amount:
    """Return what pods may use of a node: never less than nothing (RI-L01). Devices are used whole."""
    return Amount(max(0, booked.cpu_milli - base.cpu_milli), max(0, booked.memory_mib - base.memory_mib), booked.gpus)


def place(nodes: Sequence[Node], placed: Sequence[Placed], pods: Sequence[Unplaced], closed: Collection[str] = ()) -> Placement:
    """Find places for ``pods`` beside those that are ``placed``; ``closed`` nodes take no more pods."""
    rooms = [_Room.of(node, placed) for node in nodes if node.name not in closed]
    spots = _first_fit(rooms, pods)
    if len(spots) < len(pods):
        by_size = sorted(pods, key=lambda pod: (pod.demand.gpus, pod.demand.memory_mib, pod.demand.cpu_milli), reverse=True)
        others = _first_fit([_Room.of(node, placed) for node in nodes if node.name not in closed], by_size)
        if len(others) > len(spots):
            spots = others
    left = [_Room.of(node, [*placed, *_as_placed(pods, spots)]) for node in nodes if node.name not in closed]
    unplaceable = {pod.pod_id: _words(pod, left) for pod in pods if pod.pod_id not in spots}
    return Placement(spots, unplaceable)


def fits_elsewhere(node: str, nodes: Sequence[Node], placed: Sequence[Placed]) -> Placement | None:
    """Return where the pods of ``node`` could go beside all others; None if not all of them fit (AS-11)."""
    moving = [Unplaced(pod.pod_id, pod.demand) for pod in placed if pod.node == node]
    found = place(nodes, [pod for pod in placed if pod.node != node], moving, closed={node})
    return None if found.unplaceable else found


def could_ever_fit(demand: Amount, node: Node) -> bool:
    """True if the pod has room on the node when nothing else is there."""
    return demand.fits_into(Amount(node.usable.cpu_milli, node.usable.memory_mib, len(node.devices)))


@dataclass
class _Room:
    """What is free on a node while pods are placed."""

    name: str
    free: Amount
    devices: list[str]

    @classmethod
    def of(cls, node: Node, placed: Sequence[Placed]) -> _Room:
        here = [pod for pod in placed if pod.node == node.name]
        taken = sum((pod.demand for pod in here), NOTHING)
        used = {device for pod in here for device in pod.devices}
        devices = [device for device in node.devices if device not in used]
        free = node.usable - taken
        return cls(node.name, Amount(free.cpu_milli, free.memory_mib, len(devices)), devices)

    def take(self, pod: Unplaced) -> Spot | None:
        """Give the pod its place; None if it does not fit."""
        if not pod.demand.fits_into(self.free):
            return None
        count = pod.demand.gpus
        spot = Spot(self.name, tuple(self.devices[:count]))
        self.devices = self.devices[count:]
        self.free = self.free - pod.demand
        return spot


def _first_fit(rooms: Sequence[_Room], pods: Sequence[Unplaced]) -> dict[str, Spot]:
    spots: dict[str, Spot] = {}
    for pod in pods:
        spot = next(filter(None, (room.take(pod) for room in rooms)), None)
        if spot is not None:
            spots[pod.pod_id] = spot
    return spots


def _as_placed(pods: Sequence[Unplaced], spots: Mapping[str, Spot]) -> list[Placed]:
    return [
        Placed(pod.pod_id, pod.demand, spots[pod.pod_id].node, spots[pod.pod_id].devices) for pod in pods if pod.pod_id in spots
    ]


def _words(pod: Unplaced, rooms: Sequence[_Room]) -> str:
    if not rooms:
        return f"A pod needs {pod.demand}, and the stage has no node for it."
    most = max(rooms, key=lambda room: (room.free.memory_mib, room.free.cpu_milli))
    free = Amount(max(0, most.free.cpu_milli), max(0, most.free.memory_mib), most.free.gpus)
    gpus = free.gpus if pod.demand.gpus else None
    return f"A pod needs {pod.demand}; the node with most room, {most.name}, has {free.words(gpus)} free."
