"""Trying out a stage from the page: what is sent to the gateway, and what comes of every kind of answer (EP-33, GW-L05)."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.api import create_app
from easymaker_local.domain.tryout import MAXIMUM_BYTES
from easymaker_local.services.tryouts import TryOuts
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.factories import make_endpoint_spec

pytestmark = pytest.mark.anyio

Answer = Callable[[httpx.Request], httpx.Response]


class Page:
    """The page's side: calls the route of one stage, whose gateway is a function."""

    def __init__(self, bench: Bench, stage_id: str) -> None:
        self._bench, self.stage_id = bench, stage_id
        self.seen: list[httpx.Request] = []
        self.answer: Answer = lambda request: httpx.Response(200, json={"predictions": [1]})

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self.answer(request)

    async def tries(self, **body: Any) -> httpx.Response:
        """Ask for a request to be sent."""
        tryouts = TryOuts(self._bench.context, httpx.MockTransport(self._serve))
        services = replace(self._bench.services, tryouts=tryouts)
        app = create_app(services, self._bench.preparation, "token", started_at=0.0, stop=lambda: None)
        url, headers = "http://127.0.0.1/v1.0/appkeys/key", {"X-EasyMaker-Token": "token"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=url, headers=headers) as client:
            return await client.post(f"/endpoint-stages/{self.stage_id}/try", json=body)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        folder = made.context.settings.storage / "models" / "iris"
        folder.mkdir()
        (folder / "predict.py").write_text("class Model: ...\n")
        yield made


async def page_of(bench: Bench, **fields: Any) -> tuple[Page, str | None]:
    """Return the page of a new endpoint's default stage, and the endpoint's API key."""
    model = await bench.model(modelName="iris", modelUploadUri="obs://local/v1/AUTH_local/models/iris")
    made = await bench.services.endpoints.create(make_endpoint_spec(model.id, endpointName="my shop", **fields))
    return Page(bench, made.shown.stages[0].stage.id), made.api_key


async def test_sends_the_request_to_the_stage_and_shows_what_came_back(bench: Bench) -> None:
    page, _ = await page_of(bench)
    headers = [{"headerName": "Content-Type", "headerValue": "application/json"}]
    path = "/iris/v1/models/iris/predict?x=1"
    answer = await page.tries(resourcePath=path, body='{"instances": [[1]]}', headerList=headers)
    tried = answer.json()["tried"]
    assert (tried["statusCode"], json.loads(tried["body"]), tried["bodyEncoding"]) == (200, {"predictions": [1]}, "TEXT")
    assert tried["milliseconds"] >= 0
    assert {"headerName": "content-type", "headerValue": "application/json"} in tried["headerList"]
    [sent] = page.seen
    assert str(sent.url) == f"{bench.context.settings.gateway_url}/my%20shop/default{path}"
    assert (sent.method, sent.content, sent.headers["content-type"]) == ("POST", b'{"instances": [[1]]}', "application/json")
    assert "x-nhn-apikey" not in sent.headers


async def test_sends_the_key_of_the_endpoint_by_itself(bench: Bench) -> None:
    """GW-L05."""
    page, key = await page_of(bench, apiKeyEnable=True)
    assert (await page.tries(method="GET", resourcePath="/iris/v2")).status_code == 200
    assert key is not None
    assert page.seen[0].headers["x-nhn-apikey"] == key


@pytest.mark.parametrize("status", [302, 404, 422, 503])
async def test_a_refusal_of_the_stage_is_an_answer(bench: Bench, status: int) -> None:
    """OI-20; where somebody is sent elsewhere, nothing follows."""
    page, _ = await page_of(bench)
    page.answer = lambda request: httpx.Response(status, headers={"location": "https://elsewhere/"}, text="no")
    answer = await page.tries(resourcePath="/x")
    assert (answer.status_code, answer.json()["tried"]["statusCode"], answer.json()["tried"]["body"]) == (200, status, "no")
    assert len(page.seen) == 1


async def test_an_answer_of_bytes_comes_as_base64(bench: Bench) -> None:
    page, _ = await page_of(bench)
    page.answer = lambda request: httpx.Response(200, content=b"\x89PNG\xff\x00")
    tried = (await page.tries(resourcePath="/x")).json()["tried"]
    assert (tried["bodyEncoding"], base64.b64decode(tried["body"])) == ("BASE64", b"\x89PNG\xff\x00")


@pytest.mark.parametrize(("extra", "is_cut"), [(0, False), (1, True)])
async def test_a_long_answer_is_cut_at_four_mebibytes(bench: Bench, extra: int, is_cut: bool) -> None:
    page, _ = await page_of(bench)
    text = "x" * (MAXIMUM_BYTES - 3) + "가" + "y" * extra
    page.answer = lambda request: httpx.Response(200, text=text)
    tried = (await page.tries(resourcePath="/x")).json()["tried"]
    assert (tried["isBodyCut"], tried["bodyEncoding"]) == (is_cut, "TEXT")
    assert tried["body"] == text[: len(text) - extra]


async def test_a_long_answer_that_is_cut_within_a_character_stays_text(bench: Bench) -> None:
    page, _ = await page_of(bench)
    page.answer = lambda request: httpx.Response(200, text="x" * (MAXIMUM_BYTES - 1) + "가")
    tried = (await page.tries(resourcePath="/x")).json()["tried"]
    assert (tried["bodyEncoding"], tried["body"]) == ("TEXT", "x" * (MAXIMUM_BYTES - 1))


@pytest.mark.parametrize(
    "path", ["x", "//..", "/../other/default", "/%2e%2e/other", "/a\\..\\b", "/a b", "/a#b", "https://else/"]
)
async def test_a_path_stays_below_the_stage(bench: Bench, path: str) -> None:
    page, _ = await page_of(bench)
    answer = await page.tries(resourcePath=path)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["fieldErrors"]] == ["resourcePath"]
    assert page.seen == []


@pytest.mark.parametrize("name", ["Host", "Cookie", "x-nhn-apikey", "authorization", "transfer-encoding"])
async def test_other_headers_are_refused(bench: Bench, name: str) -> None:
    page, _ = await page_of(bench)
    answer = await page.tries(resourcePath="/x", headerList=[{"headerName": name, "headerValue": "v"}])
    assert [fault["field"] for fault in answer.json()["fieldErrors"]] == ["headerList.0.headerName"]
    assert page.seen == []


async def test_a_gateway_that_does_not_answer_is_said(bench: Bench) -> None:
    page, _ = await page_of(bench)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    page.answer = refuse
    answer = await page.tries(resourcePath="/x")
    assert (answer.status_code, answer.json()["errorCode"]) == (409, "CONFLICT")
    assert "connection refused" in answer.json()["header"]["resultMessage"]


async def test_a_stage_that_is_not_there(bench: Bench) -> None:
    assert (await Page(bench, "none").tries(resourcePath="/x")).status_code == 404
