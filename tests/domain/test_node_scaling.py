"""The rules of the node autoscaler (AS-02…AS-11, AS-L01) on ticks and layouts written by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.autoscaling import Decision
from easymaker_local.domain.endpoint_spec import MAXIMUM_PODS, StageSettings
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.node_scaling import Layout, NodeMemory, decide_nodes, room_for, use_of
from easymaker_local.domain.placement import Node, Placed, Unplaced, fits_elsewhere

USABLE = Amount(4000, 8000)
MINUTE = 60.0
ROW = {"flavorId": "f", "endpointModelResourceList": [{"modelId": "m"}], "caEnable": True, "nodeCount": 1}


def settings(**fields: Any) -> StageSettings:
    """Return a stage's settings; by default one to three nodes, 50 %, 10 minutes each."""
    return StageSettings.model_validate({**ROW, "caMaxNodeCount": 3, **fields})


def layout(*pods: list[tuple[int, int]], pending: tuple[tuple[int, int], ...] = ()) -> Layout:
    """Return nodes, each with pods of (milli-CPUs, MiB), and pods that look for a place."""
    nodes = tuple(Node(f"node-{number}", USABLE) for number in range(len(pods)))
    placed = tuple(
        Placed(f"p{number}-{place}", Amount(*size), f"node-{number}")
        for number, sizes in enumerate(pods)
        for place, size in enumerate(sizes)
    )
    return Layout(nodes, placed, tuple(Unplaced(f"u{place}", Amount(*size)) for place, size in enumerate(pending)))


def settled(seen: Layout, tick: float = 0.0, **low: float) -> NodeMemory:
    """Return the memory of a stage whose last node came long ago."""
    return NodeMemory(frozenset(node.name for node in seen.nodes), tick - 1e6, {k.replace("_", "-"): v for k, v in low.items()})


HALF, FULL, BIG = (2000, 4000), (4000, 8000), (4001, 1)


@pytest.mark.parametrize(
    ("wanted", "seen", "fields", "new", "why"),
    [
        (1, layout([FULL], pending=(HALF,)), {}, 2, "a pod has no room"),
        (1, layout([FULL], pending=(HALF,) * 9), {}, 2, "one node at a time"),
        (2, layout([FULL], [FULL], pending=(HALF,)), {}, 3, "up to the maximum"),
        (3, layout([FULL], [FULL], [FULL], pending=(HALF,)), {}, 3, "not beyond"),
        (1, layout([HALF], pending=(HALF,)), {}, 1, "it has room, only nobody has placed it yet"),
        (1, layout([FULL], pending=(BIG,)), {}, 1, "an empty node would not hold it"),
        (2, layout([FULL], pending=(HALF,)), {}, 2, "the node before is not there yet"),
        (2, layout([HALF], pending=(HALF,)), {}, 1, "the node that is not there is not needed any more"),
        (3, layout([FULL]), {"caMinNodeCount": 2, "nodeCount": 2}, 2, "given up as far as the minimum"),
        (1, layout([FULL], [HALF], [HALF], pending=(FULL,)), {}, 2, "of two that were to go one stays"),
    ],
)
def test_out(wanted: int, seen: Layout, fields: dict[str, Any], new: int, why: str) -> None:
    """AS-10."""
    _, decision = decide_nodes(settings(**fields), wanted, seen, settled(seen), 0)
    assert (wanted if decision is None else decision.new) == new, why


def test_decisions_tell_their_numbers() -> None:
    """AS-L02, AS-L01: out, at the maximum, machine full, in."""
    one = layout([FULL], pending=(HALF, HALF))
    _, decision = decide_nodes(settings(), 1, one, settled(one), 0)
    assert decision == Decision(1, 2, 2, 0, "Nodes 1 → 2: 2 pods have no room on 1 node.")
    _, decision = decide_nodes(settings(caMaxNodeCount=1), 1, one, settled(one), 0)
    assert decision is not None
    assert (decision.words, decision.blocked) == (
        "Nodes stay 1: 2 pods have no room on 1 node, but 1 node is the maximum.", "1 node is the maximum",
    )  # fmt: skip
    _, decision = decide_nodes(settings(), 2, one, settled(one), 0, waits=True)
    assert decision is not None
    assert (decision.old, decision.new, decision.blocked) == (2, 2, "machine full")
    assert decision.words == "Scale-out blocked: machine full. 2 pods have no room on 1 node; one more waits in the queue."
    _, decision = decide_nodes(settings(), 1, one, settled(one), 0, refused="runtime version 1 has expired")
    assert decision is not None
    assert (decision.new, decision.blocked) == (1, "runtime version 1 has expired"), "UP-L03"
    two = layout([HALF], [(1000, 1000)])
    _, decision = decide_nodes(settings(), 2, two, settled(two, node_0=0.0, node_1=0.0), 600)
    assert decision == Decision(
        2, 1, 25, 50, "Nodes 2 → 1: use of node-1 25 %, at or below 50 % for 10 minutes; its pods have room on the others."
    )


@pytest.mark.parametrize(
    ("pods", "fields", "low_minutes", "goes", "why"),
    [
        ([[HALF], [HALF]], {}, 10, True, "50 % is at the threshold, for 10 minutes, and fits beside the other"),
        ([[HALF], [HALF]], {}, 9.99, False, "not long enough"),
        ([[HALF], [HALF]], {"caScaleDownUnneededTime": 30}, 29, False, "a longer duration"),
        ([[HALF], [HALF]], {"caScaleDownUnneededTime": 0}, 0, True, "no duration"),
        ([[(2001, 1)], [(2001, 1)]], {}, 60, False, "CPU above the threshold"),
        ([[(1, 4001)], [(1, 4001)]], {}, 60, False, "memory above the threshold"),
        ([[FULL], [HALF]], {}, 60, False, "its pods do not fit elsewhere"),
        ([[FULL], []], {}, 60, True, "an empty one always goes"),
        ([[FULL], []], {"caScaleDownUtilThresh": 0}, 60, True, "0 %: only empty ones"),
        ([[FULL], [(1, 1)]], {"caScaleDownUtilThresh": 0}, 60, False, "0 %: only empty ones"),
        ([[HALF], [HALF]], {"caScaleDownEnable": False}, 60, False, "scale-in is off"),
        ([[HALF], [HALF]], {"caMinNodeCount": 2, "nodeCount": 2}, 60, False, "the minimum is kept"),
        ([[HALF]], {}, 60, False, "the last one stays"),
    ],
)
def test_in(pods: list[list[tuple[int, int]]], fields: dict[str, Any], low_minutes: float, goes: bool, why: str) -> None:
    """AS-03, AS-05…AS-07, AS-11."""
    seen, chosen = layout(*pods), settings(**fields)
    wanted, tick = len(pods), 1e5
    memory = settled(seen, tick)
    memory, first = decide_nodes(chosen, wanted, seen, memory, tick)
    if not low_minutes:
        assert (first is not None) is goes, why
        return
    assert first is None
    _, decision = decide_nodes(chosen, wanted, seen, memory, tick + low_minutes * MINUTE)
    assert (decision is not None and decision.new == wanted - 1) is goes, why


def test_use_must_stay_low() -> None:
    """AS-07: a node that was used more in between is watched anew."""
    low, busy = layout([HALF], [HALF]), layout([FULL], [FULL])
    memory = settled(low)
    ticks = []
    for minute in range(40):
        memory, decision = decide_nodes(settings(), 2, busy if minute == 5 else low, memory, minute * MINUTE)
        ticks += [minute] if decision is not None else []
    assert ticks[0] == 16


def test_nodes_are_watched_once_the_delay_after_an_addition_is_over() -> None:
    """AS-08: 10 minutes of delay, then 10 of low use; also after a restart, when the additions are not known."""
    seen, memory, added = layout([HALF], [HALF]), None, []
    for minute in range(60):
        memory, decision = decide_nodes(settings(), 2, seen, memory, minute * MINUTE)
        added += [minute] if decision is not None else []
    assert added[0] == 20
    three = layout([HALF], [HALF], [])
    minutes = []
    for minute in range(60, 120):
        memory, decision = decide_nodes(settings(), 3, three, memory, minute * MINUTE)
        minutes += [minute] if decision is not None else []
    assert minutes[0] == 80


def test_nothing_goes_while_a_pod_looks_for_a_place_or_a_node_is_going() -> None:
    """AS-10 before AS-11, and one node at a time; a pod that no node can hold stands in nobody's way."""
    low = {"node_1": 0.0, "node_2": 0.0}
    full = layout([FULL], [HALF], [HALF], pending=(FULL,))
    _, decision = decide_nodes(settings(), 3, full, settled(full, **low), 1e5)
    assert decision is not None
    assert decision.new == 3, "the maximum"
    going = layout([FULL], [], [HALF])
    _, decision = decide_nodes(settings(), 2, going, settled(going, **low), 1e5)
    assert decision is None
    hopeless = layout([FULL], [], [HALF], pending=(BIG,))
    _, decision = decide_nodes(settings(), 3, hopeless, settled(hopeless, **low), 1e5)
    assert decision is not None
    assert decision.new == 2


def test_gpus_count_as_use() -> None:
    """AS-06, SR-L02."""
    node = Node("node-0", Amount(4000, 8000, 2), ("GPU-1", "GPU-2"))
    assert use_of(node, [Placed("p", Amount(100, 100, 1), "node-0", ("GPU-1",))]) == 50
    assert use_of(node, []) == 0


def test_room() -> None:
    """AS-16: what the stage can hold, beside the pods of others and with the nodes that it may get."""
    half = Amount(*HALF)
    assert room_for(half, layout([HALF]), 1) == 2
    assert room_for(half, layout([HALF], pending=(HALF,)), 1) == 1, "another's pod goes first"
    assert room_for(half, layout([HALF]), 1, [Node("n", USABLE)]) == 4
    assert room_for(Amount(*BIG), layout([HALF]), 0, [Node("n", USABLE)]) == 0
    assert room_for(Amount(1, 1), layout([HALF]), 1) == MAXIMUM_PODS
    gpu = Node("node-0", Amount(4000, 8000, 2), ("GPU-1", "GPU-2"))
    assert room_for(Amount(100, 100, 1), Layout((gpu,), ()), 0) == 2


sizes = st.tuples(st.integers(1, 4500), st.integers(1, 9000))


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    pods = []
    for _ in range(draw(st.integers(1, 4))):
        here: list[tuple[int, int]] = []
        for size in draw(st.lists(sizes, max_size=4)):
            if all(sum(column) <= most for column, most in zip(zip(*here, size, strict=True), FULL, strict=True)):
                here.append(size)
        pods.append(here)
    return layout(*pods, pending=tuple(draw(st.lists(sizes, max_size=3))))


@given(layouts(), st.integers(1, 4), st.integers(1, 4), st.integers(0, 100), st.lists(st.integers(1, 1500), max_size=12))
def test_invariants(seen: Layout, minimum: int, more: int, threshold: int, waits: list[int]) -> None:
    """AS-03…AS-11: whatever is there: within minimum and maximum, one at a time, in only when it fits and not early."""
    maximum = min(minimum + more, 10)
    chosen = settings(caMinNodeCount=minimum, nodeCount=minimum, caMaxNodeCount=maximum, caScaleDownUtilThresh=threshold)
    wanted, memory, tick = len(seen.nodes), None, 0.0
    for seconds in (0, *waits):
        tick += seconds
        memory, decision = decide_nodes(chosen, wanted, seen, memory, tick)
        if decision is None:
            continue
        assert decision.old == wanted
        assert abs(decision.new - wanted) <= 1
        if decision.new > wanted:
            assert decision.new <= maximum
            assert seen.pending
        if decision.new < wanted:
            assert decision.new >= minimum
            assert tick >= 20 * MINUTE, "delay and duration"
            assert any(
                use_of(node, seen.placed) <= threshold and fits_elsewhere(node.name, seen.nodes, seen.placed) is not None
                for node in seen.nodes
            )
