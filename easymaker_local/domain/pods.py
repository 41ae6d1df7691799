"""What is decided about the pods of a stage resource: how many, which go, when one is started again (SR-L03). Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from easymaker_local.domain.endpoint import Pod, PodState, ResourceStatus, StageResource, Wish
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.node_scaling import use_of
from easymaker_local.domain.placement import Node, Placed, Unplaced, place
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.workload import Observation, Phase

CREATION_TRIES = 3
"""So often a pod may fail in a row before the creation of its resource has failed (SR-22)."""

STEADY_SECONDS = 60.0
"""Ready for so long, a pod's earlier failures are forgotten."""

LONGEST_PAUSE_SECONDS = 60.0

FINAL_REASONS = frozenset(
    {Reason.INPUT_MISSING, Reason.ACCESS_DENIED, Reason.ENVIRONMENT_FAILED, Reason.NEVER_FITS, Reason.REQUIREMENTS_FAILED}
)
"""Another try would end in the same way: a creation fails at once."""


def restart_pause(failures: int) -> float:
    """Return the pause in seconds before a pod is started again that has failed so often in a row: 1, 2, 4, … 60."""
    return min(LONGEST_PAUSE_SECONDS, 2.0 ** min(max(failures, 1) - 1, 16))


def failure_of(seen: Observation, given: Amount, *, was_ready: bool) -> Cause:
    """Return why a model server ended, for people; ``given`` is what the pod had (RI-05, RI-L02)."""
    remark = f" {seen.message}" if seen.message else ""
    if seen.phase is Phase.ABSENT or seen.exit_code is None:
        return Cause(Reason.WORKLOAD_LOST, f"The model server vanished; how it ended is not known.{remark}")
    if seen.out_of_memory:
        words = f"Out of memory: the pod has {given.memory_mib} MiB."
        if not was_ready:
            words += " Allocated less than needed: the model does not load with it."
        return Cause(Reason.OUT_OF_MEMORY, words + remark)
    when = "" if was_ready else " before it was ready"
    if seen.signal is not None:
        return Cause(Reason.KILLED_BY_SIGNAL, f"The model server was killed by signal {seen.signal}{when}.{remark}")
    return Cause(Reason.EXIT_CODE, f"The model server ended with exit code {seen.exit_code}{when}.{remark}")


@dataclass(frozen=True)
class Changes:
    """How many pods are to be made, and which are to leave, by their ids."""

    add: int = 0
    leave: tuple[str, ...] = ()


def wanted_of(resource: StageResource) -> int:
    """Return how many pods there are to be."""
    is_served = resource.wish is Wish.SERVE and resource.status in {
        ResourceStatus.CREATE_REQUESTED,
        ResourceStatus.CREATE_IN_PROGRESS,
        ResourceStatus.ACTIVE,
    }
    return resource.wanted_pods if is_served else 0


def live(pods: Sequence[Pod]) -> list[Pod]:
    """Return those that are not leaving."""
    return [pod for pod in pods if pod.state is not PodState.LEAVING]


def ready(pods: Sequence[Pod]) -> list[Pod]:
    """Return those that answer."""
    return [pod for pod in pods if pod.state is PodState.READY]


def changes(wanted: int, pods: Sequence[Pod], closed: str | None = None) -> Changes:
    """Return what brings the pods of a resource to ``wanted``; those on the ``closed`` node are moved.

    A pod that answers leaves the closed node only when enough others do, so nothing is lost by the move (AS-11).
    """
    there = live(pods)
    moving = [pod for pod in there if closed is not None and pod.node == closed]
    staying = sorted((pod for pod in there if pod not in moving), key=_usefulness)
    surplus = max(0, len(staying) - wanted)
    leave = staying[:surplus]
    left = staying[surplus:]
    leave += [pod for pod in moving if pod.state is not PodState.READY]
    answering = ready(moving)
    spare = len(ready(left)) + len(answering) - wanted
    leave += sorted(answering, key=_usefulness)[: max(0, spare)]
    return Changes(max(0, wanted - len(left)), tuple(pod.id for pod in leave))


def _usefulness(pod: Pod) -> tuple[bool, bool, int]:
    return pod.state is PodState.READY, pod.node is not None, -pod.number


def node_to_close(
    nodes: Sequence[Node], resources: Collection[StageResource], pods: Sequence[Pod], base: Collection[str] = ()
) -> str | None:
    """Return which node to empty: the least used whose pods have room elsewhere (AS-11), of these the last; None: none can.

    ``base``: nodes that are no candidates.
    """
    demands = {resource.id: resource.demand for resource in resources}
    there = [placed_of(pod, demands) for pod in live(pods) if pod.node is not None and pod.resource_id in demands]
    candidates = (node for node in nodes if node.name not in base)
    order = sorted(candidates, key=lambda node: (use_of(node, there), -node_number(node.name)))
    return next((node.name for node in order if _closable(node.name, nodes, resources, pods)), None)


def _closable(name: str, nodes: Sequence[Node], resources: Collection[StageResource], pods: Sequence[Pod]) -> bool:
    demands = {resource.id: resource.demand for resource in resources}
    placed = [placed_of(pod, demands) for pod in pods if pod.node not in {None, name} and pod.resource_id in demands]
    looking = []
    for resource in resources:
        staying = [pod for pod in live(pods) if pod.resource_id == resource.id and pod.node != name]
        looking += [Unplaced(pod.id, resource.demand) for pod in staying if pod.node is None]
        missing = max(0, wanted_of(resource) - len(staying))
        looking += [Unplaced(f"{resource.id}+{number}", resource.demand) for number in range(missing)]
    return not place(nodes, placed, looking, closed={name}).unplaceable


def placed_of(pod: Pod, demands: dict[str, Amount]) -> Placed:
    """Return the place that a pod has; only for one that has one."""
    return Placed(pod.id, demands[pod.resource_id], pod.node or "", pod.devices)


def node_number(member: str) -> int:
    """Return the number of ``node-<n>``."""
    return int(member.rpartition("-")[2])


def is_held(resources: Sequence[StageResource], pods: Sequence[Pod], *, waits: bool) -> bool:
    """True if requests for a model are to wait at the gateway: it sleeps, wakes, or ``waits`` for the room of another stage.

    ``resources`` are those that carry the model, ``pods`` theirs. Requests do not wait for what has failed: one that wakes
    and cannot is answered with 503.
    """
    serving = [resource for resource in resources if resource.wish is Wish.SERVE]
    if serving and all(resource.wanted_pods == 0 for resource in serving):
        return True
    there = live(pods)
    if ready(there) or not serving:
        return False
    if all(resource.status is ResourceStatus.CREATE_FAILED for resource in serving):
        return False
    wakes = all(r.status is ResourceStatus.ACTIVE and r.spec.scale_to_zero_idle_minutes > 0 for r in serving)
    is_new = all(pod.ready_at is None and pod.failures < CREATION_TRIES for pod in there)
    return waits or (wakes and is_new)
