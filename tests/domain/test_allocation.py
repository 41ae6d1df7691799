"""From percentages and amounts to what each pod takes (SR-02…SR-05, SR-10, SR-11, RI-01…RI-05, SR-L02)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.allocation import LEAST, Ask, allot, place, usable_of
from easymaker_local.domain.endpoint_spec import Allocation
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.ledger import NOTHING, Amount

BASE = Amount(100, 256)
USABLE = Amount(3900, 7936)
GPUS = Amount(3900, 7936, 4)
SMALL = {"cpu": "1", "memory": "1Gi"}


def ask(pods: int = 1, *, uses_gpu: bool = True, field: str = "list.0.resourceOptionDetail", **allocation: Any) -> Ask:
    return Ask(Allocation.model_validate(allocation), pods, uses_gpu, field)


def demands(asks: list[Ask], usable: Amount = USABLE, nodes: int = 1) -> list[Amount]:
    found, faults = allot(asks, usable, [usable] * nodes)
    assert faults == []
    return found


def faults_of(asks: list[Ask], usable: Amount = USABLE, nodes: int = 1) -> dict[str, str]:
    _, faults = allot(asks, usable, [usable] * nodes)
    return {fault.field: fault.message for fault in faults}


def test_usable_is_the_flavor_without_the_base() -> None:
    """RI-01, RI-L01."""
    flavor = Flavor(name="f", vcpus=4, memory_mib=8192, gpu_count=2)
    assert usable_of(flavor, BASE) == Amount(3900, 7936, 2)
    assert usable_of(Flavor(name="tiny", vcpus=1, memory_mib=128), Amount(2000, 256)) == NOTHING


@pytest.mark.parametrize(
    ("asks", "usable", "nodes", "expected"),
    [
        # A percentage is one of the usable resources, for each pod.
        ([ask(percentage=50)], USABLE, 1, [Amount(1950, 3968)]),
        ([ask(2, percentage=50)], USABLE, 1, [Amount(1950, 3968)]),
        ([ask(percentage=100), ask(percentage=100)], USABLE, 2, [USABLE, USABLE]),
        # Amounts as they are, with and without units.
        ([ask(cpu="1.5", memory="2048Mi")], USABLE, 1, [Amount(1500, 2048)]),
        ([ask(cpu="500m", memory="1Gi")], USABLE, 1, [Amount(500, 1024)]),
        ([ask(cpu=1, memory="2G")], USABLE, 1, [Amount(1000, 1907)]),
        # An amount for one resource, a percentage for the others (SR-10).
        ([ask(percentage=50, cpu="0.5")], USABLE, 1, [Amount(500, 3968)]),
        # Less than an engine can limit.
        ([ask(cpu="0.0", memory="1Mi")], USABLE, 1, [LEAST]),
        # Nothing at all: equal shares of what there is.
        ([ask()], USABLE, 1, [USABLE]),
        ([ask(), ask()], USABLE, 1, [Amount(1950, 3968), Amount(1950, 3968)]),
        ([ask(), ask()], USABLE, 2, [USABLE, USABLE]),
        ([ask(percentage=60), ask()], USABLE, 1, [Amount(2340, 4761), Amount(1560, 3175)]),
        # Whole devices: rounded down from a percentage, dealt out from nothing, none for what computes on none.
        ([ask(percentage=100)], GPUS, 1, [GPUS]),
        ([ask(percentage=60), ask(percentage=40)], GPUS, 1, [Amount(2340, 4761, 2), Amount(1560, 3174, 1)]),
        ([ask(percentage=10)], GPUS, 1, [Amount(390, 793, 0)]),
        ([ask(2)], GPUS, 1, [Amount(1950, 3968, 2)]),
        ([ask(3)], GPUS, 1, [Amount(1300, 2645, 1)]),
        ([ask(gpu="1", **SMALL), ask(**SMALL)], GPUS, 1, [Amount(1000, 1024, 1), Amount(1000, 1024, 3)]),
        ([ask(uses_gpu=False), ask()], GPUS, 1, [Amount(1950, 3968, 0), Amount(1950, 3968, 4)]),
        ([ask(gpu="0")], GPUS, 1, [Amount(3900, 7936, 0)]),
    ],
)  # fmt: skip
def test_what_each_pod_gets(asks: list[Ask], usable: Amount, nodes: int, expected: list[Amount]) -> None:
    assert demands(asks, usable, nodes) == expected


@pytest.mark.parametrize(
    ("asks", "usable", "nodes", "field", "words"),
    [
        ([ask(cpu="4", memory="1Gi")], USABLE, 1, "list.0.resourceOptionDetail", "only 3.9 vCPU"),
        (
            [ask(cpu="1", memory="8Gi")],
            USABLE,
            4,
            "list.0.resourceOptionDetail",
            "each pod takes 8 GiB, but of an instance only ",
        ),
        ([ask(2, percentage=60)], USABLE, 1, "list.0.resourceOptionDetail", "altogether"),
        ([ask(percentage=60), ask(percentage=50)], USABLE, 1, "endpointModelResourceList", "altogether"),
        # The sum fits two instances, three pods of which each takes more than half of one do not.
        ([ask(3, percentage=60)], USABLE, 2, "list.0.resourceOptionDetail", "find no place"),
        ([ask(gpu="0.5")], GPUS, 1, "list.0.resourceOptionDetail.gpu", "whole devices"),
        ([ask(gpu="1")], USABLE, 1, "list.0.resourceOptionDetail.gpu", "an instance has 0"),
        ([ask(gpu="8")], GPUS, 2, "list.0.resourceOptionDetail.gpu", "an instance has 4"),
        ([ask(5)], GPUS, 1, "list.0.resourceOptionDetail.gpu", "4 GPU for 5 pods"),
        ([ask(percentage=100), ask()], USABLE, 1, "endpointModelResourceList", "altogether"),
    ],
)
def test_what_cannot_be_met_names_the_field(asks: list[Ask], usable: Amount, nodes: int, field: str, words: str) -> None:
    """SR-11, RI-04, SR-L02, GN-02."""
    assert words in faults_of(asks, usable, nodes)[field]


@pytest.mark.parametrize(
    ("asks", "nodes", "words"),
    [
        ([ask(cpu="4")], 1, "each pod takes 4 vCPU, but of an instance only 3.9 vCPU can be used"),
        ([ask(memory="8Gi")], 1, "each pod takes 8 GiB, but of an instance only 7.75 GiB can be used"),
        ([ask(2, cpu="2")], 1, "the pods take 4 vCPU altogether, but 3.9 vCPU can be used of the stage's instances"),
        ([ask(3, cpu="2.5")], 2, "the pods take 7.5 vCPU of 7.8 vCPU, but no pod can be parted"),
    ],
)
def test_only_what_was_asked_for_and_is_too_much_is_named(asks: list[Ask], nodes: int, words: str) -> None:
    """RI-04, SR-11, GN-02: nobody asked for "0 GiB"."""
    [message] = faults_of(asks, USABLE, nodes).values()
    assert message.startswith(words)


def test_what_is_offered_instead_of_a_part_of_a_gpu() -> None:
    _, faults = allot([ask(gpu="0.5")], GPUS, [GPUS], "take g2.mig")
    assert "take g2.mig" in faults[0].message


@pytest.mark.parametrize(
    "allocation",
    [{"percentage": 0}, {"percentage": 101}, {"cpu": "much"}, {"memory": "0"}, {"percentage": 5, "cpu": "1", "memory": "1Gi"}],
)
def test_what_is_no_allocation(allocation: dict[str, Any]) -> None:
    """SR-10, SR-03, SR-04."""
    with pytest.raises(ValueError):
        Allocation.model_validate(allocation)


ALLOCATIONS = st.one_of(
    st.just({}),
    st.builds(lambda p: {"percentage": p}, st.integers(1, 100)),
    st.builds(lambda c, m: {"cpu": f"{c}m", "memory": f"{m}Mi"}, st.integers(0, 5000), st.integers(1, 9000)),
    st.builds(lambda c: {"cpu": f"{c}m"}, st.integers(0, 5000)),
    st.builds(lambda g: {"gpu": str(g)}, st.integers(0, 5)),
)
ASKS = st.lists(
    st.builds(lambda a, p, g: ask(p, uses_gpu=g, **a), ALLOCATIONS, st.integers(1, 5), st.booleans()), min_size=1, max_size=5
)


@given(ASKS, st.integers(1, 4), st.sampled_from([USABLE, GPUS, Amount(900, 1792), NOTHING]))
def test_whatever_is_accepted_has_its_place(asks: list[Ask], nodes: int, usable: Amount) -> None:
    """SR-11, RI-04: no node is promised twice, and whoever asked for an amount gets it."""
    found, faults = allot(asks, usable, [usable] * nodes)
    if faults:
        return
    pods = [demand for one, demand in zip(asks, found, strict=True) for _ in range(one.pods)]
    left = place(pods, [usable] * nodes)
    assert left is not None
    assert all(min(node.cpu_milli, node.memory_mib, node.gpus) >= 0 for node in left)
    total = sum(pods, NOTHING)
    assert sum(left, NOTHING) + total == sum([usable] * nodes, NOTHING)
    for one, demand in zip(asks, found, strict=True):
        assert demand.cpu_milli >= LEAST.cpu_milli
        assert demand.memory_mib >= LEAST.memory_mib
        if one.allocation.gpu is not None:
            assert demand.gpus == int(one.allocation.gpu)
        if one.allocation.percentage is not None:
            assert demand.memory_mib == max(LEAST.memory_mib, int(usable.memory_mib * one.allocation.percentage / 100))
    shares = {
        demand.memory_mib
        for one, demand in zip(asks, found, strict=True)
        if one.allocation.memory is None and one.allocation.percentage is None
    }
    assert len(shares) <= 1, "equal shares"
