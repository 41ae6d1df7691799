"""What the model servers of a stage have written: one file for each pod, which outlives its starts and the pod (LG-L04).

``<home>/logs/stage/<stage id>/<pod id>.log``, and beside it ``.model`` with the name of the model. Files of pods that are gone
stay for a while, so that the words of a server that failed or was scaled in can be read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.domain.endpoint import PodState
from easymaker_local.errors import NotFound
from easymaker_local.kit.textfile import read_text
from easymaker_local.services.context import Context
from easymaker_local.settings import Settings
from easymaker_local.store import stages

NAME_SUFFIX = ".model"
# How often a followed log is looked at: only while somebody waits.
TICK_SECONDS = 0.1


def log_folder(settings: Settings, stage_id: str) -> Path:
    """Return where the logs of a stage's pods are, one file each: ``<pod id>.log``."""
    return settings.logs / stages.KIND / stage_id


def model_of_log(log: Path) -> str | None:
    """Return the name of the model whose output a log is; None: it was not noted."""
    try:
        return log.with_suffix(NAME_SUFFIX).read_text()
    except OSError:
        return None


@dataclass(frozen=True)
class PodLog:
    """The log of a pod; ``state`` None: the pod is no more. ``written_at`` in epoch seconds, ``size`` in bytes."""

    pod_id: str
    model_name: str | None
    state: PodState | None
    size: int
    written_at: float


@dataclass(frozen=True)
class LogPiece:
    """A piece of a log; go on at ``next_offset``. ``is_complete``: the pod is gone and has written no more."""

    content: str
    next_offset: int
    is_complete: bool


class PodLogs:
    """Lists and reads them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def of_stage(self, stage_id: str) -> list[PodLog]:
        """Return the logs that a stage has, the one that was written to last at the end; raises NotFound."""
        present = await self._pods(stage_id)

        def look() -> list[PodLog]:
            found = []
            for path in log_folder(self._context.settings, stage_id).glob("*.log"):
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue  # the oldest go while new pods come
                found.append(PodLog(path.stem, model_of_log(path), present.get(path.stem), status.st_size, status.st_mtime))
            return sorted(found, key=lambda log: (log.written_at, log.pod_id))

        return await asyncio.to_thread(look)

    async def read(self, stage_id: str, pod_id: str, offset: int, limit: int, wait_seconds: float) -> LogPiece:
        """Return at most ``limit`` bytes from byte ``offset`` on, having waited for some; raises NotFound.

        A pod that has not started yet has written nothing.
        """
        if pod_id not in await self._pods(stage_id) and pod_id not in {log.pod_id for log in await self.of_stage(stage_id)}:
            raise NotFound(f"Stage {stage_id} has no log of a pod {pod_id!r}.", hint="Logs of pods long gone are removed.")
        path = log_folder(self._context.settings, stage_id) / f"{pod_id}.log"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            # Asked before the file is read: what a pod that is gone wrote is all there.
            is_gone = pod_id not in await self._pods(stage_id)
            content, next_offset = await asyncio.to_thread(read_text, path, offset, limit, final=is_gone)
            if content or is_gone or loop.time() >= deadline:
                return LogPiece(content, next_offset, is_gone and not content)
            await asyncio.sleep(TICK_SECONDS)

    async def _pods(self, stage_id: str) -> dict[str, PodState]:
        def read(db: sqlite3.Connection) -> dict[str, PodState]:
            stages.find(db, stage_id)
            return {pod.id: pod.state for pod in stages.pods_of(db, stage_id)}

        return await self._context.store.read(read)
