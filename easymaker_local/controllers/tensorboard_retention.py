"""TensorBoard logs go when nobody has written to them for long; the training's history says so (TB-02, TB-L01)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from easymaker_local.errors import NotFound
from easymaker_local.services.context import Context
from easymaker_local.store import trainings
from easymaker_local.store.events import EventType, record

log = logging.getLogger(__name__)

SECONDS_PER_DAY = 86_400.0


async def keep_recent(context: Context) -> None:
    """Sweep at the start and then every day, until cancelled."""
    while True:
        try:
            await sweep(context)
        except Exception:
            log.exception("the sweep of TensorBoard logs failed; it is repeated")
        await asyncio.sleep(SECONDS_PER_DAY)


async def sweep(context: Context) -> None:
    """Remove what is too old. A file counts by its own last write; runs of unfinished trainings stay as folders."""
    now, days = context.clock.now(), context.settings.tensorboard_retention_days
    ended = await context.store.read(_ended)
    before = now - days * SECONDS_PER_DAY
    removed = await asyncio.to_thread(context.tensorboard_logs.remove_old, before, ended)

    def note(db: sqlite3.Connection) -> None:
        for training_id, found in removed.items():
            try:
                trainings.find(db, training_id)
            except NotFound:
                continue
            files = "1 file" if found.files == 1 else f"{found.files} files"
            size = f"{found.bytes / (1 << 20):.1f} MiB"
            message = f"TensorBoard logs were deleted, {files} of {size}: nothing was written to them for {days:g} days."
            record(db, trainings.KIND, training_id, now, EventType.NOTE, message=message)

    if removed:
        await context.store.write(note)
        log.info("old TensorBoard logs of %d trainings were deleted", len(removed))


def _ended(db: sqlite3.Connection) -> set[str]:
    return {row["id"] for row in db.execute("SELECT id FROM trainings WHERE is_finished = 1")}
