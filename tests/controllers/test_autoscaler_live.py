"""A real model under real load: pods of the process driver come and go, sleep and wake. Only the gateway is a fake."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.controllers.autoscaler import Autoscaler
from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.controllers.loop import Loop
from easymaker_local.controllers.queue import QueueController
from easymaker_local.controllers.stages import StageController
from easymaker_local.domain.endpoint import ResourceStatus, StageStatus
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.gateway import Backend, ModelLoad
from easymaker_local.domain.ledger import Amount
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.drivers.process import ProcessDriver
from easymaker_local.kit.clock import SystemClock
from easymaker_local.services.api_statistics import ApiStatistics
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.services.preparation import Preparation
from easymaker_local.store import events, ledger, stages
from easymaker_local.testing.context import open_bench
from easymaker_local.testing.fakes import FakeGateway
from tests.conftest import CACHE
from tests.controllers.stage_rows import insert_stage
from tests.serving.environments import image_of, interpreter

pytestmark = [pytest.mark.anyio, pytest.mark.environment]

FLAVOR = Flavor(name="m2.c1m2", vcpus=1, memory_mib=2048)
DEMAND = Amount(200, 1000)
"""A fifth of a core, which is less than what clients that never wait make a pod use; one pod fills a node by its memory."""

IMAGE = "python-serving-3.11-cpu"
BUSY = """
import time

class Model:
    def predict(self, rows):
        end = time.process_time() + rows[0]
        while time.process_time() < end:
            pass
        return rows
"""


@dataclass
class CountingGateway(FakeGateway):
    """Sends requests to the pods in turn, counts them as a gateway does, and holds them for who sleeps."""

    model_id: str
    active: int = 0
    total: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()

    async def loads(self) -> Mapping[tuple[str, str], ModelLoad]:
        return {("s1", self.model_id): ModelLoad(self.active, self.total)}

    async def set_backends(self, stage_id: str, model_id: str, backends: Any) -> None:
        await super().set_backends(stage_id, model_id, backends)
        self.came.set()

    async def predict(self, client: httpx.AsyncClient, row: float) -> Any:
        """Ask the model as a user does; nothing is repeated."""
        self.active, self.total = self.active + 1, self.total + 1
        try:
            while not (there := self.backends.get(("s1", self.model_id))):
                self.came.clear()
                for callback in self.held:
                    callback("s1", self.model_id)
                await self.came.wait()
            backend: Backend = there[self.total % len(there)]
            url = f"http://{backend.host}:{backend.port}/v1/models/busy/predict"
            answer = await client.post(url, json={"instances": [row]}, timeout=120)
            answer.raise_for_status()
            return answer.json()["predictions"]
        finally:
            self.active -= 1


@dataclass
class Live:
    """Everything that makes a stage live, moved by its own loop."""

    context: Context
    gateway: CountingGateway
    loop: Loop
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def until(self, condition: Callable[[Any], bool], seconds: float = 240) -> None:
        """Wait until rows are as they should be."""
        deadline = time.monotonic() + seconds
        while not await self.context.store.read(condition):
            assert time.monotonic() < deadline, await self.context.store.read(_story)
            await asyncio.sleep(0.1)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(task := asyncio.create_task(work))
        return task


def _story(db: Any) -> str:
    found = [*events.of_resource(db, "stage", "s1"), *events.of_resource(db, "stageresource", "r1")]
    return "\n".join(f"{event.at:.1f} {event.kind} {event.status or ''} {event.message or ''}" for event in found)


@asynccontextmanager
async def live(home: Path, row: Mapping[str, Any], **fields: Any) -> AsyncIterator[Live]:
    """Return a stage that serves ``BUSY``; autoscalers look every second, and windows are seconds."""
    await asyncio.to_thread(interpreter, IMAGE)
    async with open_bench(home, autoscaler_seconds=1, autoscaler_stabilisation_seconds=4, drain_seconds=10) as bench:
        folder = bench.stored("models/busy")
        folder.mkdir(parents=True)
        (folder / "predict.py").write_text(BUSY)
        address = "obs://local/v1/AUTH_local/models/busy"
        model = await bench.model(modelName="busy", modelUploadUri=address, parameterList=[])
        loop, gateway = Loop(1.0), CountingGateway(model.id)
        environments = VirtualEnvironments(CACHE / "environments", None)
        assert await environments.ready(image_of(IMAGE)) is not None
        driver = ProcessDriver(bench.context.settings.workloads, "live")
        context = replace(
            bench.context, clock=SystemClock(), driver=driver, environments=environments, gateway=gateway, hinter=loop
        )
        preparation = Preparation(environments, context.clock, lambda _: None)
        controller = StageController(
            context, preparation, EndpointRoutes(context, gateway), lambda _: {}, ApiStatistics(context)
        )
        queue = QueueController(context)
        loop.register(stages.KIND, controller.reconcile, controller.unfinished)
        loop.register(QUEUE[0], queue.reconcile, queue.unfinished)
        driver.watch(lambda name: loop.hint(stages.KIND, "s1") and None)

        def insert(db: Any) -> None:
            insert_stage(db, [{**row, "modelId": model.id}], DEMAND, FLAVOR, **fields)
            db.execute("UPDATE stages SET status = 'CREATE_REQUESTED', is_finished = 0, deployed = 0")
            db.execute("UPDATE stage_resources SET status = 'CREATE_REQUESTED', is_finished = 0")

        await context.store.write(insert)
        made = Live(context, gateway, loop)
        made.start(loop.run())
        made.start(Autoscaler(context, gateway).run())
        try:
            await made.until(lambda db: stages.get(db, "s1").status is StageStatus.ACTIVE)
            yield made
        finally:
            for task in made.tasks:
                task.cancel()
            await asyncio.gather(*made.tasks, return_exceptions=True)
            await controller.close()
            await preparation.close()
            for name in await driver.owned():
                await driver.remove(name)
            await driver.close()


def answering(db: Any, count: int) -> bool:
    """True if so many pods are wanted, and as many are there and answer."""
    resource, pods = stages.get_resource(db, "r1"), stages.pods_of(db, "s1")
    there = [pod for pod in pods if pod.state.value == "READY"]
    return resource.status is ResourceStatus.ACTIVE and resource.wanted_pods == count == len(pods) == len(there)


async def notes(site: Live, kind: str, resource_id: str) -> list[str]:
    found = await site.context.store.read(partial(events.of_resource, kind=kind, resource_id=resource_id))
    return [event.message or "" for event in found if event.type == "NOTE"]


async def test_load_makes_pods_and_nodes_and_idleness_takes_them_away(tmp_path: Path) -> None:
    """AS-10…AS-16, SR-L01, scale to zero: 1 → 2 pods on 2 nodes under load, back to 1, to 0, and a request wakes it.

    A pod fills a node, so that the second one needs a second node. Not one request fails on the way.
    """
    row = {
        "podAutoScaleEnable": True, "scaleMetricCode": "CPU_UTILIZATION", "scaleMetricTarget": 50,
        "scaleToZeroIdleMinutes": 0.2,
    }  # fmt: skip
    nodes = {"caEnable": True, "caMaxNodeCount": 2, "caScaleDownUnneededTime": 0, "caScaleDownDelayAfterAdd": 0}
    async with live(tmp_path / "home", row, **nodes) as site, httpx.AsyncClient() as client:

        async def load() -> None:
            while True:
                assert await site.gateway.predict(client, 0.05) == [0.05]

        clients = [site.start(load()) for _ in range(3)]
        await site.until(lambda db: answering(db, 2))
        assert await site.context.store.read(lambda db: len(ledger.holdings(db, "stage", "s1"))) == 2
        await site.until(lambda _: len(site.gateway.backends["s1", site.gateway.model_id]) == 2)
        for each in clients:
            assert not each.done(), each.exception()
            each.cancel()
        ended = await asyncio.gather(*clients, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended)
        await site.until(lambda db: stages.get_resource(db, "r1").wanted_pods == 0 and not stages.pods_of(db, "s1"))
        await site.until(lambda db: not ledger.holdings(db, "stage", "s1"))
        assert await site.gateway.predict(client, 0.0) == [0.0], "it waits, and is answered"
        await site.until(lambda db: answering(db, 1))
        said = await notes(site, "stageresource", "r1")
        changes = [words.split(":")[0] for words in said if words.startswith("Pods")]
        assert changes[0] == "Pods 1 → 2"
        assert "Pods 2 → 1" in changes or "Pods 2 → 0" in changes
        assert any(words.endswith("→ 0") for words in changes)
        assert any(words.startswith("Nodes 1 → 2") for words in await notes(site, "stage", "s1"))
