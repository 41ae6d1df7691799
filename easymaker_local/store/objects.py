"""The index of objects: what a file cannot keep of an object, in a database of its own.

A row counts only while its file is the one that it was written for (inode, size, time of change); files that users drop in
or edit have no row or a stale one. Losing the database loses metadata and cached checksums, never content. A marker is an
object that is a directory on disk (its name may end in a slash); its row is all that tells it from a plain directory.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from easymaker_local.store.database import Store
from easymaker_local.store.rebuildable import open_rebuildable

schema = Migrations("easymaker_local_objects")

Stamp = tuple[int, int, int]
"""Inode, size and time of change in nanoseconds: what a row and its file must agree on."""

MARKER: Stamp = (0, 0, 0)


@schema()
def objects(db: Database) -> None:
    """Objects and metadata of containers."""
    for statement in (
        """CREATE TABLE objects (
            container TEXT NOT NULL, name BLOB NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
            etag TEXT, content_type TEXT, headers TEXT NOT NULL, manifest TEXT, changed_at REAL NOT NULL,
            PRIMARY KEY (container, name)) STRICT, WITHOUT ROWID""",
        """CREATE INDEX objects_markers ON objects (container, name) WHERE inode = 0""",
        """CREATE TABLE containers (name TEXT PRIMARY KEY, headers TEXT NOT NULL) STRICT""",
    ):
        db.execute(statement)


@dataclass(frozen=True)
class Row:
    """What is known of one object. ``headers`` are answered as they are; ``manifest`` is ``container/prefix``.

    ``etag`` None: not computed yet. An object with a manifest and an etag was joined from its segments into one file.
    """

    name: str
    stamp: Stamp
    etag: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    manifest: str | None = None
    changed_at: float = 0.0


def stamp_of(found: os.stat_result) -> Stamp:
    """Return what a row of this file has to say."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def open_index(path: Path) -> Store:
    """Open the database, or a new one in place of one that is damaged."""
    return open_rebuildable(path, schema, "Metadata of objects is lost; their content is whole.")


def get(db: sqlite3.Connection, container: str, name: str) -> Row | None:
    """Return what is known of an object."""
    query = "SELECT * FROM objects WHERE container = ? AND name = ?"
    row = db.execute(query, (container, name.encode())).fetchone()
    return None if row is None else _row(row)


def get_many(db: sqlite3.Connection, container: str, names: Sequence[str]) -> Mapping[str, Row]:
    """Return what is known of objects that were listed, ``names`` in order."""
    if not names:
        return {}
    query = "SELECT * FROM objects WHERE container = ? AND name BETWEEN ? AND ?"
    wanted = set(names)
    rows = (_row(row) for row in db.execute(query, (container, names[0].encode(), names[-1].encode())))
    return {row.name: row for row in rows if row.name in wanted}


def markers(db: sqlite3.Connection, container: str, prefix: str = "") -> Sequence[str]:
    """Return the names of objects that are directories, sorted, from ``prefix`` on."""
    query = "SELECT name FROM objects WHERE container = ? AND inode = 0 AND name >= ? ORDER BY name"
    return [row["name"].decode() for row in db.execute(query, (container, prefix.encode()))]


def markers_among(db: sqlite3.Connection, container: str, names: Iterable[str]) -> set[str]:
    """Return those of ``names`` that are markers."""
    query = "SELECT 1 FROM objects WHERE container = ? AND name = ? AND inode = 0"
    return {name for name in names if db.execute(query, (container, name.encode())).fetchone() is not None}


def put(db: sqlite3.Connection, container: str, row: Row) -> None:
    """Insert or replace."""
    db.execute(
        "INSERT OR REPLACE INTO objects (container, name, inode, size, mtime, etag, content_type, headers, manifest,"
        " changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            container, row.name.encode(), *row.stamp, row.etag, row.content_type,
            json.dumps(dict(row.headers), ensure_ascii=False), row.manifest, row.changed_at,
        ),
    )  # fmt: skip


def forget(db: sqlite3.Connection, container: str, name: str) -> None:
    """Drop the row of an object."""
    db.execute("DELETE FROM objects WHERE container = ? AND name = ?", (container, name.encode()))


def forget_container(db: sqlite3.Connection, container: str) -> None:
    """Drop everything of a container."""
    db.execute("DELETE FROM objects WHERE container = ?", (container,))
    db.execute("DELETE FROM containers WHERE name = ?", (container,))


def container_headers(db: sqlite3.Connection, container: str) -> Mapping[str, str]:
    """Return a container's metadata."""
    row = db.execute("SELECT headers FROM containers WHERE name = ?", (container,)).fetchone()
    return {} if row is None else dict(json.loads(row["headers"]))


def put_container(db: sqlite3.Connection, container: str, headers: Mapping[str, str]) -> None:
    """Replace a container's metadata."""
    text = json.dumps(dict(headers), ensure_ascii=False)
    db.execute("INSERT OR REPLACE INTO containers (name, headers) VALUES (?, ?)", (container, text))


def _row(row: sqlite3.Row) -> Row:
    return Row(
        name=row["name"].decode(), stamp=(row["inode"], row["size"], row["mtime"]), etag=row["etag"],
        content_type=row["content_type"], headers=json.loads(row["headers"]), manifest=row["manifest"],
        changed_at=row["changed_at"],
    )  # fmt: skip
