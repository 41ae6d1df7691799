"""Admission: all members or none, first come first served with bounded back-filling, reasons that name who holds what."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.gpu import Gpu, GpuProcess, Inventory
from easymaker_local.domain.ledger import (
    NOTHING,
    Amount,
    Booking,
    Grant,
    Machine,
    Plan,
    Priority,
    Waiting,
    bookings_of,
    never_fits,
    plan,
)
from easymaker_local.domain.reason import Reason

A100, L4 = "NVIDIA A100-SXM4-40GB", "NVIDIA L4"
SMALL = Amount(2000, 4096)
NOW = 1_000_000.0
GRACE = 600.0


def gpus(a100: int = 0, l4: int = 0) -> tuple[Gpu, ...]:
    models = [A100] * a100 + [L4] * l4
    return tuple(Gpu(f"GPU-{n}", str(n), model, 40960) for n, model in enumerate(models))


MACHINE = Machine(Amount(8000, 16384))
GPU_MACHINE = Machine(Amount(8000, 16384), Inventory(gpus(2, 1)))


def request(name: str = "t1", count: int = 1, amount: Amount = SMALL, **more: object) -> Waiting:
    return Waiting("training", name, (amount,) * count, **more)  # type: ignore[arg-type]


def wants(name: str, count: int, model: str | None = A100, **more: object) -> Waiting:
    return request(name, amount=Amount(1000, 1024, count), gpu_model=model, **more)


def held(name: str, amount: Amount, *devices: str, **more: object) -> Booking:
    return Booking("training", name, "node-0", amount, devices, **more)  # type: ignore[arg-type]


def served(
    waiting: Sequence[Waiting], booked: Sequence[Booking] = (), machine: Machine = MACHINE, now: float = NOW,
    backfill_seconds: float = GRACE,
) -> Plan:  # fmt: skip
    return plan(waiting, machine, booked, now=now, backfill_seconds=backfill_seconds)


def started(found: Plan) -> list[str]:
    return [grant.request.resource_id for grant in found.grants]


def words(found: Plan, name: str) -> str:
    cause = found.cause(("training", name))
    assert cause is not None
    assert cause.reason is Reason.WAITING_FOR_RESOURCES
    return cause.message


def test_everything_that_fits_starts_in_one_pass() -> None:
    assert started(served([request(f"t{n}") for n in range(5)])) == ["t0", "t1", "t2", "t3"]


def test_what_never_fits_says_so_and_holds_up_nobody() -> None:
    """IT-L03: whatever is booked or waits."""
    found = served([request("large", 5), request("small")], [held("other", SMALL)])
    assert started(found) == ["small"]
    cause = found.cause(("training", "large"))
    assert cause is not None
    assert cause.reason is Reason.NEVER_FITS
    assert cause.message == "Needs 10 vCPU and 20 GiB, but this machine offers 8 vCPU and 16 GiB to jobs."


def test_all_nodes_or_none() -> None:
    """IT-L04, GN-26: what it waits for, who has it since when, at which place."""
    found = served([request("t1", 2)], [held("other", Amount(6000, 4096), since=NOW)])
    assert not found.grants
    assert "Waits for 4 vCPU and 8 GiB: 2 vCPU and 12 GiB are free, held by training other (since 1970-01-1" in words(
        found, "t1"
    )
    assert words(found, "t1").endswith("). Position 1 in the queue.")


def test_first_come_first_served_without_back_filling() -> None:
    """IT-L04."""
    waiting = [request("first", 3), request("second")]
    found = served(waiting, [held("other", Amount(6000, 4096))], backfill_seconds=0)
    assert not found.grants
    assert "Position 2 in the queue, behind training first" in words(found, "second")


def test_a_smaller_one_passes_the_head_for_a_set_time_only() -> None:
    """IT-L04."""
    holder = [held("other", Amount(6000, 4096))]
    fresh = [request("first", 3), request("second")]
    assert started(served(fresh, holder)) == ["second"]
    waited = [replace(fresh[0], blocked_since=NOW - GRACE + 1), fresh[1]]
    assert started(served(waited, holder)) == ["second"]
    assert not served(waited, holder, now=NOW + 1).grants


def test_what_leaves_the_head_as_well_off_may_always_pass_it() -> None:
    """IT-L04: a head that waits for a GPU does not keep CPUs that it will not need."""
    head = wants("head", 2, blocked_since=0.0)
    holder = held("other", Amount(1000, 1024, 1), "GPU-0")
    waiting = [head, wants("same", 1), wants("else", 1, L4), request("cpu", amount=Amount(5000, 1024))]
    assert started(served(waiting, [holder], GPU_MACHINE)) == ["else", "cpu"]
    too_much = [head, request("cpu", amount=Amount(7000, 1024))]
    assert not served(too_much, [holder], GPU_MACHINE).grants, "one of the CPUs is the head's"


def test_one_that_ends_before_the_head_can_start_may_pass_it() -> None:
    """IT-L04: by maximum times; what has none may end at any moment."""
    head = request("head", 4, blocked_since=0.0)
    waiting = [head, request("long", limit_seconds=7200.0), request("short", limit_seconds=3600.0), request("endless")]
    running = [held("a", SMALL, since=NOW, limit_seconds=60.0), held("b", SMALL, since=NOW - 60, limit_seconds=3660.0)]
    assert started(served(waiting, running)) == ["short"]
    assert not served(waiting, [held("c", Amount(4000, 4096))]).grants


def test_interactive_work_goes_first_but_not_before_what_waited_long_enough() -> None:
    """IT-L04: no class starves another."""
    notebook = replace(request("nb"), kind="notebook", priority=Priority.INTERACTIVE)
    batch = request("batch", 4, blocked_since=NOW - 1)
    assert started(served([notebook, batch])) == ["nb"]
    assert started(served([notebook, replace(batch, blocked_since=NOW - GRACE)])) == ["batch"]


def test_devices_are_given_out_one_by_one_per_node() -> None:
    """DT-L02, IT-L02: every node has devices of its own, of the wanted model."""
    found = served([request("gang", 2, Amount(1000, 1024, 1), gpu_model=A100), wants("other", 1, L4)], (), GPU_MACHINE)
    assert [grant.devices for grant in found.grants] == [(("GPU-0",), ("GPU-1",)), (("GPU-2",),)]


def test_more_devices_than_the_machine_has_never_fit() -> None:
    """DT-04, DT-L02."""
    cause = never_fits(request("gang", 3, Amount(1000, 1024, 1), gpu_model=A100), GPU_MACHINE)
    assert cause is not None
    assert cause.message == (
        f"Needs 3 vCPU, 3 GiB and 3 GPU ({A100}), but this machine offers 8 vCPU and 16 GiB, 2 GPU ({A100}), "
        f"1 GPU ({L4}) to jobs."
    )
    assert never_fits(request("any", 3, Amount(1000, 1024, 1)), GPU_MACHINE) is None


def with_first(**change: object) -> Machine:
    first, *rest = gpus(2, 1)
    return Machine(MACHINE.capacity, Inventory((replace(first, **change), *rest)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"processes": (GpuProcess(123, "python"),)}, "GPU 0 (GPU-0) is used by pid 123 (python), which is not ours."),
        ({"unavailable": "GPU is lost"}, "GPU 0 (GPU-0) is not available: GPU is lost."),
        ({"unseen_mib": 3072}, "GPU 0 (GPU-0) has 3.0 GiB in use by something that cannot be seen."),
    ],
)
def test_a_device_that_others_use_is_not_free_and_holds_up_nobody(change: dict[str, object], reason: str) -> None:
    """IT-L03, architecture 6: who waits for it is told why, and nothing is kept for it."""
    machine = with_first(**change)
    found = served([wants("both", 2, blocked_since=0.0), wants("one", 1)], (), machine)
    assert [grant.devices for grant in found.grants] == [(("GPU-1",),)]
    assert reason in words(found, "both")
    assert f"Waits for 1 vCPU, 1 GiB and 2 GPU ({A100})" in words(found, "both")


def test_processes_on_a_booked_device_are_its_holders() -> None:
    machine = with_first(processes=(GpuProcess(123, "python"),))
    found = served([wants("both", 2, blocked_since=0.0), wants("one", 1)], [held("mine", SMALL, "GPU-0")], machine)
    assert not found.grants, "the head waits for an end of ours, so its share is kept"
    assert "pid 123" not in words(found, "both")
    assert "held by training mine" in words(found, "both")


def test_while_the_driver_cannot_be_asked_requests_wait() -> None:
    machine = Machine(MACHINE.capacity, Inventory((), error="Driver/library version mismatch"))
    found = served([wants("one", 1), request("cpu")], (), machine)
    assert started(found) == ["cpu"]
    assert "The GPUs cannot be seen: Driver/library version mismatch." in words(found, "one")


models = st.sampled_from([A100, L4, None])
amounts = st.builds(Amount, st.integers(0, 5000), st.integers(0, 9000), st.integers(0, 2))


@st.composite
def requests(draw: st.DrawFn) -> Waiting:
    return Waiting(
        "training", "", tuple(draw(st.lists(amounts, min_size=1, max_size=3))), draw(models),
        limit_seconds=draw(st.none() | st.floats(1, 9000)), blocked_since=draw(st.none() | st.floats(NOW - 900, NOW)),
    )  # fmt: skip


def numbered(waiting: Sequence[Waiting]) -> list[Waiting]:
    return [replace(one, resource_id=f"t{n}", created_at=float(n)) for n, one in enumerate(waiting)]


@given(st.lists(requests(), max_size=12), st.sampled_from([0.0, GRACE]))
def test_never_more_is_promised_than_there_is_and_no_device_twice(waiting: list[Waiting], backfill: float) -> None:
    """IT-L03, IT-L04, in two passes, the second on what the first has booked."""
    first = served(numbered(waiting), (), GPU_MACHINE, backfill_seconds=backfill)
    second = served(first.waiting, first.booked, GPU_MACHINE, backfill_seconds=backfill)
    assert not second.grants, "one pass admits all that may start"
    total = sum((booking.amount for booking in first.booked), NOTHING)
    assert total.fits_into(Amount(8000, 16384, 3))
    devices = Counter(uuid for booking in first.booked for uuid in booking.devices)
    assert set(devices.values()) <= {1}
    for grant in first.grants:
        assert [len(uuids) for uuids in grant.devices] == [member.gpus for member in grant.request.members]
        model = {gpu.uuid: gpu.model for gpu in GPU_MACHINE.inventory.gpus}
        if grant.request.gpu_model is not None:
            assert {model[u] for uuids in grant.devices for u in uuids} <= {grant.request.gpu_model}
    keys = [r.key for r in (*[g.request for g in first.grants], *first.waiting, *[r for r, _ in first.hopeless])]
    assert sorted(keys) == sorted(one.key for one in numbered(waiting)), "each has one answer"


@given(st.lists(requests(), max_size=12))
def test_nothing_that_fits_is_left_while_the_head_is_young(waiting: list[Waiting]) -> None:
    """IT-L04: work conserving within the rule."""
    young = [replace(one, blocked_since=None) for one in numbered(waiting)]
    found = served(young, (), GPU_MACHINE)
    for left in found.waiting:
        assert not served([left], found.booked, GPU_MACHINE).grants


@given(amounts, st.integers(1, 20))
def test_equal_ones_start_in_the_order_of_their_creation(amount: Amount, count: int) -> None:
    """IT-L04."""
    found = served([request(f"t{n}", amount=amount) for n in range(count)], (), GPU_MACHINE)
    assert started(found) == [f"t{n}" for n in range(len(found.grants))]


@given(st.randoms(use_true_random=False), st.lists(requests(), min_size=1, max_size=8))
def test_nobody_starves(rng: random.Random, waiting: list[Waiting]) -> None:
    """IT-L04: against an endless stream of small jobs everyone starts, within grace and job length per place."""
    longest = 1000.0
    first = [
        replace(one, limit_seconds=longest, blocked_since=None)
        for one in numbered(waiting)
        if never_fits(one, GPU_MACHINE) is None
    ]
    queue, booked, now, number = list(first), list[Booking](), NOW, 0
    bound = NOW + (GRACE + 2 * longest) * (len(first) + 1)
    while any(one in first for one in [replace(w, blocked_since=None) for w in queue]):
        assert now < bound, "it starves"
        for _ in range(3):
            number += 1
            small = Amount(rng.choice([500, 1000, 4000]), 512, rng.choice([0, 0, 1]))
            queue.append(request(f"s{number}", amount=small, limit_seconds=longest, created_at=now))
        found = served(queue, booked, GPU_MACHINE, now)
        head = found.head
        booked = list(found.booked)
        queue = [
            replace(w, blocked_since=now) if head is not None and w.key == head.key and w.blocked_since is None else w
            for w in found.waiting
        ]
        now += 100.0
        booked = [b for b in booked if b.since + longest > now]


def test_ten_thousand_in_the_queue_are_served_in_one_go() -> None:
    """A pass must not look at everything behind everything: ten times the queue may not cost a hundred times as much."""

    def queue(count: int) -> list[Waiting]:
        return [request(f"t{n}", amount=Amount(1000, 1024, n % 3), gpu_model=A100, limit_seconds=3600.0) for n in range(count)]

    def seconds(waiting: list[Waiting]) -> float:
        began = time.process_time()
        found = served(waiting, (), GPU_MACHINE)
        assert found.cause(waiting[-1].key) is not None
        return time.process_time() - began

    short, long = queue(2_000), queue(20_000)
    taken = [(seconds(short), seconds(long)) for _ in range(7)]
    assert min(large for _, large in taken) < 40 * min(small for small, _ in taken)


def test_a_grant_books_one_row_per_member() -> None:
    grant = Grant(request("gang", 2, limit_seconds=60.0), ((), ()))
    assert [(b.member, b.amount, b.since, b.limit_seconds) for b in bookings_of(grant, NOW)] == [
        ("node-0", SMALL, NOW, 60.0), ("node-1", SMALL, NOW, 60.0),
    ]  # fmt: skip
