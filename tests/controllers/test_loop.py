"""The loop: one pass at a time per key, hints never lost, failures retried ever more slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from easymaker_local.controllers.loop import Loop
from easymaker_local.errors import TransientError

pytestmark = pytest.mark.anyio


class Recorder:
    """A reconciler that records its passes and does as it is told."""

    def __init__(self) -> None:
        self.passes: asyncio.Queue[str] = asyncio.Queue()
        self.running: set[str] = set()
        self.answers: list[float | Exception | None] = []
        self.gate: asyncio.Event | None = None
        self.known: list[str] = []

    async def unfinished(self) -> list[str]:
        return self.known

    async def reconcile(self, key: str) -> float | None:
        assert key not in self.running, "two passes of one key at once"
        self.running.add(key)
        self.passes.put_nowait(key)
        try:
            if self.gate is not None:
                await self.gate.wait()
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.running.discard(key)

    async def next(self) -> str:
        return await asyncio.wait_for(self.passes.get(), 10)


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    yield Recorder()


async def started(recorder: Recorder, resync_seconds: float = 1000.0) -> tuple[Loop, asyncio.Task[None]]:
    loop = Loop(resync_seconds)
    loop.register("thing", recorder.reconcile, recorder.unfinished)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    return loop, task


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_everything_unfinished_is_looked_at_in_the_beginning(recorder: Recorder) -> None:
    recorder.known = ["a", "b"]
    _, task = await started(recorder)
    assert {await recorder.next(), await recorder.next()} == {"a", "b"}
    await ended(task)


async def test_many_hints_during_a_pass_make_one_more(recorder: Recorder) -> None:
    loop, task = await started(recorder)
    recorder.gate = asyncio.Event()
    loop.hint("thing", "a")
    assert await recorder.next() == "a"
    for _ in range(5):
        loop.hint("thing", "a")
    loop.hint("thing", "b")
    assert await recorder.next() == "b"
    recorder.gate.set()
    assert await recorder.next() == "a"
    loop.hint("thing", "end")
    assert await recorder.next() == "end"
    assert recorder.passes.empty()
    await ended(task)


async def test_looks_again_when_asked_to(recorder: Recorder) -> None:
    loop, task = await started(recorder)
    recorder.answers = [0.01]
    loop.hint("thing", "a")
    assert [await recorder.next(), await recorder.next()] == ["a", "a"]
    await ended(task)


@pytest.mark.parametrize("problem", [TransientError("busy", delay_seconds=0.01), RuntimeError("a bug")])
async def test_failures_are_tried_again(recorder: Recorder, problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easymaker_local.controllers.loop._LONGEST_PAUSE_SECONDS", 0.01)
    loop, task = await started(recorder)
    recorder.answers = [problem, problem]
    loop.hint("thing", "a")
    assert [await recorder.next() for _ in range(3)] == ["a", "a", "a"]
    await ended(task)


async def test_the_resync_finds_what_no_hint_told(recorder: Recorder) -> None:
    _, task = await started(recorder, resync_seconds=0.01)
    recorder.known = ["lost"]
    assert await recorder.next() == "lost"
    await ended(task)


async def test_unknown_kinds_and_a_closed_loop_are_calm(recorder: Recorder) -> None:
    loop, task = await started(recorder)
    loop.hint("other", "a")
    await ended(task)
    loop.hint("thing", "a")
    assert recorder.passes.empty()
