"""Fakes for unit tests: a clock that is set, a driver that does as it is told, environments that are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from easymaker_local.domain.disk import StoredEnvironment
from easymaker_local.domain.endpoint_urls import routes_of
from easymaker_local.domain.gateway import (
    ApiCount,
    ApiKey,
    Backend,
    Deployed,
    GatewayResource,
    GatewayService,
    GatewayStatus,
    ModelLoad,
)
from easymaker_local.domain.image import Image
from easymaker_local.domain.usage import Usage
from easymaker_local.domain.workload import Observation, Phase
from easymaker_local.drivers.base import Address, Capabilities, Workload
from easymaker_local.errors import EasyMakerError, FieldError, InvalidRequest, NotFound
from easymaker_local.gateway.user_resources import UserResource, faults_of
from easymaker_local.kit.clock import Uptime


@dataclass
class FakeClock:
    """Time stands still until it is moved."""

    time: float = 1_000_000.0
    running: Uptime = field(default_factory=lambda: Uptime("boot", 1000.0))

    def now(self) -> float:
        return self.time

    def uptime(self) -> Uptime:
        return self.running

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.time += seconds
        self.running = replace(self.running, seconds=self.running.seconds + seconds)

    def jump(self, seconds: float) -> None:
        """Let somebody set the clock."""
        self.time += seconds


class FakeDriver:
    """Runs nothing. A started workload is RUNNING until the test lets it ``end`` or ``vanish``.

    ``fail_start`` is raised by the next calls of ``start``; ``stubborn`` workloads ignore ``stop``; ``used`` is what
    ``usage`` answers.
    """

    name = "fake"
    capabilities = Capabilities(private_paths=False, private_network=False, limits_enforced=False)

    def __init__(self) -> None:
        self.workloads: dict[str, Workload] = {}
        self.states: dict[str, Observation] = {}
        self.networks: dict[str, Mapping[str, Mapping[str, Address]]] = {}
        self.stops: list[str] = []
        self.fail_start: EasyMakerError | None = None
        self.fail_observe: EasyMakerError | None = None
        self.stubborn = False
        self.used: dict[str, Usage] = {}

    async def start(self, workload: Workload) -> None:
        if self.fail_start is not None:
            raise self.fail_start
        if workload.name not in self.workloads:
            self.workloads[workload.name] = workload
            self.states[workload.name] = Observation(Phase.RUNNING)

    async def observe(self, name: str) -> Observation:
        if self.fail_observe is not None:
            raise self.fail_observe
        return self.states.get(name, Observation(Phase.ABSENT))

    async def stop(self, name: str, grace_seconds: float) -> None:
        self.stops.append(name)
        if not self.stubborn and name in self.states and self.states[name].is_alive:
            self.end(name, 143, signal=15)

    async def remove(self, name: str) -> None:
        self.workloads.pop(name, None)
        self.states.pop(name, None)

    async def usage(self, names: Sequence[str]) -> Mapping[str, Usage]:
        return {name: self.used[name] for name in names if name in self.used}

    async def owned(self) -> Sequence[str]:
        return list(self.workloads)

    async def open_network(
        self, name: str, members: Sequence[str], ports: Sequence[str]
    ) -> Mapping[str, Mapping[str, Address]]:
        self.networks[name] = {
            member: {port: Address(member, 2000 + place) for place, port in enumerate(ports)} for member in members
        }
        return self.networks[name]

    async def close_network(self, name: str) -> None:
        self.networks.pop(name, None)

    async def reach(self, name: str, port: int) -> Address | None:
        is_running = name in self.states and self.states[name].phase is Phase.RUNNING
        return Address("127.0.0.1", port) if is_running else None

    def watch(self, on_exit: Callable[[str], None]) -> None:
        """Exits are told by nobody: tests ask for passes themselves."""

    async def close(self) -> None:
        """Nothing to release."""

    def end(self, name: str, exit_code: int | None, **details: object) -> None:
        """Let a workload end."""
        self.states[name] = replace(Observation(Phase.EXITED, exit_code), **details)  # type: ignore[arg-type]

    def vanish(self, name: str) -> None:
        """Let a workload be removed behind everybody's back."""
        self.workloads.pop(name)
        self.states.pop(name)


@dataclass
class FakeEnvironments:
    """Ready from the start, unless ``prepared`` is emptied; ``error`` makes preparation fail.

    ``kept`` is what ``stored`` answers: name -> the other fields.
    """

    prepared: set[str] = field(default_factory=lambda: {"plain"})
    error: EasyMakerError | None = None
    built: list[str] = field(default_factory=list)
    kept: dict[str, tuple[str | None, int, bool]] = field(default_factory=dict)

    async def ready(self, image: Image) -> str | None:
        return f"environment-of-{image.id}" if image.id in self.prepared else None

    async def prepare(self, image: Image, progress: Callable[[str], None]) -> str:
        self.built.append(image.id)
        progress("working")
        if self.error is not None:
            raise self.error
        self.prepared.add(image.id)
        return f"environment-of-{image.id}"

    async def stored(self) -> Sequence[StoredEnvironment]:
        return [StoredEnvironment(name, *details) for name, details in self.kept.items()]

    async def discard(self, name: str) -> None:
        self.kept.pop(name, None)

    async def close(self) -> None:
        """Nothing to release."""


class FakeGateway:
    """Routes nothing, and remembers what it was told. ``fail``: deployments fail with these words."""

    def __init__(self) -> None:
        self.services: dict[str, GatewayService] = {}
        self.backends: dict[tuple[str, str], tuple[Backend, ...]] = {}
        self.deployed: dict[str, Deployed] = {}
        self.fail: str | None = None
        self.load: dict[tuple[str, str], ModelLoad] = {}
        self.counted: dict[ApiKey, ApiCount] = {}
        self.epoch = "1"
        self.reopened = 0
        self.replaced: tuple[str, Mapping[ApiKey, ApiCount]] | None = None
        self.held: list[Callable[[str, str], None]] = []
        self.own: dict[str, UserResource] = {}

    async def put_service(self, service: GatewayService) -> Mapping[str, Deployed]:
        self.services[service.id] = service
        for stage in service.stages:
            version = self.deployed[stage.id].version if stage.id in self.deployed else 0
            if self.fail is None:
                self.deployed[stage.id] = Deployed(GatewayStatus.ACTIVE, version + 1)
            else:
                self.deployed[stage.id] = Deployed(GatewayStatus.STAGE_DEPLOY_FAIL, version, self.fail)
        return {stage.id: self.deployed[stage.id] for stage in service.stages}

    async def deploy_stage(self, stage_id: str) -> Deployed:
        if stage_id not in self.deployed:
            raise NotFound(f"The gateway has no stage {stage_id!r}.")
        self.deployed[stage_id] = replace(self.deployed[stage_id], status=GatewayStatus.ACTIVE, message=None)
        return self.deployed[stage_id]

    async def remove_stage(self, stage_id: str) -> None:
        self.deployed.pop(stage_id, None)
        for service in self.services.values():
            stages = tuple(stage for stage in service.stages if stage.id != stage_id)
            self.services[service.id] = replace(service, stages=stages)

    async def remove_service(self, service_id: str) -> None:
        service = self.services.pop(service_id, None)
        for stage in service.stages if service is not None else ():
            self.deployed.pop(stage.id, None)

    async def status(self, stage_id: str) -> Deployed:
        return self.deployed.get(stage_id, Deployed(GatewayStatus.CREATE_IN_PROGRESS))

    def settings(self, stage_id: str) -> Sequence[GatewayResource]:
        found = [stage for service in self.services.values() for stage in service.stages if stage.id == stage_id]
        if not found:
            raise NotFound("Nothing is deployed to this stage of the gateway.")
        return [
            GatewayResource(route.path, (route.method,), (), model.model_id, route.api)
            for model in found[0].models
            for route in routes_of(model.model_name, model.path)
        ]

    async def set_backends(self, stage_id: str, model_id: str, backends: Sequence[Backend]) -> None:
        self.backends[stage_id, model_id] = tuple(backends)

    def resources(self) -> Sequence[UserResource]:
        return list(self.own.values())

    async def put_resource(self, resource: UserResource) -> None:
        stages = (stage for service in self.services.values() for stage in service.stages if stage.id == resource.stage_id)
        stage = next(stages, None)
        if stage is None:
            raise NotFound("The gateway has no such stage or service.")
        if faults := faults_of(resource, stage.models):
            raise InvalidRequest([FieldError(field, message) for field, message in faults])
        self.own[resource.name] = resource

    async def remove_resource(self, name: str) -> None:
        if self.own.pop(name, None) is None:
            raise NotFound(f"There is no resource {name!r}.")

    async def counts(self) -> Mapping[ApiKey, ApiCount]:
        return self.counted

    async def loads(self) -> Mapping[tuple[str, str], ModelLoad]:
        return self.load

    async def reopen_access_log(self) -> None:
        self.reopened += 1

    def on_held(self, callback: Callable[[str, str], None]) -> None:
        self.held.append(callback)
