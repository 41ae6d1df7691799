"""What happens to requests on their way: counted, refused, streamed, tried again (GW-05, GW-L04, GW-L05, OI-19, OI-20)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from easymaker_local.domain.gateway import Api, ApiKey, GatewayService, GatewayStage
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.gateway.resources import Layout
from easymaker_local.settings import Settings
from tests.gateway.conftest import IRIS, Pods, one_stage, until, until_active

pytestmark = pytest.mark.anyio

PREDICT = "/flowers/v1/models/iris/predict"
KEY = {"x-nhn-apikey": "open sesame"}


async def test_every_end_of_a_request_is_counted_once(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """OI-20: whoever has answered, by API and class, with how long it took."""
    await gateway.put_service(one_stage(timeout_seconds=1, maximum_request_bytes=1000, maximum_requests=1))
    assert (await client.get("/flowers/v2")).status_code == 503
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])
    assert (await client.get("/flowers/v2")).status_code == 200
    assert (await client.get("/flowers/v2?status=418")).status_code == 418
    assert (await client.get("/flowers/v2?status=500")).status_code == 500
    assert (await client.get("/flowers/v2?wait=9")).status_code == 504
    assert (await client.post(PREDICT, content=b"x" * 1001)).status_code == 413
    assert (await client.post(PREDICT, content=b"x" * 1000)).status_code == 200
    assert (await client.get("/flowers/nothing")).status_code == 404
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/flowers/v2/health/live?wait=9", timeout=0.1)
    both = await asyncio.gather(*(client.get("/flowers/v2/models/iris?wait=0.2") for _ in range(3)))
    assert sorted(answer.status_code for answer in both) == [200, 503, 503]
    counted = await gateway.counts()
    assert counted[ApiKey("s1", "m1", Api.SERVER)].classes == {"2xx": 1, "4xx": 1, "5xx": 3}
    assert counted[ApiKey("s1", "m1", Api.PREDICT)].classes == {"2xx": 1, "4xx": 1}
    assert counted[ApiKey("s1", "", Api.OTHER)].classes == {"4xx": 1}
    assert counted[ApiKey("s1", "m1", Api.LIVE)].classes == {"4xx": 1}
    assert sum(counted[ApiKey("s1", "m1", Api.METADATA)].classes.values()) == 3
    # Durations are put together after the question for them.
    async with asyncio.timeout(60):
        while max((server := (await gateway.counts())[ApiKey("s1", "m1", Api.SERVER)]).buckets.values()) < 5:
            continue
    # The gateway puts durations together from what it has rounded.
    assert server.total_ms >= 900
    assert max(server.buckets.values()) == 5
    assert server.buckets[700] == 4
    bounds = sorted(server.buckets)
    assert [server.buckets[b] for b in bounds] == sorted(server.buckets.values())


async def test_a_body_that_is_too_large_is_refused_also_without_a_length(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    await gateway.put_service(one_stage(maximum_request_bytes=100_000))
    await gateway.set_backends("s1", "m1", [pods.start("p").backend])

    async def blocks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 50_000

    assert (await client.post(PREDICT, content=blocks(2))).json()["size"] == 100_000
    for path in (PREDICT, "/flowers"):
        answer = await client.post(path, content=blocks(3))
        assert (answer.status_code, "error" in answer.json()) == (413, True)
    # The pod is none the worse for it.
    assert (await client.post(PREDICT, content=blocks(1))).json()["size"] == 50_000


async def test_a_body_that_says_its_model_may_be_as_large_as_any(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    """OI-20: to the longest that the stage takes, though the gateway has to keep it until it knows where it goes."""
    rose = replace(IRIS, model_id="m2", model_name="rose")
    await gateway.put_service(one_stage(IRIS, rose, maximum_request_bytes=20 << 20))
    await gateway.set_backends("s1", "m2", [pods.start("p").backend])

    def body(size: int) -> bytes:
        content = b'{"model": "rose", "x": ""}'
        return content.replace(b'""', b'"' + b"x" * (size - len(content)) + b'"')

    async def blocks(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1 << 20):
            yield content[start : start + (1 << 20)]

    for content in (body(20 << 20), blocks(body(20 << 20))):
        answer = await client.post("/flowers/v1/completions", content=content)
        assert (answer.status_code, answer.json().get("size")) == (200, 20 << 20), answer.text
    await gateway.put_service(one_stage(IRIS, rose, maximum_request_bytes=1000))
    assert (await client.post("/flowers/v1/completions", content=body(1001))).status_code == 413


@pytest.mark.parametrize(
    ("path", "held"),
    [("/flowers/v1/models/iris/predict", False), ("/flowers/v1/models/iris/predict", True), ("/flowers", False)],
)
async def test_who_asks_whether_to_send_is_told(
    gateway: EnvoyGateway, settings: Settings, pods: Pods, path: str, *, held: bool
) -> None:
    """RFC 9110, 10.1.1: a small body is not waited for before its sender hears that it may come."""
    asked: list[tuple[str, str]] = []
    gateway.on_held(lambda *key: asked.append(key))
    await gateway.put_service(one_stage(replace(IRIS, held=held)))
    pod = pods.start("p").backend
    if not held:
        await gateway.set_backends("s1", "m1", [pod])
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.gateway_http_port)
    async with asyncio.timeout(60):
        writer.write(f"POST {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n".encode())
        if held:
            await until(lambda: asked)
            await gateway.set_backends("s1", "m1", [pod])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_who_asks_whether_to_send_to_nowhere_hears_that(gateway: EnvoyGateway, settings: Settings) -> None:
    """RFC 9110, 10.1.1: the answer comes in place of the permission."""
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.gateway_http_port)
    async with asyncio.timeout(60):
        writer.write(b"POST /nothing HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404 Not Found\r\n")
    writer.close()


async def test_a_stream_of_events_is_not_kept_back(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """OI-19: the second event is made only after the asker has the first."""
    await gateway.put_service(one_stage())
    pod = pods.start("p")
    await gateway.set_backends("s1", "m1", [pod.backend])
    async with client.stream("POST", "/flowers/openai/v1/chat/completions?stream", json={"stream": True}) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        blocks = answer.aiter_raw()
        assert await anext(blocks) == b"data: first\n\n"
        pod.go_on()
        assert b"".join([block async for block in blocks]) == b"data: last\n\n"


async def test_without_the_key_nothing_is_answered(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """GW-L05: at every path, counted; the key is not said to the model."""
    other = GatewayStage("s2", "b", (IRIS,))
    locked = replace(one_stage(), stages=(*one_stage().stages, other), api_key=KEY["x-nhn-apikey"])
    await gateway.put_service(locked)
    pod = pods.start("p").backend
    for stage_id in ("s1", "s2"):
        await gateway.set_backends(stage_id, "m1", [pod])
    files = [Layout(gateway._settings.home).file("routes"), Layout(gateway._settings.home).root / "services" / "e1.json"]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    for path in (
        "/flowers",
        "/flowers/",
        "/flowers/v2",
        "/flowers/a",
        "/flowers/a/",
        "/flowers/b/v2",
        "/flowers/b",
        "/flowers/nothing",
    ):
        for headers in ({}, {"x-nhn-apikey": "open"}):
            answer = await client.post(path, headers=headers, json={})
            assert (answer.status_code, "x-nhn-apikey is" in answer.text) == (401, True), (path, answer.text)
    grpc = {"easymaker-endpoint": "flowers", "content-type": "application/json"}
    assert (await client.post("/inference.GRPCInferenceService/ModelInfer", headers=grpc)).status_code == 401
    answer = await client.post("/flowers/b", headers=KEY, json={})
    assert (answer.status_code, "x-nhn-apikey" in answer.json()["headers"]) == (200, False)
    assert (await client.post("/flowers2", json={})).status_code == 404
    counted = await gateway.counts()
    assert counted[ApiKey("s1", "", Api.OTHER)].classes["4xx"] + counted[ApiKey("s2", "", Api.OTHER)].classes["4xx"] == 17
    await gateway.put_service(replace(locked, api_key=None))
    assert (await client.post("/flowers/b", json={})).status_code == 200


async def test_a_pod_that_ends_before_it_has_answered_costs_nothing_while_there_is_another(
    gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods
) -> None:
    await gateway.put_service(one_stage())
    first, second = pods.start("a"), pods.start("b")
    await gateway.set_backends("s1", "m1", [first.backend])
    asking = asyncio.create_task(client.post(f"{PREDICT}?wait=0.5", json={"instances": [1]}))
    await until_active(gateway, "s1", 1)
    await gateway.set_backends("s1", "m1", [first.backend, second.backend])
    first.kill()
    answer = await asking
    assert (answer.status_code, answer.json()["pod"], answer.json()["size"]) == (200, "b", len(b'{"instances":[1]}'))


async def test_who_wants_no_second_try_gets_none(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """Also what happens without another pod: the one that is left is asked once more, then it is said."""
    object.__setattr__(gateway._settings, "gateway_retries", False)
    await gateway.put_service(one_stage())
    await gateway.set_backends("s1", "m1", [pods.start("a").backend, pods.start("b").backend])
    answer = await client.post(f"{PREDICT}?die", json={})
    assert (answer.status_code, answer.json()) == (503, {"error": "the pod ended before it had answered"})
    # The other one answers: nobody has asked it to die too.
    assert (await client.get("/flowers/v2")).status_code in {200, 503}
    service = GatewayService("e1", "flowers", (), "s1")
    await gateway.put_service(service)
