"""The controller against a scripted driver and a clock that is set: what it does, and that doing it twice is harmless."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.controllers.trainings import TrainingController
from easymaker_local.domain.reason import Reason
from easymaker_local.domain.training import Training, TrainingStatus
from easymaker_local.errors import EngineUnavailable, EnvironmentFailed, PermanentError
from easymaker_local.kit.clock import Uptime
from easymaker_local.services.preparation import Preparation
from easymaker_local.store import ledger
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio
S = TrainingStatus


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home", backfill_seconds=0) as made:
        yield made


def address(path: str) -> str:
    return f"obs://local/v1/AUTH_local/{path}"


async def booked(bench: Bench) -> list[str]:
    return [booking.resource_id for booking in await bench.context.store.read(ledger.booked)]


async def test_from_request_to_complete(bench: Bench) -> None:
    """TR-28, TR-43, TR-49, GN-17."""
    training = await bench.create(checkPointUploadUri=address("models/checkpoints"))
    assert training.status is S.CREATE_REQUESTED
    training = await bench.pass_(training)
    assert training.status is S.RUNNING
    assert await booked(bench) == [training.id]
    bench.node(training, "model/weights").write_text("w")
    bench.node(training, "checkpoint/cp-1").write_text("c")
    assert not bench.stored("models/model").exists(), "nothing is visible before the end"
    bench.driver.end(training.workload(0), 0)
    training = await bench.pass_(training)
    assert training.status is S.COMPLETE
    assert bench.stored("models/model/weights").read_text() == "w"
    assert bench.stored("models/checkpoints/cp-1").read_text() == "c"
    assert await bench.history(training) == [
        "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "COMPLETE",
    ]  # fmt: skip
    assert await booked(bench) == []
    assert bench.driver.workloads == {}


async def test_failure_keeps_checkpoints_and_publishes_no_model(bench: Bench) -> None:
    """TR-29, TR-30, TR-45."""
    training = await bench.pass_(await bench.create(checkPointUploadUri=address("models/checkpoints")))
    bench.node(training, "model/weights").write_text("half")
    bench.node(training, "checkpoint/cp-1").write_text("c")
    bench.driver.end(training.workload(0), 3)
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert training.cause is not None
    assert training.cause.reason is Reason.EXIT_CODE
    assert bench.stored("models/checkpoints/cp-1").read_text() == "c"
    assert not bench.stored("models/model").exists()


async def test_time_limit(bench: Bench) -> None:
    """TR-31, GN-24, TR-30: terminated, FAIL_TRAIN with its reason, checkpoints kept."""
    training = await bench.pass_(await bench.create(checkPointUploadUri=address("models/checkpoints")))
    bench.node(training, "checkpoint/cp-1").write_text("c")
    bench.clock.advance(3600)
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN_IN_PROGRESS
    assert bench.driver.stops == [training.workload(0)]
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert training.cause is not None
    assert training.cause.reason is Reason.TIME_LIMIT
    assert bench.stored("models/checkpoints/cp-1").exists()
    assert training.elapsed_seconds(bench.clock.now()) == 3600, "TR-32"


async def test_stop_while_running(bench: Bench) -> None:
    """TR-35, TR-42, TR-44, TR-50, TR-30."""
    training = await bench.pass_(await bench.create(checkPointUploadUri=address("models/checkpoints")))
    bench.node(training, "checkpoint/cp-1").write_text("c")
    bench.driver.stubborn = True
    await bench.services.trainings.stop(training.id)
    training = await bench.pass_(training)
    assert training.status is S.STOP_IN_PROGRESS
    assert await booked(bench) == [training.id], "it still runs"
    bench.driver.end(training.workload(0), 137, signal=9)
    training = await bench.pass_(training)
    assert training.status is S.STOPPED
    assert bench.stored("models/checkpoints/cp-1").exists()
    assert await booked(bench) == []


async def test_stop_while_queued_starts_nothing(bench: Bench) -> None:
    """TR-50."""
    first = await bench.pass_(await bench.create(instanceCount=4))
    second = await bench.pass_(await bench.create())
    assert second.status is S.CREATE_REQUESTED
    await bench.services.trainings.stop(second.id)
    second = await bench.pass_(second)
    assert second.status is S.STOPPED
    assert set(bench.driver.workloads) == set(first.workloads)


async def test_queue_serves_in_order_and_says_why_one_waits(bench: Bench) -> None:
    """IT-L03, IT-L04, GN-26: the reason stands beside the status."""
    first = await bench.pass_(await bench.create(instanceCount=3))
    bench.clock.advance(1)
    big = await bench.pass_(await bench.create(instanceCount=2))
    bench.clock.advance(1)
    small = await bench.pass_(await bench.create())
    assert [t.status for t in (big, small)] == [S.CREATE_REQUESTED] * 2
    assert big.cause is not None
    assert f"held by training {first.id} (since " in big.cause.message
    assert big.cause.message.endswith("Position 1 in the queue.")
    assert small.cause is not None
    assert f"Position 2 in the queue, behind training {big.id}" in small.cause.message
    bench.clock.advance(1)
    huge = await bench.pass_(await bench.create(instanceCount=4))
    assert await bench.waiting_notes(huge) == 1
    for node in range(3):
        bench.driver.end(first.workload(node), 0)
    await bench.pass_(first)
    assert sorted(await booked(bench)) == sorted([big.id, big.id, small.id]), "all that fits at once, all nodes of it"
    assert (await bench.pass_(big)).status is S.RUNNING
    assert (await bench.pass_(small)).status is S.RUNNING
    huge = await bench.pass_(huge)
    assert huge.cause is not None
    assert "Position 1 in the queue" in huge.cause.message
    assert await bench.waiting_notes(huge) == 1, "places change with every job: only the first is history"


async def test_an_environment_that_is_gone_when_the_turn_comes_holds_nothing(bench: Bench) -> None:
    """Architecture 6: what is booked and not prepared any more gives it back and comes again."""
    first = await bench.pass_(await bench.create(instanceCount=4))
    waiting = await bench.pass_(await bench.create())
    bench.environments.prepared.clear()
    for node in range(4):
        bench.driver.end(first.workload(node), 0)
    await bench.controller.reconcile(first.id)
    await bench.queue.reconcile("all")
    assert await booked(bench) == [waiting.id]
    await bench.controller.reconcile(waiting.id)
    assert await booked(bench) == []
    await bench.built()
    assert (await bench.pass_(waiting)).status is S.RUNNING


async def test_the_class_of_a_kind_is_a_setting(tmp_path: Path) -> None:
    """IT-L04."""
    async with open_bench(tmp_path / "home", priorities={"training": 0}) as bench:
        await bench.controller.reconcile((await bench.create()).id)
        (waiting,) = await bench.context.store.read(ledger.queue)
        assert waiting.priority == 0


async def test_environment_is_prepared_before_anything_is_booked(bench: Bench) -> None:
    """Architecture 6: a download holds no resources, and does not hold up the queue."""
    bench.environments.prepared.clear()
    training = await bench.create()
    await bench.controller.reconcile(training.id)
    training = await bench.row(training)
    assert training.cause is not None
    assert training.cause.reason is Reason.PREPARING_ENVIRONMENT
    assert await booked(bench) == []
    await bench.built()
    assert (await bench.pass_(training)).status is S.RUNNING
    assert bench.environments.built == ["plain"]


async def test_environment_that_fails_fails_those_who_waited_and_not_the_next(bench: Bench) -> None:
    """TR-46, GN-21."""
    bench.environments.prepared.clear()
    bench.environments.error = EnvironmentFailed("No matching distribution found for nothing==1")
    waiting = [await bench.create(), await bench.create()]
    for training in waiting:
        await bench.pass_(training)
    await bench.built()
    for training in waiting:
        training = await bench.pass_(training)
        assert training.status is S.CREATE_FAILED
        assert training.cause is not None
        assert training.cause.message == "No matching distribution found for nothing==1"
    assert bench.environments.built == ["plain"], "one builder, however many wait"
    bench.environments.error = None
    bench.clock.advance(1)
    later = await bench.pass_(await bench.create())
    await bench.built()
    assert (await bench.pass_(later)).status is S.RUNNING


async def test_one_node_fails_the_others_are_stopped(bench: Bench) -> None:
    """DT-06, TR-L01."""
    training = await bench.pass_(await bench.create(instanceCount=2))
    bench.driver.end(training.workload(1), 1)
    training = await bench.pass_(training)
    assert training.workload(0) in bench.driver.stops
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert training.cause is not None
    assert training.cause.message == "Node 1: The entry point ended with exit code 1."


async def test_nodes_get_distribution_variables(bench: Bench) -> None:
    """DT-02, DT-03, DT-05, DT-L01."""
    training = await bench.pass_(await bench.create(instanceCount=2))
    for rank in range(2):
        env = bench.driver.workloads[training.workload(rank)].env
        config = json.loads(env["TF_CONFIG"])
        assert config == {
            "cluster": {"worker": ["node-0:2001", "node-1:2001"]}, "task": {"type": "worker", "index": rank},
        }  # fmt: skip
        assert (env["MASTER_ADDR"], env["MASTER_PORT"]) == ("node-0", "2000")
        assert (env["WORLD_SIZE"], env["RANK"]) == ("2", str(rank))
    alone = await bench.pass_(await bench.create())
    assert not {"TF_CONFIG", "MASTER_ADDR", "RANK"} & set(bench.driver.workloads[alone.workload(0)].env)


async def test_torchrun_command(bench: Bench) -> None:
    """TO-02, HY-02, HY-05."""
    training = await bench.pass_(
        await bench.create(
            instanceCount=2, useTorchrun=True, nprocPerNode=1,
            hyperparameterList=[{"parameterName": "text", "parameterValue": "a 'b' $c"}],
        )
    )  # fmt: skip
    command = bench.driver.workloads[training.workload(1)].command
    assert command[4:] == (
        "--torchrun", "--nodes", "2", "--node-rank", "1", "--processes-per-node", "1", "--master", "node-0:2000",
        "--", "train.py", "--text", "a 'b' $c",
    )  # fmt: skip


async def test_a_start_that_fails_for_good_leaves_nothing(bench: Bench) -> None:
    """TR-46."""
    bench.driver.fail_start = PermanentError("There is no such image.")
    training = await bench.pass_(await bench.create())
    assert training.status is S.CREATE_FAILED
    assert training.cause is not None
    assert training.cause.message == "There is no such image."
    assert await booked(bench) == []


async def test_input_that_vanished_fails_the_creation(bench: Bench) -> None:
    """GN-11: never hangs."""
    training = await bench.create()
    bench.stored("code/train.py").unlink()
    training = await bench.pass_(training)
    assert training.status is S.CREATE_FAILED
    assert training.cause is not None
    assert training.cause.reason is Reason.INPUT_MISSING


async def test_a_silent_engine_is_shown_and_nothing_is_decided(bench: Bench) -> None:
    training = await bench.pass_(await bench.create())
    bench.driver.fail_observe = EngineUnavailable("The container engine does not answer.")
    with pytest.raises(EngineUnavailable):
        await bench.controller.reconcile(training.id)
    training = await bench.row(training)
    assert training.status is S.RUNNING
    assert training.cause is not None
    assert training.cause.reason is Reason.WAITING_FOR_ENGINE
    bench.driver.fail_observe = None
    training = await bench.pass_(training)
    assert training.cause is None, "the remark goes when the engine is back"


async def test_output_that_cannot_be_stored_is_a_failure_and_nothing_is_lost(bench: Bench) -> None:
    """TR-49: COMPLETE only after the model is stored."""
    training = await bench.pass_(await bench.create())
    bench.node(training, "model/weights").write_text("w")
    bench.stored("models/model").write_text("a file is in the way")
    bench.driver.end(training.workload(0), 0)
    training = await bench.pass_(training)
    assert training.status is S.FAIL_TRAIN
    assert training.cause is not None
    assert training.cause.reason is Reason.OUTPUT_NOT_STORED
    assert bench.node(training, "model/weights").read_text() == "w"


async def test_a_job_that_outgrows_its_data_storage_is_warned_and_then_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GN-L10: 90 % is said, above 100 % is the end."""
    monkeypatch.setattr("easymaker_local.domain.training.BYTES_PER_GB", 10**6)
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    assert training.cause is None

    async def uses(count: int) -> Training:
        bench.node(training, "work/file").write_bytes(b"x" * count)
        # A controller counts now and then; a new one counts at once.
        fresh = TrainingController(bench.context, Preparation(bench.environments, bench.clock, lambda: None))
        await fresh.reconcile(training.id)
        return await bench.row(training)

    warned = await uses(900_000)
    assert warned.cause is not None
    assert (warned.status, warned.cause.reason) == (S.RUNNING, Reason.STORAGE_ALMOST_FULL)
    assert (await uses(10)).cause is None, "who tidies up is not warned any more"
    ended = await uses(1_100_000)
    assert ended.status is S.FAIL_TRAIN_IN_PROGRESS
    ended = await bench.pass_(ended)
    assert ended.status is S.FAIL_TRAIN
    assert ended.cause is not None
    assert ended.cause.message.startswith("Inputs and files of the job are larger than the data storage of 1 GB.")


async def test_a_new_controller_goes_on_where_the_old_one_ended(bench: Bench) -> None:
    """GN-L02: nothing is remembered outside the database and the driver."""
    training = await bench.pass_(await bench.create())
    bench.driver.end(training.workload(0), 0)
    fresh = TrainingController(bench.context, Preparation(bench.environments, bench.clock, lambda: None))
    assert await fresh.unfinished() == [training.id]
    await fresh.reconcile(training.id)
    assert (await bench.row(training)).status is S.COMPLETE
    assert await fresh.unfinished() == []


async def test_inputs_larger_than_the_data_storage_are_refused(bench: Bench) -> None:
    """GN-23, TR-L02."""
    with bench.stored("code/big").open("wb") as file:
        file.truncate(2 * 10**9)
    training = await bench.pass_(await bench.create(dataStorageSize=1))
    assert training.status is S.CREATE_FAILED
    assert training.cause is not None
    assert "larger than the data storage of 1 GB" in training.cause.message


async def test_a_link_in_the_algorithm_that_leads_out_is_refused(bench: Bench) -> None:
    bench.stored("code/secret").symlink_to("/etc/passwd")
    training = await bench.pass_(await bench.create())
    assert training.status is S.CREATE_FAILED
    assert training.cause is not None
    assert "leads out" in training.cause.message


async def test_how_a_node_was_started_can_be_seen_without_its_secrets(bench: Bench) -> None:
    """HY-L01."""
    parameters = [{"parameterName": "epochs", "parameterValue": "3"}, {"parameterName": "api_key", "parameterValue": "s3cr3t"}]
    training = await bench.pass_(await bench.create(hyperparameterList=parameters))
    assert "s3cr3t" in bench.driver.workloads[training.workload(0)].command, "the job itself gets it"
    (run,) = await bench.services.trainings.runs(training.id)
    assert run.command[-4:] == ["--epochs", "3", "--api_key", "********"]
    assert run.environment["EM_HP_EPOCHS"] == "3"
    assert "s3cr3t" not in json.dumps(run.environment)


@pytest.mark.parametrize("seconds", [86_400, -86_400])
async def test_a_clock_that_jumps_ends_no_job(bench: Bench, seconds: float) -> None:
    """TR-32: the maximum time is time that has passed, whatever somebody sets the clock to."""
    training = await bench.pass_(await bench.create(timeoutMinutes=60))
    bench.clock.advance(600)
    bench.clock.jump(seconds)
    assert (await bench.pass_(training)).status is S.RUNNING
    # A new daemon knows it too: what it compares was kept with the row.
    fresh = TrainingController(bench.context, Preparation(bench.environments, bench.clock, lambda: None))
    assert await fresh.reconcile(training.id) == 3000
    bench.clock.advance(3000)
    training = await bench.pass_(training)
    assert training.cause is not None
    assert training.cause.reason is Reason.TIME_LIMIT


async def test_after_a_restart_of_the_machine_the_clock_tells(bench: Bench) -> None:
    training = await bench.pass_(await bench.create(timeoutMinutes=60))
    bench.clock.running = Uptime("another boot", 5.0)
    bench.clock.jump(3599)
    assert (await bench.pass_(training)).status is S.RUNNING
    bench.clock.jump(1)
    bench.driver.stubborn = True
    training = await bench.pass_(training)
    assert training.cause is not None
    assert training.cause.reason is Reason.TIME_LIMIT


async def test_an_environment_that_fails_after_the_clock_was_set_back_is_not_built_for_ever(bench: Bench) -> None:
    """Nor does a failure from before concern those that ask after it."""
    bench.environments.prepared.clear()
    bench.environments.error = EnvironmentFailed("No matching distribution found for nothing==1")
    training = await bench.create()
    bench.clock.jump(-86_400)
    await bench.pass_(training)
    await bench.built()
    assert (await bench.pass_(training)).status is S.CREATE_FAILED
    bench.environments.error = None
    bench.clock.jump(-86_400)
    bench.clock.advance(1)
    later = await bench.pass_(await bench.create())
    await bench.built()
    assert (await bench.pass_(later)).status is S.RUNNING
