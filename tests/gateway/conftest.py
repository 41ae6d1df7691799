"""A real Envoy for each test, in front of real pods: processes of ``pod.py``. Only the models are missing."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from easymaker_local.domain.gateway import Backend, GatewayService, GatewayStage, RoutedModel
from easymaker_local.gateway.gateway import EnvoyGateway
from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import Layout
from easymaker_local.kit.clock import SystemClock
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import free_port


class Pod:
    """A pod's process."""

    def __init__(self, name: str) -> None:
        self.name, self.port, self.grpc_port = name, free_port(), free_port()
        command = [sys.executable, str(Path(__file__).with_name("pod.py")), name, str(self.port), str(self.grpc_port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    @property
    def backend(self) -> Backend:
        """How the gateway is told of it."""
        return Backend(self.name, "127.0.0.1", self.port, self.grpc_port)

    def go_on(self) -> None:
        """Let its streams end."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


class Pods:
    """The pods of one test."""

    def __init__(self) -> None:
        self._started: dict[str, Pod] = {}

    def start(self, name: str) -> Pod:
        """Start a pod."""
        self._started[name] = Pod(name)
        return self._started[name]

    def kill_all(self) -> None:
        """End all that live."""
        for pod in self._started.values():
            if pod.process.returncode is None:
                pod.kill()


@pytest.fixture
def pods() -> Iterator[Pods]:
    started = Pods()
    yield started
    started.kill_all()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", gateway_port=free_port(), gateway_http_port=free_port(), gateway_stage_quota=3)


@pytest.fixture
async def gateway(settings: Settings) -> AsyncIterator[EnvoyGateway]:
    made = EnvoyGateway(settings, SystemClock())
    await made.open()
    yield made
    await made.close()
    await end(settings)


async def end(settings: Settings) -> None:
    """End the Envoy of a home, whoever looks after it."""
    await EnvoyProcess(Layout(settings.home), 1).end()


@pytest.fixture
async def client(gateway: EnvoyGateway, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(settings) as made:
        yield made


def connect(settings: Settings) -> httpx.AsyncClient:
    """Return a client of the gateway that trusts the appliance's bundle and nothing else."""
    trust = ssl.create_default_context(cafile=str(settings.ca_bundle))
    limits = httpx.Limits(max_connections=200)
    url = f"https://127.0.0.1:{settings.gateway_port}"
    return httpx.AsyncClient(base_url=url, verify=trust, timeout=60, trust_env=False, limits=limits)


def one_stage(*models: RoutedModel, **changes: Any) -> GatewayService:
    """Return the endpoint ``flowers`` with the stage ``a``, its default."""
    stage = GatewayStage("s1", "a", models or (IRIS,), **changes)
    return GatewayService("e1", "flowers", (stage,), "s1")


IRIS = RoutedModel("m1", "iris")


async def until(condition: Callable[[], object]) -> None:
    """Wait for what other tasks or processes bring about."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - it may change anywhere
            await asyncio.sleep(0.005)


async def until_active(gateway: EnvoyGateway, stage_id: str, count: int) -> None:
    """Wait until so many requests for the model of a stage are under way."""
    async with asyncio.timeout(60):
        while (await gateway.loads())[stage_id, "m1"].active != count:  # noqa: ASYNC110 - Envoy counts
            await asyncio.sleep(0.005)
