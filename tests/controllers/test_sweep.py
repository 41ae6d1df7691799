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


async def test_tensorboard_logs_belong_to_their_training(bench: Bench) -> None:
    """TB-L01: they come to their place from where they used to be, stay with the training, and go with it."""
    logs, experiment = bench.context.tensorboard_logs, bench.experiment.id
    training = await bench.pass_(await bench.create(trainingName="the first"))
    run = logs.find(experiment, training.id)
    assert run is not None
    assert run.name == f"the-first-{training.id}"
    bench.driver.end(training.workload(0), 0)
    training = await bench.pass_(training)
    old = bench.node(training, "tensorboard/train/events")
    old.parent.mkdir(parents=True)
    old.write_text("scalars")
    roots = bench.context.settings.work / "experiment"
    roots.mkdir()
    orphan, left = logs.make(experiment, "gone", "gone"), logs.experiment("no experiment")
    left.mkdir()
    await sweep_files(bench.context)
    assert (run / "train" / "events").read_text() == "scalars"
    assert not orphan.exists()
    assert not left.exists()
    assert not roots.exists()
    await sweep_files(bench.context)
    assert (run / "train" / "events").exists()
    await bench.services.trainings.delete(training.id)
    assert not run.exists()
    assert logs.experiment(experiment).is_dir()
    await bench.services.experiments.delete(experiment)
    assert not logs.experiment(experiment).exists()


async def test_tensorboard_logs_count_as_the_trainings(bench: Bench) -> None:
    training = await bench.pass_(await bench.create())
    run = bench.context.tensorboard_logs.find(bench.experiment.id, training.id)
    assert run is not None

    async def size() -> int:
        return sum(entry.bytes for entry in (await bench.services.disk.report()).entries if training.id in entry.name)

    before = await size()
    (run / "events").write_bytes(b"x" * (1 << 20))
    assert await size() >= before + (1 << 20)
