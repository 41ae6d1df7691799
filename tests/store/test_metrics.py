"""Samples: merged into steps of three resolutions, bounded, found by range."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from easymaker_local.domain.usage import Sample, Usage, sample
from easymaker_local.store import metrics

NOW = 1_700_000_000
NODE = ("training", "t1", "node-0")


def database() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    metrics.migrations.apply(Database(db))
    return db


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    made = database()
    yield made
    made.close()


def found(db: sqlite3.Connection, step: int, begin: float = 0, end: float = NOW * 2) -> list[metrics.Point]:
    return metrics.in_range(db, "training", "t1", step, begin, end).get("node-0", [])


TAKEN = st.tuples(st.integers(0, 5000), st.none() | st.floats(0, 64), st.none() | st.integers(0, 1 << 40))


@given(st.lists(TAKEN, min_size=1, max_size=40))
def test_steps_hold_averages_and_maxima(taken: list[tuple[int, float | None, int | None]]) -> None:
    """GN-19: every resolution agrees with the samples that fall into its step."""
    db = database()
    for offset, cpu, memory in taken:
        metrics.add(db, NOW + offset, {NODE: Sample(cpu=cpu, memory_bytes=memory)})
    for step in metrics.RESOLUTIONS:
        steps: dict[int, list[tuple[float | None, int | None]]] = {}
        for offset, cpu, memory in taken:
            steps.setdefault((NOW + offset) // step * step, []).append((cpu, memory))
        points = found(db, step)
        assert [point.at for point in points] == sorted(steps)
        for point in points:
            cpus = [cpu for cpu, _ in steps[point.at] if cpu is not None]
            memories = [memory for _, memory in steps[point.at] if memory is not None]
            assert point.sample.memory_bytes == (max(memories) if memories else None)
            assert (point.sample.cpu is None) == (not cpus)
            if cpus:
                assert min(cpus) - 1e-6 <= point.sample.cpu <= max(cpus) + 1e-6
            if len(cpus) == len(steps[point.at]):
                assert point.sample.cpu == pytest.approx(sum(cpus) / len(cpus))
    db.close()


def test_each_resolution_is_kept_for_its_time(db: sqlite3.Connection) -> None:
    ages = (0, 2 * 86400, 30 * 86400, 500 * 86400)
    for age in ages:
        metrics.add(db, NOW - age, {NODE: Sample(cpu=1.0)})
    metrics.add(db, NOW - 500 * 86400, {("training", "old", "node-0"): Sample(cpu=1.0)})
    assert metrics.expire(db, NOW) > 0
    assert [len(found(db, step)) for step in metrics.RESOLUTIONS] == [1, 2, 3]
    assert db.execute("SELECT count(*) FROM series").fetchone() == (1,), "a series without samples is forgotten"
    assert metrics.expire(db, NOW) == 0


def test_the_finest_step_that_fits_is_chosen() -> None:
    assert metrics.step_for(NOW - 600, NOW, 300, NOW) == 10
    assert metrics.step_for(NOW - 600, NOW, 20, NOW) == 60
    assert metrics.step_for(NOW - 2 * 86400, NOW - 2 * 86400 + 600, 300, NOW) == 60, "the finest has gone by then"
    assert metrics.step_for(NOW - 399 * 86400, NOW, 1, NOW) == 900


def test_a_range_holds_the_step_in_which_it_begins(db: sqlite3.Connection) -> None:
    for second in range(0, 100, 10):
        metrics.add(db, NOW + second, {NODE: Sample(cpu=1.0)})
    assert [p.at - NOW for p in found(db, 10, NOW + 25, NOW + 60)] == [20, 30, 40, 50, 60]


def test_latest_leaves_out_what_ended(db: sqlite3.Connection) -> None:
    metrics.add(db, NOW - 300, {NODE: Sample(cpu=1.0)})
    metrics.add(db, NOW - 10, {metrics.MACHINE: Sample(cpu=2.0)})
    metrics.add(db, NOW, {metrics.MACHINE: Sample(cpu=3.0)})
    assert {key: point.sample.cpu for key, point in metrics.latest(db, NOW).items()} == {metrics.MACHINE: 3.0}


def test_forgotten_resources_leave_nothing(db: sqlite3.Connection) -> None:
    other = ("training", "t2", "node-0")
    metrics.add(db, NOW, {NODE: Sample(cpu=1.0), other: Sample(cpu=1.0)})
    metrics.forget(db, "training", "t1")
    assert found(db, 10) == []
    assert len(metrics.in_range(db, "training", "t2", 10, 0, NOW * 2)) == 1
    assert db.execute("SELECT count(DISTINCT series) FROM samples").fetchone() == (1,)


def test_rates_need_two_looks() -> None:
    first = Usage(cpu_seconds=10, memory_bytes=100, disk_read_bytes=1000)
    assert sample(first, None, 0.0) == Sample(memory_bytes=100)
    second = Usage(cpu_seconds=13, memory_bytes=50, disk_read_bytes=3000)
    assert sample(second, first, 2.0) == Sample(cpu=1.5, memory_bytes=50, disk_read=1000.0)
    assert sample(first, second, 2.0).cpu == 0.0, "a counter that fell is no negative use"
    assert sample(second, first, 0.0).cpu is None
