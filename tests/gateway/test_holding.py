"""Requests for a model of which nothing runs wait at the gateway itself, whatever they are (scale to zero, stop-then-start)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import grpc
import httpx
import pytest

from easymaker_local.domain.gateway import Api, ApiKey, GatewayStage, ModelLoad
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.kit.clock import SystemClock
from easymaker_local.settings import Settings
from tests.gateway.conftest import IRIS, Pods, end, one_stage, until

pytestmark = pytest.mark.anyio

HELD = replace(IRIS, held=True)


async def test_who_waits_is_told_of_counted_and_let_go_when_a_pod_is_there(
    gateway: EnvoyGateway, client: httpx.AsyncClient, settings: Settings, pods: Pods
) -> None:
    """A large body, several at once, and gRPC; before the routes say that the model is held no more."""
    asked: list[tuple[str, str]] = []
    gateway.on_held(lambda *key: asked.append(key))
    await gateway.put_service(one_stage(HELD))
    body = b"x" * (20 << 20)
    waiting = [asyncio.create_task(client.post("/flowers/v2/models/iris/infer", content=body)) for _ in range(3)]
    credentials = grpc.ssl_channel_credentials((settings.tls / "server.pem").read_bytes())
    async with grpc.aio.secure_channel(f"127.0.0.1:{settings.gateway_port}", credentials) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(
            b"x", metadata=[("easymaker-endpoint", "flowers")]
        )
        waiting_call = asyncio.ensure_future(call)
        await until(lambda: len(asked) == 4)
        assert set(asked) == {("s1", "m1")}
        assert (await gateway.loads())["s1", "m1"] == ModelLoad(4, 4)
        await gateway.set_backends("s1", "m1", [pods.start("p").backend])
        answers = [(answer.status_code, answer.json()["size"]) for answer in await asyncio.gather(*waiting)]
        assert answers == [(200, len(body))] * 3
        assert (await waiting_call).startswith(b"p:")
    assert (await client.get("/flowers/v2")).status_code == 200
    assert len(asked) == 4
    await gateway.put_service(one_stage(IRIS))
    assert (await client.get("/flowers/v2")).status_code == 200


async def test_the_longest_wait_ends_with_503_and_counts(gateway: EnvoyGateway, client: httpx.AsyncClient) -> None:
    await gateway.put_service(one_stage(HELD, hold_seconds=0.2))
    answer = await client.post("/flowers/v1/models/iris/predict", json={"instances": []})
    assert (answer.status_code, answer.json()) == (503, {"error": "no pod of this model answers now"})
    counted = (await gateway.counts())[ApiKey("s1", "m1", Api.PREDICT)]
    assert counted.classes == {"5xx": 1}
    assert counted.total_ms >= 200


@pytest.mark.parametrize("how", ["let go", "stage removed", "service removed"])
async def test_nobody_waits_for_a_model_that_is_held_no_more(
    gateway: EnvoyGateway, client: httpx.AsyncClient, how: str
) -> None:
    """EP-37, SR-L03: also where no pod came; the rest of the longest time is not waited for."""
    asked: list[tuple[str, str]] = []
    gateway.on_held(lambda *key: asked.append(key))
    other = GatewayStage("s2", "b", (HELD,))
    await gateway.put_service(replace(one_stage(HELD), stages=(*one_stage(HELD).stages, other)))
    waiting = asyncio.create_task(client.get("/flowers/a/v2"))
    still = asyncio.create_task(client.get("/flowers/b/v2"))
    await until(lambda: len(asked) == 2)
    if how == "let go":
        await gateway.put_service(one_stage(IRIS))
    elif how == "stage removed":
        await gateway.remove_stage("s1")
    else:
        await gateway.remove_service("e1")
    assert (await waiting).status_code == 503
    if how == "service removed":
        assert (await still).status_code == 503
    else:
        assert ("s2", "m1") in gateway._holding.count()
        await gateway.remove_service("e1")
        await still


async def test_who_gives_up_waits_no_more(gateway: EnvoyGateway, client: httpx.AsyncClient) -> None:
    asked: list[tuple[str, str]] = []
    gateway.on_held(lambda *key: asked.append(key))
    await gateway.put_service(one_stage(HELD))
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/flowers/v2", timeout=0.2)
    assert len(asked) == 1
    async with asyncio.timeout(30):
        while (await gateway.loads())["s1", "m1"].active:  # noqa: ASYNC110 - Envoy tells when asked
            await asyncio.sleep(0.005)


async def test_only_the_held_one_of_several_waits(gateway: EnvoyGateway, client: httpx.AsyncClient, pods: Pods) -> None:
    """The body says which; the other one is answered meanwhile."""
    asked: list[tuple[str, str]] = []
    gateway.on_held(lambda *key: asked.append(key))
    await gateway.put_service(one_stage(IRIS, replace(HELD, model_id="m2", model_name="rose")))
    pod = pods.start("p").backend
    await gateway.set_backends("s1", "m1", [pod])
    waiting = asyncio.create_task(client.post("/flowers/v1/completions", json={"model": "rose"}))
    await until(lambda: asked)
    assert (await client.post("/flowers/v1/completions", json={"model": "iris"})).status_code == 200
    assert asked == [("s1", "m2")]
    await gateway.set_backends("s1", "m2", [pod])
    assert (await waiting).status_code == 200


async def test_nobody_waits_while_the_daemon_is_away(settings: Settings, pods: Pods, caplog: pytest.LogCaptureFixture) -> None:
    """Who waited is told to come again, and nothing of that is an error of ours."""
    gateway = EnvoyGateway(settings, SystemClock())
    await gateway.open()
    try:
        await gateway.put_service(
            replace(one_stage(HELD), stages=(GatewayStage("s1", "a", (HELD,)), GatewayStage("s2", "b", (IRIS,))))
        )
        await gateway.set_backends("s2", "m1", [pods.start("p").backend])
        asked: list[tuple[str, str]] = []
        gateway.on_held(lambda *key: asked.append(key))
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{settings.gateway_http_port}") as client:
            waiting = asyncio.create_task(client.get("/flowers/a/v2", timeout=60))
            await until(lambda: asked)
            await gateway.close()
            assert ((await waiting).status_code, (await waiting).headers.get("retry-after")) == (503, "1")
            assert [record for record in caplog.records if record.levelname == "ERROR"] == []
            assert (await client.get("/flowers/a/v2")).status_code == 503
            assert (await client.get("/flowers/b/v2")).status_code == 200
    finally:
        await end(settings)
