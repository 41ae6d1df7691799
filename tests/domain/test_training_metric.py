"""Points of metrics: few enough to be drawn, and of one step only one (TR-34, TB-04)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.training_metric import Points, merged

VALUES = st.lists(st.floats(), max_size=60)


def points(*rows: tuple[int, float, float]) -> Points:
    made = Points()
    for row in rows:
        made.add(*row)
    return made


def rows(found: Points) -> list[tuple[int, float, float]]:
    return [*zip(found.steps, found.values, found.times, strict=True)]


@given(VALUES, st.integers(2, 70))
def test_the_ends_and_the_extremes_stay(values: list[float], most: int) -> None:
    whole = points(*((step, value, 1.0) for step, value in enumerate(values)))
    found = whole.thinned(most)
    assert len(found) == len(values) if len(values) <= most else most // 2 < len(found) <= most
    assert list(found.steps) == sorted(set(found.steps))
    for step, value in zip(found.steps, found.values, strict=True):
        assert value == values[step] or (math.isnan(value) and math.isnan(values[step]))
    if values:
        assert (found.steps[0], found.steps[-1]) == (0, len(values) - 1)
    finite = [value for value in values if math.isfinite(value)]
    if finite and most >= 4:
        kept = [value for value in found.values if math.isfinite(value)]
        assert (min(kept), max(kept)) == (min(finite), max(finite))


def test_one_spike_among_many_is_kept() -> None:
    values = [1.0] * 100_000
    values[54_321] = 9.0
    found = points(*((step, value, 0.0) for step, value in enumerate(values))).thinned(100)
    assert (54_321, 9.0, 0.0) in rows(found)


def test_a_part_without_a_number_says_so() -> None:
    """A loss that became no number is what somebody looks for."""
    found = points(*((step, 1.0 if step < 50 else math.nan, 0.0) for step in range(100))).thinned(10)
    assert [math.isnan(value) for value in found.values] == sorted(math.isnan(value) for value in found.values)
    assert math.isnan(found.values[-2])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], []),
        ([points((1, 0.1, 1), (2, 0.2, 2))], [(1, 0.1, 1), (2, 0.2, 2)]),
        # A restart goes on in a file of its own, or in the same one.
        ([points((1, 0.1, 1), (2, 0.2, 2)), points((2, 0.3, 3), (3, 0.4, 4))], [(1, 0.1, 1), (2, 0.3, 3), (3, 0.4, 4)]),
        ([points((1, 0.1, 1), (2, 0.2, 2), (1, 0.3, 3))], [(1, 0.3, 3), (2, 0.2, 2)]),
        ([points((5, 0.5, 9)), points((5, 0.1, 2), (4, 0.4, 1))], [(4, 0.4, 1), (5, 0.5, 9)]),
        ([points((5, 0.5, 1)), points((5, 0.6, 1))], [(5, 0.6, 1)]),
    ],
)
def test_of_a_step_the_later_one_counts(parts: list[Points], expected: list[tuple[int, float, float]]) -> None:
    assert rows(merged(parts)) == expected
