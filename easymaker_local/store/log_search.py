"""Searching the log store: from the tree of a query to SQL with parameters.

Entries are looked at in windows of ids from one end, each a query of its own, until the page is full or the time is over:
so a page costs what it holds where matches are frequent, and where they are rare nobody waits longer than ``SECONDS``. Within
a window the rarest of what is required leads: an index of the fields, the index of words, or the entries themselves.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from easymaker_local.domain.log_entry import BODY_FIELD, INFERENCE_FIELD, SOURCE_FIELDS, TIME_FIELD, Entry, Source, StoredEntry
from easymaker_local.domain.log_query import And, Everything, FieldIs, HasField, Node, Not, Or, Text, TimeRange
from easymaker_local.store.log_text import has_words, phrase
from easymaker_local.store.logs import last_id

SECONDS = 2.0
PAGE_BYTES = 4 << 20
_FIRST_WINDOW = 50_000
_SLOW_SECONDS = 0.5
# Entries of matching sources are looked up one by one where they are fewer than this share of the ids.
_RARE = 1 / 16


@dataclass(frozen=True)
class Page:
    """Entries in the order asked for. ``cursor``: go on from there; ``has_more``: something may follow now."""

    entries: list[StoredEntry]
    cursor: int
    has_more: bool


@dataclass(frozen=True)
class _Window:
    """Ids from ``low`` to ``high``. ``lookup``: few entries are looked at, so words are looked up per entry."""

    low: int
    high: int
    lookup: bool = False


@dataclass
class _Sql:
    """A condition on ``e`` (entries) with its values."""

    text: str
    values: list[Any] = field(default_factory=list)


def search(db: sqlite3.Connection, query: Node, *, newest_first: bool, cursor: int | None, limit: int) -> Page:
    """Return the entries before ``cursor``, newest first, or those after it, oldest first. None: from that end."""
    newest = last_id(db)
    parts = _required(query)
    low, high = _bounds(db, parts, newest)
    if newest_first:
        high = min(high, newest if cursor is None else cursor - 1)
        end_cursor = 0
    else:
        low = max(low, (cursor or 0) + 1)
        end_cursor = max(newest, cursor or 0)
    plan = _plan(db, parts, low, high)
    deadline = time.monotonic() + SECONDS
    found: list[StoredEntry] = []
    left = PAGE_BYTES
    size = high - low + 1 if plan.lookup else _FIRST_WINDOW
    while low <= high:
        began = time.monotonic()
        window = _Window(max(low, high - size + 1), high) if newest_first else _Window(low, min(high, low + size - 1))
        for row in _rows(db, plan, window, newest_first=newest_first, limit=limit - len(found)):
            found.append(_stored(row))
            left -= len(row["body"]) + len(row["fields"] or "")
            if len(found) == limit or left <= 0:
                return Page(found, found[-1].id, True)
        if newest_first:
            high = window.low - 1
        else:
            low = window.high + 1
        now = time.monotonic()
        if now > deadline and low <= high:
            return Page(found, high + 1 if newest_first else low - 1, True)
        # Some words cost the same in a window of any size: windows grow unless they are slow.
        if now - began < _SLOW_SECONDS:
            size *= 4
    return Page(found, end_cursor, False)


def _required(node: Node) -> list[Node]:
    """Return the parts that must all match."""
    if isinstance(node, And):
        return [inner for part in node.parts for inner in _required(part)]
    return [] if isinstance(node, Everything) else [node]


def _bounds(db: sqlite3.Connection, parts: Sequence[Node], newest: int) -> tuple[int, int]:
    """Return between which ids anything can match."""
    low = db.execute("SELECT MIN(first_id) FROM blocks").fetchone()[0] or 1
    high = newest
    found: list[sqlite3.Row] = []
    sources = [part for part in parts if _is_of_source(part)]
    if sources:
        condition = _all([_source_condition(part) for part in sources])
        query = f"SELECT MIN(first_id), MAX(last_id) FROM sources WHERE {condition.text}"  # noqa: S608 see _source_condition
        found.append(db.execute(query, condition.values).fetchone())
    for part in parts:
        if isinstance(part, TimeRange):
            query = "SELECT MIN(first_id), MAX(last_id) FROM blocks WHERE last_time >= ? AND first_time <= ?"
            found.append(db.execute(query, _ends(part)).fetchone())
    for first, last in found:
        if first is None:
            return 1, 0
        low, high = max(low, first), min(high, last)
    return low, high


@dataclass(frozen=True)
class _Plan:
    """``index``: the index that leads, if one does; ``words``: the expression of the index of words, if it leads."""

    parts: Sequence[Node]
    index: str | None = None
    words: str | None = None
    lookup: bool = False


def _plan(db: sqlite3.Connection, parts: Sequence[Node], low: int, high: int) -> _Plan:
    if any(isinstance(part, FieldIs) and part.field == INFERENCE_FIELD and not part.prefix for part in parts):
        return _Plan(parts, index="entries_inference", lookup=True)
    if any(isinstance(part, FieldIs | HasField) and not _is_known(part.field) for part in parts):
        return _Plan(parts, index="entries_fields", lookup=True)
    words = [part for part in parts if _is_of_words(part)]
    sources = [part for part in parts if _is_of_source(part)]
    if sources:
        condition = _all([_source_condition(part) for part in sources])
        query = f"SELECT SUM(lines) FROM sources WHERE {condition.text}"  # noqa: S608 see _source_condition
        lines = db.execute(query, condition.values).fetchone()[0] or 0
        if lines < (high - low + 1) * _RARE:
            return _Plan(parts, index="entries_source", lookup=True)
    if words:
        return _Plan([part for part in parts if part not in words], words=" AND ".join(map(_expression, words)))
    return _Plan(parts)


_COLUMNS = ", ".join(f"s.{name}" for name in SOURCE_FIELDS)
_SELECT = f"SELECT e.id, e.time, e.inferenceId, e.fields, e.body, {_COLUMNS} FROM"


def _rows(db: sqlite3.Connection, plan: _Plan, window: _Window, *, newest_first: bool, limit: int) -> sqlite3.Cursor:
    window = _Window(window.low, window.high, plan.lookup)
    conditions = [_condition(part, window) for part in plan.parts]
    order = "DESC" if newest_first else "ASC"
    if plan.words is not None:
        tables = "search CROSS JOIN entries e ON e.id = search.rowid"
        within = _Sql("search MATCH ? AND search.rowid BETWEEN ? AND ?", [plan.words, window.low, window.high])
        by = "search.rowid"
    else:
        tables = "entries e" if plan.index is None else f"entries e INDEXED BY {plan.index}"
        within = _Sql("e.id BETWEEN ? AND ?", [window.low, window.high])
        by = "e.id"
        if plan.index == "entries_fields":
            conditions.append(_Sql("e.fields IS NOT NULL"))
    where = _all([within, *conditions])
    tables += " CROSS JOIN sources s ON s.id = e.source_id"
    return db.execute(f"{_SELECT} {tables} WHERE {where.text} ORDER BY {by} {order} LIMIT ?", [*where.values, limit])


def _stored(row: sqlite3.Row) -> StoredEntry:
    source = Source(**{attribute: row[name] for name, attribute in SOURCE_FIELDS.items()})
    return StoredEntry(row["id"], Entry(source, row["time"], row["body"], row["inferenceId"], row["fields"]))


def _condition(node: Node, window: _Window) -> _Sql:
    """Return the condition for a part; true or false for every entry, never unknown, so that NOT means the rest."""
    if _is_of_source(node):
        inner = _source_condition(node)
        return _Sql(f"e.source_id IN (SELECT id FROM sources WHERE {inner.text})", inner.values)  # noqa: S608
    if _is_of_words(node):
        if window.lookup:
            text = "EXISTS (SELECT 1 FROM search WHERE search MATCH ? AND rowid = e.id)"
            return _Sql(text, [_expression(node)])
        text = "e.id IN (SELECT rowid FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ?)"
        return _Sql(text, [_expression(node), window.low, window.high])
    match node:
        case Everything():
            return _Sql("1")
        case And(parts):
            return _all([_condition(part, window) for part in parts])
        case Or(parts):
            return _join("OR", [_condition(part, window) for part in parts])
        case Not(part):
            inner = _condition(part, window)
            return _Sql(f"NOT ({inner.text})", inner.values)
        case Text(text):
            # Nothing that the index knows: characters as they stand.
            return _Sql("instr(e.body, ?) > 0", [text.replace("\0", " ")])
        case TimeRange():
            return _Sql("e.time BETWEEN ? AND ?", list(_ends(node)))
        case HasField(name):
            return _has_field(name)
        case FieldIs(name, value, prefix):
            compare, values = _comparison(value, prefix=prefix)
            if name == INFERENCE_FIELD:
                return _Sql(f"(e.inferenceId IS NOT NULL AND e.inferenceId {compare})", values)
            shown = "CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(value AS TEXT) END"
            text = f"(e.fields IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(e.fields) WHERE key = ? AND {shown} {compare}))"  # noqa: S608
            return _Sql(text, [name, *values])
        case _:
            assert_never(node)


def _has_field(name: str) -> _Sql:
    if name in {BODY_FIELD, TIME_FIELD}:
        return _Sql("1")
    if name == INFERENCE_FIELD:
        return _Sql("e.inferenceId IS NOT NULL")
    return _Sql("(e.fields IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(e.fields) WHERE key = ?))", [name])


def _source_condition(node: Node) -> _Sql:
    """Return the condition on ``sources``. Names of columns are those of SOURCE_FIELDS, never what a user wrote."""
    match node:
        case And(parts):
            return _all([_source_condition(part) for part in parts])
        case Or(parts):
            return _join("OR", [_source_condition(part) for part in parts])
        case Not(part):
            inner = _source_condition(part)
            return _Sql(f"NOT ({inner.text})", inner.values)
        case FieldIs(name, value, prefix) if name in SOURCE_FIELDS:
            compare, values = _comparison(value, prefix=prefix)
            return _Sql(f"({name} IS NOT NULL AND {name} {compare})", values)
        case HasField(name) if name in SOURCE_FIELDS:
            return _Sql(f"{name} IS NOT NULL")
        case _:
            raise AssertionError(node)


def _comparison(value: str, *, prefix: bool) -> tuple[str, list[Any]]:
    value = value.replace("\0", " ")
    if not prefix:
        return "= ? COLLATE NOCASE", [value]
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "LIKE ? ESCAPE '\\'", [f"{escaped}%"]


def _expression(node: Node) -> str:
    """Return the FTS5 expression of a part that ``_is_of_words``."""
    match node:
        case Text(text, prefix):
            return phrase(text, prefix=prefix)
        case And(parts):
            return "(" + " AND ".join(map(_expression, parts)) + ")"
        case Or(parts):
            return "(" + " OR ".join(map(_expression, parts)) + ")"
        case _:
            raise AssertionError(node)


def _is_of_source(node: Node) -> bool:
    match node:
        case And(parts) | Or(parts):
            return all(map(_is_of_source, parts))
        case Not(part):
            return _is_of_source(part)
        case FieldIs(name) | HasField(name):
            return name in SOURCE_FIELDS
        case _:
            return False


def _is_of_words(node: Node) -> bool:
    match node:
        case And(parts) | Or(parts):
            return all(map(_is_of_words, parts))
        case Text(text):
            return has_words(text)
        case _:
            return False


def _is_known(name: str) -> bool:
    return name in SOURCE_FIELDS or name in {BODY_FIELD, TIME_FIELD, INFERENCE_FIELD}


def _ends(part: TimeRange) -> tuple[float, float]:
    return (-1e18 if part.first is None else part.first, 1e18 if part.last is None else part.last)


def _all(conditions: Sequence[_Sql]) -> _Sql:
    return _join("AND", conditions)


def _join(word: str, conditions: Sequence[_Sql]) -> _Sql:
    text = f" {word} ".join(f"({condition.text})" for condition in conditions)
    return _Sql(text, [value for condition in conditions for value in condition.values])
