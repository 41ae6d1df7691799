"""What the real gateway counts and logs is what an independent client saw (GW-05, GW-L04, LG-04, LG-L04, DB-L01, OI-20)."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from easymaker_local.controllers import access_log
from easymaker_local.controllers.access_log import ALL, AccessLog
from easymaker_local.domain.gateway import GatewayService, GatewayStage, RoutedModel
from easymaker_local.domain.log_query import parse
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import INFERENCE_ID, Layout
from easymaker_local.kit.clock import SystemClock
from easymaker_local.services.api_statistics import ApiStatistics, Period, Statistics
from easymaker_local.services.context import Context
from easymaker_local.settings import Settings
from easymaker_local.store import log_search
from easymaker_local.testing.context import open_bench
from tests.api_statistics.records import add_endpoint
from tests.gateway.conftest import Pods, connect, end

pytestmark = pytest.mark.anyio

STAGE = "e1-default"
DIGITS = RoutedModel("m2", "digits", path="/inference")
PREDICT = "/flowers/iris/v1/models/iris/predict"
# A path -> what the client takes it for: model, API and class of status.
ASKED = {
    PREDICT: ("m1", "predict", "2xx"), f"{PREDICT}?status=404": ("m1", "predict", "4xx"),
    f"{PREDICT}?status=500": ("m1", "predict", "5xx"), "/flowers/iris/v2/models/iris/infer": ("m1", "infer", "2xx"),
    "/flowers/default/digits/openai/v1/chat/completions": ("m2", "chat", "2xx"), "/flowers/inference": ("m2", "custom", "2xx"),
    "/flowers/rose/v1/models/rose/predict": ("", "other", "4xx"), "/flowers/default/nothing": ("", "other", "4xx"),
}  # fmt: skip
Count = Counter[tuple[str, str, str]]


def service(*, log: bool = False) -> GatewayService:
    """The endpoint ``flowers`` with two models on its default stage."""
    stage = GatewayStage(STAGE, "default", (RoutedModel("m1", "iris"), DIGITS), log=log)
    return GatewayService("e1", "flowers", (stage,), STAGE)


@pytest.fixture
async def context(tmp_path: Path, settings: Settings, gateway: EnvoyGateway) -> AsyncIterator[Context]:
    async with open_bench(tmp_path / "home", gateway_port=settings.gateway_port) as bench:
        await bench.context.store.write(lambda db: add_endpoint(db, "e1", "flowers"))
        yield replace(bench.context, gateway=gateway)


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for what happens in other processes."""
    for _ in range(600):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


async def ask(client: httpx.AsyncClient, rounds: int, count: Count, ids: list[str] | None = None) -> None:
    """Ask everything so often, several at once, and count what comes back."""

    async def one(path: str) -> None:
        answer = await client.post(path, json={"instances": [[1]]})
        model, api, expected = ASKED[path]
        assert f"{answer.status_code // 100}xx" == expected, (path, answer.text)
        count[model, api, expected] += 1
        if ids is not None:
            ids.append(answer.headers[INFERENCE_ID])

    for _ in range(rounds):
        await asyncio.gather(*(one(path) for path in ASKED))


def counted(found: Statistics) -> Count:
    return Counter(
        {(c.model_id, c.api.value, name): n for c, calls in found.counters.items() for name, n in calls.classes.items()}
    )


async def agree(statistics: ApiStatistics, count: Count) -> Statistics:
    """Wait until the statistics are the client's count: the gateway counts when a request has ended on its side."""

    async def is_equal() -> bool:
        return counted(await statistics.endpoint("e1", Period())) == count

    await until(is_equal, f"{counted(await statistics.endpoint('e1', Period()))} is not {count}")
    return await statistics.endpoint("e1", Period())


async def test_statistics_are_the_clients_own_count(
    gateway: EnvoyGateway, context: Context, settings: Settings, pods: Pods
) -> None:
    """Over a restart of the daemon, during which traffic goes on, and over a killed Envoy."""
    await gateway.put_service(service())
    for model in ("m1", "m2"):
        await gateway.set_backends(STAGE, model, [pods.start(model).backend])
    count: Count = Counter()
    async with connect(settings) as client:
        await ask(client, 20, count)
        found = await agree(ApiStatistics(context), count)
        assert (found.total.successes, found.total.failures) == (80, 80)
        assert sum(found.total.buckets.values()) == 160
        median = found.total.percentile(0.5)
        assert median is not None
        # The daemon goes, and another one comes.
        await gateway.close()
        await ask(client, 10, count)
    later = EnvoyGateway(settings, SystemClock())
    await later.open()
    try:
        statistics = ApiStatistics(replace(context, gateway=later))
        async with connect(settings) as client:
            await ask(client, 10, count)
        await agree(statistics, count)
        epoch = later.epoch
        for running in EnvoyProcess(Layout(settings.home), 1).find():
            os.kill(running.pid, signal.SIGKILL)
        await until(lambda: _is_another(later, epoch), "Envoy's return")
        async with connect(settings) as client:
            await ask(client, 5, count)
        found = await agree(statistics, count)
        assert found.total.count == 45 * len(ASKED)
    finally:
        await later.close()
        await end(settings)


async def test_an_update_of_the_gateway_costs_no_count(
    gateway: EnvoyGateway, context: Context, settings: Settings, pods: Pods
) -> None:
    """GW-L04: replaced while it serves (other settings stand for another version), after traffic that no daemon saw."""
    await gateway.put_service(service())
    for model in ("m1", "m2"):
        await gateway.set_backends(STAGE, model, [pods.start(model).backend])
    count: Count = Counter()
    async with connect(settings) as client:
        await ask(client, 5, count)
        await agree(ApiStatistics(context), count)
        await gateway.close()
        await ask(client, 5, count)
    # What was asked last has ended on the gateway's side too.
    await until(lambda: _has_counted(gateway, count.total()), "the last calls")
    later = EnvoyGateway(settings.model_copy(update={"gateway_workers": settings.gateway_workers + 1}), SystemClock())
    await later.open()
    try:
        assert later.replaced is not None
        async with connect(settings) as client:
            await ask(client, 5, count)
        await agree(ApiStatistics(replace(context, gateway=later)), count)
    finally:
        await later.close()
        await end(settings)


async def _has_counted(gateway: EnvoyGateway, calls: int) -> bool:
    return sum(sum(found.classes.values()) for found in (await gateway.counts()).values()) == calls


async def _is_another(gateway: EnvoyGateway, epoch: str) -> bool:
    return gateway.epoch not in {"", epoch}


async def test_no_pod_is_a_failure_of_the_model(gateway: EnvoyGateway, context: Context, settings: Settings) -> None:
    """OI-20, DB-L01."""
    await gateway.put_service(service())
    async with connect(settings) as client:
        assert (await client.post(PREDICT, json={})).status_code == 503
    await agree(ApiStatistics(context), Counter({("m1", "predict", "5xx"): 1}))


async def test_each_request_is_logged_once(
    gateway: EnvoyGateway, context: Context, settings: Settings, pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LG-06…LG-17, LG-L04: by the id that the client was given; files are renamed under way, and Envoy told."""
    monkeypatch.setattr(access_log, "MAXIMUM_FILE_BYTES", 1)
    await gateway.put_service(service(log=True))
    for model in ("m1", "m2"):
        await gateway.set_backends(STAGE, model, [pods.start(model).backend])
    ids: list[str] = []
    began = time.time()
    node = parse('category:"easymaker.inference"')

    async def entries() -> list[log_search.StoredEntry]:
        await AccessLog(context).reconcile(ALL)
        page = await context.log_store.read(
            lambda db: log_search.search(db, node, newest_first=False, cursor=None, limit=1000)
        )  # fmt: skip
        return page.entries

    async def is_there() -> bool:
        return len(await entries()) >= len(ids)

    async with connect(settings) as client:
        for _ in range(3):
            await ask(client, 2, Counter(), ids)
            await until(is_there, "all requests in the log store")
    found = [stored.entry for stored in await entries()]
    assert sorted(entry.inference_id or "" for entry in found) == sorted(ids)
    assert len(list((settings.logs / "gateway").iterdir())) > 1
    assert {(e.source.endpoint_id, e.source.endpoint_stage_id, e.source.action) for e in found} == {
        ("e1", STAGE, "Endpoint.Model")
    }  # fmt: skip
    levels = Counter((entry.source.model_name, entry.source.log_level) for entry in found)
    assert levels == {
        ("iris", "INFO"): 12, ("iris", "WARNING"): 6, ("iris", "ERROR"): 6, ("digits", "INFO"): 12, (None, "WARNING"): 12,
    }  # fmt: skip
    assert all(began <= entry.time <= time.time() and entry.body.startswith("POST /") for entry in found)


async def test_without_logs_nothing_is_written(gateway: EnvoyGateway, context: Context, settings: Settings, pods: Pods) -> None:
    """LG-L03."""
    await gateway.put_service(service())
    await gateway.set_backends(STAGE, "m1", [pods.start("m1").backend])
    async with connect(settings) as client:
        assert (await client.post(PREDICT, json={})).status_code == 200
    await agree(ApiStatistics(context), Counter({("m1", "predict", "2xx"): 1}))
    await gateway.reopen_access_log()
    assert all(path.stat().st_size == 0 for path in (settings.logs / "gateway").glob("access.log*"))
