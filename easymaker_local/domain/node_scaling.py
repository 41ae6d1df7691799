"""How many nodes a stage is to have (AS-10, AS-11), and for how many pods there is room. Pure.

A node's use is what its pods may take of what is usable there, the highest of CPU, memory and GPUs: by what is promised, not by
what is used at the moment, as Kubernetes' cluster autoscaler counts it. For a pod's share stays its own when it does nothing.

- Out: a pod has no room on any node. One node at a time, the next when the one before is booked; nodes are admitted by the
  queue like everything else (AS-L01).
- In: a node was at or below the threshold for the whole duration, its pods have room on the others, the minimum is kept. Nodes
  are watched only once the delay after the last addition is over (AS-08). One node at a time; the stage moves its pods first.
- A node that has been asked for, and is not there yet, is given up as soon as no pod needs it. So are those of a stage that
  sleeps, beyond what it was created with.

What is remembered is kept in memory, see ``autoscaling``: after a restart delay and durations begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from easymaker_local.domain.autoscaling import Decision
from easymaker_local.domain.endpoint_spec import MAXIMUM_PODS, StageSettings
from easymaker_local.domain.ledger import NOTHING, Amount
from easymaker_local.domain.placement import Node, Placed, Unplaced, could_ever_fit, fits_elsewhere, place

MACHINE_FULL = "machine full"
"""AS-L01."""


@dataclass(frozen=True)
class Layout:
    """A stage as it is: its nodes, the pods that have a place there, and those that look for one."""

    nodes: tuple[Node, ...]
    placed: tuple[Placed, ...]
    pending: tuple[Unplaced, ...] = ()


@dataclass(frozen=True)
class NodeMemory:
    """What is remembered of a stage. ``added``: tick of the last new node; ``low``: since when nodes have been little used."""

    names: frozenset[str]
    added: float
    low: Mapping[str, float]


def room_for(demand: Amount, layout: Layout, mine: int, empty: Sequence[Node] = ()) -> int:
    """Return how many pods of a size the stage can hold beside all others: ``mine`` that have a place, and what fits more.

    ``empty``: nodes that it does not have but may get. Pods that look for a place in ``layout`` are those of others.
    """
    nodes = [*layout.nodes, *empty]
    first = place(nodes, layout.placed, layout.pending)
    others = [
        Placed(pod.pod_id, pod.demand, spot.node, spot.devices)
        for pod in layout.pending
        if (spot := first.spots.get(pod.pod_id)) is not None
    ]
    more = [Unplaced(f"more {number}", demand) for number in range(min(_most(demand, nodes), MAXIMUM_PODS))]
    return min(mine + len(place(nodes, [*layout.placed, *others], more).spots), MAXIMUM_PODS)


def _most(demand: Amount, nodes: Sequence[Node]) -> int:
    """Return a number of pods above which nothing fits on empty nodes."""
    whole = sum((node.usable for node in nodes), NOTHING)
    pairs = ((whole.cpu_milli, demand.cpu_milli), (whole.memory_mib, demand.memory_mib), (whole.gpus, demand.gpus))
    return min((there // each for there, each in pairs if each), default=0)


def use_of(node: Node, placed: Sequence[Placed]) -> float:
    """Return how much of a node is promised to its pods, in percent: of CPU, memory or GPUs, whichever is most."""
    taken = sum((pod.demand for pod in placed if pod.node == node.name), NOTHING)
    there = node.usable
    pairs = ((taken.cpu_milli, there.cpu_milli), (taken.memory_mib, there.memory_mib), (taken.gpus, there.gpus))
    return max((100 * part / whole for part, whole in pairs if whole), default=0.0)


def decide_nodes(
    settings: StageSettings,
    wanted: int,
    layout: Layout,
    memory: NodeMemory | None,
    tick: float,
    *,
    waits: bool = False,
    refused: str | None = None,
) -> tuple[NodeMemory, Decision | None]:
    """Return what to remember, and a change or what stands in its way. ``wanted`` is how many nodes are wanted so far.

    ``waits``: a node that is wanted waits in the queue. ``refused`` says why there is no scale-out at all (UP-L03), None if
    there may be. There is at least one node.
    """
    remembered = _watch(settings, layout, memory, tick)
    unplaceable = place(layout.nodes, layout.placed, layout.pending).unplaceable
    # What is too large for an empty node is not helped by one.
    helped = [pod for pod in layout.pending if pod.pod_id in unplaceable and could_ever_fit(pod.demand, layout.nodes[0])]
    if helped:
        return remembered, _out(settings, wanted, len(layout.nodes), len(helped), waits=waits, refused=refused)
    if wanted > len(layout.nodes):
        new = max(len(layout.nodes), settings.ca_min_node_count)
        words = f"Nodes {wanted} → {new}: every pod has room; the other was not there yet."
        return remembered, Decision(wanted, new, 0, 0, words) if new < wanted else None
    return remembered, _in(settings, wanted, layout, remembered, tick)


def decide_asleep(settings: StageSettings, wanted: int) -> Decision | None:
    """Return a change for a stage of which everything sleeps and that holds no node: it is to wake with what it began with.

    All nodes of a stage that wakes are booked together; more than its pods need would keep it from waking on a busy machine.
    """
    if wanted <= settings.node_count:
        return None
    words = f"Nodes {wanted} → {settings.node_count}: everything sleeps. It wakes with as many as it was created with."
    return Decision(wanted, settings.node_count, 0, 0, words)


def _watch(settings: StageSettings, layout: Layout, memory: NodeMemory | None, tick: float) -> NodeMemory:
    names = frozenset(node.name for node in layout.nodes)
    if memory is None or names - memory.names:
        return NodeMemory(names, tick, {})
    if tick - memory.added < settings.ca_scale_down_delay_after_add * 60:
        return NodeMemory(names, memory.added, {})
    low = {
        node.name: memory.low.get(node.name, tick)
        for node in layout.nodes
        if use_of(node, layout.placed) <= settings.ca_scale_down_util_thresh
    }
    return NodeMemory(names, memory.added, low)


def _out(settings: StageSettings, wanted: int, held: int, pods: int, *, waits: bool, refused: str | None) -> Decision | None:
    without = f"{pods} pod{'s have' if pods > 1 else ' has'} no room on {held} node{'s' if held > 1 else ''}"
    if wanted > held:
        words = f"Scale-out blocked: machine full. {without}; one more waits in the queue."
        return Decision(wanted, wanted, pods, 0, words, MACHINE_FULL) if waits else None
    maximum = settings.ca_max_node_count
    blocked = refused
    if blocked is None and wanted >= maximum:
        blocked = f"{maximum} node{'s are' if maximum > 1 else ' is'} the maximum"
    if blocked is not None:
        return Decision(wanted, wanted, pods, 0, f"Nodes stay {wanted}: {without}, but {blocked}.", blocked)
    return Decision(wanted, wanted + 1, pods, 0, f"Nodes {wanted} → {wanted + 1}: {without}.")


def _in(settings: StageSettings, wanted: int, layout: Layout, memory: NodeMemory, tick: float) -> Decision | None:
    if not settings.ca_scale_down_enable or wanted < len(layout.nodes) or wanted <= settings.ca_min_node_count:
        return None
    duration, threshold = settings.ca_scale_down_unneeded_time, settings.ca_scale_down_util_thresh
    uses = {node.name: use_of(node, layout.placed) for node in layout.nodes}
    for name in sorted(memory.low, key=uses.__getitem__):
        if tick - memory.low[name] < duration * 60 or fits_elsewhere(name, layout.nodes, layout.placed) is None:
            continue
        low = f"use of {name} {uses[name]:.0f} %, at or below {threshold} % for {duration} minutes"
        words = f"Nodes {wanted} → {wanted - 1}: {low}; its pods have room on the others."
        return Decision(wanted, wanted - 1, uses[name], threshold, words)
    return None
