"""Databases that are worth less than a start: what they hold can be made again, or be missed."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlite_utils.migrations import Migrations

from easymaker_local.errors import DaemonError
from easymaker_local.store.database import Store, is_damaged

log = logging.getLogger(__name__)

BROKEN = ".broken"
"""What a damaged file is called from then on; one is kept."""


def put_aside_if_damaged(path: Path, schema: Migrations, loss: str) -> None:
    """Rename a database that is damaged, so that the next ``open`` makes a new one; ``loss`` says what that costs.

    Raises DaemonError if it cannot be used for another reason, like a lock.
    """
    if not path.exists():
        return
    store = Store(path, schema)
    try:
        store.open()
    except DaemonError as error:
        if not is_damaged(error.__cause__):
            raise
        log.warning("%s It is put aside as %s%s. %s", error, path.name, BROKEN, loss)
    else:
        return
    finally:
        store.close()
    # The database last: killed in between, the next daemon finds it damaged still.
    for name in (f"{path.name}-wal", f"{path.name}-shm", path.name):
        file = path.with_name(name)
        if file.exists():
            file.replace(path.with_name(name + BROKEN))


def open_rebuildable(path: Path, schema: Migrations, loss: str) -> Store:
    """Open a database, or a new one in place of one that is damaged."""
    put_aside_if_damaged(path, schema, loss)
    store = Store(path, schema)
    store.open()
    return store
