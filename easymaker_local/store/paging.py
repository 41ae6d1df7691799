"""Reading a list from a place on, in an order, without looking at what comes before."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from easymaker_local.domain.page import EVERYTHING, Cursor, Order, Page, PageRequest, SortBy

T = TypeVar("T")

Condition = tuple[str, Sequence[object]]
"""Fixed words, and the values of their parameters."""

# Words as in the indexes: names go without regard to case, that of ASCII letters.
_COLUMNS = {SortBy.NAME: "name COLLATE NOCASE", SortBy.STATUS: "status"}
_FOLDED = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def begins(column: str, prefix: str) -> Condition:
    """Return the condition that a text begins with ``prefix``: as a range, which an index has."""
    return f"{column} >= ? AND {column} < ?", [prefix, prefix + "\U0010ffff"]


def named(name: str) -> Condition:
    """Return the condition that a row has exactly this name, as the index by name without regard to case has it."""
    return "name COLLATE NOCASE = ? AND name = ?", [name, name]


def contains(column: str, part: str) -> Condition:
    """Return the condition that ``part`` stands in a text, whatever its case."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{column} LIKE ? ESCAPE '\\'", [f"%{escaped}%"]


@dataclass(frozen=True)
class Selection:
    """The rows of a table that a list is of: all that meet every condition and have one of the statuses, if any are given.

    An index that begins with the columns compared with ``=``, then has that of the order, then ``created_at DESC, id``, gives
    a page without a scan. Where the conditions are ``selective``, the order is not to decide which index is taken.
    """

    table: str
    where: Sequence[Condition]
    statuses: Sequence[str] | None = None
    selective: bool = False

    def page(self, db: sqlite3.Connection, request: PageRequest, read: Callable[[sqlite3.Row], T]) -> Page[T]:
        """Return the rows that ``request`` asks for, each as ``read`` makes it."""
        count, order = request.count, request.order
        conditions = [*self.where, *([] if request.keyword is None else [_keyword(request.keyword)])]
        most = None if count is None else count + 1  # one more tells whether more follow
        # One status after the other: for several at once SQLite would read and sort all rows that have one of them.
        parts = [conditions] if self.statuses is None else [
            [*conditions, ("status = ?", [str(status)])] for status in dict.fromkeys(self.statuses)
        ]  # fmt: skip
        rows = [row for part in parts for row in islice(self._rows(db, part, order, request.after, most), most)]
        if len(parts) > 1:
            rows.sort(key=lambda row: (_value(row, order), -row["created_at"], row["id"]), reverse=order.is_turned)
        kept = rows[:count]
        after = _place(kept[-1], order) if count is not None and len(rows) > count else None
        total = sum(self._count(db, part) for part in parts) if request.with_total else None
        return Page([read(row) for row in kept], after, total)

    def _rows(
        self, db: sqlite3.Connection, where: Sequence[Condition], order: Order, after: Cursor | None, most: int | None
    ) -> Iterator[sqlite3.Row]:
        """Go through the rows after a place: first those that equal it in what the order is by, then those beyond."""
        later, beyond = (">", "<") if order.is_turned else ("<", ">")
        created = "+created_at" if self.selective else "created_at"
        column = _COLUMNS.get(order.by)
        if after is None:
            yield from self._query(db, where, order, most)
            return
        # Two conditions, since only the plain comparison can be a range of an index.
        equals = [
            *where, (f"{created} {later}= ?", [after.created_at]),
            (f"({created} {later} ? OR id {beyond} ?)", [after.created_at, after.id]),
        ]  # fmt: skip
        if column is None:
            yield from self._query(db, equals, order, most)
            return
        yield from self._query(db, [(f"{column} = ?", [after.value]), *equals], order, most)
        yield from self._query(db, [(f"{column} {beyond} ?", [after.value]), *where], order, most)

    def _query(
        self, db: sqlite3.Connection, where: Sequence[Condition], order: Order, most: int | None
    ) -> Iterator[sqlite3.Row]:
        column, created = _COLUMNS.get(order.by), "+created_at" if self.selective else "created_at"
        down, up = ("ASC", "DESC") if order.is_turned else ("DESC", "ASC")
        words = ", ".join([*([] if column is None else [f"{column} {up}"]), f"{created} {down}", f"id {up}"])
        text, values = _all(where)
        source = f"FROM {self.table} WHERE {text} ORDER BY {words} LIMIT ?"
        if column is not None:
            # No index may serve conditions and order at once: then small entries of one are sorted, not whole rows.
            source = f"FROM {self.table} WHERE rowid IN (SELECT rowid {source}) ORDER BY {words}"
        query = f"SELECT * {source}"
        yield from db.execute(query, [*values, -1 if most is None else most])

    def _count(self, db: sqlite3.Connection, where: Sequence[Condition]) -> int:
        text, values = _all(where)
        return int(db.execute(f"SELECT count(*) FROM {self.table} WHERE {text}", values).fetchone()[0])  # noqa: S608


def everything(db: sqlite3.Connection, table: str, read: Callable[[sqlite3.Row], T]) -> Sequence[T]:
    """Return all rows of a table, newest first."""
    return Selection(table, []).page(db, EVERYTHING, read).rows


def _all(where: Sequence[Condition]) -> tuple[str, list[object]]:
    text = " AND ".join(condition for condition, _ in where) or "TRUE"
    return text, [value for _, some in where for value in some]


def _keyword(keyword: str) -> Condition:
    (part, values), (prefix, more) = contains("name", keyword), begins("id", keyword)
    return f"({part} OR ({prefix}))", [*values, *more]


def _value(row: sqlite3.Row, order: Order) -> str:
    """Return what an order goes by, to be compared as SQLite does."""
    match order.by:
        case SortBy.CREATED:
            return ""
        case SortBy.NAME:
            return str(row["name"]).translate(_FOLDED)
        case SortBy.STATUS:
            return str(row["status"])


def _place(row: sqlite3.Row, order: Order) -> Cursor:
    return Cursor(row["created_at"], row["id"], order, _value(row, order))
