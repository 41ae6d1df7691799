"""A real daemon in a process of its own, on a home and a port of its own, to be asked, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from easymaker_local.artifacts.volumes import Volumes
from easymaker_local.drivers.process import ProcessDriver
from easymaker_local.gateway.process import EnvoyProcess
from easymaker_local.gateway.resources import Layout
from easymaker_local.settings import PREFIX
from easymaker_local.testing import daemons
from easymaker_local.testing.engine import discard_install

T = TypeVar("T")

PATIENCE_SECONDS = 600.0
"""Nothing takes so long unless it hangs: while an engine stores a large image, other requests may wait for minutes."""
START_SECONDS = 120.0
NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: to load this machine's certificates for every question takes longer than the answer."""
# What decides how an installation behaves is set by each test, never by the machine it runs on.
_OWN_VARIABLES = ("EM_", PREFIX)


# One after the other from anywhere: a port that is not listened on yet is not given away again.
_PORTS = itertools.count(secrets.randbelow(12_000))


def free_port() -> int:
    """Return a loopback port that nobody listens on now; none of those that this machine gives to clients by itself."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", 20_000 + next(_PORTS) % 12_000))
            return int(probe.getsockname()[1])


def until(condition: Callable[[], T | None], what: str = "it", seconds: float = PATIENCE_SECONDS) -> T:
    """Return the first true answer of ``condition``, which looks at a state outside this process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without any setting of an appliance or SDK, and with ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
    return {**kept, **more}


async def discard_workloads(home: Path, driver: str) -> None:
    """Remove everything that an installation has on its driver, whose daemon has ended."""
    with contextlib.closing(sqlite3.connect(home / "state.db")) as db:
        row = db.execute("SELECT value FROM installation WHERE key = 'id'").fetchone()
    if row is None:
        return
    if driver == "docker":
        discard_install(row[0])
        return
    processes = ProcessDriver(home / "workloads", row[0])
    for name in await processes.owned():
        await processes.remove(name)
    await processes.close()


class Appliance:
    """One installation. ``settings`` become ``EASYMAKER_LOCAL_*`` variables; buckets and images may be put in any time."""

    launch = staticmethod(daemons.execute)
    """How the daemon's program is started."""

    def __init__(self, home: Path, driver: str, *, port: int | None = None, **settings: str) -> None:
        self.home = home
        self.driver = driver
        self.port = port or free_port()
        self.gateway_port = free_port()
        # What is started; replaced by tests whose daemon is to have a fault of its own.
        self.command = [sys.executable, "-m", "easymaker_local", "serve"]
        self._settings = settings
        self._process: daemons.Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the daemon and of ``easymaker-local`` commands that are to reach it."""
        own = {"home": str(self.home), "driver": self.driver, "port": str(self.port), "gateway_port": str(self.gateway_port)}
        own["hugging_face_cache"] = str(self.home / "hub")
        own |= self._settings
        if self.driver == "docker" and "DOCKER_HOST" in os.environ:
            own.setdefault("docker_host", os.environ["DOCKER_HOST"])
        config = {f"{PREFIX}CONFIG": str(self.home / "no-config.toml")}
        return clean_environment(**config, **{PREFIX + name.upper(): value for name, value in own.items()})

    @property
    def sdk_environment(self) -> dict[str, str]:
        """The environment in which the vendor's SDK 2.1 reaches this appliance (rest-api §1.1)."""
        return clean_environment(
            EM_API_URL=f"http://127.0.0.1:{self.port}", EM_TOKEN=self.token, EM_APPKEY="local", EM_REGION="local",
            EM_GROUP_ID="local", REQUESTS_CA_BUNDLE=str(self.home / "tls" / "bundle.pem"), NO_PROXY="127.0.0.1,localhost",
        )  # fmt: skip

    @property
    def token(self) -> str:
        """The user's token."""
        return (self.home / "token").read_text().strip()

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """True if the daemon was started and has ended, by itself or killed."""
        return self._process is not None and self._process.poll() is not None

    def start(self, *, wait: bool = True) -> None:
        """Start the daemon; with ``wait`` until it answers, failing with its log if it ends instead."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "serve.log").open("ab") as log:
            self._process = self.launch(self.command, self.environment, log)
        if not wait:
            return
        try:
            until(self._answers, "the daemon's start", START_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(self.home / 'serve.log').read_text()}") from None

    def kill(self) -> None:
        """End the daemon with SIGKILL: no chance to tidy up."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End the daemon with SIGTERM; jobs go on. Calm if it does not run."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    def discard(self) -> None:
        """End the daemon and everything that it started; for the end of a test."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        asyncio.run(EnvoyProcess(Layout(self.home), 1).end())
        if (self.home / "state.db").exists():
            asyncio.run(discard_workloads(self.home, self.driver))
        # A daemon that was killed has left them to the next one.
        Volumes(self.home / "volumes", self.home / "work").sweep(known=())

    def client(self) -> httpx.Client:
        """Return a client whose paths begin after ``/appkeys/{appkey}``."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/v1.0/appkeys/local", headers={"X-EasyMaker-Token": self.token},
            trust_env=False, verify=NO_TRUST, timeout=90,
        )  # fmt: skip

    def gateway_client(self, headers: Mapping[str, str]) -> httpx.Client:
        """Return a client of the gateway's port that trusts the appliance's bundle and nothing else."""
        trust = ssl.create_default_context(cafile=str(self.home / "tls" / "bundle.pem"))
        url = f"https://127.0.0.1:{self.gateway_port}"
        return httpx.Client(base_url=url, headers=headers, verify=trust, trust_env=False, timeout=120)

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Call the API once; returns the answer's body, success or not."""
        with self.client() as client:
            answer: dict[str, Any] = client.request(method, path, **arguments).json()
        return answer

    def put(self, container: str, files: Mapping[str, str | bytes | Path]) -> str:
        """Drop files into a bucket as a user would; returns the bucket's address."""
        for name, content in files.items():
            target = self.home / "storage" / container / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, target)
            else:
                target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.uri(container)

    def uri(self, container: str, path: str = "") -> str:
        """Return the address of a place in a bucket."""
        return f"obs://local/v1/AUTH_local/{container}/{path}".rstrip("/")

    def https_uri(self, container: str, path: str = "") -> str:
        """Return the address of a place in a bucket for a client that goes through the gateway, as the SDK's does."""
        return f"obs://127.0.0.1:{self.gateway_port}/v1/AUTH_local/{container}/{path}".rstrip("/")

    def experiment(self, name: str = "experiment") -> str:
        """Return the id of the experiment of that name, made if need be."""
        found = self.call("GET", "/experiments", params={"experimentNameList": name})["experimentList"]
        made = found[0] if found else self.call("POST", "/experiments", json={"experimentName": name})["experiment"]
        return str(made["experimentId"])

    def training(self, **body: Any) -> dict[str, Any]:
        """Ask for a training on the plain image (see ``plain_image``); returns it. ``body`` replaces what is preset."""
        preset = {
            "trainingName": "training", "experimentId": self.experiment(), "imageId": PLAIN_IMAGE, "flavorId": "m2.c1m2",
            "sourceDirUri": self.uri("code"), "entryPoint": "train.py", "modelUploadUri": self.uri("models", "model"),
            "timeoutMinutes": 60,
        }  # fmt: skip
        answer = self.call("POST", "/trainings", json={**preset, **body})
        assert answer["header"]["isSuccessful"], answer["header"]["resultMessage"]
        training: dict[str, Any] = answer["training"]
        return training

    def tuning(self, **body: Any) -> dict[str, Any]:
        """Ask for a tuning of ``lr`` at random on the plain image; returns it. ``body`` replaces what is preset."""
        preset = {
            "hyperparameterTuningName": "tuning", "experimentId": self.experiment(), "imageId": PLAIN_IMAGE,
            "flavorId": "m2.c1m2", "sourceDirUri": self.uri("code"), "entryPoint": "train.py",
            "modelUploadUri": self.uri("models", "tuning"), "timeoutMinutes": 60, "tuningStrategyName": "RANDOM",
            "hyperparameterSpecList": [
                {
                    "hyperparameterName": "lr", "hyperparameterTypeCode": "double", "hyperparameterMinValue": "0",
                    "hyperparameterMaxValue": "1",
                }
            ],
            "metricList": [{"name": "loss"}], "objectiveMetric": {"name": "loss"}, "objectiveTypeCode": "MINIMIZE",
            "maxTrialCount": 3,
        }  # fmt: skip
        answer = self.call("POST", "/hyperparameter-tunings", json={**preset, **body})
        assert answer["header"]["isSuccessful"], answer["header"]["resultMessage"]
        tuning: dict[str, Any] = answer["hyperparameterTuning"]
        return tuning

    def model(self, **body: Any) -> dict[str, Any]:
        """Ask for a Python model in ``models``, and return it once it was examined. ``body`` replaces what is preset."""
        preset = {"modelName": "model", "modelFormatCode": "PYTHON", "modelUploadUri": self.uri("models", "python")}
        answer = self.call("POST", "/models", json={**preset, **body})
        assert answer["header"]["isSuccessful"], answer["header"]["resultMessage"]
        model_id = answer["model"]["modelId"]

        def examined() -> dict[str, Any] | None:
            model: dict[str, Any] = self.call("GET", f"/models/{model_id}")["model"]
            return model if model["isFinished"] else None

        return until(examined, f"the examination of model {model_id}")

    def endpoint(self, *model_ids: str, status: str = "ACTIVE", **body: Any) -> dict[str, Any]:
        """Ask for an endpoint of small models, and return it once it has a status. ``body`` replaces what is preset."""
        small = {"cpu": "0.2", "memory": "300Mi"}
        resources = [{"modelId": model_id, "resourceOptionDetail": small} for model_id in model_ids]
        preset = {"endpointName": "endpoint", "flavorId": "m2.c1m2", "endpointModelResourceList": resources}
        answer = self.call("POST", "/endpoints", json={**preset, **body})
        assert answer["header"]["isSuccessful"], answer["header"]["resultMessage"]
        return self.await_endpoint(answer["endpoint"]["endpointId"], status)

    def await_endpoint(self, endpoint_id: str, status: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Return the endpoint once it has a status."""

        def shown() -> dict[str, Any]:
            endpoint: dict[str, Any] = self.call("GET", f"/endpoints/{endpoint_id}")["endpoint"]
            return endpoint

        def reached() -> dict[str, Any] | None:
            endpoint = shown()
            return endpoint if endpoint["endpointStatusCode"] == status else None

        try:
            return until(reached, f"{status} of endpoint {endpoint_id}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {shown()}") from None

    def until_gone(self, path: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until a resource is there no longer."""
        until(lambda: self.call("GET", path).get("errorCode") == "NOT_FOUND", f"the end of {path}", seconds)

    def shown_tuning(self, tuning_id: str) -> dict[str, Any]:
        """Return a hyperparameter tuning as the API shows it now."""
        tuning: dict[str, Any] = self.call("GET", f"/hyperparameter-tunings/{tuning_id}")["hyperparameterTuning"]
        return tuning

    def trials(self, tuning_id: str) -> list[dict[str, Any]]:
        """Return the trials of a tuning as the API shows them now."""
        trials: list[dict[str, Any]] = self.call("GET", f"/hyperparameter-tunings/{tuning_id}/trials")["trialList"]
        return trials

    def await_tuning(self, tuning_id: str, *statuses: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Return the tuning once it has one of the statuses, or any final one if none is given."""

        def reached() -> dict[str, Any] | None:
            tuning = self.shown_tuning(tuning_id)
            done = tuning["hyperparameterTuningStatusCode"] in statuses if statuses else tuning["isFinished"]
            return tuning if done else None

        try:
            return until(reached, f"{statuses or 'the end'} of tuning {tuning_id}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.shown_tuning(tuning_id)}\n{self.trials(tuning_id)}") from None

    def shown(self, training_id: str) -> dict[str, Any]:
        """Return a training as the API shows it now."""
        training: dict[str, Any] = self.call("GET", f"/trainings/{training_id}")["training"]
        return training

    def await_status(self, training_id: str, *statuses: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Return the training once it has one of the statuses, or any final one if none is given."""

        def reached() -> dict[str, Any] | None:
            training = self.shown(training_id)
            done = training["trainingStatusCode"] in statuses if statuses else training["isFinished"]
            return training if done else None

        try:
            return until(reached, f"{statuses or 'the end'} of training {training_id}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.shown(training_id)}\n{self.log(training_id)[-2000:]}") from None

    def complete(self, training_id: str, seconds: float) -> None:
        """Wait for a training's success."""
        ended = self.await_status(training_id, seconds=seconds)
        assert ended["trainingStatusCode"] == "COMPLETE", (ended["statusReason"], self.log(training_id))

    def log(self, training_id: str, node: int = 0) -> str:
        """Return a node's whole log."""
        content, offset = "", 0
        while True:
            query = {"node": node, "offset": offset}
            piece = self.call("GET", f"/trainings/{training_id}/logs", params=query)["log"]
            content, offset = content + str(piece["content"]), piece["nextOffset"]
            if not piece["content"]:
                return content

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self._process.returncode}")
        try:
            url = f"http://127.0.0.1:{self.port}/health"
            return httpx.get(url, trust_env=False, verify=NO_TRUST).status_code == 200
        except httpx.TransportError:
            return False


PLAIN_IMAGE = "plain"
_TOML = """\
name = "{name}"
description = "Python and nothing else: jobs of tests start at once"
group = "TRAINING"
core_type = "CPU"
framework = "PYTORCH"
framework_version = "0"
python_version = "3.11"
repository = "easymaker/{repository}"
tag = "1"
base_image = "python:3.11-slim-bookworm"
"""


def plain_image(home: Path) -> None:
    """Add an image without packages to the home's own catalogue; both drivers prepare it in seconds, offline."""
    add_image(home, PLAIN_IMAGE, "Plain Python", "plain", "")


def add_image(home: Path, image: str, name: str, repository: str, requirements: str) -> None:
    """Add an image with these packages and nothing else to the home's own catalogue."""
    folder = home / "images" / image
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.toml").write_text(_TOML.format(name=name, repository=repository))
    (folder / "requirements.txt").write_text(requirements)
