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
from easymaker_local.services.context import Context
from easymaker_local.services.growing_log import GrowingLog
from easymaker_local.settings import Settings
from easymaker_local.store import stages

NAME_SUFFIX = ".model"


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

    async def growing(self, stage_id: str, pod_id: str) -> GrowingLog:
        """Return the log of a pod, to be read while it may run; raises NotFound.

        A pod that has not started yet has written nothing; nothing more comes from one that is gone.
        """
        if pod_id not in await self._pods(stage_id) and pod_id not in {log.pod_id for log in await self.of_stage(stage_id)}:
            raise NotFound(f"Stage {stage_id} has no log of a pod {pod_id!r}.", hint="Logs of pods long gone are removed.")
        path = log_folder(self._context.settings, stage_id) / f"{pod_id}.log"

        async def is_gone() -> bool:
            return pod_id not in await self._pods(stage_id)

        return GrowingLog(path, is_gone, self._context.changes)

    async def _pods(self, stage_id: str) -> dict[str, PodState]:
        def read(db: sqlite3.Connection) -> dict[str, PodState]:
            stages.find(db, stage_id)
            return {pod.id: pod.state for pod in stages.pods_of(db, stage_id)}

        return await self._context.store.read(read)
