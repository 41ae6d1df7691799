"""Tunings against a scripted driver and a clock that is set: what each does, what is read, and that nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from easymaker_local.controllers import trial_output
from easymaker_local.controllers import tunings as controller
from easymaker_local.domain.page import EVERYTHING
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import Desired
from easymaker_local.domain.training_spec import TrainingChange
from easymaker_local.domain.trial import Trial, TrialStatus
from easymaker_local.domain.tuning import Detail, Tuning, TuningStatus
from easymaker_local.errors import Conflict, EnvironmentFailed, InvalidRequest, NotFound, StaleRecord
from easymaker_local.store import events, ledger, log_shipping, metric_points, trainings, trials
from easymaker_local.store.tunings import Wanted
from easymaker_local.testing.context import Bench, open_bench
from tests.domain.test_search_space import ranged

pytestmark = pytest.mark.anyio
S, T = TuningStatus, TrialStatus


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home", backfill_seconds=0) as made:
        yield made


async def trials_of(bench: Bench, tuning: Tuning) -> list[Trial]:
    return await bench.services.tunings.trials(tuning.id)


async def statuses(bench: Bench, tuning: Tuning) -> list[TrialStatus]:
    return [trial.status for trial in await trials_of(bench, tuning)]


def prints(bench: Bench, trial: Trial, text: str, node: int = 0) -> None:
    """Let a trial print."""
    with (bench.context.log_directory(trial.id) / f"node-{node}.log").open("a") as log:
        log.write(text)


async def ends(bench: Bench, tuning: Tuning, number: int, *lines: str, exit_code: int = 0) -> Tuning:
    """Let a trial print lines and end, and everybody look at it."""
    trial = (await trials_of(bench, tuning))[number - 1]
    prints(bench, trial, "".join(f"{line}\n" for line in lines))
    bench.driver.end(f"training-{trial.id}-1-node-0", exit_code)
    return await bench.step(tuning)


async def history(bench: Bench, tuning: Tuning) -> list[str]:
    found = await bench.services.tunings.events(tuning.id, 0)
    return [event.status for event in found if event.type == events.EventType.STATUS and event.status]


async def test_from_request_to_complete(bench: Bench) -> None:
    """HP-38, HP-39, HP-40, HP-45 to HP-49, HP-55 to HP-59, HP-63, HP-65, HP-70 to HP-72."""
    tuning = await bench.tune(maxTrialCount=2)
    assert tuning.status is S.CREATE_REQUESTED
    tuning = await bench.step(tuning)
    assert tuning.status is S.RUNNING
    assert await statuses(bench, tuning) == [T.RUNNING], "one at a time"
    bench.clock.advance(10)
    tuning = await ends(bench, tuning, 1, "loss=3", "loss=0.5 accuracy=9", "loss=1")
    assert await statuses(bench, tuning) == [T.SUCCEEDED, T.RUNNING]
    tuning = await ends(bench, tuning, 2, "loss=0.25")
    assert (tuning.status, tuning.detail) == (S.COMPLETE, Detail.MAX_TRIALS_REACHED)
    assert tuning.elapsed_seconds(bench.clock.now() + 100) == 10
    overview = await bench.services.tunings.overview(tuning.id)
    assert overview.best is not None
    assert overview.best.number == 2
    first, second = await trials_of(bench, tuning)
    assert (first.value(tuning.spec), second.value(tuning.spec)) == (0.5, 0.25)
    assert set(first.metrics) == {"loss"}, "only what was asked for"
    points = await bench.services.tunings.points(tuning.id, first.id, "loss", 0, 10)
    assert [(point.step, point.value) for point in points] == [(0, 3.0), (1, 0.5), (2, 1.0)]
    assert [p.step for p in await bench.services.tunings.points(tuning.id, first.id, "loss", 1, 1)] == [1]
    assert await history(bench, tuning) == [
        "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "COMPLETE",
    ]  # fmt: skip
    assert await bench.context.store.read(ledger.booked) == []
    assert await bench.tunings.reconcile(tuning.id) is None


async def test_a_trial_is_a_training_with_places_of_its_own(bench: Bench) -> None:
    """HP-25, HP-38, HP-13, HY-02."""
    tuning = await bench.step(await bench.tune(checkPointUploadUri="obs://local/v1/AUTH_local/models/cp/", useLog=True))
    (trial,) = await trials_of(bench, tuning)
    training = await bench.services.trainings.get(trial.id)
    assert training.tuning_id == tuning.id
    assert training.name == trial.name == "tuning-1"
    assert training.spec.model_upload_uri == f"obs://local/v1/AUTH_local/models/model/{trial.id}"
    assert training.spec.check_point_upload_uri == f"obs://local/v1/AUTH_local/models/cp/{trial.id}"
    workload = bench.driver.workloads[training.workload(0)]
    assert workload.command[-2:] == ("--lr", trial.parameters["lr"])
    assert workload.env["EM_HP_LR"] == trial.parameters["lr"]
    page = await bench.services.trainings.page(trainings.Wanted(), EVERYTHING)
    assert page.rows == [], "listed with the tuning"
    source = await bench.context.store.read(lambda db: log_shipping.source(db, trainings.KIND, trial.id))
    assert source is not None
    assert (source.hyperparameter_tuning_id, source.training_id, source.category) == (
        tuning.id, trial.id, "easymaker.training",
    ), "LG-18, LG-20"  # fmt: skip


async def test_trials_may_not_be_stopped_changed_or_deleted_behind_the_tuning(bench: Bench) -> None:
    """HP-53, HP-68."""
    tuning = await bench.step(await bench.tune())
    (trial,) = await trials_of(bench, tuning)
    service = bench.services.trainings
    for attempt in (
        service.stop(trial.id), service.delete(trial.id), service.change(trial.id, TrainingChange(training_name="x")),
    ):  # fmt: skip
        with pytest.raises(Conflict, match="trial of hyperparameter tuning"):
            await attempt


async def test_nodes_and_parallel_trials(bench: Bench) -> None:
    """HP-20, HP-21, HP-22, HP-L02: what does not fit waits as CREATED with its reason."""
    tuning = await bench.step(await bench.tune(instanceCount=6, parallelTrialCount=3, maxTrialCount=4))
    assert tuning.spec.nodes_per_trial == 2
    assert await statuses(bench, tuning) == [T.RUNNING, T.RUNNING, T.CREATED], "four vCPUs"
    found = await trials_of(bench, tuning)
    assert found[2].cause is not None
    assert "Position 1 in the queue" in found[2].cause.message
    assert len(bench.driver.workloads) == 4
    prints(bench, found[0], "loss=7\n", node=1)
    for node in range(2):
        bench.driver.end(f"training-{found[0].id}-1-node-{node}", 0)
    tuning = await bench.step(tuning)
    assert await statuses(bench, tuning) == [T.METRICS_UNAVAILABLE, T.RUNNING, T.RUNNING, T.CREATED]


async def test_what_is_printed_is_read_once_and_only_whole_lines(bench: Bench) -> None:
    """HP-39: a value whose line is not whole waits for the rest."""
    tuning = await bench.step(await bench.tune())
    (trial,) = await trials_of(bench, tuning)
    prints(bench, trial, "loss=5\nloss=2")
    assert await bench.tunings.reconcile(tuning.id) is not None
    assert (await trials_of(bench, tuning))[0].value(tuning.spec) == 5
    for _ in range(3):
        await bench.tunings.reconcile(tuning.id)
    prints(bench, trial, "5\nother=1\n")
    await bench.tunings.reconcile(tuning.id)
    found = (await trials_of(bench, tuning))[0].metrics["loss"]
    assert (found.count, found.minimum, found.latest) == (2, 5.0, 25.0)
    prints(bench, trial, "loss=1")
    bench.driver.end(f"training-{trial.id}-1-node-0", 0)
    await bench.step(tuning)
    found = (await trials_of(bench, tuning))[0].metrics["loss"]
    assert (found.count, found.minimum) == (3, 1.0), "the end of the file is the end of the line"


async def test_a_flood_is_read_to_its_end(bench: Bench) -> None:
    """HP-39, HP-L04: every value, in its order, however much is printed at once."""
    tuning = await bench.step(await bench.tune())
    lines = [f"step {n} loss={n % 97}" for n in range(60_000)]
    tuning = await ends(bench, tuning, 1, *lines)
    (trial, *_) = await trials_of(bench, tuning)
    assert trial.status is T.SUCCEEDED
    assert trial.metrics["loss"].count == 60_000
    points = await bench.context.store.read(lambda db: metric_points.after(db, trial.id, "loss", 59_990, 100))
    assert [point.value for point in points] == [float(n % 97) for n in range(59_990, 60_000)]


async def test_of_very_many_values_the_first_are_kept_and_all_count(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """HP-40: whatever a job prints, it does not fill the database."""
    monkeypatch.setattr(metric_points, "MOST_POINTS", 5)
    tuning = await bench.step(await bench.tune())
    tuning = await ends(bench, tuning, 1, *(f"loss={n}" for n in range(9, 0, -1)))
    (trial, *_) = await trials_of(bench, tuning)
    assert (trial.metrics["loss"].count, trial.value(tuning.spec)) == (9, 1.0)
    points = await bench.services.tunings.points(tuning.id, trial.id, "loss", 0, 100)
    assert [point.value for point in points] == [9.0, 8.0, 7.0, 6.0, 5.0]


async def test_who_stops_a_tuning_does_not_wait_for_what_a_trial_printed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """HP-53: and of a trial that has ended all is read before it is said what became of it."""
    monkeypatch.setattr(trial_output, "_PIECE_BYTES", 64)
    monkeypatch.setattr(controller, "_STEPS_PER_PASS", 3)
    tuning = await bench.step(await bench.tune())
    (trial,) = await trials_of(bench, tuning)
    prints(bench, trial, "nothing\n" * 5000 + "loss=1\n")
    bench.driver.end(f"training-{trial.id}-1-node-0", 0)
    await bench.controller.reconcile(trial.id)
    assert await bench.tunings.reconcile(tuning.id) == 0.0
    assert await statuses(bench, tuning) == [T.RUNNING]
    await bench.services.tunings.stop(tuning.id)
    await bench.tunings.reconcile(tuning.id)
    assert (await bench.services.tunings.get(tuning.id)).status is S.STOP_IN_PROGRESS
    while await bench.tunings.reconcile(tuning.id) is not None:
        pass
    assert await statuses(bench, tuning) == [T.SUCCEEDED]
    assert (await bench.services.tunings.get(tuning.id)).status is S.STOPPED


async def test_one_that_prints_all_the_time_is_looked_at_now_and_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new line for every look is no reason for the next look."""
    tuning = await bench.step(await bench.tune())
    (trial,) = await trials_of(bench, tuning)
    real, looks = trial_output._read_piece, []

    def reads(*arguments: Any) -> Any:
        looks.append(1)
        prints(bench, trial, "loss=1\n")
        return real(*arguments)

    monkeypatch.setattr(trial_output, "_read_piece", reads)
    assert await bench.tunings.reconcile(tuning.id) == controller.POLL_SECONDS
    assert len(looks) == 1
    assert (await trials_of(bench, tuning))[0].metrics["loss"].count == 1


async def test_a_search_that_cannot_go_on_says_why(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OverflowError("Range exceeds valid bounds")

    monkeypatch.setattr(controller, "propose", fails)
    tuning = await bench.step(await bench.tune())
    assert tuning.status is S.CREATE_FAILED
    assert tuning.cause is not None
    assert tuning.cause.message == "No values could be proposed for trial 1: Range exceeds valid bounds"


async def test_a_refused_deletion_ends_nothing(bench: Bench) -> None:
    """DP-19: not even what runs of a record that cannot be read."""
    tuning = await bench.step(await bench.tune())
    (trial,) = await trials_of(bench, tuning)
    await bench.context.store.write(lambda db: db.execute("UPDATE trainings SET spec = '{' WHERE id = ?", (trial.id,)))
    for attempt in (bench.services.trainings.delete(trial.id), bench.services.tunings.delete(tuning.id)):
        with pytest.raises(Conflict):
            await attempt
    assert list(bench.driver.workloads) == [f"training-{trial.id}-1-node-0"]


async def test_a_line_that_comes_near_is_told(bench: Bench) -> None:
    """HP-75, HP-31, HP-61: the objective stays unavailable, and the user sees which line came nearest."""
    tuning = await bench.step(await bench.tune(maxFailedTrialCount=1))
    tuning = await ends(bench, tuning, 1, "begin", "final loss: 0.5", "done")
    assert tuning.status is S.FAIL
    assert await statuses(bench, tuning) == [T.METRICS_UNAVAILABLE]
    assert tuning.cause is not None
    assert tuning.cause.reason is Reason.TOO_MANY_FAILED_TRIALS
    assert "Nearest line: final loss: 0.5" in tuning.cause.message


async def test_failed_trials_count_and_the_others_are_ended(bench: Bench) -> None:
    """HP-41, HP-42, HP-44, HP-73, HP-74."""
    tuning = await bench.step(await bench.tune(instanceCount=2, parallelTrialCount=2, maxFailedTrialCount=2, maxTrialCount=9))
    tuning = await ends(bench, tuning, 1, "loss=1", exit_code=3)
    assert tuning.status is S.RUNNING
    tuning = await ends(bench, tuning, 2, exit_code=4)
    tuning = await bench.step(tuning)
    assert tuning.status is S.FAIL
    assert await statuses(bench, tuning) == [T.FAILED, T.FAILED, T.KILLED]
    assert tuning.cause is not None
    assert "exit code 4" in tuning.cause.message
    killed = await bench.services.trainings.get((await trials_of(bench, tuning))[2].id)
    assert killed.cause is not None
    assert killed.cause.reason is Reason.ENDED_BY_TUNING
    assert bench.driver.workloads == {}


async def test_goal(bench: Bench) -> None:
    """HP-30, HP-41, HP-64, HP-44."""
    tuning = await bench.step(await bench.tune(instanceCount=2, parallelTrialCount=2, objectiveGoal=0.1, maxTrialCount=9))
    tuning = await ends(bench, tuning, 1, "loss=0.05")
    tuning = await bench.step(tuning)
    assert (tuning.status, tuning.detail) == (S.COMPLETE, Detail.GOAL_REACHED)
    assert await statuses(bench, tuning) == [T.SUCCEEDED, T.KILLED]


async def test_median_rule(bench: Bench) -> None:
    """HP-33 to HP-35, HP-43, HP-76."""
    tuning = await bench.step(
        await bench.tune(
            earlyStoppingAlgorithm="MEDIAN", earlyStoppingMinTrialCount=2, earlyStoppingStartStep=2, maxTrialCount=4
        )
    )  # fmt: skip
    tuning = await ends(bench, tuning, 1, "loss=4", "loss=2", "loss=1")
    tuning = await ends(bench, tuning, 2, "loss=2", "loss=2")
    third = (await trials_of(bench, tuning))[2]
    prints(bench, third, "loss=9\n")
    await bench.step(tuning)
    assert (await statuses(bench, tuning))[2] is T.RUNNING, "not yet at the start step"
    prints(bench, third, "loss=8\n")
    bench.driver.stubborn = True
    await bench.step(tuning)
    training = await bench.services.trainings.get(third.id)
    assert training.desired is Desired.STOP
    assert set(bench.driver.stops) == {training.workload(0)}
    bench.driver.end(training.workload(0), 143, signal=15)
    tuning = await bench.step(tuning)
    third = (await trials_of(bench, tuning))[2]
    assert third.status is T.EARLY_STOPPED
    assert third.why == "Its best loss so far, 8, is worse than 2.5, the median of the trials that succeeded."
    assert (await statuses(bench, tuning))[3] is T.RUNNING, "the search goes on"


async def test_grid_ends_with_its_last_combination(bench: Bench) -> None:
    """HP-05, HP-16, HP-66."""
    tuning = await bench.tune(
        tuningStrategyName="GRID", maxTrialCount=None, hyperparameterSpecList=[ranged("double", "0.01", "0.02", "0.01", "lr")]
    )
    tuning = await bench.step(tuning)
    for number in (1, 2):
        tuning = await ends(bench, tuning, number, "loss=1")
    assert (tuning.status, tuning.detail) == (S.COMPLETE, Detail.SUGGESTION_END_REACHED)
    assert [trial.parameters["lr"] for trial in await trials_of(bench, tuning)] == ["0.01", "0.02"]


async def test_time_limit(bench: Bench) -> None:
    """HP-67, GN-24."""
    tuning = await bench.step(await bench.tune(timeoutMinutes=60))
    bench.clock.jump(9999)
    tuning = await bench.step(tuning)
    assert tuning.status is S.RUNNING, "the clock was set, no time has passed"
    bench.clock.advance(3600)
    tuning = await bench.step(await bench.step(tuning))
    assert tuning.status is S.FAIL
    assert tuning.cause is not None
    assert tuning.cause.reason is Reason.TIME_LIMIT
    assert "(time limit)" in tuning.cause.message


async def test_stop_while_it_waits_and_while_it_runs(bench: Bench) -> None:
    """HP-53, HP-58, HP-60, HP-78, HP-44."""
    running = await bench.step(await bench.tune(instanceCount=4, parallelTrialCount=4, maxTrialCount=None))
    assert running.status is S.RUNNING
    waiting = await bench.step(await bench.tune())
    assert waiting.status is S.CREATE_REQUESTED
    shown = (await bench.services.tunings.overview(waiting.id)).tuning
    assert shown.cause is not None
    assert shown.cause.reason is Reason.WAITING_FOR_RESOURCES, "GN-26"
    for tuning in (waiting, running):
        await bench.services.tunings.stop(tuning.id)
        await bench.services.tunings.stop(tuning.id)
        await bench.step(tuning)
        tuning = await bench.step(tuning)
        assert tuning.status is S.STOPPED
        assert set(await statuses(bench, tuning)) == {T.KILLED}
        with pytest.raises(Conflict, match="stop is possible in"):
            await bench.services.tunings.stop(tuning.id)
    assert bench.driver.workloads == {}


async def test_creation_that_fails(bench: Bench) -> None:
    """HP-62: the first trial's reason is the tuning's."""
    bench.environments.prepared.clear()
    bench.environments.error = EnvironmentFailed("No matching distribution found for nothing==1")
    tuning = await bench.step(await bench.tune(instanceCount=2, parallelTrialCount=2))
    await bench.built()
    tuning = await bench.step(await bench.step(tuning))
    assert tuning.status is S.CREATE_FAILED
    assert tuning.cause is not None
    assert "nothing==1" in tuning.cause.message
    assert {trial.status.is_finished for trial in await trials_of(bench, tuning)} == {True}


async def test_delete(bench: Bench) -> None:
    """HP-81, DP-03, GN-12: with its trials, their logs and everything read from them; never what they stored."""
    tuning = await bench.step(await bench.tune(maxTrialCount=1, useLog=True))
    with pytest.raises(Conflict, match="deletion is possible in"):
        await bench.services.tunings.delete(tuning.id)
    (trial,) = await trials_of(bench, tuning)
    bench.node(await bench.services.trainings.get(trial.id), "model/weights").write_text("w")
    tuning = await ends(bench, tuning, 1, "loss=1")
    assert tuning.status is S.COMPLETE
    logs = bench.context.tensorboard_logs
    board = await asyncio.to_thread(logs.find_tuning, bench.experiment.id, tuning.id)
    assert board is not None
    assert [run.name for run in board.iterdir()] == [f"tuning-1-{trial.id}"]
    await bench.services.tunings.delete(tuning.id)
    with pytest.raises(NotFound):
        await bench.services.tunings.find(tuning.id)
    with pytest.raises(NotFound):
        await bench.services.trainings.get(trial.id)
    assert bench.stored(f"models/model/{trial.id}/weights").read_text() == "w"
    assert not bench.context.work_directory(trial.id).exists()
    assert not board.exists()
    assert bench.context.log_directory(trial.id).exists(), "until the log store has it"

    def left(db: Any) -> list[int]:
        tables = ("tunings", "trials", "trainings", "metric_points", "metric_summaries")
        return [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

    assert await bench.context.store.read(left) == [0, 0, 0, 0, 0]


async def test_an_experiment_with_a_tuning_that_runs_is_kept(bench: Bench) -> None:
    """DP-01, DP-19, EX-19."""
    tuning = await bench.step(await bench.tune())
    with pytest.raises(Conflict, match=rf"tuning 'tuning' \({tuning.id}, RUNNING\)"):
        await bench.services.experiments.delete(bench.experiment.id)


async def test_a_trial_whose_record_cannot_be_read_has_failed_and_the_tuning_goes_on(bench: Bench) -> None:
    """HP-74: and it can be deleted with the tuning, which ends what it runs."""
    tuning = await bench.step(await bench.tune(maxTrialCount=2))
    (trial,) = await trials_of(bench, tuning)
    await bench.context.store.write(lambda db: db.execute("UPDATE trainings SET spec = '{' WHERE id = ?", (trial.id,)))
    tuning = await bench.step(tuning)
    assert await statuses(bench, tuning) == [T.FAILED, T.RUNNING]
    tuning = await ends(bench, tuning, 2, "loss=1")
    assert tuning.status is S.COMPLETE
    assert f"training-{trial.id}-1-node-0" in bench.driver.workloads
    await bench.services.tunings.delete(tuning.id)
    assert bench.driver.workloads == {}


async def test_a_tuning_whose_record_cannot_be_read_is_left_alone_and_may_be_deleted(bench: Bench) -> None:
    tuning = await bench.step(await bench.tune())
    await bench.context.store.write(lambda db: db.execute("UPDATE tunings SET spec = '{' WHERE id = ?", (tuning.id,)))
    assert await bench.tunings.reconcile(tuning.id) is None
    with pytest.raises(Conflict, match="have not ended"):
        await bench.services.tunings.delete(tuning.id)
    (trial,) = await trials_of(bench, tuning)
    for _ in range(2):
        await bench.controller.reconcile(trial.id)
    await bench.services.tunings.delete(tuning.id)
    with pytest.raises(NotFound):
        await bench.services.tunings.find(tuning.id)


async def test_nobody_makes_a_trial_for_a_tuning_that_was_stopped_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HP-78: a proposal takes its time."""
    tuning = await bench.tune()
    real, loop = controller.propose, asyncio.get_running_loop()

    def slow(*arguments: Any) -> Any:
        asyncio.run_coroutine_threadsafe(bench.services.tunings.stop(tuning.id), loop).result()
        return real(*arguments)

    monkeypatch.setattr(controller, "propose", slow)
    await bench.tunings.reconcile(tuning.id)
    assert (await bench.services.tunings.get(tuning.id)).status is S.STOPPED
    assert await trials_of(bench, tuning) == []


async def test_two_trials_never_have_the_same_number(bench: Bench) -> None:
    """Whoever comes second makes nothing."""
    tuning = await bench.step(await bench.tune())
    (trial,) = await trials_of(bench, tuning)
    training = await bench.services.trainings.get(trial.id)

    def again(db: Any) -> None:
        twin = replace(training, id="twin")
        trainings.add(db, twin)
        trials.add(db, twin, 1)

    with pytest.raises(StaleRecord):
        await bench.context.store.write(again)
    assert await bench.context.store.read(lambda db: trainings.exists(db, "twin")) is False


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"modelUploadUri": "obs://local/v1/AUTH_local/models/" + "x" * 215}, "modelUploadUri"),
        ({"checkPointUploadUri": "obs://local/v1/AUTH_local/models/" + "x" * 215}, "checkPointUploadUri"),
        (
            {
                "hyperparameterSpecList": [
                    {
                        "hyperparameterName": f"{n:03d}" + "n" * 250, "hyperparameterTypeCode": "categorical",
                        "hyperparameterSpecifiedValues": "é" * 1000,
                    }
                    for n in range(100)
                ]
            },
            "hyperparameterSpecList",
        ),
        ({"instanceCount": 3, "parallelTrialCount": 2}, "instanceCount"),
        ({"entryPoint": "missing.py"}, "entryPoint"),
        ({"entryPoint": None}, "entryPoint"),
        ({"flavorId": "huge"}, "flavorId"),
        ({"experimentId": None}, "experimentId"),
    ],
)  # fmt: skip
async def test_what_no_trial_could_be_is_refused(bench: Bench, fields: dict[str, Any], field: str) -> None:
    """HP-12, HP-19, HP-20, HP-25, GN-08: before anything is kept."""
    with pytest.raises(InvalidRequest) as refused:
        await bench.tune(**fields)
    assert field in {fault.field for fault in refused.value.fields}
    assert (await bench.services.tunings.page(Wanted(), EVERYTHING)).rows == []


async def test_a_tuning_of_more_than_fits_at_once_is_taken(bench: Bench) -> None:
    """HP-L02: trials of one node each fit one after the other."""
    tuning = await bench.step(await bench.tune(instanceCount=10, parallelTrialCount=10, maxTrialCount=10))
    assert (await statuses(bench, tuning)).count(T.RUNNING) == 4
