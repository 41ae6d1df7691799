"""Once after start-up, what a crash left behind and no row refers to goes away; nothing else is ever touched."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from easymaker_local.domain.training import Training
from easymaker_local.errors import TransientError
from easymaker_local.services.context import Context
from easymaker_local.store import experiments, log_shipping, trainings

log = logging.getLogger(__name__)


async def sweep_workloads(context: Context) -> None:
    """Remove workloads of this installation whose resource is gone or has ended; waits for a silent engine.

    May run beside the controllers: a workload's row is there before it, and an ended resource never gets a new one. So the
    workloads are listed first and the rows read afterwards.
    """
    while True:
        try:
            for name in await context.driver.owned():
                kind, resource_id, *_ = name.split("-")
                if kind == trainings.KIND and not await context.store.read(partial(_is_unfinished, training_id=resource_id)):
                    log.warning("removing the workload %s, which belongs to nothing", name)
                    await context.driver.remove(name)
        except TransientError as error:
            log.warning("the workloads cannot be listed yet: %s", error)
            await asyncio.sleep(error.delay_seconds)
        else:
            return


async def sweep_files(context: Context) -> None:
    """Remove half-deleted files, broken uploads, and files of trainings that are gone. Before any request is served."""
    known = await context.store.read(_all_ids)
    await asyncio.to_thread(_sweep_files, context, known)
    found = await context.store.read(trainings.list_all)
    experiment_ids = {experiment.id for experiment in await context.store.read(experiments.list_all)}
    await asyncio.to_thread(_sweep_tensorboard, context, found, experiment_ids)


def _is_unfinished(db: sqlite3.Connection, training_id: str) -> bool:
    query = "SELECT 1 FROM trainings WHERE id = ? AND is_finished = 0"
    return db.execute(query, (training_id,)).fetchone() is not None


def _all_ids(db: sqlite3.Connection) -> set[str]:
    # Logs of a deleted training stay until the log store has them.
    ids = {resource_id for kind, resource_id in log_shipping.unfinished(db) if kind == trainings.KIND}
    return ids | {row["id"] for row in db.execute("SELECT id FROM trainings")}


def _sweep_files(context: Context, known: set[str]) -> None:
    shutil.rmtree(context.trash, ignore_errors=True)
    for parent in (context.settings.work / "training", context.settings.logs / "training"):
        if parent.is_dir():
            for folder in parent.iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)
    context.storage.sweep()


def _sweep_tensorboard(context: Context, found: Sequence[Training], experiment_ids: Collection[str]) -> None:
    """Remove runs of trainings that are gone, then folders of experiments that are gone and have none left."""
    logs = context.tensorboard_logs
    ids = {training.id for training in found}
    for training_id, run in logs.runs().items():
        if training_id not in ids:
            shutil.rmtree(run, ignore_errors=True)
    for training in found:
        # Where they were before they had a place of their own; as a mount point the folder is empty.
        old = context.work_directory(training.id) / "node-0" / "tensorboard"
        if training.status.is_finished and old.is_dir() and not old.is_symlink() and any(old.iterdir()):
            assert training.spec.experiment_id is not None
            run = logs.make(training.spec.experiment_id, training.id, training.name)
            with suppress(OSError):  # logs have come to both places: those in the old one stay there
                old.rename(run)
    for folder in context.settings.tensorboard.glob("*"):
        if folder.name not in experiment_ids:
            with suppress(OSError):
                folder.rmdir()
