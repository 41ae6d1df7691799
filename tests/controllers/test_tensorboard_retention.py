"""TensorBoard logs that nobody writes to any more go, and the training says so (TB-02, TB-L01)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.controllers.tensorboard_retention import SECONDS_PER_DAY, sweep
from easymaker_local.domain.training import Training
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


def run_of(bench: Bench, training: Training) -> Path:
    found = bench.context.tensorboard_logs.find(bench.experiment.id, training.id)
    assert found is not None
    return found


def write(bench: Bench, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * (1 << 20))
    os.utime(path, (bench.clock.now(),) * 2)
    return path


async def notes(bench: Bench, training: Training) -> list[str]:
    events = await bench.services.trainings.events(training.id, 0)
    return [event.message or "" for event in events if "TensorBoard" in (event.message or "")]


async def test_after_120_days_without_a_write(bench: Bench) -> None:
    ended, running = [await bench.pass_(await bench.create(trainingName=name)) for name in ("ended", "running")]
    bench.driver.end(ended.workload(0), 0)
    await bench.pass_(ended)
    first = write(bench, run_of(bench, ended) / "train" / "events.1")
    forgotten = write(bench, run_of(bench, running) / "events.1")
    bench.clock.advance(100 * SECONDS_PER_DAY)
    second = write(bench, run_of(bench, ended) / "events.2")
    bench.clock.advance(19 * SECONDS_PER_DAY)
    await sweep(bench.context)
    assert first.exists()
    bench.clock.advance(2 * SECONDS_PER_DAY)
    await sweep(bench.context)
    assert not first.parent.exists()
    assert second.exists()
    assert not forgotten.exists()
    assert run_of(bench, running).is_dir(), "it still writes there"
    expected = "TensorBoard logs were deleted, 1 file of 1.0 MiB: nothing was written to them for 120 days."
    assert await notes(bench, ended) == [expected]
    bench.clock.advance(100 * SECONDS_PER_DAY)
    await sweep(bench.context)
    assert bench.context.tensorboard_logs.find(bench.experiment.id, ended.id) is None
    await sweep(bench.context)
    assert len(await notes(bench, ended)) == 2


async def test_the_period_is_a_setting(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "home", tensorboard_retention_days=0.5) as bench:
        training = await bench.pass_(await bench.create())
        file = write(bench, run_of(bench, training) / "events")
        orphan = write(bench, bench.context.tensorboard_logs.make(bench.experiment.id, "0" * 16, "gone") / "events")
        bench.clock.advance(SECONDS_PER_DAY)
        await sweep(bench.context)
        assert not file.exists()
        assert not orphan.exists()
        assert "for 0.5 days" in (await notes(bench, training))[0]
