"""Starts the model server of a pod: artifact, packages, network, workload (SR-L01, FS, MD-L02)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from easymaker_local.artifacts.models.requirements import requirements_of
from easymaker_local.controllers.model_server import MEMBER, ServedModel, build_model_server
from easymaker_local.controllers.pod_files import PodFiles
from easymaker_local.controllers.stage_view import View
from easymaker_local.domain.endpoint import Pod
from easymaker_local.domain.gateway import Backend
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.model_record import Model
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.drivers.base import Driver, Resources
from easymaker_local.errors import AccessDenied, NotFound, PermanentError, StorageError, StorageFull, TransientError
from easymaker_local.services.context import Context
from easymaker_local.services.model_artifacts import local_copy
from easymaker_local.store import models

log = logging.getLogger(__name__)

HTTP, GRPC = "http", "grpc"
_SMALLEST_SHM = 64 << 20
_SMALLEST_CPUS = 0.01


async def start_pod(
    context: Context, view: View, pod: Pod, environment: str, parameters: Callable[[Model], dict[str, str]]
) -> None:
    """Make the pod's workload run; again after a crash in the middle is the same.

    Once the artifact is there it cannot be broken off, as its threads cannot: it has ended when the call has. Raises
    StorageError if the artifact cannot be had, and whatever the driver raises.
    """
    model = view.models.get(view.resource_of(pod).model_id)
    if model is None:
        raise StorageError(f"Model {view.resource_of(pod).model_id} is gone.")
    artifact = await local_copy(context, model)
    run = asyncio.ensure_future(_run(context, view, pod, model, artifact, environment, parameters(model)))
    try:
        await asyncio.shield(run)
    except asyncio.CancelledError:
        await asyncio.wait({run})
        raise


async def _run(
    context: Context, view: View, pod: Pod, model: Model, artifact: Path, environment: str, parameters: Mapping[str, str]
) -> None:
    resource = view.resource_of(pod)
    examination = await context.store.read(lambda db: models.examination(db, model.id))
    files, settings, driver = PodFiles.of(context, pod), context.settings, context.driver

    def prepare() -> Path | None:
        files.begin(model.name)
        content = None if examination is None else requirements_of(artifact, examination)
        if content is None:
            return None
        path = files.folder / "requirements.txt"
        path.write_bytes(content)
        return path

    requirements = await asyncio.to_thread(prepare)
    network = await driver.open_network(pod.network, [MEMBER], [HTTP, GRPC])
    served = ServedModel(model.name, model.format, artifact, parameters, requirements)
    wheelhouse = settings.wheelhouse if settings.wheelhouse is not None and settings.wheelhouse.is_dir() else None
    labels = {"easymaker.kind": "stage", "easymaker.id": pod.stage_id, "easymaker.attempt": str(pod.attempt)}
    workload = await asyncio.to_thread(
        build_model_server, served, pod.workload, files.folder, environment=environment,
        resources=_resources(resource.demand, pod.devices), capabilities=driver.capabilities,
        port=network[MEMBER][HTTP].port, grpc_port=network[MEMBER][GRPC].port, wheelhouse=wheelhouse, labels=labels,
    )  # fmt: skip
    await driver.start(replace(workload, log_path=files.log))


async def backend_of(driver: Driver, pod: Pod) -> Backend | None:
    """Return where the gateway reaches a pod; None unless it runs."""
    ports = (await driver.open_network(pod.network, [MEMBER], [HTTP, GRPC]))[MEMBER]
    found = await driver.reach(pod.workload, ports[HTTP].port)
    return None if found is None else Backend(pod.workload, found.host, found.port, ports[GRPC].port)


def _resources(demand: Amount, devices: tuple[str, ...]) -> Resources:
    memory_bytes = demand.memory_mib << 20
    return Resources(
        cpus=max(_SMALLEST_CPUS, demand.cpu_milli / 1000), memory_bytes=memory_bytes, gpus=devices,
        shm_bytes=max(memory_bytes // 2, _SMALLEST_SHM),
    )  # fmt: skip


def failure_of_start(task: asyncio.Task[None]) -> Cause | None:
    """Return why a start failed for good; None: it went well, or was broken off. Raises TransientError."""
    if task.cancelled():
        return None
    match task.exception():
        case None:
            return None
        case TransientError() as error:
            raise error
        case AccessDenied() as error:
            return Cause(Reason.ACCESS_DENIED, str(error))
        case StorageFull() as error:
            return Cause(Reason.STORAGE_FULL, str(error))
        case StorageError() | NotFound() as error:
            return Cause(Reason.INPUT_MISSING, str(error))
        case PermanentError() | OSError() as error:
            return Cause(Reason.START_FAILED, str(error))
        case error:
            log.error("a start failed", exc_info=error)
            return Cause(Reason.START_FAILED, f"A fault of the daemon, whose log says more: {error}.")
