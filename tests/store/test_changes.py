"""What the database notes by itself, and what is remembered of it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from easymaker_local.domain.change import QUEUE_CHANGE, Change, ChangeKind
from easymaker_local.store import Store, events, metrics, sessions
from easymaker_local.store.changes import WATCHED, Changes, Lately

pytestmark = pytest.mark.anyio

K = ChangeKind

# Tables that are not watched, and why no page that is open misses them.
UNTOLD = {
    "_sqlite_migrations": "the schema's own",
    "bucket_access": "files and buckets are looked at when they are shown: other programs change them too",
    "installation": "nothing of it changes while a daemon runs",
    "log_shipping": "how far logs are in the log store is asked of the log store",
    "metric_points": "far too many; how far a trial was read is told",
    "metric_summaries": "change with how far a trial was read, which is told",
    "model_loads": "what a model took when it was served last, shown before another stage is made",
    "peaks": "come with samples, which are told",
    "runtime_versions": "written as a daemon starts",
    "sessions": "nobody is shown them",
    "tracking": "what MLflow was told; MLflow shows it",
}


class Case(NamedTuple):
    """A row of a table, the values that its test needs, and what is told of it."""

    table: str
    values: Mapping[str, Any]
    told: Change


CASES = [
    Case("experiments", {"id": "x"}, Change(K.EXPERIMENT, "x")),
    Case("trainings", {"id": "x", "tuning_id": None}, Change(K.TRAINING, "x")),
    Case("trainings", {"id": "x", "tuning_id": "parent"}, Change(K.TRIAL, "x", "parent")),
    Case("training_templates", {"id": "x"}, Change(K.TRAINING_TEMPLATE, "x")),
    Case("tunings", {"id": "x"}, Change(K.HYPERPARAMETER_TUNING, "x")),
    Case("trials", {"id": "x", "tuning_id": "parent"}, Change(K.TRIAL, "x", "parent")),
    Case("models", {"id": "x"}, Change(K.MODEL, "x")),
    Case("model_examinations", {"model_id": "x"}, Change(K.MODEL, "x")),
    Case("endpoints", {"id": "x"}, Change(K.ENDPOINT, "x")),
    Case("stages", {"id": "x", "endpoint_id": "parent"}, Change(K.ENDPOINT_STAGE, "x", "parent")),
    Case("stage_resources", {"id": "x", "stage_id": "parent"}, Change(K.ENDPOINT_MODEL, "x", "parent")),
    Case("pods", {"id": "x", "stage_id": "parent"}, Change(K.POD, "x", "parent")),
    Case("bookings", {}, QUEUE_CHANGE),
    Case("queue", {}, QUEUE_CHANGE),
]

# What histories are told of, by the kind under which they are written; the parent by a row of another table.
HISTORIES = [
    Case("experiments", {"id": "x", "kind": "experiment"}, Change(K.EXPERIMENT, "x")),
    Case("trainings", {"id": "x", "tuning_id": None, "kind": "training"}, Change(K.TRAINING, "x")),
    Case("trainings", {"id": "x", "tuning_id": "parent", "kind": "training"}, Change(K.TRIAL, "x", "parent")),
    Case("tunings", {"id": "x", "kind": "tuning"}, Change(K.HYPERPARAMETER_TUNING, "x")),
    Case("models", {"id": "x", "kind": "model"}, Change(K.MODEL, "x")),
    Case("endpoints", {"id": "x", "kind": "endpoint"}, Change(K.ENDPOINT, "x")),
    Case("stages", {"id": "x", "endpoint_id": "parent", "kind": "stage"}, Change(K.ENDPOINT_STAGE, "x", "parent")),
    Case(
        "stage_resources", {"id": "x", "stage_id": "parent", "kind": "stageresource"}, Change(K.ENDPOINT_MODEL, "x", "parent")
    ),
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state.db")
    made.open()
    yield made
    made.close()


def insert(db: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> str:
    """Insert a row with anything in its other columns; returns a condition that finds it."""
    row: dict[str, Any] = {}
    for column in db.execute(f"PRAGMA table_info({table})"):
        if column["notnull"] or column["pk"]:
            row[column["name"]] = "x" if column["type"] == "TEXT" else 1
        if column["name"] in values:
            row[column["name"]] = values[column["name"]]
    for reference in db.execute(f"PRAGMA foreign_key_list({table})").fetchall():
        insert(db, reference["table"], {reference["to"]: row[reference["from"]]})
    marks = ", ".join("?" * len(row))
    number = db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values())).lastrowid
    return f"rowid = {number}"


async def told(store: Store, work: Any) -> list[Change]:
    """Return what a write has told."""
    number = store.changes.number
    await store.write(work)
    return store.changes.after(number).changes or []


def test_every_table_is_told_of_or_there_is_a_reason(store: Store) -> None:
    """A new table belongs into ``WATCHED`` or into the list above."""
    with sqlite3.connect(store._path) as db:
        tables = {
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        }
    db.close()
    assert not WATCHED.keys() & UNTOLD.keys()
    assert WATCHED.keys() | UNTOLD.keys() == tables


def test_the_cases_are_all_there_are() -> None:
    assert {case.table for case in CASES} | {"events"} == WATCHED.keys()
    assert {case.told.kind for case in CASES} | {K.IMAGE} == set(K), "images are no rows"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.table}-{case.told.kind}")
async def test_rows_that_come_change_and_go_are_told(store: Store, case: Case) -> None:
    where = ""

    def make(db: sqlite3.Connection) -> None:
        nonlocal where
        where = insert(db, case.table, case.values)

    assert case.told in await told(store, make)
    column = "document" if case.table == "model_examinations" else "member" if case.table == "bookings" else "status"
    column = {"training_templates": "name", "pods": "state", "queue": "gpus"}.get(case.table, column)
    value = 2 if column == "gpus" else "'y'"
    assert await told(store, lambda db: db.execute(f"UPDATE {case.table} SET {column} = {value} WHERE {where}")) == [case.told]
    assert await told(store, lambda db: db.execute(f"DELETE FROM {case.table} WHERE {where}")) == [case.told]


@pytest.mark.parametrize("case", HISTORIES, ids=lambda case: f"{case.table}-{case.told.kind}")
async def test_a_line_of_a_history_is_told_though_the_row_stays_as_it_is(store: Store, case: Case) -> None:
    await store.write(lambda db: insert(db, case.table, case.values))

    def note(db: sqlite3.Connection) -> None:
        events.record(db, case.values["kind"], "x", 1.0, events.EventType.NOTE, message="words")

    assert await told(store, note) == [case.told]


def test_histories_of_every_kind_are_told(store: Store) -> None:
    """Whoever has a history under a kind of its own belongs into the list above."""
    sources = (Path(events.__file__).parent).glob("*.py")
    kinds = {line.split('"')[1] for path in sources for line in path.read_text().splitlines() if 'KIND = "' in line}
    without_history = {"log", "training template"}
    assert kinds - without_history == {case.values["kind"] for case in HISTORIES}


async def test_a_transaction_tells_each_resource_once_and_only_when_it_is_committed(store: Store) -> None:
    number = store.changes.number

    def make(db: sqlite3.Connection) -> None:
        insert(db, "experiments", {"id": "a", "name": "a"})
        insert(db, "experiments", {"id": "b", "name": "b"})
        db.execute("UPDATE experiments SET status = 'y'")
        assert store.changes.number == number

    assert await told(store, make) == [Change(K.EXPERIMENT, "a"), Change(K.EXPERIMENT, "b")]


async def test_what_is_rolled_back_is_not_told_then_nor_later(store: Store) -> None:
    def half(db: sqlite3.Connection) -> None:
        insert(db, "experiments", {"id": "a"})
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await store.write(half)
    await store.rehearse(lambda db: insert(db, "experiments", {"id": "b"}))
    assert store.changes.number == 0
    assert await told(store, lambda db: insert(db, "models", {"id": "m"})) == [Change(K.MODEL, "m")]


async def test_what_nobody_is_told_of_tells_nothing(store: Store, tmp_path: Path) -> None:
    assert await told(store, lambda db: sessions.add(db, "digest", 1.0, 2.0)) == []
    assert store.changes.number == 0
    other = Store(tmp_path / "metrics.db", metrics.migrations)
    other.open()
    await other.write(lambda db: insert(db, "series", {}))
    other.close()
    assert other.changes.number == 0


async def test_nothing_of_it_is_in_the_file(store: Store) -> None:
    await store.write(lambda db: insert(db, "experiments", {"id": "a"}))
    query = "SELECT count(*) FROM sqlite_master WHERE sql LIKE '%note_change%'"
    assert await store.read(lambda db: db.execute(query).fetchone()[0]) == 0
    assert await store.write(lambda db: db.execute(query.replace("sqlite_master", "sqlite_temp_master")).fetchone()[0]) > 0


# --- what is remembered -----------------------------------------------------------------------------------------------

A, B, C = (Change(K.MODEL, name) for name in "abc")


def test_after_a_number_comes_what_is_newer_in_order_each_once() -> None:
    changes = Changes()
    changes.publish([A, B])
    known = changes.number
    changes.publish([C])
    changes.publish([A, C])
    assert changes.after(known) == Lately([A, C], 5)
    assert changes.after(0).changes == [B, A, C]
    assert changes.after(5).changes == []


def test_what_was_forgotten_and_what_never_was_is_not_known() -> None:
    changes = Changes(kept=2)
    changes.publish([A, B, C])
    assert changes.after(0).changes is None
    assert changes.after(1).changes == [B, C]
    assert changes.after(4).changes is None
    for _ in range(100):
        changes.publish([B, C])
    assert changes.after(1).changes == [B, C], "one that changes again and again takes no room"


async def test_waiting_ends_with_the_first_change_from_any_thread() -> None:
    changes = Changes()
    waiting = [asyncio.create_task(changes.wait(0)) for _ in range(2)]
    await asyncio.sleep(0)
    thread = threading.Thread(target=changes.publish, args=([A],))
    thread.start()
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    thread.join()
    await asyncio.wait_for(changes.wait(0), 60)
    given_up = asyncio.create_task(changes.wait(1))
    await asyncio.sleep(0)
    assert not given_up.done()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert not changes._waiting
