"""How many pods, which go, when one is started again, when requests wait (SR-L03, AS-11, EP-L02)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.endpoint import Pod, PodState, ResourceStatus, StageResource, Wish
from easymaker_local.domain.endpoint_spec import ResourceSpec
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.placement import Node
from easymaker_local.domain.pods import (
    CREATION_TRIES,
    changes,
    failure_of,
    is_held,
    live,
    node_to_close,
    ready,
    restart_pause,
)
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.workload import Observation, Phase

P, R = PodState, ResourceStatus
RESOURCE = StageResource("r", "s", "e", "m", ResourceSpec(model_id="m"), Amount(400, 512), R.ACTIVE, Wish.SERVE, None, 1, 0.0)


def pod(number: int, state: PodState = P.READY, node: str | None = "node-0", **more: object) -> Pod:
    return Pod(f"p{number}", "s", "r", number, state, 0.0, node=node, **more)  # type: ignore[arg-type]


@st.composite
def some_pods(draw: st.DrawFn) -> list[Pod]:
    return [
        pod(number, draw(st.sampled_from(P)), draw(st.sampled_from([None, "node-0", "node-1"])))
        for number in range(draw(st.integers(0, 6)))
    ]


@given(some_pods(), st.integers(0, 5), st.sampled_from([None, "node-0", "node-1"]))
def test_changes_lead_to_what_is_wanted_and_lose_no_answer(found: list[Pod], wanted: int, closed: str | None) -> None:
    """AS-11: off the closed node only as far as enough others answer; the least useful of too many go first."""
    change = changes(wanted, found, closed)
    assert set(change.leave) <= {p.id for p in live(found)}
    left = [p for p in live(found) if p.id not in change.leave]
    staying = [p for p in left if closed is None or p.node != closed]
    assert len(staying) + change.add >= wanted
    assert change.add == 0 or len(staying) + change.add == wanted
    assert len(staying) <= max(wanted, 0) or change.add == 0
    assert len(ready(left)) >= min(wanted, len(ready(found)))
    for gone in (p for p in found if p.id in change.leave and p.state is P.READY and p.node != closed):
        assert not any(p.state is not P.READY for p in staying), gone


@given(some_pods(), st.integers(0, 5))
def test_nothing_changes_twice(found: list[Pod], wanted: int) -> None:
    """After the changes there are none."""
    change = changes(wanted, found)
    left = [replace(p, state=P.LEAVING) if p.id in change.leave else p for p in found]
    new = [pod(10 + number, P.PENDING, None) for number in range(change.add)]
    assert changes(wanted, [*left, *new]) == type(change)()


def test_pauses_grow() -> None:
    """SR-L03."""
    assert [restart_pause(failures) for failures in (0, 1, 2, 3, 6, 7, 1000)] == [1, 1, 2, 4, 32, 60, 60]


@pytest.mark.parametrize(
    ("seen", "was_ready", "reason", "words"),
    [
        (Observation(Phase.ABSENT), True, Reason.WORKLOAD_LOST, "vanished"),
        (Observation(Phase.EXITED), True, Reason.WORKLOAD_LOST, "vanished"),
        (Observation(Phase.EXITED, 137, 9, out_of_memory=True), False, Reason.OUT_OF_MEMORY, "512 MiB. Allocated less than"),
        (Observation(Phase.EXITED, 137, 9, out_of_memory=True), True, Reason.OUT_OF_MEMORY, "the pod has 512 MiB."),
        (Observation(Phase.EXITED, 139, 11), True, Reason.KILLED_BY_SIGNAL, "signal 11."),
        (Observation(Phase.EXITED, 0), False, Reason.EXIT_CODE, "exit code 0 before it was ready."),
        (Observation(Phase.EXITED, 3, message="Remark."), True, Reason.EXIT_CODE, "exit code 3. Remark."),
    ],
)
def test_every_end_has_words(seen: Observation, was_ready: bool, reason: Reason, words: str) -> None:
    """RI-05, RI-L02: an end at start for lack of memory is told as "allocated less than needed"."""
    cause = failure_of(seen, Amount(100, 512), was_ready=was_ready)
    assert cause.reason is reason
    assert words in cause.message


def test_the_node_with_fewest_pods_is_emptied_if_they_fit_elsewhere() -> None:
    """AS-11; while replacements come up the choice stays."""
    nodes = [Node("node-0", Amount(900, 1024)), Node("node-1", Amount(900, 1024))]
    two = replace(RESOURCE, wanted_pods=2)
    here = [pod(0), pod(1, node="node-1")]
    assert node_to_close(nodes, [two], here) == "node-1"
    assert node_to_close(nodes, [two], [*here, pod(2, P.STARTING)]) == "node-1"
    assert node_to_close(nodes, [two], [pod(0), pod(1)]) == "node-1"
    three = replace(RESOURCE, wanted_pods=3)
    assert node_to_close(nodes, [three], [*here, pod(2)]) is None


SLEEPY = replace(RESOURCE, spec=ResourceSpec(model_id="m", scale_to_zero_idle_minutes=5))


@pytest.mark.parametrize(
    ("resource", "pods", "waits", "held"),
    [
        (replace(RESOURCE, wanted_pods=0), [pod(0)], False, True),
        (RESOURCE, [pod(0)], False, False),
        (RESOURCE, [], False, False),
        (RESOURCE, [pod(0, P.STARTING)], False, False),
        (RESOURCE, [pod(0, P.STARTING)], True, True),
        (RESOURCE, [pod(0)], True, False),
        (replace(RESOURCE, status=R.CREATE_FAILED), [], True, False),
        (SLEEPY, [], False, True),
        (SLEEPY, [pod(0, P.STARTING)], False, True),
        (SLEEPY, [pod(0, P.WAITING, failures=CREATION_TRIES)], False, False),
        (SLEEPY, [pod(0, P.WAITING, ready_at=1.0)], False, False),
        (replace(RESOURCE, wish=Wish.DELETE, wanted_pods=0), [], True, False),
    ],
)  # fmt: skip
def test_requests_wait_for_what_sleeps_or_wakes_and_not_for_what_failed(
    resource: StageResource, pods: list[Pod], waits: bool, held: bool
) -> None:
    """Scale to zero, and stop first of a default change."""
    assert is_held([resource], pods, waits=waits) is held


def test_a_model_on_two_resources_is_held_if_both_sleep() -> None:
    """EP-13."""
    asleep = replace(RESOURCE, wanted_pods=0)
    assert is_held([asleep, replace(asleep, id="r2")], [], waits=False)
    assert not is_held([asleep, replace(RESOURCE, id="r2")], [pod(0)], waits=False)
    assert pod(0).cause is None
    assert pod(0, reason=Reason.NOT_READY, message="x").cause == Cause(Reason.NOT_READY, "x")
