"""TensorBoard's servers: started once, found again, removed with what they show; and what is said when they cannot start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from easymaker_local.controllers.tensorboard import TensorboardServers
from easymaker_local.controllers.web_servers import Broken, Ready, Starting
from easymaker_local.domain.experiment import ExperimentSpec
from easymaker_local.domain.tensorboard import IMAGE, Board, Scope
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.drivers.base import Address
from easymaker_local.errors import EngineUnavailable, EnvironmentFailed, NotFound, PermanentError
from easymaker_local.kit.files import write_atomically
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 120.0


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        made.environments.prepared.add(IMAGE)
        yield made


@pytest.fixture
async def servers(bench: Bench) -> AsyncIterator[TensorboardServers]:
    made = TensorboardServers(bench.context, bench.preparation)
    yield made
    await made.close()


@pytest.fixture
def board(bench: Bench) -> Board:
    return Board(Scope.EXPERIMENT, bench.experiment.id)


@pytest.fixture
async def listening(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Address]:
    """A port that takes connections, which every running workload is said to have."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    address = Address(*server.sockets[0].getsockname()[:2])

    async def reach(name: str, port: int) -> Address | None:
        return address if (await bench.driver.observe(name)).phase is Phase.RUNNING else None

    monkeypatch.setattr(bench.driver, "reach", reach)
    async with server:
        yield address


async def test_many_requests_start_one_server(
    bench: Bench, servers: TensorboardServers, board: Board, listening: Address
) -> None:
    """EX-L02, TB-L01: with a limit, the logs read-only, without peers, and nothing of it booked."""
    first = await asyncio.gather(*(servers.use(board) for _ in range(5)))
    assert all(isinstance(state, Starting) for state in first)
    ready = await servers.use(board, PATIENCE_SECONDS)
    assert isinstance(ready, Ready)
    assert ready.address == listening
    assert await servers.use(board) == ready
    (workload,) = bench.driver.workloads.values()
    assert workload.name == f"tensorboard-{board.id}-1-experiment"
    assert workload.resources.memory_bytes == 2 << 30
    logs = bench.context.tensorboard_logs.experiment(board.id)
    assert [mount.read_only for mount in workload.mounts if mount.source == logs] == [True]
    assert (workload.network, workload.member) == (None, None)
    assert ready.key not in " ".join(workload.command)
    assert not await bench.context.store.read(lambda db: db.execute("SELECT 1 FROM bookings").fetchall())


async def test_a_training_shows_its_own_logs(bench: Bench, servers: TensorboardServers, listening: Address) -> None:
    """TB-05, TR-34: also before it has begun."""
    training = await bench.create(trainingName="mine")
    assert isinstance(await servers.use(Board(Scope.TRAINING, training.id), PATIENCE_SECONDS), Ready)
    (workload,) = bench.driver.workloads.values()
    run = bench.context.tensorboard_logs.find(bench.experiment.id, training.id)
    assert run in {mount.source for mount in workload.mounts}
    running = await bench.pass_(training)
    assert bench.driver.workloads[running.workload(0)].env["EM_TENSORBOARD_LOG_DIR"] == str(run)


async def test_only_node_0_logs_for_tensorboard(bench: Bench) -> None:
    """DT-07, TB-L01."""
    training = await bench.pass_(await bench.create(instanceCount=2))
    first, second = (bench.driver.workloads[name] for name in training.workloads)
    run = bench.context.tensorboard_logs.find(bench.experiment.id, training.id)
    assert first.env["EM_TENSORBOARD_LOG_DIR"] == str(run)
    assert second.env["EM_TENSORBOARD_LOG_DIR"] == str(bench.node(training, "tensorboard", 1))
    assert run not in {mount.source for mount in second.mounts}


async def test_what_is_not_there_has_no_server(bench: Bench, servers: TensorboardServers, board: Board) -> None:
    for wanted in (Board(Scope.TRAINING, board.id), Board(Scope.EXPERIMENT, "nobody")):
        with pytest.raises(NotFound):
            await servers.use(wanted)
    assert bench.driver.workloads == {}


async def test_progress_of_the_environment_is_told(
    bench: Bench, servers: TensorboardServers, board: Board, listening: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.environments.prepared.clear()
    told, go_on = asyncio.Event(), asyncio.Event()
    original = bench.environments.prepare

    async def prepare(image: object, progress: Callable[[str], None]) -> str:
        progress("Downloading numpy")
        asyncio.get_running_loop().call_soon(told.set)
        await go_on.wait()
        return await original(image, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.environments, "prepare", prepare)
    await servers.use(board)
    await asyncio.wait_for(told.wait(), PATIENCE_SECONDS)
    state = await servers.use(board)
    assert isinstance(state, Starting)
    assert "Downloading numpy" in state.progress
    # Whoever deletes what was to be shown does not wait for the environment.
    other = await bench.services.experiments.create(ExperimentSpec(experiment_name="other"))
    await servers.use(Board(Scope.EXPERIMENT, other.id))
    await bench.services.experiments.delete(other.id)
    await asyncio.wait_for(servers.reconcile(other.id), PATIENCE_SECONDS)
    go_on.set()
    assert isinstance(await servers.use(board, PATIENCE_SECONDS), Ready)
    assert list(bench.driver.workloads) == [board.workload]


async def test_an_environment_that_cannot_be_prepared_is_explained_and_tried_again(
    bench: Bench, servers: TensorboardServers, board: Board, listening: Address
) -> None:
    bench.environments.prepared.clear()
    bench.environments.error = EnvironmentFailed("pip found no tensorboard.")
    state = await servers.use(board, PATIENCE_SECONDS)
    assert isinstance(state, Broken)
    assert "pip found no tensorboard." in state.message
    bench.environments.error = None
    assert await servers.use(board, PATIENCE_SECONDS) == state, "whoever reloads at once reads the same"
    bench.clock.advance(60)
    assert isinstance(await servers.use(board, PATIENCE_SECONDS), Ready)


async def test_one_that_ends_at_once_shows_what_it_wrote(
    bench: Bench, servers: TensorboardServers, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = bench.driver.start

    async def fails(workload: object) -> None:
        await start(workload)  # type: ignore[arg-type]
        write_atomically(workload.log_path, b"ImportError: no numpy\n")  # type: ignore[attr-defined]
        bench.driver.end(board.workload, 1)

    monkeypatch.setattr(bench.driver, "start", fails)
    state = await servers.use(board, PATIENCE_SECONDS)
    assert isinstance(state, Broken)
    assert state.log == "ImportError: no numpy\n"
    await servers.reconcile(board.id)
    assert await servers.use(board) == state


@pytest.mark.parametrize("error", [PermanentError("no"), EngineUnavailable("no answer"), ValueError("a bug")])
async def test_a_start_that_is_refused_is_explained(
    bench: Bench, servers: TensorboardServers, board: Board, error: Exception
) -> None:
    bench.driver.fail_start = error  # type: ignore[assignment]
    state = await servers.use(board, PATIENCE_SECONDS)
    assert isinstance(state, Broken)
    assert str(error) in state.message


async def test_a_later_daemon_finds_it(bench: Bench, servers: TensorboardServers, board: Board, listening: Address) -> None:
    """Architecture 7."""
    ready = await servers.use(board, PATIENCE_SECONDS)
    before = bench.driver.workloads[board.workload]
    later = TensorboardServers(bench.context, bench.preparation)
    assert list(await later.unfinished()) == [board.id]
    await later.reconcile(board.id)
    assert await later.use(board, PATIENCE_SECONDS) == ready
    assert bench.driver.workloads == {board.workload: before}


async def test_the_engine_may_be_silent_when_servers_are_looked_for(
    bench: Bench, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = TensorboardServers(bench.context, bench.preparation)
    owned = bench.driver.owned
    bench.driver.states[board.workload] = Observation(Phase.RUNNING)
    bench.driver.workloads[board.workload] = None  # type: ignore[assignment]

    async def silent() -> list[str]:
        raise EngineUnavailable("no answer")

    monkeypatch.setattr(bench.driver, "owned", silent)
    assert list(await servers.unfinished()) == []
    monkeypatch.setattr(bench.driver, "owned", owned)
    assert list(await servers.unfinished()) == [board.id]


async def test_one_that_has_ended_is_forgotten_and_started_again(
    bench: Bench, servers: TensorboardServers, board: Board, listening: Address
) -> None:
    """EX-L02."""
    ready = await servers.use(board, PATIENCE_SECONDS)
    assert isinstance(ready, Ready)
    bench.driver.end(board.workload, 0)
    await servers.reconcile(board.id)
    assert bench.driver.workloads == {}
    assert bench.driver.networks == {}
    assert list(await servers.unfinished()) == []
    assert isinstance(await servers.use(board, PATIENCE_SECONDS), Ready)
    # Its end is noticed by the request as well, whoever is first.
    bench.driver.end(board.workload, 0)
    servers.lost(board, ready)
    assert isinstance(await servers.use(board, PATIENCE_SECONDS), Ready)
    assert (await bench.driver.observe(board.workload)).phase is Phase.RUNNING


async def test_servers_go_with_what_they_show(
    bench: Bench, servers: TensorboardServers, board: Board, listening: Address
) -> None:
    """EX-L02: ready or just being started."""
    training = await bench.create()
    mine = Board(Scope.TRAINING, training.id)
    assert isinstance(await servers.use(mine, PATIENCE_SECONDS), Ready)
    await bench.services.trainings.stop(training.id)
    await bench.pass_(training)
    await bench.services.trainings.delete(training.id)
    await servers.reconcile(training.id)
    assert mine.workload not in bench.driver.workloads
    with pytest.raises(NotFound):
        await servers.use(mine)
    await servers.use(board)
    await bench.services.experiments.delete(bench.experiment.id)
    await servers.reconcile(board.id)
    assert bench.driver.workloads == {}
    assert bench.driver.networks == {}
