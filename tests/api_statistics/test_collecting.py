"""From the gateway to answers: what is collected, when, and what is told of it, with a gateway that counts by hand."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from easymaker_local.api import create_app
from easymaker_local.controllers import api_statistics as controller
from easymaker_local.domain.gateway import Api, ApiCount, ApiKey
from easymaker_local.errors import NotFound, TransientError
from easymaker_local.services.api_statistics import ApiStatistics, Period
from easymaker_local.services.context import Context
from easymaker_local.services.services import Services
from easymaker_local.store import api_statistics as store
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.fakes import FakeGateway
from tests.api_statistics.records import add_endpoint, add_stage, counted, key

pytestmark = pytest.mark.anyio

Ask = Callable[..., Any]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as made:
        yield made


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def context(bench: Bench, gateway: FakeGateway) -> Context:
    return replace(bench.context, gateway=gateway)


@pytest.fixture
async def client(bench: Bench, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    services = Services.of(context)
    app = create_app(services, bench.preparation, "token", started_at=0, stop=lambda: None)
    headers = {"X-EasyMaker-Token": "token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers) as made:
        yield made


async def ask(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1.0/appkeys/a/{path}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["apiStatistics"]
    return found


async def make(context: Context, **endpoints: str) -> None:
    """Insert endpoints: id -> name."""

    def add(db: sqlite3.Connection) -> None:
        for endpoint_id, name in endpoints.items():
            add_endpoint(db, endpoint_id, name)

    await context.store.write(add)


async def count(statistics: ApiStatistics, endpoint_id: str = "e1") -> int:
    return (await statistics.endpoint(endpoint_id, Period())).total.count


async def test_an_answer_has_what_was_called_a_moment_ago(context: Context, gateway: FakeGateway) -> None:
    """GW-05: no period has to pass."""
    await make(context, e1="shop")
    statistics = ApiStatistics(context)
    for ok in (1, 2, 2, 7):
        gateway.counted = {key("e1-default"): counted(ok=ok)}
        assert await count(statistics) == ok


async def test_killed_anywhere_nothing_is_lost_or_doubled(
    context: Context, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GW-L04: a daemon that dies in the transaction, or after it, is followed by one that goes on from what is written."""
    await make(context, e1="shop")
    record = store.record

    class Killed(BaseException):
        pass

    def dying(*arguments: Any) -> int:
        record(*arguments)
        raise Killed

    gateway.counted = {key("e1-default"): counted(ok=5, broken=2)}
    with monkeypatch.context() as patch:
        patch.setattr(store, "record", dying)
        with pytest.raises(Killed):
            await ApiStatistics(context).collect()
    assert await ApiStatistics(context).collect() == 7
    # Killed after the commit, before anybody knew of it.
    assert await ApiStatistics(context).collect() == 0
    gateway.counted = {key("e1-default"): counted(ok=6, broken=2)}
    assert await ApiStatistics(context).collect() == 1
    assert await count(ApiStatistics(context)) == 8


async def test_another_process_of_the_gateway_begins_anew(context: Context, gateway: FakeGateway) -> None:
    """GW-L04: its totals may be larger than those before."""
    await make(context, e1="shop")
    statistics = ApiStatistics(context)
    gateway.counted = {key("e1-default"): counted(ok=5)}
    await statistics.collect()
    gateway.epoch, gateway.counted = "2", {key("e1-default"): counted(ok=9)}
    assert await count(statistics) == 14


async def test_what_was_counted_until_the_gateway_was_replaced(context: Context, gateway: FakeGateway) -> None:
    """GW-L04: an update ends a process while no daemon runs; what it had counted by then is told once."""
    await make(context, e1="shop")
    gateway.counted = {key("e1-default"): counted(ok=5)}
    await ApiStatistics(context).collect()
    gateway.replaced = "1", {key("e1-default"): counted(ok=8)}
    gateway.epoch, gateway.counted = "2", {key("e1-default"): counted(ok=1)}
    statistics = ApiStatistics(context)
    assert await count(statistics) == 9
    gateway.counted = {key("e1-default"): counted(ok=2)}
    assert await count(statistics) == 10
    # A later daemon finds the process that it knows.
    gateway.replaced = None
    assert await count(ApiStatistics(context)) == 10


class Slow(FakeGateway):
    """Counts while it is being asked: what it answers is as old as the question."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def counts(self) -> Mapping[ApiKey, ApiCount]:
        self.asked += 1
        self.entered.set()
        found = self.counted
        await self.go_on.wait()
        return found


async def test_many_at_once_do_not_overtake_each_other(context: Context) -> None:
    """Totals that were read earlier and written later would look like a counter that was begun anew."""
    await make(context, e1="shop")
    gateway = Slow()
    statistics = ApiStatistics(replace(context, gateway=gateway))
    gateway.counted = {key("e1-default"): counted(ok=5)}
    asking = [asyncio.create_task(count(statistics)) for _ in range(20)]
    await gateway.entered.wait()
    gateway.counted = {key("e1-default"): counted(ok=7)}
    asking += [asyncio.create_task(count(statistics)) for _ in range(20)]
    gateway.go_on.set()
    found = await asyncio.gather(*asking)
    assert set(found) <= {5, 7}
    assert set(found[20:]) == {7}
    assert await count(statistics) == 7
    assert gateway.asked < 10


async def test_totals_of_a_process_that_ends_meanwhile_are_nobodys(context: Context) -> None:
    await make(context, e1="shop")
    gateway = Slow()
    statistics = ApiStatistics(replace(context, gateway=gateway))
    gateway.counted = {key("e1-default"): counted(ok=5)}
    asking = asyncio.create_task(statistics.collect())
    await gateway.entered.wait()
    gateway.epoch = "2"
    gateway.go_on.set()
    assert await asking == 0
    assert await statistics.collect() == 5


async def test_a_gateway_that_does_not_answer(
    context: Context, gateway: FakeGateway, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known is told, with its age."""
    await make(context, e1="shop")

    async def silent() -> Mapping[ApiKey, ApiCount]:
        raise TransientError("The gateway does not answer.", delay_seconds=1)

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "counts", silent)
        assert (await ask(client, "endpoints/e1/api-statistics"))["collectedDatetime"] is None
    gateway.counted = {key("e1-default"): counted(ok=5)}
    fresh = await ask(client, "endpoints/e1/api-statistics")
    monkeypatch.setattr(gateway, "counts", silent)
    stale = await ask(client, "endpoints/e1/api-statistics")
    assert fresh["total"]["callCount"] == stale["total"]["callCount"] == 5
    assert fresh["collectedDatetime"] == stale["collectedDatetime"] is not None


async def test_what_is_told(context: Context, gateway: FakeGateway, bench: Bench, client: httpx.AsyncClient) -> None:
    """ST-09, ST-14, DB-08, GW-05: success and failure by stage, model and API, durations, and the course."""
    await make(context, e1="shop", e2="bank")
    await context.store.write(lambda db: add_stage(db, "e1", "s2", "test"))
    gateway.counted = {
        key("e1-default", "m1"): counted(7, ok=3, broken=1), key("e1-default", "m1", Api.INFER): counted(70, ok=2),
        key("s2", "m1"): counted(wrong=4), key("s2", "", Api.OTHER): counted(none=1), key("e2-default"): counted(ok=100),
    }  # fmt: skip
    found = await ask(client, "endpoints/e1/api-statistics")
    total = found["total"]
    assert (total["callCount"], total["successCount"], total["failureCount"]) == (11, 5, 6)
    assert total["statusClassList"] == [
        {"statusClass": "0xx", "callCount": 1}, {"statusClass": "2xx", "callCount": 5}, {"statusClass": "4xx", "callCount": 4},
        {"statusClass": "5xx", "callCount": 1},
    ]  # fmt: skip
    assert total["meanMs"] == round((9 * 7 + 2 * 70) / 11, 3)
    assert 5 <= total["p50Ms"] <= 10 < 50 <= total["p99Ms"] <= 100
    stages = found["stageList"]
    assert [(s["endpointStageName"], s["endpointStageStatusCode"], s["calls"]["callCount"]) for s in stages] == [
        ("default", "ACTIVE", 6), ("test", "ACTIVE", 5),
    ]  # fmt: skip
    assert [(m["endpointStageId"], m["modelId"], m["calls"]["callCount"]) for m in found["modelList"]] == [
        ("e1-default", "m1", 6), ("s2", "m1", 4), ("s2", None, 1),
    ]  # fmt: skip
    assert [(a["api"], a["method"], a["calls"]["failureCount"]) for a in found["apiList"]] == [
        ("predict", "POST", 1), ("predict", "POST", 4), ("infer", "POST", 0), ("other", None, 1),
    ]  # fmt: skip
    assert [step["calls"]["callCount"] for step in found["stepList"]] == [11]
    of_stage = await ask(client, "endpoint-stages/s2/api-statistics")
    assert (of_stage["total"]["callCount"], len(of_stage["stageList"])) == (5, 1)
    assert of_stage["stepSeconds"] == 60


async def test_a_deleted_stage_is_in_its_endpoints_calls(
    context: Context, gateway: FakeGateway, client: httpx.AsyncClient
) -> None:
    """EP-32, DB-08: as after every change of the default stage."""
    await make(context, e1="shop")
    await context.store.write(lambda db: add_stage(db, "e1", "s2", "old"))
    gateway.counted = {key("s2", "m1"): counted(ok=4)}
    await ask(client, "endpoints/e1/api-statistics")
    await context.store.write(lambda db: db.execute("DELETE FROM stages WHERE id = 's2'"))
    # Calls that came after the last look, before its end.
    gateway.counted = {key("s2", "m1"): counted(ok=6)}
    found = await ask(client, "endpoints/e1/api-statistics")
    (stage,) = found["stageList"]
    assert (stage["endpointStageName"], stage["endpointStageStatusCode"]) == ("old", "DELETED")
    assert stage["calls"]["callCount"] == 6
    assert (await client.get("/v1.0/appkeys/a/endpoint-stages/s2/api-statistics")).status_code == 404


async def test_periods(context: Context, gateway: FakeGateway, bench: Bench, client: httpx.AsyncClient) -> None:
    """DB-09: the last 24 hours unless another one is chosen; it is told which."""
    await make(context, e1="shop")
    path = "endpoints/e1/api-statistics"
    started = bench.clock.now()
    for hours, ok in ((0, 1), (30, 3), (60, 7)):
        bench.clock.time = started + 3600 * hours
        gateway.counted = {key("e1-default"): counted(ok=ok)}
        await ask(client, path)
    for query, calls in (
        ({}, 4), ({"last": "24h"}, 4), ({"last": "1440m"}, 4), ({"last": "2d"}, 6), ({"last": "7d"}, 7), ({"last": "9999d"}, 7),
        ({"from": "1970-01-01T00:00:00"}, 7), ({"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-12:00"}, 7),
    ):  # fmt: skip
        assert (await ask(client, path, **query))["total"]["callCount"] == calls, query
    found = await ask(client, path, last="7d")
    assert (found["stepSeconds"], len(found["stepList"])) == (3600, 3)
    earlier = await ask(client, path, last="1h", to=found["stepList"][1]["datetime"])
    assert earlier["total"]["callCount"] == 0
    assert earlier["toDatetime"] == found["stepList"][1]["datetime"]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"last": "0h"}, "last"), ({"last": "1w"}, "last"), ({"last": "1h", "from": "2026-01-01"}, "last"),
     ({"from": "2026-01-02", "to": "2026-01-01"}, "to")],
)  # fmt: skip
async def test_no_such_period(context: Context, client: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    await make(context, e1="shop")
    answer = await client.get("/v1.0/appkeys/a/endpoints/e1/api-statistics", params=query)
    assert answer.status_code == 422
    assert [fault["field"].split(".")[-1] for fault in answer.json()["fieldErrors"]] == [field]


@pytest.mark.parametrize(
    ("calls", "count", "names"),
    [
        # DB-07: the three with the most calls.
        ({"a": 1, "b": 9, "c": 5, "d": 7}, None, ["b", "d", "c"]),
        # DB-09: ties by name; fewer than three: all that there are, also without a call.
        ({"d": 4, "c": 4, "b": 4, "a": 4}, None, ["a", "b", "c"]),
        ({"b": 0, "a": 2}, None, ["a", "b"]),
        ({"b": 0, "a": 0}, None, ["a", "b"]),
        ({"a": 0}, None, ["a"]),
        ({}, None, []),
        ({"a": 1, "b": 9, "c": 5, "d": 7}, 1, ["b"]),
        ({"a": 1, "b": 9, "c": 5, "d": 7}, 10, ["b", "d", "c", "a"]),
    ],
)
async def test_the_most_called(
    context: Context, gateway: FakeGateway, client: httpx.AsyncClient, calls: dict[str, int], count: int | None,
    names: list[str],
) -> None:  # fmt: skip
    await make(context, **{f"e{name}": name for name in calls})
    gateway.counted = {key(f"e{name}-default"): counted(ok=ok) for name, ok in calls.items() if ok}
    found = await ask(client, "api-statistics/top", **({} if count is None else {"count": count}))
    assert [endpoint["endpointName"] for endpoint in found["endpointList"]] == names
    assert [e["calls"]["callCount"] for e in found["endpointList"]] == [calls[name] for name in names]


async def test_the_most_called_in_a_period_over_all_stages(
    context: Context, gateway: FakeGateway, bench: Bench, client: httpx.AsyncClient
) -> None:
    """DB-08, DB-09, DB-L01."""
    await make(context, e1="shop", e2="bank")
    await context.store.write(lambda db: add_stage(db, "e1", "s2", "test"))
    gateway.counted = {key("e2-default"): counted(ok=9)}
    await ask(client, "api-statistics/top")
    bench.clock.advance(25 * 3600)
    gateway.counted |= {key("e1-default"): counted(ok=2, none=1), key("s2"): counted(broken=1)}
    found = await ask(client, "api-statistics/top")
    rows = [(e["endpointName"], e["calls"]["successCount"], e["calls"]["failureCount"]) for e in found["endpointList"]]
    assert rows == [("shop", 2, 2), ("bank", 0, 0)]
    found = await ask(client, "api-statistics/top", last="2d")
    assert [endpoint["endpointName"] for endpoint in found["endpointList"]] == ["bank", "shop"]


async def test_a_deleted_endpoint_leaves_nothing(context: Context, gateway: FakeGateway, bench: Bench) -> None:
    await make(context, e1="shop", e2="bank")
    statistics = ApiStatistics(context)
    gateway.counted = {key("e1-default"): counted(ok=5), key("e2-default"): counted(ok=5)}
    await statistics.collect()

    def delete(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM stages WHERE endpoint_id = 'e1'")
        db.execute("DELETE FROM endpoints WHERE id = 'e1'")

    await context.store.write(delete)
    with pytest.raises(NotFound):
        await statistics.endpoint("e1", Period())
    assert [endpoint.name for endpoint in (await statistics.top(3, Period())).endpoints] == ["bank"]
    await statistics.clean()
    assert await context.statistics.read(store.endpoint_ids) == {"e2"}
    await statistics.collect()
    assert await context.statistics.read(store.endpoint_ids) == {"e2"}


async def test_the_gateway_is_asked_only_while_there_is_a_stage(context: Context) -> None:
    """An idle appliance does nothing."""
    gateway = Slow()
    gateway.go_on.set()
    context = replace(context, gateway=gateway)
    statistics = ApiStatistics(context)
    await controller.look(context, statistics)
    assert gateway.asked == 0
    await make(context, e1="shop")
    await controller.look(context, statistics)
    assert gateway.asked == 1


async def test_prometheus(context: Context, gateway: FakeGateway, client: httpx.AsyncClient) -> None:
    """GN-L09: counters that only grow, over the gateway's restarts."""
    await make(context, e1="shop")
    for process, ok in (("1", 3), ("2", 2)):
        gateway.epoch, gateway.counted = process, {key("e1-default", "m1"): counted(7, ok=ok, broken=1)}
        text = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    labels = {"endpoint": "shop", "stage": "default", "stage_id": "e1-default", "model": "", "model_id": "m1", "api": "predict"}
    samples = families["easymaker_api_calls"].samples
    assert {(s.labels["class"], s.value) for s in samples if s.labels.items() >= labels.items()} == {("2xx", 5), ("5xx", 2)}
    histogram = families["easymaker_api_duration_seconds"].samples
    found = {(s.name.rpartition("_")[2], s.labels.get("le")): s.value for s in histogram}
    assert found["count", None] == 7
    assert found["sum", None] == pytest.approx(0.049)
    assert found["bucket", "0.01"] == found["bucket", "+Inf"] == 7
