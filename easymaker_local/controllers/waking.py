"""Wakes models that sleep: a request for one waits at the gateway until a pod of it answers (scale to zero)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from easymaker_local.domain.endpoint import Wish
from easymaker_local.errors import DatabaseUnavailable
from easymaker_local.gateway.base import Gateway
from easymaker_local.services.context import Context
from easymaker_local.store import events, models, stages

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Waking:
    """Hears from the gateway who waits, and writes that pods are wanted; however many wait, once."""

    def __init__(self, context: Context, gateway: Gateway) -> None:
        self._context = context
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        gateway.on_held(self._on_held)

    async def settled(self) -> None:
        """Wait until all that was heard is written."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Give up what cannot be written; who waits is heard of again by the next daemon."""
        for task in self._tasks.values():
            task.cancel()
        await self.settled()

    def _on_held(self, stage_id: str, model_id: str) -> None:
        """A request waits at the gateway: wake the model, once however many wait."""
        key = stage_id, model_id
        if key not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._wake(stage_id, model_id))
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key))

    async def _wake(self, stage_id: str, model_id: str) -> None:
        """Write it, as often as it takes: the request is told of once, and waits for minutes."""
        while not await self._write(stage_id, model_id):  # noqa: ASYNC110 nobody tells when the database can be written
            await asyncio.sleep(RETRY_SECONDS)
        self._context.hinter.hint(stages.KIND, stage_id)

    async def _write(self, stage_id: str, model_id: str) -> bool:
        now = self._context.clock.now()

        def write(db: sqlite3.Connection) -> None:
            for resource in stages.resources_of(db, stage_id):
                is_asleep = resource.wanted_pods == 0 and resource.wish is Wish.SERVE
                if resource.model_id == model_id and is_asleep:
                    count = max(1, resource.spec.pod_count)
                    words = f"A request waits: pods 0 → {count}."
                    stages.set_wanted_pods(db, resource.id, count, now, words)
                    name = models.names(db, [model_id]).get(model_id, model_id)
                    events.record(db, stages.KIND, stage_id, now, events.EventType.NOTE, message=f"{name}: {words}")

        try:
            await self._context.store.write(write)
        except DatabaseUnavailable as error:
            log.warning("stage %s: a sleeping model cannot be woken yet: %s", stage_id, error)
            return False
        return True
