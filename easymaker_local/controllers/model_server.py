"""From an examined model to the workload that serves it (FS, MD-11). Pure but for the folder that it fills."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from easymaker_local.controllers.web_workload import listening_host
from easymaker_local.domain import contract
from easymaker_local.domain.model import ModelFormat
from easymaker_local.domain.serving import Place, serving_arguments, serving_environment, serving_start
from easymaker_local.drivers.base import Capabilities, Mount, Resources, Workload
from easymaker_local.kit.bundled import bundled

HTTP_PORT, GRPC_PORT = 8080, 8081
MEMBER = "main"


@dataclass(frozen=True)
class ServedModel:
    """What is served. ``artifact`` is a directory or file that nobody changes; ``requirements`` a file of pip's (FS-09)."""

    name: str
    format: ModelFormat
    artifact: Path
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    requirements: Path | None = None


def build_model_server(
    model: ServedModel, name: str, folder: Path, *, environment: str, resources: Resources, capabilities: Capabilities,
    port: int = HTTP_PORT, grpc_port: int = GRPC_PORT, wheelhouse: Path | None = None,
    labels: Mapping[str, str] | None = None,
) -> Workload:  # fmt: skip
    """Return the workload ``name``; ``folder`` is the server's own, where its log and what it installs lie.

    It has no peers. Where workloads share the machine's network, ports are to be chosen. A server has no way to the daemon and
    no token of it.
    """
    is_private = capabilities.private_paths
    root = contract.NODE_ROOT if is_private else folder
    runtimes = contract.RUNTIMES_ROOT if is_private else bundled("runtimes")
    artifact = contract.MODEL_ROOT / model.artifact.name if is_private else model.artifact
    for part in ("source", "work", "control"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    if model.requirements is not None:
        shutil.copyfile(model.requirements, folder / "source" / "requirements.txt")
    place = Place(PurePosixPath(artifact), port, grpc_port, listening_host(capabilities))
    env = {
        **serving_environment(model.parameters),
        "EM_SOURCE_DIR": str(root / "source"),
        contract.WORK_DIR_VARIABLE: str(root / "work"),
        contract.CONTROL_DIR_VARIABLE: str(root / "control"),
        "HOME": str(root / "work"),
        "PYTHONUNBUFFERED": "1",
    }
    mounts = [Mount(folder, root, read_only=False), Mount(bundled("runtimes"), runtimes), Mount(model.artifact, artifact)]
    if wheelhouse is not None:
        mounts.append(Mount(wheelhouse, contract.WHEELHOUSE_ROOT if is_private else wheelhouse))
        env["PIP_FIND_LINKS"] = str(mounts[-1].target)
    # It cannot see a quota of its container.
    threads = max(1, int(resources.cpus))
    arguments = serving_arguments(model.format, model.name, place, model.parameters)
    return Workload(
        name=name,
        environment=environment,
        command=("python", *serving_start(runtimes), *arguments, f"--threads={threads}"),
        log_path=folder / "server.log",
        resources=resources,
        working_directory=root / "source",
        env=env,
        mounts=tuple(mounts),
        labels=labels or {},
    )
