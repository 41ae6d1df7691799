"""Finding resources of every kind by what people remember of them: a part of the name, an id, a tag, a word."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from easymaker_local.domain.resource import Reference, ResourceKind
from easymaker_local.store.paging import Condition, begins, contains


class Match(IntEnum):
    """How well something fits; the best is the lowest."""

    EXACT_NAME = 0
    NAME_BEGINS = 1
    NAME_CONTAINS = 2
    REST = 3
    """The id begins so, or a tag or the description has it."""


@dataclass(frozen=True)
class Found:
    """A resource, its status if its kind has one, when it was created and what it is a part of."""

    resource: Reference
    status: str | None
    created_at: float | None
    parent: Reference | None


@dataclass(frozen=True)
class _Source:
    """Where the resources of a kind are: a table, fixed words about its rows, and expressions of their texts.

    ``indexes`` of these texts, of tables that may have very many rows. ``parent``: kind and table of what a row is a part of,
    and the column that refers to it.
    """

    kind: ResourceKind
    table: str
    where: str = "TRUE"
    has_status: bool = True
    description: str = "description"
    tags: str | None = "CASE WHEN json_valid(spec) THEN json_extract(spec, '$.tagList') END"
    indexes: tuple[str, str] | None = None
    parent: tuple[ResourceKind, str, str] | None = None


_IN_DOCUMENT = "CASE WHEN json_valid(document) THEN json_extract(document, '$.description') END"
_IN_SPEC = "CASE WHEN json_valid(spec) THEN json_extract(spec, '$.description') END"
_EXPERIMENT = (ResourceKind.EXPERIMENT, "experiments", "experiment_id")
_ENDPOINT = (ResourceKind.ENDPOINT, "endpoints", "endpoint_id")
_SOURCES = (
    _Source(ResourceKind.EXPERIMENT, "experiments", "deleted_at IS NULL", tags=None),
    _Source(
        ResourceKind.TRAINING, "trainings", "tuning_id IS NULL", indexes=("trainings_described", "trainings_tagged"),
        parent=_EXPERIMENT,
    ),
    _Source(ResourceKind.TRAINING_TEMPLATE, "training_templates", has_status=False, description=_IN_DOCUMENT, tags=None),
    _Source(ResourceKind.HYPERPARAMETER_TUNING, "tunings", parent=_EXPERIMENT),
    _Source(ResourceKind.MODEL, "models"),
    _Source(ResourceKind.ENDPOINT, "endpoints", tags="CASE WHEN json_valid(tags) THEN tags END"),
    _Source(ResourceKind.ENDPOINT_STAGE, "stages", description=_IN_SPEC, parent=_ENDPOINT),
)  # fmt: skip

_BY_NAME, _NEWEST = "name COLLATE NOCASE, created_at DESC, id", "created_at DESC, id"


def find(db: sqlite3.Connection, text: str, match: Match, count: int) -> list[Found]:
    """Return what fits exactly so well, ``count`` of each kind at most: by name where that begins so, else newest first."""
    return [found for source in _SOURCES for found in _find(db, source, text, match, count)]


def _find(db: sqlite3.Connection, source: _Source, text: str, match: Match, count: int) -> list[Found]:
    is_named, has_it = ("name COLLATE NOCASE = ?", [text]), contains("name", text)
    begins_so = begins("name COLLATE NOCASE", text)
    match match:
        case Match.EXACT_NAME:
            return _ask(db, source, [is_named], _NEWEST, count)
        case Match.NAME_BEGINS:
            return _ask(db, source, [begins_so, _not(is_named)], _BY_NAME, count)
        case Match.NAME_CONTAINS:
            return _ask(db, source, [has_it, _not(begins_so)], _NEWEST, count)
        case Match.REST:
            described, tagged = source.indexes or (None, None)
            found = _ask(db, source, [begins("id", text), _not(has_it)], _NEWEST, count)
            is_described: Condition = (f"{source.description} IS NOT NULL", [])  # as the index has it
            has_words = [is_described, contains(source.description, text), _not(has_it)]
            found += _ask(db, source, has_words, _NEWEST, count, described)
            if source.tags is not None:
                found += _ask(db, source, [_tagged(source.tags, text), _not(has_it)], _NEWEST, count, tagged)
            return list({one.resource.id: one for one in found}.values())


def _tagged(tags: str, text: str) -> Condition:
    """Return the condition that a key or value of a tag has a text; the first words are those of the index."""
    key, values = contains("json_extract(value, '$.tagKey')", text)
    value, _ = contains("json_extract(value, '$.tagValue')", text)
    tag = f"SELECT 1 FROM json_each({tags}) WHERE CASE WHEN type = 'object' THEN {key} OR {value} END"  # noqa: S608
    return f"{tags} != '[]' AND EXISTS ({tag})", [*values, *values]


def _not(condition: Condition) -> Condition:
    return f"NOT ({condition[0]})", condition[1]


def _ask(
    db: sqlite3.Connection, source: _Source, where: Sequence[Condition], order: str, count: int, index: str | None = None
) -> list[Found]:
    text = " AND ".join([source.where, *(condition for condition, _ in where)])
    by_index = "" if index is None else f"INDEXED BY {index}"
    rows = f"SELECT rowid FROM {source.table} {by_index} WHERE {text} ORDER BY {order} LIMIT ?"  # noqa: S608
    columns, join = f"t.id, t.name, {'t.status' if source.has_status else 'NULL'}, t.created_at", ""
    if source.parent is None:
        columns += ", NULL, NULL"
    else:
        _, table, column = source.parent
        columns, join = f"{columns}, p.id, p.name", f"LEFT JOIN {table} p ON p.id = t.{column}"
    query = f"SELECT {columns} FROM {source.table} t {join} WHERE t.rowid IN ({rows})"  # noqa: S608
    values = [value for _, some in where for value in some]
    return [_found(source, row) for row in db.execute(query, [*values, count])]


def _found(source: _Source, row: sqlite3.Row) -> Found:
    id_, name, status, created_at, parent_id, parent_name = row
    parent = None if parent_id is None or source.parent is None else Reference(source.parent[0], parent_id, parent_name)
    return Found(Reference(source.kind, id_, name), status, created_at, parent)
