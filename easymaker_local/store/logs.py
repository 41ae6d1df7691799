"""Entries of the log store: appended in the order of arrival, forgotten oldest first."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence

from easymaker_local.domain.log_entry import SOURCE_FIELDS, Entry, Source
from easymaker_local.store.log_text import prepare

_BLOCK_IDS = 10_000
_COLUMNS = ", ".join(SOURCE_FIELDS)
_PLACES = ", ".join("?" * len(SOURCE_FIELDS))


def append(db: sqlite3.Connection, entries: Sequence[Entry], now: float) -> None:
    """Add entries that arrived now, in this order."""
    if not entries:
        return
    first = _take_ids(db, len(entries))
    sources = {source: _source_id(db, source, first) for source in {entry.source for entry in entries}}
    db.executemany(
        "INSERT INTO entries (id, source_id, time, inferenceId, fields, body) VALUES (?, ?, ?, ?, ?, ?)",
        ((first + n, sources[e.source], e.time, e.inference_id, e.fields, e.body) for n, e in enumerate(entries)),
    )
    db.executemany(
        "INSERT INTO search (rowid, body) VALUES (?, ?)", ((first + n, prepare(e.body)) for n, e in enumerate(entries))
    )
    last = first + len(entries) - 1
    counts = Counter(entry.source for entry in entries)
    db.executemany(
        "UPDATE sources SET lines = lines + ?, last_id = ? WHERE id = ?",
        [(count, last, sources[source]) for source, count in counts.items()],
    )
    _note_block(db, first, last, [entry.time for entry in entries], now)


def last_id(db: sqlite3.Connection) -> int:
    """Return the id of the newest entry that ever was; 0 before the first."""
    return int(db.execute("SELECT next_id FROM counter").fetchone()[0]) - 1


def position(db: sqlite3.Connection, kind: str, resource_id: str, stream: str) -> int:
    """Return how far a stream has been read: bytes of a file, the last id of events; 0 at first."""
    query = "SELECT position FROM positions WHERE kind = ? AND resource_id = ? AND stream = ?"
    row = db.execute(query, (kind, resource_id, stream)).fetchone()
    return 0 if row is None else int(row[0])


def advance(db: sqlite3.Connection, kind: str, resource_id: str, stream: str, to: int) -> None:
    """Note how far a stream has been read, in the transaction that appends what was read."""
    db.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)", (kind, resource_id, stream, to))


def forget_positions(db: sqlite3.Connection, kind: str, resource_id: str) -> None:
    """All streams of a resource have been read to their ends, and nobody will ask again."""
    db.execute("DELETE FROM positions WHERE kind = ? AND resource_id = ?", (kind, resource_id))


def resources_with_positions(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return kind and id of everything that has positions."""
    return {(row[0], row[1]) for row in db.execute("SELECT DISTINCT kind, resource_id FROM positions")}


def used_bytes(db: sqlite3.Connection) -> int:
    """Return the size of what is stored; pages that are free and will be used again do not count."""
    pages, free, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    return int((pages - free) * size)


def oldest_id(db: sqlite3.Connection) -> int | None:
    """Return the id of the oldest entry; None without any."""
    row = db.execute("SELECT MIN(id) FROM entries").fetchone()
    return None if row[0] is None else int(row[0])


def last_id_before(db: sqlite3.Connection, arrived_at: float) -> int:
    """Return the last id of the newest block that arrived wholly before a time; 0 if there is none."""
    # Blocks arrive in the order of their ids.
    row = db.execute("SELECT MAX(last_id) FROM blocks WHERE arrived_at < ?", (arrived_at,)).fetchone()
    return int(row[0] or 0)


def forget(db: sqlite3.Connection, upto: int, limit: int) -> int:
    """Delete the oldest entries with ids up to ``upto``, at most ``limit`` of them; returns how many."""
    query = "SELECT id, source_id, body FROM entries WHERE id <= ? ORDER BY id LIMIT ?"
    rows = db.execute(query, (upto, limit)).fetchall()
    if not rows:
        return 0
    last = rows[-1]["id"]
    db.executemany(
        "INSERT INTO search (search, rowid, body) VALUES ('delete', ?, ?)", ((row["id"], prepare(row["body"])) for row in rows)
    )
    db.execute("DELETE FROM entries WHERE id <= ?", (last,))
    counts = Counter(row["source_id"] for row in rows)
    db.executemany("UPDATE sources SET lines = lines - ? WHERE id = ?", [(n, source) for source, n in counts.items()])
    db.executemany("DELETE FROM sources WHERE id = ? AND lines = 0", [(source,) for source in counts])
    db.execute("DELETE FROM blocks WHERE last_id <= ?", (last,))
    return len(rows)


def merge_index(db: sqlite3.Connection, pages: int) -> bool:
    """Merge a part of the index, which frees what deletions left in it; False if there was nothing to do."""
    before = db.total_changes
    db.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
    return db.total_changes - before >= 2  # as documented for this command: below 2 it did nothing


def _take_ids(db: sqlite3.Connection, count: int) -> int:
    """Return the first of ``count`` new ids. Never an old one again: whoever follows asks for "after this id"."""
    return int(db.execute("UPDATE counter SET next_id = next_id + ? RETURNING next_id", (count,)).fetchone()[0]) - count


def _source_id(db: sqlite3.Connection, source: Source, first_id: int) -> int:
    key = json.dumps(source, ensure_ascii=False)
    row = db.execute("SELECT id FROM sources WHERE key = ?", (key,)).fetchone()
    if row is not None:
        return int(row[0])
    made = db.execute(
        f"INSERT INTO sources (key, {_COLUMNS}, first_id, last_id, lines) VALUES (?, {_PLACES}, ?, ?, 0)",  # noqa: S608 our names
        (key, *source, first_id, first_id),
    )
    assert made.lastrowid is not None
    return made.lastrowid


def _note_block(db: sqlite3.Connection, first: int, last: int, times: Sequence[float], now: float) -> None:
    earliest, latest = min(times), max(times)
    grown = db.execute(
        """UPDATE blocks SET last_id = ?, first_time = MIN(first_time, ?), last_time = MAX(last_time, ?), arrived_at = ?
           WHERE first_id = (SELECT MAX(first_id) FROM blocks) AND last_id - first_id < ?""",
        (last, earliest, latest, now, _BLOCK_IDS),
    ).rowcount
    if not grown:
        db.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?)", (first, last, earliest, latest, now))
