"""The life of a server: listen, load, serve, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from easymaker_serving.application import Application
from easymaker_serving.batching import Batcher
from easymaker_serving.connection import Connection, Limits
from easymaker_serving.connections import Connections
from easymaker_serving.inference import Inferences
from easymaker_serving.metrics import Metrics
from easymaker_serving.model import LoadFailed, LoadSettings, Model
from easymaker_serving.routes import Routes

if TYPE_CHECKING:
    from easymaker_serving.grpc_server import GrpcServer

Load = Callable[[LoadSettings], Model]


@dataclass(frozen=True)
class Settings:
    """What is served, and where."""

    model: LoadSettings
    version: str = "1"
    host: str = "127.0.0.1"
    port: int = 8080
    grpc_port: int | None = None
    max_queue: int = 512
    limits: Limits = field(default_factory=Limits)


def framework(name: str) -> Load:
    """Return the function of a framework's module that loads a model; it is imported when the model is."""

    def load(settings: LoadSettings) -> Model:
        module = importlib.import_module(f"easymaker_serving.frameworks.{name}")
        model: Model = module.load(settings)
        return model

    return load


class Server:
    """One model's server on the running loop."""

    def __init__(self, settings: Settings, load: Load) -> None:
        self._settings = settings
        self._load = load
        self._metrics = Metrics(settings.model.name)
        self._application = Application(Routes(settings.model.name, settings.version), self._metrics, settings.limits.body)
        self._connections = Connections()
        self._batcher = Batcher(self._metrics, max_queue=settings.max_queue)
        self._metrics.queue_length = lambda: self._batcher.length
        self._model: Model | None = None
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._grpc: GrpcServer | None = None
        self.port = 0
        self.grpc_port: int | None = None

    async def listen(self) -> None:
        """Open the ports; from here on the server says that it is alive and not ready."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connect, self._settings.host, self._settings.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]
        self._sweeper = loop.create_task(self._sweep())
        if self._settings.grpc_port is not None:
            from easymaker_serving.grpc_server import GrpcServer

            self._grpc = GrpcServer(self._application, self._metrics, self._settings.limits.body)
            self.grpc_port = await self._grpc.start(self._settings.host, self._settings.grpc_port)

    def _connect(self) -> Connection:
        return Connection(self._application.handle, self._settings.limits, self._metrics, self._connections)

    async def load(self) -> None:
        """Load the model in a thread. Raises LoadFailed, and what else the module raises."""
        model = await _in_thread(lambda: self._load(self._settings.model))
        self._model = model
        self._batcher.max_batch = model.max_batch
        served = Inferences(model, self._settings.model.name, self._settings.version, self._batcher)
        if served.openai is not None:
            self._metrics.tokens = served.openai.tokens
        self._application.served = served

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._settings.limits.sweep_seconds)
            self._connections.sweep(loop.time())

    async def drain(self) -> None:
        """Take no more requests, finish those that have begun, and return when they are answered."""
        self._application.is_draining = True
        if self._listener is not None:
            self._listener.close()
        ends = [self._connections.drain()]
        if self._grpc is not None:
            ends.append(self._grpc.drain())
        await asyncio.gather(*ends)
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._batcher.close()
        if self._model is not None:
            self._model.close()


async def _in_thread(work: Callable[[], Model]) -> Model:
    """Run what may take minutes in a daemon thread: unlike an executor's it does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Model] = loop.create_future()

    def settle(model: Model | None, exc: BaseException | None) -> None:
        if future.cancelled():
            return
        if model is not None:
            future.set_result(model)
        else:
            future.set_exception(exc or RuntimeError("nothing was loaded"))

    def run() -> None:
        try:
            outcome: tuple[Model | None, BaseException | None] = work(), None
        except BaseException as exc:
            outcome = None, exc if isinstance(exc, Exception) else RuntimeError(f"{type(exc).__name__} while loading: {exc}")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="load", daemon=True).start()
    return await future


async def _serve(settings: Settings, load: Load) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(settings, load)
    try:
        await server.listen()
    except OSError as exc:
        ports = f"{settings.port}" + (f" and {settings.grpc_port}" if settings.grpc_port is not None else "")
        why = os.strerror(exc.errno) if exc.errno else exc.strerror
        print(f"Cannot listen on {settings.host}, port {ports}: {why}", file=sys.stderr)
        return 1
    grpc = f", gRPC on {settings.host}:{server.grpc_port}" if server.grpc_port is not None else ""
    print(f"Listening on http://{settings.host}:{server.port}{grpc}", flush=True)
    loading = loop.create_task(server.load())
    stopping = loop.create_task(stop.wait())
    await asyncio.wait((loading, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        loading.cancel()
    elif (failure := loading.exception()) is not None:
        _report(failure, settings.model.path)
        return 1
    else:
        print(f"Model {settings.model.name} is ready", flush=True)
        await stopping
    await server.drain()
    return 0


def _report(exc: BaseException, path: Path) -> None:
    if isinstance(exc, LoadFailed):
        print(f"The model cannot be loaded: {exc}", file=sys.stderr)
        return
    traceback.print_exception(exc, file=sys.stderr)
    print(f"The model cannot be loaded: {type(exc).__name__} while loading {path}", file=sys.stderr)


def run(settings: Settings, load: Load) -> None:
    """Serve until SIGTERM or SIGINT, then end the process: status 0, or 1 if the model cannot be loaded."""
    status = uvloop.run(_serve(settings, load))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of a framework, or a load that is still going on, must not hold up or spoil the end.
    os._exit(status)
