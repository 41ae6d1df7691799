"""Pods on nodes: nothing is booked twice, nothing moves, and what fits is placed."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.ledger import NOTHING, Amount
from easymaker_local.domain.placement import (
    Node,
    Placed,
    Placement,
    Spot,
    Unplaced,
    could_ever_fit,
    fits_elsewhere,
    place,
    usable_of,
)

amounts = st.builds(Amount, st.integers(0, 4000), st.integers(0, 8192), st.integers(0, 2))


@st.composite
def stages(draw: st.DrawFn) -> tuple[list[Node], list[Placed], list[Unplaced]]:
    """Nodes with pods that really fit there, and more pods that may or may not."""
    nodes = [
        Node(f"node-{n}", draw(amounts), tuple(f"GPU-{n}-{d}" for d in range(draw(st.integers(0, 3)))))
        for n in range(draw(st.integers(0, 4)))
    ]
    first = [Unplaced(f"old-{n}", draw(amounts)) for n in range(draw(st.integers(0, 4)))]
    found = place(nodes, [], first)
    placed = [
        Placed(pod.pod_id, pod.demand, found.spots[pod.pod_id].node, found.spots[pod.pod_id].devices)
        for pod in first
        if pod.pod_id in found.spots
    ]
    return nodes, placed, [Unplaced(f"new-{n}", draw(amounts)) for n in range(draw(st.integers(0, 6)))]


def all_placed(placed: Sequence[Placed], pods: Sequence[Unplaced], found: Placement) -> list[Placed]:
    new = [Placed(p.pod_id, p.demand, found.spots[p.pod_id].node, found.spots[p.pod_id].devices) for p in pods if p.pod_id in found.spots]  # fmt: skip # noqa: E501
    return [*placed, *new]


def within(nodes: Sequence[Node], placed: Sequence[Placed]) -> bool:
    for node in nodes:
        here = [pod for pod in placed if pod.node == node.name]
        total = sum((pod.demand for pod in here), NOTHING)
        devices = [device for pod in here for device in pod.devices]
        if total.cpu_milli > node.usable.cpu_milli or total.memory_mib > node.usable.memory_mib:
            return False
        if len(devices) != len(set(devices)) or not set(devices) <= set(node.devices):
            return False
        if any(len(pod.devices) != pod.demand.gpus for pod in here):
            return False
    return True


@given(stages())
def test_never_overbooks_and_has_an_answer_for_each_pod(stage: tuple[list[Node], list[Placed], list[Unplaced]]) -> None:
    """IT-L05, SR-L02: within the usable amounts of each node, every device once; no pod is forgotten."""
    nodes, placed, pods = stage
    found = place(nodes, placed, pods)
    assert within(nodes, all_placed(placed, pods, found))
    assert {*found.spots, *found.unplaceable} == {pod.pod_id for pod in pods}
    assert not set(found.spots) & set(found.unplaceable)


@given(stages())
def test_places_all_if_the_simplest_way_can(stage: tuple[list[Node], list[Placed], list[Unplaced]]) -> None:
    """Whatever fits one by one, in the given order, is placed; and one alone is only refused if no node has room."""
    nodes, placed, pods = stage
    one_by_one = list(placed)
    for pod in pods:
        found = place(nodes, one_by_one, [pod])
        if found.unplaceable:
            assert not any(within(nodes, [*one_by_one, trial]) for trial in trials(nodes, one_by_one, pod))
            return
        one_by_one = all_placed(one_by_one, [pod], found)
    assert place(nodes, placed, pods).unplaceable == {}


def trials(nodes: Sequence[Node], placed: Sequence[Placed], pod: Unplaced) -> list[Placed]:
    found = []
    for node in nodes:
        used = {device for other in placed if other.node == node.name for device in other.devices}
        free = [device for device in node.devices if device not in used]
        if len(free) >= pod.demand.gpus:
            found.append(Placed(pod.pod_id, pod.demand, node.name, tuple(free[: pod.demand.gpus])))
    return found


@given(stages(), st.integers(0, 3))
def test_a_node_is_only_emptied_if_all_its_pods_fit_elsewhere(
    stage: tuple[list[Node], list[Placed], list[Unplaced]], number: int
) -> None:
    """AS-11."""
    nodes, placed, _ = stage
    name = f"node-{number}"
    found = fits_elsewhere(name, nodes, placed)
    if found is None:
        return
    assert set(found.spots) == {pod.pod_id for pod in placed if pod.node == name}
    assert all(spot.node != name for spot in found.spots.values())
    moved = [
        Placed(pod.pod_id, pod.demand, found.spots[pod.pod_id].node, found.spots[pod.pod_id].devices)
        if pod.pod_id in found.spots
        else pod
        for pod in placed
    ]
    assert within(nodes, moved)


def test_largest_first_where_order_leaves_one_without_a_place() -> None:
    """Two small pods in front must not cost the large one behind them its only node."""
    nodes = [Node("node-0", Amount(4000, 4096)), Node("node-1", Amount(1000, 1024))]
    pods = [Unplaced("a", Amount(1000, 1024)), Unplaced("b", Amount(4000, 4096))]
    assert place(nodes, [], pods).spots == {"a": Spot("node-1"), "b": Spot("node-0")}


def test_words_and_closed_nodes() -> None:
    """AS-10: why a pod has no place, with the numbers; a closed node takes none although it has room."""
    nodes = [Node("node-0", Amount(1900, 3840), ("GPU-1",))]
    pod = Unplaced("p", Amount(2000, 1024))
    assert place(nodes, [], [pod]).unplaceable == {
        "p": "A pod needs 2 vCPU and 1 GiB; the node with most room, node-0, has 1.9 vCPU and 3.75 GiB free."
    }
    small = Unplaced("p", Amount(100, 100, 1))
    assert place(nodes, [], [small]).spots == {"p": Spot("node-0", ("GPU-1",))}
    assert place(nodes, [], [small], closed={"node-0"}).unplaceable == {
        "p": f"A pod needs {small.demand}, and the stage has no node for it."
    }
    assert could_ever_fit(small.demand, nodes[0])
    assert not could_ever_fit(pod.demand, nodes[0])


@given(amounts, amounts)
def test_base_usage_is_taken_off_a_node_once(booked: Amount, base: Amount) -> None:
    """RI-L01: flavor less base = usable, never below nothing."""
    found = usable_of(booked, base)
    assert found.cpu_milli == max(0, booked.cpu_milli - base.cpu_milli)
    assert found.memory_mib == max(0, booked.memory_mib - base.memory_mib)
    assert found.gpus == booked.gpus
