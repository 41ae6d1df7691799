"""How far the files of the gateway's access log have been read: in the log store's database, beside what was read of them.

A file is known by its first line, which no other has: it may be renamed, and a number of the file system used again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection


def identity(first_line: bytes) -> str:
    """Return the name under which a file is known."""
    return hashlib.sha256(first_line).hexdigest()[:32]


def position(db: sqlite3.Connection, file: str) -> int:
    """Return how many bytes have been read; 0 at first."""
    row = db.execute("SELECT position FROM access_logs WHERE file = ?", (file,)).fetchone()
    return 0 if row is None else int(row[0])


def advance(db: sqlite3.Connection, file: str, to: int) -> None:
    """Note how far a file has been read, in the transaction that appends what was read."""
    db.execute("INSERT OR REPLACE INTO access_logs VALUES (?, ?)", (file, to))


def keep_only(db: sqlite3.Connection, files: Collection[str]) -> None:
    """Forget the positions of all other files: they are deleted."""
    known = [row[0] for row in db.execute("SELECT file FROM access_logs")]
    db.executemany("DELETE FROM access_logs WHERE file = ?", [(file,) for file in known if file not in files])
