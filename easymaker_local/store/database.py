"""One thread owns the write connection; readers have their own (WAL), so nobody in the process waits for the lock."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from easymaker_local.errors import DaemonError
from easymaker_local.store.migrations import migrations

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_READERS = 4
# A person with the sqlite3 shell may hold the lock for a moment; beyond this the request fails visibly.
_BUSY_SECONDS = 10.0


class Store:
    """``write`` runs work in one immediate transaction: all of it is committed, or none. ``read`` sees one snapshot."""

    def __init__(self, path: Path, schema: Migrations = migrations) -> None:
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
        """Run ``work`` in the writer's thread in one transaction and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, work)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` in a reader's thread, on one consistent snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._snapshot, work)

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

    def _transaction(self, work: Work[T]) -> T:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _snapshot(self, work: Work[T]) -> T:
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.execute("ROLLBACK")
