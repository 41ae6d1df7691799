"""Brings the gateway's access log into the log store: what was asked of stages with logs (LG-04, LG-L04).

The gateway appends lines to a file and waits for nobody. A pass reads the next piece of each file and commits it together with
how far it has read: a daemon that dies anywhere neither loses nor doubles a request. A file that has grown large is renamed,
and the gateway told to begin another; it is deleted when everything in it is in the store and nobody writes to it any more.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from easymaker_local.domain.access_log import entry_of, parse
from easymaker_local.domain.log_entry import Entry
from easymaker_local.services.context import Context
from easymaker_local.store import access_log, api_statistics, logs, serving_names, stages

log = logging.getLogger(__name__)

KIND, ALL = "accesslog", "all"
"""What the loop knows this work by."""
POLL_SECONDS = 1.0
PIECE_BYTES = 1 << 18
# No line is longer: its path comes from a head of 60 KiB, of which escaping makes six times as much at most.
LONGEST_LINE_BYTES = 1 << 19
MAXIMUM_FILE_BYTES = 64 << 20
# A gateway that is being replaced may go on writing to a renamed file until it has ended.
SETTLED_SECONDS = 3600.0


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    identity: str


class AccessLog:
    """Registered with the loop under ``KIND``; there is one, ``ALL``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.settings.logs / "gateway"
        self._current = self._folder / "access.log"
        self._endpoints: dict[str, str] = {}

    async def unfinished(self) -> Iterable[str]:
        """Return ``ALL`` if there is any file."""
        return [ALL] if await asyncio.to_thread(self._paths) else []

    async def reconcile(self, _: str) -> float | None:
        """Bring in the next piece of every file; return when to look again."""
        began = time.monotonic()
        has_more = False
        files = await asyncio.to_thread(self._files)
        for file in files:
            has_more |= await self._bring_piece(file)
        if has_more:
            # As long a pause as the work took: however much is asked of models, we take half a core at most.
            return time.monotonic() - began
        await self._turn_over(files)
        # Without a stage that logs the loop's own looks are enough.
        return POLL_SECONDS if await self._context.store.read(stages.is_any_logged) else None

    def _paths(self) -> list[Path]:
        """Return the files, the oldest first."""
        renamed = self._folder.glob(f"{self._current.name}.*")
        return [*sorted(renamed, key=_number), *([self._current] if self._current.exists() else [])]

    def _files(self) -> list[_File]:
        found = []
        for path in self._paths():
            identity = _identity(path)
            if identity is not None:
                found.append(_File(path, path.stat().st_size, identity))
        return found

    async def _bring_piece(self, file: _File) -> bool:
        """Bring in the next piece of a file; True if there is more now."""
        offset = await self._context.log_store.read(lambda db: access_log.position(db, file.identity))
        if file.size <= offset:
            return False
        data = await asyncio.to_thread(_read, file.path, offset, PIECE_BYTES)
        whole, newline, rest = data.rpartition(b"\n")
        if not newline and len(data) == PIECE_BYTES:
            # One line is longer than a piece.
            data = await asyncio.to_thread(_read, file.path, offset, LONGEST_LINE_BYTES)
            whole, newline, rest = data.rpartition(b"\n")
            if not newline and len(data) == LONGEST_LINE_BYTES:
                whole, newline, rest = data, b"", b""
        taken = len(data) - len(rest)
        if not taken:
            return False
        entries = await self._entries(whole.split(b"\n"))
        now = self._context.clock.now()

        def bring(db: sqlite3.Connection) -> None:
            logs.append(db, entries, now)
            access_log.advance(db, file.identity, offset + taken)

        await self._context.log_store.write(bring)
        return file.size > offset + taken

    async def _entries(self, lines: Sequence[bytes]) -> list[Entry]:
        parsed = []
        for line in lines:
            try:
                parsed.append(parse(line))
            except ValueError as error:
                log.warning("a line of the gateway's access log cannot be read: %s", error)
        endpoints = await self._endpoints_of({line.stage_id for line in parsed})
        appkey = self._context.settings.appkey
        return [entry_of(line, appkey, endpoints.get(line.stage_id)) for line in parsed]

    async def _endpoints_of(self, stage_ids: set[str]) -> Mapping[str, str]:
        """Return the endpoints of stages, those included that are deleted meanwhile, as far as anything knows of them."""
        if not stage_ids <= self._endpoints.keys():
            names = await self._context.store.read(lambda db: serving_names.find(db, ()))
            self._endpoints = {stage_id: stage.endpoint_id for stage_id, stage in names.stages.items()}
        for stage_id in stage_ids - self._endpoints.keys():
            found = await self._context.statistics.read(partial(api_statistics.endpoint_of, stage_id=stage_id))
            if found is not None:
                self._endpoints[stage_id] = found
        return self._endpoints

    async def _turn_over(self, files: Sequence[_File]) -> None:
        """Begin another file where this one is large, and delete those that are done with. All of ``files`` is read."""
        renamed = [file for file in files if file.path != self._current]
        if await asyncio.to_thread(self._rename_if_large) or (renamed and not self._current.exists()):
            # The latter if a daemon died, or the gateway did not answer, between the two.
            if self._context.gateway is not None:
                await self._context.gateway.reopen_access_log()
            return
        now = self._context.clock.now()
        done = [file for file in renamed if _is_settled(file, now)]
        if done:
            for file in done:
                await asyncio.to_thread(file.path.unlink, missing_ok=True)
            kept = {file.identity for file in files} - {file.identity for file in done}
            await self._context.log_store.write(lambda db: access_log.keep_only(db, kept))

    def _rename_if_large(self) -> bool:
        if not self._current.exists() or self._current.stat().st_size < MAXIMUM_FILE_BYTES:
            return False
        newest = max((_number(path) for path in self._paths()), default=0)
        self._current.rename(self._current.with_name(f"{self._current.name}.{newest + 1}"))
        return True


def _number(path: Path) -> int:
    """Return what a renamed file is numbered by; 0 for the current one."""
    suffix = path.suffix[1:]
    return int(suffix) if suffix.isdecimal() else 0


def _identity(path: Path) -> str | None:
    """Return by what a file is known; None as long as its first line is not whole."""
    with path.open("rb") as file:
        first = file.readline(LONGEST_LINE_BYTES)
    return access_log.identity(first) if first.endswith(b"\n") or len(first) == LONGEST_LINE_BYTES else None


def _read(path: Path, offset: int, limit: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(limit)


def _is_settled(file: _File, now: float) -> bool:
    """True if nobody has written to it for long. Half a line at its end is that of a gateway that was killed."""
    status = file.path.stat()
    return status.st_size == file.size and now - status.st_mtime > SETTLED_SECONDS
