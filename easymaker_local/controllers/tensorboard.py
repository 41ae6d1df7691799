"""TensorBoard's servers: started when somebody looks, found again after a restart, removed with what they show (EX-L02, TB-05).

A server is a service and no job: it is not booked in the ledger, or looking at a training would have to wait for one to end.
Its memory is limited all the same, and it ends by itself when nobody asks. There is no row of it: the workload's
name says all, and the driver knows which of them run.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from easymaker_local.controllers.tensorboard_workload import MEMBER, PORT, build_workload, key_of
from easymaker_local.domain.tensorboard import IMAGE, KIND, Board, Scope, board_of_workload
from easymaker_local.domain.workload import Phase
from easymaker_local.drivers.base import Address
from easymaker_local.errors import EasyMakerError, NotFound, PermanentError, TransientError
from easymaker_local.kit.textfile import read_text
from easymaker_local.services.context import Context
from easymaker_local.services.preparation import Preparation
from easymaker_local.store import experiments, trainings

log = logging.getLogger(__name__)

# Reading large logs comes after the port is open, so this is about importing Python packages from a slow disk.
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_STOP_SECONDS = 5.0
# Who comes soon sees the same failure: the page of progress has to find it. Who reads it first and then reloads tries again.
FAILURE_SECONDS = 10.0
_LOG_BYTES = 4096
_STARTS = "Its server is being started, which takes some seconds."


@dataclass(frozen=True)
class Ready:
    """Where a server answers, and the key that it asks for."""

    address: Address
    key: str


@dataclass(frozen=True)
class Starting:
    """It is under way; ``progress`` is for people."""

    progress: str


@dataclass(frozen=True)
class Broken:
    """It could not be started: why, and the last that it wrote."""

    message: str
    log: str


State = Ready | Starting | Broken


@dataclass
class _Server:
    """What is known of a server. ``state`` is None until somebody asks; ``lock`` is held by whoever starts or removes it."""

    state: State | None = None
    failed_at: float = 0.0
    task: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TensorboardServers:
    """Used by the gateway, which asks with every request, and by the loop, which sees exits and deletions."""

    def __init__(self, context: Context, preparation: Preparation) -> None:
        self._context = context
        self._preparation = preparation
        self._servers: dict[Board, _Server] = {}
        self._has_adopted = False

    async def use(self, board: Board, wait_seconds: float = 0.0) -> State:
        """Say where a board is served, starting its server if need be; raises NotFound if there is nothing to show.

        Waits up to ``wait_seconds`` for a server that is being started.
        """
        await self._context.store.read(lambda db: _owner(db, board))
        server = self._servers.setdefault(board, _Server())
        has_failed = isinstance(server.state, Broken)
        if has_failed and self._context.clock.now() - server.failed_at >= FAILURE_SECONDS:
            server.state = None
        if server.state is None and server.task is None:
            server.state = Starting(_STARTS)
            server.task = asyncio.get_running_loop().create_task(self._bring_up(board, server), name=board.workload)
        if server.task is not None and wait_seconds > 0:
            await asyncio.wait([server.task], timeout=wait_seconds)
        if server.task is not None:
            image = self._context.catalogue.by_id(IMAGE)
            progress = None if image is None else self._preparation.progress(image)
            return Starting(progress or _STARTS)
        return server.state or Starting(_STARTS)

    def lost(self, board: Board, found: Ready) -> None:
        """Say that a server did not answer at its address: the next use looks whether it runs."""
        server = self._servers.get(board)
        if server is not None and server.state == found:
            server.state = None

    async def unfinished(self) -> Iterable[str]:
        """Return the ids of everything that has a server, also one of an earlier daemon."""
        if not self._has_adopted:
            try:
                names = await self._context.driver.owned()
            except TransientError as error:
                log.warning("the TensorBoard servers cannot be listed yet: %s", error)
            else:
                self._has_adopted = True
                for board in filter(None, map(board_of_workload, names)):
                    self._servers.setdefault(board, _Server())
        return {board.id for board in self._servers}

    async def reconcile(self, resource_id: str) -> float | None:
        """Forget servers that have ended and servers of what is gone."""
        for board in [board for board in self._servers if board.id == resource_id]:
            server = self._servers[board]
            exists = await self._exists(board)
            if not exists:
                await self._end(server)
            elif server.task is not None or isinstance(server.state, Broken):
                continue  # of one that failed somebody may still want to know why; the next start removes what is left
            async with server.lock:
                phase = (await self._context.driver.observe(board.workload)).phase
                if not exists or phase in {Phase.EXITED, Phase.ABSENT}:
                    await self._remove(board)
                    if server.task is None:
                        del self._servers[board]
        return None

    async def close(self) -> None:
        """End what is being started; servers go on."""
        for server in self._servers.values():
            await self._end(server)

    async def _bring_up(self, board: Board, server: _Server) -> None:
        try:
            async with server.lock:
                server.state = await self._start(board)
        except EasyMakerError as error:
            server.state = await self._broken(board, str(error))
        except Exception as error:
            log.exception("%s could not be started", board.workload)
            server.state = await self._broken(board, f"TensorBoard could not be started: {error}.")
        finally:
            server.failed_at = self._context.clock.now()
            server.task = None
            if isinstance(server.state, Starting):  # cancelled
                server.state = None

    async def _start(self, board: Board) -> Ready:
        context, driver = self._context, self._context.driver
        network = await driver.open_network(board.network, [MEMBER], [PORT])
        port = network[MEMBER][PORT].port
        key = key_of(board, context.secret_key)
        seen = await driver.observe(board.workload)
        if seen.phase is Phase.EXITED:
            await driver.remove(board.workload)
        if seen.phase in {Phase.EXITED, Phase.ABSENT, Phase.STARTING}:
            environment = await self._prepare()
            logs = await self._logs(board)
            await asyncio.to_thread(self._log(board).unlink, missing_ok=True)
            await driver.start(
                build_workload(
                    board, environment=environment, logs=logs, log_path=self._log(board), port=port, key=key,
                    capabilities=driver.capabilities, settings=context.settings,
                )
            )  # fmt: skip
        return Ready(await self._answering(board, port), key)

    async def _prepare(self) -> str:
        image = self._context.catalogue.by_id(IMAGE)
        if image is None:
            raise PermanentError(f"The image {IMAGE!r} is not in the catalogue.")
        asked_at = self._context.clock.now()
        if await self._preparation.ready(image) is None:
            self._preparation.start(image)
            await self._preparation.settled(image)
        environment = await self._preparation.ready(image)
        if environment is None:
            failure = self._preparation.failure(image, asked_at)
            raise PermanentError(failure or f"The environment {image.name!r} was not prepared.")
        return environment

    async def _answering(self, board: Board, port: int) -> Address:
        """Wait until the server takes connections; raises PermanentError if it ends instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_SECONDS
        while loop.time() < deadline:
            address = await self._context.driver.reach(board.workload, port)
            if address is None:
                seen = await self._context.driver.observe(board.workload)
                if seen.phase in {Phase.EXITED, Phase.ABSENT}:
                    raise PermanentError("TensorBoard ended while it was being started.")
            elif await _is_open(address):
                return address
            await asyncio.sleep(_LOOK_SECONDS)
        await self._context.driver.stop(board.workload, _STOP_SECONDS)
        raise PermanentError(f"TensorBoard did not answer within {_START_SECONDS:.0f} seconds.")

    async def _logs(self, board: Board) -> Path:
        """Return the directory that the server shows; made, since looking may come before the first line is logged."""
        logs = self._context.tensorboard_logs
        owner = await self._context.store.read(lambda db: _owner(db, board))
        if owner is None:
            folder = logs.experiment(board.id)
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            return folder
        return await asyncio.to_thread(logs.make, owner[0], board.id, owner[1])

    async def _broken(self, board: Board, message: str) -> Broken:
        path = self._log(board)

        def read_end() -> str:
            size = path.stat().st_size if path.exists() else 0
            return read_text(path, max(0, size - _LOG_BYTES), _LOG_BYTES, final=True)[0]

        return Broken(message, await asyncio.to_thread(read_end))

    async def _exists(self, board: Board) -> bool:
        try:
            await self._context.store.read(lambda db: _owner(db, board))
        except NotFound:
            return False
        return True

    async def _remove(self, board: Board) -> None:
        await self._context.driver.remove(board.workload)
        await self._context.driver.close_network(board.network)
        await asyncio.to_thread(self._log(board).unlink, missing_ok=True)

    def _log(self, board: Board) -> Path:
        return self._context.settings.logs / KIND / f"{board.id}-{board.scope}.log"

    @staticmethod
    async def _end(server: _Server) -> None:
        if server.task is not None:
            server.task.cancel()
            with suppress(asyncio.CancelledError):
                await server.task


def _owner(db: sqlite3.Connection, board: Board) -> tuple[str, str] | None:
    """Return experiment id and name of the training that a board shows, None for an experiment's; raises NotFound."""
    match board.scope:
        case Scope.EXPERIMENT:
            experiments.get(db, board.id)
            return None
        case Scope.TRAINING:
            # Also of one whose row cannot be read as a whole: its logs can.
            return trainings.experiment_of(db, board.id), trainings.find(db, board.id).name


async def _is_open(address: Address) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address.host, address.port), 5)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
