"""The gateway's access log into the log store: every request once, whoever dies, renames or begins anew (LG-04, LG-L04)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.controllers import access_log as controller
from easymaker_local.controllers.access_log import ALL, PIECE_BYTES, POLL_SECONDS, SETTLED_SECONDS, AccessLog
from easymaker_local.controllers.log_ingest import LogIngest
from easymaker_local.domain.log_entry import Entry
from easymaker_local.domain.log_query import parse
from easymaker_local.services.context import Context
from easymaker_local.store import access_log, log_search, logs
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.fakes import FakeGateway
from tests.api_statistics.records import add_endpoint, add_stage
from tests.domain.test_access_log import line

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


class Writer(FakeGateway):
    """Writes a file as a gateway does: goes on in the one that it has open, whatever it is called by now."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.number = 0
        self.is_dead = False
        self._file = path.open("ab", buffering=0)

    def write(self, count: int = 1, **fields: Any) -> None:
        """Append lines numbered on."""
        for _ in range(count):
            self.append(line(**{"id": str(self.number), "stage": "e1-default", **fields}) + b"\n")
            self.number += 1

    def close(self) -> None:
        self._file.close()

    def append(self, data: bytes) -> None:
        self._file.write(data)

    async def reopen_access_log(self) -> None:
        if not self.is_dead:
            await super().reopen_access_log()
            self.close()
            self._file = self.path.open("ab", buffering=0)


@pytest.fixture
async def gateway(bench: Bench) -> AsyncIterator[Writer]:
    await bench.context.store.write(lambda db: add_endpoint(db, "e1", "shop"))
    writer = Writer(bench.context.settings.logs / "gateway" / "access.log")
    yield writer
    writer.close()


@pytest.fixture
def context(bench: Bench, gateway: Writer) -> Context:
    return replace(bench.context, gateway=gateway)


async def to_rest(context: Context) -> float | None:
    """Let a new daemon bring in everything; returns when it looks again."""
    requests = AccessLog(context)
    while True:
        pause = await requests.reconcile(ALL)
        if pause in {None, POLL_SECONDS}:
            return pause


async def found(context: Context, query: str = "") -> list[Entry]:
    node = parse(query)
    page = await context.log_store.read(
        lambda db: log_search.search(db, node, newest_first=False, cursor=None, limit=100_000)
    )  # fmt: skip
    return [stored.entry for stored in page.entries]


async def numbers(context: Context) -> list[int]:
    return [int(entry.inference_id or -1) for entry in await found(context)]


async def test_requests_by_the_seeds_query(context: Context, bench: Bench, gateway: Writer) -> None:
    """LG-04, LG-06…LG-17: through the API, with the product's names."""
    gateway.write(2)
    gateway.write(status=503, flags="UH", model=None)
    await to_rest(context)
    app = create_app(bench.services, bench.preparation, "token", started_at=0, stop=lambda: None)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers={"X-EasyMaker-Token": "token"}
    ) as client:
        answer = await client.get("/v1.0/appkeys/a/logs", params={"query": 'category:"easymaker.inference"'})
        failed = await client.get("/v1.0/appkeys/a/logs", params={"query": "endpointId:e1 AND logLevel:ERROR"})
    rows = answer.json()["logList"]
    assert [(row["inferenceId"], row["modelName"]) for row in rows] == [("2", None), ("1", "iris"), ("0", "iris")]
    names = ("easymakerAppKey", "category", "logLevel", "logType", "endpointId", "endpointStageId", "action")
    assert [rows[2][name] for name in names] == [
        "local", "easymaker.inference", "INFO", "NHNCloud-AIEasyMaker", "e1", "e1-default", "Endpoint.Model",
    ]  # fmt: skip
    assert rows[2]["time"].startswith("2023-11-14T22:13:20.123")
    assert [row["inferenceId"] for row in failed.json()["logList"]] == ["2"]


async def test_it_looks_often_only_while_a_stage_logs(context: Context, gateway: Writer) -> None:
    """An idle appliance does next to nothing."""
    assert await to_rest(context) is None
    await context.store.write(lambda db: add_stage(db, "e1", "s2", "logged", useLog=True))
    assert await to_rest(context) == POLL_SECONDS
    assert list(await AccessLog(context).unfinished()) == [ALL]
    gateway.path.unlink()
    assert list(await AccessLog(context).unfinished()) == []


class Killed(BaseException):
    """The daemon is gone."""


@pytest.mark.parametrize("where", ["between lines and position", "before the commit", "after the commit"])
async def test_killed_around_a_commit(context: Context, gateway: Writer, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Nothing twice, nothing lost."""
    append, advance, write = logs.append, access_log.advance, context.log_store.write

    def appended(*arguments: Any) -> None:
        append(*arguments)
        if where == "between lines and position":
            raise Killed

    def advanced(*arguments: Any) -> None:
        advance(*arguments)
        if where == "before the commit":
            raise Killed

    async def written(work: Any) -> Any:
        result = await write(work)
        if where == "after the commit":
            raise Killed
        return result

    for _ in range(3):
        gateway.write(5)
        with monkeypatch.context() as patch:
            patch.setattr(logs, "append", appended)
            patch.setattr(access_log, "advance", advanced)
            patch.setattr(context.log_store, "write", written)
            with pytest.raises(Killed):
                await AccessLog(context).reconcile(ALL)
    await to_rest(context)
    assert await numbers(context) == list(range(15))


async def test_many_pieces(context: Context, gateway: Writer) -> None:
    gateway.write(5 * PIECE_BYTES // len(line()))
    assert gateway.path.stat().st_size > 4 * PIECE_BYTES
    await to_rest(context)
    assert await numbers(context) == list(range(gateway.number))


async def test_a_line_waits_for_its_end(context: Context, gateway: Writer) -> None:
    gateway.write()
    whole = line(id="1", stage="e1-default") + b"\n"
    gateway.append(whole[:40])
    await to_rest(context)
    assert await numbers(context) == [0]
    gateway.append(whole[40:])
    await to_rest(context)
    assert await numbers(context) == [0, 1]


async def test_what_cannot_be_read_holds_nothing_up(context: Context, gateway: Writer) -> None:
    """Half a line of a killed gateway, foreign text, and a line longer than any that a gateway writes."""
    gateway.append(b"what is this\n")
    gateway.write()
    gateway.append(line(id="torn")[:50])
    gateway.write()
    gateway.append(b"\n\n" + b"x" * (3 * controller.LONGEST_LINE_BYTES) + b"\n")
    gateway.write()
    # Of a head of the largest size, most of it escaped.
    gateway.write(path="/" + "\u0001" * 60_000)
    gateway.write()
    await to_rest(context)
    assert await numbers(context) == [0, 1, 2, 3, 4]


async def test_the_first_line_is_longer_than_a_piece(context: Context, gateway: Writer) -> None:
    gateway.write(path="/" + "\u0001" * 60_000)
    assert gateway.path.stat().st_size > PIECE_BYTES
    gateway.write(2)
    await to_rest(context)
    assert await numbers(context) == [0, 1, 2]


def age(gateway: Writer, bench: Bench, seconds: float) -> None:
    """Let all files have been written so long ago."""
    for path in gateway.path.parent.iterdir():
        os.utime(path, (bench.clock.now() - seconds,) * 2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "MAXIMUM_FILE_BYTES", 1000)


@pytest.mark.usefixtures("small")
async def test_a_large_file_is_renamed_and_goes_later(context: Context, bench: Bench, gateway: Writer) -> None:
    """LG-L05: what is in the store is not kept twice; nobody's line is lost while the gateway still has the old file."""
    for turn in range(1, 4):
        gateway.write(10)
        await to_rest(context)
        assert gateway.reopened == turn
    names = sorted(path.name for path in gateway.path.parent.iterdir())
    assert names == ["access.log", "access.log.1", "access.log.2", "access.log.3"]
    # A gateway that is being replaced.
    with (gateway.path.parent / "access.log.2").open("ab") as old:
        old.write(line(id="30", stage="e1-default") + b"\n")
    age(gateway, bench, SETTLED_SECONDS - 1)
    await to_rest(context)
    assert len(list(gateway.path.parent.iterdir())) == 4
    age(gateway, bench, SETTLED_SECONDS + 1)
    await to_rest(context)
    assert [path.name for path in gateway.path.parent.iterdir()] == ["access.log"]
    await to_rest(context)
    assert await numbers(context) == list(range(31))
    assert await context.log_store.read(lambda db: db.execute("SELECT COUNT(*) FROM access_logs").fetchone()[0]) == 0


@pytest.mark.usefixtures("small")
async def test_killed_between_renaming_and_the_gateways_new_file(context: Context, gateway: Writer) -> None:
    gateway.write(10)
    gateway.is_dead = True
    await to_rest(context)
    assert not gateway.path.exists()
    gateway.write(3)
    gateway.is_dead = False
    await to_rest(context)
    gateway.write(2)
    await to_rest(context)
    assert await numbers(context) == list(range(15))
    assert gateway.path.exists()


@pytest.mark.usefixtures("small")
async def test_killed_between_reading_and_deleting(
    context: Context, bench: Bench, gateway: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.write(10)
    await to_rest(context)
    age(gateway, bench, SETTLED_SECONDS + 1)

    def killed(*_: Any) -> None:
        raise Killed

    for owner, name in ((Path, "unlink"), (access_log, "keep_only")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, lambda *_, **__: killed())
            with pytest.raises(Killed):
                await to_rest(context)
    gateway.write(2)
    await to_rest(context)
    assert await numbers(context) == list(range(12))


async def test_another_file_of_the_same_name(context: Context, gateway: Writer) -> None:
    """By hand, or by a tool that rotates logs: also where the file system gives the old one's number again."""
    gateway.write(5)
    await to_rest(context)
    gateway.path.write_bytes(b"")
    gateway.write(3)
    await to_rest(context)
    gateway.path.unlink()
    await gateway.reopen_access_log()
    gateway.write(3)
    await to_rest(context)
    assert await numbers(context) == list(range(11))


async def test_a_deleted_stage(context: Context, bench: Bench, gateway: Writer) -> None:
    """LG-13: requests that were answered before it was deleted and are read after."""
    requests = AccessLog(context)
    gateway.write()
    await requests.reconcile(ALL)

    def delete(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM stages")
        db.execute("DELETE FROM endpoints")

    await context.store.write(delete)
    gateway.write()
    await requests.reconcile(ALL)
    assert [entry.source.endpoint_id for entry in await found(context)] == ["e1", "e1"]
    # To a daemon that never saw it, it is one without an endpoint.
    gateway.write()
    await to_rest(context)
    assert [entry.source.endpoint_id for entry in await found(context)] == ["e1", "e1", None]
    assert [entry.source.endpoint_stage_id for entry in await found(context)] == ["e1-default"] * 3


async def test_a_start_of_the_daemon_forgets_no_position(context: Context, gateway: Writer) -> None:
    gateway.write(2)
    await to_rest(context)
    await LogIngest(context).sweep()
    await to_rest(context)
    assert await numbers(context) == [0, 1]
