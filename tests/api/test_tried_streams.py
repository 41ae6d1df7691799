"""Answers of a stage that the page shows as they are written (EP-33, OI-19): what comes when, and what is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from easymaker_local.domain.tryout import MAXIMUM_BYTES
from easymaker_local.services.tryouts import TryOuts
from easymaker_local.testing.context import open_bench
from easymaker_local.testing.factories import make_endpoint_spec
from tests.api.streams import BASE, PATIENCE_SECONDS, Received, Served, serve

pytestmark = pytest.mark.anyio

BODY = {"resourcePath": "/iris/openai/v1/chat/completions", "body": '{"stream": true}'}
HEAD = Received("head", {"statusCode": 200, "headerList": [{"headerName": "content-type", "headerValue": "text/plain"}]}, None)


def piece(content: str) -> Received:
    return Received("piece", {"content": content}, None)


class Stage(httpx.AsyncByteStream):
    """A stage that says what a test gives it, then: b"" ends the answer, an error breaks it off."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[httpx.Response | Exception] = asyncio.Queue()
        self.pieces: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def serve(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        try:
            answer = await self.answers.get()
        except asyncio.CancelledError:
            self.left.set()
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def begin(self, status: int = 200) -> None:
        self.answers.put_nowait(httpx.Response(status, headers={"content-type": "text/plain"}, stream=self))

    def say(self, *pieces: bytes | Exception) -> None:
        for each in pieces:
            self.pieces.put_nowait(each)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while said := await self.pieces.get():
            if isinstance(said, Exception):
                raise said
            yield said

    async def aclose(self) -> None:
        self.left.set()

    async def is_left(self) -> None:
        await asyncio.wait_for(self.left.wait(), PATIENCE_SECONDS)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def served(tmp_path: Path, stage: Stage) -> AsyncIterator[Served]:
    async with open_bench(tmp_path / "home") as bench:
        folder = bench.context.settings.storage / "models" / "iris"
        folder.mkdir()
        (folder / "predict.py").write_text("class Model: ...\n")
        tryouts = TryOuts(bench.context, httpx.MockTransport(stage.serve))
        async with serve(replace(bench, services=replace(bench.services, tryouts=tryouts))) as made:
            yield made


@pytest.fixture
async def path(served: Served) -> str:
    model = await served.bench.model(modelName="iris", modelUploadUri="obs://local/v1/AUTH_local/models/iris")
    made = await served.bench.services.endpoints.create(make_endpoint_spec(model.id, endpointName="shop"))
    return f"/endpoint-stages/{made.shown.stages[0].stage.id}/try/stream"


async def test_what_is_written_comes_before_the_rest_is(served: Served, stage: Stage, path: str) -> None:
    """OI-19: the second piece is made only after the first has come."""
    stage.begin()
    async with served.stream(path, body=BODY) as stream:
        assert await stream.next() == HEAD
        stage.say(b"Good ")
        assert await stream.next() == piece("Good ")
        stage.say(b"day", b"")
        assert await stream.next() == piece("day")
        [end] = await stream.all()
    assert (end.name, end.data["isBodyCut"], end.data["failureMessage"]) == ("end", False, None)
    assert end.data["milliseconds"] >= 0
    await stage.is_left()


async def test_who_goes_away_ends_the_request_to_the_stage(served: Served, stage: Stage, path: str) -> None:
    before = asyncio.all_tasks()
    stage.begin()
    stage.say(b"Good ")
    async with served.stream(path, body=BODY) as stream:
        assert await stream.next() == HEAD
        assert not stage.left.is_set()
    await stage.is_left()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)


async def test_who_goes_away_before_the_stage_answers_ends_it_too(served: Served, stage: Stage, path: str) -> None:
    async with served.client() as client:
        asking = asyncio.create_task(client.post(BASE + path, json=BODY))
        await asyncio.wait_for(stage.asked.wait(), PATIENCE_SECONDS)
        asking.cancel()
        await stage.is_left()


async def test_a_daemon_that_ends_ends_the_request_to_the_stage(served: Served, stage: Stage, path: str) -> None:
    stage.begin()
    async with served.stream(path, body=BODY) as stream:
        assert await stream.next() == HEAD
        served.server.end()
        assert await stream.all() == [], "without an end: nobody takes it for a whole answer"
    await stage.is_left()


@pytest.mark.parametrize(
    ("stage_id", "resource_path", "status", "code"),
    [("", "/x", 409, "CONFLICT"), ("none", "/x", 404, "NOT_FOUND"), ("", "/../other", 422, "INVALID_REQUEST")],
)
async def test_what_fails_before_the_answer_begins_is_a_refusal(
    served: Served, stage: Stage, path: str, stage_id: str, resource_path: str, status: int, code: str
) -> None:
    """As of the route that waits for the whole; for the first of them, the gateway is away."""
    stage.answers.put_nowait(httpx.ConnectError("connection refused"))
    place = path if stage_id == "" else f"/endpoint-stages/{stage_id}/try/stream"
    async with served.client() as client:
        answer = await client.post(BASE + place, json={"resourcePath": resource_path})
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert ("connection refused" in answer.json()["header"]["resultMessage"]) == (status == 409)


async def test_a_refusal_of_the_stage_is_an_answer(served: Served, stage: Stage, path: str) -> None:
    """OI-20."""
    stage.begin(503)
    stage.say(b"no", b"")
    async with served.stream(path, body=BODY) as stream:
        head, said, end = await stream.all()
    assert (head.data["statusCode"], said, end.name) == (503, piece("no"), "end")


async def test_an_answer_that_breaks_off_says_so_after_what_was_said(served: Served, stage: Stage, path: str) -> None:
    stage.begin()
    stage.say(b"Good ", httpx.ReadError("connection reset"))
    async with served.stream(path, body=BODY) as stream:
        *said, end = await stream.all()
    assert (said, end.name) == ([HEAD, piece("Good ")], "end")
    assert end.data["failureMessage"] == "The answer broke off: connection reset."
    await stage.is_left()


async def test_characters_are_whole_wherever_pieces_are_cut(served: Served, stage: Stage, path: str) -> None:
    text = "가".encode()
    stage.begin()
    stage.say(b"a" + text[:1], text[1:2], text[2:] + text[:2], b"")
    async with served.stream(path, body=BODY) as stream:
        _, *said, _ = await stream.all()
    assert said == [piece("a"), piece("가"), piece("\ufffd")], "what never became a character is seen"


async def test_an_endless_answer_is_cut_at_four_mebibytes(served: Served, stage: Stage, path: str) -> None:
    stage.begin()
    stage.say(b"x" * (MAXIMUM_BYTES - 1), "가".encode())
    async with served.stream(path, body=BODY) as stream:
        _, *said, end = await stream.all()
    assert sum(len(each.data["content"]) for each in said) == MAXIMUM_BYTES - 1
    assert (end.data["isBodyCut"], end.data["failureMessage"]) == (True, None)
    await stage.is_left()


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"Origin": "https://elsewhere"}, 403)])
async def test_others_may_not_ask(served: Served, stage: Stage, path: str, headers: dict[str, str], status: int) -> None:
    async with served.client(headers) as client:
        assert (await client.post(BASE + path, json=BODY)).status_code == status
    assert not stage.asked.is_set()
