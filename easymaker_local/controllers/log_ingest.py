"""Brings what jobs with log management wrote into the log store (GN-22, LG-L01), beside them and never in their way.

Jobs append to files; nobody waits for us. A pass reads the next piece of each file and of the history, and commits it together
with how far it has read: a daemon that dies anywhere neither loses nor doubles a line. When a resource has ended and everything
is read, its row in ``log_shipping`` goes; if the resource was deleted meanwhile, whoever is last puts out the light.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from easymaker_local.domain.log_entry import Category, Entry, Level, Source, cut_lines, level_of
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.domain.training import TrainingStatus
from easymaker_local.errors import NotFound
from easymaker_local.services.context import Context
from easymaker_local.store import events, log_shipping, logs, trainings

# How often the files of a running job are looked at.
POLL_SECONDS = 0.5
# Small, so that requests come in between; larger ones are not faster.
PIECE_BYTES = 1 << 18
_EVENTS = "events"


@dataclass(frozen=True)
class _State:
    """How a training stands; ``name`` is None once it is deleted."""

    source: Source
    name: str | None
    is_started: bool
    is_finished: bool


class LogIngest:
    """Registered with the loop under ``log_shipping.KIND``; ids are those of ``log_shipping.key``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def unfinished(self) -> Iterable[str]:
        """Return what has not been brought in whole."""
        return [log_shipping.key(*found) for found in await self._context.store.read(log_shipping.unfinished)]

    async def sweep(self) -> None:
        """Forget the positions of what has been brought in whole: a crash may have left them. Before anything is read."""
        wanted = set(await self._context.store.read(log_shipping.unfinished))

        def forget(db: sqlite3.Connection) -> None:
            for kind, resource_id in logs.resources_with_positions(db) - wanted:
                logs.forget_positions(db, kind, resource_id)

        await self._context.log_store.write(forget)

    async def reconcile(self, key: str) -> float | None:
        """Bring in the next piece of everything that there is; return when to look again."""
        _, _, training_id = key.partition("-")
        # Asked before the files are read: what an ended training wrote is all there.
        state = await self._context.store.read(lambda db: _state(db, training_id))
        if state is None:
            return None
        began = time.monotonic()
        has_more = False
        for path in await asyncio.to_thread(_files, self._context.log_directory(training_id)):
            has_more |= await self._bring_piece(training_id, path, state)
        # After the files: "is COMPLETE" is the last that people read.
        if has_more or await self._bring_events(training_id, state):
            # As long a pause as the work took: whatever jobs write, we take half a core at most.
            return time.monotonic() - began
        if state.is_finished:
            await self._finish(training_id, state)
            return None
        return POLL_SECONDS if state.is_started else None

    async def _bring_piece(self, training_id: str, path: Path, state: _State) -> bool:
        """Bring in the next piece of a file; True if there is more now."""
        offset = await self._context.log_store.read(lambda db: logs.position(db, trainings.KIND, training_id, path.name))
        size = await asyncio.to_thread(_size, path)
        if size <= offset:
            return False
        now = self._context.clock.now()

        def bring(db: sqlite3.Connection) -> bool:
            # In the writer's thread: a pass at a time per training, so nobody else moves this position.
            data, written_at, at_end = _read(path, offset)
            lines, taken = cut_lines(data, final=state.is_finished and at_end)
            # Lines carry no time; when the file was last written is closer than now after a pause of the daemon.
            moment = min(now, written_at)
            by_level = {level: state.source._replace(node=_node(path), log_level=level) for level in Level}
            logs.append(db, [Entry(by_level[level_of(line)], moment, line) for line in lines], now)
            if taken:
                logs.advance(db, trainings.KIND, training_id, path.name, offset + taken)
            return not at_end

        return await self._context.log_store.write(bring)

    async def _bring_events(self, training_id: str, state: _State) -> bool:
        """Bring in the statuses of the training with their reasons, as entries without a node; True if there may be more."""
        context = self._context
        after = await context.log_store.read(lambda db: logs.position(db, trainings.KIND, training_id, _EVENTS))
        found = await context.store.read(lambda db: events.of_resource(db, trainings.KIND, training_id, after))
        if not found:
            return False
        now = context.clock.now()

        def bring(db: sqlite3.Connection) -> None:
            logs.append(db, [_entry(state, training_id, event) for event in found], now)
            logs.advance(db, trainings.KIND, training_id, _EVENTS, found[-1].id)

        await context.log_store.write(bring)
        return True

    async def _finish(self, training_id: str, state: _State) -> None:
        def end(db: sqlite3.Connection) -> bool:
            log_shipping.end(db, trainings.KIND, training_id)
            is_deleted = not trainings.exists(db, training_id)
            if is_deleted:
                events.forget(db, trainings.KIND, training_id)
            return is_deleted

        if await self._context.store.write(end):
            context = self._context
            # The working files too, if the daemon died before whoever deleted it came to them.
            folders = [context.work_directory(training_id), context.log_directory(training_id)]
            await asyncio.to_thread(context.discard, folders, training_id)
        await self._context.log_store.write(lambda db: logs.forget_positions(db, trainings.KIND, training_id))


def ship_again(db: sqlite3.Connection, appkey: str) -> None:
    """Ask for everything that trainings with log management ever wrote: for a log store that begins anew."""
    for training_id in trainings.with_logs(db):
        source = Source(easymaker_app_key=appkey, category=Category.TRAINING, training_id=training_id)
        log_shipping.begin(db, trainings.KIND, training_id, source)


def _state(db: sqlite3.Connection, training_id: str) -> _State | None:
    source = log_shipping.source(db, trainings.KIND, training_id)
    if source is None:
        return None
    try:
        training = trainings.find(db, training_id)
    except NotFound:
        return _State(source, None, is_started=True, is_finished=True)
    if isinstance(training, Quarantined):
        return _State(source, training.name, is_started=True, is_finished=training.is_finished)
    is_started = training.status is not TrainingStatus.CREATE_REQUESTED
    return _State(source, training.name, is_started, training.status.is_finished)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("node-*.log"))


def _size(path: Path) -> int:
    return path.stat().st_size


def _node(path: Path) -> str:
    return path.stem.removeprefix("node-")


def _read(path: Path, offset: int) -> tuple[bytes, float, bool]:
    """Return the next piece, when the file was last written, and whether that piece is the last for now."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(PIECE_BYTES)
        at_end = not file.read(1)
        return data, path.stat().st_mtime, at_end


def _entry(state: _State, training_id: str, event: events.Event) -> Entry:
    named = f"Training {state.name!r} ({training_id})" if state.name is not None else f"Training {training_id}"
    what = f" is {event.status}" if event.status is not None else ""
    why = f": {event.message}" if event.message else "."
    is_failure = event.status is not None and "FAIL" in event.status
    return Entry(state.source._replace(log_level=Level.ERROR if is_failure else Level.INFO), event.at, f"{named}{what}{why}")
