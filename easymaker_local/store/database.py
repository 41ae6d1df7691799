"""One thread owns the write connection; readers have their own (WAL), so nobody in the process waits for the lock."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from easymaker_local.errors import DaemonError, DatabaseUnavailable
from easymaker_local.store.changes import Changes, Noted
from easymaker_local.store.migrations import migrations

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_READERS = 4
# A person with the sqlite3 shell may hold the lock for a moment; beyond this the request fails visibly.
_BUSY_SECONDS = 10.0
_RETRY_SECONDS = 2.0
_CHECK_SECONDS = 0.2

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNAVAILABLE = {
    *_DAMAGED,
    *_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}


_COMMIT, _ROLLBACK = "COMMIT", "ROLLBACK"


class Store:
    """``write`` runs work in one immediate transaction: all of it is committed, or none. ``read`` sees one snapshot.

    ``changes`` tells which resources changed; only the main schema has any.
    ``rehearse`` tells whether a write would be possible: services check what they are asked for in the transaction that
    does it, and nobody has to repeat these checks elsewhere.
    """

    def __init__(self, path: Path, schema: Migrations = migrations) -> None:
        self.changes = Changes()
        self._noted = Noted()
        self._path = path
        self._schema = schema
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._connections_lock = threading.Lock()

    def open(self) -> None:
        """Create the database or bring it up to date. Raises DaemonError if it cannot be used."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._writer.submit(self._migrate).result()
        except sqlite3.DatabaseError as error:
            raise DaemonError(f"The database {self._path} cannot be opened: {error}.") from error

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in the writer's thread in one transaction and return its result; raises DatabaseUnavailable."""
        # From now on: ten that find the database locked wait as long as one.
        deadline = time.monotonic() + _BUSY_SECONDS
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work, deadline)

    async def rehearse(self, work: Work[object]) -> None:
        """Run ``work`` as ``write`` does and take all of it back; whatever it raises is raised, nothing is changed."""
        deadline = time.monotonic() + _BUSY_SECONDS
        await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work, deadline, _ROLLBACK)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` in a reader's thread, on one consistent snapshot; raises DatabaseUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def close(self) -> None:
        """Wait for work that runs, then close every connection."""
        self._writer.shutdown()
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed from another thread in close(), after the executors ended.
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
            with self._connections_lock:
                self._connections.append(connection)
        return connection

    def _migrate(self) -> None:
        connection = self._connection()
        connection.execute("PRAGMA journal_mode = WAL")
        self._schema.apply(Database(connection))
        check(connection, _CHECK_SECONDS)
        if self._schema is migrations:
            self._noted.watch(connection)

    def _write(self, work: Work[T], deadline: float, end: str = _COMMIT) -> T:
        with self._translated():
            left = max(0, int((deadline - time.monotonic()) * 1000))
            self._connection().execute(f"PRAGMA busy_timeout = {left}")
            return self._transaction(work, end)

    def _read(self, work: Work[T]) -> T:
        with self._translated():
            return self._snapshot(work)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = primary_code(error)
            if code not in _UNAVAILABLE:
                raise
            words, hint = f"cannot be used: {error}", "See: easymaker-local doctor"
            if code in _LOCKED:
                words, hint = "is locked by another program", "Close whatever else has it open."
            elif code == sqlite3.SQLITE_FULL:
                words, hint = "cannot grow: its disk is full", "Free some space."
            raise DatabaseUnavailable(
                f"The database {self._path} {words}; nothing was changed.", delay_seconds=_RETRY_SECONDS, hint=hint
            ) from error

    def _transaction(self, work: Work[T], end: str) -> T:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute(end)
        except BaseException:
            if connection.in_transaction:
                connection.execute(_ROLLBACK)
            self._noted.take()
            raise
        changes = self._noted.take()
        if changes and end == _COMMIT:
            self.changes.publish(changes)
        return result

    def _snapshot(self, work: Work[T]) -> T:
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.execute(_ROLLBACK)


def primary_code(error: sqlite3.Error) -> int | None:
    """Return what SQLite says is wrong, without the details; None where the module itself complains."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_damaged(error: BaseException | None) -> bool:
    """True if an error says that the file itself is no good, whatever else may happen with it."""
    return isinstance(error, sqlite3.DatabaseError) and primary_code(error) in _DAMAGED


def check(connection: sqlite3.Connection, seconds: float) -> None:
    """Look for damage for as long as that, which is all of a small database; raises sqlite3.DatabaseError."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        # By name: virtual tables have checks of their own, which cannot be broken off.
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0").fetchall():
            quoted = table.replace('"', '""')
            (found,) = connection.execute(f'PRAGMA quick_check("{quoted}")').fetchone()
            if found != "ok":
                raise Damaged(f"table {table}: {found}")
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_INTERRUPT:
            raise
    finally:
        connection.set_progress_handler(None, 0)


class Damaged(sqlite3.DatabaseError):
    """Found by looking for it."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT
