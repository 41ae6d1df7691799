"""Model servers as workloads on a driver, for tests."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from easymaker_local.artifacts.models.examination import examine
from easymaker_local.controllers.model_server import GRPC_PORT, HTTP_PORT, ServedModel, build_model_server
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.workload import Phase
from easymaker_local.drivers.base import Driver, Environments, Observation, Resources
from easymaker_local.drivers.environments import VirtualEnvironments
from easymaker_local.drivers.process import ProcessDriver
from easymaker_local.settings import Settings
from easymaker_local.testing.appliance import NO_TRUST, PATIENCE_SECONDS, free_port
from easymaker_local.testing.engine import discard_install, docker_host
from easymaker_local.testing.serving_suite import Sample
from tests.conftest import CACHE
from tests.serving.environments import image_for, interpreter


@dataclass(frozen=True)
class Server:
    """One that is ready."""

    name: str
    http: str
    grpc: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://{self.http}", trust_env=False, verify=NO_TRUST, timeout=60)


class Servers:
    """Starts them on one driver; they end with it."""

    def __init__(self, driver_name: str, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._install_id = f"t{secrets.token_hex(6)}"
        self._folder = folder
        self._ports: dict[str, tuple[int, int]] = {}
        wheelhouse = Settings(home=folder / "home").wheelhouse
        self._is_docker = driver_name == "docker"
        self.driver: Driver
        self._environments: Environments
        if self._is_docker:
            from easymaker_local.drivers.docker import DockerDriver
            from easymaker_local.drivers.docker_images import DockerImages

            self.driver = self._runner.run(_made(lambda: DockerDriver(docker_host(), self._install_id)))
            self._environments = DockerImages(docker_host(), CACHE / "locks", wheelhouse, self._install_id)
        else:
            self.driver = self._runner.run(_made(lambda: ProcessDriver(folder / "state", self._install_id)))
            self._environments = VirtualEnvironments(CACHE / "environments", wheelhouse)

    def environment(self, model_format: ModelFormat) -> str:
        """Return the prepared environment of a format."""
        return self._runner.run(self._environments.prepare(image_for(model_format), lambda line: None))

    def start(self, model: ServedModel, *, memory_gib: float = 4, wheelhouse: Path | None = None) -> str:
        """Start a server without waiting for it; returns the workload's name."""
        found = examine(model.artifact, model.format, name=model.name)
        assert found.problems == (), found.problems
        workload = f"serving-{model.name}-{secrets.token_hex(3)}"
        environment = self.environment(model.format)
        is_private = self.driver.capabilities.private_network
        ports = (HTTP_PORT, GRPC_PORT) if is_private else (free_port(), free_port())
        self._runner.run(
            self.driver.start(
                build_model_server(
                    model, workload, self._folder / workload, environment=environment,
                    resources=Resources(cpus=1, memory_bytes=int(memory_gib * (1 << 30)), shm_bytes=64 << 20),
                    capabilities=self.driver.capabilities, port=ports[0], grpc_port=ports[1],
                    wheelhouse=wheelhouse,
                )
            )
        )  # fmt: skip
        self._ports[workload] = ports
        return workload

    def ready(self, model: ServedModel, **how: Any) -> tuple[str, Server]:
        """Start a server and wait until it is ready."""
        workload = self.start(model, **how)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            seen = self.observe(workload)
            assert seen.phase in {Phase.STARTING, Phase.RUNNING}, self.log(workload)
            found = self._reached(workload, model.name)
            if found is not None:
                try:
                    if httpx.get(f"http://{found.http}/v2/health/ready", trust_env=False, verify=NO_TRUST).status_code == 200:
                        return workload, found
                except httpx.TransportError:
                    pass  # not listening yet
            time.sleep(0.05)
        raise AssertionError(f"{workload} is not ready: {self.log(workload)}")

    def _reached(self, workload: str, name: str) -> Server | None:
        addresses = [self._runner.run(self.driver.reach(workload, port)) for port in self._ports[workload]]
        if None in addresses:
            return None
        return Server(name, *(f"{address.host}:{address.port}" for address in addresses if address is not None))

    def observe(self, workload: str) -> Observation:
        return self._runner.run(self.driver.observe(workload))

    def ended(self, workload: str) -> Observation:
        """Wait for its end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (seen := self.observe(workload)).phase is not Phase.EXITED:
            assert time.monotonic() < deadline, self.log(workload)
            time.sleep(0.05)
        return seen

    def stop(self, workload: str) -> None:
        self._runner.run(self.driver.stop(workload, 30))

    def log(self, workload: str) -> str:
        path = self._folder / workload / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def folder(self, workload: str) -> Path:
        return self._folder / workload

    def close(self) -> None:
        for workload in self._runner.run(self.driver.owned()):
            self._runner.run(self.driver.remove(workload))
        self._runner.run(self.driver.close())
        self._runner.run(self._environments.close())
        self._runner.close()
        if self._is_docker:
            discard_install(self._install_id)


async def _made(make: Any) -> Any:
    return make()


@dataclass(frozen=True)
class Samples:
    """Models that the tests have made, with their questions."""

    folder: Path

    def model(self, name: str, model_format: ModelFormat, parameters: Mapping[str, str] | None = None) -> ServedModel:
        return ServedModel(name, model_format, self.folder / name, parameters or {})

    def sample(self, name: str) -> Sample:
        found = json.loads((self.folder / f"{name}.json").read_text())
        found["wrong"] = {what: (named, tensors) for what, (named, tensors) in found["wrong"].items()}
        return Sample(name, **found)


def make_samples(kind: str, model_format: ModelFormat, folder: Path) -> Samples:
    """Let the environment that serves a framework make the models, once for all tests of a run."""
    script = Path(__file__).parent / "models" / "make_samples.py"
    folder.mkdir()
    made = subprocess.run(
        [interpreter(image_for(model_format).id), script, kind, folder], check=False, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return Samples(folder)
