"""Increases of counters that may begin anew at any time, and what is told of durations (GW-05, GW-L04, DB-L01)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.api_statistics import METHODS, Bucket, Calls, increase, total
from easymaker_local.domain.gateway import Api, ApiCount

BOUNDS = (1.0, 5.0, 10.0, 100.0, 1000.0)
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
CALL = st.tuples(st.sampled_from(CLASSES), st.integers(0, 1000))
NOTHING = ApiCount({}, 0.0, {})


def counted(calls: list[tuple[str, int]]) -> ApiCount:
    """What a process shows that had these calls: classes and durations in ms."""
    classes = {name: sum(found == name for found, _ in calls) for name in {name for name, _ in calls}}
    counts = [0] * len(BOUNDS)
    for _, took in calls:
        counts[bisect_left(BOUNDS, took)] += 1
    return ApiCount(classes, float(sum(took for _, took in calls)), dict(zip(BOUNDS, accumulate(counts), strict=True)))


# A process that counts: at each look some calls more than before.
LOOKS = st.lists(st.lists(CALL, max_size=5), min_size=1, max_size=6)


@given(st.lists(LOOKS, min_size=1, max_size=5))
def test_increases_sum_up_to_all_that_was_seen(processes: list[list[list[tuple[str, int]]]]) -> None:
    """GW-L04: over any number of restarts of the gateway, each seen as another process."""
    found: list[Calls] = []
    seen: list[tuple[str, int]] = []
    for looks in processes:
        before: ApiCount | None = None
        done: list[tuple[str, int]] = []
        for came in looks:
            done += came
            found.append(increase(before, counted(done)))
            before = counted(done)
        seen += done
    assert_is(total(found), seen)


@given(LOOKS, LOOKS)
def test_a_counter_that_shrank_began_anew(first: list[list[tuple[str, int]]], second: list[list[tuple[str, int]]]) -> None:
    """GW-L04: also where nobody said that it is another process."""
    before = counted([call for calls in first for call in calls])
    after = [call for calls in second for call in calls]
    now = counted(after)
    if any(now.classes.get(name, 0) < count for name, count in before.classes.items()):
        assert_is(increase(before, now), after)


def assert_is(found: Calls, calls: list[tuple[str, int]]) -> None:
    assert found.count == len(calls)
    assert found.classes == {name: count for name, count in counted(calls).classes.items() if count}
    assert found.total_ms == sum(took for _, took in calls)
    assert sum(found.buckets.values()) == len(calls)
    assert found.successes == sum(name in {"1xx", "2xx", "3xx"} for name, _ in calls)
    assert found.failures == len(calls) - found.successes


def test_nothing_new_is_nothing() -> None:
    now = counted([("2xx", 3), ("5xx", 200)])
    assert not increase(now, now)
    assert increase(None, now)
    assert not increase(None, NOTHING)
    assert not Calls()


@pytest.mark.parametrize(
    ("name", "is_success"),
    [("1xx", True), ("2xx", True), ("3xx", True), ("4xx", False), ("5xx", False), ("0xx", False), ("none", False)],
)
def test_what_a_failure_is(name: str, is_success: bool) -> None:
    """DB-L01: 400 and above, or no answer."""
    calls = Calls({name: 3})
    assert (calls.successes, calls.failures) == ((3, 0) if is_success else (0, 3))


@given(st.lists(CALL, min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_percentiles_are_bounded_and_in_order(calls: list[tuple[str, int]], one: float, other: float) -> None:
    """GW-L04: each within the bucket where the true one is."""
    found = increase(None, counted(calls))
    low, high = sorted((one, other))
    first, second = found.percentile(low), found.percentile(high)
    assert first is not None
    assert second is not None
    assert 0 <= first <= second <= BOUNDS[-1]
    for share, value in ((low, first), (high, second)):
        durations = sorted(took for _, took in calls)
        # The smallest duration within which at least that share of the calls ended.
        true = next(took for rank, took in enumerate(durations, 1) if rank >= share * len(durations))
        place = bisect_left(BOUNDS, true)
        assert (BOUNDS[place - 1] if place else 0) <= value <= BOUNDS[place]


def test_percentiles_by_hand() -> None:
    calls = Calls({"2xx": 10}, 600, {Bucket(10, 20): 5, Bucket(100, 200): 5})
    assert [calls.percentile(share) for share in (0, 0.25, 0.5, 0.75, 1)] == [10, 15, 20, 150, 200]
    assert calls.mean_ms == 60
    open_ended = Calls({"2xx": 2}, 0, {Bucket(10, 20): 1, Bucket(20, inf): 1})
    assert [open_ended.percentile(share) for share in (0.5, 0.9, 1)] == [20, 20, 20]
    assert (Calls().percentile(0.5), Calls().mean_ms) == (None, None)


def test_every_api_of_the_protocol_has_a_method() -> None:
    """GW-L04: resource path and method are those of the API."""
    assert METHODS.keys() == set(Api) - {Api.CUSTOM, Api.OTHER}
