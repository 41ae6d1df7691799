"""The composition root: opens everything in order, serves, closes everything in reverse."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from starlette.types import ASGIApp

from easymaker_local.api import create_app
from easymaker_local.api.gateway import Behind
from easymaker_local.api.mlflow.app import MlflowApp
from easymaker_local.api.swift import SwiftApp
from easymaker_local.api.swift.identity import Identity
from easymaker_local.api.tensorboard.app import TensorboardApp
from easymaker_local.artifacts.catalogue import Catalogue
from easymaker_local.artifacts.objects import ObjectFiles
from easymaker_local.artifacts.storage import Storage
from easymaker_local.artifacts.volumes import Volumes
from easymaker_local.controllers import access_log
from easymaker_local.controllers.access_log import AccessLog
from easymaker_local.controllers.api_statistics import keep_collected
from easymaker_local.controllers.autoscaler import Autoscaler
from easymaker_local.controllers.endpoint_routes import EndpointRoutes
from easymaker_local.controllers.endpoints import EndpointController
from easymaker_local.controllers.experiments import ExperimentController
from easymaker_local.controllers.log_ingest import LogIngest, ship_again
from easymaker_local.controllers.log_retention import keep_within_limits
from easymaker_local.controllers.loop import Loop
from easymaker_local.controllers.mlflow import TRACKING_KIND, MlflowServers
from easymaker_local.controllers.models import ModelController
from easymaker_local.controllers.queue import QueueController
from easymaker_local.controllers.sampler import Sampler
from easymaker_local.controllers.stages import StageController
from easymaker_local.controllers.sweep import sweep_files, sweep_workloads
from easymaker_local.controllers.tensorboard import TensorboardServers
from easymaker_local.controllers.tensorboard_retention import keep_recent
from easymaker_local.controllers.trainings import TrainingController
from easymaker_local.controllers.tunings import TuningController
from easymaker_local.domain import mlflow, tensorboard
from easymaker_local.domain.change import Change, ChangeKind
from easymaker_local.domain.contract import API_SOCKET
from easymaker_local.domain.flavor import MIB_PER_GIB, Flavor, generate_flavors
from easymaker_local.domain.gpu import Inventory, find_model
from easymaker_local.domain.image import Image
from easymaker_local.domain.ledger import Amount
from easymaker_local.drivers.base import Driver, Environments
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.drivers.gpus import Gpus
from easymaker_local.drivers.process import ProcessDriver
from easymaker_local.errors import DaemonError
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.gateway.resources import Layout
from easymaker_local.kit.bundled import bundled
from easymaker_local.kit.clock import Clock, SystemClock
from easymaker_local.kit.ids import new_id
from easymaker_local.kit.lock import ProcessLock
from easymaker_local.kit.loops import HomeLoop
from easymaker_local.kit.secret_files import ensure_key, ensure_token
from easymaker_local.kit.unix_sockets import listen
from easymaker_local.listener import AppsListener, CalmServer
from easymaker_local.services.context import QUEUE, Context
from easymaker_local.services.credentials import Credentials
from easymaker_local.services.objects import Objects
from easymaker_local.services.preparation import Preparation
from easymaker_local.services.services import Services
from easymaker_local.settings import DriverChoice, Settings
from easymaker_local.store import (
    Store,
    api_statistics,
    endpoints,
    experiments,
    log_shipping,
    metrics,
    models,
    runtime_versions,
    stages,
    trainings,
    tunings,
)
from easymaker_local.store.log_migrations import log_migrations
from easymaker_local.store.objects import open_index
from easymaker_local.store.rebuildable import open_rebuildable, put_aside_if_damaged

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Daemon:
    """A running appliance without its HTTP server."""

    context: Context
    services: Services
    preparation: Preparation
    loop: Loop
    objects: Objects
    tensorboard: TensorboardServers
    mlflow: MlflowServers
    token: str
    gateway: EnvoyGateway | None = None


def capacity_of(settings: Settings) -> Amount:
    """Return what this machine promises to jobs: its CPUs times the over-commit, its memory less the reserve (IT-L03)."""
    cpus = len(os.sched_getaffinity(0))
    memory_mib = psutil.virtual_memory().total // (1 << 20) - int(settings.reserved_memory_gib * MIB_PER_GIB)
    return Amount(int(cpus * settings.cpu_overcommit * 1000), max(memory_mib, 0))


def flavors_of(settings: Settings, capacity: Amount, inventory: Inventory) -> tuple[Flavor, ...]:
    """Return the flavors that are offered."""
    memory = {gpu.model: gpu.memory_mib for gpu in inventory.gpus}
    own = []
    for f in settings.flavors:
        model = find_model(inventory.models, f.gpu_model) if f.gpu_model is not None else None
        only = inventory.models[0] if model is None and len(inventory.models) == 1 else model
        own.append(
            Flavor(
                name=f.name, vcpus=f.vcpus, memory_mib=f.memory_gib * MIB_PER_GIB, gpu_count=f.gpus, gpu_model=model,
                gpu_memory_mib=memory.get(only or "", 0) if f.gpus else 0,
            )
        )  # fmt: skip
    return generate_flavors(max(1, capacity.cpu_milli // 1000), capacity.memory_mib, tuple(own), inventory.gpus)


def catalogue_of(settings: Settings) -> Catalogue:
    """Return the catalogue: what ships, and the user's own images."""
    return Catalogue([bundled("images"), settings.images])


def volumes_of(settings: Settings) -> Volumes:
    """Return what limits the data storage of jobs, where this machine can."""
    return Volumes(settings.volumes, settings.work / trainings.KIND, wanted=settings.enforce_data_storage)


async def choose_driver(settings: Settings, install_id: str, bound: str | None) -> tuple[Driver, Environments]:
    """Return the driver of the settings; ``auto`` takes docker if the engine answers.

    ``bound`` names the driver of jobs that have not ended. They can be found by that one only, so it is kept, even while the
    engine is silent; settings that say otherwise are refused with DaemonError.
    """
    choice = settings.driver
    if bound is not None and choice not in {DriverChoice.AUTO, bound}:
        raise DaemonError(
            f"Jobs of the driver {bound!r} have not ended, and the setting is driver = {choice.value!r}.",
            hint=f"Start with driver = {bound!r} until they have.",
        )
    if choice is DriverChoice.PROCESS or bound == DriverChoice.PROCESS:
        return _process_driver(settings, install_id)
    # Imported here: without the engine's client the daemon starts sooner and is smaller.
    from easymaker_local.drivers.docker_engine import engine_answers

    version = await asyncio.to_thread(engine_answers, settings.docker_host)
    if version is None and bound is None:
        if choice is DriverChoice.DOCKER:
            hint = "Start it, or set driver = 'process' (no isolation)."
            raise DaemonError("The container engine does not answer.", hint=hint)
        return _process_driver(settings, install_id)
    return _docker_driver(settings, install_id, version)


def _process_driver(settings: Settings, install_id: str) -> tuple[Driver, Environments]:
    log.info("Jobs run as local processes, without isolation.")
    driver = ProcessDriver(settings.workloads, install_id)
    return driver, VirtualEnvironments(settings.environments, settings.wheelhouse)


def _docker_driver(settings: Settings, install_id: str, version: str | None) -> tuple[Driver, Environments]:
    if version is None:
        log.warning("The container engine does not answer; its jobs are looked for until it does.")
    else:
        log.info("Jobs run as containers of the engine %s.", version)
    from easymaker_local.drivers.docker import DockerDriver
    from easymaker_local.drivers.docker_images import DockerImages

    driver = DockerDriver(settings.docker_host, install_id)
    return driver, DockerImages(settings.docker_host, settings.home / "locks", settings.wheelhouse, install_id)


def _install_id(db: sqlite3.Connection) -> str:
    row = db.execute("SELECT value FROM installation WHERE key = 'id'").fetchone()
    if row is not None:
        return str(row["value"])
    made = new_id()
    db.execute("INSERT INTO installation (key, value) VALUES ('id', ?)", (made,))
    return made


def _bound_driver(db: sqlite3.Connection) -> str | None:
    """Return the driver of the last daemon if jobs of it have not ended."""
    if not trainings.started_ids(db) and not stages.has_started_pods(db):
        return None
    row = db.execute("SELECT value FROM installation WHERE key = 'driver'").fetchone()
    return None if row is None else str(row["value"])


def _refuse_without_gateway(db: sqlite3.Connection) -> None:
    """Raise DaemonError if there are endpoints: without a gateway nobody would look after what they run, nor end it."""
    there = endpoints.newest(db)
    if there:
        raise DaemonError(
            f"The setting is gateway_port = 0, and there are endpoints: {', '.join(sorted(each.name for each in there))}.",
            hint="Start with a port, and delete them before: easymaker-local endpoint delete.",
        )


def _remember_driver(db: sqlite3.Connection, name: str) -> None:
    db.execute("INSERT OR REPLACE INTO installation (key, value) VALUES ('driver', ?)", (name,))


def _take_home(settings: Settings, lock: ProcessLock) -> tuple[str, bytes]:
    """Lock the data directory, make what every start needs and return token and secret key; raises DaemonError."""
    try:
        if not lock.acquire():
            raise DaemonError(
                f"A daemon (pid {lock.holder()}) already runs on {settings.home}.", hint="See: easymaker-local status"
            )
        for folder in (settings.storage, settings.work, settings.logs):
            folder.mkdir(parents=True, exist_ok=True)
        return ensure_token(settings.token_file), ensure_key(settings.secret_key_file)
    except ValueError as error:
        raise DaemonError(
            f"A secret of this home is damaged: {error}.", hint="Bring it back from a copy. Deleted, it is made anew."
        ) from error
    except OSError as error:
        raise DaemonError(
            f"The data directory {settings.home} cannot be used: {error}.", hint="Set another one: EASYMAKER_LOCAL_HOME."
        ) from error


@asynccontextmanager
async def open_daemon(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Daemon]:
    """Open everything but the HTTP server; raises DaemonError if another daemon has this home."""
    clock = clock or SystemClock()
    lock = ProcessLock(settings.lock_file)
    async with AsyncExitStack() as stack:
        stack.callback(lock.release)
        token, secret_key = _take_home(settings, lock)
        store = Store(settings.database)
        store.open()
        stack.callback(store.close)
        samples = open_rebuildable(settings.metrics_database, metrics.migrations, "Monitoring begins anew.")
        stack.callback(samples.close)
        statistics = open_rebuildable(settings.statistics_database, api_statistics.migrations, "API statistics begin anew.")
        stack.callback(statistics.close)
        loss = "It is filled again from the log files; entries that programs had sent are lost."
        put_aside_if_damaged(settings.log_database, log_migrations, loss)
        if not settings.log_database.exists():
            # Before there is one: killed in between, the next daemon comes this way again.
            await store.write(lambda db: ship_again(db, settings.appkey))
        log_store = Store(settings.log_database, log_migrations)
        log_store.open()
        stack.callback(log_store.close)
        index = open_index(settings.object_index)
        stack.callback(index.close)
        install_id = await store.write(_install_id)
        driver, environments = await choose_driver(settings, install_id, await store.read(_bound_driver))
        stack.push_async_callback(driver.close)
        stack.push_async_callback(environments.close)
        await store.write(lambda db: _remember_driver(db, driver.name))
        capacity = capacity_of(settings)
        gpus = Gpus(settings.gpu_idle_memory_mib)
        stack.callback(gpus.close)
        flavors = flavors_of(settings, capacity, await gpus.look())
        storage = Storage(settings.storage, settings.nas)
        loop = Loop(settings.resync_seconds)
        if settings.gateway_port == 0:
            await store.read(_refuse_without_gateway)
        gateway = await _open_gateway(settings, clock, stack)
        context = Context(
            settings=settings, clock=clock, store=store, metrics=samples, statistics=statistics, log_store=log_store,
            driver=driver, environments=environments, storage=storage, volumes=volumes_of(settings),
            catalogue=catalogue_of(settings), flavors=flavors,
            capacity=capacity, hinter=loop, secret_key=secret_key, gpus=gpus,
            gateway=gateway,
        )  # fmt: skip
        await store.write(lambda db: runtime_versions.note(db, context.catalogue.runtime_version, clock.now()))
        services = Services.of(context)
        files = ObjectFiles(storage, settings.storage)
        objects = Objects(files, index, clock)
        stack.callback(objects.close)
        controller: TrainingController

        async def wake_waiting() -> None:
            for training_id in await controller.unfinished():
                loop.hint(trainings.KIND, training_id)
            for stage_id in await store.read(stages.ids):
                loop.hint(stages.KIND, stage_id)

        waking: set[asyncio.Task[None]] = set()

        def on_change(image: Image) -> None:
            context.changes.publish([Change(ChangeKind.IMAGE, image.id)])
            task = asyncio.get_running_loop().create_task(wake_waiting())
            waking.add(task)
            task.add_done_callback(waking.discard)

        preparation = Preparation(environments, clock, on_change)
        stack.push_async_callback(preparation.close)
        controller = TrainingController(context, preparation)
        loop.register(trainings.KIND, controller.reconcile, controller.unfinished)
        queue = QueueController(context)
        loop.register(QUEUE[0], queue.reconcile, queue.unfinished)
        experiment_controller = ExperimentController(services.experiments, context)
        loop.register(experiments.KIND, experiment_controller.reconcile, experiment_controller.unfinished)
        ingest = LogIngest(context)
        loop.register(log_shipping.KIND, ingest.reconcile, ingest.unfinished)
        requests = AccessLog(context)
        loop.register(access_log.KIND, requests.reconcile, requests.unfinished)
        tuning_controller = TuningController(context)
        loop.register(tunings.KIND, tuning_controller.reconcile, tuning_controller.unfinished)
        model_controller = ModelController(context, services.models)
        stack.push_async_callback(model_controller.close)
        loop.register(models.KIND, model_controller.reconcile, model_controller.unfinished)
        servers = TensorboardServers(context, preparation)
        stack.push_async_callback(servers.close)
        loop.register(tensorboard.KIND, servers.reconcile, servers.unfinished)
        mlflow_servers = MlflowServers(context, preparation)
        stack.push_async_callback(mlflow_servers.close)
        loop.register(mlflow.KIND, mlflow_servers.reconcile, mlflow_servers.unfinished)
        loop.register(TRACKING_KIND, mlflow_servers.tell, mlflow_servers.untold)
        if context.gateway is not None:
            routes = EndpointRoutes(context, context.gateway)
            stage_controller = StageController(
                context, preparation, routes, services.models.parameters, services.api_statistics
            )  # fmt: skip
            stack.push_async_callback(stage_controller.close)
            loop.register(stages.KIND, stage_controller.reconcile, stage_controller.unfinished)
            endpoint_controller = EndpointController(context, routes, stage_controller.serving.why_not_ready)
            loop.register(endpoints.KIND, endpoint_controller.reconcile, endpoint_controller.unfinished)
        driver.watch(lambda name: _hint_owner(loop, name))
        await sweep_files(context)
        # Tried in a thread, so that hardly anybody has to wait for it on the event loop.
        stack.push_async_callback(_end, asyncio.create_task(asyncio.to_thread(context.volumes.problem)))
        await asyncio.to_thread(files.sweep)
        await ingest.sweep()
        stack.push_async_callback(services.api_statistics.collect_calmly)
        background: tuple[Coroutine[Any, Any, None], ...] = (
            loop.run(), sweep_workloads(context), Sampler(context).run(), keep_within_limits(context), keep_recent(context),
            keep_collected(context, services.api_statistics),
        )  # fmt: skip
        if context.gateway is not None:
            background += (Autoscaler(context, context.gateway).run(),)
        for task in background:
            stack.push_async_callback(_end, asyncio.create_task(task))
        yield Daemon(context, services, preparation, loop, objects, servers, mlflow_servers, token, gateway)


async def _open_gateway(settings: Settings, clock: Clock, stack: AsyncExitStack) -> EnvoyGateway | None:
    """Return the gateway, if there is to be one; raises DaemonError if its port cannot be had."""
    gateway = EnvoyGateway(settings, clock)
    if settings.gateway_port == 0:
        await gateway.end()
        return None
    await gateway.open()
    stack.push_async_callback(gateway.close)
    url = f"https://{settings.host}:{settings.gateway_port}"
    log.info("Endpoints, object storage, TensorBoard and MLflow on %s", url)
    return gateway


def _hint_owner(loop: Loop, workload: str) -> None:
    """Workload names are ``{kind}-{id}-{attempt}-{role}``."""
    kind, resource_id, *_ = workload.split("-")
    loop.hint(kind, resource_id)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(settings: Settings) -> None:
    """Run the daemon until SIGTERM, SIGINT or a request to stop; jobs go on."""
    async with open_daemon(settings) as daemon:
        server: CalmServer

        def stop() -> None:
            server.end()

        clock = daemon.context.clock
        app = create_app(daemon.services, daemon.preparation, daemon.token, started_at=clock.now(), stop=stop)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2, server_header=False
        )
        server = CalmServer(config, app.state.streams.end)
        with (
            _listen(settings.host, settings.port, "PORT") as listener,
            _listen_on_file(settings.sockets / API_SOCKET) as inside,
        ):
            async with _apps(daemon, app.state.credentials):
                log.info("Ready on http://%s:%s", settings.host, listener.getsockname()[1])
                await server.serve(sockets=[listener, inside])


@asynccontextmanager
async def _apps(daemon: Daemon, credentials: Credentials) -> AsyncIterator[None]:
    """Serve meanwhile what the gateway passes on to the daemon: object storage and the pages that must not share its origin."""
    settings = daemon.context.settings
    if daemon.gateway is None:
        yield
        return
    identity = Identity(settings, lambda: credentials.token, daemon.context.clock)
    storage = SwiftApp(identity, daemon.objects, daemon.services.buckets)
    home = HomeLoop()
    pages: dict[str, ASGIApp] = {
        tensorboard.KIND: TensorboardApp(daemon.tensorboard, credentials, settings, home),
        mlflow.KIND: MlflowApp(daemon.mlflow, credentials, settings, home),
    }
    with _listen_on_file(Layout(settings.home).apps) as inside:
        listener = AppsListener(Behind(storage, pages), inside)
        task = asyncio.create_task(listener.serve())
        task.add_done_callback(_log_failure)
        try:
            yield
        finally:
            listener.stop()
            await asyncio.gather(task, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("the gateway's port has ended", exc_info=task.exception())


def _listen_on_file(path: Path) -> socket.socket:
    """Return a listening socket file; raises DaemonError."""
    try:
        return listen(path)
    except OSError as error:
        raise DaemonError(f"{path} cannot be listened on: {error.strerror}.") from error


def _listen(host: str, port: int, setting: str, advice: str = "") -> socket.socket:
    """Return the listening socket; raises DaemonError if the address cannot be had.

    The protocol is named, which uvicorn's own sockets do not: asyncio switches Nagle's algorithm off only on sockets that
    name it, and every answer on a kept connection would wait 40 ms for the client's delayed acknowledgement.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise DaemonError(
            f"{host}:{port} cannot be listened on: {error.strerror}.",
            hint=f"Set another port: EASYMAKER_LOCAL_{setting}{advice}.",
        ) from error
    return listener
