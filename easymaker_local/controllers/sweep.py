"""Once at start-up: what a crash left behind and no row refers to goes away; nothing else is ever touched (architecture 7)."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3

from easymaker_local.services.context import Context
from easymaker_local.store import trainings

log = logging.getLogger(__name__)


async def sweep(context: Context) -> None:
    """Remove workloads and working files of resources that are gone or ended, half-deleted files and broken uploads."""
    unfinished = set(await context.store.read(trainings.unfinished_ids))
    known = await context.store.read(_all_ids)
    for name in await context.driver.owned():
        kind, resource_id, *_ = name.split("-")
        if kind == trainings.KIND and resource_id not in unfinished:
            log.warning("removing the workload %s, which belongs to nothing", name)
            await context.driver.remove(name)
    await asyncio.to_thread(_sweep_files, context, known)


def _all_ids(db: sqlite3.Connection) -> set[str]:
    return {row["id"] for row in db.execute("SELECT id FROM trainings")}


def _sweep_files(context: Context, known: set[str]) -> None:
    shutil.rmtree(context.trash, ignore_errors=True)
    for parent in (context.settings.work / "training", context.settings.logs / "training"):
        if parent.is_dir():
            for folder in parent.iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)
    context.storage.sweep()
