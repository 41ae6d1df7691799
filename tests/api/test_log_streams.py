"""Logs as streams: from any byte on, as they are written, whole characters, to the end (LG-L04)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from easymaker_local.api.log_events import MAXIMUM_LOG_OFFSET
from easymaker_local.domain.endpoint import Pod, PodState
from easymaker_local.domain.training import Training
from easymaker_local.services import growing_log
from easymaker_local.services.growing_log import BLOCK_BYTES, GrowingLog
from easymaker_local.services.pod_logs import log_folder
from easymaker_local.store import stages
from easymaker_local.store.changes import Changes
from easymaker_local.testing.context import Bench, open_bench
from tests.api.streams import BASE, Received, Served, serve
from tests.controllers.stage_rows import insert_stage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
async def served(bench: Bench) -> AsyncIterator[Served]:
    async with serve(bench) as made:
        yield made


@pytest.fixture
async def running(bench: Bench) -> Training:
    return await bench.pass_(await bench.create())


def log_of(bench: Bench, training: Training, node: int = 0) -> Path:
    path = bench.context.log_directory(training.id) / f"node-{node}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


async def end(bench: Bench, training: Training) -> None:
    bench.driver.end(training.workload(0), 0)
    for _ in range(3):
        await bench.controller.reconcile(training.id)
    assert (await bench.services.trainings.get(training.id)).status.is_finished


def stream_of(training: Training) -> str:
    return f"/trainings/{training.id}/logs/stream"


def block(offset: int, content: str) -> Received:
    following = offset + len(content.encode())
    return Received("log", {"offset": offset, "nextOffset": following, "content": content}, str(following))


def last(offset: int) -> Received:
    return Received("end", {"nextOffset": offset}, str(offset))


async def test_the_log_of_what_has_ended_is_sent_and_the_stream_ends(served: Served, bench: Bench, running: Training) -> None:
    log_of(bench, running).write_text("one\n재학습\u2028\r\n[end] no line break")
    await end(bench, running)
    whole = block(0, "one\n재학습\u2028\r\n[end] no line break")
    async with served.stream(stream_of(running)) as stream:
        assert await stream.all() == [whole, last(whole.data["nextOffset"])]


async def test_a_log_is_sent_as_it_grows(served: Served, bench: Bench, running: Training) -> None:
    path = log_of(bench, running)
    async with served.stream(stream_of(running)) as stream:
        for number in range(3):
            with path.open("a") as file:
                file.write(f"{number}\n")
            assert await stream.next() == block(2 * number, f"{number}\n")
        await end(bench, running)
        assert await stream.all() == [last(6)]


async def test_the_last_words_come_before_the_end(served: Served, bench: Bench, running: Training) -> None:
    async with served.stream(stream_of(running)) as stream:
        log_of(bench, running).write_text("last words")
        await end(bench, running)
        events = await stream.all()
    assert "".join(event.data.get("content", "") for event in events) == "last words"
    assert events[-1] == last(10)


async def test_a_log_that_was_never_written_ends_too(served: Served, bench: Bench, running: Training) -> None:
    await end(bench, running)
    log_of(bench, running).unlink(missing_ok=True)
    async with served.stream(stream_of(running)) as stream:
        assert await stream.all() == [last(0)]


async def test_characters_are_whole_wherever_blocks_are_cut(served: Served, bench: Bench, running: Training) -> None:
    # Three bytes each, after one: no block's limit is a character's.
    text = "x" + "가" * BLOCK_BYTES
    log_of(bench, running).write_text(text)
    await end(bench, running)
    async with served.stream(stream_of(running)) as stream:
        *blocks, final = await stream.all()
    assert "".join(one.data["content"] for one in blocks) == text
    assert {one.data["content"].count("\ufffd") for one in blocks} == {0}
    assert len(blocks) > 3
    assert max(len(one.data["content"].encode()) for one in blocks) <= BLOCK_BYTES
    assert [one.data["offset"] for one in blocks[1:]] == [one.data["nextOffset"] for one in blocks[:-1]]
    assert final == last(len(text.encode()))


async def test_half_a_character_waits_for_the_rest(served: Served, bench: Bench, running: Training) -> None:
    path = log_of(bench, running)
    first, rest = "가".encode()[:1], "가".encode()[1:]
    path.write_bytes(b"a" + first)
    async with served.stream(stream_of(running)) as stream:
        assert await stream.next() == block(0, "a")
        with path.open("ab") as file:
            file.write(rest)
        assert await stream.next() == block(1, "가")
        with path.open("ab") as file:
            file.write(first)
        await end(bench, running)
        events = await stream.all()
    assert events[0].data == {"offset": 4, "nextOffset": 5, "content": "\ufffd"}, "nothing follows any more"
    assert events[1:] == [last(5)]


async def test_who_comes_back_goes_on_where_the_last_event_ended(served: Served, bench: Bench, running: Training) -> None:
    path = log_of(bench, running)
    path.write_text("one\n")
    async with served.stream(stream_of(running), offset=1) as stream:
        event = await stream.next()
    assert event == block(1, "ne\n")
    path.write_text("one\ntwo\n")
    await end(bench, running)
    async with served.stream(stream_of(running), event.id, offset=1) as stream:
        assert await stream.all() == [block(4, "two\n"), last(8)]
    async with served.stream(stream_of(running), "8", offset=1) as stream:
        assert await stream.all() == [last(8)]


@pytest.mark.parametrize("known", ["", "x", "-1", "1.0", "९", "9" * 500, str(MAXIMUM_LOG_OFFSET)])
async def test_ids_that_are_no_offsets_count_for_nothing(served: Served, bench: Bench, running: Training, known: str) -> None:
    log_of(bench, running).write_text("one\n")
    await end(bench, running)
    url = f"{BASE}{stream_of(running)}?offset=2"
    async with served.client() as client:
        answer = await client.get(url, headers={b"Last-Event-ID": known.encode()})
    assert '{"offset":2,"nextOffset":4,"content":"e\\n"}' in answer.text


async def test_a_log_of_another_node(served: Served, bench: Bench) -> None:
    training = await bench.pass_(await bench.create(instanceCount=2))
    log_of(bench, training, 1).write_text("second\n")
    async with served.stream(stream_of(training), node=1) as stream:
        assert await stream.next() == block(0, "second\n")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/trainings/none/logs/stream", 404), ("/trainings/{id}/logs/stream?node=1", 404),
        ("/trainings/{id}/logs/stream?node=-1", 422), ("/trainings/{id}/logs/stream?offset=-1", 422),
        ("/endpoint-stages/none/pods/none/log/stream", 404), ("/endpoint-stages/s1/pods/none/log/stream", 404),
        ("/endpoint-stages/s1/pods/none/log/raw", 404),
    ],
)  # fmt: skip
async def test_what_there_is_no_log_of_is_refused_before_it_begins(
    served: Served, bench: Bench, running: Training, path: str, status: int
) -> None:
    await bench.context.store.write(lambda db: insert_stage(db, [{}]))
    async with served.client() as client:
        answer = await client.get(BASE + path.format(id=running.id))
    assert (answer.status_code, answer.json()["header"]["isSuccessful"]) == (status, False)


async def test_the_stream_of_a_training_that_is_deleted_ends(served: Served, bench: Bench, running: Training) -> None:
    log_of(bench, running).write_text("one\n")
    async with served.stream(stream_of(running)) as stream:
        assert await stream.next() == block(0, "one\n")
        await bench.context.store.write(lambda db: db.execute("DELETE FROM trainings WHERE id = ?", (running.id,)))
        assert await stream.all() == [last(4)]


async def pod_log_folder(bench: Bench) -> Path:
    """Make pod p1 of stage s1; returns where its log will be."""

    def make(db: sqlite3.Connection) -> None:
        insert_stage(db, [{}])
        stages.add_pod(db, Pod("p1", "s1", "r1", 0, PodState.PENDING, 0.0))

    await bench.context.store.write(make)
    folder = log_folder(bench.context.settings, "s1")
    folder.mkdir(parents=True)
    return folder


async def test_the_log_of_a_pod_is_had_as_a_file(served: Served, bench: Bench) -> None:
    """LG-L04: as it was written, also after the pod is gone, whole or a part of it."""
    folder = await pod_log_folder(bench)
    path = f"{BASE}/endpoint-stages/s1/pods/p1/log/raw"
    async with served.client() as client:
        assert (await client.get(path)).status_code == 404
        (folder / "p1.log").write_bytes(b"ready\r\xff\n")
        await bench.context.store.write(lambda db: stages.delete_pod(db, "p1"))
        whole = await client.get(path)
        assert (whole.status_code, whole.content) == (200, b"ready\r\xff\n")
        assert whole.headers["content-disposition"] == 'attachment; filename="p1.log"'
        part = await client.get(path, headers={"Range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"ead")


async def test_the_log_of_a_pod_ends_when_the_pod_is_gone(served: Served, bench: Bench) -> None:
    """LG-L04."""
    folder = await pod_log_folder(bench)
    async with served.stream("/endpoint-stages/s1/pods/p1/log/stream") as stream:
        (folder / "p1.log").write_text("ready\n")
        assert await stream.next() == block(0, "ready\n")
        await bench.context.store.write(lambda db: stages.delete_pod(db, "p1"))
        assert await stream.all() == [last(6)]
    async with served.stream("/endpoint-stages/s1/pods/p1/log/stream", offset=3) as stream:
        assert await stream.all() == [block(3, "dy\n"), last(6)]


async def test_a_daemon_that_ends_ends_its_streams_at_once(served: Served, running: Training) -> None:
    async with served.stream(stream_of(running)) as stream:
        served.server.end()
        assert await stream.all() == []
    await asyncio.wait_for(served.serving, 60)


async def test_nothing_is_read_or_asked_while_nothing_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the size of the file is looked at."""
    path, changes, looks, asked = tmp_path / "log", Changes(), 0, 0
    path.write_bytes("a가".encode()[:-1])
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    size = GrowingLog._size

    def looked(log: GrowingLog) -> int:
        nonlocal looks
        looks += 1
        if looks >= 20:
            loop.call_soon_threadsafe(enough.set)
        return size(log)

    async def is_over() -> bool:
        nonlocal asked
        asked += 1
        return False

    monkeypatch.setattr(growing_log, "TICK_SECONDS", 0.001)
    monkeypatch.setattr(GrowingLog, "_size", looked)
    log = GrowingLog(path, is_over, changes)
    pieces = log.follow(0)
    assert (await anext(pieces)).content == "a"
    coming = asyncio.ensure_future(anext(pieces))
    await asyncio.wait_for(enough.wait(), 60)
    assert asked == 2, "once for what came, once for what did not"
    with path.open("ab") as file:
        file.write("가".encode()[-1:])
    assert (await asyncio.wait_for(coming, 60)).content == "가"
