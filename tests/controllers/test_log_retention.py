"""The log store keeps within its age and its size, oldest first (LG-L05)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from easymaker_local.controllers import log_retention
from easymaker_local.domain.log_entry import Entry, Source
from easymaker_local.store import logs
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio
DAY = 86_400.0


async def put(bench: Bench, first: int, count: int) -> None:
    rows = [Entry(Source(), 0.0, f"line {n} {'filler ' * 10}") for n in range(first, first + count)]
    await bench.context.log_store.write(lambda db: logs.append(db, rows, bench.clock.now()))


async def ids(bench: Bench) -> list[int]:
    query = "SELECT id FROM entries ORDER BY id"
    return [row[0] for row in await bench.context.log_store.read(lambda db: db.execute(query).fetchall())]


async def test_old_entries_go(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "home", log_retention_days=3.0) as bench:
        for day in range(6):
            await put(bench, day * 11_000, 11_000)
            bench.clock.advance(DAY)
        # Arrival is what counts: a sender may say any time.
        assert await log_retention.sweep(bench.context) == 3 * 11_000
        assert await ids(bench) == list(range(3 * 11_000 + 1, 6 * 11_000 + 1))
        assert await log_retention.sweep(bench.context) == 0


async def test_too_much_goes(tmp_path: Path) -> None:
    limit = 8 << 20
    async with open_bench(tmp_path / "home", log_max_gib=limit / (1 << 30)) as bench:
        for turn in range(8):
            await put(bench, turn * 10_000, 10_000)
        before = await bench.context.log_store.read(logs.used_bytes)
        assert before > 1.2 * limit
        gone = await log_retention.sweep(bench.context)
        left = await ids(bench)
        assert left == list(range(gone + 1, 80_001)), "the oldest went"
        assert len(left) > 0.7 * 80_000 * limit / before, "and not many more than had to"
        for _ in range(3):
            await log_retention.sweep(bench.context)
        assert await bench.context.log_store.read(logs.used_bytes) <= limit
        assert len(await ids(bench)) > 0.5 * 80_000 * limit / before


async def test_ingest_goes_on_meanwhile(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "home", log_retention_days=1.0) as bench:
        await put(bench, 0, 30_000)
        bench.clock.advance(2 * DAY)
        sweeping = asyncio.create_task(log_retention.sweep(bench.context))
        while len(await ids(bench)) == 30_000:
            pass
        await put(bench, 30_000, 1)
        assert not sweeping.done(), "an entry came in between two batches"
        assert await sweeping == 30_000
        assert await ids(bench) == [30_001]
