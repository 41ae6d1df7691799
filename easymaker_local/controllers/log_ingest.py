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
from pathlib import Path

from easymaker_local.controllers.log_origins import ORIGINS, Origin, State
from easymaker_local.domain.log_entry import Entry, Level, cut_lines, level_of
from easymaker_local.kit.textfile import read_piece
from easymaker_local.services.context import Context
from easymaker_local.store import events, log_shipping, logs

# How often the files of a running job are looked at.
POLL_SECONDS = 0.5
# Small, so that requests come in between; larger ones are not faster.
PIECE_BYTES = 1 << 18
_EVENTS = "events"


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
        kind, _, resource_id = key.partition("-")
        origin = ORIGINS[kind]
        # Asked before the files are read: what an ended resource wrote is all there.
        state = await self._context.store.read(lambda db: origin.state(db, resource_id))
        if state is None:
            return None
        began = time.monotonic()
        has_more = False
        for path in await asyncio.to_thread(origin.files, self._context, resource_id):
            has_more |= await self._bring_piece(origin, resource_id, path, state)
        # After the files: "is COMPLETE" is the last that people read.
        if has_more or await self._bring_events(origin, resource_id, state):
            # As long a pause as the work took: whatever jobs write, we take half a core at most.
            return time.monotonic() - began
        if state.is_finished:
            await self._finish(origin, resource_id)
            return None
        return POLL_SECONDS if state.is_started else None

    async def _bring_piece(self, origin: Origin, resource_id: str, path: Path, state: State) -> bool:
        """Bring in the next piece of a file; True if there is more now."""
        kind = origin.kind
        offset = await self._context.log_store.read(lambda db: logs.position(db, kind, resource_id, path.name))
        size = await asyncio.to_thread(_size, path)
        if size <= offset:
            return False
        now = self._context.clock.now()
        source = await asyncio.to_thread(origin.source, state, path)

        def bring(db: sqlite3.Connection) -> bool:
            # In the writer's thread: a pass at a time per resource, so nobody else moves this position.
            data, at_end, written_at = read_piece(path, offset, PIECE_BYTES)
            lines, taken = cut_lines(data, final=state.is_finished and at_end)
            # Lines carry no time; when the file was last written is closer than now after a pause of the daemon.
            moment = min(now, written_at)
            by_level = {level: source._replace(log_level=level) for level in Level}
            logs.append(db, [Entry(by_level[level_of(line)], moment, line) for line in lines], now)
            if taken:
                logs.advance(db, kind, resource_id, path.name, offset + taken)
            return not at_end

        return await self._context.log_store.write(bring)

    async def _bring_events(self, origin: Origin, resource_id: str, state: State) -> bool:
        """Bring in the statuses of the resource with their reasons, as entries without a node; True if there may be more."""
        context, kind = self._context, origin.kind
        after = await context.log_store.read(lambda db: logs.position(db, kind, resource_id, _EVENTS))
        found = await context.store.read(lambda db: events.of_resource(db, kind, resource_id, after))
        if not found:
            return False
        now = context.clock.now()

        def bring(db: sqlite3.Connection) -> None:
            logs.append(db, [_entry(origin, state, resource_id, event) for event in found], now)
            logs.advance(db, kind, resource_id, _EVENTS, found[-1].id)

        await context.log_store.write(bring)
        return True

    async def _finish(self, origin: Origin, resource_id: str) -> None:
        def end(db: sqlite3.Connection) -> bool:
            log_shipping.end(db, origin.kind, resource_id)
            is_deleted = not origin.exists(db, resource_id)
            if is_deleted:
                events.forget(db, origin.kind, resource_id)
            return is_deleted

        if await self._context.store.write(end):
            folders = origin.folders(self._context, resource_id)
            await asyncio.to_thread(self._context.discard, folders, resource_id)
        await self._context.log_store.write(lambda db: logs.forget_positions(db, origin.kind, resource_id))


def ship_again(db: sqlite3.Connection, appkey: str) -> None:
    """Ask for everything that was ever written under log management: for a log store that begins anew."""
    for origin in ORIGINS.values():
        origin.begin_again(db, appkey)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # of a pod that has gone meanwhile
        return 0


def _entry(origin: Origin, state: State, resource_id: str, event: events.Event) -> Entry:
    word = origin.word
    named = f"{word} {state.name!r} ({resource_id})" if state.name is not None else f"{word} {resource_id}"
    what = f" is {event.status}" if event.status is not None else ""
    why = f": {event.message}" if event.message else "."
    is_failure = event.status is not None and "FAIL" in event.status
    return Entry(state.source._replace(log_level=Level.ERROR if is_failure else Level.INFO), event.at, f"{named}{what}{why}")
