"""TensorBoard's servers: one per experiment, tuning or training that somebody looks at (EX-L02, TB-05)."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from easymaker_local.controllers.tensorboard_workload import build_workload
from easymaker_local.controllers.web_servers import WebServers
from easymaker_local.controllers.web_workload import Start
from easymaker_local.domain.tensorboard import IMAGE, KIND, Board, Scope, board_of_workload
from easymaker_local.drivers.base import Workload
from easymaker_local.store import experiments, trainings, tunings


class TensorboardServers(WebServers[Board]):
    """See the base. A server goes with the resource that it shows."""

    kind = KIND
    image = IMAGE
    title = "TensorBoard"

    def site_of(self, workload: str) -> Board | None:
        """See the base."""
        return board_of_workload(workload)

    async def check(self, site: Board) -> None:
        """See the base."""
        await self._context.store.read(lambda db: _owner(db, site))

    async def build(self, site: Board, start: Start) -> Workload:
        """See the base."""
        context = self._context
        logs = await self._logs(site)
        return build_workload(site, start, logs=logs, capabilities=context.driver.capabilities, settings=context.settings)

    async def _logs(self, board: Board) -> Path:
        """Return the directory that the server shows; made, since looking may come before the first line is logged."""
        logs = self._context.tensorboard_logs
        owner = await self._context.store.read(lambda db: _owner(db, board))
        if owner is None:
            folder = logs.experiment(board.id)
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            return folder
        make = logs.make_tuning if board.scope is Scope.TUNING else logs.make
        return await asyncio.to_thread(make, owner[0], board.id, owner[1])


def _owner(db: sqlite3.Connection, board: Board) -> tuple[str, str] | None:
    """Return experiment id and name of the training or tuning that is shown, None for an experiment; raises NotFound."""
    match board.scope:
        case Scope.EXPERIMENT:
            experiments.get(db, board.id)
            return None
        case Scope.TRAINING:
            # Also of one whose row cannot be read as a whole: its logs can.
            return trainings.experiment_of(db, board.id), trainings.find(db, board.id).name
        case Scope.TUNING:
            return tunings.experiment_of(db, board.id), tunings.find(db, board.id).name
