"""Keeps the log store within its age and its size, oldest entries first (LG-L05)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from easymaker_local.services.context import Context
from easymaker_local.store import logs

log = logging.getLogger(__name__)

SECONDS_PER_DAY = 86_400
# Ingest goes on between two batches; each takes some milliseconds.
BATCH = 500
_EVERY_SECONDS = 600.0
_MERGED_PAGES = 500
# Below the limit, so that the next entries do not meet it again at once.
_WANTED_SHARE = 0.95


async def keep_within_limits(context: Context) -> None:
    """Sweep at the start and then every ten minutes (a look costs next to nothing), until cancelled."""
    while True:
        try:
            forgotten = await sweep(context)
            if forgotten:
                log.info("%d old entries of the log store were deleted", forgotten)
        except Exception:
            log.exception("the sweep of the log store failed; it is repeated")
        await asyncio.sleep(_EVERY_SECONDS)


async def sweep(context: Context) -> int:
    """Delete what is too old, then the oldest of what is too much; returns how many entries went.

    Pages that become free are used again by later entries; the file itself does not shrink.
    """
    settings = context.settings
    cutoff = context.clock.now() - settings.log_retention_days * SECONDS_PER_DAY
    forgotten = await _forget(context, await context.log_store.read(lambda db: logs.last_id_before(db, cutoff)))
    limit = int(settings.log_max_gib * (1 << 30))
    upto = await context.log_store.read(lambda db: _last_of_too_much(db, limit))
    return forgotten + await _forget(context, upto)


async def _forget(context: Context, upto: int) -> int:
    total = 0
    while upto and (count := await context.log_store.write(lambda db: logs.forget(db, upto, BATCH))):
        total += count
    # Deletions leave marks in the index until it is merged.
    while total and await context.log_store.write(lambda db: logs.merge_index(db, _MERGED_PAGES)):
        pass
    return total


def _last_of_too_much(db: sqlite3.Connection, limit: int) -> int:
    """Return the last id that has to go for the size to be within the limit, taking entries to be alike; 0 for none."""
    used, oldest = logs.used_bytes(db), logs.oldest_id(db)
    if used <= limit or oldest is None:
        return 0
    count = logs.last_id(db) - oldest + 1
    return oldest - 1 + int(count * (1 - _WANTED_SHARE * limit / used))
