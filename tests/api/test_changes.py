"""The stream of changes: what it tells, how it goes on after a loss, when it ends."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from easymaker_local.api import changes as api_changes
from easymaker_local.api import event_stream
from easymaker_local.controllers.sampler import Sampler
from easymaker_local.domain.change import SAMPLES, Change, ChangeKind
from easymaker_local.domain.usage import Usage
from easymaker_local.errors import DatabaseUnavailable
from easymaker_local.store.changes import KEPT, Changes
from easymaker_local.testing.appliance import NO_TRUST, Appliance
from easymaker_local.testing.context import Bench, open_bench
from tests.api.streams import BASE, TOKEN, Received, Served, serve

pytestmark = pytest.mark.anyio

K = ChangeKind


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
async def served(bench: Bench) -> AsyncIterator[Served]:
    async with serve(bench) as made:
        yield made


def told(event: Received | None) -> list[tuple[str, str | None, str | None]]:
    assert event is not None
    assert event.name == "change"
    return [(one["kind"], one["resourceId"], one["parentId"]) for one in event.data["changeList"]]


def publish(served: Served, *ids: str) -> None:
    served.bench.context.changes.publish([Change(K.MODEL, id_) for id_ in ids])


# --- what it tells ----------------------------------------------------------------------------------------------------


async def test_what_changes_together_is_told_together_and_once(served: Served, bench: Bench) -> None:
    async with served.stream("/changes") as stream:
        hello = await stream.next()
        assert hello is not None
        assert (hello.name, hello.data) == ("hello", {"isResumed": False})
        training = await bench.create()
        await bench.services.trainings.stop(training.id)
        assert told(await stream.next()) == [("training", training.id, None)]
        await bench.controller.reconcile(training.id)
        await bench.services.trainings.delete(training.id)
        assert ("training", training.id, None) in told(await stream.next())


async def test_a_place_in_the_queue_is_told_although_no_row_changes(served: Served, bench: Bench) -> None:
    """DB-L03: places and reasons are found by a pass that may write nothing."""
    first, second = [await bench.create(flavorId="m2.c4m8") for _ in range(2)]
    await bench.pass_(first)
    await bench.pass_(second)
    async with served.stream("/changes") as stream:
        await stream.next()
        await bench.queue.reconcile("all")
        assert told(await stream.next()) == [("queue", None, None)]


async def test_trials_come_with_their_tuning(served: Served, bench: Bench) -> None:
    async with served.stream("/changes") as stream:
        await stream.next()
        tuning = await bench.tune(maxTrialCount=1)
        assert ("hyperparameter-tuning", tuning.id, None) in told(await stream.next())
        await bench.step(tuning)
        (trial,) = await bench.services.tunings.trials(tuning.id)
        publish(served, "last")
        seen: set[tuple[str, str | None, str | None]] = set()
        while ("model", "last", None) not in seen:
            seen.update(told(await stream.next()))
        assert ("trial", trial.id, tuning.id) in seen
        assert not any(kind == "training" for kind, *_ in seen)


async def test_samples_come_at_once_and_as_they_are_taken(served: Served, bench: Bench) -> None:
    """GN-19, DB-L03."""
    sampler = Sampler(bench.context, machine=lambda: Usage(cpu_seconds=5, memory_bytes=4 << 30), ticks=bench.clock.now)
    async with served.stream("/changes", include="samples") as stream, served.client() as client:
        hello, first = await stream.next(), await stream.next()
        assert hello is not None
        assert first is not None
        assert (hello.name, first.name, first.data["currentList"]) == ("hello", "sample", [])
        await sampler.look()
        second = await stream.next()
        assert second is not None
        assert second.data["currentList"] == (await client.get(f"{BASE}/monitoring/current")).json()["currentList"]
        assert second.data["currentList"][0]["sample"]["memoryBytes"] == 4 << 30
        machine = (await client.get(f"{BASE}/machine")).json()["machine"]
        assert {**second.data["machine"], "freeDiskBytes": 0} == {**machine, "freeDiskBytes": 0}


async def test_who_did_not_ask_for_samples_gets_none(served: Served) -> None:
    async with served.stream("/changes") as stream:
        await stream.next()
        served.bench.context.changes.publish([SAMPLES, Change(K.MODEL, "m")])
        assert told(await stream.next()) == [("model", "m", None)]


async def test_what_cannot_be_included_is_refused(served: Served) -> None:
    async with served.client() as client:
        answer = await client.get(f"{BASE}/changes", params={"include": "everything"})
    assert (answer.status_code, answer.json()["fieldErrors"][0]["field"]) == (422, "include.0")


# --- after a loss -----------------------------------------------------------------------------------------------------


async def test_a_client_that_comes_back_is_told_what_it_missed(served: Served) -> None:
    async with served.stream("/changes") as stream:
        hello = await stream.next()
        publish(served, "a")
        change = await stream.next()
    publish(served, "b")
    assert hello is not None
    assert change is not None
    for last, missed in ((hello.id, ["a", "b"]), (change.id, ["b"])):
        async with served.stream("/changes", last) as stream:
            again = await stream.next()
            assert again == Received("hello", {"isResumed": True}, last)
            assert [resource_id for _, resource_id, _ in told(await stream.next())] == missed


async def test_who_was_away_for_too_long_asks_for_everything(served: Served) -> None:
    async with served.stream("/changes") as stream:
        hello = await stream.next()
    publish(served, *map(str, range(KEPT + 1)))
    assert hello is not None
    async with served.stream("/changes", hello.id) as stream:
        again = await stream.next()
        assert again is not None
        assert again.data == {"isResumed": False}
        publish(served, "next")
        assert told(await stream.next()) == [("model", "next", None)], "nothing of before"


@pytest.mark.parametrize("last", ["", "x", "-1", "99", "{life}", "{life}-", "{life}-99", "{life}-" + "9" * 500, "{life}-1-1"])
async def test_ids_that_are_none_count_as_none(served: Served, last: str) -> None:
    async with served.stream("/changes", last.format(life=served.bench.context.changes.life)) as stream:
        hello = await stream.next()
        assert hello is not None
        assert hello.data == {"isResumed": False}


async def test_the_numbers_of_another_daemon_are_not_taken_for_ours(served: Served) -> None:
    publish(served, "a", "b")
    other = Changes()
    other.publish([Change(K.MODEL, "a")])
    async with served.stream("/changes", f"{other.life}-1") as stream:
        hello = await stream.next()
        assert hello is not None
        assert hello.data == {"isResumed": False}


async def test_a_slow_client_is_told_to_ask_for_everything_and_costs_no_memory(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for it but what fits into the buffers of its connection."""
    monkeypatch.setattr(api_changes, "GATHER_SECONDS", 0.0)
    async with serve(bench, send_buffer_bytes=4096) as served:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(slow, ("127.0.0.1", served.port))
            request = f"GET {BASE}/changes HTTP/1.1\r\nHost: 127.0.0.1\r\nX-EasyMaker-Token: token\r\n\r\n"
            await loop.sock_sendall(slow, request.encode())
            got = b""
            while b"isResumed" not in got:
                got += await loop.sock_recv(slow, 4096)
            changes = bench.context.changes
            # Until nobody takes a change any more: the stream is held up where it writes.
            rounds = 0
            while True:
                publish(served, *(f"{rounds}-{number}" for number in range(KEPT)))
                rounds += 1
                await asyncio.sleep(0.05)
                if not changes._waiting:
                    break
                assert rounds < 100
            publish(served, *map(str, range(KEPT + 1)))
            (cycle,) = served.server.server_state.connections
            assert cycle.transport.get_write_buffer_size() < 2 << 20, "one event at most beyond the buffer's limit"
            while got.count(b"event: hello") < 2:
                got += await asyncio.wait_for(loop.sock_recv(slow, 1 << 20), 60)
            while not got.endswith(b"\n\n\r\n"):
                got += await asyncio.wait_for(loop.sock_recv(slow, 1 << 20), 60)
            last = [line for line in got.decode().splitlines() if line.startswith("data: ")][-1]
            assert json.loads(last.removeprefix("data: ")) == {"isResumed": False}


# --- its end ----------------------------------------------------------------------------------------------------------


async def test_a_daemon_that_ends_ends_its_streams_at_once(served: Served) -> None:
    async with served.stream("/changes") as one, served.stream("/changes", include="samples") as two:
        for stream, events in ((one, 1), (two, 2)):
            for _ in range(events):
                assert await stream.next() is not None
        served.server.end()
        assert (await one.all(), await two.all()) == ([], [])
    await asyncio.wait_for(served.serving, 60)


async def test_one_that_begins_while_the_daemon_ends_ends_at_once(served: Served) -> None:
    served.app.state.streams.end()
    async with served.stream("/changes") as stream:
        assert await stream.all() == []


async def test_a_client_that_goes_leaves_nothing_behind(served: Served) -> None:
    before = asyncio.all_tasks()
    async with served.client() as client:
        for _ in range(3):
            async with client.stream("GET", f"{BASE}/changes") as answer:
                await anext(answer.aiter_lines())
                assert len(asyncio.all_tasks()) > len(before)
    async with asyncio.timeout(60):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)
    assert not served.bench.context.changes._waiting


async def sign_in(client: httpx.AsyncClient) -> None:
    path = (await client.post(f"{BASE}/system/login", headers=TOKEN)).json()["login"]["path"]
    assert (await client.get(path)).status_code == 303


async def test_a_stream_ends_with_its_session_and_not_before(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """GN-L04."""
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.02)
    async with served.client({}) as browser, served.stream("/changes") as others:
        await sign_in(browser)
        # A busy stream is looked after as a quiet one is.
        async with browser.stream("GET", f"{BASE}/changes") as answer:
            lines = answer.aiter_lines()
            beats = 0
            while beats < 3:
                line = await anext(lines)
                beats += line.startswith(":")
                publish(served, "busy")
            await served.app.state.credentials.end_session(next(iter(browser.cookies.values())))
            async with asyncio.timeout(60):
                async for _ in lines:
                    publish(served, "busy")
        await others.next()
        beats = others.comments
        publish(served, "still there")
        while others.comments <= beats:
            assert await others.next() is not None
            publish(served, "still there")


async def test_a_stream_ends_with_its_token(served: Served, monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.02)
    async with served.stream("/changes") as stream:
        await stream.next()
        bench.context.settings.token_file.write_text("token")
        await served.app.state.credentials.rotate()
        assert await stream.all() == []


async def test_a_stream_that_fails_ends_and_the_client_comes_back(
    served: Served, bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise DatabaseUnavailable("The database is locked.", delay_seconds=1.0)

    async with served.stream("/changes", include="samples") as stream:
        for _ in range(2):
            assert await stream.next() is not None
        monkeypatch.setattr(bench.services.queue, "machine", fail)
        bench.context.changes.publish([SAMPLES])
        assert await stream.all() == []
    assert "The database is locked." in caplog.text


async def test_a_daemon_that_is_stopped_waits_for_no_page_and_the_next_one_says_so(tmp_path: Path) -> None:
    appliance = Appliance(tmp_path / "home", "process")
    headers, ids = {"X-EasyMaker-Token": ""}, ["x"]
    try:
        for _ in range(2):
            await asyncio.to_thread(appliance.start)
            headers["X-EasyMaker-Token"] = appliance.token
            url = f"http://127.0.0.1:{appliance.port}{BASE}/changes"
            async with (
                httpx.AsyncClient(trust_env=False, verify=NO_TRUST, timeout=60) as client,
                client.stream("GET", url, headers={**headers, "Last-Event-ID": ids[-1]}) as answer,
            ):
                lines = answer.aiter_lines()
                begun = [await anext(lines) for _ in range(5)]
                assert begun[4] == 'data: {"isResumed":false}', "nothing of the daemon before is known"
                ids.append(begun[3].removeprefix("id: "))
                stopping = asyncio.create_task(asyncio.to_thread(appliance.stop))
                async for line in lines:
                    assert not line or line.startswith(("event: change", "data: ", "id: ", ":"))
                await stopping
        assert "graceful shutdown exceeded" not in (appliance.home / "serve.log").read_text()
        assert len(set(ids)) == 3
    finally:
        await asyncio.to_thread(appliance.discard)
