"""What ``doctor`` looks at in the home: databases, records, workloads, leftovers. Files alone are asked, no daemon.

So it has an answer, too, when the daemon does not start.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from easymaker_local.artifacts.locations import HIDDEN
from easymaker_local.cli.findings import Finding, Level
from easymaker_local.drivers.base import Driver
from easymaker_local.drivers.docker import DockerDriver
from easymaker_local.drivers.process import ProcessDriver
from easymaker_local.errors import EasyMakerError
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.settings import DriverChoice, Settings
from easymaker_local.store import experiments, ledger, models, training_templates, trainings, trials, tunings
from easymaker_local.store.database import check, is_damaged
from easymaker_local.store.rebuildable import BROKEN

T = TypeVar("T")

_LOCK_SECONDS = 2.0
_CHECK_SECONDS = 10.0
_SHOWN = 5
_RESTART = "easymaker-local down && easymaker-local up"


def check_databases(settings: Settings) -> Finding:
    """Each can be read and written by the daemon, none is damaged, none was put aside."""
    rebuilt = (settings.metrics_database, settings.statistics_database, settings.log_database, settings.object_index)
    problems, warnings, advice = [], [], []
    for path in (settings.database, *rebuilt):
        aside = path.with_name(path.name + BROKEN)
        if aside.exists():
            warnings.append(f"{path.name} was damaged and put aside as {aside}.")
            advice.append(f"Remove {aside} if you have no use for it.")
        if not path.exists():
            continue
        try:
            with _opened(path) as db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("ROLLBACK")
                check(db, _CHECK_SECONDS)
        except sqlite3.Error as error:
            message = f"{path} cannot be used: {error}."
            if is_damaged(error) and path in rebuilt:
                warnings.append(message)
                advice.append(f"The daemon puts it aside when it starts: {_RESTART}")
            elif is_damaged(error):
                problems.append(message)
                advice.append(f"Stop the daemon and bring {path.name} back from a copy.")
            else:
                problems.append(message)
                advice.append("Close whatever else has it open, and see that this user may write it.")
    if not problems and not warnings:
        return Finding("databases", Level.OK, "The databases can be read and written.")
    level = Level.PROBLEM if problems else Level.WARNING
    return Finding("databases", level, " ".join([*problems, *warnings]), " ".join(dict.fromkeys(advice)))


def check_records(settings: Settings) -> Finding:
    """Every row says something that can be understood."""

    def find(db: sqlite3.Connection) -> list[str]:
        rows = [f"training {row.id} ({row.name}): {row.problem}" for row in trainings.quarantined(db)]
        rows += [f"tuning {row.id} ({row.name}): {row.problem}" for row in tunings.quarantined(db)]
        rows += [f"trial {row.id} ({row.name}): {row.problem}" for row in trials.quarantined(db)]
        rows += [f"model {row.id} ({row.name}): {row.problem}" for row in models.quarantined(db)]
        rows += [f"experiment {row.id} ({row.name}): {row.message}" for row in experiments.broken(db)]
        rows += [f"training template {row.id} ({row.name}): {row.problem}" for row in training_templates.quarantined(db)]
        return rows + [f"{kind} {resource_id}: its place in the ledger" for kind, resource_id in ledger.broken(db)]

    try:
        found = _read(settings, find)
    except (sqlite3.Error, IndexError) as error:
        return Finding("records", Level.WARNING, f"The records were not looked at: {error}.", f"Is the daemon up? {_RESTART}")
    if not found:
        return Finding("records", Level.OK, "All records can be read.")
    message = f"Broken records, which are left alone ({len(found)}): {_few(found)}."
    return Finding("records", Level.PROBLEM, message, "Delete them, or stop the daemon and bring their rows back from a copy.")


def check_workloads(settings: Settings) -> Finding:
    """Whatever runs for this installation belongs to something, and the engine where it runs answers."""

    def find(db: sqlite3.Connection) -> tuple[dict[str, str], set[str]]:
        known = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM installation")}
        return known, {row["id"] for row in db.execute("SELECT id FROM trainings WHERE is_finished = 0")}

    try:
        known, _ = _read(settings, find) or ({}, set())
        if "id" not in known:
            return Finding("workloads", Level.OK, "Nothing was started yet.")
        driver = _driver(settings, known["id"], known.get("driver", ""))
        owned = asyncio.run(_owned(driver))
        _, unfinished = _read(settings, find) or ({}, set())
        # Of what has a row; others end by themselves when nobody needs them.
        named = [(name, *name.split("-")[:2]) for name in owned]
        strays = [name for name, kind, resource_id in named if kind == trainings.KIND and resource_id not in unfinished]
        if strays:
            # What ended meanwhile is not one.
            strays = sorted(set(strays) & set(asyncio.run(_owned(_driver(settings, known["id"], driver.name)))))
    except sqlite3.Error as error:
        return Finding("workloads", Level.WARNING, f"The workloads were not looked at: {error}.")
    except EasyMakerError as error:
        message = f"Jobs run in the container engine, and it does not answer: {error.message}"
        return Finding("workloads", Level.PROBLEM, message, "Start the engine; the jobs are looked for until it answers.")
    if strays:
        message = f"Workloads that belong to nothing ({len(strays)}): {_few(strays)}."
        return Finding("workloads", Level.WARNING, message, f"The daemon removes them when it starts: {_RESTART}")
    return Finding("workloads", Level.OK, f"All workloads ({len(owned)}) are those of known jobs.")


def check_leftovers(settings: Settings) -> Finding:
    """Nothing half-written or half-deleted lies about; asked while no daemon works, which makes and removes such things."""
    if ProcessLock(settings.lock_file).holder() is not None:
        return Finding("leftovers", Level.OK, "The daemon works with its files; it has removed leftovers at its start.")
    try:
        # With those whose log lines are still to be brought in.
        query = "SELECT id FROM trainings UNION SELECT id FROM stages UNION SELECT resource_id FROM log_shipping"
        known = _read(settings, lambda db: {row[0] for row in db.execute(query)}) or set()
    except sqlite3.Error as error:
        return Finding("leftovers", Level.WARNING, f"Leftovers were not looked for: {error}.")
    parents = [folder / kind for folder in (settings.work, settings.logs) for kind in ("training", "stage")]
    found = [str(path) for parent in parents for path in _inside(parent) if path.name not in known]
    found += [str(path) for folder in (settings.home / "trash", settings.storage / f"{HIDDEN}tmp") for path in _inside(folder)]
    found += [str(path) for path in _inside(settings.model_copies) if path.name.startswith(HIDDEN)]
    if found:
        message = f"Leftovers of interrupted work ({len(found)}): {_few(found)}."
        return Finding("leftovers", Level.WARNING, message, "The daemon removes them when it starts: easymaker-local up")
    return Finding("leftovers", Level.OK, "Nothing was left by interrupted work.")


def _driver(settings: Settings, install_id: str, name: str) -> Driver:
    if name == DriverChoice.DOCKER:
        return DockerDriver(settings.docker_host, install_id)
    return ProcessDriver(settings.workloads, install_id)


async def _owned(driver: Driver) -> Sequence[str]:
    try:
        return await driver.owned()
    finally:
        await driver.close()


def _read(settings: Settings, work: Callable[[sqlite3.Connection], T]) -> T | None:
    """Return what ``work`` finds in the database of resources; None if there is none yet."""
    if not settings.database.exists():
        return None
    with _opened(settings.database) as db:
        db.row_factory = sqlite3.Row
        return work(db)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=_LOCK_SECONDS, isolation_level=None)) as db:
        yield db


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _few(found: Sequence[str]) -> str:
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
