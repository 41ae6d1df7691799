"""Experiments that a crash left half-made are finished; the create call itself answers with the final status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.controllers.experiments import ExperimentController
from easymaker_local.domain.experiment import TRANSITIONS, Experiment, ExperimentChange, ExperimentSpec, ExperimentStatus
from easymaker_local.errors import Conflict, InvalidRequest, NotFound
from easymaker_local.store import events, experiments, trainings
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio
S = ExperimentStatus


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


async def half_made(bench: Bench, status: ExperimentStatus) -> Experiment:
    made = Experiment("half", "half", None, status, None, bench.clock.now())
    await bench.context.store.write(lambda db: experiments.add(db, made))
    return made


async def test_creation_passes_through_its_statuses(bench: Bench) -> None:
    """EX-10, EX-11, EX-13, EX-14, EX-15, EX-16."""
    made = await bench.services.experiments.create(ExperimentSpec(experiment_name="new"))
    assert made.status is S.ACTIVE
    history = await bench.context.store.read(lambda db: events.of_resource(db, "experiment", made.id))
    assert [event.status for event in history] == ["CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE"]


@pytest.mark.parametrize("status", [S.CREATE_REQUESTED, S.CREATE_IN_PROGRESS])
async def test_a_creation_cut_short_is_finished(bench: Bench, status: ExperimentStatus) -> None:
    """GN-L02: no resource stays in an IN PROGRESS status without a task behind it."""
    made = await half_made(bench, status)
    controller = ExperimentController(bench.services.experiments, bench.context)
    assert await controller.unfinished() == [], "a request may be at it"
    bench.clock.advance(60)
    assert await controller.unfinished() == ["half"]
    await controller.reconcile("half")
    assert (await bench.services.experiments.get(made.id)).status is S.ACTIVE
    assert await controller.unfinished() == []


async def test_a_failed_creation_can_be_retried(bench: Bench) -> None:
    """EX-12, EX-06, EX-17, EX-L01."""
    blocked = bench.context.settings.tensorboard
    blocked.rename(blocked.with_name("aside"))
    blocked.write_text("in the way")
    made = await bench.services.experiments.create(ExperimentSpec(experiment_name="new"))
    assert made.status is S.CREATE_FAILED
    assert made.message is not None
    blocked.unlink()
    assert (await bench.services.experiments.retry(made.id)).status is S.ACTIVE
    with pytest.raises(Conflict, match="ACTIVE"):
        await bench.services.experiments.retry(made.id)


@pytest.mark.parametrize("status", S)
async def test_deletion_is_possible_only_when_creation_is_over(bench: Bench, status: ExperimentStatus) -> None:
    """EX-18, EX-19, DP-01."""
    made = await half_made(bench, status)
    if status in {S.ACTIVE, S.CREATE_FAILED, S.BROKEN}:
        await bench.services.experiments.delete(made.id)
        with pytest.raises(NotFound):
            await bench.services.experiments.get(made.id)
    else:
        with pytest.raises(Conflict, match=status):
            await bench.services.experiments.delete(made.id)
    assert set(TRANSITIONS) == set(S)


async def test_deletion_is_refused_while_a_training_has_not_ended_and_names_it(bench: Bench) -> None:
    """EX-20, EX-08, DP-19, OP-05."""
    training = await bench.create()
    with pytest.raises(Conflict, match=f"training 'training' \\({training.id}, CREATE_REQUESTED\\)"):
        await bench.services.experiments.delete(bench.experiment.id)
    await bench.services.trainings.stop(training.id)
    await bench.pass_(training)
    await bench.services.experiments.delete(bench.experiment.id)
    kept = await bench.services.trainings.get(training.id)
    referred = await bench.services.experiments.referred([kept.spec.experiment_id])
    assert referred[bench.experiment.id].name == "experiment", "EX-21: kept, with its last name"


async def test_a_training_cannot_be_created_in_an_experiment_that_is_gone(bench: Bench) -> None:
    """EX-01, TR-04, DP-20."""
    await bench.services.experiments.delete(bench.experiment.id)
    with pytest.raises(InvalidRequest, match="there is no experiment"):
        await bench.create()
    assert (await bench.context.store.read(trainings.page)).rows == []


async def test_a_change_keeps_what_is_not_given(bench: Bench) -> None:
    """EX-09."""
    service = bench.services.experiments
    changed = await service.change(bench.experiment.id, ExperimentChange(description="words"))
    assert (changed.name, changed.description) == ("experiment", "words")
    changed = await service.change(bench.experiment.id, ExperimentChange(experiment_name="other"))
    assert (changed.name, changed.description) == ("other", "words")
    await service.create(ExperimentSpec(experiment_name="taken"))
    with pytest.raises(Conflict, match="exists already"):
        await service.change(bench.experiment.id, ExperimentChange(experiment_name="taken"))
