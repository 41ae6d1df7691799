"""The log store's rows: all or nothing, ids that are never used again, oldest forgotten first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from easymaker_local.domain.log_entry import Entry, Level, Source
from easymaker_local.domain.log_query import parse
from easymaker_local.store import Store, log_search, logs
from easymaker_local.store.log_migrations import log_migrations

pytestmark = pytest.mark.anyio

SOURCE = Source("local", "easymaker.training", training_id="t1", node="0")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "logs.db", log_migrations)
    made.open()
    yield made
    made.close()


def entries(first: int, last: int) -> list[Entry]:
    levels = list(Level)
    return [Entry(SOURCE._replace(log_level=levels[n % 3]), float(n), f"line {n} 학습") for n in range(first, last)]


async def found(store: Store, query: str) -> list[str]:
    page = await store.read(
        lambda db: log_search.search(db, parse(query), newest_first=False, cursor=None, limit=10_000)
    )  # fmt: skip
    return [stored.entry.body for stored in page.entries]


async def test_entries_come_back_as_they_were(store: Store) -> None:
    made = [*entries(0, 7), Entry(Source(), 1.5, "x\0y", "inference", '{"a": 1}')]
    await store.write(lambda db: logs.append(db, made, 1.0))
    page = await store.read(lambda db: log_search.search(db, parse(""), newest_first=False, cursor=None, limit=100))
    assert [stored.entry for stored in page.entries] == made
    assert [stored.id for stored in page.entries] == list(range(1, 9))


async def test_lines_and_position_are_one(store: Store) -> None:
    """LG-L01: whoever dies between the two has written neither."""

    def half(db: sqlite3.Connection) -> None:
        logs.append(db, entries(0, 5), 1.0)
        logs.advance(db, "training", "t1", "node-0.log", 100)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.write(half)
    assert await found(store, "") == []
    assert await store.read(lambda db: logs.position(db, "training", "t1", "node-0.log")) == 0
    assert await store.read(logs.last_id) == 0


async def test_oldest_are_forgotten_everywhere(store: Store) -> None:
    """LG-L05."""
    await store.write(lambda db: logs.append(db, entries(0, 100), 1.0))
    assert await store.write(lambda db: logs.forget(db, 60, 50)) == 50
    assert await store.write(lambda db: logs.forget(db, 60, 50)) == 10
    assert await store.write(lambda db: logs.forget(db, 60, 50)) == 0
    assert await found(store, "학습") == [f"line {n} 학습" for n in range(60, 100)]
    assert await found(store, '"line 3"') == []
    assert await found(store, "NOT nothing") == await found(store, "logLevel:*") == await found(store, "학습")
    counts = await store.read(lambda db: db.execute("SELECT SUM(lines) FROM sources").fetchone()[0])
    assert counts == 40
    await store.write(lambda db: logs.forget(db, 100, 100))
    tables = ("entries", "sources", "blocks")
    assert await store.read(lambda db: [db.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in tables]) == [0, 0, 0]
    await store.write(lambda db: logs.append(db, entries(0, 1), 1.0))
    assert await store.read(logs.last_id) == 101, "a follower's cursor stays right"
    assert await found(store, "학습") == ["line 0 학습"]


async def test_pages_are_used_again(store: Store) -> None:
    """LG-L05: the file does not grow while as much goes as comes."""
    sizes = []
    for turn in range(12):
        rows = entries(turn * 4000, (turn + 1) * 4000)
        await store.write(lambda db, rows=rows: logs.append(db, rows, 1.0))
        if turn >= 2:
            await store.write(lambda db, turn=turn: logs.forget(db, (turn - 1) * 4000, 4000))
            while await store.write(lambda db: logs.merge_index(db, 500)):
                pass
        sizes.append(await store.read(logs.used_bytes))
    assert sizes[-1] < 2 * sizes[2]


async def test_blocks_know_their_age(store: Store) -> None:
    for number in range(5):
        rows = entries(number * 6000, (number + 1) * 6000)
        await store.write(lambda db, rows=rows, number=number: logs.append(db, rows, 100.0 * number))
    assert await store.read(lambda db: logs.last_id_before(db, 100.0)) == 0
    assert await store.read(lambda db: logs.last_id_before(db, 101.0)) == 12_000
    assert await store.read(lambda db: logs.last_id_before(db, 1e9)) == 30_000
