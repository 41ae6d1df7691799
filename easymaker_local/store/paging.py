"""Reading a list from a place on, newest first, without looking at what comes before."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from easymaker_local.domain.page import Cursor

Condition = tuple[str, Sequence[object]]
"""Fixed words, and the values of their parameters."""


def begins(column: str, prefix: str) -> Condition:
    """Return the condition that a text begins with ``prefix``: as a range, which an index has."""
    return f"{column} >= ? AND {column} < ?", [prefix, prefix + "\U0010ffff"]


def one_of(column: str, values: Sequence[object]) -> Condition:
    """Return the condition that a text is one of ``values``.

    One index serves one value in order; of several the few rows are sorted.
    """
    return f"{column} IN ({', '.join('?' * len(values))})", [str(value) for value in values]


def newest_first(
    db: sqlite3.Connection, table: str, where: Sequence[Condition], cursor: Cursor | None, count: int | None, *,
    by_created: bool = True,
) -> list[sqlite3.Row]:  # fmt: skip
    """Return up to ``count`` rows after ``cursor``; None: all.

    An index that begins with the columns compared with ``=`` and goes on with ``created_at DESC, id`` gives a page without a
    scan. Without ``by_created`` the conditions are so selective that the order is not to decide which index is taken.
    """
    created = "created_at" if by_created else "+created_at"
    conditions = list(where)
    if cursor is not None:
        # Two conditions, since only the plain comparison can be a range of an index.
        conditions.append((f"{created} <= ?", [cursor.created_at]))
        conditions.append((f"({created} < ? OR id > ?)", [cursor.created_at, cursor.id]))
    text = " AND ".join(condition for condition, _ in conditions) or "TRUE"
    values = [value for _, some in conditions for value in some]
    query = f"SELECT * FROM {table} WHERE {text} ORDER BY {created} DESC, id LIMIT ?"  # noqa: S608 fixed words
    return db.execute(query, [*values, -1 if count is None else count]).fetchall()
