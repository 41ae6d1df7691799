"""The rule of the pod autoscaler (AS-12…AS-16) and scale to zero, on ticks and samples written by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.autoscaling import (
    REQUESTS_SECONDS,
    TOLERANCE,
    Decision,
    Idleness,
    PodRule,
    Recommendations,
    RequestWindow,
    Use,
    decide_pods,
    decide_sleep,
    recommended,
)
from easymaker_local.domain.endpoint_spec import ScaleMetric
from easymaker_local.domain.gateway import ModelLoad

CPU = PodRule(ScaleMetric.CPU_UTILIZATION, 50, 10, "1 node has room for 10")
WINDOW = CPU.stabilisation_seconds


@pytest.mark.parametrize(
    ("current", "samples", "threshold", "wanted"),
    [
        # current * mean / threshold, rounded up
        (1, [84], 50, 2),
        (1, [100], 50, 2),
        (1, [101], 50, 3),
        (2, [100, 100], 50, 4),
        (3, [90, 60, 60], 50, 5),
        (4, [25, 25, 25, 25], 50, 2),
        (4, [30, 30, 30, 30], 50, 3),
        (10, [5] * 10, 50, 1),
        (3, [0, 0, 0], 50, 1),
        (1, [0], 50, 1),
        (1, [350], 1, 350),
        # up to 10 % off nothing changes
        (1, [55], 50, 1),
        (10, [55] * 10, 50, 10),
        (10, [55.1] * 10, 50, 12),
        (10, [45] * 10, 50, 10),
        (10, [44.9] * 10, 50, 9),
        # 2 * 0.89 = 1.78, rounded up
        (2, [44.5, 44.5], 50, 2),
        # three thirds are one, not a bit more
        (3, [200 / 3] * 3, 50, 4),
        (6, [0.1 + 0.2] * 6, 0.6, 3),
    ],
)
def test_wanted_pods(current: int, samples: list[float], threshold: float, wanted: int) -> None:
    """AS-16."""
    assert recommended(current, Use(tuple(samples)), threshold) == wanted


@pytest.mark.parametrize(
    ("current", "samples", "missing", "unready", "wanted", "why"),
    [
        (3, [], 2, 1, 3, "nothing is known"),
        (2, [100], 0, 1, 2, "the second is on its way: (100 + 0) / 2 = 50"),
        (2, [150], 0, 1, 3, "(150 + 0) / 2 = 75"),
        (4, [60, 60], 0, 2, 4, "with those on their way 30, which is less: the direction turns, nothing is done"),
        (4, [20, 20], 0, 2, 1, "idle ones are not counted when less is asked: 2 * 20 / 50"),
        (2, [100], 1, 0, 2, "one without a sample is idle when more is asked: 50"),
        (2, [10], 1, 0, 2, "one without a sample is fully used when less is asked: (10 + 100) / 2 = 55, tolerable"),
        (4, [10, 10, 10], 1, 0, 3, "(30 + 100) / 4 = 32.5"),
        (3, [150], 1, 1, 3, "(150 + 0 + 0) / 3 = 50"),
        (2, [50], 1, 0, 2, "as wanted"),
        (2, [40, 40, 40, 40], 0, 0, 2, "more than wanted are there: less use never asks for more"),
    ],
)
def test_pods_that_are_not_measured(
    current: int, samples: list[float], missing: int, unready: int, wanted: int, why: str
) -> None:
    """AS-16: as the horizontal pod autoscaler treats them."""
    assert recommended(current, Use(tuple(samples), missing, unready), 50) == wanted, why


def run(rule: PodRule, current: int, course: list[tuple[float, float]]) -> list[tuple[float, int]]:
    """Return (tick, pods) of every change; every pod has the use that ``course`` says for each tick, in all pods together."""
    memory, changes = None, []
    for tick, total in course:
        memory, decision = decide_pods(rule, current, Use((total / current,) * current), memory, tick)
        if decision is not None and decision.new != current:
            current = decision.new
            changes.append((tick, current))
    return changes


def test_out_at_once_in_after_the_period() -> None:
    """AS-16: 200 % of one pod for a minute, then 40 %, looked at every 15 seconds."""
    course = [(float(t), 200.0 if t < 60 else 40.0) for t in range(0, 900, 15)]
    # At 45 the last look asked for 4; until 45 + 300 that is the highest recommendation.
    assert run(CPU, 1, course) == [(0.0, 4), (345.0, 1)]


def test_in_goes_to_the_highest_recommendation_of_the_period() -> None:
    """AS-16: a peak in between keeps what it needs for five minutes more."""
    course = [(0.0, 200.0), *((float(t), 140.0 if t == 150 else 40.0) for t in range(15, 900, 15))]
    assert run(CPU, 1, course) == [(0.0, 4), (300.0, 3), (450.0, 1)]


def test_after_a_restart_the_period_begins_anew() -> None:
    """AS-16: what a restart forgets never scales in early."""
    idle = [(float(t), 10.0) for t in range(1000, 2000, 15)]
    assert run(CPU, 4, idle) == [(1300.0, 1)]


def test_after_a_gap_the_period_begins_anew() -> None:
    """AS-16: who has not looked for longer than the period knows nothing of it."""
    course = [(0.0, 200.0), (15.0, 40.0), *((float(t), 40.0) for t in range(3600, 4200, 15))]
    assert run(CPU, 1, course) == [(0.0, 4), (3900.0, 1)]


def test_while_nothing_is_known_nothing_is_scaled_in() -> None:
    """AS-16: the present number is what is recommended without samples."""
    memory: Recommendations | None = None
    for tick in range(0, 1200, 15):
        memory, decision = decide_pods(CPU, 4, Use((), missing=4), memory, tick)
        assert decision is None
    _, decision = decide_pods(CPU, 4, Use((10.0,) * 4), memory, 1200)
    assert decision is None


def test_a_decision_tells_its_numbers() -> None:
    """AS-L02."""
    _, decision = decide_pods(CPU, 1, Use((84.0,)), None, 0)
    assert decision == Decision(1, 2, 84.0, 50, "Pods 1 → 2: CPU use 84 %, threshold 50 % (mean of 1 pod).")
    memory = PodRule(ScaleMetric.MEMORY_UTILIZATION, 80, 10, "", stabilisation_seconds=0)
    _, decision = decide_pods(memory, 2, Use((9.0, 9.6)), None, 0)
    assert decision is not None
    assert decision.words == (
        "Pods 2 → 1: memory use 9.3 %, threshold 80 % (mean of 2 pods). No more were needed in the last 0 minutes."
    )
    requests = PodRule(ScaleMetric.REQUESTS, 4, 10, "")
    _, decision = decide_pods(requests, 1, Use((11.0,)), None, 0)
    assert decision is not None
    assert decision.words == "Pods 1 → 3: requests under way per pod 11, threshold 4 (mean of 1 pod)."


def test_no_more_pods_than_there_is_room_for() -> None:
    """AS-16, AS-L01: the limit is told, also where it leaves nothing to change."""
    rule = PodRule(ScaleMetric.CPU_UTILIZATION, 50, 3, "2 nodes have room for 3")
    memory, decision = decide_pods(rule, 2, Use((100.0, 100.0)), None, 0)
    assert decision is not None
    assert (decision.new, decision.blocked) == (3, "2 nodes have room for 3")
    assert decision.words == (
        "Pods 2 → 3: CPU use 100 %, threshold 50 % (mean of 2 pods). More would be 4, but 2 nodes have room for 3."
    )
    _, decision = decide_pods(rule, 3, Use((100.0,) * 3), memory, 15)
    assert decision is not None
    assert (decision.old, decision.new, decision.blocked) == (3, 3, "2 nodes have room for 3")


def test_what_is_there_is_not_taken_away_for_lack_of_room() -> None:
    _, decision = decide_pods(PodRule(ScaleMetric.CPU_UTILIZATION, 50, 2, "full"), 4, Use((100.0,) * 4), None, 0)
    assert decision is not None
    assert decision.new == 4


def test_no_scale_out_on_an_expired_runtime_but_scale_in() -> None:
    """UP-L03."""
    rule = PodRule(ScaleMetric.CPU_UTILIZATION, 50, 9, "", stabilisation_seconds=0, refused="runtime version 1 has expired")
    _, decision = decide_pods(rule, 1, Use((84.0,)), None, 0)
    assert decision is not None
    assert (decision.new, decision.blocked) == (1, "runtime version 1 has expired")
    assert decision.words == (
        "Pods stay 1: CPU use 84 %, threshold 50 % (mean of 1 pod) asks for 2, but runtime version 1 has expired."
    )
    _, decision = decide_pods(rule, 2, Use((5.0, 5.0)), None, 0)
    assert decision is not None
    assert (decision.new, decision.blocked) == (1, None)


rules = st.builds(
    PodRule,
    st.sampled_from(ScaleMetric),
    st.integers(1, 200),
    st.integers(1, 20),
    st.just("full"),
    st.sampled_from([0.0, WINDOW]),
)
uses = st.builds(Use, st.lists(st.floats(0, 1000), max_size=6).map(tuple), st.integers(0, 3), st.integers(0, 3))


@given(rules, st.integers(1, 20), st.lists(st.tuples(st.integers(1, 200), uses), max_size=30))
def test_invariants(rule: PodRule, current: int, looks: list[tuple[int, Use]]) -> None:
    """AS-16: whatever is measured: at least 1, at most the room, and never fewer than were recommended in the period."""
    memory, tick, asked = None, 0, [(0, current)]
    for seconds, use in looks:
        tick += seconds
        memory, decision = decide_pods(rule, current, use, memory, tick)
        new = current if decision is None else decision.new
        now = recommended(current, use, rule.threshold)
        recent = [pods for at, pods in asked[1:] if at > tick - rule.stabilisation_seconds]
        assert 1 <= new <= max(rule.limit, current)
        if new > current:
            assert new == min(now, rule.limit), "out at once, as far as there is room"
        if new < current:
            assert new >= now
            assert new >= max(recent, default=1)
            assert tick >= rule.stabilisation_seconds + (looks[0][0] if looks else 0), "never within the first period"
        if use.samples and abs(use.mean / rule.threshold - 1) <= TOLERANCE - 1e-6 and not use.missing:
            assert now == current, "tolerance"
        asked.append((tick, min(now, max(rule.limit, current))))
        current = new


@given(st.integers(1, 20), st.floats(0, 1000), st.floats(0, 1000), st.integers(1, 200))
def test_more_use_never_asks_for_fewer(current: int, one: float, other: float, threshold: int) -> None:
    """AS-16: monotone, and the rule itself outside of the tolerance."""
    low, high = sorted((one, other))
    assert recommended(current, Use((low,) * current), threshold) <= recommended(current, Use((high,) * current), threshold)
    if abs(high / threshold - 1) > TOLERANCE + 1e-6:
        exact = current * high / threshold
        assert recommended(current, Use((high,) * current), threshold) in {max(1, math.ceil(exact)), max(1, round(exact))}


@given(st.integers(1, 10), st.integers(1, 9), st.floats(0, 1000), st.integers(1, 200))
def test_pods_on_their_way_never_ask_for_more(ready: int, unready: int, use: float, threshold: int) -> None:
    """AS-16: what has been added is not added again while it starts."""
    current = ready + unready
    all_ready = recommended(ready, Use((use,) * ready), threshold)
    assert recommended(current, Use((use,) * ready, unready=unready), threshold) <= max(current, all_ready)


# -- requests under way


def test_requests_are_averaged_over_a_minute() -> None:
    window = RequestWindow()
    assert window.per_pod(1) is None
    for tick, active in ((0.0, 100), (30.0, 8), (60.0, 4), (89.0, 0)):
        window = window.add(active, tick)
    # What is older than a minute does not count: (8 + 4 + 0) / 3
    assert window.per_pod(1) == 4
    assert window.per_pod(2) == 2
    assert window.per_pod(0) is None
    assert all(tick > 89 - REQUESTS_SECONDS for tick, _ in window.found)


# -- scale to zero

SECONDS = 600.0


def slept_at(looks: list[tuple[float, ModelLoad | None, str]]) -> list[float]:
    """Return the ticks at which an idle time of 10 minutes ends in sleep."""
    memory: Idleness | None = None
    found = []
    for tick, load, epoch in looks:
        memory, decision = decide_sleep(10, 2, load, epoch, memory, tick)
        if decision is not None:
            assert (decision.old, decision.new, decision.threshold) == (2, 0, 10)
            found.append(tick)
    return found


QUIET = ModelLoad(0, 7)


@pytest.mark.parametrize(
    ("looks", "slept"),
    [
        ([(0, QUIET, "1"), (SECONDS - 1, QUIET, "1")], []),
        ([(0, QUIET, "1"), (SECONDS, QUIET, "1")], [SECONDS]),
        # a request in between, seen by the total alone
        ([(0, QUIET, "1"), (300, ModelLoad(0, 8), "1"), (SECONDS, ModelLoad(0, 8), "1")], []),
        ([(0, QUIET, "1"), (300, ModelLoad(0, 8), "1"), (900, ModelLoad(0, 8), "1")], [900]),
        # one that takes longer than the idle time: it counts from when it is over
        ([(0, ModelLoad(1, 7), "1"), (700, ModelLoad(1, 7), "1"), (1000, QUIET, "1"), (1599, QUIET, "1")], []),
        ([(0, ModelLoad(1, 7), "1"), (700, ModelLoad(1, 7), "1"), (1000, QUIET, "1"), (1600, QUIET, "1")], [1600]),
        # the gateway was silent: what came meanwhile is in its total
        ([(0, QUIET, "1"), (300, None, "1"), (SECONDS, None, "1"), (601, QUIET, "1")], [601]),
        ([(0, QUIET, "1"), (300, None, "1"), (601, ModelLoad(0, 8), "1")], []),
        # another process counts from 0 and tells nothing of before
        ([(0, QUIET, "1"), (SECONDS, QUIET, "2"), (SECONDS * 2 - 1, QUIET, "2")], []),
        # the first look after a restart begins anew
        ([(5000, QUIET, "1")], []),
    ],
)
def test_sleep(looks: list[tuple[float, ModelLoad | None, str]], slept: list[float]) -> None:
    """Scale to zero: no request under way and none finished for the idle time."""
    assert slept_at(looks) == slept


@given(st.lists(st.tuples(st.floats(0, 900), st.integers(0, 2), st.integers(0, 2)), max_size=40))
def test_a_model_never_sleeps_within_the_idle_time(looks: list[tuple[float, int, int]]) -> None:
    """Scale to zero, whatever comes when: (seconds until the look, requests under way then, requests that came)."""
    memory, tick, total, last = None, 0.0, 0, 0.0
    for seconds, active, came in looks:
        tick, total = tick + seconds, total + came
        if active or came or memory is None:
            last = tick
        memory, decision = decide_sleep(10, 1, ModelLoad(active, total), "1", memory, tick)
        if decision is not None:
            assert active == 0
            assert tick - last >= SECONDS
