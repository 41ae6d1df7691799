"""Autoscaler and controllers of stages together, over simulated hours: what is decided is done, and nobody is left without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from easymaker_local.controllers.autoscaler import Autoscaler
from easymaker_local.domain.endpoint import PodState
from easymaker_local.domain.gateway import Backend, ModelLoad
from easymaker_local.domain.ledger import Amount, Waiting
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.usage import Usage
from easymaker_local.store import ledger, runtime_versions
from easymaker_local.testing.endpoints import DEMAND, EndpointBench, open_endpoint_bench, rebuilt
from easymaker_local.testing.fakes import FakeGateway

pytestmark = pytest.mark.anyio

PERIOD = 15
SCALED = {"podAutoScaleEnable": True, "scaleMetricTarget": 50}
NODES = {"caEnable": True, "caMaxNodeCount": 3}


@dataclass
class Site:
    """A stage with one model. ``load`` in cores is shared by the pods that answer; two pods fill a node of the four."""

    bench: EndpointBench
    model: Model
    stage_id: str
    load: float = 0.1
    spent: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew with what is in the database, as a restarted daemon does."""
        self.bench = rebuilt(self.bench.bench, self.bench.driver, self.bench.gateway)
        self.autoscaler = Autoscaler(self.bench.context, self.bench.gateway, ticks=self.bench.bench.clock.now)

    async def run(self, seconds: float) -> list[tuple[int, int]]:
        """Let time pass; return (pods, nodes) that there were, one after the other."""
        found = [await self.now()]
        for _ in range(int(seconds / PERIOD)):
            self.bench.bench.clock.advance(PERIOD)
            ready = [pod for pod in await self.bench.pods(self.stage_id) if pod.state is PodState.READY]
            for pod in ready:
                cores = min(self.load / len(ready), DEMAND.cpu_milli / 1000)
                self.spent[pod.workload] = self.spent.get(pod.workload, 0.0) + cores * PERIOD
                self.bench.driver.used[pod.workload] = Usage(self.spent[pod.workload], 1 << 20)
            await self.autoscaler.look()
            await self.bench.run()
            found += [now] if (now := await self.now()) != found[-1] else []
        return found

    async def now(self) -> tuple[int, int]:
        """Return (pods, nodes) that there are."""
        return len(await self.bench.pods(self.stage_id)), len(await self.bench.nodes(self.stage_id))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[EndpointBench]:
    async with open_endpoint_bench(tmp_path / "home") as opened:
        yield rebuilt(opened.bench, opened.driver, WatchedGateway())


class WatchedGateway(FakeGateway):
    """Notes for which models there was nobody to answer after there had been somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []

    async def set_backends(self, stage_id: str, model_id: str, backends: Sequence[Backend]) -> None:
        if not backends and self.backends.get((stage_id, model_id)):
            self.left.append(model_id)
        await super().set_backends(stage_id, model_id, backends)


async def site_of(bench: EndpointBench, resource: dict[str, object], **fields: object) -> Site:
    model = await bench.model()
    _, stage_id = await bench.endpoint(model, resource=resource, **fields)
    await bench.run()
    return Site(bench, model, stage_id)


async def test_pods_and_nodes_come_and_go_with_the_load(bench: EndpointBench) -> None:
    """AS-01, AS-10…AS-16, SR-08: pods as the load asks, each node when a pod has no room; back to one of each."""
    site = await site_of(bench, SCALED, **NODES)
    assert isinstance(bench.gateway, WatchedGateway)
    assert await site.run(1800) == [(1, 1)]
    site.load = 2.0
    found = await site.run(300)
    assert found[-1] == (6, 3), "as many as three nodes hold"
    assert [nodes for _, nodes in found] == sorted(nodes for _, nodes in found)
    site.load = 0.1
    found = await site.run(2 * 3600)
    assert found[-1] == (1, 1)
    notes = await bench.notes("stage", site.stage_id)
    assert [words.split(":")[0] for words in notes if words.startswith("Nodes")] == [
        "Nodes 1 → 2", "Nodes 2 → 3", "Nodes 3 → 2", "Nodes 2 → 1",
    ]  # fmt: skip
    assert bench.gateway.left == [], "somebody answered at every moment"


async def test_a_full_machine(bench: EndpointBench) -> None:
    """AS-L01: the stage serves with what it has and says why; nobody is driven out, and the node comes when there is room."""
    site = await site_of(bench, SCALED, **NODES)
    other = Waiting("training", "t1", (Amount(3000, 6000),), queued_at=0.0)
    await bench.context.store.write(lambda db: ledger.enqueue(db, other))
    await bench.run()
    site.load = 2.0
    assert (await site.run(1800))[-1][1] == 1
    assert await bench.context.store.read(lambda db: ledger.holdings(db, "training", "t1")), "it keeps what it has"
    cause = (await bench.row(site.stage_id)).cause
    assert cause is not None
    assert "Scale-out blocked: machine full" in cause.message
    said = [words for words in await bench.notes("stage", site.stage_id) if "one more waits in the queue" in words]
    assert len(said) == 1
    await bench.context.store.write(lambda db: ledger.release(db, "training", "t1", 0.0))
    assert (await site.run(300))[-1] == (6, 3)
    assert (await bench.row(site.stage_id)).cause is None


async def test_a_node_that_was_not_to_be_had_is_given_up(bench: EndpointBench) -> None:
    """AS-L01: when the load is gone, the stage does not stand in the queue any more."""
    site = await site_of(bench, SCALED, **NODES)
    other = Waiting("training", "t1", (Amount(3000, 6000),), queued_at=0.0)
    await bench.context.store.write(lambda db: ledger.enqueue(db, other))
    await bench.run()
    site.load = 2.0
    await site.run(600)
    assert await bench.context.store.read(ledger.queue) != []
    site.load = 0.0
    assert (await site.run(600))[-1] == (1, 1)
    assert await bench.context.store.read(ledger.queue) == []
    assert (await bench.row(site.stage_id)).wanted_nodes == 1


async def test_sleep_gives_everything_back_and_a_request_wakes_it(bench: EndpointBench) -> None:
    """Scale to zero: pods and nodes go, the gateway holds; the next request brings them back, also after a restart."""
    site = await site_of(bench, {**SCALED, "scaleToZeroIdleMinutes": 10, "podCount": 2}, **NODES)
    endpoint_id = (await bench.row(site.stage_id)).endpoint_id
    bench.gateway.load = {(site.stage_id, site.model.id): ModelLoad(0, 7)}
    assert (await site.run(900))[-1] == (0, 0)
    assert bench.routed(endpoint_id, site.stage_id)["iris"].held
    site.restart()
    assert await site.run(3600) == [(0, 0)]
    bench.gateway.load = {(site.stage_id, site.model.id): ModelLoad(1, 8)}
    for callback in bench.gateway.held:
        callback(site.stage_id, site.model.id)
    await site.bench.stages.waking.settled()
    assert (await site.run(60))[-1] == (2, 1)
    assert site.bench.backends(site.stage_id, site.model)
    assert not bench.routed(endpoint_id, site.stage_id)["iris"].held
    bench.gateway.load = {(site.stage_id, site.model.id): ModelLoad(0, 8)}
    assert (0, 0) not in await site.run(540), "ten minutes from now, not from before"
    assert (await site.run(120))[-1] == (0, 0)


async def test_what_sleeps_wakes_on_the_newest_runtime(bench: EndpointBench) -> None:
    """UP-09, UP-10, UP-L03: nothing of it runs on what has expired, so it is woken, and scaled out, as any other."""
    site = await site_of(bench, {**SCALED, "scaleToZeroIdleMinutes": 3}, **NODES)
    old, key = bench.context.catalogue.runtime_version, (site.stage_id, site.model.id)
    assert [pod.runs_version for pod in await bench.pods(site.stage_id)] == [old]
    bench.gateway.load = {key: ModelLoad(0, 7)}
    assert (await site.run(300))[-1] == (0, 0)
    for version in (old, "newer"):
        since = bench.bench.clock.now() - 86400 * bench.context.settings.runtime_expiry_days
        await bench.context.store.write(partial(runtime_versions.note, version=version, now=since))
    bench.context.catalogue.__dict__["runtime_version"] = "newer"
    bench.gateway.load, site.load = {key: ModelLoad(1, 8)}, 0.8
    for callback in bench.gateway.held:
        callback(*key)
    await site.bench.stages.waking.settled()
    assert (await site.run(300))[-1][0] > 1
    assert {pod.runs_version for pod in await bench.pods(site.stage_id)} == {"newer"}


async def test_a_stage_wakes_with_as_many_nodes_as_its_pods_need(bench: EndpointBench) -> None:
    """Scale to zero, AS-L01: what it had at its peak does not keep it from waking on a machine that others use meanwhile."""
    site = await site_of(bench, {**SCALED, "scaleToZeroIdleMinutes": 3}, **NODES)
    key = (site.stage_id, site.model.id)
    bench.gateway.load = {key: ModelLoad(9, 7)}
    site.load = 2.0
    assert (await site.run(300))[-1] == (6, 3)
    bench.gateway.load = {key: ModelLoad(0, 7)}
    assert (await site.run(300))[-1] == (0, 0)
    assert (await bench.row(site.stage_id)).wanted_nodes == 1
    assert any("It wakes with as many as" in words for words in await bench.notes("stage", site.stage_id))
    other = Waiting("training", "t1", (Amount(3000, 6000),), queued_at=0.0)
    await bench.context.store.write(lambda db: ledger.enqueue(db, other))
    await bench.run()
    bench.gateway.load, site.load = {key: ModelLoad(1, 8)}, 0.0
    for callback in bench.gateway.held:
        callback(*key)
    await site.bench.stages.waking.settled()
    assert (await site.run(60))[-1] == (1, 1)


async def test_restarts_in_between_lose_and_hurry_nothing(bench: EndpointBench) -> None:
    """AS-16: a restart every two minutes: the load is followed up, and never down early."""
    site = await site_of(bench, SCALED, **NODES)
    site.load = 2.0
    for _ in range(4):
        await site.run(120)
        site.restart()
    assert await site.now() == (6, 3)
    site.load = 0.1
    for _ in range(10):
        assert await site.run(120) == [(6, 3)]
        site.restart()
    assert (await site.run(2 * 3600))[-1] == (1, 1)
