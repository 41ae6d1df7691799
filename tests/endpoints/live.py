"""A daemon in this process, on real drivers and the real gateway, whose endpoints are asked for as rows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from easymaker_local.daemon import Daemon, open_daemon
from easymaker_local.domain.endpoint import Pod, PodState
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.model_record import Model, ModelStatus
from easymaker_local.settings import Settings
from easymaker_local.store import endpoints, stages
from easymaker_local.testing.appliance import PATIENCE_SECONDS, discard_workloads, free_port
from easymaker_local.testing.endpoints import EndpointRows
from easymaker_local.testing.engine import docker_host
from easymaker_local.testing.factories import make_model_spec
from tests.conftest import CACHE
from tests.serving.environments import image_for

T = TypeVar("T")
POD = Amount(200, 300)
"""What each pod gets."""

SAYS = """import os, time
class Model:
    def load(self, path, parameters):
        {load}
    def predict(self, rows, parameters):
        {predict}
"""


@dataclass
class Load:
    """A client in a process of its own, under way."""

    process: asyncio.subprocess.Process

    async def end(self) -> dict[str, int]:
        """Let it finish what it has begun; returns what it counted."""
        output, _ = await self.process.communicate(b"")
        found: dict[str, int] = json.loads(output)
        return found


@dataclass
class Live(EndpointRows):
    """The daemon with its loop running."""

    daemon: Daemon
    loads: list[Load] = field(default_factory=list)

    async def model(self, says: str, name: str = "iris", *, load: str = "pass", predict: str | None = None) -> Model:
        """Make a model that answers ``says`` to each row."""
        place = f"{name}-{says}"
        folder = self.context.settings.storage / "models" / place
        folder.mkdir(parents=True)
        (folder / "predict.py").write_text(SAYS.format(load=load, predict=predict or f"return [{says!r} for _ in rows]"))
        address = f"obs://local/v1/AUTH_local/models/{place}"
        spec = make_model_spec(modelName=name, modelUploadUri=address, parameterList=[])
        created = await self.daemon.services.models.create(spec)

        async def examined() -> Model | None:
            found = await self.daemon.services.models.get(created.model.id)
            return found if found.status is ModelStatus.ACTIVE else None

        return await self.until(examined, "the examination")

    def hint(self, endpoint_id: str, *stage_ids: str) -> None:
        """Wake the loop as services do."""
        self.context.hinter.hint(endpoints.KIND, endpoint_id)
        for stage_id in stage_ids:
            self.context.hinter.hint(stages.KIND, stage_id)

    async def serving(self, model: Model, **fields: Any) -> tuple[str, str]:
        """Make an endpoint and wait until it serves."""
        endpoint_id, stage_id = await self.endpoint(model, demand=POD, **fields)
        self.hint(endpoint_id, stage_id)
        await self.reaches(endpoint_id, "ACTIVE")
        return endpoint_id, stage_id

    async def added(self, endpoint_id: str, model: Model, **fields: Any) -> str:
        """Make another stage and wait until it serves."""
        stage_id = await self.stage(endpoint_id, model, demand=POD, **fields)
        self.hint(endpoint_id, stage_id)
        await self.stage_reaches(stage_id, "ACTIVE")
        return stage_id

    async def reaches(self, endpoint_id: str, status: str) -> None:
        """Wait until the endpoint has a status."""

        async def reached() -> bool:
            return (await self.status(endpoint_id)) == status

        await self.until(reached, f"{status} of the endpoint")

    async def stage_reaches(self, stage_id: str, status: str) -> None:
        """Wait until the stage has a status."""

        async def reached() -> bool:
            return (await self.row(stage_id)).status == status

        await self.until(reached, f"{status} of the stage")

    async def gone(self, kind: str, resource_id: str) -> None:
        """Wait until something is deleted."""

        async def is_gone() -> bool:
            return not await self.exists(kind, resource_id)

        await self.until(is_gone, f"the end of {kind} {resource_id}")

    async def until(self, condition: Callable[[], Awaitable[T | None]], what: str) -> T:
        """Return the first true answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = await condition()
            if answer:
                return answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what} did not happen: {await self.context.store.read(_all_causes)}")

    async def ready_pods(self, stage_id: str) -> list[Pod]:
        """Return the pods that answer."""
        return [pod for pod in await self.pods(stage_id) if pod.state is PodState.READY]

    async def has_ready(self, stage_id: str, count: int) -> list[Pod]:
        """Wait until exactly so many pods answer, there are no others, and the gateway asks all of them."""
        gateway = self.daemon.gateway
        assert gateway is not None

        async def found() -> list[Pod] | None:
            there = await self.pods(stage_id)
            told = {url for resource in gateway.settings(stage_id) for url in resource.backends}
            return there if len(there) == len(await self.ready_pods(stage_id)) == len(told) == count else None

        return await self.until(found, f"{count} ready pods")

    async def kill(self, pod: Pod) -> None:
        """Kill a pod's processes as the machine might."""
        if self.daemon.context.driver.name == "docker":
            import docker

            client = docker.from_env()
            [container] = client.containers.list(filters={"label": f"easymaker.workload={pod.workload}"})
            container.kill()
            client.close()
            return
        for process in servers_of(pod):
            os.kill(process.pid, signal.SIGKILL)

    @property
    def authority(self) -> Path:
        """The local certificate authority."""
        return self.context.settings.ca_bundle

    def client(self) -> httpx.AsyncClient:
        """Return a client of the gateway."""
        context = ssl.create_default_context(cafile=str(self.authority))
        url = self.context.settings.gateway_url
        assert url is not None
        return httpx.AsyncClient(base_url=url, verify=context, trust_env=False, timeout=120)

    async def says(self, path: str = "shop") -> str:
        """Return what the model says at a URL; raises AssertionError for anything but 200."""
        async with self.client() as client:
            answer = await client.post(f"/{path}/v1/models/iris/predict", json={"instances": [[1]]})
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return str(answer.json()["predictions"][0])

    async def asked(self, path: str = "shop", name: str = "iris") -> int:
        """Return with which status a URL answers."""
        async with self.client() as client:
            answer = await client.post(f"/{path}/v1/models/{name}/predict", json={"instances": [[1]]})
        return answer.status_code

    async def load(self, path: str = "shop", threads: int = 3) -> Load:
        """Begin to ask without a pause."""
        settings = self.context.settings
        arguments = ["127.0.0.1", str(settings.gateway_port), f"/{path}/v1/models/iris/predict", str(self.authority)]
        script = str(Path(__file__).with_name("load.py"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, script, *arguments, str(threads), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self.loads.append(Load(process))
        return self.loads[-1]


def servers_of(pod: Pod) -> Iterator[psutil.Process]:
    """Return the processes of a pod's model server, on the process driver."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        if pod.id in (process.info["environ"] or {}).get("EASYMAKER_WORK_DIR", "") and "serve.py" in " ".join(
            process.info["cmdline"] or []
        ):
            yield process


def no_failures(counts: dict[str, int]) -> None:
    """Assert that every request was answered well, and that there were some."""
    assert {key for key in counts if not key.startswith("said ")} == {"200"}, counts


def _all_causes(db: Any) -> list[tuple[object, ...]]:
    tables = ("endpoints", "stages", "stage_resources")
    found = [tuple(row) for table in tables for row in db.execute(f"SELECT id, status, wish, reason, message FROM {table}")]
    return found + [tuple(row) for row in db.execute("SELECT id, state, reason, message FROM pods")]


def live_settings(home: Path, driver_name: str, **settings: Any) -> Settings:
    """Return settings on free ports, with environments shared between tests."""
    (home / "storage" / "models").mkdir(parents=True, exist_ok=True)
    (CACHE / "environments").mkdir(parents=True, exist_ok=True)
    if not (home / "environments").exists():
        (home / "environments").symlink_to(CACHE / "environments")
    if driver_name == "docker":
        settings["docker_host"] = docker_host()
    chosen = {"cpu_overcommit": 8, "reserved_memory_gib": 0, "resync_seconds": 2, **settings}
    return Settings(home=home, driver=driver_name, port=free_port(), gateway_port=free_port(), **chosen)  # type: ignore[arg-type]


@asynccontextmanager
async def open_live(settings: Settings) -> AsyncIterator[Live]:
    """Open a daemon on a home; everything goes on when it is left."""
    async with open_daemon(settings) as daemon:
        # Minutes, the first time; nobody waits for it with patience.
        await daemon.context.environments.prepare(image_for(ModelFormat.PYTHON), lambda line: None)
        yield Live(daemon.context, daemon)


async def discard(settings: Settings) -> None:
    """Delete all endpoints of a home, so that nothing of them runs on, and what else it has on its driver."""
    async with open_live(settings) as live:
        for endpoint in await live.context.store.read(lambda db: endpoints.newest(db)):
            await live.delete("endpoint", endpoint.id)
            live.hint(endpoint.id)
            await live.gone("endpoint", endpoint.id)
    await discard_workloads(settings.home, settings.driver)
