"""What a crash left behind goes away; everything else stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.controllers.sweep import sweep_files, sweep_workloads
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.errors import EngineUnavailable
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.fakes import FakeDriver

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


def left_over(driver: FakeDriver, name: str) -> None:
    driver.workloads[name] = None  # type: ignore[assignment]
    driver.states[name] = Observation(Phase.RUNNING)


async def test_only_workloads_of_what_is_gone_or_ended_are_removed(bench: Bench) -> None:
    """GN-L02, architecture 7."""
    running = await bench.pass_(await bench.create())
    ended = await bench.pass_(await bench.create())
    bench.driver.end(ended.workload(0), 0)
    ended = await bench.pass_(ended)
    left_over(bench.driver, ended.workload(0))
    left_over(bench.driver, "training-nobody-1-node-0")
    left_over(bench.driver, "notebook-n1-1-main")
    await sweep_workloads(bench.context)
    assert set(bench.driver.workloads) == {running.workload(0), "notebook-n1-1-main"}


async def test_waits_for_a_silent_engine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    left_over(bench.driver, "training-nobody-1-node-0")
    owned, calls = bench.driver.owned, []

    async def silent_at_first() -> list[str]:
        calls.append(1)
        if len(calls) < 3:
            raise EngineUnavailable("no answer", delay_seconds=0)
        return list(await owned())

    monkeypatch.setattr(bench.driver, "owned", silent_at_first)
    await sweep_workloads(bench.context)
    assert bench.driver.workloads == {}


async def test_files_of_trainings_that_are_gone_and_halves_of_deletions_go(bench: Bench) -> None:
    kept = await bench.pass_(await bench.create())
    gone = bench.context.work_directory("gone") / "node-0"
    gone.mkdir(parents=True)
    half = bench.context.trash / "work-half"
    half.mkdir(parents=True)
    await sweep_files(bench.context)
    assert not gone.exists()
    assert not half.exists()
    assert bench.node(kept, "model").is_dir()
    assert bench.stored("code/train.py").exists()
