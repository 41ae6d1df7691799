"""Bringing lines in: what is brought, when, and that nothing waits for it (GN-22, LG-20, LG-L01, LG-L03)."""

from __future__ import annotations

import os
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.controllers import log_ingest
from easymaker_local.controllers.log_ingest import POLL_SECONDS, LogIngest
from easymaker_local.controllers.sweep import sweep_files
from easymaker_local.domain.log_entry import MAXIMUM_ENTRY_BYTES, StoredEntry
from easymaker_local.domain.log_query import parse
from easymaker_local.domain.training import Training
from easymaker_local.store import log_search, log_shipping, logs
from easymaker_local.testing.context import Bench, open_bench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


async def pass_(bench: Bench, training: Training) -> float | None:
    return await LogIngest(bench.context).reconcile(log_shipping.key("training", training.id))


async def to_the_end(bench: Bench, training: Training) -> None:
    while await pass_(bench, training) is not None:
        pass


async def found(bench: Bench, query: str = "") -> list[StoredEntry]:
    node = parse(query)
    search = log_search.search
    page = await bench.context.log_store.read(lambda db: search(db, node, newest_first=False, cursor=None, limit=10_000))
    return page.entries


async def lines(bench: Bench, node: int = 0) -> list[str]:
    return [stored.entry.body for stored in await found(bench, f"node:{node}")]


async def running(bench: Bench, **fields: object) -> Training:
    training = await bench.pass_(await bench.create(useLog=True, **fields))
    assert training.status == "RUNNING"
    return training


def write(bench: Bench, training: Training, data: bytes, node: int = 0) -> None:
    path = bench.context.log_directory(training.id) / f"node-{node}.log"
    with path.open("ab") as file:
        file.write(data)


async def end(bench: Bench, training: Training, code: int = 0) -> None:
    for name in training.workloads:
        bench.node(training, "model/weights").write_text("w")
        bench.driver.end(name, code)
    await bench.pass_(training)


async def test_lines_with_their_fields(bench: Bench) -> None:
    """LG-06…LG-12, DT-07: product's fields, node's index, level, platform's own entries."""
    training = await running(bench, instanceCount=2)
    write(bench, training, b"epoch 1\nWARNING:root:hot\n", node=0)
    write(bench, training, "[ERROR] 오류\n".encode(), node=1)
    await end(bench, training, code=3)
    await to_the_end(bench, training)
    entries = [stored.entry for stored in await found(bench)]
    for entry in entries:
        source = entry.source
        assert (source.easymaker_app_key, source.category, source.log_type, source.training_id) == (
            "local", "easymaker.training", "NHNCloud-AIEasyMaker", training.id,
        )  # fmt: skip
    written = [(e.source.node, e.source.log_level, e.body) for e in entries if e.source.node is not None]
    assert written == [("0", "INFO", "epoch 1"), ("0", "WARNING", "WARNING:root:hot"), ("1", "ERROR", "[ERROR] 오류")]
    last = (await found(bench, 'logLevel:ERROR AND "FAIL_TRAIN"'))[-1].entry
    assert last.body.endswith("is FAIL_TRAIN: Node 0: The entry point ended with exit code 3.")


async def test_without_log_management_nothing_is_searchable(bench: Bench) -> None:
    """GN-22, LG-L03: the default is off."""
    training = await bench.pass_(await bench.create())
    write(bench, training, b"secret plans\n")
    assert list(await LogIngest(bench.context).unfinished()) == []
    assert await pass_(bench, training) is None
    await end(bench, training, code=1)
    assert await pass_(bench, training) is None
    assert await found(bench) == []


async def test_a_line_waits_for_its_end(bench: Bench) -> None:
    training = await running(bench)
    write(bench, training, b"one\ntw")
    await to_rest(bench, training)
    assert await lines(bench) == ["one"]
    write(bench, training, b"o\nthr")
    await to_rest(bench, training)
    assert await lines(bench) == ["one", "two"]
    write(bench, training, "ee 끝".encode())
    await end(bench, training)
    await to_the_end(bench, training)
    assert await lines(bench) == ["one", "two", "three 끝"]
    assert await pass_(bench, training) is None
    assert await lines(bench) == ["one", "two", "three 끝"]


async def to_rest(bench: Bench, training: Training) -> None:
    while await pass_(bench, training) != POLL_SECONDS:
        pass


async def test_nobody_looks_without_need(bench: Bench) -> None:
    """Before the start and after the end only a hint wakes it; while the job runs the files are looked at."""
    bench.environments.prepared.clear()
    training = await bench.create(useLog=True)
    while (pause := await pass_(bench, training)) is not None:
        assert pause < POLL_SECONDS, "what there was is brought in, then there is nothing to do"
    assert list(await LogIngest(bench.context).unfinished()) == [log_shipping.key("training", training.id)]
    await bench.pass_(training)
    await bench.built()
    training = await bench.pass_(training)
    await to_rest(bench, training)
    await end(bench, training)
    await to_the_end(bench, training)
    assert list(await LogIngest(bench.context).unfinished()) == []
    assert await bench.context.log_store.read(logs.resources_with_positions) == set()


async def test_a_line_of_any_length_fits_into_memory(bench: Bench) -> None:
    training = await running(bench)
    size = 40 << 20
    path = bench.context.log_directory(training.id) / "node-0.log"
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(b"x" * (1 << 20))
    tracemalloc.start()
    try:
        await to_rest(bench, training)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size / 4
    write(bench, training, b"the end")
    await end(bench, training)
    await to_the_end(bench, training)
    query = "SELECT SUM(LENGTH(body)), MAX(LENGTH(body)) FROM entries WHERE body NOT LIKE 'Training%'"
    lengths = await bench.context.log_store.read(lambda db: db.execute(query).fetchone())
    assert tuple(lengths) == (size + len("the end"), MAXIMUM_ENTRY_BYTES)


async def test_times_of_lines_that_waited(bench: Bench) -> None:
    """After a pause of the daemon the file's own time is closer to the truth than now."""
    training = await running(bench)
    write(bench, training, b"old\n")
    os.utime(bench.context.log_directory(training.id) / "node-0.log", (500.0, 500.0))
    await to_rest(bench, training)
    (entry,) = await found(bench, "old")
    assert entry.entry.time == 500.0


@pytest.mark.parametrize("step", ["append", "advance"])
async def test_a_failed_commit_is_repeated_whole(bench: Bench, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training = await running(bench)
    await to_rest(bench, training)
    before = len(await found(bench))
    write(bench, training, b"one\ntwo\n")
    with monkeypatch.context() as patch:
        original = getattr(logs, step)

        def fails(db: sqlite3.Connection, *arguments: object) -> None:
            original(db, *arguments)
            raise OSError("disk full")

        patch.setattr(log_ingest.logs, step, fails)
        with pytest.raises(OSError, match="disk full"):
            await pass_(bench, training)
    assert len(await found(bench)) == before
    await to_rest(bench, training)
    assert await lines(bench) == ["one", "two"]


async def test_deletion_loses_no_line(bench: Bench) -> None:
    """Entries stay when their training is deleted, and what was not brought in yet still comes."""
    training = await running(bench)
    write(bench, training, b"one\n")
    await to_rest(bench, training)
    write(bench, training, b"two\nthree")
    await end(bench, training)
    await bench.services.trainings.delete(training.id)
    directory = bench.context.log_directory(training.id)
    assert directory.exists()
    assert not bench.context.work_directory(training.id).exists()
    await sweep_files(bench.context)
    assert directory.exists(), "a restart does not take it for litter"
    await to_the_end(bench, training)
    assert await lines(bench) == ["one", "two", "three"]
    assert "is COMPLETE" in (await found(bench))[-1].entry.body
    assert not directory.exists()
    events = "SELECT COUNT(*) FROM events WHERE kind = 'training'"
    assert await bench.context.store.read(lambda db: db.execute(events).fetchone()[0]) == 0


async def test_deletion_after_the_end(bench: Bench) -> None:
    training = await running(bench)
    write(bench, training, b"one\n")
    await end(bench, training)
    await to_the_end(bench, training)
    await bench.services.trainings.delete(training.id)
    assert not bench.context.log_directory(training.id).exists()
    assert await lines(bench) == ["one"], "as in the cloud: entries stay until their age ends them"


async def test_positions_that_a_crash_left_are_swept(bench: Bench) -> None:
    training = await running(bench)
    await bench.context.log_store.write(lambda db: logs.advance(db, "training", "gone", "node-0.log", 5))
    await to_rest(bench, training)
    await LogIngest(bench.context).sweep()
    assert await bench.context.log_store.read(logs.resources_with_positions) == {("training", training.id)}
