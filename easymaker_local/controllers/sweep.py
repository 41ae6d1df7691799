"""Once after start-up, what a crash left behind and no row refers to goes away; nothing else is ever touched."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from easymaker_local.errors import TransientError
from easymaker_local.services.context import Context
from easymaker_local.store import log_shipping, stages, trainings

log = logging.getLogger(__name__)


async def sweep_workloads(context: Context) -> None:
    """Remove workloads of this installation whose resource is gone or has ended; waits for a silent engine.

    May run beside the controllers: a workload's row is there before it, and an ended resource never gets a new one. So the
    workloads are listed first and the rows read afterwards.
    """
    while True:
        try:
            for name in await context.driver.owned():
                kind, resource_id, *rest = name.split("-")
                known = partial(_is_unfinished, training_id=resource_id) if kind == trainings.KIND else None
                if kind == stages.KIND and len(rest) == 2:
                    known = partial(_is_pod, pod_id=rest[1], attempt=rest[0])
                if known is not None and not await context.store.read(known):
                    log.warning("removing the workload %s, which belongs to nothing", name)
                    await context.driver.remove(name)
        except TransientError as error:
            log.warning("the workloads cannot be listed yet: %s", error)
            await asyncio.sleep(error.delay_seconds)
        else:
            return


async def sweep_files(context: Context) -> None:
    """Remove half-deleted files, broken uploads, and files of trainings, stages and pods that are gone.

    Before any request is served.
    """
    known = await context.store.read(_all_ids)
    await asyncio.to_thread(_sweep_files, context, known)
    await asyncio.to_thread(_sweep_stages, context, *await context.store.read(_stage_ids))
    rows = await context.store.read(_runs_of)
    experiment_ids = await context.store.read(_experiment_ids)
    tuning_ids = await context.store.read(_tuning_ids)
    await asyncio.to_thread(_sweep_tensorboard, context, rows, experiment_ids, tuning_ids)


def _is_unfinished(db: sqlite3.Connection, training_id: str) -> bool:
    query = "SELECT 1 FROM trainings WHERE id = ? AND is_finished = 0"
    return db.execute(query, (training_id,)).fetchone() is not None


def _is_pod(db: sqlite3.Connection, pod_id: str, attempt: str) -> bool:
    query = "SELECT 1 FROM pods WHERE id = ? AND CAST(attempt AS TEXT) = ?"
    return db.execute(query, (pod_id, attempt)).fetchone() is not None


def _stage_ids(db: sqlite3.Connection) -> tuple[set[str], set[str], set[str]]:
    """Return the ids of all stages, of all pods, and of the stages whose logs are still to be brought in."""
    shipping = {resource_id for kind, resource_id in log_shipping.unfinished(db) if kind == stages.KIND}
    pods = {row["id"] for row in db.execute("SELECT id FROM pods")}
    return {row["id"] for row in db.execute("SELECT id FROM stages")}, pods, shipping


def _all_ids(db: sqlite3.Connection) -> set[str]:
    # Logs of a deleted training stay until the log store has them.
    ids = {resource_id for kind, resource_id in log_shipping.unfinished(db) if kind == trainings.KIND}
    return ids | {row["id"] for row in db.execute("SELECT id FROM trainings")}


def _sweep_files(context: Context, known: set[str]) -> None:
    context.volumes.sweep(known)
    shutil.rmtree(context.trash, ignore_errors=True)
    for parent in (context.settings.work / "training", context.settings.logs / "training"):
        if parent.is_dir():
            for folder in parent.iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)
    context.storage.sweep()
    context.model_copies.sweep()


def _sweep_stages(context: Context, stage_ids: Collection[str], pod_ids: Collection[str], shipping: Collection[str]) -> None:
    work = context.settings.work / stages.KIND
    left = [folder for folder in work.glob("*") if folder.name not in stage_ids]
    left += [folder for folder in (context.settings.logs / stages.KIND).glob("*") if folder.name not in {*stage_ids, *shipping}]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in work.glob("*/*"):
        if folder.name not in pod_ids:
            shutil.rmtree(folder, ignore_errors=True)


def _runs_of(db: sqlite3.Connection) -> list[sqlite3.Row]:
    # Not as trainings: there may be very many, and the start waits for it.
    return db.execute("SELECT id, experiment_id, name, is_finished FROM trainings").fetchall()


def _experiment_ids(db: sqlite3.Connection) -> set[str]:
    return {row["id"] for row in db.execute("SELECT id FROM experiments WHERE deleted_at IS NULL")}


def _tuning_ids(db: sqlite3.Connection) -> set[str]:
    return {row["id"] for row in db.execute("SELECT id FROM tunings")}


def _sweep_tensorboard(
    context: Context, rows: Sequence[sqlite3.Row], experiment_ids: Collection[str], tuning_ids: Collection[str]
) -> None:
    """Remove runs of trainings that are gone, then folders of tunings and experiments that are gone and have none left."""
    ids = {row["id"] for row in rows}
    for training_id, run in context.tensorboard_logs.runs().items():
        if training_id not in ids:
            shutil.rmtree(run, ignore_errors=True)
    for tuning_id, folder in context.tensorboard_logs.tunings().items():
        if tuning_id not in tuning_ids:
            with suppress(OSError):
                folder.rmdir()
    # Homes of before there was a place for logs still have the folder of log roots that nobody used.
    old_roots = context.settings.work / "experiment"
    if old_roots.is_dir():
        _move_old_logs(context, rows)
        if all(row["is_finished"] for row in rows):
            shutil.rmtree(old_roots, ignore_errors=True)
    for folder in context.settings.tensorboard.glob("*"):
        if folder.name not in experiment_ids:
            with suppress(OSError):
                folder.rmdir()


def _move_old_logs(context: Context, rows: Sequence[sqlite3.Row]) -> None:
    for row in rows:
        # Of trainings that began since it is a mount point, and empty.
        old = context.work_directory(row["id"]) / "node-0" / "tensorboard"
        if row["is_finished"] and old.is_dir() and not old.is_symlink() and any(old.iterdir()):
            run = context.tensorboard_logs.make(row["experiment_id"], row["id"], row["name"])
            with suppress(OSError):  # logs have come to both places: those in the old one stay there
                old.rename(run)
