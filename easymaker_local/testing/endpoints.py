"""Endpoints moved by hand: real rows, queue and controllers, fake driver, gateway and model servers."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.controllers.endpoints import EndpointController
from easymaker_local.controllers.queue import QueueController
from easymaker_local.controllers.readiness import Answer
from easymaker_local.controllers.stages import StageController
from easymaker_local.domain.endpoint import (
    DefaultChange,
    Endpoint,
    EndpointStatus,
    Pod,
    ResourceStatus,
    Stage,
    StageResource,
    StageStatus,
    Wish,
)
from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.gateway import RoutedModel
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.model_record import Model
from easymaker_local.drivers.base import Address
from easymaker_local.errors import NotFound
from easymaker_local.kit.ids import new_id
from easymaker_local.services.api_statistics import ApiStatistics
from easymaker_local.services.context import Context
from easymaker_local.services.preparation import Preparation
from easymaker_local.store import endpoints, events, ledger, stages
from easymaker_local.testing.context import Bench, open_bench
from easymaker_local.testing.fakes import FakeDriver, FakeGateway

IMAGE = "python-serving-3.11-cpu"
FLAVOR_ID = "m2.c1m2"
DEMAND = Amount(400, 512)
"""Two of these fit onto a node of the flavor, beside the base usage."""


class ServingDriver(FakeDriver):
    """A fake driver on which every network has ports of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._ports = itertools.count(2000)

    async def open_network(
        self, name: str, members: Sequence[str], ports: Sequence[str]
    ) -> Mapping[str, Mapping[str, Address]]:
        if name not in self.networks:
            self.networks[name] = {member: {port: Address(member, next(self._ports)) for port in ports} for member in members}
        return self.networks[name]

    def pod_at(self, port: int) -> str:
        """Return the id of the pod that listens on a port."""
        for name, members in self.networks.items():
            if any(address.port == port for found in members.values() for address in found.values()):
                return name.rpartition("-")[2]
        raise AssertionError(f"nobody has port {port}")


@dataclass
class EndpointRows:
    """What users and autoscalers ask for, as rows, and how things are."""

    context: Context

    # -- what is asked for

    async def endpoint(self, *models: Model, name: str = "shop", **fields: Any) -> tuple[str, str]:
        """Ask for an endpoint with its default stage; returns both ids. ``fields`` as in ``stage``."""
        endpoint_id, stage_id, now = new_id(), new_id(), self.context.clock.now()
        endpoint = Endpoint(
            endpoint_id, name, None, (), None, EndpointStatus.CREATE_REQUESTED, Wish.SERVE, None, stage_id, None, now
        )
        await self.stage(endpoint_id, *models, name="default", stage_id=stage_id, endpoint=endpoint, **fields)
        return endpoint_id, stage_id

    async def stage(
        self, endpoint_id: str, *models: Model, name: str = "canary", stage_id: str | None = None, demand: Amount = DEMAND,
        flavor_id: str = FLAVOR_ID, nodes: int = 1, resource: Mapping[str, Any] | None = None, endpoint: Endpoint | None = None,
        **fields: Any,
    ) -> str:  # fmt: skip
        """Ask for a stage with one resource per model; ``resource`` and ``fields`` of the specs by their wire names.

        In one transaction, as the API does, also with the ``endpoint`` whose first stage it is.
        """
        stage_id, now = stage_id or new_id(), self.context.clock.now()
        specs = [{"modelId": model.id, **(resource or {})} for model in models]
        settings = StageSettings.model_validate(
            {"flavorId": flavor_id, "nodeCount": nodes, "endpointModelResourceList": specs, **fields}
        )
        stage = Stage(
            stage_id, endpoint_id, name, settings, self.context.flavor(flavor_id), StageStatus.CREATE_REQUESTED, Wish.SERVE,
            None, nodes, "v1", 1, 0, now,
        )  # fmt: skip
        resources = [self._resource(stage, model, place, demand, resource or {}) for place, model in enumerate(models)]

        def write(db: sqlite3.Connection) -> None:
            if endpoint is not None:
                endpoints.add(db, endpoint)
            stages.add(db, stage)
            for one in resources:
                stages.add_resource(db, one)

        await self.context.store.write(write)
        return stage_id

    async def resource(self, stage_id: str, model: Model, demand: Amount = DEMAND, **fields: Any) -> str:
        """Ask for one more resource of a stage."""
        stage, there = await self.row(stage_id), await self.resources(stage_id)
        made = self._resource(stage, model, len(there), demand, fields)
        await self.context.store.write(lambda db: stages.add_resource(db, made))
        return made.id

    def _resource(self, stage: Stage, model: Model, place: int, demand: Amount, fields: Mapping[str, Any]) -> StageResource:
        spec = ResourceSpec.model_validate({"modelId": model.id, **fields})
        now = self.context.clock.now() + place * 1e-5  # listed in the order in which they were asked for
        return StageResource(
            new_id(), stage.id, stage.endpoint_id, model.id, spec, demand, ResourceStatus.CREATE_REQUESTED, Wish.SERVE, None,
            spec.pod_count, now,
        )  # fmt: skip

    async def delete(self, kind: str, resource_id: str) -> None:
        """Ask for a deletion."""
        want = {endpoints.KIND: endpoints.want, stages.KIND: stages.want, stages.RESOURCE_KIND: stages.want_resource}[kind]
        now = self.context.clock.now()
        await self.context.store.write(lambda db: want(db, resource_id, Wish.DELETE, now, "Deletion was asked for."))

    async def change_default(self, endpoint_id: str, stage_id: str, *, stop_first: bool = False) -> None:
        """Ask for another default stage."""
        change, now = DefaultChange(stage_id, stop_first), self.context.clock.now()
        await self.context.store.write(lambda db: endpoints.set_change(db, endpoint_id, change, now, "Asked for."))

    async def want_pods(self, resource_id: str, count: int) -> None:
        """Decide as an autoscaler does."""
        now = self.context.clock.now()
        await self.context.store.write(lambda db: stages.set_wanted_pods(db, resource_id, count, now, "Decided."))

    async def want_nodes(self, stage_id: str, count: int) -> None:
        """Decide as an autoscaler does."""
        now = self.context.clock.now()
        await self.context.store.write(lambda db: stages.set_wanted_nodes(db, stage_id, count, now, "Decided."))

    # -- how things are

    async def status(self, endpoint_id: str) -> EndpointStatus:
        """Return the endpoint's status."""
        return (await self.context.store.read(lambda db: endpoints.get(db, endpoint_id))).status

    async def endpoint_row(self, endpoint_id: str) -> Endpoint:
        """Return the row."""
        return await self.context.store.read(lambda db: endpoints.get(db, endpoint_id))

    async def row(self, stage_id: str) -> Stage:
        """Return the row."""
        return await self.context.store.read(lambda db: stages.get(db, stage_id))

    async def exists(self, kind: str, resource_id: str) -> bool:
        """True if there is a row."""
        find: Callable[..., object] = endpoints.find if kind == endpoints.KIND else stages.find
        try:
            await self.context.store.read(lambda db: find(db, resource_id))
        except NotFound:
            return False
        return True

    async def resources(self, stage_id: str) -> list[StageResource]:
        """Return the rows of a stage's resources."""
        return await self.context.store.read(lambda db: stages.resources_of(db, stage_id))

    async def pods(self, stage_id: str) -> list[Pod]:
        """Return the rows of a stage's pods."""
        return await self.context.store.read(lambda db: stages.pods_of(db, stage_id))

    async def nodes(self, stage_id: str) -> list[str]:
        """Return the nodes that a stage has booked."""
        return sorted(await self.context.store.read(lambda db: ledger.holdings(db, stages.KIND, stage_id)))

    async def history(self, kind: str, resource_id: str) -> list[str]:
        """Return the statuses that something went through."""
        found = await self.context.store.read(lambda db: events.of_resource(db, kind, resource_id))
        return [event.status for event in found if event.type == "STATUS" and event.status]

    async def notes(self, kind: str, resource_id: str) -> list[str]:
        """Return what else the history says."""
        found = await self.context.store.read(lambda db: events.of_resource(db, kind, resource_id))
        return [event.message or "" for event in found if event.type != "STATUS"]


@dataclass
class EndpointBench(EndpointRows):
    """Everything moved by hand. ``silent``: ids of pods, or names of models, that do not answer, and how."""

    bench: Bench
    driver: ServingDriver
    gateway: FakeGateway
    preparation: Preparation
    routes: EndpointRoutes
    stages: StageController
    endpoints: EndpointController
    queue: QueueController
    silent: dict[str, Answer] = field(default_factory=dict)

    async def model(self, name: str = "iris") -> Model:
        """Make a model that can be served."""
        folder = self.bench.stored(f"models/{name}")
        folder.mkdir(parents=True)
        (folder / "predict.py").write_text(f"class Model:\n    name = {name!r}\n    def predict(self, rows): return rows\n")
        address = f"obs://local/v1/AUTH_local/models/{name}"
        return await self.bench.model(modelName=name, modelUploadUri=address, parameterList=[])

    # -- passes

    async def run(self, rounds: int = 40) -> None:
        """Let everything look at everything until nothing changes."""
        before = None
        for _ in range(rounds):
            await self.round()
            now = await self.context.store.read(_everything)
            if now == before:
                return
            before = now

    async def round(self) -> None:
        """Let everything look at everything once."""
        for stage_id in await self.stages.unfinished():
            await self.stages.reconcile(stage_id)
            await self.stages.pods.idle()
        await self.queue.reconcile("all")
        for endpoint_id in await self.endpoints.unfinished():
            await self.endpoints.reconcile(endpoint_id)

    async def later(self, seconds: float) -> None:
        """Let time go by, and look."""
        self.bench.clock.advance(seconds)
        await self.run()

    # -- what the fakes know

    def routed(self, endpoint_id: str, stage_id: str) -> dict[str, RoutedModel]:
        """Return the models that the gateway was told of for a stage, by name."""
        service = self.gateway.services[endpoint_id]
        return {m.model_name: m for stage in service.stages if stage.id == stage_id for m in stage.models}

    def backends(self, stage_id: str, model: Model) -> set[str]:
        """Return the names of the workloads that answer for a model."""
        return {backend.name for backend in self.gateway.backends.get((stage_id, model.id), ())}

    async def ask(self, host: str, port: int, name: str, seconds: float) -> Answer:
        """Stand in for the model servers."""
        return self.silent.get(self.driver.pod_at(port), self.silent.get(name, Answer.READY))


@asynccontextmanager
async def open_endpoint_bench(home: Path, **settings: object) -> AsyncIterator[EndpointBench]:
    """Build the parts on ``home``, with the environment of Python models prepared."""
    async with open_bench(home, **settings) as bench:
        yield (opened := rebuilt(bench, ServingDriver(), FakeGateway()))
        await opened.stages.close()


def rebuilt(bench: Bench, driver: ServingDriver, gateway: FakeGateway) -> EndpointBench:
    """Return new controllers on what there is, as a new daemon has them."""
    bench.environments.prepared.add(IMAGE)
    context = replace(bench.context, driver=driver, gateway=gateway)
    preparation = Preparation(bench.environments, bench.clock, lambda _: None)
    routes = EndpointRoutes(context, gateway)
    made: EndpointBench

    async def ask(host: str, port: int, name: str, seconds: float) -> Answer:
        return await made.ask(host, port, name, seconds)

    gateway.held.clear()
    parameters = bench.services.models.parameters
    controller = StageController(context, preparation, routes, parameters, ApiStatistics(context), ask)
    made = EndpointBench(
        context, bench, driver, gateway, preparation, routes, controller,
        EndpointController(context, routes, controller.serving.why_not_ready), QueueController(context),
    )  # fmt: skip
    return made


def _everything(db: Any) -> list[tuple[object, ...]]:
    tables = ("endpoints", "stages", "stage_resources", "pods", "bookings", "queue")
    return [tuple(row) for table in tables for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
